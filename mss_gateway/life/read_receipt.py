"""A patient who opens a message tells its author so, once for ever (RFC 8098, domain OP-24).

The mark on the message and the receipt in the queue stand in one transaction: whatever dies, there
is one receipt or none yet. Nothing is answered to a machine, to the null reverse-path, or to an
address that is not the reverse-path. Mail programs that read by IMAP answer by themselves.
"""

import json

from mailbox_store import changes, flags, messages
from mailbox_store.changes import Row
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.errors import TooManyKeywords
from mailbox_store.flags import EVERY_FLAG, SEEN
from mss_gateway.directory.people import Person
from mss_gateway.failures import Refused
from mss_gateway.life import acknowledging, answering
from mss_gateway.life.acknowledging import Answer, Told
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import mdn
from mss_gateway.message.address import parse_address
from mss_gateway.message.mdn import Disposition
from mss_gateway.message.part import Message
from mss_gateway.observability import log

DISPLAYED = Disposition("manual-action", "displayed")
"""The patient opened it; nobody asked them whether to tell (domain OP-24)."""


def on_opened(
    gateway: Gateway, patient: Person, mailbox_id: MailboxId, row: Row, message: Message
) -> bool:
    """The patient opens a message that they received: True when a receipt goes to its author now.

    Called each time; the first one that finds the author asking, and the means to sign, tells. Two
    at once make one receipt.
    """
    with gateway.database.read() as view:
        answer = _of_opening(gateway, view, patient, mailbox_id, row, message)
    if answer is None:
        return False

    def unit(tx: Transaction) -> bool:
        mark = flags.mask(tx, mailbox_id, [mdn.KEYWORD])
        standing = tx.sql(
            "SELECT flags FROM entries WHERE mailbox_id = ? AND uid = ?", (mailbox_id, row.uid)
        ).scalar()
        if standing is None or standing & mark:
            return False
        messages.set_flags(tx, mailbox_id, [row.uid], EVERY_FLAG, mark | SEEN)
        acknowledging.send(gateway, tx, answer, patient, row.message_ref)
        return True

    try:
        was_sent = gateway.database.write(unit)
    except TooManyKeywords:
        # without its mark it would be told again at each opening: never, then
        log.note("receipt not marked", message_ref=row.message_ref)
        return False
    if was_sent:
        gateway.wake()
    return was_sent


def _of_opening(
    gateway: Gateway,
    view: View,
    patient: Person,
    mailbox_id: MailboxId,
    row: Row,
    message: Message,
) -> Answer | None:
    if _is_marked(view, mailbox_id, row.flags):
        return None
    kept = changes.read_evidence(view, patient.account_id, row.message_id)
    known = json.loads(kept) if kept else {}
    path = known.get("reverse_path")
    if path is None or known.get("is_automatic", True):
        return None
    to = answering.back_to(gateway, view, path, is_from_peer=known["author_account"] == 0)
    if to is None or mdn.asked_by(message.header, parse_address(path)) is None:
        return None
    try:
        return acknowledging.receipt(gateway, view, Told(patient, to, message, DISPLAYED))
    except Refused as refused:
        # no certificate today: the next opening tries again
        log.note("receipt not signed", failure=refused.failure.value, message_ref=row.message_ref)
        return None


def _is_marked(view: View, mailbox_id: MailboxId, value: int) -> bool:
    known = flags.keywords(view, mailbox_id)
    return any(value & bit for bit, name in known.items() if name.lower() == mdn.KEYWORD.lower())
