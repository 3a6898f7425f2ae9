"""The message that a path names, in the patient's own mailboxes, and what opening it does."""

from dataclasses import dataclass

from mailbox_store import messages
from mailbox_store.changes import Row
from mailbox_store.flags import SEEN
from mailbox_store.mailboxes import Mailbox
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import dossier, read_receipt
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.part import Message
from mss_gateway.webmail import reading
from mss_gateway.webmail.reading import Box
from mss_gateway.webmail.visit import Visit


@dataclass(frozen=True, slots=True)
class Found:
    """A message in one of the lists."""

    box: Box
    mailbox: Mailbox
    row: Row
    message: Message


def box_of(visit: Visit) -> Box:
    """The list that a path names; raises Refused(MESSAGE_NOT_FOUND)."""
    try:
        return Box(visit.path["box"])
    except ValueError:
        raise Refused(Failure.MESSAGE_NOT_FOUND) from None


def find(visit: Visit) -> Found:
    """The message that a path names; raises Refused, or MessageNotFound of the store."""
    box = box_of(visit)
    with visit.gateway.database.read() as view:
        mailbox, row = reading.row_of(view, visit.patient, box, visit.number("uid"))
        message = dossier.read_message(view, visit.patient, row.message_id)
    return Found(box, mailbox, row, message)


def opened(gateway: Gateway, patient: Person, found: Found, *, is_own: bool) -> bool:
    """The patient has a message before them: it is read, and its author told who asked to be.

    True when a receipt goes now. What lies in the bin is told of to nobody any more.
    """
    mailbox_id, row = found.mailbox.mailbox_id, found.row
    may_tell = not is_own and found.box in (Box.RECEIVED, Box.ARCHIVED)
    if may_tell and read_receipt.on_opened(gateway, patient, mailbox_id, row, found.message):
        return True
    if not row.flags & SEEN:
        gateway.database.write(lambda tx: messages.set_flags(tx, mailbox_id, [row.uid], -1, SEEN))
    return False
