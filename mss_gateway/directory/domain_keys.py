"""The certificate of a domain: what another operator encrypts to whose own certificate is unknown.

RFC 3183 §2.3.2 names its holder ``domain-confidentiality-authority@`` the domain. The gateway opens
what was closed to it for every recipient of the domain. So an operator need not publish who its
patients are for others to write to them in confidence.
"""

from typing import Final

from certs.certificate import Certificate
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.config import Mailboxes
from mss_gateway.directory import people
from mss_gateway.directory.cabinet import Cabinet
from mss_gateway.directory.people import NewPerson, Person, Traits

LOCAL_PART: Final = "domain-confidentiality-authority"


def address_for(domain: str) -> str:
    """The address that a domain's certificate names."""
    return f"{LOCAL_PART}@{domain}"


def is_domain_key(address: str) -> bool:
    """Whether an address in normal form is that of a domain's certificate, not of a mailbox."""
    return address.partition("@")[0] == LOCAL_PART


def holder(view: View, domain: str) -> Person | None:
    """Who holds the key of a domain here; None until it is made."""
    return people.by_address(view, address_for(domain))


def ensure(tx: Transaction, domain: str, operator: str, names: Mailboxes) -> Person:
    """The holder of the key of a domain, opened when there is none."""
    known = holder(tx, domain)
    if known is not None:
        return known
    traits = Traits(entity=f"{operator} ({domain})")
    return people.add(tx, NewPerson(address_for(domain), "APP", traits, is_unlisted=True), names)


def openers(view: View, cabinet: Cabinet, recipient: str) -> list[tuple[Certificate, PrivateKey]]:
    """What opens messages closed to the domain of ``recipient``, the newest key first."""
    found = holder(view, recipient.rpartition("@")[2])
    return [] if found is None else cabinet.openers(view, found.account_id)


def openers_of(
    view: View, cabinet: Cabinet, account_id: AccountId
) -> list[tuple[Certificate, PrivateKey]]:
    """What opens a message for an account: its own keys, then those of its domain."""
    address = people.by_account(view, account_id).address
    return [*cabinet.openers(view, account_id), *openers(view, cabinet, address)]
