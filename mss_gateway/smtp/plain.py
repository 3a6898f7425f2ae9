"""One session with the relay of ordinary mail that notices leave by, outside the trust space.

Nothing of the trust space's is used here: neither its certificates nor its queue nor its relay.
The server's certificate must bear its name and lead to an authority of the configuration, where TLS
is asked for, and then nothing is said without it (RFC 3207 §4). Each step has its time.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import aiosmtplib
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
)

from mss_gateway.message.dsn import RemoteReply, parse_reply

STEP_SECONDS: Final = 30.0
LETTER_SECONDS: Final = 120.0

_BROKEN: Final = (SMTPException, OSError, EOFError, TimeoutError, ValueError)
"""What a session that does not go on raises; ValueError for what the library cannot write."""

_NOBODY: Final = ("5.1.", "5.2.")
"""Enhanced codes about the address or its mailbox (RFC 3463 §3.2 and §3.3)."""

_OURS: Final = "5.7."
"""About what we may do here (RFC 3463 §3.8): the relay refuses us, not the recipient."""


class Trouble(Enum):
    """Why a letter did not leave: words for the store and for the log."""

    UNREACHABLE = "unreachable"
    UNPROVED = "server not believed"
    SIGN_IN = "sign-in refused"
    REFUSED = "relay refuses us"
    DEFERRED = "deferred"
    NO_SUCH_ADDRESS = "no such address"

    @property
    def is_of_relay(self) -> bool:
        """Whether every other letter would fare the same."""
        return self not in (Trouble.DEFERRED, Trouble.NO_SUCH_ADDRESS)


class NotSent(Exception):
    """``code`` is what the relay answered, 0 when it did not."""

    def __init__(self, trouble: Trouble, code: int = 0) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.code = code


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes ordinary mail. ``tls``: starttls, tls or none; ``login`` may be empty.

    ``context`` is None without TLS. ``reverse_path`` is empty for the null one.
    """

    host: str
    port: int
    tls: str
    context: ssl.SSLContext | None
    login: str
    password: str = field(repr=False)
    own_name: str
    reverse_path: str
    seconds: float = STEP_SECONDS


class Session:
    """Open, signed in; :meth:`close` it on every path."""

    def __init__(self, relay: Relay, client: aiosmtplib.SMTP) -> None:
        self._relay = relay
        self._client = client

    @classmethod
    async def open(cls, relay: Relay) -> "Session":
        """Connect, TLS, sign in; raises :class:`NotSent` with a trouble of the relay's."""
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            use_tls=relay.tls == "tls",
            start_tls=relay.tls == "starttls",
            tls_context=relay.context,
            local_hostname=relay.own_name,
            timeout=relay.seconds,
        )
        try:
            async with asyncio.timeout(LETTER_SECONDS):
                await client.connect()
                if relay.login:
                    await client.login(relay.login, relay.password)
        except SMTPAuthenticationError as error:
            client.close()
            raise NotSent(Trouble.SIGN_IN, error.code) from None
        except _BROKEN as error:
            client.close()
            raise _unopened(relay, error) from None
        except BaseException:
            client.close()
            raise
        return cls(relay, client)

    async def send(self, recipient: str, raw: bytes) -> None:
        """Hand one letter over; raises :class:`NotSent`.

        After a break behind the final dot nobody knows whether it was taken: it is sent again.
        """
        try:
            async with asyncio.timeout(LETTER_SECONDS):
                await self._client.mail(self._relay.reverse_path)
                await self._client.rcpt(recipient)
                await self._client.data(raw)
        except SMTPRecipientRefused as error:
            await self._reset()
            raise NotSent(_of_recipient(_reply(error)), error.code) from None
        except SMTPResponseException as error:
            await self._reset()
            raise NotSent(_of_letter(error), error.code) from None
        except _BROKEN:
            self._client.close()
            raise NotSent(Trouble.UNREACHABLE) from None
        except BaseException:
            self._client.close()
            raise

    async def close(self) -> None:
        """QUIT, if there is somebody to say it to."""
        with contextlib.suppress(*_BROKEN):
            if self._client.is_connected:
                await self._client.quit(timeout=5.0)
        self._client.close()

    async def _reset(self) -> None:
        """The next letter begins afresh; a session that cannot is no session any more."""
        try:
            await self._client.rset()
        except _BROKEN:
            self._client.close()

    @property
    def is_usable(self) -> bool:
        """Whether another letter may be tried on it."""
        return self._client.is_connected


def _unopened(relay: Relay, error: BaseException) -> NotSent:
    """TLS that does not come about, or is not offered, is another trouble than silence."""
    is_tls = isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError)
    code = error.code if isinstance(error, SMTPResponseException) else 0
    is_plain = type(error) is SMTPException and relay.tls == "starttls"  # STARTTLS not offered
    return NotSent(Trouble.UNPROVED if is_tls or is_plain else Trouble.UNREACHABLE, code)


def _reply(error: SMTPResponseException) -> RemoteReply:
    return parse_reply(f"{error.code} {error.message}")


def _of_recipient(reply: RemoteReply) -> Trouble:
    """RCPT: nobody there, or not by us, or not now."""
    if reply.code // 100 != 5:
        return Trouble.DEFERRED
    if reply.enhanced.startswith(_OURS) or reply.code in (502, 503, 504, 530, 535, 538):
        return Trouble.REFUSED
    return Trouble.NO_SUCH_ADDRESS


def _of_letter(error: SMTPResponseException) -> Trouble:
    """MAIL is about us; the answer to the letter may be about its recipient after all."""
    reply = _reply(error)
    if isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPHeloError):
        return Trouble.REFUSED
    if reply.code // 100 == 5 and reply.enhanced.startswith(_NOBODY):
        return Trouble.NO_SUCH_ADDRESS
    return Trouble.DEFERRED
