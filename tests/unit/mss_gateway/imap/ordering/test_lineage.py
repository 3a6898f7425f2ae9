"""Step 1 of REFERENCES: identifiers in one form, and who is whose parent."""

import pytest

from mss_gateway.imap.ordering import lineage
from mss_gateway.imap.ordering.forest import NONE
from mss_gateway.imap.ordering.lineage import Lineage, identifiers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("<a@x>", ["a@x"]),
        ("<a@x> <b@x>", ["a@x", "b@x"]),
        ("<a@x>,<b@x>", ["a@x", "b@x"]),
        ('<"01KF8JCEOCBS0045PS"@xxx.yyy.com>', ["01KF8JCEOCBS0045PS@xxx.yyy.com"]),  # RFC 5256 §3
        ('<"a\\"b"@x> <"a b"@x>', ['a"b@x', "a b@x"]),
        ("<A@x> <a@X>", ["A@x", "a@X"]),  # case counts
        ("<a> <@x> <a@> <> a@x <b@x", []),
        ("<a@x <b@x>", ["b@x"]),
        ("<" * 100_000, []),
    ],
)
def test_identifiers_come_in_one_form(text: str, found: list[str]) -> None:
    assert identifiers(text) == found


Field = tuple[str, str, str]
"""Message-ID, References, In-Reply-To."""


def parents(*messages: Field) -> list[int | str | None]:
    """For each message its parent: its number, ``"absent"``, or None."""
    made = Lineage()
    for message_id, references, in_reply_to in messages:
        made.add(message_id, references.split(" "), in_reply_to.split(" "))
    by_member = {member: node for node, member in enumerate(made.members) if member >= 0}
    assert sorted(by_member) == list(range(len(messages)))
    found: list[int | str | None] = []
    for number in range(len(messages)):
        parent = made.forest.parents[by_member[number]]
        member = None if parent == NONE else made.members[parent]
        found.append("absent" if member == Lineage.ABSENT else member)
    return found


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        # a chain, also when the answers come first
        ([("<a@x>", "", ""), ("<b@x>", "<a@x>", ""), ("<c@x>", "<a@x> <b@x>", "")], [None, 0, 1]),
        ([("<c@x>", "<a@x> <b@x>", ""), ("<b@x>", "<a@x>", ""), ("<a@x>", "", "")], [1, 2, None]),
        # References beats In-Reply-To, unless nothing in it is valid
        ([("<a@x>", "", ""), ("<b@x>", "", ""), ("<c@x>", "<a@x>", "<b@x>")], [None, None, 0]),
        ([("<a@x>", "", ""), ("<b@x>", "sans <x> rien", "<a@x> <c@x>")], [None, 0]),
        # who is only spoken of
        ([("<b@x>", "<a@x>", ""), ("<c@x>", "<a@x>", "")], ["absent", "absent"]),
        # a second message of the same identifier, and messages without one
        ([("<a@x>", "", ""), ("<a@x>", "", ""), ("<b@x>", "<a@x>", "")], [None, None, 0]),
        ([("", "", ""), ("<a>", "", ""), ("<b@x>", "<a>", "")], [None, None, None]),
        ([("<a@x> <b@x>", "", ""), ("", "<b@x>", "")], [None, "absent"]),
        # others say that 0 answers 1, and 0 itself, later, that it answers nobody
        ([("<c@x>", "<b@x> <a@x>", ""), ("<b@x>", "", ""), ("<a@x>", "", "")], [2, None, None]),
        # the same, but 0 spoke first: then its silence does not count
        ([("<a@x>", "", ""), ("<b@x>", "", ""), ("<c@x>", "<b@x> <a@x>", "")], [1, None, 0]),
        # an existing link between others stays
        (
            [("<a@x>", "", ""), ("<b@x>", "<a@x>", ""), ("<c@x>", "", ""), ("", "<c@x> <b@x>", "")],
            [None, 0, None, 1],
        ),
        # loops
        ([("<a@x>", "<a@x>", "")], [None]),
        ([("<a@x>", "<b@x>", ""), ("<b@x>", "<a@x>", "")], [1, None]),
        ([("<b@x>", "", ""), ("<c@x>", "", ""), ("<a@x>", "<b@x> <c@x> <b@x>", "")], [None, 0, 0]),
        (
            [("<a@x>", "<c@x>", ""), ("<b@x>", "<a@x>", ""), ("<c@x>", "<b@x>", "")],
            [2, 0, None],
        ),
        # quotes
        ([('<"a"@x>', "", ""), ("<b@x>", "<a@x>", ""), ("", '<"b"@x>', "")], [None, 0, 1]),
    ],
)
def test_who_answers_whom(messages: list[Field], expected: list[int | str | None]) -> None:
    assert parents(*messages) == expected


def crowded(count: int) -> Lineage:
    """One message, then ``count`` answers to it that also name a hundred others each."""
    made = Lineage()
    made.add("<first@x>", [], [])
    for number in range(count):
        crowd = [f"<{number:02}.{n:02}@absent.example>" for n in range(100)]
        made.add(f"<{number}@x>", ["<first@x>", *crowd], [])
    return made


def test_what_is_not_there_takes_no_more_memory_than_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cost = len("00.00@absent.example") + lineage._COST_OF_ONE
    monkeypatch.setattr(lineage, "ABSENT_OCTETS", 7 * cost)
    monkeypatch.setattr(lineage, "ABSENT_OCTETS_EACH", 0)
    assert crowded(50).members.count(Lineage.ABSENT) == 7
    monkeypatch.setattr(lineage, "ABSENT_OCTETS_EACH", 3 * cost)
    assert crowded(50).members.count(Lineage.ABSENT) == 7 + 3 * 51


def test_without_room_who_is_there_is_still_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "ABSENT_OCTETS", 0)
    monkeypatch.setattr(lineage, "ABSENT_OCTETS_EACH", 0)
    made = crowded(50)
    assert made.members == list(range(51))
    assert made.forest.parents == [NONE] + [0] * 50
