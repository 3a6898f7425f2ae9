"""What is asked of a foreign IMAP server, signed in: folders, numbers, marks and bodies.

Nothing here changes the remote account: folders are examined, bodies are peeked at.
"""

import asyncio
import base64
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from mss_gateway.imap.grammar.dates import MONTHS
from mss_gateway.imap.grammar.sets import merged
from mss_gateway.imap.upstream import responses, spans
from mss_gateway.imap.upstream.conversation import ANSWER_OCTETS, Account, Conversation
from mss_gateway.imap.upstream.errors import CommandRefused, RemoteLost, RemoteRefused
from mss_gateway.imap.upstream.responses import Fetched, Listed, Response
from mss_gateway.imap.upstream.spans import LARGEST_UID, Ranges

STRAY_UIDS: Final = 10_000
"""How many more UIDs than messages a search may answer: some arrive meanwhile."""

FAREWELL_SECONDS: Final = 5.0

_ARGUMENT_LIMIT: Final = 8_000
"""Octets of a command that every server takes, RFC 7162 §4."""

_UNSAYABLE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Examined:
    """A folder as EXAMINE shows it."""

    uidvalidity: int
    messages: int


@dataclass(slots=True)
class Remote:
    """A signed-in connection; every method raises ``RemoteLost`` when it cannot go on."""

    _conversation: Conversation
    _capabilities: frozenset[str] = frozenset()

    @classmethod
    async def open(cls, account: Account) -> "Remote":
        """Connect and sign in. Raises ``RemoteLost``, and ``RemoteRefused`` for good."""
        remote = cls(await Conversation.open(account))
        try:
            await remote._sign_in()
        except CommandRefused as refusal:
            remote.abort()
            raise RemoteRefused(f"it does not say what it can: {refusal}") from None
        except BaseException:
            remote.abort()
            raise
        return remote

    @property
    def account(self) -> Account:
        """Whose mailbox this is."""
        return self._conversation.account

    async def folders(self) -> list[Listed]:
        """Every folder that the login may see, with special uses where the server tells them."""
        words = ['""', '"*"']
        if {"LIST-EXTENDED", "SPECIAL-USE"} <= self._capabilities:
            words.append("RETURN (SPECIAL-USE)")
        answers = await self._conversation.run("LIST", *words)
        return [responses.listed(one) for one in answers if responses.kind(one) == "LIST"]

    async def subscribed(self) -> frozenset[bytes] | None:
        """The names that the login is subscribed to; None when the server does not say."""
        is_extended = "LIST-EXTENDED" in self._capabilities
        command, words = ("LIST", ["(SUBSCRIBED)"]) if is_extended else ("LSUB", [])
        try:
            answers = await self._conversation.run(command, *words, '""', '"*"')
        except CommandRefused:
            return None
        lines = [responses.listed(one) for one in answers if responses.kind(one) == command]
        return frozenset(one.name for one in lines if "\\noselect" not in one.attributes)

    async def prefixes(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Prefixes of one's own folders, and of other people's (RFC 9051 §6.3.10)."""
        if "NAMESPACE" in self._capabilities:
            for one in await self._conversation.run("NAMESPACE"):
                if responses.kind(one) == "NAMESPACE":
                    return responses.prefixes(one)
        return (b"",), ()

    async def examine(self, folder: bytes) -> Examined:
        """Open a folder for reading only; raises ``CommandRefused``."""
        answers = await self._conversation.run("EXAMINE", _quoted(folder))
        self._conversation.enter("SELECTED")
        uidvalidity, messages = None, 0
        for one in answers:
            status = responses.status(one)
            if status is not None:
                uidvalidity = responses.number_of(status, "UIDVALIDITY") or uidvalidity
            elif responses.kind(one) == "EXISTS":
                messages = _count(one)
        if uidvalidity is None:
            raise CommandRefused("it gives no UIDVALIDITY, so no message could be known again")
        return Examined(uidvalidity, messages)

    async def search(self, within: Ranges, since: date | None, limit: int) -> Ranges:
        """The UIDs that exist in ``within``, those that arrived ``since`` a day if one is given.

        ``limit`` is how many messages the folder has; a server that answers many more is lying.
        """
        words = ["UID", _set(within)]
        if since is not None:
            month = MONTHS[since.month - 1].decode()
            words += ["SINCE", f"{since.day}-{month}-{since.year:04d}"]
        answers = await self._conversation.run("SEARCH", *words, prefix="UID")
        kinds = ("SEARCH", "ESEARCH")
        lists = [responses.searched(one) for one in answers if responses.kind(one) in kinds]
        found = merged(each for one in lists for each in one)
        if spans.count(found) > limit + STRAY_UIDS:
            raise RemoteLost("it finds more messages than there are")
        return found

    async def marks(self, uids: Ranges) -> list[Fetched]:
        """Flags, date and size of messages, in the order of their UIDs."""
        answers = await self._conversation.run(
            "FETCH", _set(uids), "(UID FLAGS INTERNALDATE RFC822.SIZE)", prefix="UID"
        )
        return _merged(answers)

    async def bodies(self, uids: Sequence[int], octets: int) -> dict[int, Fetched]:
        """Whole messages by UID, never marking them as seen.

        What would not fit into ``octets`` in all is let go and comes as ``is_too_large``.
        """
        ranges = merged((uid, uid) for uid in uids)
        answers = await self._conversation.run(
            "FETCH",
            _set(ranges),
            "(UID BODY.PEEK[])",
            prefix="UID",
            budget=max(octets, ANSWER_OCTETS),
        )
        return {one.uid: one for one in _merged(answers)}

    async def close(self) -> None:
        """Say goodbye for as long as it is polite, and close."""
        with contextlib.suppress(RemoteLost, CommandRefused, TimeoutError):
            await asyncio.wait_for(self._conversation.run("LOGOUT"), FAREWELL_SECONDS)
        self.abort()

    def abort(self) -> None:
        """Close now."""
        self._conversation.abort()

    async def _sign_in(self) -> None:
        await self._learn_capabilities()
        login, password = self.account.login, self.account.password
        try:
            if {"AUTH=PLAIN", "SASL-IR"} <= self._capabilities:
                # unlike LOGIN it carries any letter, RFC 4616 §2
                whole = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
                await self._conversation.run("AUTHENTICATE", "PLAIN", whole, secret=whole)
            elif "LOGINDISABLED" in self._capabilities:
                raise RemoteRefused("it takes no password on this connection")
            else:
                words = (_quoted(login.encode()), _quoted(password.encode()))
                await self._conversation.run("LOGIN", *words, secret=words[1])
        except CommandRefused as refusal:
            if "[UNAVAILABLE]" in str(refusal).upper():
                raise RemoteLost(str(refusal)) from None
            raise RemoteRefused(f"it refuses this login and password: {refusal}") from None
        self._conversation.enter("AUTH")
        # a server may offer more to those it knows
        await self._learn_capabilities()

    async def _learn_capabilities(self) -> None:
        answers = await self._conversation.run("CAPABILITY")
        lines = [(one[0] or b"") for one in answers if responses.kind(one) == "CAPABILITY"]
        words = b" ".join(lines).decode("latin-1").upper().split()
        self._capabilities = frozenset(words)


def _merged(answers: list[Response]) -> list[Fetched]:
    """One value per message: a server may say what it knows in several responses."""
    found: dict[int, Fetched] = {}
    for one in answers:
        if responses.kind(one) != "FETCH":
            continue
        fetched = responses.fetched(one)
        if fetched is None:
            continue
        known = found.get(fetched.uid)
        found[fetched.uid] = fetched if known is None else _joined(known, fetched)
    return [found[uid] for uid in sorted(found)]


def _joined(one: Fetched, other: Fetched) -> Fetched:
    return Fetched(
        one.uid,
        one.flags if other.flags is None else other.flags,
        one.moment if other.moment is None else other.moment,
        one.size if other.size is None else other.size,
        one.body if other.body is None else other.body,
        one.is_too_large or other.is_too_large,
    )


def _count(response: Response) -> int:
    word = (response[0] or b"").split(b" ")[1]
    return int(word) if word.isdigit() else 0


def _set(ranges: Ranges) -> str:
    """A sequence-set; the largest UID of all is written ``*``, as servers expect."""
    words = []
    for first, last in ranges:
        end = "*" if last == LARGEST_UID else str(last)
        words.append(str(first) if first == last else f"{first}:{end}")
    written = ",".join(words)
    if len(written) > _ARGUMENT_LIMIT:
        raise ValueError("too many ranges for one command")
    return written


def _quoted(octets: bytes) -> str:
    """A quoted string; raises ``CommandRefused`` for what aioimaplib cannot send."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandRefused("its name is in no known encoding") from None
    if _UNSAYABLE.search(text):
        raise CommandRefused("its name holds a control character")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
