"""LIST patterns."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.database import MailboxId
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.imap.patterns import listed, matches


def box(name: str) -> Mailbox:
    """A mailbox of that name."""
    return Mailbox(MailboxId(1), AccountId(1), name, None, 1, 1, 1, 0, 0, 0, True)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("*", "a/b"), ("%", "a"), ("a/%", "a/b"), ("%/%", "a/b"), ("*b", "a/b"), ("inbox", "INBOX")],
)
def test_a_name_of_the_pattern(pattern: str, name: str) -> None:
    assert matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("%", "a/b"), ("a", "A"), ("a/%", "a"), ("", "a"), ("a%", "a/b"), ("b*", "ab")],
)
def test_a_name_not_of_the_pattern(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


@given(st.text("ab/%*", max_size=10), st.text("ab/", max_size=12))
def test_matching_agrees_with_regular_expressions(pattern: str, name: str) -> None:
    same = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    assert matches(pattern, name) == (re.fullmatch(same, name) is not None)


def test_many_wildcards_cost_no_more_than_the_product_of_the_lengths() -> None:
    assert not matches("*a" * 250, "a" * 249)
    assert matches("*a" * 250, "a" * 250)


def test_levels_that_only_have_children_are_listed_without_a_mailbox() -> None:
    found = list(listed([box("z"), box("a/b/c"), box("INBOX")], "%"))
    assert [(match.name, match.mailbox is None, match.has_children) for match in found] == [
        ("INBOX", False, False),
        ("a", True, True),
        ("z", False, False),
    ]
