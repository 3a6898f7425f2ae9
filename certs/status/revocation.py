"""Revocation: what lists say of a certificate (RFC 5280 §6.3). Nothing here fetches.

Lists are handed in; one counts when it is for such certificates and reasons, when an issuer that
may sign lists has signed it, and when it is fresh. Complete, partitioned, indirect and delta lists
are read. What we cannot read answers nothing: unknown is not good.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509

from certs.certificate import Certificate
from certs.errors import ChainRejected, DerMalformed
from certs.status.answers import Answer as Answer
from certs.status.answers import Good as Good
from certs.status.answers import Revocation as Revocation
from certs.status.answers import RevocationReason as RevocationReason
from certs.status.answers import RevocationSource as RevocationSource
from certs.status.answers import Revoked as Revoked
from certs.status.answers import Status as Status
from certs.status.answers import Unknown as Unknown
from certs.status.crl import Entry, RevocationList
from certs.status.distribution import ALL_REASONS, Point, Reasons
from certs.usage import Rule, Usage
from certs.validation import path_rules, paths
from certs.validation.link import CLOCK_SKEW as CLOCK_SKEW
from certs.validation.link import Link, link_of
from certs.validation.names import Name
from certs.validation.paths import BOUNDS, Bounds, Path
from certs.validation.policies_tree import ANY_POLICY
from certs.validation.trail import Trail

MAX_NESTING: Final = 3
"""Lists that must be read to believe the signer of a list: an indirect one needs one more."""

_ANY_USE: Final = Rule(None, Usage(0))
"""Of a signer of lists only the key usage is asked, and that elsewhere."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Who may have signed lists beside the certificate of the issuer itself.

    Another certificate of the same authority, by another of its keys, or whoever an indirect list
    is by: among ``certificates``, and led to by one of the ``anchors``, the same one as to the
    issuer of the certificate in question (RFC 5280 §6.3.3 (f)).
    """

    certificates: tuple[Certificate, ...]
    anchors: tuple[Certificate, ...]


class CrlSource:
    """Answers from revocation lists given as DER (RFC 5280 §6.3.3); several of one may overlap."""

    __slots__ = ("_anchors", "_bounds", "_by_issuer", "_deltas", "_signers")

    def __init__(
        self, lists: Iterable[bytes], signers: Signers | None = None, bounds: Bounds = BOUNDS
    ) -> None:
        """Raises :class:`DerMalformed` when a list is not one.

        A list with an unknown critical extension is passed over: it answers nothing.
        """
        self._by_issuer: dict[Name, list[RevocationList]] = {}
        self._deltas: dict[Name, list[RevocationList]] = {}
        for each in map(RevocationList, lists):
            if each.is_usable and each.issuer:
                kept = self._by_issuer if each.base is None else self._deltas
                kept.setdefault(each.issuer, []).append(each)
        for found in (*self._by_issuer.values(), *self._deltas.values()):
            found.sort(key=lambda each: each.this_update, reverse=True)
        self._signers = _links(() if signers is None else signers.certificates)
        self._anchors = _links(() if signers is None else signers.anchors)
        self._bounds = bounds

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """What the lists say at ``at`` of a certificate that ``issuer`` signed."""
        try:
            return self._status(link_of(certificate), link_of(issuer), at, frozenset())
        except DerMalformed:
            return Unknown()

    def _status(self, link: Link, issuer: Link, at: datetime, busy: frozenset[str]) -> Status:
        """As :meth:`status`, while the signers of the lists ``busy`` are being judged.

        Those lists are asked last, and then believed, when nobody else knows: an authority may put
        the signer of its lists on these lists only (RFC 5280 §6.3.3 forbids no circle).
        """
        status = self._read(link, issuer, at, busy, frozenset())
        if busy and isinstance(status, Unknown):
            return self._read(link, issuer, at, busy, busy)
        return status

    def _read(
        self,
        link: Link,
        issuer: Link,
        at: datetime,
        busy: frozenset[str],
        believed: frozenset[str],
    ) -> Status:
        covered: Reasons = frozenset()
        used: list[RevocationList] = []
        for point in link.points:
            for each in self._lists(link, point):
                reasons = each.scope.reasons & point.reasons
                if reasons <= covered:
                    continue
                delta = self._delta(each, at)
                read = [each] if delta is None else [each, delta]
                if not read[-1].is_fresh(at) or not all(
                    one.digest in believed or self._is_signed(one, issuer, at, busy) for one in read
                ):
                    continue
                entry = _last(read, link)
                if entry is not None:
                    reason = _REASONS.get(entry.reason, RevocationReason.UNSPECIFIED)
                    return Revoked(entry.at, reason, _answer([*read, *used]))
                used += read
                covered |= reasons
            if covered == ALL_REASONS:
                return Good(_answer(used))
        return Unknown()

    def _lists(self, link: Link, point: Point) -> Iterator[RevocationList]:
        """The complete lists for this point, the freshest first (RFC 5280 §6.3.3 (b))."""
        for name in point.issuers or (link.issuer,):
            for each in self._by_issuer.get(name, ()):
                if point.issuers and not each.scope.is_indirect:
                    continue
                if each.scope.covers(point, is_authority=link.is_authority):
                    yield each

    def _delta(self, complete: RevocationList, at: datetime) -> RevocationList | None:
        """The freshest list that amends this one (RFC 5280 §5.2.4, §6.3.3 (c))."""
        number = complete.number
        for each in self._deltas.get(complete.issuer, ()):
            if number is None or each.base is None or each.number is None:
                continue
            if (
                each.base <= number < each.number
                and each.scope == complete.scope
                and each.authority_identifier == complete.authority_identifier
                and each.is_fresh(at)
                and complete.has_begun(at)
            ):
                return each
        return None

    # --- who signed a list -----------------------------------------------------------------------

    def _is_signed(
        self, crl: RevocationList, issuer: Link, at: datetime, busy: frozenset[str]
    ) -> bool:
        if crl.is_signed_by(issuer):
            return True
        if len(busy) == MAX_NESTING or crl.digest in busy:
            return False
        busy |= {crl.digest}
        return any(
            crl.is_signed_by(each) and self._is_trusted(each, issuer, at, busy)
            for each in (*self._signers, *self._anchors)
        )

    def _is_trusted(self, signer: Link, issuer: Link, at: datetime, busy: frozenset[str]) -> bool:
        """Whether an anchor leads to the signer, not revoked, and to the issuer too.

        Of the issuer only that it is vouched for: its rules were those of another path.
        """
        for anchor in self._anchors:
            if anchor.digest != issuer.digest and not self._leads(anchor, issuer):
                continue
            if anchor.digest == signer.digest:
                return True
            for path in self._paths(signer, anchor, at):
                if all(
                    isinstance(self._status(below, above, at, busy), Good)
                    for above, below in pairwise(path)
                ):
                    return True
        return False

    def _leads(self, anchor: Link, link: Link) -> bool:
        try:
            return any(paths.paths(link, self._signers, (anchor,), self._bounds))
        except ChainRejected:
            return False

    def _paths(self, link: Link, anchor: Link, at: datetime) -> Iterator[Path]:
        """The valid paths from the anchor to a signer of lists."""
        try:
            for path in paths.paths(link, self._signers, (anchor,), self._bounds):
                try:
                    path_rules.check_leaf(link, _ANY_USE, at, Trail())
                    path_rules.check_path(path, _ANY_USE, at, ANY_POLICY, Trail())
                except ChainRejected:
                    continue
                yield path
        except ChainRejected:
            return


def _links(certificates: Iterable[Certificate]) -> tuple[Link, ...]:
    """Those that can be read."""
    found = []
    for each in certificates:
        try:
            found.append(link_of(each))
        except DerMalformed:
            continue
    return tuple(found)


def _last(read: Sequence[RevocationList], link: Link) -> Entry | None:
    """What the delta list says, else the complete one; RFC 5280 §6.3.3 (i) to (k)."""
    for each in reversed(read):
        entry = each.entry(link.serial, link.issuer)
        if entry is not None:
            return None if entry.reason is x509.ReasonFlags.remove_from_crl else entry
    return None


def _answer(used: Sequence[RevocationList]) -> Answer:
    """The list first used, with the others beside it; together they hold until the first ends."""
    first, *others = used
    ends = [each.next_update for each in used if each.next_update is not None]
    return Answer(
        "crl",
        first.digest,
        first.this_update,
        min(ends, default=None),
        tuple(each.digest for each in others),
    )


_REASONS = {x509.ReasonFlags(reason.value): reason for reason in RevocationReason}
