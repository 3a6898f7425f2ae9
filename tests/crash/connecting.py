"""Connections to servers that may die at any moment: each is closed, whatever breaks, and where.

The standard library lets some go unclosed: ``smtplib`` when STARTTLS or AUTH fails after it has
connected, ``imaplib`` when the server is gone at LOGOUT, ``ssl`` when the peer is gone between the
connection and the handshake.
"""

import contextlib
import imaplib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TRANSPORT_SECONDS = 20.0
READ_SECONDS = 120.0
"""For one answer to a reader: mailboxes become large, and the machine is busy."""

NAME = "essai.example"
"""As whom clients greet: without it ``smtplib`` asks a name server at each connection."""


class Line(ssl.SSLSocket):
    """A TLS socket that closes itself when it finds that nobody is at the other end.

    ``ssl`` asks for the peer before it begins its handshake, and when a reset came first, raises
    without closing: nobody else holds the socket then (CPython 3.11, ``SSLSocket._create``).
    """

    def getpeername(self) -> Any:
        """The other end's address; closed when there is none."""
        try:
            return super().getpeername()
        except OSError as error:
            self.close()
            raise ConnectionResetError("the other end is gone") from error


def closing_itself(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context; its sockets are :class:`Line`."""
    context.sslsocket_class = Line
    return context


def trusting(ca_file: str) -> ssl.SSLContext:
    """A client's context that believes in these authorities alone."""
    return closing_itself(ssl.create_default_context(cafile=ca_file))


def submitting(
    ports: dict[str, int], tls: ssl.SSLContext, account: tuple[str, str], *, is_implicit: bool
) -> smtplib.SMTP:
    """A signed-in connection to the submission port, TLS or STARTTLS, to be closed by the caller.

    Raises OSError or SMTPException, having closed whatever it had opened.
    """
    if is_implicit:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            "localhost", ports["tls"], NAME, timeout=TRANSPORT_SECONDS, context=tls
        )
    else:
        connection = smtplib.SMTP("localhost", ports["starttls"], NAME, timeout=TRANSPORT_SECONDS)
    try:
        if not is_implicit:
            connection.starttls(context=tls)
        connection.login(*account)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def reading(
    port: int, tls: ssl.SSLContext, account: tuple[str, str]
) -> Iterator[imaplib.IMAP4_SSL]:
    """A signed-in IMAP session for the length of the block; raises OSError or IMAP4.error."""
    client = imaplib.IMAP4_SSL("localhost", port, ssl_context=tls, timeout=READ_SECONDS)
    try:
        client.login(*account)
        yield client
        with contextlib.suppress(OSError, imaplib.IMAP4.error):  # everything was read
            client.logout()
    finally:
        with contextlib.suppress(OSError):  # closed all the same
            client.shutdown()
