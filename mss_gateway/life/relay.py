"""Stage relay: a queued item → a message for another operator's server, and what came of it.

What is sent is drawn once and committed before it leaves; as long as nobody knows whether it was
taken, the very same octets are sent again, so that the other side knows them (one copy, RFC 1047).
After a clear answer everything is drawn anew. Nothing here speaks SMTP: ``smtp.courier`` does.
"""

import base64
import json
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from certs.cms.drawing import Drawn
from mailbox_store.database import Transaction, View
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import attempts, crypto, exchanges, next_hop, peers, report, withdrawals
from mss_gateway.life.gateway import Gateway
from mss_gateway.message import dkim as dkim_fields
from mss_gateway.message.header import header_end
from mss_gateway.message.parse import find_bare_line_ending
from mss_gateway.observability import audit
from mss_gateway.queue import items, leases, spooled
from mss_gateway.queue.carried import Asked
from mss_gateway.queue.leases import Item
from mss_gateway.queue.spooled import Message

_RETURN_PATH: Final = b"return-path:"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one recipient elsewhere, in the octets in which it leaves.

    Made by :func:`prepare` only: ``raw`` is canonical, signed and sealed. ``reverse_path`` None is
    the null one.
    """

    item: Item
    message: Message
    reverse_path: str | None
    recipient: str
    domain: str
    raw: bytes
    is_eight_bit: bool
    needs_utf8: bool
    asked: Asked
    returns: str
    envelope_id: str
    requires_tls: bool

    @property
    def message_ref(self) -> str:
        """Of the queued message."""
        return self.item.message_ref


@dataclass(frozen=True, slots=True)
class Prepared:
    """What may be sent as soon as ``kept`` is True: then a crash loses nothing of how it was."""

    outgoing: Outgoing
    kept: "Future[bool]"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What makes the octets of one attempt: all of it random or of its moment."""

    drawn: Drawn | None
    dkim: bytes

    def to_bytes(self) -> bytes:
        """As it is sealed with the item: it holds the content key."""
        drawn = b"" if self.drawn is None else self.drawn.to_bytes()
        packed = {"drawn": drawn, "dkim": self.dkim}
        return json.dumps({k: base64.b64encode(v).decode() for k, v in packed.items()}).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Attempt":
        """What :meth:`to_bytes` gave."""
        packed = {name: base64.b64decode(value) for name, value in json.loads(kept).items()}
        drawn = packed["drawn"]
        return cls(Drawn.from_bytes(drawn) if drawn else None, packed["dkim"])


NEVER: Final = Attempt(None, b"")
"""Nothing was drawn: what came enveloped, and is not signed by us. Kept all the same: a key that
comes into use while the outcome is in doubt must not sign what left unsigned."""


def prepare(gateway: Gateway, item: Item) -> Prepared | None:
    """Make what leaves for an item; None when somebody else has done it meanwhile.

    Raises Refused: DOMAIN_OUTSIDE and BARE_LINE_ENDING for good, NO_CERTIFICATE_FOR_RECIPIENT and
    WHITELIST_STALE for now.
    """
    former = NEVER if item.attempt is None else Attempt.from_bytes(item.attempt)
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        message = spooled.read_message(view, spool, item.message_ref)
        if message is None:
            return None
        next_hop.admit(gateway, view, item.domain)
        raw = _without_return_path(spooled.read_body(view, spool, message))
        if find_bare_line_ending(raw) is not None:
            raise Refused(Failure.BARE_LINE_ENDING, message_ref=item.message_ref)
        raw, drawn = _sealed(gateway, view, item, message, raw, former.drawn)
        is_again = item.attempt is not None and drawn == former.drawn
        dkim = former.dkim if is_again else _dkim(gateway, view, message, raw)
    outgoing = _outgoing(item, message, dkim + raw)
    attempt = Attempt(drawn, dkim)
    if is_again:
        # nothing new to keep; but whoever lost the lease sends nothing
        return Prepared(outgoing, gateway.database.submit(lambda tx: leases.holds(tx, item)))
    opaque = attempt.to_bytes()
    kept = gateway.database.submit(lambda tx: items.keep_attempt(tx, spool, item, opaque))
    return Prepared(outgoing, kept)


def succeeded(
    gateway: Gateway, outgoing: Outgoing, reply: str, *, peer_tells: bool
) -> "Future[bool]":
    """The other side took it: from here on it is theirs. False when the lease was lost.

    One commit: what it does to an exchange with a patient there, audit, report, the item's end.
    ``reply`` is ``[server ]code[ enhanced]``; ``peer_tells``: the server announced DSN, and was
    told what the author wants to hear.
    """
    item = outgoing.item
    with gateway.database.read() as view:
        told = None if peer_tells else report.on_relayed(gateway, view, item, reply)

    def unit(tx: Transaction) -> bool:
        if not leases.holds(tx, item):
            return False
        if peers.is_patients(gateway, outgoing.domain):
            exchanges.apply(gateway, tx, outgoing.message, outgoing.recipient, gateway.spool)
        audit.record(
            tx,
            actor="system",
            act="relay",
            object="one recipient",
            verdict="relayed",
            message_ref=item.message_ref,
        )
        report.send(gateway, tx, told)
        items.finish(tx, item)
        return True

    return gateway.database.submit(unit)


def failed(
    gateway: Gateway, item: Item, failure: Failure, reply: str = "", *, in_doubt: bool = False
) -> "Future[None]":
    """The attempt did not succeed: tried again later, or given up and reported.

    ``in_doubt``: it may have been taken after all, so that what was sent is kept to be sent again.
    A doubt lasts: that a later attempt failed for certain says nothing of an earlier one.
    ``reply`` as for :func:`succeeded`; empty when nobody said anything.
    """
    due_at = attempts.again_at(gateway, item, failure)
    if due_at is None:
        return report.give_up(gateway, item, failure, reply)
    again = due_at
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)

    def unit(tx: Transaction) -> None:
        if not in_doubt:
            items.keep_attempt(tx, spool, item, None)
        items.retry(tx, item, again, failure.value, (spool, reply) if reply else None)

    return gateway.database.submit(unit)


def _sealed(
    gateway: Gateway, view: View, item: Item, message: Message, raw: bytes, drawn: Drawn | None
) -> tuple[bytes, Drawn | None]:
    """As ``crypto.seal_for``; a report goes signed alone where nobody knows a certificate.

    Its author may have written without one: never to be told would lose their message without a
    word. A report holds nothing of a message but who and when, and goes to the proved server that
    handed the message in.
    """
    if item.attempt is not None and drawn is None:
        return raw, None  # so it left, and may have been taken
    try:
        return crypto.seal_for(gateway, view, item.recipient, raw, drawn)
    except Refused as refused:
        if refused.failure is not Failure.NO_CERTIFICATE_FOR_RECIPIENT or not _is_report(message):
            raise
        return raw, None


def _is_report(message: Message) -> bool:
    """Whether the gateway wrote it about another message."""
    return message.carried.channel == "report" and message.carried.reverse_path is None


def _dkim(gateway: Gateway, view: View, message: Message, raw: bytes) -> bytes:
    """The DKIM-Signature field in the name of the author's domain; nothing without a key of it."""
    selector = gateway.config.relay.dkim_selector
    if gateway.dkim_signer is None or not selector:
        return b""
    domain = message.carried.author.rpartition("@")[2]
    signer = gateway.dkim_signer(view, domain, selector)
    if signer is None:
        return b""
    return dkim_fields.sign(raw, domain, selector, signer, int(gateway.clock()))


def _without_return_path(raw: bytes) -> bytes:
    """Without the line that final delivery put before it (RFC 5321 §4.4): this was none."""
    if raw[: len(_RETURN_PATH)].lower() != _RETURN_PATH:
        return raw
    end = raw.find(b"\r\n") + 2
    while raw[end : end + 1] in (b" ", b"\t"):
        end = raw.find(b"\r\n", end) + 2
    return raw[end:]


def _outgoing(item: Item, message: Message, raw: bytes) -> Outgoing:
    carried, is_eight_bit = message.carried, not raw.isascii()
    return Outgoing(
        item=item,
        message=message,
        reverse_path=carried.reverse_path,
        recipient=item.recipient,
        domain=item.domain,
        raw=raw,
        is_eight_bit=is_eight_bit,
        needs_utf8=is_eight_bit and not raw[: header_end(raw, 0, len(raw))[0]].isascii(),
        asked=item.asked,
        # a report that brings the body back would carry it a second time, and in clear
        returns="HDRS",
        # by this a report finds the message again (life.withdrawals); what an author may have
        # chosen so that it finds another one does not leave
        envelope_id=carried.envelope_id
        if carried.envelope_id and not withdrawals.is_reference(carried.envelope_id)
        else item.message_ref,
        requires_tls=carried.requires_tls,
    )
