"""Asking one source about revocation, and judging what comes before anybody relies on it.

By the code that will judge by it, for a certificate that needs it: a stale answer, one of another
signer, a partial one is no better than none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from certs.certificate import Certificate
from certs.errors import DerMalformed, OcspReason, OcspRefused
from certs.status import ocsp
from certs.status.crl import RevocationList
from certs.status.revocation import CrlSource, Unknown
from certs.validation.link import link_of
from mailbox_store.database import Database
from mss_gateway.directory.fetching import Fetcher, FetchRefused, Question, Trouble
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_answers import Received, Record
from mss_gateway.directory.revocation_sources import Source, ocsp_address, subject_of

LIST_OCTETS: Final = 64 * 1024 * 1024
LIST_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 10.0
"""For the whole of one fetch, connecting included: of a list, and of an answer by OCSP."""


class Unusable(Exception):
    """What came proves nothing; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server says that our copy is current, and how it names that copy now."""

    etag: str
    last_modified: str


class Asker:
    """Asks and judges; keeps nothing."""

    def __init__(
        self, database: Database, kept: Kept, fetcher: Fetcher, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._kept = kept
        self._fetcher = fetcher
        self._clock = clock

    def ask(self, source: Source, record: Record | None) -> Received | Unchanged:
        """A good answer of ``source``, of which ``record`` is known.

        Raises :class:`FetchRefused` when none came, :class:`Unusable` or ``OcspRefused`` when it
        proves nothing.
        """
        return (self._list if source.kind == "crl" else self._responders)(source, record)

    def _list(self, source: Source, record: Record | None) -> Received | Unchanged:
        question = Question(
            source.url, "application/pkix-crl, */*;q=0.1", LIST_OCTETS, LIST_SECONDS
        )
        if record is not None and record.is_fresh(self._clock()):
            question = replace(question, etag=record.etag, last_modified=record.last_modified)
        reply = self._fetcher.fetch(question)
        if reply.is_unchanged:
            return Unchanged(reply.etag, reply.last_modified)
        begin, end = _dates_of_list(reply.body, source, self._now())
        return Received(
            *("crl", source.name, subject_of(source), reply.body, begin, end),
            *(reply.etag, reply.last_modified),
        )

    def _responders(self, source: Source, _record: Record | None) -> Received:
        """One after the other, until one answers well; else what the first one came to."""
        refused: Exception | None = None
        for url in (source.url, *source.others):
            try:
                der, judged = self._asked(url, *source.about[0])
            except (FetchRefused, OcspRefused) as error:
                refused = refused or error
            else:
                begin, end = (int(each.timestamp()) for each in (judged.this_update, judged.until))
                return Received("ocsp", source.name, subject_of(source), der, begin, end)
        assert refused is not None
        raise refused

    def _asked(
        self, url: str, certificate: Certificate, issuer: Certificate
    ) -> tuple[bytes, ocsp.Judged]:
        """An answer, asked for by SHA-256 and, of who does not know that, by SHA-1."""
        for digest in ("sha-256", "sha-1"):
            der = self._posed(url, ocsp.make_request(certificate, issuer, digest=digest))
            try:
                with self._database.read() as view:
                    lists = self._kept.lists_in(view)
                    return der, ocsp.judge(der, certificate, issuer, self._now(), lists=lists)
            except OcspRefused as error:
                if digest == "sha-1" or error.reason not in _NOT_FOUND:
                    raise
        raise AssertionError  # the last turn returns or raises

    def _posed(self, url: str, request: bytes) -> bytes:
        """By GET, that caches answer; by POST where that is too long or not understood."""
        accept, address = "application/ocsp-response", ocsp_address(url, request)
        if address is not None:
            question = Question(address, accept, ocsp.MAX_OCTETS, ANSWER_SECONDS)
            try:
                return self._fetcher.fetch(question).body
            except FetchRefused as error:
                if error.trouble is not Trouble.STATUS or error.status not in _NO_GET:
                    raise
        sent = Question(
            *(url, accept, ocsp.MAX_OCTETS, ANSWER_SECONDS, request, "application/ocsp-request")
        )
        return self._fetcher.fetch(sent).body

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _dates_of_list(der: bytes, source: Source, at: datetime) -> tuple[int, int]:
    """thisUpdate and nextUpdate of a list that answers for one of those who need it."""
    try:
        lists = CrlSource((der,))
    except DerMalformed:
        raise Unusable("not a revocation list") from None
    for certificate, issuer in source.about:
        status = lists.status(certificate, issuer, at)
        answer = None if isinstance(status, Unknown) else status.answer
        if answer is not None and answer.next_update is not None:
            return int(answer.this_update.timestamp()), int(answer.next_update.timestamp())
    raise Unusable(_fault(RevocationList(der), source, at))


def _fault(crl: RevocationList, source: Source, at: datetime) -> str:
    """Why a list answers nothing, in plain words."""
    if not crl.is_usable:
        return "a list with a critical extension that we do not know"
    if crl.base is not None:
        return "a delta list where a complete one is needed"
    if not crl.is_fresh(at):
        return "stale" if crl.has_begun(at) else "of a time to come"
    if not any(crl.is_signed_by(link_of(issuer)) for _, issuer in source.about):
        return "not signed by the issuer"
    return "a list about other certificates"


_NOT_FOUND: Final = frozenset(
    {OcspReason.NOT_SUCCESSFUL, OcspReason.OTHER_CERTIFICATE, OcspReason.STATUS_UNKNOWN}
)
"""What a responder answers that knows its certificates by another digest."""

_NO_GET: Final = frozenset({400, 403, 404, 405, 411, 414, 501})
"""What a server answers that takes requests by POST only."""
