"""Where a certificate says that its status is published, and what a revocation list covers.

Distribution points (RFC 5280 §4.2.1.13) on one side, issuing distribution points (RFC 5280 §5.2.5)
on the other; a list answers for a point when the two agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from certs.validation.name_constraints import Named, comparable
from certs.validation.names import Name, relative

Reasons = frozenset[x509.ReasonFlags]

ALL_REASONS: Final[Reasons] = frozenset(x509.ReasonFlags) - {
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.remove_from_crl,
}
"""The reasons that lists may share among them; a list covers all unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Point:
    """One distribution point: any of ``names``, lists by one of ``issuers``, for ``reasons``.

    ``names`` None: not said. No ``issuers``: lists are the certificate issuer's own.
    """

    names: frozenset[Named] | None
    issuers: frozenset[Name]
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Scope:
    """What a revocation list covers."""

    names: frozenset[Named] | None
    reasons: Reasons
    is_indirect: bool
    only_leaves: bool
    only_authorities: bool
    only_attributes: bool

    def covers(self, point: Point, *, is_authority: bool) -> bool:
        """Whether the list is for such certificates, at that point (RFC 5280 §6.3.3 (b) (2))."""
        if self.only_attributes:
            return False
        if (self.only_leaves and is_authority) or (self.only_authorities and not is_authority):
            return False
        if self.names is None:
            return True
        wanted = point.names
        if wanted is None:
            wanted = frozenset((x509.DirectoryName, each) for each in point.issuers)
        return not self.names.isdisjoint(wanted)


NOBODY: Final[Name] = ()
"""The name that no issuer has (RFC 5280 §5.1.2.3)."""

EVERYTHING: Final = Scope(None, ALL_REASONS, False, False, False, False)
"""The scope of a list that states none."""


def points_of(stated: x509.CRLDistributionPoints | None, issuer: Name) -> tuple[Point, ...]:
    """The points of a certificate that ``issuer`` signed, the one that goes without saying last.

    That one is: the issuer's own lists, at its own name, for all reasons (RFC 5280 §6.3.3).
    """
    default = Point(frozenset([(x509.DirectoryName, issuer)]), frozenset(), ALL_REASONS)
    return (*(_point(each, issuer) for each in stated or ()), default)


def _point(stated: x509.DistributionPoint, issuer: Name) -> Point:
    issuers = _directories(stated.crl_issuer)
    if stated.crl_issuer and not issuers:
        issuers = [NOBODY]  # by an issuer that has no name: no list is
    base = issuers[0] if issuers else issuer
    return Point(
        names=_names(stated.full_name, stated.relative_name, base),
        issuers=frozenset(issuers),
        reasons=ALL_REASONS if stated.reasons is None else stated.reasons,
    )


def scope_of(stated: x509.IssuingDistributionPoint | None, issuer: Name) -> Scope:
    """The scope of a list that ``issuer`` signed."""
    if stated is None:
        return EVERYTHING
    some = stated.only_some_reasons
    return Scope(
        names=_names(stated.full_name, stated.relative_name, issuer),
        reasons=ALL_REASONS if some is None else some,
        is_indirect=stated.indirect_crl,
        only_leaves=stated.only_contains_user_certs,
        only_authorities=stated.only_contains_ca_certs,
        only_attributes=stated.only_contains_attribute_certs,
    )


def _directories(names: Sequence[x509.GeneralName] | None) -> list[Name]:
    return [
        value
        for form, value in comparable(names or ())
        if form is x509.DirectoryName and isinstance(value, tuple)
    ]


def _names(
    full: Sequence[x509.GeneralName] | None,
    fragment: x509.RelativeDistinguishedName | None,
    base: Name,
) -> frozenset[Named] | None:
    if fragment is not None:
        return frozenset([(x509.DirectoryName, (*base, relative(fragment)))])
    return None if full is None else frozenset(comparable(full))
