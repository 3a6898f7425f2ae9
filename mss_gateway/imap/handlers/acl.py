"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS: RFC 4314 §3.

Identifiers are the addresses of the owner and of the box's members; nobody else is looked up, so
nobody learns here who has a mailbox. The owner has all rights, and keeps them.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailbox_store import rights
from mailbox_store.database import Transaction, View
from mailbox_store.mailboxes import Mailbox
from mailbox_store.vault import AccountId
from mss_gateway.directory import members, people
from mss_gateway.imap import access, acts
from mss_gateway.imap.grammar.acl import RightsOf, SetRights
from mss_gateway.imap.grammar.store import Operation
from mss_gateway.imap.responses import Reply, Status, done, quoted
from mss_gateway.imap.rights import EVERYTHING, normal, printed
from mss_gateway.imap.state import Session
from mss_gateway.message.address import AddressMalformed, parse_address


class _NotNamed(Exception):
    """An identifier that rights cannot be given to; ``sentence`` and ``code`` of the reply."""

    def __init__(self, sentence: str, code: bytes = b"") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


@dataclass(frozen=True, slots=True)
class _Entry:
    """Somebody who uses the box, and what they may do in a mailbox of it."""

    account_id: AccountId
    address: str
    letters: str


async def cmd_setacl(session: Session, request: SetRights) -> Reply:
    """RFC 4314 §3.1."""
    return await _change(session, "SETACL", request)


async def cmd_deleteacl(session: Session, request: RightsOf) -> Reply:
    """RFC 4314 §3.2: no right is left on this mailbox, whatever the membership grants elsewhere."""
    nothing = SetRights(request.name, request.identifier, Operation.REPLACE, "")
    return await _change(session, "DELETEACL", nothing)


async def cmd_getacl(session: Session, name: str) -> Reply:
    """RFC 4314 §3.3: the owner, and the members who may do something here."""

    def read(view: View) -> tuple[str, list[_Entry]]:
        box, _ = access.named(view, session.someone, "GETACL", name)
        return box.name, _entries(view, box)

    box_name, entries = await session.read(read)
    words = [b"* ACL", session.printed(box_name)]
    for entry in entries:
        if entry.letters:
            words += (_astring(entry.address), printed(entry.letters))
    session.send(b" ".join(words) + b"\r\n")
    return done("GETACL")


async def cmd_listrights(session: Session, request: RightsOf) -> Reply:
    """RFC 4314 §3.4: the owner has all in any case, a member may be given each by itself.

    The identifier is told as the client wrote it.
    """

    def read(view: View) -> tuple[str, _Entry]:
        box, _ = access.named(view, session.someone, "LISTRIGHTS", request.name)
        return box.name, _entry(view, box, request.identifier)

    try:
        box_name, entry = await session.read(read)
    except _NotNamed as refusal:
        return _not_named(session, refusal)
    may_be_given = [printed(EVERYTHING)]
    if entry.account_id != session.account_id:
        may_be_given = [b'""', *(b"%c" % letter for letter in printed(EVERYTHING))]
    whose = (session.printed(box_name), _astring(request.identifier))
    session.send(b" ".join((b"* LISTRIGHTS", *whose, *may_be_given)) + b"\r\n")
    return done("LISTRIGHTS")


async def cmd_myrights(session: Session, name: str) -> Reply:
    """RFC 4314 §3.5."""

    def read(view: View) -> tuple[str, str]:
        box, letters = access.named(view, session.someone, "MYRIGHTS", name)
        return box.name, letters

    box_name, letters = await session.read(read)
    session.send(b"* MYRIGHTS %s %s\r\n" % (session.printed(box_name), printed(letters)))
    return done("MYRIGHTS")


async def _change(session: Session, command: str, request: SetRights) -> Reply:
    """What the identifier has from now on, in the transaction that looks whether it may be."""
    holder = session.someone

    def work(tx: Transaction) -> None:
        box, _ = access.named(tx, holder, command, request.name)
        entry = _entry(tx, box, request.identifier)
        letters = _changed(entry.letters, request)
        if entry.account_id == holder.account_id:
            if letters != EVERYTHING:
                raise _NotNamed("imap.droits_du_titulaire", b"CANNOT")
            return
        rights.put(tx, box.mailbox_id, entry.account_id, letters)
        acts.record_rights(tx, holder, box.mailbox_id, entry.account_id, letters)

    try:
        await session.commit(work)
    except _NotNamed as refusal:
        return _not_named(session, refusal)
    return done(command)


def _changed(letters: str, request: SetRights) -> str:
    match request.operation:
        case Operation.ADD:
            return normal(letters + request.letters)
        case Operation.REMOVE:
            return "".join(letter for letter in letters if letter not in request.letters)
        case Operation.REPLACE:
            return request.letters


def _entries(view: View, box: Mailbox) -> list[_Entry]:
    """Everybody who uses the box: the owner first, then its members, the oldest account first."""
    own = rights.of_mailbox(view, box.mailbox_id)
    owner = people.by_account(view, box.account_id)
    found = [_Entry(box.account_id, owner.address, EVERYTHING)]
    for member in members.of_box(view, box.account_id):
        address = people.by_account(view, member.person).address
        found.append(_Entry(member.person, address, own.get(member.person, member.rights)))
    return found


def _entry(view: View, box: Mailbox, identifier: str) -> _Entry:
    """Who is meant; raises ``_NotNamed``, alike for everybody who does not use the box."""
    if identifier.startswith("-") or identifier.lower() == "anyone":
        raise _NotNamed("imap.droits_nominatifs", b"CANNOT")
    try:
        address = str(parse_address(identifier))
    except AddressMalformed:
        address = ""
    for entry in _entries(view, box):
        if entry.address == address:
            return entry
    raise _NotNamed("imap.droits_inconnu")


def _not_named(session: Session, refusal: _NotNamed) -> Reply:
    return Reply(Status.NO, session.say(refusal.sentence), refusal.code)


def _astring(text: str) -> bytes:
    octets = text.encode("utf-8")
    return octets if _ATOM.fullmatch(octets) else quoted(octets)


_ATOM: Final = re.compile(rb"[A-Za-z0-9@.+_-]+")
