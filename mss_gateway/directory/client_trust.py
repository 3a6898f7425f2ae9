"""Certificates of TLS clients: whose boxes they open, and whether we believe them today.

For applications (RFC 4422 §A, the mechanism EXTERNAL): the TLS handshake proves that the client has
the key; here its certificate is validated again, for the purpose of client authentication and with
revocation, each time somebody signs in, because a resumed TLS session repeats no validation. No
answer about revocation is a refusal. Nothing is fetched: lists are files that the operator keeps
up to date.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from certs import chain
from certs.anchors import Anchors
from certs.certificate import Certificate, addresses, from_pem, to_der
from certs.errors import DerMalformed
from certs.issue import Authority
from certs.revocation import CrlSource, Good, RevocationReason, Revoked, Status
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.directory import certificates, people
from mss_gateway.directory.certificates import CertificateUnknown, Held
from mss_gateway.directory.people import Person
from mss_gateway.message.address import AddressMalformed, parse_address
from mss_gateway.observability import log

BOX_TYPES: Final = ("APP", "ORG")
"""Boxes that a certificate may open: those of programs, not of people."""

LIST_OCTETS: Final = 32 * 1024 * 1024
LISTS: Final = 50
"""Revocation lists read from the folder, and the size of each, at most."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """Lists as they lay in the folder at some moment."""

    seen: tuple[tuple[str, int, int], ...]
    source: CrlSource


class Lists:
    """Revocation lists (DER) of a folder; read again when a file of it has changed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._kept = _Folder((), CrlSource(()))

    def source(self) -> CrlSource:
        """What the folder says now; a file that is no list is passed over, and logged once."""
        if self._folder is None:
            return self._kept.source
        with self._turn:
            files = self._files(self._folder)
            seen = tuple(entry for _, entry in files)
            if seen != self._kept.seen:
                self._kept = _Folder(seen, CrlSource(self._readable([path for path, _ in files])))
            return self._kept.source

    def _files(self, folder: Path) -> list[tuple[Path, tuple[str, int, int]]]:
        try:
            found = sorted(folder.iterdir())[:LISTS]
            stats = [(path, path.stat()) for path in found if path.is_file()]
        except OSError as error:
            log.note("revocation lists not read", stage="authn", error=type(error).__name__)
            return []
        return [
            (path, (path.name, stat.st_mtime_ns, stat.st_size))
            for path, stat in stats
            if stat.st_size <= LIST_OCTETS
        ]

    def _readable(self, paths: Sequence[Path]) -> list[bytes]:
        lists = []
        for path in paths:
            try:
                der = path.read_bytes()
                CrlSource((der,))
            except (OSError, DerMalformed) as error:
                log.note("revocation list not read", stage="authn", error=type(error).__name__)
            else:
                lists.append(der)
        return lists


@dataclass(frozen=True, slots=True)
class _Revocation:
    """The gateway's own authority answers from the directory, every other one by its lists."""

    view: View
    own: tuple[Certificate, ...]
    lists: CrlSource

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """As ``certs.revocation.RevocationSource``."""
        if issuer not in self.own:
            return self.lists.status(certificate, issuer, at)
        held = _held(self.view, certificate)
        if held is None or held.revoked_at is None:
            return Good()
        since = datetime.fromtimestamp(held.revoked_at, UTC)
        return Revoked(since, RevocationReason.UNSPECIFIED)


class ClientTrust:
    """Whom we believe about TLS clients.

    ``authorities`` are those of the operator's file: the self-signed ones are anchors, the others
    intermediates. Intermediates that a client sends are not looked at: a resumed session has none.
    """

    def __init__(
        self, authorities: Sequence[Certificate], own: Authority | None, lists: Lists
    ) -> None:
        """Raises ValueError when no authority is self-signed: no path would have an end."""
        roots = tuple(each for each in authorities if each.subject == each.issuer)
        if not roots:
            raise ValueError("no self-signed authority")
        self.authorities = (*authorities, *(() if own is None else own.chain))
        self._intermediates = tuple(each for each in self.authorities if each not in roots)
        self._anchors = Anchors({Purpose.CLIENT: roots})
        self._own = () if own is None else (own.root, own.issuing)
        self._lists = lists

    @classmethod
    def load(cls, path: Path, own: Authority | None, lists: Path | None) -> "ClientTrust":
        """Read the authorities of a PEM file; raises OSError, DerMalformed, ValueError."""
        return cls(from_pem(path.read_bytes()), own, Lists(lists))

    def check(self, view: View, certificate: Certificate, at: datetime) -> None:
        """Whether the certificate is believed at ``at`` (aware); raises ``ChainRejected``."""
        source = _Revocation(view, self._own, self._lists.source())
        chain.validate(certificate, self._intermediates, self._anchors, Purpose.CLIENT, at, source)


def owners(view: View, certificate: Certificate) -> list[Person]:
    """The boxes that a believed certificate speaks for; none when it speaks for nobody here.

    The directory knows it as the box's own, or it names the address of the box (rfc822Name). Only
    boxes of :data:`BOX_TYPES` that are open. Raises ``DerMalformed``.
    """
    held = _held(view, certificate)
    if held is not None:
        named = [people.by_account(view, held.account_id)] if held.state == "active" else []
    else:
        found = (people.by_address(view, address) for address in _named(certificate))
        named = [person for person in found if person is not None]
    return [one for one in named if one.box_type in BOX_TYPES and one.standing.receives]


def _held(view: View, certificate: Certificate) -> Held | None:
    """The certificate as the directory keeps it, if it does."""
    try:
        held = certificates.find(view, f"{certificate.serial_number:x}")
    except CertificateUnknown:
        return None
    return held if to_der(held.certificate) == to_der(certificate) else None


def _named(certificate: Certificate) -> list[str]:
    """The addresses in normal form, each once; what is no address of this space is passed over."""
    found: dict[str, None] = {}
    for written in addresses(certificate):
        try:
            found[str(parse_address(written))] = None
        except AddressMalformed:
            continue
    return list(found)
