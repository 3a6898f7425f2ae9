"""Step 1 of THREAD=REFERENCES: who answers whom, by Message-ID and References (RFC 5256 §3).

Messages are added in the order of the mailbox. One that is only spoken of is a node too, until a
message with its Message-ID comes. The rules for links are kept to the letter: what a message says
of its own parent counts more than what others say, and nothing ever makes a loop.
"""

import re
from collections.abc import Iterable
from typing import Final

from mss_gateway.imap.ordering.forest import NONE, Forest

ABSENT_OCTETS: Final = 32 * 1024 * 1024
ABSENT_OCTETS_EACH: Final = 1_000
"""What identifiers of absent messages may take in memory: at first, and more for each message.

Past it absent messages are passed over, so that memory follows the number of messages, whatever
their headers hold; 32 MiB are 190,000 identifiers of 70 characters. Deviates: RFC 5256 §3 has no
such limit; threads that only an absent message holds together then fall apart.
"""

_COST_OF_ONE: Final = 100
_IDENTIFIER: Final = re.compile(r"<([^<>]+)>")
_QUOTED_LEFT: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"@', re.DOTALL)
_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


def identifiers(text: str) -> list[str]:
    """The valid msg-ids in ``text``, in the one form that is compared.

    Without the angle brackets, and without the quotes of ``<"left"@right>``; what has no ``@``
    with something on both sides is no msg-id (RFC 5322 §3.6.4).
    """
    return [valid for found in _IDENTIFIER.findall(text) if (valid := _normal(found))]


def _normal(inner: str) -> str:
    quoted = _QUOTED_LEFT.match(inner)
    if quoted is not None:
        left, right = _PAIR.sub(r"\1", quoted[1]), inner[quoted.end() :]
    else:
        left, _, right = inner.rpartition("@")
    return f"{left}@{right}" if left and right else ""


class Lineage:
    """The links between the messages added so far.

    ``members[node]`` is the number of the message in the order of adding, ``ABSENT`` for none.
    """

    ABSENT: Final = -1

    __slots__ = ("_by_identifier", "_count", "_room", "forest", "members")

    def __init__(self) -> None:
        self.forest = Forest()
        self.members: list[int] = []
        self._by_identifier: dict[str, int] = {}
        self._count = 0
        self._room = ABSENT_OCTETS

    def add(self, message_id: str, references: Iterable[str], in_reply_to: Iterable[str]) -> None:
        """One more message, with the texts of these fields."""
        self._room += ABSENT_OCTETS_EACH
        node = self._claim(message_id)
        last = NONE
        spoken_of = identifiers(" ".join(references)) or identifiers(" ".join(in_reply_to))[:1]
        for identifier in spoken_of:  # step 1.A
            found = self._node_of(identifier)
            if found == NONE:
                continue
            if last != NONE and self.forest.parents[found] == NONE:
                self.forest.link(last, found)
            last = found
        self.forest.cut(node)  # step 1.B
        if last != NONE:
            self.forest.link(last, node)

    def _claim(self, message_id: str) -> int:
        """The node of a new message: its own identifier's, unless an earlier message has that."""
        own = identifiers(message_id)[:1]
        node = self._by_identifier.get(own[0]) if own else None
        if node is None or self.members[node] != self.ABSENT:
            is_known = node is not None
            node = self._new()
            if own and not is_known:
                self._by_identifier[own[0]] = node
        self.members[node] = self._count
        self._count += 1
        return node

    def _node_of(self, identifier: str) -> int:
        node = self._by_identifier.get(identifier)
        if node is not None:
            return node
        cost = len(identifier) + _COST_OF_ONE
        if cost > self._room:
            return NONE
        self._room -= cost
        node = self._by_identifier[identifier] = self._new()
        return node

    def _new(self) -> int:
        self.members.append(self.ABSENT)
        return self.forest.add()
