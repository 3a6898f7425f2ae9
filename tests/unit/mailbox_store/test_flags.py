"""Flags: one integer, keywords of the mailbox's own."""

import pytest

from mailbox_store import flags
from mailbox_store.database import Database, MailboxId
from mailbox_store.errors import MailboxNotFound, TooManyKeywords
from mailbox_store.flags import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN
from mailbox_store.vault import AccountId
from tests.unit.mailbox_store.shelf import box


def mask(database: Database, mailbox_id: MailboxId, *names: str) -> int:
    return database.write(lambda tx: flags.mask(tx, mailbox_id, names))


def test_system_flags_have_fixed_bits_whatever_their_case(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account).mailbox_id
    every = SEEN | ANSWERED | FLAGGED | DELETED | DRAFT
    assert mask(database, inbox, *flags.SYSTEM_FLAGS) == every == 31
    assert mask(database, inbox, "\\sEEN", "\\DELETED") == SEEN | DELETED
    with database.read() as view:
        assert flags.keywords(view, inbox) == {}


def test_keywords_get_bits_in_order_of_use_and_keep_their_first_spelling(
    database: Database, account: AccountId
) -> None:
    inbox = box(database, account).mailbox_id
    assert mask(database, inbox, "$Label1", "Urgent") == 32 | 64
    assert mask(database, inbox, "urgent", "$LABEL1", "Urgent", "\\Seen") == 32 | 64 | 1
    with database.read() as view:
        known = flags.keywords(view, inbox)
    assert known == {32: "$Label1", 64: "Urgent"}
    assert flags.names(64 | 32 | 2, known) == ["\\Answered", "$Label1", "Urgent"]


def test_keywords_belong_to_their_mailbox(database: Database, account: AccountId) -> None:
    inbox, other = box(database, account).mailbox_id, box(database, account, "a").mailbox_id
    mask(database, inbox, "one")
    assert mask(database, other, "two") == 32
    with database.read() as view:
        assert flags.keywords(view, other) == {32: "two"}


def test_a_mailbox_has_58_keywords_and_not_one_more(database: Database, account: AccountId) -> None:
    inbox = box(database, account).mailbox_id
    every = mask(database, inbox, *(f"k{n}" for n in range(58)))
    assert every == ((1 << 63) - 1) & ~31
    assert mask(database, inbox, "K57") == 1 << 62
    with pytest.raises(TooManyKeywords):
        mask(database, inbox, "k1", "k58")
    with database.read() as view:
        assert len(flags.keywords(view, inbox)) == 58


def test_the_name_of_a_keyword_is_sealed(database: Database, account: AccountId) -> None:
    inbox = box(database, account).mailbox_id
    mask(database, inbox, "Diabete")
    with database.read() as view:
        sealed = view.sql("SELECT sealed FROM keywords").scalar_one()
        assert view.vault.account(view, account).open(sealed, b"keyword") == b"Diabete"


def test_a_mailbox_that_is_gone_takes_no_keyword(database: Database) -> None:
    with pytest.raises(MailboxNotFound):
        mask(database, MailboxId(99), "a")
