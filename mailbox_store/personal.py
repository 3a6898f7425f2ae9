"""\\Seen as one person's own, where several people read the mailboxes of one account.

A row says that this person has seen that message. The shared bit of ``entries.flags`` goes on
beside it, for the owner; whoever reads as a *viewer* sees their own in its place. A change of one's
own \\Seen gives the message the next MODSEQ like any other change, so that the feed and QRESYNC
(RFC 7162 §3.2) hold for each person; to everybody else its flags are what they were.
"""

import json
from collections.abc import Iterable

from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.flags import SEEN
from mailbox_store.vault import AccountId


def flags_column(viewer: AccountId | None) -> tuple[str, tuple[AccountId, ...]]:
    """The flags of ``entries e`` as this viewer sees them: SQL, and the parameters it takes."""
    if viewer is None:
        return "e.flags", ()
    return (
        f"(e.flags & {~SEEN}) | CASE WHEN EXISTS (SELECT 1 FROM personal_seen p"
        " WHERE p.person_account = ? AND p.mailbox_id = e.mailbox_id AND p.uid = e.uid)"
        f" THEN {SEEN} ELSE 0 END",
        (viewer,),
    )


def count(view: View, viewer: AccountId, mailbox_id: MailboxId) -> int:
    """How many messages of a mailbox this person has seen; costs a walk over their rows."""
    found = view.sql(
        "SELECT count(*) FROM personal_seen WHERE person_account = ? AND mailbox_id = ?",
        (viewer, mailbox_id),
    )
    return int(found.scalar_one())


def seen_among(
    view: View, viewer: AccountId, mailbox_id: MailboxId, uids: Iterable[int]
) -> set[int]:
    """Those of ``uids`` that this person has seen."""
    rows = view.sql(
        "SELECT uid FROM personal_seen WHERE person_account = ? AND mailbox_id = ?"
        " AND uid IN (SELECT value FROM json_each(?))",
        (viewer, mailbox_id, json.dumps(list(uids))),
    )
    return {row[0] for row in rows.fetchall()}


def set_seen(
    tx: Transaction,
    viewer: AccountId,
    mailbox_id: MailboxId,
    span: tuple[int, int],
    *,
    is_seen: bool,
) -> list[int]:
    """Make the messages of a closed range of UIDs seen or not: the UIDs for which that is new.

    MODSEQs are the caller's matter.
    """
    first, last = span
    if is_seen:
        rows = tx.sql(
            "INSERT INTO personal_seen (person_account, mailbox_id, uid)"
            " SELECT ?, mailbox_id, uid FROM entries"
            " WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
            " ON CONFLICT DO NOTHING RETURNING uid",
            (viewer, mailbox_id, first, last),
        )
    else:
        rows = tx.sql(
            "DELETE FROM personal_seen"
            " WHERE person_account = ? AND mailbox_id = ? AND uid BETWEEN ? AND ? RETURNING uid",
            (viewer, mailbox_id, first, last),
        )
    return [row[0] for row in rows.fetchall()]


def carry(
    tx: Transaction,
    source: MailboxId,
    target: MailboxId,
    pairs: Iterable[tuple[int, int]],
    without: AccountId | None = None,
) -> None:
    """A copy is as seen as its original, for everybody but ``without``.

    ``pairs``: old and new UID. Where nobody has a \\Seen of their own it costs one look.
    """
    if not tx.sql("SELECT 1 FROM personal_seen WHERE mailbox_id = ? LIMIT 1", (source,)).first():
        return
    for old, new in pairs:
        tx.sql(
            "INSERT INTO personal_seen (person_account, mailbox_id, uid)"
            " SELECT person_account, ?, ? FROM personal_seen"
            " WHERE mailbox_id = ? AND uid = ? AND person_account <> ?",
            (target, new, source, old, -1 if without is None else without),
        )


def clear(tx: Transaction, mailbox_id: MailboxId, first: int, last: int) -> None:
    """The messages of a closed range of UIDs are gone: nobody has seen them any more."""
    tx.sql(
        "DELETE FROM personal_seen WHERE mailbox_id = ? AND uid BETWEEN ? AND ?",
        (mailbox_id, first, last),
    )


def forget_person(tx: Transaction, account_id: AccountId, person: AccountId) -> None:
    """What this person has seen in the mailboxes of an account is forgotten.

    The messages get the next MODSEQ: whoever keeps a picture of them would keep the old \\Seen.
    """
    boxes = tx.sql(
        "SELECT DISTINCT p.mailbox_id FROM personal_seen p JOIN mailboxes m USING (mailbox_id)"
        " WHERE p.person_account = ? AND m.account_id = ?",
        (person, account_id),
    ).fetchall()
    for (mailbox_id,) in boxes:
        modseq = tx.sql(
            "UPDATE mailboxes SET highestmodseq = highestmodseq + 1 WHERE mailbox_id = ?"
            " RETURNING highestmodseq",
            (mailbox_id,),
        ).scalar_one()
        tx.sql(
            "UPDATE entries SET modseq = ? WHERE mailbox_id = ? AND uid IN"
            " (SELECT uid FROM personal_seen WHERE person_account = ? AND mailbox_id = ?)",
            (modseq, mailbox_id, person, mailbox_id),
        )
        tx.changed(mailbox_id, modseq)
    tx.sql(
        "DELETE FROM personal_seen WHERE person_account = ? AND mailbox_id IN"
        " (SELECT mailbox_id FROM mailboxes WHERE account_id = ?)",
        (person, account_id),
    )
