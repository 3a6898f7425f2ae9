"""Whose rights count on which mailbox: read by each command, in its own view or transaction.

Nothing is remembered from one command to the next. The owner has every right and costs no query; a
member has what the mailbox grants them, and where it says nothing what their membership does.
"""

from collections.abc import Iterable

from mailbox_store import mailboxes, rights
from mailbox_store.database import MailboxId, View
from mailbox_store.errors import MailboxNotFound
from mailbox_store.mailboxes import Mailbox
from mailbox_store.names import SEPARATOR, normal_name
from mss_gateway.directory import members
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap.rights import EVERYTHING, changeable, has_all, has_any, needs_of
from mss_gateway.imap.state import Holder, MailboxGone, Session


class AccessEnded(MailboxGone):
    """The box is not shared with this person any more; the connection ends."""

    sentence = "imap.partage_fini"


def is_owner(holder: Holder) -> bool:
    """Whether these are one's own mailboxes."""
    return holder.person_id == holder.account_id


def on_account(view: View, holder: Holder) -> str:
    """The rights where no mailbox says otherwise; raises :class:`AccessEnded`."""
    if is_owner(holder):
        return EVERYTHING
    granted = members.rights_of(view, holder.account_id, holder.person_id)
    if granted is None:
        raise AccessEnded
    return granted


def on_mailbox(view: View, holder: Holder, mailbox_id: MailboxId) -> str:
    """The rights on one mailbox; raises :class:`AccessEnded`."""
    granted = on_account(view, holder)
    if is_owner(holder):
        return granted
    own = rights.of(view, mailbox_id, holder.person_id)
    return granted if own is None else own


def on_each(view: View, holder: Holder, boxes: Iterable[Mailbox]) -> dict[MailboxId, str]:
    """The rights on mailboxes of the account, in two queries; raises :class:`AccessEnded`."""
    granted = on_account(view, holder)
    if is_owner(holder):
        return {box.mailbox_id: granted for box in boxes}
    own = rights.of_person(view, holder.account_id, holder.person_id)
    return {box.mailbox_id: own.get(box.mailbox_id, granted) for box in boxes}


def named(view: View, holder: Holder, command: str, name: str) -> tuple[Mailbox, str]:
    """The mailbox that a command names, and the rights on it, which suffice for the command.

    Raises ``MailboxNotFound``, and ``Refused`` where the mailbox may be seen but not used so.
    """
    box = mailboxes.find(view, holder.account_id, name)
    letters = on_mailbox(view, holder, box.mailbox_id)
    needs = needs_of(command)
    _demand(letters, needs.named, needs.any_named)
    return box, letters


def selected(view: View, holder: Holder, command: str, mailbox_id: MailboxId) -> str:
    """The rights on the selected mailbox, which suffice for the command; raises as :func:`named`.

    For commands that write: their transaction may come after rights were taken away. What only
    reads is content with :func:`confirm`.
    """
    letters = on_mailbox(view, holder, mailbox_id)
    needs = needs_of(command)
    _demand(letters, needs.here, needs.any_here)
    return letters


def check_new(view: View, holder: Holder, command: str, name: str) -> None:
    """Whether a mailbox of this new name may be made: the nearest one above it decides.

    Where there is none the account's rights count. Raises ``Refused``, whether or not the mailbox
    above may be seen.
    """
    if is_owner(holder):
        return
    parent = _nearest(view, holder, name)
    if parent is None:
        letters = on_account(view, holder)
    else:
        letters = on_mailbox(view, holder, parent.mailbox_id)
    if not has_all(letters, needs_of(command).parent):
        raise Refused(Failure.NOT_ALLOWED, command)


def is_reading(view: View, holder: Holder, mailbox_id: MailboxId) -> bool:
    """Whether what happens in the mailbox may be told; not to who is no member any more."""
    try:
        return "r" in on_mailbox(view, holder, mailbox_id)
    except AccessEnded:
        return False


async def confirm(session: Session, command: str) -> None:
    """Before a member's command: are they one still, and may they do this where they are?

    Raises :class:`AccessEnded`, and what :func:`selected` raises. Tells the flags that may be
    changed when that changed, RFC 4314 §5.1.1.
    """
    holder = session.holder
    if holder is None or is_owner(holder):
        return
    here = session.selected
    if here is None:
        await session.read(on_account, holder)
        return
    letters = await session.read(on_mailbox, holder, here.mailbox_id)
    for line in here.permit(changeable(letters)):
        session.send(line)
    needs = needs_of(command)
    _demand(letters, needs.here, needs.any_here)


def _demand(letters: str, wanted: str, any_of: str) -> None:
    """A mailbox that may not be seen is answered as one that is not there, RFC 4314 §6."""
    if has_all(letters, wanted) and has_any(letters, any_of):
        return
    if "l" in letters:
        raise Refused(Failure.NOT_ALLOWED, "rights")
    raise MailboxNotFound("rights")


def _nearest(view: View, holder: Holder, name: str) -> Mailbox | None:
    levels = normal_name(name).split(SEPARATOR)
    for depth in range(len(levels) - 1, 0, -1):
        try:
            return mailboxes.find(view, holder.account_id, SEPARATOR.join(levels[:depth]))
        except MailboxNotFound:
            continue
    return None
