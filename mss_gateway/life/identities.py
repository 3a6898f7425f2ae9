"""Who writes as whom: as oneself, or as an organisation's box that the directory shares with one.

A secretary writes in the name of the box in two ways: signed in for it (its address is the
authorisation identity), or signed in as oneself with the box's address in MAIL. Either way the box
is the author, for the rules, the signature and the recipient; who it really was, the actor, is on
record. That the directory lets them is asked at MAIL and again in the committing transaction: a
membership that ended, or lost its right ``p``, counts for the next message and for the one begun.
"""

from dataclasses import replace

from mailbox_store.database import View
from mss_gateway.directory import members, people
from mss_gateway.directory.people import Person
from mss_gateway.life.authn import Admission
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import EmailAddress
from policies.people import Party


def writer(
    gateway: Gateway, signed_in: Admission, reverse_path: EmailAddress | None
) -> tuple[Person, Person | None]:
    """The author of a message with this reverse-path, and the actor when they are not the author.

    Who may not write so stays the author of it, or the actor: the rules refuse what is not theirs.
    """
    person, box = signed_in.person, signed_in.box
    if box.account_id != person.account_id:
        return box, person
    if reverse_path is None or str(reverse_path) == person.address:
        return person, None
    with gateway.database.read() as view:
        shared = _shared(view, person, str(reverse_path))
    return (person, None) if shared is None else (shared, person)


def party(view: View, author: Person, actor: Person | None) -> Party:
    """The author as the rules see them at this moment.

    An actor who may not write for the box any more leaves it without an address to write from; one
    whose own account is out of use puts it out of use for this message.
    """
    box = people.by_account(view, author.account_id).party
    if actor is None:
        return box
    if not members.may_post(view, author.account_id, actor.account_id):
        return replace(box, addresses=frozenset())
    standing = people.by_account(view, actor.account_id).standing
    return box if standing.receives else replace(box, standing=standing)


def on_record(author: Person, actor: Person | None) -> tuple[str, str]:
    """Who acts, for the audit, and what follows there: in whose name, unless their own."""
    if actor is None:
        return f"account:{author.account_id}", ""
    return f"account:{actor.account_id}", f" as account:{author.account_id}"


def _shared(view: View, person: Person, address: str) -> Person | None:
    """The box of this address that the person is a member of and may write for.

    Looked for among the person's own memberships: whether an address exists is told to nobody, not
    even by the time that a look-up takes (threat T10).
    """
    for membership in members.of_person(view, person.account_id):
        box = people.by_account(view, membership.box)
        if box.address == address and members.may_post(view, box.account_id, person.account_id):
            return box
    return None
