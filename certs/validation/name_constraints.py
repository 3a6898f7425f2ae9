"""Name constraints of authorities (RFC 5280 §4.2.1.10): which names they may vouch for.

Every authority of a path adds its own; a name must please them all. A constraint on a form of name
that is not judged here refuses every certificate that has such a name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from certs.errors import ChainReason, ChainRejected
from certs.validation.names import Name, normal

MAX_COMPARISONS = 20_000
"""Names times constraints along one path: nobody needs more, and an attacker wants more."""

Form = type[x509.GeneralName]
Named = tuple[Form, object]
"""A name or a subtree: its form and its comparable value."""


def names_of(subject: x509.Name, alternative: x509.SubjectAlternativeName | None) -> list[Named]:
    """Every name that a certificate gives to its subject, in comparable form.

    An emailAddress in the subject counts as an rfc822Name, also beside alternative names: RFC 5280
    §4.2.1.10 demands it only without them, but whoever reads it reads it in both cases.
    """
    found: list[Named] = []
    if subject.rdns:
        found.append((x509.DirectoryName, normal(subject)))
    for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        found.append((x509.RFC822Name, str(attribute.value)))
    return found + comparable(alternative or ())


def comparable(names: Sequence[x509.GeneralName] | x509.SubjectAlternativeName) -> list[Named]:
    """General names as pairs of form and value."""
    return [
        (type(each), normal(each.value) if isinstance(each, x509.DirectoryName) else each.value)
        for each in names
    ]


@dataclass(frozen=True, slots=True)
class Limits:
    """The constraints of one authority, by form of name."""

    permitted: dict[Form, list[object]]
    excluded: dict[Form, list[object]]

    @classmethod
    def of(cls, constraints: x509.NameConstraints) -> "Limits":
        """As the extension states them."""
        return cls(
            _by_form(constraints.permitted_subtrees), _by_form(constraints.excluded_subtrees)
        )


def _by_form(subtrees: Sequence[x509.GeneralName] | None) -> dict[Form, list[object]]:
    found: dict[Form, list[object]] = {}
    for form, base in comparable(subtrees or ()):
        found.setdefault(form, []).append(base)
    return found


@dataclass(slots=True)
class Constraints:
    """The constraints met so far on one path, from its anchor downwards."""

    _limits: list[Limits] = field(default_factory=list)
    _comparisons: int = 0

    def add(self, limits: Limits | None) -> None:
        """An authority's own, which bind everything below it."""
        if limits is not None:
            self._limits.append(limits)

    def check(self, names: Sequence[Named]) -> None:
        """Raises :class:`ChainRejected` when one of the names is not allowed."""
        for limits in self._limits:
            for form, name in names:
                permitted, excluded = limits.permitted.get(form), limits.excluded.get(form)
                if permitted is None and excluded is None:
                    continue
                self._count(len(permitted or ()) + len(excluded or ()))
                within = _WITHIN.get(form)
                if within is None:
                    raise _refused("a constraint on a form of name that is not judged")
                try:
                    if any(within(base, name, True) for base in excluded or ()):
                        raise _refused("a name is excluded")
                    if permitted and not any(within(base, name, False) for base in permitted):
                        raise _refused("a name is not permitted")
                except ValueError:
                    raise _refused("a constrained name is malformed") from None

    def _count(self, comparisons: int) -> None:
        self._comparisons += comparisons
        if self._comparisons > MAX_COMPARISONS:
            raise _refused("too many names and constraints")


def _refused(cause: str) -> ChainRejected:
    return ChainRejected(ChainReason.NAME_CONSTRAINTS, cause)


# --- whether a name lies in a subtree: (base, name, whether the subtree is excluded) -------------


def _directory(base: object, name: object, _excluded: bool) -> bool:
    above, below = _name(base), _name(name)
    return below[: len(above)] == above


def _name(value: object) -> Name:
    assert isinstance(value, tuple)
    return value


def _address(base: object, name: object, excluded: bool) -> bool:
    """A mailbox, all mailboxes of a host, or with a leading period those of all hosts below.

    What an empty base means is written nowhere: it permits nothing, and excludes all.
    """
    constraint, (local, at, host) = _text(base), _text(name).rpartition("@")
    if not (local and at and host):
        raise ValueError("an address without host")
    if not constraint:
        return excluded
    own, at, domain = constraint.rpartition("@")
    return (not at or own == local) and _host(domain.lower(), host.lower())


def _host(base: str, host: str) -> bool:
    return host.endswith(base) and host != base if base.startswith(".") else host == base


def _domain(base: object, name: object, excluded: bool) -> bool:
    """The domain and all below it; an excluded one also where a wildcard would cover it."""
    above, below = _text(base).lower(), _text(name).lower().rstrip(".")
    if above.startswith("."):
        return below.endswith(above)
    if not above or below == above or below.endswith("." + above):
        return True
    return excluded and below.startswith("*.") and ("." + above).endswith(below[1:])


def _uri(base: object, name: object, excluded: bool) -> bool:
    """By the host of the URI, which must be a name and no number; an empty base as above."""
    host = urlsplit(_text(name)).hostname
    if not host:
        raise ValueError("a URI without host")
    try:
        ip_address(host)
    except ValueError:
        return _host(_text(base).lower(), host.rstrip(".")) if base else excluded
    raise ValueError("a URI with an address for host")


def _text(value: object) -> str:
    assert isinstance(value, str)
    return value


def _ip(base: object, name: object, _excluded: bool) -> bool:
    assert isinstance(base, IPv4Network | IPv6Network)
    return name in base


_WITHIN: dict[Form, Callable[[object, object, bool], bool]] = {
    x509.DirectoryName: _directory,
    x509.RFC822Name: _address,
    x509.DNSName: _domain,
    x509.UniformResourceIdentifier: _uri,
    x509.IPAddress: _ip,
}
