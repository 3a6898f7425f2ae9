"""What is known of the revocation of a certificate, here and now. Nothing here fetches.

Three witnesses, all of them at hand: the directory for what our own authority issued, the lists
that the operator puts into a folder, the answers that were fetched in the background and kept.
A Revoked of any of them counts; a Good counts when nobody says Revoked; else it is Unknown, and
``certs.validation.chain`` says for which purposes that is a refusal.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from certs.certificate import Certificate
from certs.errors import CertsError
from certs.status import ocsp
from certs.status.revocation import (
    CLOCK_SKEW,
    Answer,
    CrlSource,
    Good,
    RevocationReason,
    RevocationSource,
    Revoked,
    Status,
    Unknown,
)
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, revocation_answers
from mss_gateway.directory.revocation_answers import AnswerMissing, KeptAnswer
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.revocation_sources import answer_for, lists_of
from mss_gateway.observability import log

LISTS_OCTETS: Final = 256 * 1024 * 1024
"""Kept lists held ready at most; past it the least recently used is read again when asked for."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """The witnesses together, for one view of the store.

    ``own``: the certificates of the gateway's own authority, whose certificates the directory
    knows. ``kept`` None: nothing is fetched here.
    """

    view: View
    own: tuple[Certificate, ...]
    lists: Lists
    kept: "Kept | None" = None

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """As ``certs.status.revocation.RevocationSource``."""
        if issuer in self.own:
            return _of_directory(self.view, certificate, at)
        said: list[Status] = [self.lists.source().status(certificate, issuer, at)]
        taken_back = _of_directory(self.view, certificate, at)
        if isinstance(taken_back, Revoked):
            said.insert(0, taken_back)  # by the operator, whoever issued it
        if self.kept is not None and not isinstance(said[0], Revoked):
            said.append(self.kept.status(self.view, certificate, issuer, at))
        return gravest(said)

    def find(self, digest: str) -> bytes | None:
        """The list or answer with this SHA-256 in hexadecimal, to be kept as evidence.

        None when it is not here any more, or there never was one (what the directory says).
        """
        found = self.lists.find(digest)
        if found is None and self.kept is not None and digest:
            found = self.kept.find(self.view, bytes.fromhex(digest))
        return found


class Kept:
    """The kept answers, read once and held ready; one for the whole of a running gateway."""

    def __init__(self, account_id: AccountId, octets: int = LISTS_OCTETS) -> None:
        """``account_id``: under whose key they are sealed, the gateway's own."""
        self.account_id = account_id
        self._octets = octets
        self._turn = threading.Lock()
        self._lists: OrderedDict[tuple[bytes, ...], _Loaded] = OrderedDict()

    def status(
        self, view: View, certificate: Certificate, issuer: Certificate, at: datetime
    ) -> Status:
        """What the kept answers say at ``at`` (aware)."""
        said = [self.listed(view, certificate, issuer, at)]
        for one in _holding(view, "ocsp", answer_for(certificate, issuer), at):
            der = self.find(view, one.digest)
            if der is not None:
                lists = self.lists_in(view)
                said.append(ocsp.read_answer(der, certificate, issuer, at, lists=lists))
        return gravest(said)

    def listed(
        self, view: View, certificate: Certificate, issuer: Certificate, at: datetime
    ) -> Status:
        """What the kept lists alone say."""
        lists = _holding(view, "crl", lists_of(issuer), at)
        if not lists:
            return Unknown()
        source = self._loaded(view, lists)
        return Unknown() if source is None else source.status(certificate, issuer, at)

    def lists_in(self, view: View) -> RevocationSource:
        """The kept lists as a source of their own, for one view."""
        return _Listed(self, view)

    def _loaded(self, view: View, lists: list[KeptAnswer]) -> CrlSource | None:
        """The lists of one issuer, together: each may cover a part of its certificates."""
        digests = tuple(one.digest for one in lists)
        with self._turn:  # two threads would both read 60 MB
            found = self._lists.get(digests)
            if found is None:
                read = [der for one in lists if (der := self.find(view, one.digest)) is not None]
                try:
                    found = _Loaded(CrlSource(read), sum(map(len, read)))
                except CertsError as error:
                    log.note("kept answer not read", error=type(error).__name__)
                    return None
                self._lists[digests] = found
                while len(self._lists) > 1 and self._held() > self._octets:
                    self._lists.popitem(last=False)
            self._lists.move_to_end(digests)
            return found.source

    def find(self, view: View, digest: bytes) -> bytes | None:
        """The kept answer with this SHA-256; None when there is none, or it is damaged."""
        try:
            return revocation_answers.load(view, self.account_id, digest)
        except (AnswerMissing, CertsError) as error:
            log.note("kept answer not read", error=type(error).__name__)
            return None

    def _held(self) -> int:
        return sum(each.octets for each in self._lists.values())


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Lists held ready."""

    source: CrlSource
    octets: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """The kept lists alone: what is asked about the certificate of an OCSP responder."""

    kept: Kept
    view: View

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """As ``certs.status.revocation.RevocationSource``."""
        return self.kept.listed(self.view, certificate, issuer, at)


def gravest(said: list[Status]) -> Status:
    """Revoked before Good before Unknown."""
    for kind in (Revoked, Good):
        for each in said:
            if isinstance(each, kind):
                return each
    return said[0] if said else Unknown()


def _holding(view: View, kind: str, subject: str, at: datetime) -> list[KeptAnswer]:
    """The answers of a kind about ``subject`` whose dates allow ``at``."""
    moment, skew = at.timestamp(), CLOCK_SKEW.total_seconds()
    return [
        one
        for one in revocation_answers.about(view, subject)
        if one.kind == kind and one.this_update - skew <= moment <= one.next_update
    ]


def _of_directory(view: View, certificate: Certificate, at: datetime) -> Status:
    basis = Answer("directory", "", at, None)
    held = certificates.known(view, certificate)
    if held is None or held.revoked_at is None:
        return Good(basis)
    reason = held.revocation_reason or RevocationReason.UNSPECIFIED
    return Revoked(datetime.fromtimestamp(held.revoked_at, UTC), reason, basis)
