"""LIST patterns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.patterns import canonical, matches
from tests.support.counting import calls


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*", "a/b"),
        ("%", "a"),
        ("a/%", "a/b"),
        ("%/%", "a/b"),
        ("*b", "a/b"),
        ("%%%", "abc"),
        ("%a%a%", "aaa"),
        ("inbox", "INBOX"),
        ("inB%", "INBOX"),
        ("Inbox/*", "INBOX/Labo/2026"),
        ("é*", "été"),
    ],
)
def test_a_name_of_the_pattern(pattern: str, name: str) -> None:
    assert matches(canonical("", [pattern]), name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%", "a/b"),
        ("a", "A"),
        ("a/%", "a"),
        ("", "a"),
        ("a%", "a/b"),
        ("b*", "ab"),
        ("%a", "a/a"),
        ("inboxes", "INBOXES"),
        ("INBOX/labo", "INBOX/Labo"),
        ("a/inbox", "a/INBOX"),
        ("\u0131nbox", "INBOX"),
    ],
)
def test_a_name_not_of_the_pattern(pattern: str, name: str) -> None:
    assert not matches(canonical("", [pattern]), name)


def test_a_reference_goes_before_every_pattern() -> None:
    assert canonical("a/", ["b", "%", ""]).texts == ("a/b", "a/%")
    assert canonical("", [""]).texts == ()
    assert not matches(canonical("", [""]), "")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("**", "*"), ("%%", "%"), ("%*%", "*"), ("a%%b**%c", "a%b*c"), ("%/%", "%/%")],
)
def test_a_run_of_wildcards_is_one(written: str, meant: str) -> None:
    assert canonical("", [written]).texts == (meant,)


@given(st.lists(st.text("ab/%*", max_size=10), max_size=3), st.text("ab/", max_size=12))
def test_matching_agrees_with_regular_expressions(patterns: list[str], name: str) -> None:
    same = [re.escape(one).replace(r"\*", ".*").replace("%", "[^/]*") for one in patterns if one]
    expected = any(re.fullmatch(one, name) for one in same)
    assert matches(canonical("", patterns), name) == expected


@given(st.text("iInbNBOXx/%*", max_size=8), st.sampled_from(["INBOX", "INBOX/x", "INBOX/X/in"]))
def test_a_first_level_inbox_is_matched_in_any_case(pattern: str, name: str) -> None:
    first, separator, rest = name.partition("/")
    same = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    # the two halves of the name differ in how case counts: every cut of letters is tried
    spelt = {
        "".join(letters) + separator + rest
        for letters in [
            [sign.lower() if bits >> at & 1 else sign for at, sign in enumerate(first)]
            for bits in range(32)
        ]
    }
    expected = bool(pattern) and any(re.fullmatch(same, one) for one in spelt)
    assert matches(canonical("", [pattern]), name) == expected


@pytest.mark.parametrize("sign", ["*", "%"])
def test_many_wildcards_cost_no_more_than_their_number(sign: str) -> None:
    """Positions move together; a matcher that tries one way after another would not end here."""
    pattern = f"{sign}a" * 255 + "b"
    with calls() as counted:
        assert not matches(canonical("", [pattern]), "a" * 255)
    assert counted.total < 20 * len(pattern)
    assert matches(canonical("", [f"{sign}a" * 255]), "a" * 255)
