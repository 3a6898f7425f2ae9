"""The personal address of a patient: given, confirmed by a code, exchanged, taken back.

Whoever had the notices before hears that they have them no more. On record without the address.
"""

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.directory import contact, notices
from mss_gateway.directory.contact import CODE_SECONDS, ContactRefused, Fault, Outcome, State
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.notices import Apart
from mss_gateway.life import notices as life
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit


def is_of_trust_space(gateway: Gateway, view: View, domain: str) -> bool:
    """Whether a domain is, or is below, one of ours or of the white list."""
    site = gateway.config.site
    ours = (*site.domains, site.patient_domain)
    if any(domain == one or domain.endswith("." + one) for one in ours):
        return True
    return gateway.whitelist(view).domain_above(domain) is not None


def normal(gateway: Gateway, view: View, text: str) -> str:
    """A personal address in its one form; raises :class:`contact.ContactRefused`."""
    return contact.normal(text, lambda domain: is_of_trust_space(gateway, view, domain))


def ask(gateway: Gateway, account_id: AccountId, text: str) -> None:
    """Send a code to an address, which is used once it is typed; raises ContactRefused."""
    with gateway.database.read() as view:
        address = normal(gateway, view, text)
    _send_code(gateway, account_id, address)


def ask_again(gateway: Gateway, account_id: AccountId) -> None:
    """Another code to the address that waits for one; raises ContactRefused."""
    with gateway.database.read() as view:
        address = contact.of_account(view, account_id).pending
    if not address:
        raise ContactRefused(Fault.MALFORMED)
    _send_code(gateway, account_id, address)


def _send_code(gateway: Gateway, account_id: AccountId, address: str) -> None:
    def unit(tx: Transaction) -> None:
        apart = Apart(address, CODE_SECONDS, contact.ask(tx, account_id, address))
        now = gateway.queue_clock.now()
        notices.enter_apart(tx, account_id, Kind.CONTACT_CODE, apart, now)
        _record(tx, f"account:{account_id}", account_id, "contact asked")

    gateway.database.write(unit)


def confirm(gateway: Gateway, account_id: AccountId, code: str) -> Outcome:
    """Try the code that was sent; on CONFIRMED, notices go to the new address from now on."""

    def unit(tx: Transaction) -> Outcome:
        failing = contact.of_account(tx, account_id).state is State.FAILING
        outcome, former = contact.confirm(tx, account_id, code)
        if outcome is Outcome.CONFIRMED:
            _tell_former(gateway, tx, account_id, "" if failing else former)
            _record(tx, f"account:{account_id}", account_id, "contact confirmed")
        return outcome

    return gateway.database.write(unit)


def abandon(gateway: Gateway, account_id: AccountId) -> None:
    """Forget the address that was to be confirmed, and the code on its way."""

    def unit(tx: Transaction) -> None:
        contact.abandon(tx, account_id)
        notices.clear_kind(tx, account_id, Kind.CONTACT_CODE)

    gateway.database.write(unit)


def remove(gateway: Gateway, tx: Transaction, account_id: AccountId, actor: str) -> bool:
    """Send nothing any more to the address in use, which hears so; False when there is none."""
    found = contact.of_account(tx, account_id)
    former = contact.remove(tx, account_id)
    notices.clear_kind(tx, account_id, Kind.CONTACT_CODE)
    notices.clear(tx, account_id)
    if not former:
        return False
    _tell_former(gateway, tx, account_id, "" if found.state is State.FAILING else former)
    _record(tx, actor, account_id, "contact removed")
    return True


def place(
    gateway: Gateway, tx: Transaction, account_id: AccountId, address: str, actor: str
) -> None:
    """Use an address (as :func:`normal` gave it) that ``actor``, an operator, vouches for."""
    found = contact.of_account(tx, account_id)
    former = contact.place(tx, account_id, address)
    notices.clear_kind(tx, account_id, Kind.CONTACT_CODE)
    _tell_former(gateway, tx, account_id, "" if found.state is State.FAILING else former)
    _record(tx, actor, account_id, "contact placed")


def _tell_former(gateway: Gateway, tx: Transaction, account_id: AccountId, former: str) -> None:
    if former and life.is_on(gateway.config):
        apart, now = Apart(former, life.PATIENCE_SECONDS), gateway.queue_clock.now()
        notices.enter_apart(tx, account_id, Kind.CONTACT_CHANGED, apart, now)


def _record(tx: Transaction, actor: str, account_id: AccountId, verdict: str) -> None:
    about = f"account:{account_id}"
    audit.record(tx, actor=actor, act="people", object=about, verdict=verdict)
