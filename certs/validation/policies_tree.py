"""Certificate policies along a path (RFC 5280 §6.1), as the graph of RFC 9618.

The tree of RFC 5280 can be made to grow with the power of the path's length; the graph gives the
same answers and has at most one node per policy and certificate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from certs.errors import ChainReason, ChainRejected

ANY = "2.5.29.32.0"
"""anyPolicy: whoever states it vouches for every policy."""

MAX_POLICIES = 100
"""Policies, or mappings, in one certificate."""


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """What the validator asks of policies before it looks at a path (RFC 5280 §6.1.1 (c) to (g)).

    ``acceptable`` are the policies wanted, in dotted form; ``explicit`` refuses a path that is
    valid under none of them even when no certificate demands one.
    """

    acceptable: frozenset[str] = frozenset({ANY})
    explicit: bool = False
    inhibit_mapping: bool = False
    inhibit_any: bool = False


ANY_POLICY = PolicyRules()
"""Every policy will do, and none too."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What one certificate says of policies; ``policies`` is None where it says nothing."""

    policies: tuple[str, ...] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None


SILENT = Stated()


@dataclass(slots=True)
class _Node:
    """A policy valid down to one certificate: what satisfies it in the next, and from where."""

    expected: set[str]
    parents: set[str]


@dataclass(slots=True)
class Policies:
    """The state of policy processing along a path of ``length`` certificates below its anchor."""

    rules: PolicyRules
    length: int
    _explicit: int = field(init=False)
    _mapping: int = field(init=False)
    _any: int = field(init=False)
    _levels: list[dict[str, _Node]] | None = field(init=False)

    def __post_init__(self) -> None:
        never = self.length + 1
        self._explicit = 0 if self.rules.explicit else never
        self._mapping = 0 if self.rules.inhibit_mapping else never
        self._any = 0 if self.rules.inhibit_any else never
        self._levels = [{ANY: _Node({ANY}, set())}]

    def enter(self, stated: Stated, *, is_last: bool, is_self_issued: bool) -> None:
        """Take up the policies of the next certificate (RFC 5280 §6.1.3 (d) to (f))."""
        if max(len(stated.policies or ()), len(stated.mappings)) > MAX_POLICIES:
            raise _refused("too many policies")
        if stated.policies is None:
            self._levels = None
        elif self._levels is not None:
            may_be_any = self._any > 0 or (not is_last and is_self_issued)
            self._grow(self._levels, stated.policies, may_be_any)
        self._check()

    def leave(self, stated: Stated, *, is_self_issued: bool) -> None:
        """Prepare for a certificate below (RFC 5280 §6.1.4 (a), (b), (h) to (j))."""
        if any(ANY in pair for pair in stated.mappings):
            raise _refused("anyPolicy is mapped")
        if stated.mappings and self._levels is not None:
            self._map(self._levels, stated.mappings)
        if not is_self_issued:
            self._explicit = max(self._explicit - 1, 0)
            self._mapping = max(self._mapping - 1, 0)
            self._any = max(self._any - 1, 0)
        self._explicit = _least(self._explicit, stated.require_explicit)
        self._mapping = _least(self._mapping, stated.inhibit_mapping)
        self._any = _least(self._any, stated.inhibit_any)

    def finish(self, stated: Stated) -> frozenset[str]:
        """The policies under which the path is valid (RFC 5280 §6.1.5 (a), (b), (g))."""
        self._explicit = max(self._explicit - 1, 0)
        if stated.require_explicit == 0:
            self._explicit = 0
        found = self._valid()
        if self._explicit == 0 and not found:
            raise _refused("no acceptable policy")
        return found

    def _check(self) -> None:
        if self._explicit == 0 and self._levels is None:
            raise _refused("no policy holds along the path")

    def _grow(
        self, levels: list[dict[str, _Node]], policies: Sequence[str], may_be_any: bool
    ) -> None:
        above = levels[-1]
        wanted: dict[str, set[str]] = {}
        for policy, node in above.items():
            for each in node.expected:
                wanted.setdefault(each, set()).add(policy)
        level: dict[str, _Node] = {}
        for policy in policies:
            if policy in wanted:
                parents = wanted[policy]
            elif ANY in above:
                parents = {ANY}
            else:
                continue
            if policy != ANY:
                level[policy] = _Node({policy}, set(parents))
        if ANY in policies and may_be_any:
            for policy, parents in wanted.items():
                if policy not in level:
                    level[policy] = _Node({policy}, set(parents))
        levels.append(level)
        self._prune(levels)

    def _map(self, levels: list[dict[str, _Node]], mappings: Iterable[tuple[str, str]]) -> None:
        level = levels[-1]
        mapped: dict[str, set[str]] = {}
        for issuer, subject in mappings:
            mapped.setdefault(issuer, set()).add(subject)
        for policy, subjects in mapped.items():
            if self._mapping == 0:
                level.pop(policy, None)
            elif policy in level:
                level[policy].expected = subjects
            elif ANY in level:
                level[policy] = _Node(subjects, {ANY})
        self._prune(levels)

    def _prune(self, levels: list[dict[str, _Node]]) -> None:
        """Take away what leads to no certificate; the whole graph when nothing is left."""
        for above, below in zip(reversed(levels[:-1]), reversed(levels[1:]), strict=True):
            used = {parent for node in below.values() for parent in node.parents}
            if len(used) == len(above):
                break
            for policy in above.keys() - used:
                del above[policy]
        if not levels[-1]:
            self._levels = None

    def _valid(self) -> frozenset[str]:
        """user_constrained_policy_set: named in the anchor's own domain (RFC 9618 §5.5)."""
        if self._levels is None:
            return frozenset()
        by_authority = {
            policy
            for level in self._levels[1:]
            for policy, node in level.items()
            if policy != ANY and ANY in node.parents
        }
        is_any = ANY in self._levels[-1]
        acceptable = self.rules.acceptable
        if ANY in acceptable:
            return frozenset(by_authority | {ANY} if is_any else by_authority)
        return acceptable if is_any else acceptable & by_authority


def _least(counter: int, stated: int | None) -> int:
    return counter if stated is None else min(counter, stated)


def _refused(cause: str) -> ChainRejected:
    return ChainRejected(ChainReason.POLICY, cause)


def notices(policies: Iterable[x509.PolicyInformation], valid: frozenset[str]) -> tuple[str, ...]:
    """The qualifiers of the valid policies: texts for people and addresses of practice statements.

    For display (RFC 5280 §4.2.1.4); nothing is decided by them.
    """
    found: list[str] = []
    for each in policies:
        if each.policy_identifier.dotted_string not in valid | {ANY}:
            continue
        for qualifier in each.policy_qualifiers or ():
            if isinstance(qualifier, str):
                found.append(qualifier)
            elif qualifier.explicit_text:
                found.append(qualifier.explicit_text)
    return tuple(found)
