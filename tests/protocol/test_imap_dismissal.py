"""An account that may not be used any more: its connections end within a second or so."""

import asyncio

import pytest

from mss_gateway.directory import people
from mss_gateway.imap import server
from policies.people import Standing
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, serving


async def test_a_suspended_account_is_shown_out(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DISMISS_SECONDS", 0.02)
    async with serving(site) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f'a LOGIN {LOGIN} "{PASSWORD}"\r\n'.encode())
        await reader.readuntil(b"a OK")
        await reader.readline()
        writer.write(b"c IDLE\r\n")
        assert (await reader.readline()).startswith(b"+")
        await asyncio.to_thread(
            site.database.write,
            lambda tx: people.set_standing(tx, site.account_id, Standing.SUSPENDED),
        )
        async with asyncio.timeout(10):
            assert (await reader.read()).endswith(b"* BYE imap.acces_ferme\r\n")
        writer.close()
