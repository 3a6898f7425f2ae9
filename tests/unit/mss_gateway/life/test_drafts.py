"""Drafts in the store: one message each, replaced whole or not at all, within bounds."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction, View
from mailbox_store.errors import MessageNotFound
from mailbox_store.flags import DELETED
from mailbox_store.rows import Rows
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import drafts
from tests.support.smtp_site import OTHER_PATIENT, PATIENT, Site


def raw(name: str, text: str = "Bonjour.") -> bytes:
    """A draft whose Message-ID says ``name``."""
    return (
        f"From: {PATIENT}\r\nSubject: Objet\r\nMessage-ID: <{name}@mss.example>\r\n\r\n{text}\r\n"
    ).encode()


def save(site: Site, name: str, text: str = "Bonjour.", replaced: int | None = None) -> int:
    return drafts.save(site.gateway, site.person(PATIENT), raw(name, text), replaced)


def uids(site: Site, address: str = PATIENT) -> list[int]:
    with site.gateway.database.read() as view:
        return [row.uid for row in drafts.page_of(view, site.person(address), None, 100)]


def refused(attempt: Callable[[], object]) -> Failure:
    with pytest.raises(Refused) as told:
        attempt()
    return told.value.failure


def test_a_version_takes_the_place_of_the_older_one_in_one_commit(site: Site) -> None:
    first = save(site, "a", "Un.")
    other = save(site, "b")
    before = site.gateway.database.commits
    second = save(site, "a", "Deux.", first)
    assert site.gateway.database.commits == before + 1
    assert uids(site) == [second, other]
    with site.gateway.database.read() as view:
        found = drafts.find(view, site.person(PATIENT), second)
        assert found.message.raw == raw("a", "Deux.")
        assert drafts.find_again(view, site.person(PATIENT), "<a@mss.example>") == second
        assert drafts.find_again(view, site.person(PATIENT), "<c@mss.example>") is None
        assert drafts.find_again(view, site.person(PATIENT), "") is None
        with pytest.raises(MessageNotFound):
            drafts.find(view, site.person(PATIENT), first)
        with pytest.raises(MessageNotFound):
            drafts.find(view, site.person(OTHER_PATIENT), second)


def test_a_version_that_is_gone_is_not_replaced(site: Site) -> None:
    first = save(site, "a", "Un.")
    second = save(site, "a", "Deux.", first)
    assert refused(lambda: save(site, "a", "Trois.", first)) is Failure.DRAFT_CHANGED
    assert uids(site) == [second]


def test_what_a_mail_program_has_marked_as_deleted_is_gone(site: Site) -> None:
    uid = save(site, "a")
    person = site.person(PATIENT)

    def mark(tx: Transaction) -> None:
        mailbox = mailboxes.find_special(tx, person.account_id, drafts.USE)
        assert mailbox is not None
        messages.set_flags(tx, mailbox.mailbox_id, [uid], -1, DELETED)

    site.gateway.database.write(mark)
    assert uids(site) == []
    assert refused(lambda: save(site, "a", "Deux.", uid)) is Failure.DRAFT_CHANGED
    with site.gateway.database.read() as view:
        assert drafts.find_again(view, person, "<a@mss.example>") is None


def test_the_last_draft_fits_and_one_more_does_not(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_LIMIT", 3)
    last = [save(site, name) for name in "abc"][-1]
    assert refused(lambda: save(site, "d")) is Failure.DRAFTS_FULL
    save(site, "c", "Changé.", last)
    drafts.remove(site.gateway, site.person(PATIENT), uids(site)[0])
    save(site, "d")
    assert len(uids(site)) == 3


def test_a_message_too_big_to_be_sent_is_no_draft(site: Site) -> None:
    limit = site.gateway.config.limits.patient_message_octets
    room = limit - len(raw("a", ""))
    assert refused(lambda: save(site, "a", "a" * (room + 1))) is Failure.MESSAGE_TOO_BIG
    assert uids(site) == []
    save(site, "a", "a" * room)


def test_the_mailbox_is_made_when_there_is_none(site: Site) -> None:
    person = site.person(PATIENT)

    def renamed(tx: Transaction) -> None:
        # without its special use, under the name that it had: somebody's own mailbox
        tx.sql(
            "UPDATE mailboxes SET special_use = NULL WHERE account_id = ? AND special_use = ?",
            (person.account_id, drafts.USE),
        )

    site.gateway.database.write(renamed)
    assert uids(site) == []
    uid = save(site, "a")
    assert uids(site) == [uid]
    with site.gateway.database.read() as view:
        made = mailboxes.find_special(view, person.account_id, drafts.USE)
    assert made is not None and made.name == f"{site.gateway.config.mailboxes.drafts} 2"


def test_what_was_sent_takes_its_own_version_of_the_draft_away_alone(site: Site) -> None:
    person = site.person(PATIENT)
    other = save(site, "a", "Un.")
    sent = save(site, "a", "Deux.")
    site.gateway.database.write(lambda tx: drafts.forget(tx, person, sent))
    assert uids(site) == [other]
    with site.gateway.database.read() as view:
        assert not drafts.was_sent(view, person, "<a@mss.example>")
        assert not drafts.was_sent(view, person, "")
        assert drafts.sent_copies(view, person, "<a@mss.example>") == []


def test_a_page_of_drafts_costs_the_same_whatever_stands_behind_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    plain = View.sql

    def counted(view: View, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        asked.append(statement)
        return plain(view, statement, parameters)

    monkeypatch.setattr(View, "sql", counted)
    counts = []
    for _ in range(2):
        for number in range(4):
            save(site, f"n{number}")
        with site.gateway.database.read() as view:
            asked.clear()
            assert len(drafts.page_of(view, site.person(PATIENT), None, 4)) == 4
            counts.append(len(asked))
    assert counts[0] == counts[1]
