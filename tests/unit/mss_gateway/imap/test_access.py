"""Whose rights count on which mailbox: the owner, a member, a mailbox of its own mind."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailbox_store import mailboxes, rights
from mailbox_store.database import View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory import members
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import access
from mss_gateway.imap.access import AccessEnded
from mss_gateway.imap.rights import EVERYTHING
from mss_gateway.imap.state import Holder, MailboxGone
from tests.protocol.imap_site import FILED_LOGIN, OTHER_LOGIN, Site, open_site

MEMBERSHIP = "lrswipkxte"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def view(site: Site) -> Iterator[View]:
    with site.database.read() as view:
        yield view


@pytest.fixture
def owner(site: Site) -> Holder:
    return site.holders[FILED_LOGIN]


@pytest.fixture
def member(site: Site, owner: Holder) -> Holder:
    return replace(owner, person_id=site.holders[OTHER_LOGIN].account_id)


@pytest.fixture
def stranger(site: Site, owner: Holder) -> Holder:
    """Somebody who signed in while they were a member."""
    person_id = site.holders[OTHER_LOGIN].account_id
    site.database.write(lambda tx: members.revoke(tx, owner.account_id, person_id))
    return replace(owner, person_id=person_id)


def made(site: Site, owner: Holder, name: str) -> Mailbox:
    return site.database.write(lambda tx: mailboxes.create(tx, owner.account_id, name))


def grant(site: Site, box: Mailbox, member: Holder, letters: str) -> None:
    site.database.write(lambda tx: rights.put(tx, box.mailbox_id, member.person_id, letters))


def test_the_owner_has_every_right_whatever_a_mailbox_says(site: Site, owner: Holder) -> None:
    box = made(site, owner, "A")
    grant(site, box, owner, "l")
    with site.database.read() as view:
        assert access.on_mailbox(view, owner, box.mailbox_id) == EVERYTHING
        assert access.on_each(view, owner, [box]) == {box.mailbox_id: EVERYTHING}
        assert access.named(view, owner, "SETACL", "A") == (box, EVERYTHING)


def test_a_mailbox_counts_before_the_membership(site: Site, owner: Holder, member: Holder) -> None:
    plain, wider, closed = (made(site, owner, name) for name in ("A", "B", "C"))
    grant(site, wider, member, EVERYTHING)
    grant(site, closed, member, "")
    with site.database.read() as view:
        found = access.on_each(view, member, [plain, wider, closed])
        one_by_one = {
            box.mailbox_id: access.on_mailbox(view, member, box.mailbox_id)
            for box in (plain, wider, closed)
        }
    assert list(found.values()) == [MEMBERSHIP, EVERYTHING, ""]
    assert one_by_one == found


def test_another_grant_of_the_operator_counts_everywhere(
    site: Site, owner: Holder, member: Holder
) -> None:
    box = made(site, owner, "A")
    grant(site, box, member, EVERYTHING)
    site.database.write(lambda tx: members.grant(tx, owner.account_id, member.person_id, "lr"))
    with site.database.read() as view:
        assert access.on_mailbox(view, member, box.mailbox_id) == "lr"


def test_without_a_membership_there_is_no_access_at_all(
    view: View, owner: Holder, stranger: Holder
) -> None:
    inbox = mailboxes.find(view, owner.account_id, "INBOX")
    with pytest.raises(AccessEnded) as ended:
        access.on_mailbox(view, stranger, inbox.mailbox_id)
    assert isinstance(ended.value, MailboxGone)
    assert ended.value.sentence == "imap.partage_fini"
    with pytest.raises(AccessEnded):
        access.on_each(view, stranger, [inbox])
    assert not access.is_reading(view, stranger, inbox.mailbox_id)


def test_what_a_mailbox_granted_ends_with_the_membership(
    site: Site, owner: Holder, member: Holder
) -> None:
    box = made(site, owner, "A")
    grant(site, box, member, EVERYTHING)
    for share in (
        lambda tx: members.revoke(tx, owner.account_id, member.person_id),
        lambda tx: members.grant(tx, owner.account_id, member.person_id, "l"),
    ):
        site.database.write(share)
    with site.database.read() as view:
        assert access.on_mailbox(view, member, box.mailbox_id) == "l"


@pytest.mark.parametrize(
    ("letters", "refusal"),
    [("lr", None), ("r", None), ("l", Failure.NOT_ALLOWED), ("", None), ("sw", None)],
)
def test_a_mailbox_that_may_not_be_seen_is_not_there(
    site: Site, owner: Holder, member: Holder, letters: str, refusal: Failure | None
) -> None:
    box = made(site, owner, "A")
    grant(site, box, member, letters)
    with site.database.read() as view:
        if "r" in letters:
            assert access.named(view, member, "SELECT", "A") == (box, letters)
        elif refusal is not None:
            with pytest.raises(Refused) as refused:
                access.named(view, member, "SELECT", "A")
            assert refused.value.failure is refusal
        else:
            with pytest.raises(MailboxNotFound):
                access.named(view, member, "SELECT", "A")


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("Neuf", True),
        ("Ouvert/Neuf", True),
        ("Ouvert/Deux/Trois", True),
        ("Ouvert/Ferme/Neuf", False),
        ("Cache/Neuf", False),
        ("Cache/Deux/Trois", False),
    ],
)
def test_the_nearest_mailbox_above_a_new_name_decides(
    site: Site, owner: Holder, member: Holder, name: str, may: bool
) -> None:
    for level, letters in (("Ouvert", "lk"), ("Ouvert/Ferme", "lr"), ("Cache", "")):
        grant(site, made(site, owner, level), member, letters)
    with site.database.read() as view:
        access.check_new(view, owner, "CREATE", name)
        if may:
            access.check_new(view, member, "CREATE", name)
            return
        with pytest.raises(Refused) as refused:
            access.check_new(view, member, "CREATE", name)
    assert refused.value.failure is Failure.NOT_ALLOWED
