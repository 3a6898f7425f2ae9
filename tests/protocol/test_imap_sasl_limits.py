"""AUTHENTICATE at its edges: how long a response may be, how long a client may take for it."""

import asyncio
from dataclasses import replace

import pytest

from mss_gateway.life.mechanisms import MAX_LINE
from tests.protocol.imap_site import SETTINGS, Site, serving


async def _asked(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that was asked for its token."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b"a AUTHENTICATE OAUTHBEARER\r\n")
    assert await reader.readline() == b"+ \r\n"
    return reader, writer


LONGEST = (MAX_LINE - 2) // 4 * 4
"""Octets of the longest base64 that fits with its line end: it comes by fours."""


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (LONGEST, b"a BAD imap.syntaxe (gs2-header)\r\n"),
        (LONGEST + 4, b"* BYE [LIMIT] imap.commande_trop_longue\r\n"),
    ],
)
async def test_a_response_has_a_greatest_length(port: int, octets: int, answer: bytes) -> None:
    reader, writer = await _asked(port)
    writer.write(b"A" * octets + b"\r\n")
    assert await reader.readline() == answer
    writer.close()


async def test_a_client_that_keeps_its_token_back_is_cut_off(site: Site) -> None:
    async with serving(site, replace(SETTINGS, before_login_seconds=0.2)) as port:
        reader, writer = await _asked(port)
        assert await asyncio.wait_for(reader.read(), 10) == b"* BYE imap.inactif\r\n"
        writer.close()


async def test_a_client_that_keeps_silent_after_a_refusal_is_cut_off(site: Site) -> None:
    """It was told why its token is not taken, and owes an answer (RFC 7628 §3.2.3)."""
    async with serving(site, replace(SETTINGS, before_login_seconds=0.2)) as port:
        reader, writer = await _asked(port)
        writer.write(b"biwsAWF1dGg9QmVhcmVyIGF1dHJlAQE=\r\n")  # n,,^Aauth=Bearer autre^A^A
        assert (await reader.readline()).startswith(b"+ ")
        assert await asyncio.wait_for(reader.read(), 10) == b"* BYE imap.inactif\r\n"
        writer.close()


async def test_a_client_that_goes_away_in_the_middle_harms_nobody(site: Site, port: int) -> None:
    for stage in range(2):
        reader, writer = await _asked(port)
        if stage:
            writer.write(b"biwsAWF1dGg9QmVhcmVyIGF1dHJlAQE=\r\n")
            assert (await reader.readline()).startswith(b"+ ")
        writer.close()
        await writer.wait_closed()
    reader, writer = await _asked(port)
    writer.write(b"*\r\n")
    assert await reader.readline() == b"a BAD imap.authentification_abandonnee\r\n"
    writer.close()
