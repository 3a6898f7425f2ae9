"""One's own \\Seen: several readers of one account against a model too simple to be wrong."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mailbox_store import accounts, changes, copying, mailboxes, messages, personal
from mailbox_store.database import Database, MailboxId, Transaction
from mailbox_store.flags import DELETED, EVERY_FLAG, SEEN
from mailbox_store.mailboxes import Mailbox
from mailbox_store.rows import Rows
from mailbox_store.vault import AccountId
from tests.support.nulls import NullSealing
from tests.unit.mailbox_store.shelf import append, arrival, box, fresh

Viewer = AccountId | None

NAMES = st.sampled_from(["INBOX", "A"])
FLAGS = st.integers(0, 31)
UIDS = st.sets(st.integers(1, 10), min_size=1, max_size=5)
WHO = st.integers(0, 3)
"""0 is the owner, whose \\Seen is the shared one."""

ALLOWED = st.sampled_from([EVERY_FLAG, EVERY_FLAG & ~SEEN, SEEN, 0])


@dataclass
class Model:
    """One mailbox as it should be: the flags of each message, and who has seen it beside."""

    entries: dict[int, tuple[int, frozenset[int]]] = field(default_factory=dict)
    told: dict[int, dict[int, int]] = field(default_factory=dict)
    told_modseq: dict[int, int] = field(default_factory=dict)
    told_uidnext: dict[int, int] = field(default_factory=dict)
    last_uid: int = 0

    def seen_by(self, who: int) -> dict[int, int]:
        """UID → flags as this reader has them."""
        return {uid: _as_read(who, *entry) for uid, entry in self.entries.items()}


def _as_read(who: int, flags: int, readers: frozenset[int]) -> int:
    return flags if who == 0 else flags & ~SEEN | (SEEN if who in readers else 0)


class Readers(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        shutil.copy(self.template, path)
        self.database = Database.open(f"sqlite:///{path}", NullSealing(), clock=lambda: 5)
        self.viewers: list[Viewer] = [None]
        for _ in range(3):
            made = self.database.write(lambda tx: accounts.create(tx, "professional"))
            self.viewers.append(made)
        self.account = self.database.write(lambda tx: accounts.create(tx, "organisation"))
        self.models: dict[MailboxId, Model] = {}
        self.there("INBOX")

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def there(self, name: str) -> Mailbox:
        found = box(self.database, self.account, name)
        self.models.setdefault(found.mailbox_id, Model())
        return found

    def placed(self, mailbox: Mailbox, uid: int, flags: int, readers: frozenset[int]) -> None:
        model = self.models[mailbox.mailbox_id]
        model.entries[uid] = (flags, readers)
        model.last_uid = uid

    @rule(name=NAMES, flags=FLAGS)
    def deliver(self, name: str, flags: int) -> None:
        target = self.there(name)
        made = arrival(self.database, self.account)
        uid = self.database.write(
            lambda tx: messages.append(tx, target.mailbox_id, made, flags, 5)
        ).uid
        self.placed(target, uid, flags, frozenset())

    @rule(who=WHO, name=NAMES, uids=UIDS, keep=st.integers(-32, -1), add=FLAGS)
    def store(self, who: int, name: str, uids: set[int], keep: int, add: int) -> None:
        target = self.there(name)
        model = self.models[target.mailbox_id]
        before = model.seen_by(who)
        changed = self.database.write(
            lambda tx: messages.set_flags(tx, target.mailbox_id, uids, keep, add, self.viewers[who])
        )
        for uid in uids & model.entries.keys():
            flags, readers = model.entries[uid]
            if who == 0:
                model.entries[uid] = (flags & keep | add, readers)
                continue
            is_seen = (before[uid] & keep | add) & SEEN
            readers = readers | {who} if is_seen else readers - {who}
            model.entries[uid] = (flags & (keep | SEEN) | add & ~SEEN, readers)
        after = model.seen_by(who)
        expected = {uid: after[uid] for uid in uids & after.keys() if before[uid] != after[uid]}
        assert {uid: flags for uid, flags, _ in changed} == expected
        assert [uid for uid, _, _ in changed] == sorted(expected)
        assert len({modseq for _, _, modseq in changed}) <= 1, "one change, one MODSEQ"

    @rule(who=WHO, source=NAMES, goal=NAMES, uids=UIDS, moves=st.booleans(), allowed=ALLOWED)
    def copy_or_move(
        self, who: int, source: str, goal: str, uids: set[int], moves: bool, allowed: int
    ) -> None:
        origin, target = self.there(source), self.there(goal)
        act = copying.move if moves else copying.copy
        pairs = self.database.write(
            lambda tx: act(tx, origin.mailbox_id, uids, target, allowed, self.viewers[who])
        )
        model = self.models[origin.mailbox_id]
        assert [old for old, _ in pairs] == sorted(uids & model.entries.keys())
        found = [(old, new, *model.entries[old]) for old, new in pairs]
        for _, new, flags, readers in found:
            shared = flags & allowed if who == 0 else flags & (allowed | SEEN)
            kept = readers - {who} if who and not allowed & SEEN else readers
            self.placed(target, new, shared, kept)
        for old, _, _, _ in found if moves else ():
            del model.entries[old]

    @rule(name=NAMES, uids=st.none() | UIDS)
    def expunge(self, name: str, uids: set[int] | None) -> None:
        target = self.there(name)
        model = self.models[target.mailbox_id]
        gone = self.database.write(lambda tx: messages.expunge(tx, target.mailbox_id, uids))
        for uid in gone:
            assert model.entries.pop(uid)[0] & DELETED

    @rule()
    def delete(self) -> None:
        target = self.there("A")
        self.database.write(lambda tx: mailboxes.delete(tx, self.account, "A"))
        del self.models[target.mailbox_id]

    @rule(who=WHO)
    def look(self, who: int) -> None:
        """A reader who takes the changes in knows exactly what is there for them."""
        for mailbox_id, model in self.models.items():
            told = model.told.setdefault(who, {})
            with self.database.read() as view:
                since = changes.changes_since(
                    view,
                    mailbox_id,
                    model.told_modseq.get(who, 1),
                    model.told_uidnext.get(who, 1),
                    self.viewers[who],
                )
            for uid in since.expunged:
                told.pop(uid, None)
            told |= {uid: flags for uid, flags, _ in (*since.changed, *since.appeared)}
            assert told == model.seen_by(who)
            model.told_modseq[who] = since.highestmodseq
            model.told_uidnext[who] = model.last_uid + 1

    @invariant()
    def everybody_sees_their_own(self) -> None:
        with self.database.read() as view:
            for mailbox_id, model in self.models.items():
                for who, viewer in enumerate(self.viewers):
                    found = changes.snapshot(view, mailbox_id, viewer)
                    assert dict(zip(found.uids, found.flags, strict=True)) == model.seen_by(who)
                    seen = sum(bool(flags & SEEN) for flags in model.seen_by(who).values())
                    if viewer is not None:
                        assert personal.count(view, viewer, mailbox_id) == seen
                    else:
                        assert found.mailbox.unseen == len(model.entries) - seen

    @invariant()
    def nothing_is_kept_of_what_is_gone(self) -> None:
        with self.database.read() as view:
            stray = view.sql(
                "SELECT count(*) FROM personal_seen p WHERE NOT EXISTS (SELECT 1 FROM entries e"
                " WHERE e.mailbox_id = p.mailbox_id AND e.uid = p.uid)"
            )
            assert stray.scalar_one() == 0


def test_readers_and_the_model_agree(first_start: Path) -> None:
    Readers.template = first_start
    run_state_machine_as_test(
        Readers, settings=settings(max_examples=40, stateful_step_count=25, deadline=None)
    )


@pytest.fixture
def inbox(database: Database, account: AccountId) -> Mailbox:
    return box(database, account)


def read(
    database: Database, mailbox: Mailbox, viewer: AccountId, uids: set[int], keep: int, add: int
) -> list[tuple[int, int, int]]:
    return database.write(
        lambda tx: messages.set_flags(tx, mailbox.mailbox_id, uids, keep, add, viewer)
    )


def test_reading_gives_a_modseq_and_counts_for_nobody_else(
    database: Database, inbox: Mailbox, other_account: AccountId
) -> None:
    for _ in range(3):
        append(database, inbox)
    before = fresh(database, inbox)
    changed = read(database, inbox, other_account, {1, 3, 9}, -1, SEEN)
    after = fresh(database, inbox)
    assert changed == [(1, SEEN, after.highestmodseq), (3, SEEN, after.highestmodseq)]
    assert after.highestmodseq == before.highestmodseq + 1
    assert (after.unseen, after.messages) == (3, 3)


def test_what_changes_nothing_gives_no_modseq(
    database: Database, inbox: Mailbox, other_account: AccountId
) -> None:
    append(database, inbox)
    read(database, inbox, other_account, {1}, -1, SEEN)
    before = fresh(database, inbox)
    assert read(database, inbox, other_account, {1}, -1, SEEN) == []
    assert read(database, inbox, other_account, {2}, ~SEEN, 0) == []
    assert fresh(database, inbox) == before


def test_a_person_is_forgotten_in_one_account_only(
    database: Database,
    account: AccountId,
    other_account: AccountId,
    count: Callable[[str], int],
) -> None:
    here, there = box(database, account), box(database, other_account)
    viewer = database.write(lambda tx: accounts.create(tx, "professional"))
    for one in (here, there):
        append(database, one)
        read(database, one, viewer, {1}, -1, SEEN)
    database.write(lambda tx: personal.forget_person(tx, account, viewer))
    assert count("personal_seen") == 1
    with database.read() as view:
        assert personal.count(view, viewer, there.mailbox_id) == 1


def test_no_statement_walks_the_table(database: Database, account: AccountId) -> None:
    """A box that nobody shares pays a look into an index, however many people share others."""
    inbox, asked = box(database, account), list[tuple[str, tuple[object, ...]]]()

    def noted(tx: Transaction) -> None:
        run = tx.sql

        def note(statement: str, parameters: Sequence[Any] = ()) -> Rows:
            asked.append((statement, tuple(parameters)))
            return run(statement, parameters)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(tx, "sql", note)
            personal.clear(tx, inbox.mailbox_id, 1, 5)
            personal.carry(tx, inbox.mailbox_id, inbox.mailbox_id, [(1, 2)])
            personal.set_seen(tx, account, inbox.mailbox_id, (1, 5), is_seen=True)
            personal.set_seen(tx, account, inbox.mailbox_id, (1, 5), is_seen=False)
            personal.count(tx, account, inbox.mailbox_id)
            personal.seen_among(tx, account, inbox.mailbox_id, [1, 2])
            changes.snapshot(tx, inbox.mailbox_id, account)

    database.write(noted)
    about = [one for one in asked if "personal_seen" in one[0]]
    assert len(about) == 7
    with database.read() as view:
        plans = [
            row[3]
            for statement, parameters in about
            for row in view.sql("EXPLAIN QUERY PLAN " + statement, parameters).fetchall()
        ]
    walks = [plan for plan in plans if plan.startswith("SCAN") and "json_each" not in plan]
    assert [plan for plan in walks if "personal_seen" in plan or " p" in plan] == []
