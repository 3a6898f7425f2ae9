"""Path building: the ways that lead from trust anchors down to a certificate (RFC 4158).

Names and signatures only; what certificates say is judged by :mod:`certs.validation.path_rules`.
The search begins at the anchors: nothing that no anchor vouches for costs more than one refused
signature, and loops end because no name with the same key stands twice on a path.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from certs.errors import ChainReason, ChainRejected
from certs.validation import vouching
from certs.validation.link import Link
from certs.validation.names import Name

MAX_INTERMEDIATES: Final = 6
"""Longest path between a certificate and its anchor."""

MAX_CANDIDATES: Final = 20
"""Intermediates looked at that somebody sent: path building must not become their weapon."""

MAX_SIGNATURES: Final = 100
"""Signatures checked in one search; a P-521 takes half a millisecond."""

MAX_PATHS: Final = 20
"""Paths judged: a mesh of cross certificates has more of them than certificates."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a search goes; a wider one only for what nobody sent."""

    intermediates: int = MAX_INTERMEDIATES
    candidates: int = MAX_CANDIDATES
    signatures: int = MAX_SIGNATURES
    paths: int = MAX_PATHS


BOUNDS: Final = Bounds()
"""Those of production."""

Path = tuple[Link, ...]
"""From the anchor to the certificate, both included: at least two links."""


def paths(
    leaf: Link, candidates: Sequence[Link], anchors: Sequence[Link], bounds: Bounds
) -> Iterator[Path]:
    """Every path, those of the likeliest issuers first; none repeats a name with its key.

    Raises :class:`ChainRejected` when the search goes beyond its bounds.
    """
    search = _Search(leaf, _relevant(leaf, candidates), bounds)
    found = 0
    for anchor in anchors:
        for path in search.below((anchor,)):
            found += 1
            if found > bounds.paths:
                raise ChainRejected(ChainReason.NO_PATH, "too many paths")
            yield path


def _relevant(leaf: Link, candidates: Sequence[Link]) -> dict[Name, list[Link]]:
    """The candidates above the leaf, going by names alone, by the name of their issuer."""
    by_subject: dict[Name, list[Link]] = {}
    for each in dict.fromkeys(candidates):
        if each.digest != leaf.digest:
            by_subject.setdefault(each.subject, []).append(each)
    below: dict[Name, list[Link]] = {}
    wanted, seen = [leaf.issuer], {leaf.issuer}
    while wanted:
        for each in by_subject.get(wanted.pop(), ()):
            below.setdefault(each.issuer, []).append(each)
            if each.issuer not in seen:
                seen.add(each.issuer)
                wanted.append(each.issuer)
    return below


@dataclass(slots=True)
class _Search:
    leaf: Link
    below_name: dict[Name, list[Link]]
    bounds: Bounds
    _spent: int = 0
    _answers: dict[tuple[bytes, bytes], bool] = field(default_factory=dict)

    def below(self, path: Path) -> Iterator[Path]:
        """The paths that continue this one; recursion is as deep as the bound on intermediates."""
        last = path[-1]
        if last.subject == self.leaf.issuer and self._stands(path, self.leaf):
            yield (*path, self.leaf)
        if len(path) > self.bounds.intermediates:
            return
        following = self.below_name.get(last.subject, ())
        for each in sorted(following, key=lambda link: not _is_likely(last, link)):
            if self._stands(path, each):
                yield from self.below((*path, each))

    def _stands(self, path: Path, link: Link) -> bool:
        """Whether the link may follow: not met before, and vouched for by the last."""
        if any(
            each.key_octets == link.key_octets and each.subject == link.subject for each in path
        ):
            return False
        issuer = path[-1]
        known = self._answers.get((issuer.key_octets, link.digest))
        if known is None:
            if not vouching.is_known(issuer, link):
                self._spent += 1
                if self._spent > self.bounds.signatures:
                    raise ChainRejected(ChainReason.NO_PATH, "too many signatures")
            known = vouching.vouches(issuer, link)
            self._answers[issuer.key_octets, link.digest] = known
        return known


def _is_likely(issuer: Link, link: Link) -> bool:
    """Whether the key identifiers agree: a hint, which saves signatures (RFC 4158 §3.5.12)."""
    wanted = link.authority_identifier
    return wanted is None or issuer.key_identifier is None or wanted == issuer.key_identifier
