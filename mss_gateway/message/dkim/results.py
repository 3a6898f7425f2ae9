"""What a verification says: a word of RFC 8601, the reason beside it, and how they are written."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Reason(Enum):
    """Why a signature is not a pass; the value is what Authentication-Results says."""

    NONE = ""
    MALFORMED = "malformed"
    FROM_UNSIGNED = "from-unsigned"
    WRONG_IDENTITY = "identity-outside-domain"
    ALGORITHM_REFUSED = "algorithm-refused"
    EXPIRED = "expired"
    NOT_YET = "not-yet"
    BODY_IN_PART = "body-in-part"
    """It has l=: somebody may have added to the body. As good as not signed (T17)."""
    FIELD_UNSIGNED = "field-unsigned"
    """One of the fields that a person reads is there more often than it was signed (T17)."""
    KEY_MISSING = "key-missing"
    KEY_UNAVAILABLE = "key-unavailable"
    KEY_REVOKED = "key-revoked"
    KEY_REFUSED = "key-refused"
    KEY_TOO_SHORT = "key-too-short"
    TESTING = "testing"
    BODY_ALTERED = "body-altered"
    SIGNATURE_WRONG = "signature-wrong"


WORDS: Final[dict[Reason, str]] = {
    Reason.NONE: "pass",
    Reason.MALFORMED: "permerror",
    Reason.FROM_UNSIGNED: "permerror",
    Reason.WRONG_IDENTITY: "permerror",
    Reason.ALGORITHM_REFUSED: "policy",
    Reason.EXPIRED: "policy",
    Reason.NOT_YET: "policy",
    Reason.BODY_IN_PART: "policy",
    Reason.FIELD_UNSIGNED: "policy",
    Reason.KEY_MISSING: "permerror",
    Reason.KEY_UNAVAILABLE: "temperror",
    Reason.KEY_REVOKED: "permerror",
    Reason.KEY_REFUSED: "permerror",
    Reason.KEY_TOO_SHORT: "policy",
    Reason.TESTING: "neutral",
    Reason.BODY_ALTERED: "fail",
    Reason.SIGNATURE_WRONG: "fail",
}
"""The result of the method dkim (RFC 8601 §2.7.1) for each reason."""


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One signature looked at. Domain and selector are empty when they could not be read.

    ``mark`` is a digest of domain and signature value: equal marks, the same signature again.
    """

    domain: str
    selector: str
    reason: Reason
    mark: bytes = b""
    is_repeated: bool = False

    @property
    def word(self) -> str:
        """``pass``, ``fail``, ``policy``, ``neutral``, ``temperror`` or ``permerror``."""
        return WORDS[self.reason]


def clauses(results: Sequence[DkimResult]) -> list[list[str]]:
    """The results as words of Authentication-Results, one list for each (RFC 8601 §2.2)."""
    return [_clause(result) for result in results] or [["dkim=none"]]


def _clause(result: DkimResult) -> list[str]:
    words = [f"dkim={result.word}"]
    if result.reason is not Reason.NONE:
        words.append(f"reason={result.reason.value}")
    elif result.is_repeated:
        words.append("reason=seen-before")
    if result.domain:
        words += [f"header.d={result.domain}", f"header.s={result.selector}"]
    return words


class Seen:
    """Signatures met lately: a message sent again to others is visible as such (T17).

    Information only, as honest operators send one message to several recipients too; what is
    remembered is bounded, and goes with the service.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._marks: OrderedDict[bytes, None] = OrderedDict()

    def told(self, results: Iterable[DkimResult]) -> list[DkimResult]:
        """The results, those seen before marked as repeated."""
        return [self._told(result) for result in results]

    def _told(self, result: DkimResult) -> DkimResult:
        is_repeated = result.mark in self._marks
        if result.mark:
            self._marks.pop(result.mark, None)
            self._marks[result.mark] = None
            if len(self._marks) > self._limit:
                self._marks.popitem(last=False)
        return DkimResult(result.domain, result.selector, result.reason, result.mark, is_repeated)
