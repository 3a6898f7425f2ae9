"""THE tables of rights: total, and what follows from a set of letters."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.flags import ANSWERED, DELETED, DRAFT, EVERY_FLAG, FLAGGED, SEEN
from mss_gateway.directory.members import RIGHTS, normal_rights
from mss_gateway.imap import rights
from mss_gateway.imap.commands import COMMANDS
from mss_gateway.imap.rights import ALLOWS, EVERYTHING, NEEDS, OBSOLETE, RightUnknown

LETTERS = st.text(st.sampled_from(EVERYTHING), max_size=11).map(rights.normal)
SHARED_KEYWORD = 1 << 40


def test_every_command_says_what_it_needs_and_nothing_else_does() -> None:
    assert set(NEEDS) == {name.decode().removeprefix("UID ") for name in COMMANDS}
    for command in COMMANDS:
        assert rights.needs_of(command.decode()) is NEEDS[command.decode().removeprefix("UID ")]


def test_every_letter_that_is_needed_is_a_right_and_every_right_but_one_is_needed() -> None:
    letters = {
        letter
        for needs in NEEDS.values()
        for place in (
            needs.here,
            needs.named,
            needs.parent,
            needs.any_here,
            needs.any_named,
            needs.each,
            needs.uses,
        )
        for letter in place
    }
    assert letters == set(EVERYTHING) - {"p"}
    assert "".join(ALLOWS) == EVERYTHING == RIGHTS


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("rl", "lr"),
        ("llrr", "lr"),
        ("c", "kx"),
        ("d", "te"),
        ("lrcd", "lrkxte"),
        ("kc", "kx"),
        (EVERYTHING[::-1], EVERYTHING),
    ],
)
def test_rights_have_one_form_without_obsolete_letters(written: str, kept: str) -> None:
    assert rights.normal(written) == kept


@pytest.mark.parametrize("written", ["L", "q", "0", " ", "l r", "l+", "é"])
def test_what_is_no_right_is_refused(written: str) -> None:
    with pytest.raises(RightUnknown):
        rights.normal(written)


@pytest.mark.parametrize(
    ("letters", "told"),
    [
        ("", b'""'),
        ("lr", b"lr"),
        ("lrk", b"lrkc"),
        ("lrx", b"lrxc"),
        ("lrt", b"lrtd"),
        ("lre", b"lred"),
        (EVERYTHING, b"lrswipkxteacd"),
    ],
)
def test_clients_of_rfc_2086_are_told_the_obsolete_letters(letters: str, told: bytes) -> None:
    assert rights.printed(letters) == told


@given(LETTERS)
def test_what_is_told_never_grants_less_than_what_is_kept(letters: str) -> None:
    if letters:
        told = rights.printed(letters).decode()
        assert set(letters) <= set(rights.normal(told))
        assert [one for one in told if one not in OBSOLETE] == list(letters)
        assert normal_rights(letters) == letters


@given(LETTERS)
def test_each_flag_has_its_letter(letters: str) -> None:
    mask = rights.changeable(letters)
    assert bool(mask & SEEN) == ("s" in letters)
    assert bool(mask & DELETED) == ("t" in letters)
    for flag in (ANSWERED, FLAGGED, DRAFT, SHARED_KEYWORD):
        assert bool(mask & flag) == ("w" in letters)
    assert (mask == EVERY_FLAG) == ({"s", "t", "w"} <= set(letters))


def test_what_opens_a_mailbox_to_write() -> None:
    writing = {letter for letter in EVERYTHING if rights.is_writing(letter)}
    assert writing == set("iswte")
    assert not rights.is_writing("lrpkxa")
    assert not rights.is_writing("")


def test_all_of_some_and_one_of_some() -> None:
    for letters in map("".join, itertools.combinations("lrs", 2)):
        assert rights.has_all("lrs", letters)
        assert rights.has_any(letters, "lrs")
    assert not rights.has_all("lr", "lrs")
    assert not rights.has_any("lr", "swt")
    assert rights.has_all("", "")
    assert rights.has_any("", "")
