"""What is said too early, too much or in the wrong place, at both doors (threats T3, T4, T7)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mss_gateway.queue import leases, spooled
from mss_gateway.queue.carried import Asked
from mss_gateway.smtp.connection import EARLY_COMMANDS, MISTAKES, PATIENCE
from tests.protocol import smtp_doors
from tests.support import peer_site, smtp_site
from tests.support.smtp_site import DUBOIS, LIMITS, Client, Clock, Site, simple, until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


# T4


@pytest.mark.parametrize("name", smtp_doors.NAMES)
@pytest.mark.parametrize("pause", [None, 0.001])
async def test_what_is_injected_before_tls_is_never_answered(
    pause: float | None, name: str, site: Site
) -> None:
    """200 runs in all: in the same segment, and a millisecond later."""
    async with smtp_doors.opened(name, site) as door:
        for _ in range(50):
            async with smtp_site.client(door.plain) as client:
                await client.reply()
                await client.say("EHLO x")
                client.writer.write(b"STARTTLS\r\n" + (b"NOOP\r\n" if pause is None else b""))
                if pause is not None:
                    await client.writer.drain()
                    await asyncio.sleep(pause)
                    client.writer.write(b"NOOP\r\n")
                said = await client.rest()
                assert b"fait" not in said
                assert said.startswith((b"554 ", b"220 "))
                # in the clear nothing follows the go-ahead but, at most, an alert of TLS
                assert said.count(b"\r\n") == 1


# T3


@dataclass(frozen=True, slots=True)
class Script:
    """Octets thrown at once, before TLS or within a proved session.

    ``codes`` are those of all replies, the last one of which may repeat; ``stored`` messages.
    """

    octets: str
    codes: tuple[str, ...]
    in_session: bool = True
    stored: int = 0
    awaits_greeting: bool = True
    closes: bool = False


MESSAGE = "From: <{author}>\r\n\r\nx\r\n.\r\n"
BEGIN = "MAIL FROM:<{author}>\r\nRCPT TO:<{dubois}>\r\n"

SCRIPTS = {
    "a whole message before the greeting": Script(
        "EHLO x\r\n" + BEGIN + "DATA\r\n" + MESSAGE,
        ("554",),
        in_session=False,
        awaits_greeting=False,
        closes=True,
    ),
    "QUIT behind EHLO": Script("EHLO x\r\nQUIT\r\n", ("554",), in_session=False, closes=True),
    "chunks, which are not offered": Script("BDAT 1 LAST\r\nx\r\n", ("500", "500")),
    "DATA with an argument": Script(BEGIN + "DATA x\r\n", ("250", "250", "501")),
    "MAIL behind EHLO": Script("EHLO x\r\n" + BEGIN, ("554",), in_session=False, closes=True),
    "STARTTLS behind EHLO": Script(
        "EHLO x\r\nSTARTTLS\r\n", ("554",), in_session=False, closes=True
    ),
    "EHLO behind HELO": Script("HELO x\r\nEHLO x\r\n", ("554",), in_session=False, closes=True),
    "EHLO behind STARTTLS": Script(
        "STARTTLS\r\nEHLO x\r\n", ("554",), in_session=False, closes=True
    ),
    "TLS behind STARTTLS": Script(
        "STARTTLS\r\n\x16\x03\x01", ("554",), in_session=False, closes=True
    ),
    "MAIL without EHLO": Script(BEGIN, ("503", "503"), in_session=False),
    "a message without EHLO": Script(
        BEGIN + "DATA\r\n" + MESSAGE,
        ("503", "503", "503", "500", "500", "500", "500"),
        in_session=False,
    ),
    "DATA without MAIL": Script("DATA\r\n" + MESSAGE, ("503", "500", "500", "500", "500")),
    "a message without recipients": Script(
        "MAIL FROM:<{author}>\r\nRCPT TO:<x@mss.example>\r\nDATA\r\n" + MESSAGE,
        ("250", "550", "503", "500", "500", "500", "500"),
    ),
    "a body that did not wait for its go-ahead": Script(
        BEGIN + "DATA\r\n" + MESSAGE, ("250", "250", "354", "250"), stored=1
    ),
    "a message behind a message": Script(
        BEGIN + "DATA\r\n" + MESSAGE + BEGIN + "DATA\r\n" + "X: y\r\n" + MESSAGE,
        ("250", "250", "354", "250", "250", "250", "354", "250"),
        stored=2,
    ),
    "EHLO within a transaction": Script(
        BEGIN + "EHLO x\r\nDATA\r\n", ("250", "250", "250", "503")
    ),
    "RSET within a transaction": Script(
        BEGIN + "RSET\r\nDATA\r\n" + MESSAGE,
        ("250", "250", "250", "503", "500", "500", "500", "500"),
    ),
    "MAIL within a transaction": Script(BEGIN + BEGIN, ("250", "250", "503", "250")),
    "words behind QUIT": Script(
        "QUIT\r\n" + BEGIN + "DATA\r\n" + MESSAGE, ("221",), closes=True
    ),
    "words behind a stray line feed": Script(
        "NOOP\n" + BEGIN + "DATA\r\n" + MESSAGE, ("550",), closes=True
    ),
    "too many mistakes": Script(
        "XYZZY\r\n" * (MISTAKES + 1) + BEGIN,
        ("500",) * MISTAKES + ("421",),
        closes=True,
    ),
    "too many commands of somebody unknown": Script(
        "NOOP\r\n" * (EARLY_COMMANDS + 1) + BEGIN,
        ("250",) * EARLY_COMMANDS + ("421",),
        in_session=False,
        closes=True,
    ),
}  # fmt: skip


async def throw(client: Client, script: Script, author: str) -> list[str]:
    """The codes of every reply; as many as the script has, and whether the connection ended."""
    client.writer.write(script.octets.format(author=author, dubois=DUBOIS).encode())
    # the greeting may have been on its way, or was held back: either is well
    if not script.awaits_greeting and not (first := await client.reply()).startswith("220 "):
        return [first[:3]]
    codes = [(await client.reply())[:3] for _ in script.codes]
    if script.closes:
        assert await client.rest() == b""
    return codes


@pytest.mark.parametrize("name", smtp_doors.NAMES)
@pytest.mark.parametrize("case", SCRIPTS)
async def test_nothing_is_obeyed_before_its_time(case: str, name: str, site: Site) -> None:
    assert len(SCRIPTS) >= 20
    script, before = SCRIPTS[case], site.counts()["queued_messages"]
    async with smtp_doors.opened(name, site) as door:
        if script.in_session:
            async with door.session() as client:
                if name == "mx":  # it has proved itself once a MAIL was taken
                    await client.say(f"MAIL FROM:<{door.author}>")
                    await client.say("RSET")
                assert await throw(client, script, door.author) == list(script.codes)
        else:
            async with smtp_site.client(door.plain) as client:
                if script.awaits_greeting:
                    await client.reply()
                assert await throw(client, script, door.author) == list(script.codes)
    assert site.counts()["queued_messages"] - before == script.stored


# parameters


@pytest.mark.parametrize("name", smtp_doors.NAMES)
async def test_what_is_asked_with_mail_and_rcpt_is_what_the_queue_knows(
    name: str, site: Site
) -> None:
    async with smtp_doors.opened(name, site) as door, door.session() as client:
        await client.say(f"MAIL FROM:<{door.author}> RET=FULL ENVID=un+2B1 REQUIRETLS")
        await client.say(f"RCPT TO:<{DUBOIS}> NOTIFY=delay,failure ORCPT=rfc822;i+2Bd@x.example")
        await client.say("DATA")
        answer = await client.throw(simple(door.author) + b".\r\n")
    gateway = site.gateway
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        found = spooled.read_message(view, spool, answer[10:])
    assert found is not None
    carried = found.carried
    assert (carried.returns, carried.envelope_id, carried.requires_tls) == ("FULL", "un+1", True)
    now = gateway.queue_clock.now()
    (item,) = gateway.database.write(lambda tx: leases.claim(tx, spool, 9, now))
    assert item.asked == Asked(frozenset({"DELAY", "FAILURE"}), "rfc822;i+d@x.example")


@pytest.mark.parametrize("name", smtp_doors.NAMES)
async def test_smtputf8_is_there_when_the_operator_wants_it(name: str, site: Site) -> None:
    rules = replace(site.gateway.config.submission, smtputf8=True)
    config = replace(site.gateway.config, submission=rules)
    wanting = replace(site, gateway=replace(site.gateway, config=config))
    async with smtp_doors.opened(name, site) as door, door.session() as client:
        assert "250-SMTPUTF8" not in await client.say("EHLO x")
        answer = await client.say(f"MAIL FROM:<{door.author}> SMTPUTF8")
        assert answer.startswith("555 5.5.4 ")
    async with smtp_doors.opened(name, wanting) as door, door.session() as client:
        assert "250-SMTPUTF8" in await client.say("EHLO x")
        answer = await client.say(f"MAIL FROM:<{door.author}> SMTPUTF8")
        assert answer.startswith("250 ")
        outside = "RCPT TO:<zoe@hôpital.example>\r\n".encode()
        assert (await client.throw(outside)).startswith("550 5.7.1 ")
        nobody = "RCPT TO:<zoé@mss.example>\r\n".encode()
        assert (await client.throw(nobody)).startswith("553 5.1.3 ")
        assert (await client.throw(b"NOOP \xff\r\n")).startswith("500 5.5.2 ")


@pytest.mark.parametrize("name", smtp_doors.NAMES)
@pytest.mark.parametrize("said", ["", " SMTPUTF8"])
async def test_received_says_whether_smtputf8_was_asked_for(
    name: str, said: str, site: Site
) -> None:
    """RFC 6531 §4.3; of each message, not of the session."""
    rules = replace(site.gateway.config.submission, smtputf8=True)
    config = replace(site.gateway.config, submission=rules)
    wanting = replace(site, gateway=replace(site.gateway, config=config))
    async with smtp_doors.opened(name, wanting) as door, door.session() as client:
        for spoken in (" SMTPUTF8", said):
            await client.say(f"MAIL FROM:<{door.author}>{spoken}")
            assert (await client.say(f"RCPT TO:<{DUBOIS}>")).startswith("250 ")
            assert (await client.say("DATA")).startswith("354 ")
            raw = simple(door.author, subject=f"Essai{spoken}")
            assert (await client.throw(raw + b".\r\n")).startswith("250 ")
    site.work()
    usual, utf8 = PROTOCOLS[name]
    told = b"with %b\r\n" % (utf8 if said else usual).encode()
    assert told in site.kept(DUBOIS)[-1].partition(b"\r\n\r\n")[0]


PROTOCOLS = {"submission": ("ESMTPSA", "UTF8SMTPSA"), "mx": ("ESMTPS", "UTF8SMTPS")}


# T7, at the MX: the same limits as at submission have tests of their own


@pytest.mark.parametrize("spent", ["", "EHL", "EHLO x\r\n"])
async def test_a_server_that_says_nothing_is_sent_away(spent: str, site: Site) -> None:
    async with smtp_doors.opened("mx", site, replace(PATIENCE, unknown=0.05)) as door:
        async with smtp_site.client(door.plain) as client:
            await client.reply()
            client.writer.write(spent.encode())
            assert (await client.rest()).endswith(b"421 4.4.2 delai depasse\r\n")


async def test_nor_is_its_handshake_waited_for(site: Site) -> None:
    async with smtp_doors.opened("mx", site, replace(PATIENCE, handshake=0.05)) as door:
        async with smtp_site.client(door.plain) as client:
            await client.reply()
            await client.say("EHLO x")
            await client.say("STARTTLS")
            assert await client.rest() == b""


async def test_once_it_has_proved_itself_it_may_take_its_time(site: Site) -> None:
    patience = replace(PATIENCE, unknown=30.0, known=0.05)
    async with smtp_doors.opened("mx", site, patience) as door, door.session() as client:
        await client.say(f"MAIL FROM:<{door.author}>")
        assert (await client.rest()).endswith(b"421 4.4.2 delai depasse\r\n")


async def test_a_body_that_drips_is_given_up(site: Site) -> None:
    clock = Clock()
    async with peer_site.mx_serving(site, clock=clock) as port:
        async with peer_site.calling(site, port) as client:
            await client.begin(peer_site.GARNIER, DUBOIS)
            client.writer.write(simple(peer_site.GARNIER, body="x" * 40_000))
            held = LIMITS.bodies_in_flight_octets - 40_000
            await until(lambda: port.server.budget.free <= held)
            clock.pass_by(61)
            assert (await client.throw(b"x")).startswith("421 4.4.2 ")
            assert await client.rest() == b""
    assert site.counts()["queued_messages"] == 0


async def test_one_address_has_so_many_connections(site: Site) -> None:
    limit = LIMITS.connections_per_address
    async with smtp_doors.opened("mx", site) as door:
        streams = [await asyncio.open_connection("127.0.0.1", door.plain) for _ in range(limit)]
        for reader, _ in streams:
            assert (await reader.readline()).startswith(b"220 ")
        async with smtp_site.client(door.plain) as one_more:
            assert await one_more.reply() == "421 4.7.0 trop de connexions"
        for _, writer in streams:
            writer.close()
            await writer.wait_closed()
