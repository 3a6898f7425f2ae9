"""Certificates of TLS clients: whose boxes they open, and whether we believe them today.

For applications (RFC 4422 §A, the mechanism EXTERNAL): the certificate is validated again, as
:mod:`tls_trust` says, each time somebody signs in. Lists are files that the operator keeps up to
date, or were fetched in the background.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from certs.certificate import Certificate, addresses, from_pem
from certs.issuing.issue import Authority
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.directory import certificates, people
from mss_gateway.directory.people import Person
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.tls_trust import TlsTrust
from mss_gateway.message.address import AddressMalformed, parse_address

BOX_TYPES: Final = ("APP", "ORG")
"""Boxes that a certificate may open: those of programs, not of people."""


class ClientTrust(TlsTrust):
    """Whom we believe about TLS clients."""

    def __init__(
        self,
        authorities: Sequence[Certificate],
        own: Authority | None,
        lists: Lists,
        kept: Kept | None = None,
    ) -> None:
        """Raises ValueError when no authority is self-signed: no path would have an end."""
        super().__init__(authorities, (Purpose.CLIENT,), own, lists, kept)

    @classmethod
    def load(
        cls, path: Path, own: Authority | None, lists: Path | None, kept: Kept | None = None
    ) -> "ClientTrust":
        """Read the authorities of a PEM file; raises OSError, DerMalformed, ValueError."""
        return cls(from_pem(path.read_bytes()), own, Lists(lists), kept)

    def check(self, view: View, certificate: Certificate, at: datetime) -> None:
        """Whether the certificate is believed at ``at`` (aware); raises ``ChainRejected``."""
        self.judge(view, certificate, Purpose.CLIENT, at)


def owners(view: View, certificate: Certificate) -> list[Person]:
    """The boxes that a believed certificate speaks for; none when it speaks for nobody here.

    The directory knows it as the box's own, or it names the address of the box (rfc822Name). Only
    boxes of :data:`BOX_TYPES` that are open. Raises ``DerMalformed``.
    """
    held = certificates.known(view, certificate)
    if held is not None:
        named = [people.by_account(view, held.account_id)] if held.state == "active" else []
    else:
        found = (people.by_address(view, address) for address in _named(certificate))
        named = [person for person in found if person is not None]
    return [one for one in named if one.box_type in BOX_TYPES and one.standing.receives]


def _named(certificate: Certificate) -> list[str]:
    """The addresses in normal form, each once; what is no address of this space is passed over."""
    found: dict[str, None] = {}
    for written in addresses(certificate):
        try:
            found[str(parse_address(written))] = None
        except AddressMalformed:
            continue
    return list(found)
