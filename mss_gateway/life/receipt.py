"""Stage receipt: an application's box answers by itself what became of a message (RFC 8098).

It took the message, or something is wrong with its archive (domain DOC-22, DOC-23). The item ends
and the answer is queued in one transaction, under the lease: it may run twice and answers once.
"""

from concurrent.futures import Future

from mailbox_store.database import Transaction, View
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.dossier import integration
from mss_gateway.dossier.errors import ImportCode
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import acknowledging, answering
from mss_gateway.life.acknowledging import Answer, Told
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import mdn
from mss_gateway.message.address import parse_address
from mss_gateway.message.attachments import attachments
from mss_gateway.message.mdn import Disposition
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.carried import Carried
from mss_gateway.queue.leases import Item

APPLICATION = "APP"
"""The type of box that a program reads (domain OP-15)."""


def is_due(recipient: Person, carried: Carried) -> bool:
    """Whether a delivered message goes through this stage: one of a person to an application.

    A box whose keys are in its own client answers by itself: nobody else opens what it gets.
    """
    return (
        recipient.box_type == APPLICATION
        and recipient.smime != "client"
        and carried.reverse_path is not None
        and not carried.is_automatic
    )


def acknowledge(gateway: Gateway, item: Item) -> "Future[bool]":
    """Answer for an application's box; the future tells whether there was anything to answer.

    With the lease goes the answer: in one transaction the item ends and the receipt is queued.
    Raises Refused(NO_CERTIFICATE_FOR_AUTHOR), to be tried again.
    """
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        queued = spooled.read_message(view, spool, item.message_ref)
        box = people.by_address(view, item.recipient)
        if queued is None:
            # a message goes with its last item: somebody else has done ours
            return gateway.database.submit(lambda tx: False)
        if box is None:
            raise Refused(Failure.BUG, "a receipt without its box")
        message = scan(spooled.read_body(view, spool, queued))
        code = _objection(gateway, message)
        answer = of_filing(gateway, view, box, item, queued.carried, message, code)

    def unit(tx: Transaction) -> bool:
        if not leases.holds(tx, item):
            return False
        if answer is not None:
            acknowledging.send(gateway, tx, answer, box, item.message_ref)
        items.finish(tx, item)
        return answer is not None

    return gateway.database.submit(unit)


def of_filing(
    gateway: Gateway,
    view: View,
    owner: Person,
    item: Item,
    carried: Carried,
    message: Message,
    code: ImportCode | None,
) -> Answer | None:
    """What an author is told of their archive: why it was not filed by a program, or that it was.

    A receipt where one was asked; without, only what is wrong is told (domain DOC-22). None where
    nobody is to be told. Raises Refused(NO_CERTIFICATE_FOR_AUTHOR).
    """
    to = answering.behind(gateway, view, carried)
    if to is None:
        return None
    is_asked = mdn.asked_by(message.header, parse_address(to.address)) is not None
    if code is None and not is_asked:
        return None
    error = "" if code is None else acknowledging.error_of(code)
    disposition = Disposition("automatic-action", "processed", error)
    told = Told(owner, to, message, disposition, item.asked.original, code)
    make = acknowledging.receipt if is_asked else acknowledging.letter
    return make(gateway, view, told)


def _objection(gateway: Gateway, message: Message) -> ImportCode | None:
    """The first thing wrong with the archives of a message."""
    settings = ExaminationSettings(gateway.config.identity.accept_test_ins)
    for attachment in attachments(message):
        content = attachment.content()
        if integration.is_archive(attachment.claimed_name, content):
            code = integration.objection(content, settings)
            if code is not None:
                return code
    return None
