"""In which thread a patient's message is: what was exchanged with one correspondent, or one group.

Of what was received the author decides, as established when it came in: what nobody vouches for is
never in the thread of whom it claims to come from, and what the gateway writes itself has a thread
of its own. Of what was sent its recipients decide, unless it answers something: then it stays in
that thread. Only patients have threads, whose messages come in by ``deliver`` and go out by
``store``: mail programs and imports are not for them.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mailbox_store import changes, threads
from mailbox_store.database import Database, Transaction, View
from mailbox_store.indexable import read_summary
from mailbox_store.messages import Arrival, MessageId
from mailbox_store.threads import Correspondents, ThreadId
from mailbox_store.vault import AccountId
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.life import content
from mss_gateway.message.header import Header, header_end, parse_header
from mss_gateway.message.summary import Summary
from policies.people import Role

BATCH: Final = 200
"""Messages of an earlier release that are settled in one transaction."""

PARTIES_LIMIT: Final = 50
"""Correspondents of one thread that are kept by address and name."""

_SYSTEM: Final = "system"
_WITH: Final = "with"
_CLAIMED: Final = "claimed"


@dataclass(frozen=True, slots=True)
class Party:
    """A correspondent: address in normal form, and name as a directory or certificate has it."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Parties:
    """With whom a thread is. ``is_claimed``: nobody vouches for who wrote."""

    parties: tuple[Party, ...]
    is_system: bool = False
    is_claimed: bool = False


def of_received(
    view: View, account_id: AccountId, role: str, signature: str, author: Party
) -> Correspondents:
    """The thread of a message that came in, by what was established of its author."""
    if role == Role.SYSTEM.name:
        return _correspondents(view, account_id, _SYSTEM, (replace(author, address=""),))
    kind = _WITH if signature == "valid" else _CLAIMED
    return _correspondents(view, account_id, kind, (author,))


def of_sent(view: View, account_id: AccountId, recipients: Iterable[str]) -> Correspondents:
    """The thread of a message that the patient wrote; ``recipients`` in normal form."""
    parties = [Party(one, _name(view, one)) for one in sorted(set(recipients))]
    return _correspondents(view, account_id, _WITH, tuple(parties))


def with_one(view: View, account_id: AccountId, address: str) -> bytes:
    """The index of the thread with one correspondent alone."""
    return _index(view, account_id, _WITH, (address,))


def opened(correspondents: bytes) -> Parties:
    """What the store kept sealed of a thread."""
    kept = json.loads(correspondents)
    return Parties(
        tuple(Party(address, name) for address, name in kept["parties"]),
        is_system=kept["kind"] == _SYSTEM,
        is_claimed=kept["kind"] == _CLAIMED,
    )


def sent_copy(
    view: View,
    author: Person,
    arrival: Arrival,
    recipients: Iterable[str],
    thread_id: ThreadId | None,
) -> Arrival:
    """The author's own copy in its thread: the one that it answers, or that of its recipients."""
    if author.role is not Role.PATIENT:
        return arrival
    if thread_id is not None and threads.find(view, author.account_id, thread_id) is not None:
        return replace(arrival, thread=thread_id)
    return replace(arrival, thread=of_sent(view, author.account_id, recipients))


def settle(database: Database, told: Callable[[int], None] = lambda _count: None) -> int:
    """Find the thread of every message of an earlier release; how many. ``told`` of each batch.

    The newest first, a batch a transaction; a start that is killed goes on where it was.
    """
    total = 0
    while done := database.write(partial(_batch, limit=BATCH)):
        total += done
        told(total)
    return total


def _batch(tx: Transaction, limit: int) -> int:
    pending = threads.unsettled(tx, limit)
    holders: dict[AccountId, Person] = {}
    for message_id, account_id in pending:
        if account_id not in holders:
            holders[account_id] = people.by_account(tx, account_id)
        threads.settle(tx, message_id, account_id, _earlier(tx, holders[account_id], message_id))
    return len(pending)


def _earlier(tx: Transaction, holder: Person, message_id: MessageId) -> Correspondents:
    account_id = holder.account_id

    def header() -> Header:
        size = Summary(read_summary(tx, account_id, message_id)).header_size
        return _header(changes.read_body(tx, account_id, message_id, 0, size))

    return _of_stored(tx, holder, changes.read_evidence(tx, account_id, message_id), header)


def _of_stored(
    view: View, holder: Person, evidence: bytes, header: Callable[[], Header]
) -> Correspondents:
    """By the evidence; where there is none, or the patient wrote it, by the fields of its header.

    ``header`` is asked for only then: reading it opens the body.
    """
    noted = json.loads(evidence) if evidence else None
    account_id = holder.account_id
    if noted is not None and noted.get("author_account") != account_id:
        author = Party(noted["signer_address"], noted["signer"])
        return of_received(view, account_id, noted["author_role"], noted["signature"], author)
    fields = header()
    if noted is None and content.authors(fields) != (holder.address,):
        return of_received(view, account_id, "", "", Party(_first_author(fields), ""))
    recipients = [*content.addresses(fields, "to", ()), *content.addresses(fields, "cc", ())]
    return of_sent(view, account_id, recipients)


def _first_author(header: Header) -> str:
    return next(iter(content.authors(header)), "")


def _header(raw: bytes) -> Header:
    return parse_header(raw, 0, header_end(raw, 0, len(raw))[0])


def _correspondents(
    view: View, account_id: AccountId, kind: str, parties: tuple[Party, ...]
) -> Correspondents:
    index = _index(view, account_id, kind, tuple(one.address for one in parties))
    kept = {"kind": kind, "parties": [(one.address, one.name) for one in parties[:PARTIES_LIMIT]]}
    seal = view.vault.account(view, account_id)
    plain = json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Correspondents(index, seal.seal(plain, threads.context(index)))


def _index(view: View, account_id: AccountId, kind: str, addresses: tuple[str, ...]) -> bytes:
    """Keyed, and another one for each patient: equal correspondents of two patients do not meet."""
    named = "\n".join((str(account_id), kind, *sorted(addresses)))
    return view.vault.index.of("thread", named)


def _name(view: View, address: str) -> str:
    holder = people.by_address(view, address)
    return "" if holder is None else holder.display_name()
