"""Which names LIST and LSUB answer with: the examples of RFC 5258 §5, and an oracle.

Our answers carry \\HasChildren or \\HasNoChildren in any case, which RFC 5258 §4 allows; they are
compared where an example asks for them.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbox_store.database import MailboxId
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap.grammar import listing
from mss_gateway.imap.grammar.cursor import CommandText, Cursor
from mss_gateway.imap.grammar.listing import ListRequest, Returned, Selection
from mss_gateway.imap.listed import Listed, line, listed, subscribed_only
from mss_gateway.imap.patterns import canonical, matches


def box(name: str, special_use: str | None = None) -> Mailbox:
    """A mailbox of that name."""
    return Mailbox(MailboxId(1), AccountId(1), name, special_use, 1, 1, 1, 0, 0, 0, 0)


def asked(text: str) -> ListRequest:
    """The request that a command line says."""
    cursor = Cursor(CommandText((text.encode(),)))
    request = listing.listing(cursor)
    cursor.end()
    return request


def told(request: ListRequest, names: list[str], subscribed: set[str]) -> set[str]:
    """One text per answer: attributes, name, CHILDINFO; children only where they were asked for."""
    answers = set()
    for one in listed(request, [box(name) for name in names], subscribed):
        attributes = set(one.attributes)
        if Returned.CHILDREN not in request.returned:
            attributes -= {b"\\HasChildren", b"\\HasNoChildren"}
        words = [*sorted(attributes), one.name.encode(), *one.below]
        answers.add(b" ".join(words).decode())
    return answers


FOOD = [
    "INBOX",
    "Fruit",
    "Fruit/Apple",
    "Fruit/Banana",
    "Tofu",
    "Vegetable",
    "Vegetable/Broccoli",
    "Vegetable/Corn",
]
EATEN = {"INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (' "" "*"', set(FOOD)),  # 1
        (
            ' (SUBSCRIBED) "" "*"',  # 2
            {
                "\\Subscribed INBOX",
                "\\Subscribed Fruit/Banana",
                "\\NonExistent \\Subscribed Fruit/Peach",
                "\\Subscribed Vegetable",
                "\\Subscribed Vegetable/Broccoli",
            },
        ),
        (
            ' () "" "%" RETURN (CHILDREN)',  # 3, and 4 without a remote server
            {
                "\\HasNoChildren INBOX",
                "\\HasChildren Fruit",
                "\\HasNoChildren Tofu",
                "\\HasChildren Vegetable",
            },
        ),
        (
            ' (REMOTE) "" "*" RETURN (SUBSCRIBED)',  # 6: no superset of 5, without Fruit/Peach
            {
                "\\Subscribed INBOX",
                "Fruit",
                "Fruit/Apple",
                "\\Subscribed Fruit/Banana",
                "Tofu",
                "\\Subscribed Vegetable",
                "\\Subscribed Vegetable/Broccoli",
                "Vegetable/Corn",
            },
        ),
    ],
)
def test_examples_1_to_6(command: str, expected: set[str]) -> None:
    assert told(asked(command), FOOD, EATEN) == expected


def test_example_5_looks_for_subscribed_names_here_and_elsewhere() -> None:
    here = told(asked(' (SUBSCRIBED) "" "*"'), FOOD, EATEN)
    assert told(asked(' (REMOTE SUBSCRIBED) "" "*"'), FOOD, EATEN) == here


def test_example_7_has_several_patterns() -> None:
    names = ["INBOX", "Drafts", "Sent", "Sent/August2004", "Sent/August2004/x", "Other"]
    assert told(asked(' "" ("INBOX" "Drafts" "Sent/%")'), names, set()) == {
        "INBOX",
        "Drafts",
        "Sent/August2004",
    }


@pytest.mark.parametrize(
    ("names", "subscribed", "command", "expected"),
    [
        (["Foo", "Foo/Bar", "Foo/Baz"], {"Foo/Baz"}, ' (SUBSCRIBED) "" "%"', set()),
        (
            ["Foo", "Foo/Bar", "Foo/Baz"],
            {"Foo/Baz"},
            ' (SUBSCRIBED RECURSIVEMATCH) "" "%"',
            {"Foo SUBSCRIBED"},
        ),
        (
            ["Foo", "Foo/Bar", "Foo/Baz"],
            {"Foo", "Foo/Baz"},
            ' (SUBSCRIBED RECURSIVEMATCH) "" "%"',
            {"\\Subscribed Foo SUBSCRIBED"},
        ),
        (
            ["Foo/Bar", "Foo/Baz"],
            {"Foo/Baz"},
            ' (SUBSCRIBED RECURSIVEMATCH) "" "%"',
            {"\\NonExistent Foo SUBSCRIBED"},
        ),
        (["Foo", "Foo/Bar", "Foo/Baz"], set(), ' (SUBSCRIBED RECURSIVEMATCH) "" "%"', set()),
        (
            ["Foo", "Foo/Bar", "Foo/Baz"],
            {"Foo", "Moo"},
            ' (SUBSCRIBED RECURSIVEMATCH) "" "%" RETURN (CHILDREN)',
            {"\\HasChildren \\Subscribed Foo", "\\HasNoChildren \\Subscribed Moo"},
        ),
    ],
    ids=["A", "A recursive", "A1", "A2", "B", "C"],
)
def test_example_8_tells_children_from_those_that_match(
    names: list[str], subscribed: set[str], command: str, expected: set[str]
) -> None:
    assert told(asked(command), ["INBOX", "Moo", *names], subscribed) == expected


NUMBERED = [
    *("INBOX", "foo2", "foo2/bar1", "foo2/bar2", "baz2", "baz2/bar2", "baz2/bar22"),
    *("baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2"),
]
READ = set(NUMBERED) - {"INBOX", "foo2", "baz2"}


def test_example_9_tells_a_superior_for_what_the_pattern_leaves_out() -> None:
    assert told(asked(' (RECURSIVEMATCH SUBSCRIBED) "" "*2"'), NUMBERED, READ) == {
        "foo2 SUBSCRIBED",
        "\\Subscribed foo2/bar2",
        "\\Subscribed baz2/bar2",
        "\\Subscribed baz2/bar22",
        "\\Subscribed baz2/bar222",
        "\\Subscribed eps2 SUBSCRIBED",
        "\\Subscribed qux2/bar2",
    }


def test_example_9_with_a_star_leaves_redundant_superiors_out() -> None:
    """RFC 5258 §3.3 and §3.5 rule them out; the second half of the example shows them still."""
    answers = told(asked(' (RECURSIVEMATCH SUBSCRIBED) "" "*"'), NUMBERED, READ)
    expected = {f"\\Subscribed {name}" for name in READ - {"eps2"}}
    assert answers == expected | {"\\Subscribed eps2 SUBSCRIBED"}


def test_example_10_tells_of_a_subscribed_child_that_does_not_exist() -> None:
    names, subscribed = ["foo"], {"foo/bar"}
    assert told(asked(' "" ("foo" "foo/*")'), names, subscribed) == {"foo"}
    assert told(asked(' (SUBSCRIBED) "" "foo/*"'), names, subscribed) == {
        "\\NonExistent \\Subscribed foo/bar"
    }
    command = ' (SUBSCRIBED RECURSIVEMATCH) "" foo RETURN (CHILDREN)'
    assert told(asked(command), names, subscribed) == {"\\HasNoChildren foo SUBSCRIBED"}


def test_example_11_tells_levels_that_are_no_mailbox() -> None:
    names = ["music/rock"]
    assert told(asked(' (REMOTE) "" *'), names, set()) == {"music/rock"}
    found = listed(asked(' () "" %'), [box("music/rock")], set())
    assert [(one.name, one.attributes) for one in found] == [
        ("music", (b"\\NonExistent", b"\\HasChildren"))
    ]
    assert told(asked(' "" (% music/rock)'), names, set()) == {"music/rock"}


def test_in_the_basic_syntax_a_level_is_no_place_to_select() -> None:
    found = listed(asked(' "" %'), [box("z"), box("a/b/c"), box("INBOX")], set())
    assert [(one.name, one.attributes, one.mailbox is None) for one in found] == [
        ("INBOX", (b"\\HasNoChildren",), False),
        ("a", (b"\\Noselect", b"\\HasChildren"), True),
        ("z", (b"\\HasNoChildren",), False),
    ]


def test_special_uses_are_criteria_too() -> None:
    boxes = [box("a"), box("a/b", "\\Sent"), box("c", "\\Drafts \\Junk"), box("d")]
    subscribed = {"a/b", "d"}
    found = listed(asked(' (SPECIAL-USE) "" *'), boxes, set())
    assert [(one.name, one.attributes[:-1]) for one in found] == [
        ("a/b", (b"\\Sent",)),
        ("c", (b"\\Drafts", b"\\Junk")),
    ]
    request = asked(' (SPECIAL-USE SUBSCRIBED RECURSIVEMATCH) "" %')
    assert [(one.name, one.below) for one in listed(request, boxes, subscribed)] == [
        ("a", (b"SUBSCRIBED", b"SPECIAL-USE"))
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("%", ["INBOX ", "a \\Noselect", "c "]),
        ("*", ["INBOX ", "a/b ", "a/gone ", "c "]),
        ("a/%", ["a/b ", "a/gone "]),
        ("a", []),
        ("%a", ["a \\Noselect"]),
    ],
)
def test_lsub_tells_levels_for_the_percent_alone(pattern: str, expected: list[str]) -> None:
    found = subscribed_only(ListRequest("", (pattern,)), {"INBOX", "a/b", "a/gone", "c"})
    told = [f"{one.name} {b' '.join(one.attributes).decode()}" for one in found]
    assert told == expected


def test_a_line_carries_its_extended_items() -> None:
    one = Listed("a", None, (b"\\X", b"\\Y"), True, (b"SUBSCRIBED", b"SPECIAL-USE"))
    assert line(b"LIST", one, b'"a b"') == (
        b'* LIST (\\X \\Y) "/" "a b" ("CHILDINFO" ("SUBSCRIBED" "SPECIAL-USE"))\r\n'
    )
    assert line(b"LIST", Listed("a", None, ()), b"a", b"b") == (
        b'* LIST () "/" a ("OLDNAME" (b))\r\n'
    )
    assert line(b"LSUB", Listed("a", None, ()), b"a") == b'* LSUB () "/" a\r\n'


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)


@settings(max_examples=300)
@given(
    exist=st.sets(NAMES, max_size=6),
    subscribed=st.sets(NAMES, max_size=6),
    patterns=st.lists(st.text("ab/%*", min_size=1, max_size=4), min_size=1, max_size=3),
    selection=st.sets(st.sampled_from([Selection.SUBSCRIBED, Selection.RECURSIVEMATCH])),
)
def test_answers_are_those_of_the_rules(
    exist: set[str], subscribed: set[str], patterns: list[str], selection: set[Selection]
) -> None:
    """RFC 5258 §3.3 and the table of its §3.5, word by word, over every name there could be."""
    has_criteria = Selection.SUBSCRIBED in selection
    is_recursive = Selection.RECURSIVEMATCH in selection
    request = ListRequest("", tuple(patterns), True, frozenset(selection))
    chosen = subscribed if has_criteria else exist
    found = {one.name: one for one in listed(request, [box(name) for name in exist], subscribed)}
    everything = {name.rsplit("/", cut)[0] for name in chosen for cut in range(3)}
    for name in everything | exist | subscribed:
        is_matched = matches(canonical("", patterns), name)
        below = {one for one in chosen if one.startswith(name + "/")}
        left_out = {one for one in below if not matches(canonical("", patterns), one)}
        is_told = is_matched and (
            name in chosen or (bool(left_out) and (is_recursive or not has_criteria))
        )
        assert (name in found) == is_told
        if is_told:
            one = found[name]
            assert bool(one.below) == (is_recursive and has_criteria and bool(below))
            assert (b"\\NonExistent" in one.attributes) == (name not in exist)
            assert (b"\\Subscribed" in one.attributes) == (has_criteria and name in subscribed)
            has_children = any(other.startswith(name + "/") for other in exist)
            assert (b"\\HasChildren" in one.attributes) == has_children
            assert one.is_selected == (name in chosen)
    assert set(found) <= everything
