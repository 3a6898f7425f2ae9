"""Random histories of one account's mailboxes against a model that is too simple to be wrong."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mailbox_store import accounts, changes, copying, mailboxes, messages
from mailbox_store.database import Database, MailboxId
from mailbox_store.errors import MailboxExists, MailboxHasChildren
from mailbox_store.flags import DELETED, SEEN
from mailbox_store.mailboxes import Mailbox
from tests.support.nulls import NullSealing
from tests.unit.mailbox_store.shelf import arrival, box

NAMES = st.sampled_from(["INBOX", "A", "B", "A/C"])
FLAGS = st.integers(0, 31)
UIDS = st.sets(st.integers(1, 12), min_size=1, max_size=6)
SIZES = st.integers(0, 40)


@dataclass
class Model:
    """One mailbox as it should be, and as a session that looks now and then knows it."""

    uidvalidity: int
    entries: dict[int, tuple[int, int]] = field(default_factory=dict)
    last_uid: int = 0
    modseq: int = 1
    before: dict[int, tuple[int, int]] = field(default_factory=dict)
    told: dict[int, int] = field(default_factory=dict)
    told_modseq: int = 1
    told_uidnext: int = 1


class Histories(RuleBasedStateMachine):
    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "store.db"
        shutil.copy(self.template, path)
        self.database = Database.open(f"sqlite:///{path}", NullSealing(), clock=lambda: 5)
        self.account = self.database.write(lambda tx: accounts.create(tx, "professional"))
        self.models: dict[MailboxId, Model] = {}
        self.uidvalidities: set[int] = set()
        self.there("INBOX")

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    def there(self, name: str) -> Mailbox:
        """The mailbox of that name, made and modelled when it is not there."""
        found = box(self.database, self.account, name)
        if found.mailbox_id not in self.models:
            self.learn(found)
        return found

    def learn(self, made: Mailbox) -> None:
        assert made.uidvalidity not in self.uidvalidities
        self.uidvalidities.add(made.uidvalidity)
        self.models[made.mailbox_id] = Model(made.uidvalidity)

    def placed(self, mailbox_id: MailboxId, uid: int, flags: int, size: int) -> None:
        model = self.models[mailbox_id]
        assert uid > model.last_uid, "a UID was used again"
        model.last_uid = uid
        model.entries[uid] = (flags, size)

    @rule(name=NAMES, flags=FLAGS, size=SIZES)
    def append(self, name: str, flags: int, size: int) -> None:
        target = self.there(name)
        made = arrival(self.database, self.account, b"x" * size)
        appended = self.database.write(
            lambda tx: messages.append(tx, target.mailbox_id, made, flags, 5)
        )
        assert appended.uidvalidity == target.uidvalidity
        self.placed(target.mailbox_id, appended.uid, flags, size)

    @rule(source=NAMES, goal=NAMES, uids=UIDS, moves=st.booleans())
    def copy_or_move(self, source: str, goal: str, uids: set[int], moves: bool) -> None:
        origin, target = self.there(source), self.there(goal)
        act = copying.move if moves else copying.copy
        pairs = self.database.write(lambda tx: act(tx, origin.mailbox_id, uids, target))
        model = self.models[origin.mailbox_id]
        assert [old for old, _ in pairs] == sorted(uids & model.entries.keys())
        for old, new in pairs:
            self.placed(target.mailbox_id, new, *model.entries[old])
        for old, _ in pairs if moves else ():
            del model.entries[old]

    @rule(name=NAMES, uids=UIDS, keep=st.integers(-32, -1), add=FLAGS)
    def set_flags(self, name: str, uids: set[int], keep: int, add: int) -> None:
        target = self.there(name)
        model = self.models[target.mailbox_id]
        told = self.database.write(
            lambda tx: messages.set_flags(tx, target.mailbox_id, uids, keep, add)
        )
        expected = {
            uid: (flags & keep) | add
            for uid, (flags, _) in model.entries.items()
            if uid in uids and flags != (flags & keep) | add
        }
        assert {uid: flags for uid, flags, _ in told} == expected
        for uid, flags in expected.items():
            model.entries[uid] = (flags, model.entries[uid][1])

    @rule(name=NAMES, uids=st.none() | UIDS)
    def expunge(self, name: str, uids: set[int] | None) -> None:
        target = self.there(name)
        model = self.models[target.mailbox_id]
        gone = self.database.write(lambda tx: messages.expunge(tx, target.mailbox_id, uids))
        assert gone == sorted(
            uid
            for uid, (flags, _) in model.entries.items()
            if flags & DELETED and (uids is None or uid in uids)
        )
        for uid in gone:
            del model.entries[uid]

    @rule(name=st.sampled_from(["B", "A/C"]))
    def delete(self, name: str) -> None:
        target = self.there(name)
        try:
            self.database.write(lambda tx: mailboxes.delete(tx, self.account, name))
        except MailboxHasChildren:
            return
        del self.models[target.mailbox_id]

    @rule(name=NAMES, new_name=st.sampled_from(["B", "D"]))
    def rename(self, name: str, new_name: str) -> None:
        origin = self.there(name)
        try:
            self.database.write(lambda tx: mailboxes.rename(tx, self.account, name, new_name))
        except MailboxExists:
            return
        moved = box(self.database, self.account, new_name)
        if name != "INBOX":
            assert moved.mailbox_id == origin.mailbox_id
            return
        self.learn(moved)
        model = self.models[origin.mailbox_id]
        for uid, (flags, size) in enumerate(
            (model.entries[old] for old in sorted(model.entries)), start=1
        ):
            self.placed(moved.mailbox_id, uid, flags, size)
        model.entries.clear()

    @rule()
    def look(self) -> None:
        """A session that takes the changes in knows exactly what is there."""
        for mailbox_id, model in self.models.items():
            with self.database.read() as view:
                since = changes.changes_since(
                    view, mailbox_id, model.told_modseq, model.told_uidnext
                )
            for uid in since.expunged:
                model.told.pop(uid, None)
            for uid, flags, _ in since.changed:
                assert uid in model.told
                model.told[uid] = flags
            for uid, flags, _ in since.appeared:
                assert uid not in model.told
                model.told[uid] = flags
            assert model.told == {uid: flags for uid, (flags, _) in model.entries.items()}
            model.told_modseq, model.told_uidnext = since.highestmodseq, model.last_uid + 1

    @invariant()
    def counters_and_rows_agree(self) -> None:
        with self.database.read() as view:
            listed = mailboxes.list_mailboxes(view, self.account)
            assert {one.mailbox_id for one in listed} == self.models.keys()
            for one in listed:
                self.check(changes.snapshot(view, one.mailbox_id))

    def check(self, snapshot: changes.Snapshot) -> None:
        one = snapshot.mailbox
        model = self.models[one.mailbox_id]
        entries = model.entries
        actual = dict(zip(snapshot.uids, snapshot.flags, strict=True))
        assert actual == {uid: flags for uid, (flags, _) in entries.items()}
        assert one.messages == len(entries)
        assert one.unseen == sum(not flags & SEEN for flags, _ in entries.values())
        assert one.deleted == sum(bool(flags & DELETED) for flags, _ in entries.values())
        assert one.octets == sum(size for _, size in entries.values())
        assert one.uidnext == model.last_uid + 1
        assert one.uidvalidity == model.uidvalidity
        assert one.highestmodseq >= max([0, *snapshot.modseqs])
        # a change has a MODSEQ above every earlier one, and what did not change has none
        if entries == model.before:
            assert one.highestmodseq == model.modseq
        else:
            assert one.highestmodseq > model.modseq
        for uid, modseq in zip(snapshot.uids, snapshot.modseqs, strict=True):
            assert (modseq > model.modseq) == (entries[uid] != model.before.get(uid))
        model.modseq, model.before = one.highestmodseq, dict(entries)

    @invariant()
    def bodies_are_held_as_often_as_they_are_referred_to(self) -> None:
        with self.database.read() as view:
            holders = view.sql(
                "SELECT b.holders, count(m.message_id) FROM blobs b"
                " LEFT JOIN messages m ON m.blob_id = b.blob_id GROUP BY b.blob_id"
            ).fetchall()
            stray = view.sql(
                "SELECT (SELECT count(*) FROM blob_chunks"
                " WHERE chunk_id >> 16 NOT IN (SELECT blob_id FROM blobs)),"
                " (SELECT count(*) FROM messages"
                " WHERE message_id NOT IN (SELECT message_id FROM entries))"
            ).one()
        assert all(counted == referring for counted, referring in holders)
        assert tuple(stray) == (0, 0)


def test_any_history_leaves_the_mailboxes_as_the_model(first_start: Path) -> None:
    machine = type("Machine", (Histories,), {"template": first_start})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=30))
