"""Remote folders find their place here, the same one in every run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbox_store.names import NAME_LIMIT, normal_name
from mss_gateway.imap.grammar import names
from mss_gateway.imap.upstream import folders
from mss_gateway.imap.upstream.folders import FolderUnknown, Listing, Plan, Wishes
from mss_gateway.imap.upstream.responses import Listed

SPECIALS = {
    "\\Drafts": "Brouillons",
    "\\Sent": "Envoyés",
    "\\Trash": "Corbeille",
    "\\Junk": "Indésirables",
    "\\Archive": "Archives",
}


def listed(name: str | bytes, attributes: str = "", delimiter: str = "/") -> Listed:
    wire = names.encode(name) if isinstance(name, str) else name
    return Listed(frozenset(attributes.lower().split()), delimiter, wire)


def planned(
    *every: Listed, wishes: Wishes | None = None, specials: dict[str, str] | None = None
) -> Plan:
    chosen = SPECIALS if specials is None else specials
    return folders.plan(Listing(every), wishes or Wishes(), chosen)


def places(plan: Plan) -> dict[str, str]:
    return {one.name: one.local for one in plan.targets}


def test_names_keep_their_levels_whatever_divides_them() -> None:
    assert places(planned(listed("a.b.été", delimiter="."), listed("x/y"))) == {
        "a.b.été": "a/b/été",
        "x/y": "x/y",
    }


def test_a_folder_that_is_listed_twice_comes_once() -> None:
    assert len(planned(listed("a"), listed("a", "\\Sent")).targets) == 1


def test_without_a_delimiter_a_name_is_one_level() -> None:
    assert places(planned(listed("a/b.c", delimiter=""))) == {"a/b.c": "a／b.c"}


@pytest.mark.parametrize(
    ("name", "delimiter", "local"),
    [
        ("Bilans 50%", "/", "Bilans 50％"),
        ("Zut* alors", "/", "Zut＊ alors"),
        ("a/b.c", ".", "a／b/c"),
        ("a\tb\x7fc", "/", "a_b_c"),
        ("/a//b/", "/", "a/b"),
        ("cafe\u0301", "/", "café"),
        ("///", "/", "_"),
    ],
)
def test_what_cannot_be_a_name_here_is_made_one(name: str, delimiter: str, local: str) -> None:
    (target,) = planned(listed(name, delimiter=delimiter)).targets
    assert target.local == local
    assert target.local == normal_name(target.local)


def test_a_name_that_had_to_change_is_called_altered() -> None:
    assert planned(listed("50%")).targets[0].is_altered


def test_a_name_that_can_stay_is_not_called_altered() -> None:
    (target,) = planned(listed("R&D")).targets
    assert (target.wire, target.name, target.local, target.is_altered) == (
        *(b"R&-D", "R&D", "R&D"),
        False,
    )


def test_a_name_at_the_limit_stays_and_a_longer_one_is_cut_for_good() -> None:
    exact, longer = "n" * NAME_LIMIT, "n" * (NAME_LIMIT + 1)
    other = "n" * NAME_LIMIT + "x"
    found = places(planned(listed(exact), listed(longer), listed(other)))
    assert found[exact] == exact
    assert len(found[longer]) == NAME_LIMIT
    assert len(set(found.values())) == 3
    assert places(planned(listed(longer))) == {longer: found[longer]}


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=4))
def test_every_name_becomes_one_of_ours(levels: list[str]) -> None:
    local = folders.acceptable(levels)
    assert local == normal_name(local)
    assert not set("%*") & set(local)
    assert folders.acceptable(levels) == local


@pytest.mark.parametrize(
    ("wire", "name"),
    [(b"&AOk-t&AOk-", "été"), (b"A&B", "A&B"), ("été".encode(), "été"), (b"\xe9", "\ufffd")],
)
def test_a_name_in_an_encoding_of_its_own_is_read_as_it_comes(wire: bytes, name: str) -> None:
    (target,) = planned(listed(wire)).targets
    assert (target.wire, target.name) == (wire, name)


def test_inbox_is_inbox_in_any_case_and_comes_first() -> None:
    plan = planned(listed("Aa"), listed("inbox"), listed("Inbox/x"))
    assert [one.local for one in plan.targets] == ["INBOX", "Aa", "INBOX/x"]


def test_a_prefix_that_means_mine_goes() -> None:
    every = tuple(
        listed(name, delimiter=".") for name in ("INBOX", "INBOX.Sent", "INBOX.Suivi.A", "INBOX.")
    )
    plan = folders.plan(Listing(every, own_prefixes=(b"INBOX.",)), Wishes(), SPECIALS)
    assert places(plan) == {
        "INBOX": "INBOX",
        "INBOX.Sent": "Envoyés",
        "INBOX.Suivi.A": "Suivi/A",
        "INBOX.": "INBOX",
    }


def test_special_uses_go_into_ours_with_what_is_below() -> None:
    plan = planned(
        listed("Postausgang", "\\Sent"),
        listed("Postausgang/2019"),
        listed("Éléments supprimés"),
        listed("Spam"),
        listed("Brouillons"),
        listed("archives/x"),
        listed("Archives"),
    )
    assert places(plan) == {
        "Postausgang": "Envoyés",
        "Postausgang/2019": "Envoyés/2019",
        "Éléments supprimés": "Corbeille",
        "Spam": "Indésirables",
        "Brouillons": "Brouillons",
        "archives/x": "archives/x",
        "Archives": "Archives",
    }


def test_an_attribute_counts_more_than_a_name_and_one_folder_has_the_use() -> None:
    plan = planned(listed("Sent"), listed("Zz", "\\Sent"), listed("Yy", "\\Sent"))
    assert places(plan) == {"Yy": "Envoyés", "Sent": "Sent", "Zz": "Zz"}


def test_a_use_that_we_have_no_folder_for_makes_one() -> None:
    (target,) = planned(listed("Postausgang", "\\Sent"), specials={}).targets
    assert (target.local, target.special_use) == ("Postausgang", "\\Sent")


def test_what_is_no_mailbox_is_passed_over_without_a_word() -> None:
    plan = planned(listed("a", "\\Noselect"), listed("a/b"), listed("c", "\\NonExistent"))
    assert (places(plan), plan.left_out) == ({"a/b": "a/b"}, ())


def test_what_shows_other_messages_is_left_out_and_told_unless_it_is_named() -> None:
    every = (listed("INBOX"), listed("Tous", "\\All"), listed("Suivis", "\\Flagged"))
    plan = planned(*every)
    assert places(plan) == {"INBOX": "INBOX"}
    assert [name for name, _ in plan.left_out] == ["Suivis", "Tous"]
    named = planned(*every, wishes=Wishes(only=("Tous",)))
    assert places(named) == {"Tous": "Tous"}


def test_folders_of_other_people_are_left_out_and_told_unless_named() -> None:
    listing = Listing((listed("shared/x"), listed("y")), None, (b"",), (b"shared/",))
    plan = folders.plan(listing, Wishes(), SPECIALS)
    assert (places(plan), plan.left_out[0][0]) == ({"y": "y"}, "shared/x")
    named = folders.plan(listing, Wishes(only=("shared",)), SPECIALS)
    assert places(named) == {"shared/x": "shared/x"}


def test_only_and_excluded_mean_what_is_below_too() -> None:
    every = tuple(listed(name, delimiter=".") for name in ("a", "a.b", "a.b.c", "ab", "INBOX"))
    assert set(places(planned(*every, wishes=Wishes(only=("a.b",))))) == {"a.b", "a.b.c"}
    assert set(places(planned(*every, wishes=Wishes(only=("a/b",))))) == {"a.b", "a.b.c"}
    assert set(places(planned(*every, wishes=Wishes(excluded=("a",))))) == {"ab", "INBOX"}
    both = Wishes(only=("a",), excluded=("a.b",))
    assert set(places(planned(*every, wishes=both))) == {"a"}
    assert set(places(planned(*every, wishes=Wishes(only=("inbox",))))) == {"INBOX"}


def test_a_wished_name_takes_what_is_below_and_the_longest_counts() -> None:
    wishes = Wishes(renamed=(("a", "X/Y"), ("a.b", "Z"), ("Sent", "Vieux"), ("INBOX", "Avant")))
    every = ("a", "a.b", "a.b.c", "a.d%", "Sent", "INBOX")
    found = places(planned(*(listed(name, delimiter=".") for name in every), wishes=wishes))
    assert found == {
        "a": "X/Y",
        "a.b": "Z",
        "a.b.c": "Z/c",
        "a.d%": "X/Y/d％",
        "Sent": "Vieux",
        "INBOX": "Avant",
    }


@pytest.mark.parametrize(
    "wishes", [Wishes(only=("x",)), Wishes(excluded=("x",)), Wishes(renamed=(("x", "y"),))]
)
def test_a_wish_that_fits_nothing_is_refused(wishes: Wishes) -> None:
    with pytest.raises(FolderUnknown, match="x"):
        planned(listed("a"), wishes=wishes)


def test_subscriptions_are_kept_and_taken_for_granted_when_nobody_knows() -> None:
    every = (listed("INBOX"), listed("été"), listed("b"))
    known = Listing(every, frozenset({b"inbox", b"&AOk-t&AOk-"}))
    plan = folders.plan(known, Wishes(), {})
    assert [one.is_subscribed for one in plan.targets] == [True, False, True]
    plan = folders.plan(Listing(every, None), Wishes(), {})
    assert all(one.is_subscribed for one in plan.targets)
