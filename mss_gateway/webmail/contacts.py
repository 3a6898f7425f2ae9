"""Whom a patient may write to, and whom not any more: what is offered, as policy answers it.

A contact is named by a token of its own per patient; an address reaches no page (domain CIT-06).
What is offered is what ``decide.at_recipient`` permits at that moment; sending asks again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mailbox_store import correspondences, threads
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.dossier.search_words import folded
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import policy
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.policy import Envelope
from mss_gateway.life.threads import with_one
from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_address
from policies import decide
from policies.verdict import Permit

CHANNEL = "webmail"

_TITLES = frozenset({"dr", "pr", "m", "mme", "mlle", "me"})
"""What stands before a name and does not decide its place in a list."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody whom a patient knows. ``objection`` is a key of ``fr.toml``, empty when allowed."""

    token: str
    name: str
    address: EmailAddress
    reason: str
    changed_at: int
    objection: str

    @property
    def is_open(self) -> bool:
        """Whether the patient may write now."""
        return not self.objection


def envelope_of(patient: Person) -> Envelope:
    """The envelope of what this patient sends from a page."""
    return Envelope(patient, parse_address(patient.address), CHANNEL)


def of_patient(gateway: Gateway, view: View, patient: Person) -> list[Contact]:
    """Everyone who wrote to the patient, the latest first, then the pharmacies open to all."""
    found: dict[str, Contact] = {}
    for known in correspondences.of_patient(view, patient.account_id):
        holder = people.by_address(view, known.professional)
        name = known.display_name if holder is None else holder.display_name()
        found[known.professional] = _contact(
            gateway, view, patient, known.professional, name, "web.raison_ecrit", known.changed_at
        )
    for holder in _open_to_all(view):
        if holder.address not in found:
            made = _contact(
                gateway, view, patient, holder.address, holder.display_name(), "web.raison_ouvert"
            )
            if made.is_open:
                found[holder.address] = made
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of contacts. ``thread_id``: what was exchanged with them alone, or 0."""

    contact: Contact
    thread_id: int


def book(gateway: Gateway, view: View, patient: Person, words: str) -> list[Entry]:
    """Everyone whom the patient knows by name, sorted; whose name holds all ``words``, if any."""
    wanted = folded(words).split()
    known = [
        contact
        for contact in of_patient(gateway, view, patient)
        if all(word in folded(contact.name) for word in wanted)
    ]
    indexes = [with_one(view, patient.account_id, str(contact.address)) for contact in known]
    numbers = threads.numbered(view, patient.account_id, indexes)
    entries = [
        Entry(contact, numbers.get(index, 0)) for contact, index in zip(known, indexes, strict=True)
    ]
    return sorted(entries, key=lambda entry: _sorted_by(entry.contact.name))


def _sorted_by(name: str) -> list[str]:
    words = folded(name).split()
    return [word for word in words if word.rstrip(".") not in _TITLES] or words


def named(
    gateway: Gateway, view: View, patient: Person, tokens: Iterable[str]
) -> list[tuple[str, EmailAddress]]:
    """Name and address behind each token that a form brought back.

    A token that was never given out may be a forged form's: policy is asked about what it names,
    so that the refusal is the one of the rule, and on record. Raises Refused.
    """
    known = {contact.token: contact for contact in of_patient(gateway, view, patient)}
    found = []
    for token in dict.fromkeys(tokens):
        contact = known.get(token)
        if contact is not None:
            found.append((contact.name, contact.address))
            continue
        try:
            stranger = parse_address(token)
        except AddressMalformed:
            raise Refused(Failure.NOT_YET_CONTACTED, "no such contact") from None
        found.append(("", stranger))
    return found


def contact_for(gateway: Gateway, view: View, patient: Person, address: str) -> Contact:
    """One address as a contact, known or not, with what policy says of it."""
    holder = people.by_address(view, address)
    name = _name_of(view, patient, address) if holder is None else holder.display_name()
    return _contact(gateway, view, patient, address, name, "web.raison_ecrit")


def _name_of(view: View, patient: Person, address: str) -> str:
    """How somebody of another operator signed when they wrote to the patient; else empty."""
    known = correspondences.of_patient(view, patient.account_id)
    return next((one.display_name for one in known if one.professional == address), "")


def _contact(
    gateway: Gateway,
    view: View,
    patient: Person,
    address: str,
    name: str,
    reason: str,
    changed_at: int = 0,
) -> Contact:
    parsed = parse_address(address)
    facts = policy.recipient_facts(gateway, view, envelope_of(patient).writer, parsed, 0)
    verdict = decide.at_recipient(facts)
    objection = "" if isinstance(verdict, Permit) else row(Failure[verdict.reason.name]).text
    return Contact(_token(view, patient, address), name, parsed, reason, changed_at, objection)


def _token(view: View, patient: Person, address: str) -> str:
    """Keyed, and another one for each patient: two patients cannot compare what they see."""
    return view.vault.index.of("webmail-contact", f"{patient.account_id}|{address}").hex()


def _open_to_all(view: View) -> list[Person]:
    """Mailboxes flagged to be written to first, the public ones (domain CIT-05)."""
    rows = view.sql(
        "SELECT account_id FROM people WHERE accepts_patient_initiated = 1 AND is_unlisted = 0"
        " ORDER BY account_id"
    ).fetchall()
    return [people.by_account(view, AccountId(account_id)) for (account_id,) in rows]
