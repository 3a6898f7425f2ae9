"""STARTTLS: no secret before it, nothing carried across it (threat T4)."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.protocol.imap_site import LOGIN, PASSWORD, Site, serving, with_tls

Tls = tuple[ssl.SSLContext, ssl.SSLContext]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def plain_text(site: Site, server: ssl.SSLContext) -> AsyncIterator[Streams]:
    """A connection to the STARTTLS port, its greeting read."""
    async with serving(site, with_tls(server)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.readline()
        assert b"STARTTLS LOGINDISABLED" in greeting
        assert b"AUTH=" not in greeting
        try:
            yield reader, writer
        finally:
            writer.close()


@pytest.mark.parametrize(
    "command",
    [
        f'LOGIN {LOGIN} "{PASSWORD}"',
        f"LOGIN {LOGIN} {{12}}",
        "LOGIN {3+}\r\nxyz {2+}\r\nab",
        "AUTHENTICATE PLAIN",
        "AUTHENTICATE PLAIN AGEAYg==",
    ],
)
async def test_no_secret_is_taken_before_tls(site: Site, tls_pair: Tls, command: str) -> None:
    async with plain_text(site, tls_pair[0]) as (reader, writer):
        writer.write(f"a {command}\r\n".encode())
        assert await reader.readline() == b"a NO [PRIVACYREQUIRED] refus.tls\r\n"


async def test_what_was_sent_ahead_of_the_handshake_ends_the_connection(
    site: Site, tls_pair: Tls
) -> None:
    async with plain_text(site, tls_pair[0]) as (reader, writer):
        writer.write(b"a STARTTLS\r\nb NOOP\r\n")
        assert await reader.read() == b"a BAD imap.donnees_avant_tls\r\n"


async def test_a_command_after_the_go_ahead_is_never_answered(site: Site, tls_pair: Tls) -> None:
    async with plain_text(site, tls_pair[0]) as (reader, writer):
        writer.write(b"a STARTTLS\r\n")
        assert await reader.readline() == b"a OK STARTTLS done\r\n"
        writer.write(b"b NOOP\r\n")
        assert b"b OK" not in await reader.read()


async def test_starttls_is_offered_once(site: Site, tls_pair: Tls) -> None:
    async with plain_text(site, tls_pair[0]) as (reader, writer):
        writer.write(b"a STARTTLS\r\n")
        assert await reader.readline() == b"a OK STARTTLS done\r\n"
        await writer.start_tls(tls_pair[1], server_hostname="localhost")
        writer.write(b"b CAPABILITY\r\nc STARTTLS\r\n")
        words = (await reader.readline()).split()
        assert b"AUTH=PLAIN" in words
        assert not {b"STARTTLS", b"LOGINDISABLED", b"AUTH=EXTERNAL"} & set(words)
        assert await reader.readline() == b"b OK CAPABILITY done\r\n"
        assert await reader.readline() == b"c BAD imap.chiffrement_present\r\n"


async def test_without_a_certificate_there_is_no_starttls(site: Site, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert b"STARTTLS" not in await reader.readline()
    writer.write(b"a STARTTLS\r\n")
    assert await reader.readline() == b"a BAD imap.chiffrement_present\r\n"
    writer.close()
