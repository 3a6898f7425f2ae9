"""Clients that submit small messages without pause, through kills, noting all in the ledger.

As every mail program does, a client whose connection broke before the answer to its last dot hands
the very same octets over again, until somebody says yes or no. Some of them give up instead.
"""

import contextlib
import hashlib
import itertools
import random
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.crash.connecting import submitting, trusting
from tests.crash.ledger import Ledger, Sent

GIVES_UP = 7
"""One message in so many is not handed over again when its answer was lost."""
RECEIVERS = (1, 1, 2, 1, 3)
"""How many a message is for, in turn."""
ELSEWHERE = 0.3
"""Share of the recipients who are with another operator, for who writes to such ones."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the demo who writes and is written to."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Client:
    """One author on one kept connection, STARTTLS or TLS; reconnects until told to stop.

    ``others``: for whom it writes; ``elsewhere``: and with another operator. Every second pair of
    clients pipelines (RFC 2920). ``waits`` blocks while there is too much under way.
    """

    number: int
    told: dict[str, Any]
    author: Account
    others: tuple[Account, ...]
    ledger: Ledger
    stopping: threading.Event
    waits: Callable[[], None] = lambda: None
    wants_receipts: bool = False
    elsewhere: tuple[Account, ...] = ()

    def start(self) -> threading.Thread:
        """Submit on a thread of its own."""
        thread = threading.Thread(target=self.run, name=f"client-{self.number}", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Connect and submit; a connection that breaks is replaced, what was under way goes again.

        A message that was not answered when the client stops stays unanswered.
        """
        letters, tls = self._letters(), trusting(self.told["ca_file"])
        number, letter = 0, next(letters)
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, smtplib.SMTPException):
                with self._connect(tls) as connection:
                    while not self.stopping.is_set():
                        self.waits()
                        self._submit(connection, letter)
                        number, letter = number + 1, next(letters)
            if letter[0].message_id in self.ledger.sent and number % GIVES_UP == 0:
                number, letter = number + 1, next(letters)
            self.stopping.wait(0.05)

    def _connect(self, tls: ssl.SSLContext) -> smtplib.SMTP:
        account = (self.author.address, self.author.password)
        return submitting(self.told["submission"], tls, account, is_implicit=self.number % 2 == 1)

    def _submit(self, connection: smtplib.SMTP, letter: tuple[Sent, bytes]) -> None:
        """Until it has its answer; raises for any other end."""
        sent, raw = letter
        commands = (
            f"MAIL FROM:<{sent.author}>",
            *(f"RCPT TO:<{each}>" for each in sent.recipients),
            "DATA",
        )
        if self.number % 4 > 1:
            connection.send("".join(f"{each}\r\n" for each in commands))
            answers = [connection.getreply() for _ in commands]
        else:
            answers = [connection.docmd(each) for each in commands]
        for code, answer in answers:
            if code not in (250, 354):
                raise smtplib.SMTPResponseException(code, answer)
        self.ledger.note_sent(sent)
        connection.send(raw + b".\r\n")
        code, answer = connection.getreply()
        text = answer.decode("ascii", "replace")
        if code == 250:
            self.ledger.note_acked(sent.message_id, text.split()[-1])
        elif code // 100 == 5:
            self.ledger.note_refused(sent.message_id, f"{code} {text}")
        else:
            self.ledger.note_deferred(sent.message_id, f"{code} {text}")
            raise smtplib.SMTPResponseException(code, answer)

    def _letters(self) -> Iterator[tuple[Sent, bytes]]:
        """Unique, small, for one recipient or several; no line begins with a dot."""
        draw = random.Random(self.number)
        start, domain = time.time_ns(), self.author.address.rpartition("@")[2]
        for number in itertools.count():
            message_id = f"<soak.{self.number}.{number}.{start}@{domain}>"
            receivers = self._receivers(draw, RECEIVERS[number % len(RECEIVERS)])
            noise = hashlib.shake_256(message_id.encode()).hexdigest(draw.randrange(100, 1500))
            lines = "\r\n".join(noise[at : at + 72] for at in range(0, len(noise), 72))
            entity = (
                "Content-Type: text/plain; charset=utf-8\r\n"
                "\r\n"
                f"Contenu de {message_id}\r\n{lines}\r\n"
            )
            addresses = tuple(each.address for each in receivers)
            asks = f"Disposition-Notification-To: <{self.author.address}>\r\n"
            raw = (
                f"From: <{self.author.address}>\r\n"
                f"{asks if self.wants_receipts else ''}"
                f"To: {', '.join(addresses)}\r\n"
                f"Subject: essai {self.number}-{number}\r\n"
                f"Message-ID: {message_id}\r\n"
                "MIME-Version: 1.0\r\n"
                f"{entity}"
            )
            sent = Sent(message_id, self.author.address, addresses, entity.encode())
            yield sent, raw.encode()

    def _receivers(self, draw: random.Random, count: int) -> list[Account]:
        far = sum(draw.random() < ELSEWHERE for _ in range(count)) if self.elsewhere else 0
        near = min(count - far, len(self.others))
        return draw.sample(self.others, near) + draw.sample(self.elsewhere, far)
