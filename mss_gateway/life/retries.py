"""Exactly once: the same octets from the same sender for the same recipient are one message.

Whoever never heard our 250, because it died or we did, hands the message over again. What it says
is compared whole (sender, reverse-path, recipient, SHA-256 of DATA), never by Message-ID alone,
which anybody may choose so that a later message is taken for a retry of it. Asked and remembered in
the transaction that commits, so that of two at once one is the first.

Whom it was given up for never got it: for them the same octets are a new message from then on, or
the 250 of a second attempt would be a lie.

What the rules say may have changed since the first 250 (an exchange was closed): who is refused is
looked for here too before they hear it (:func:`told`). After the rules, not before them, because
then it costs the honest message nothing, and the answer is the same: nothing new is in a message
that all its recipients have. At RCPT nobody knows the octets yet; :func:`wrote_lately` says whether
to wait for them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from mailbox_store import acceptances
from mailbox_store.database import Transaction, View
from mailbox_store.vault import BlindIndex
from mss_gateway.life import peers
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.part import Message


@dataclass(frozen=True, slots=True)
class Handed:
    """One handing-over. ``source`` is who did it, such as ``operator:…`` or ``account:…``."""

    source: str
    reverse_path: str | None
    digest: bytes

    def fingerprint(self, index: BlindIndex, recipient: str) -> bytes:
        """What the next one for this recipient is known by."""
        path = "" if self.reverse_path is None else self.reverse_path
        # none of these holds a line feed
        text = "\n".join((self.source, path, recipient, self.digest.hex()))
        return index.of("acceptance", text)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a message: recipients per form, those without are not stored.

    ``message_ref`` is what the sender is told: of the message that is stored now, or of the first
    one when nothing is left. ``collapsed`` counts recipients who have it already.
    """

    recipients: tuple[tuple[str, ...], ...]
    message_ref: str
    collapsed: int

    @property
    def is_retry(self) -> bool:
        """Whether nothing new came in."""
        return not any(self.recipients)


def handed(source: str, reverse_path: str | None, raw: bytes) -> Handed:
    """What came in as DATA, without its dots of transparency."""
    return Handed(source, reverse_path, hashlib.sha256(raw).digest())


def is_named(message: Message) -> bool:
    """Whether an author's program has told this message from the next by a name or a time.

    A device that sends the same octets twice without either means it twice.
    """
    header = message.root.header
    return header.first("message-id") is not None or header.first("date") is not None


def sort_out(
    tx: Transaction,
    gateway: Gateway,
    same: Handed | None,
    forms: Sequence[tuple[str, tuple[str, ...]]],
) -> Kept:
    """Which recipients are new, per form given as message_ref and recipients; they are remembered.

    Without ``same``, all are.
    """
    everybody = tuple(recipients for _, recipients in forms)
    if same is None:
        return Kept(everybody, forms[0][0], 0)
    now, index = gateway.queue_clock.now(), tx.vault.index
    marks = {one: same.fingerprint(index, one) for each in everybody for one in each}
    known = {one: _known(tx, mark, one, now) for one, mark in marks.items()}
    kept = tuple(tuple(one for one in each if known[one] is None) for each in everybody)
    fresh = [ref for (ref, _), left in zip(forms, kept, strict=True) if left]
    if not fresh:
        return Kept(kept, min(ref for ref in known.values() if ref is not None), len(known))
    path = same.reverse_path
    is_patient = path is not None and peers.is_patients(gateway, path.rpartition("@")[2])
    for (ref, _), left in zip(forms, kept, strict=True):
        for one in left:
            acceptances.remember(tx, marks[one], fresh[0], now)
            if path is not None and is_patient:
                acceptances.remember(tx, _pair(index, same.source, path, one), fresh[0], now)
            if ref != fresh[0]:
                acceptances.remember(tx, _form(index, fresh[0], one), ref, now)
    return Kept(kept, fresh[0], sum(ref is not None for ref in known.values()))


def given_up(tx: Transaction, gateway: Gateway, message_ref: str, recipient: str) -> None:
    """In the transaction that ends a recipient's item undelivered: they have nothing of it."""
    mark = _end(tx.vault.index, message_ref, recipient)
    acceptances.remember(tx, mark, message_ref, gateway.queue_clock.now())


def told(
    view: View, gateway: Gateway, same: Handed | None, recipients: Sequence[str]
) -> str | None:
    """The first reference of what every one of these recipients has; None if anything is new."""
    if same is None:
        return None
    now, index = gateway.queue_clock.now(), view.vault.index
    refs = [_known(view, same.fingerprint(index, one), one, now) for one in recipients]
    found = [ref for ref in refs if ref is not None]
    return min(found) if refs and len(found) == len(refs) else None


def wrote_lately(view: View, gateway: Gateway, source: str, patient: str, recipient: str) -> bool:
    """Whether something of this patient for this recipient was accepted while retries are known."""
    mark = _pair(view.vault.index, source, patient, recipient)
    return acceptances.find(view, mark, gateway.queue_clock.now()) is not None


def _known(view: View, mark: bytes, recipient: str, now: int) -> str | None:
    """What was told when this was accepted for them; None when it is new to them."""
    first = acceptances.find(view, mark, now)
    if first is None:
        return None
    index = view.vault.index
    own = acceptances.find(view, _form(index, first, recipient), now) or first
    is_over = acceptances.find(view, _end(index, own, recipient), now) is not None
    return None if is_over else first


def _pair(index: BlindIndex, source: str, patient: str, recipient: str) -> bytes:
    return index.of("acceptance pair", f"{source}\n{patient}\n{recipient}")


def _form(index: BlindIndex, told: str, recipient: str) -> bytes:
    """Leads from what the sender was told to the form of the message that this recipient has."""
    return index.of("acceptance form", f"{told}\n{recipient}")


def _end(index: BlindIndex, message_ref: str, recipient: str) -> bytes:
    return index.of("acceptance end", f"{message_ref}\n{recipient}")


def forget(gateway: Gateway) -> int:
    """Let go of what is too old, a bounded number in each transaction; how many in all."""
    now, total = gateway.queue_clock.now(), 0
    while count := gateway.database.write(lambda tx: acceptances.sweep(tx, now)):
        total += count
    return total
