"""Limits of size, number and time, each at its edge (threats T3, T7, T9)."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from mss_gateway.smtp.connection import EARLY_COMMANDS, PATIENCE
from mss_gateway.smtp.lines import COMMAND_OCTETS
from tests.support import smtp_site
from tests.support.smtp_messages import of_size
from tests.support.smtp_site import (
    DUBOIS,
    LIMITS,
    MARTIN,
    PATIENT,
    Client,
    Clock,
    Ports,
    Site,
    client,
    plain_claim,
    serving,
    signed_in,
    simple,
    until,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


@pytest.mark.parametrize(
    ("recipient", "limit"),
    [(DUBOIS, LIMITS.message_octets), (PATIENT, LIMITS.patient_message_octets)],
)
async def test_a_message_at_the_limit_is_taken_and_one_above_is_not(
    recipient: str, limit: int, site: Site
) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        for octets, code in ((limit - 1, "250"), (limit, "250"), (limit + 1, "552")):
            raw = of_size(octets)
            assert len(raw) == octets
            assert (await session.submit(raw, MARTIN, recipient)).startswith(f"{code} ")
    assert site.counts()["queued_messages"] == 2


async def test_dots_of_transparency_do_not_count(site: Site) -> None:
    head = simple(body="")
    lines, rest = divmod(LIMITS.message_octets - len(head), 3)
    raw = head + b".\r\n" * (lines - 1) + b"x" * (rest + 1) + b"\r\n"
    assert len(raw) == LIMITS.message_octets
    async with serving(site) as ports, signed_in(site, ports) as session:
        assert (await session.submit(raw)).startswith("250 ")
        assert (await session.submit(raw + b"\r\n")).startswith("552 5.3.4 ")
    site.work()
    assert raw[len(head) :] in site.kept(DUBOIS)[0]


async def test_who_never_stops_is_told_once_and_cut(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        answer = await session.throw(b"x" * (5 * LIMITS.message_octets))
        assert answer.startswith("552 5.3.4 ")
        assert await session.rest() == b""


@pytest.mark.parametrize("octets", [COMMAND_OCTETS, COMMAND_OCTETS + 1, 600_000])
async def test_a_command_line_is_bounded_at_its_edge(octets: int, site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        line = b"NOOP " + b"x" * (octets - 7) + b"\r\n"
        assert len(line) == octets
        expected = "250 2.0.0" if octets <= COMMAND_OCTETS else "500 5.5.2 ligne trop longue"
        assert (await session.throw(line)).startswith(expected)
        assert (await session.say("NOOP")).startswith("250 ")


async def test_octets_above_127_are_no_command(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        answer = await session.throw("MAIL FROM:<zoé@mss.example>\r\n".encode())
        assert answer == "500 5.5.2 seul l'ASCII est admis"


async def test_one_address_has_so_many_connections(site: Site) -> None:
    limit = LIMITS.connections_per_address
    async with serving(site) as ports:
        streams = [await asyncio.open_connection("127.0.0.1", ports.starttls) for _ in range(limit)]
        for reader, _ in streams:
            assert (await reader.readline()).startswith(b"220 ")
        async with client(ports.starttls) as one_more:
            assert await one_more.reply() == "421 4.7.0 trop de connexions"
            assert await one_more.rest() == b""
        streams[0][1].write(b"QUIT\r\n")
        assert (await streams[0][0].read()).startswith(b"221 ")
        async with client(ports.starttls) as instead:
            assert (await instead.reply()).startswith("220 ")
        for _, writer in streams:
            writer.close()
            await writer.wait_closed()


async def _fail_handshakes(site: Site) -> None:
    """Many more than one address may have at a time: none of them may stay counted."""
    async with serving(site) as ports:
        for spoilt in (
            b"\x16\x03\x01\xff\xff\0\0\0",
            b"NOOP\r\n",
            b"",
        ) * LIMITS.connections_per_address:
            async with client(ports.starttls) as session:
                assert (await session.reply()).startswith("220 ")
                await session.say("EHLO client.example")
                assert (await session.say("STARTTLS")).startswith("220 ")
                session.writer.write(spoilt)
                if spoilt:
                    assert b"2.0.0" not in await session.rest()
                else:
                    session.writer.transport.abort()
        async with client(ports.starttls) as session:
            assert (await session.reply()).startswith("220 ")


async def test_a_failed_handshake_is_not_counted_for_ever(site: Site) -> None:
    await _fail_handshakes(site)


def test_nor_is_it_on_the_product_s_loop(site: Site) -> None:
    uvloop.run(_fail_handshakes(site))


async def test_somebody_unknown_says_only_so_much(site: Site) -> None:
    async with serving(site) as ports, client(ports.tls, site.trusting()) as session:
        await session.reply()
        for _ in range(EARLY_COMMANDS):
            assert (await session.say("NOOP")).startswith("250 ")
        assert (await session.say("NOOP")).startswith("421 4.7.0 ")
        assert await session.rest() == b""


async def test_a_wait_runs_between_wrong_passwords_and_then_the_right_one_works(
    site: Site,
) -> None:
    wrong, right = plain_claim(MARTIN, "autre chose"), plain_claim(MARTIN)
    async with serving(site) as ports:
        async with client(ports.tls, site.trusting()) as session:
            await session.reply()
            await session.say("EHLO client.example")
            for _ in range(LIMITS.failed_logins_per_account):
                assert (await session.say(f"AUTH PLAIN {wrong}")).startswith("535 5.7.8 ")
            assert await session.rest() == b""
        async with client(ports.tls, site.trusting()) as session:
            await session.reply()
            await session.say("EHLO client.example")
            assert (await session.say(f"AUTH PLAIN {right}")).startswith("454 4.7.0 ")
            site.clock.pass_by(2)
            assert (await session.say(f"AUTH PLAIN {right}")).startswith("235 ")


# bodies in flight


async def test_bodies_share_a_budget_and_wait_for_room(site: Site) -> None:
    async with serving(site) as ports:
        ports.server.budget.take(ports.server.budget.free - 1_000)
        async with signed_in(site, ports) as session:
            assert (await session.submit(of_size(1_000))).startswith("250 ")
            assert (await session.submit(of_size(1_001))).startswith("451 4.3.1 ")
            assert (await session.submit(of_size(1_000))).startswith("250 ")
        assert ports.server.budget.free == 1_000
        ports.server.budget.give_back(LIMITS.bodies_in_flight_octets - 1_000)
    assert site.counts()["queued_messages"] == 2


async def test_a_client_that_drips_is_given_up(site: Site) -> None:
    clock = Clock()
    async with serving(site, clock=clock) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        session.writer.write(of_size(40_000))
        held = LIMITS.bodies_in_flight_octets - 40_000
        await until(lambda: ports.server.budget.free <= held)
        clock.pass_by(61)
        assert (await session.throw(b"x")).startswith("421 4.4.2 ")
        assert await session.rest() == b""
    assert site.counts()["queued_messages"] == 0


async def test_a_client_that_is_slow_and_steady_is_waited_for(site: Site) -> None:
    clock = Clock()
    raw = of_size(40_000)
    async with serving(site, clock=clock) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        for start in range(0, len(raw), 10_000):
            session.writer.write(raw[start : start + 10_000])
            held = LIMITS.bodies_in_flight_octets - start - 10_000
            await until(lambda held=held: ports.server.budget.free <= held)  # type: ignore[misc]
            clock.pass_by(9)
        assert (await session.throw(b".\r\n")).startswith("250 ")


# time


@pytest.mark.parametrize("spent", [b"", b"EHL", b"EHLO x\r\n", b"AUTH LOGIN\r\n"])
async def test_who_says_nothing_before_signing_in_is_sent_away(spent: bytes, site: Site) -> None:
    async with serving(site, replace(PATIENCE, unknown=0.05)) as ports:
        async with client(ports.tls, site.trusting()) as session:
            await session.reply()
            session.writer.write(spent)
            assert (await session.rest()).endswith(b"421 4.4.2 delai depasse\r\n")


@pytest.mark.parametrize("spent", [b"", b"MAIL FROM:<%b>\r\n" % MARTIN.encode()])
async def test_who_says_nothing_after_signing_in_is_sent_away_later(
    spent: bytes, site: Site
) -> None:
    async with serving(site, replace(PATIENCE, known=0.05)) as ports:
        async with signed_in(site, ports) as session:
            session.writer.write(spent)
            assert (await session.rest()).endswith(b"421 4.4.2 delai depasse\r\n")


async def test_silence_within_a_body_has_its_own_limit(site: Site) -> None:
    async with serving(site, replace(PATIENCE, body=0.05)) as ports:
        async with signed_in(site, ports) as session:
            await session.begin(MARTIN, DUBOIS)
            session.writer.write(b"From: <")
            assert await session.rest() == b"421 4.4.2 delai depasse\r\n"


async def _say_nothing_in_the_handshake(site: Site) -> None:
    async with serving(site, replace(PATIENCE, handshake=0.05)) as ports:
        async with client(ports.tls) as session:
            assert await session.rest() == b""
        async with client(ports.starttls) as session:
            await session.reply()
            await session.say("EHLO client.example")
            await session.say("STARTTLS")
            assert await session.rest() == b""


async def test_a_handshake_is_not_waited_for_long(site: Site) -> None:
    await _say_nothing_in_the_handshake(site)


def test_nor_on_the_product_s_loop(site: Site) -> None:
    uvloop.run(_say_nothing_in_the_handshake(site))


async def test_a_client_that_never_reads_is_cut(site: Site) -> None:
    """Its replies fill the buffers, and a close would wait for ever to flush them."""
    patience = replace(PATIENCE, known=0.05, farewell=0.05)
    async with serving(site, patience) as ports:
        raw = await asyncio.get_running_loop().run_in_executor(None, _deaf, site, ports)
        await until(lambda: not ports.server._sessions)
        raw.close()


def _deaf(site: Site, ports: Ports) -> ssl.SSLSocket:
    """Signed in, then only sends."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", ports.tls))
    secured = site.trusting().wrap_socket(plain, server_hostname="localhost")
    secured.recv(4096)
    secured.sendall(f"EHLO x\r\n".encode())  # noqa: F541
    secured.recv(4096)
    secured.sendall(f"AUTH PLAIN {plain_claim(MARTIN)}\r\n".encode())
    secured.recv(4096)
    secured.settimeout(1)
    try:
        for _ in range(2_000):
            secured.sendall(b"HELP\r\n" * 1_000)
    except OSError:
        pass  # the server hears no more: its own replies wait
    return secured


# the end of the service


async def test_who_is_idle_is_told_that_the_service_stops(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await ports.server.drain(2.0)
        assert (
            await session.rest()
            == b"421 4.3.2 arret du service, reconnectez-vous dans un instant\r\n"
        )


async def test_a_message_under_way_is_finished_first(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        draining = asyncio.create_task(ports.server.drain(5.0))
        await asyncio.sleep(0)
        assert (await session.throw(simple() + b".\r\n")).startswith("250 2.0.0 ")
        assert (await session.reply()).startswith("421 4.3.2 ")
        await draining
    assert site.counts()["queued_messages"] == 1


async def test_who_does_not_finish_is_cut(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        await ports.server.drain(0.1)
        assert await Client(session.reader, session.writer).rest() == b""
        assert not ports.server._sessions


async def test_whoever_connects_and_leaves_at_once_leaves_nothing_behind(site: Site) -> None:
    async with serving(site) as ports:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", ports.starttls)
            writer.close()
        gauge = site.gateway.metrics.connections.labels("submission")
        await until(lambda: not ports.server._sessions and gauge._value.get() == 0)
