"""The answer: permit, refuse or defer, with the trail of every rule asked."""

from dataclasses import dataclass
from typing import NamedTuple, NoReturn, TypeAlias

from policies.reasons import Reason


class Asked(NamedTuple):
    """One rule, and what it objected; None when it had nothing to say."""

    rule: str
    objection: Reason | None


Trail: TypeAlias = tuple[Asked, ...]


def _no_truth_value() -> NoReturn:
    # Every verdict is an object and so would be true: `if at_read(facts):` would let all pass.
    raise TypeError("a verdict has no truth value: match it against Permit, Refuse and Defer")


@dataclass(frozen=True, slots=True)
class Permit:
    """No rule objected, and at least one was asked."""

    trail: Trail

    def __bool__(self) -> NoReturn:
        """Raises TypeError: a verdict is matched, never tested for truth."""
        _no_truth_value()


@dataclass(frozen=True, slots=True)
class Refuse:
    """``reason`` is the first objection; asking again unchanged gets the same answer."""

    reason: Reason
    trail: Trail

    def __bool__(self) -> NoReturn:
        """Raises TypeError: a verdict is matched, never tested for truth."""
        _no_truth_value()


@dataclass(frozen=True, slots=True)
class Defer:
    """``reason`` is the first objection, and a temporary one: not now, perhaps later."""

    reason: Reason
    trail: Trail

    def __bool__(self) -> NoReturn:
        """Raises TypeError: a verdict is matched, never tested for truth."""
        _no_truth_value()


Verdict: TypeAlias = Permit | Refuse | Defer
