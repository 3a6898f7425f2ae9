"""An IMAP server of somebody else, in threads, with whatever faults a test asks for.

It speaks the little that an import asks for, in a shape of its own: names as literals, parts of a
FETCH in any order, untagged news in between. ``faults`` are its bad days.
"""

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

LOGIN, PASSWORD = "lucie.petit", 'mot "de" passe \\ é'
CAPABILITIES = "IMAP4rev1 NAMESPACE SPECIAL-USE LIST-EXTENDED"


@dataclass
class Message:
    """One message; ``size`` is what the server says of it, right unless it is said otherwise."""

    raw: bytes
    flags: str = ""
    date: str = "02-Mar-2020 10:00:00 +0100"
    size: int | None = None


@dataclass
class Folder:
    """One mailbox, messages by UID; ``attributes`` as LIST shows them."""

    messages: dict[int, Message] = field(default_factory=dict)
    uidvalidity: int = 1_600_000_000
    attributes: str = "\\HasNoChildren"
    is_subscribed: bool = True


Fault = Callable[["_Session", str, str], bool]
"""Given a session, a command (``UID FETCH``) and its words; true when it has dealt with it."""


@dataclass
class ForeignServer:
    """What the server has, what it was asked, and its faults, asked before it answers."""

    folders: dict[bytes, Folder] = field(default_factory=dict)
    delimiter: str = "/"
    capabilities: str = CAPABILITIES
    namespace: str = '(("" "/")) NIL NIL'
    greeting: str = "* OK former operator"
    commands: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    is_starttls: bool = False
    connections: int = 0
    port: int = 0

    def said(self, name: str) -> list[str]:
        """The commands it was given that begin so."""
        return [one for one in self.commands if one.startswith(name)]


class _Session(socketserver.StreamRequestHandler):
    server: "_Listener"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        site = self.server.site
        site.connections += 1
        if site.tls is not None and not site.is_starttls:
            self._wrap(site.tls)
        super().setup()

    def _wrap(self, tls: ssl.SSLContext) -> None:
        plain = self.request
        try:
            self.request = tls.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            raise

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.request.close()

    def say(self, text: str | bytes) -> None:
        octets = text.encode() if isinstance(text, str) else text
        self.wfile.write(octets + b"\r\n")

    def cut(self) -> None:
        """Go without a word."""
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        self.say(self.server.site.greeting)
        self.folder = Folder()
        self.tag = ""
        # asked for anew each time: STARTTLS replaces it
        while line := self.rfile.readline():
            self.tag, _, rest = line.decode().strip("\r\n").partition(" ")
            name, _, words = rest.partition(" ")
            if name == "UID":
                second, _, words = words.partition(" ")
                name = f"UID {second}"
            self.server.site.commands.append(f"{name} {words}".strip())
            if any(fault(self, name, words) for fault in list(self.server.site.faults)):
                continue
            getattr(self, "do_" + name.replace(" ", "_"))(words)
            if name == "LOGOUT":
                return

    def done(self, text: str = "OK done") -> None:
        self.say(f"{self.tag} {text}")

    def do_CAPABILITY(self, words: str) -> None:
        self.say(f"* CAPABILITY {self.server.site.capabilities}")
        self.done()

    def do_STARTTLS(self, words: str) -> None:
        tls = self.server.site.tls
        if tls is None:
            self.done("BAD no")
            return
        self.done()
        self._wrap(tls)
        super().setup()

    def do_LOGIN(self, words: str) -> None:
        login, password = re.findall(r'"((?:[^"\\]|\\.)*)"', words)
        self._signed_in(login, re.sub(r"\\(.)", r"\1", password))

    def do_AUTHENTICATE(self, words: str) -> None:
        _, login, password = base64.b64decode(words.split()[1]).decode().split("\0")
        self._signed_in(login, password)

    def _signed_in(self, login: str, password: str) -> None:
        is_right = (login, password) == (LOGIN, PASSWORD)
        self.done("OK in" if is_right else "NO [AUTHENTICATIONFAILED] who?")

    def do_NAMESPACE(self, words: str) -> None:
        self.say(f"* NAMESPACE {self.server.site.namespace}")
        self.done()

    def do_LIST(self, words: str) -> None:
        for name, folder in self.server.site.folders.items():
            if folder.is_subscribed or "(SUBSCRIBED)" not in words:
                self._list("LIST", name, folder.attributes)
        self.done()

    def do_LSUB(self, words: str) -> None:
        for name, folder in self.server.site.folders.items():
            if folder.is_subscribed:
                self._list("LSUB", name, "")
        self.done()

    def _list(self, word: str, name: bytes, attributes: str) -> None:
        delimiter = f'"{self.server.site.delimiter}"' if self.server.site.delimiter else "NIL"
        head = f"* {word} ({attributes}) {delimiter} ".encode()
        self.say(head + b"{%d}\r\n%s" % (len(name), name))

    def do_EXAMINE(self, words: str) -> None:
        name = re.sub(r"\\(.)", r"\1", words[1:-1]).encode()
        found = self.server.site.folders.get(name)
        if found is None:
            self.done("NO [NONEXISTENT] no such mailbox")
            return
        self.folder = found
        self.say("* FLAGS (\\Seen \\Deleted)")
        self.say(f"* {len(found.messages)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {found.uidvalidity}] (here) {{3}}")
        self.done("OK [READ-ONLY] done")

    def do_UID_SEARCH(self, words: str) -> None:
        _, written, *rest = words.split()
        uids = self._uids(written)
        if rest:
            day = datetime.strptime(rest[1], "%d-%b-%Y").date()  # noqa: DTZ007 - a day
            uids = [uid for uid in uids if self._moment(uid).date() >= day]
        self.say(f"* SEARCH {' '.join(map(str, uids))}".rstrip())
        self.done()

    def _moment(self, uid: int) -> datetime:
        return datetime.strptime(self.folder.messages[uid].date, "%d-%b-%Y %H:%M:%S %z")

    def _uids(self, written: str) -> list[int]:
        """As servers do: ``7:*`` is the last message when there is none from 7 on."""
        have = sorted(self.folder.messages)
        found: set[int] = set()
        for part in written.split(","):
            ends = [have[-1] if end == "*" else int(end) for end in part.split(":") if have]
            found |= {uid for uid in have if ends and min(ends) <= uid <= max(ends)}
        return sorted(found)

    def do_UID_FETCH(self, words: str) -> None:
        written, _, items = words.partition(" ")
        for uid in self._uids(written):
            number = sorted(self.folder.messages).index(uid) + 1
            one = self.folder.messages[uid]
            if "BODY.PEEK[]" in items:
                head = b"* %d FETCH (BODY[] {%d}\r\n" % (number, len(one.raw))
                self.say(head + one.raw + b" UID %d)" % uid)
            else:
                size = len(one.raw) if one.size is None else one.size
                self.say(
                    f'* {number} FETCH (FLAGS ({one.flags}) INTERNALDATE "{one.date}"'
                    f" UID {uid} RFC822.SIZE {size})"
                )
            # another client of the same mailbox reads something meanwhile
            self.say("* 1 FETCH (FLAGS (\\Seen))")
        self.done()

    def do_LOGOUT(self, words: str) -> None:
        self.say("* BYE")
        self.done()


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, site: ForeignServer) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), _Session)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is what some tests are about."""


@contextmanager
def serving(site: ForeignServer) -> Iterator[ForeignServer]:
    """Serve ``site`` on a loopback port of its own."""
    with _Listener(site) as listener:
        site.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield site
        finally:
            listener.shutdown()
            thread.join()


def letters(count: int, first: int = 1) -> dict[int, Message]:
    """Messages by UID, each unlike the others, one minute after the other."""
    start = datetime.fromisoformat("2020-03-02T10:00:00+01:00")
    return {
        uid: Message(
            f"Subject: n. {uid}\r\nMessage-ID: <{uid}@ancien.example>\r\n\r\n{uid}\r\n".encode(),
            "\\Seen" if uid % 2 else "\\Flagged $Forwarded",
            (start + timedelta(minutes=uid)).strftime("%d-%b-%Y %H:%M:%S %z"),
        )
        for uid in range(first, first + count)
    }
