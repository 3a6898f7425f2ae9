"""Clients that submit small messages without pause, through kills, noting all in the ledger."""

import contextlib
import hashlib
import itertools
import random
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.crash.ledger import Ledger, Sent

TRANSPORT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the demo who writes and is written to."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Client:
    """One author on one kept connection, STARTTLS or TLS; reconnects until told to stop."""

    number: int
    told: dict[str, Any]
    author: Account
    others: tuple[Account, ...]
    ledger: Ledger
    stopping: threading.Event

    def start(self) -> threading.Thread:
        """Submit on a thread of its own."""
        thread = threading.Thread(target=self.run, name=f"client-{self.number}", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Connect and submit; a connection that breaks is replaced, what was under way is not."""
        letters = self._letters()
        while not self.stopping.is_set():
            with contextlib.suppress(OSError, smtplib.SMTPException):
                with self._connect() as connection:
                    while not self.stopping.is_set():
                        self._submit(connection, next(letters))
            self.stopping.wait(0.05)

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=self.told["ca_file"])
        ports = self.told["submission"]
        if self.number % 2:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                "localhost", ports["tls"], timeout=TRANSPORT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP("localhost", ports["starttls"], timeout=TRANSPORT_SECONDS)
            connection.starttls(context=context)
        connection.login(self.author.address, self.author.password)
        return connection

    def _submit(self, connection: smtplib.SMTP, letter: tuple[Sent, bytes]) -> None:
        sent, raw = letter
        for code, answer in (
            connection.mail(sent.author),
            *(connection.rcpt(recipient) for recipient in sent.recipients),
        ):
            if code != 250:
                raise smtplib.SMTPResponseException(code, answer)
        self.ledger.note_sent(sent)
        code, answer = connection.data(raw)
        text = answer.decode("ascii", "replace")
        if code == 250:
            self.ledger.note_acked(sent.message_id, text.split()[-1])
        else:
            self.ledger.note_refused(sent.message_id, f"{code} {text}")

    def _letters(self) -> Iterator[tuple[Sent, bytes]]:
        """Unique, small, every fifth for two recipients."""
        draw = random.Random(self.number)
        start = time.time_ns()
        for number in itertools.count():
            message_id = f"<soak.{self.number}.{number}.{start}@mss.example>"
            receivers = draw.sample(self.others, 2 if number % 5 == 0 else 1)
            noise = hashlib.shake_256(message_id.encode()).hexdigest(draw.randrange(100, 1500))
            lines = "\r\n".join(noise[at : at + 72] for at in range(0, len(noise), 72))
            entity = (
                "Content-Type: text/plain; charset=utf-8\r\n"
                "\r\n"
                f"Contenu de {message_id}\r\n{lines}\r\n"
            )
            addresses = tuple(each.address for each in receivers)
            raw = (
                f"From: <{self.author.address}>\r\n"
                f"To: {', '.join(addresses)}\r\n"
                f"Subject: essai {self.number}-{number}\r\n"
                f"Message-ID: {message_id}\r\n"
                "MIME-Version: 1.0\r\n"
                f"{entity}"
            )
            sent = Sent(message_id, self.author.address, addresses, entity.encode())
            yield sent, raw.encode()
