"""Who may be spoken to: nothing leaves for a server that does not prove whose it is (T4, T5)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certs.certificate import from_der, from_pem
from mss_gateway.smtp.routes import Resolver
from tests.support import peer_site
from tests.support.foreign_smtp import USUAL, ForeignServer, Script
from tests.support.name_server import answering
from tests.support.peer_site import DOMAIN, GARNIER, HOST, THIRD, Shown
from tests.support.relay_site import (
    QUICK,
    RelaySite,
    foreign,
    is_idle,
    relay_site,
    server_side,
    serving,
)
from tests.support.smtp_site import MARTIN, until


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


async def expect_nothing_said(here: RelaySite, server: ForeignServer, cause: str) -> None:
    """The item waits, and no command but those before the proof was heard."""
    here.submit(GARNIER)
    await here.carry()
    (line,) = here.lines()
    assert (line.state, line.last_failure) == ("due", "destination_unproved")
    assert not {command.partition(" ")[0] for command in server.commands} - {"EHLO", "STARTTLS"}
    assert server.commands.count("EHLO localhost") == 1
    assert server.bodies == []
    assert f'"error": "{cause}"' in here.site.logged.getvalue()


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ({"EHLO": b"250 mx1.ville.example\r\n"}, "no STARTTLS"),
        ({"EHLO": b"250-mx1.ville.example\r\n250 XSTARTTLS\r\n"}, "no STARTTLS"),
        ({"STARTTLS": b"454 4.7.0 not now\r\n"}, "STARTTLS"),
        ({"STARTTLS": b"501 5.5.4 no\r\n"}, "STARTTLS"),
        ({"STARTTLS": b"250 ok\r\n"}, "STARTTLS"),
    ],
    ids=repr,
)
async def test_without_tls_nothing_leaves(relaying: RelaySite, script: Script, cause: str) -> None:
    async with foreign(relaying, script) as (here, server):
        await expect_nothing_said(here, server, cause)


@pytest.mark.parametrize(
    "script",
    [
        {"STARTTLS": USUAL["STARTTLS"] + b"250 mx1.ville.example\r\n"},
        {"STARTTLS": USUAL["STARTTLS"] + b"2"},
        {"injected": b"250-mx1.ville.example\r\n250 DSN\r\n"},
        {"injected": b"\r\n"},
    ],
    ids=repr,
)
async def test_what_was_said_before_tls_is_never_heard_after_it(
    relaying: RelaySite, script: Script
) -> None:
    """CVE-2021-33515 and its like, the other way round (threat T4)."""
    async with foreign(relaying, script) as (here, server):
        here.submit(GARNIER)
        await here.carry(waits=replace(QUICK, handshake=0.2))
        (line,) = here.lines()
        assert line.last_failure in ("peer_unreachable", "destination_unproved")
        assert server.commands == ["EHLO localhost", "STARTTLS"]
        server.follow({})
        here.later()
        await here.carry()
        assert here.lines() == []


SELF_MADE = "Autorite de personne"


NOT_IN_TLS = "SSLCertVerificationError"


@pytest.mark.parametrize(
    ("who", "cause"),
    [
        pytest.param(lambda: serving(HOST, issuer=SELF_MADE), NOT_IN_TLS, id="by nobody"),
        pytest.param(lambda: serving(HOST, days=9), NOT_IN_TLS, id="ended"),
        pytest.param(lambda: peer_site.shown(HOST), NOT_IN_TLS, id="for clients only"),
        pytest.param(lambda: serving(f"mx.{THIRD}"), "another name", id="of another operator"),
        pytest.param(lambda: serving("mx.ailleurs.example"), "another name", id="not in the list"),
        pytest.param(lambda: serving(HOST, f"mx.{THIRD}"), "another name", id="of two operators"),
        pytest.param(lambda: serving("localhost"), "another name", id="of no operator"),
    ],
)
async def test_another_certificate_is_not_believed(
    relaying: RelaySite, who: Callable[[], Shown], cause: str
) -> None:
    async with foreign(relaying, tls=server_side(who())) as (here, server):
        await expect_nothing_said(here, server, cause)


async def test_the_host_that_the_operator_named_is_believed_by_its_name(
    relaying: RelaySite,
) -> None:
    async with foreign(relaying, tls=server_side(serving("localhost"))) as (_, server):
        here = relaying.routed(f"* localhost:{server.port}")
        here.submit(GARNIER)
        await here.carry()
        assert len(server.bodies) == 1


async def test_a_certificate_that_was_revoked_is_believed_no_more(relaying: RelaySite) -> None:
    gateway = relaying.site.gateway
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        assert len(server.bodies) == 1
        server.commands.clear()
        server.bodies.clear()
        peer_site.publish(gateway.config, gateway.now(), serving(HOST).certificate)
        await expect_nothing_said(here, server, "revoked")


async def test_without_news_of_revocation_nobody_is_believed(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here.later(90 * 24 * 3600)
        peer_site.bring_list(here.site, DOMAIN)
        await expect_nothing_said(here, server, "revocation_unknown")


async def test_we_show_the_certificate_of_our_server(relaying: RelaySite) -> None:
    ca = relaying.site.folder / "anchors-tls.pem"
    async with foreign(relaying, tls=server_side(client_ca=ca)) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        assert len(server.bodies) == 1
        (shown,) = server.shown
    ours = (relaying.site.folder / "server.pem").read_bytes()
    assert from_pem(ours)[0] == from_der(shown)


async def test_a_server_that_refuses_ours_gets_nothing(relaying: RelaySite, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes((relaying.site.folder / peer_site.ANCHORS).read_bytes())
    async with foreign(relaying, tls=server_side(client_ca=other)) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        assert here.lines()[0].last_failure == "peer_unreachable"
        assert server.bodies == []


# --- names


@pytest.mark.parametrize(
    ("target", "names", "is_taken"),
    [
        (HOST, (HOST,), True),
        (HOST, (f"mx2.{DOMAIN}",), False),  # the operator's, under another name
        ("mx.ailleurs.example", ("mx.ailleurs.example",), False),  # whatever the DNS says
        (f"mx.{THIRD}", (f"mx.{THIRD}",), False),
    ],
)
async def test_a_host_that_the_dns_names_must_bear_its_name_and_be_of_the_operator(
    relaying: RelaySite, target: str, names: tuple[str, ...], is_taken: bool
) -> None:
    zone = {(DOMAIN, "MX"): (f"10 {target}.",), (target, "A"): ("127.0.0.1",)}
    tls = server_side(serving(*names))
    async with answering(zone) as dns, foreign(relaying, tls=tls) as (_, server):
        here = by_dns(relaying, server)
        here.submit(GARNIER)
        async with here.carrying(Resolver(("127.0.0.1",), dns.port)) as courier:
            await until(lambda: is_idle(courier) and here.settled())
        assert bool(server.bodies) is is_taken


def by_dns(relaying: RelaySite, server: ForeignServer) -> RelaySite:
    """The site with no table, and the server's port as that of every host."""
    config = relaying.site.gateway.config
    relay = replace(config.relay, routes=(), port=server.port)
    return relaying.with_config(replace(config, relay=relay))


async def test_the_next_host_is_tried_where_one_cannot_be_spoken_to(relaying: RelaySite) -> None:
    zone = {
        (DOMAIN, "MX"): (f"10 mort.{DOMAIN}.", f"20 muet.{DOMAIN}.", f"30 {HOST}."),
        (f"mort.{DOMAIN}", "A"): ("127.0.0.9",),
        (f"muet.{DOMAIN}", "TXT"): ('"rien"',),
        (HOST, "A"): ("127.0.0.1",),
    }
    async with answering(zone) as dns, foreign(relaying) as (_, server):
        here = by_dns(relaying, server)
        here.submit(GARNIER)
        async with here.carrying(Resolver(("127.0.0.1",), dns.port)):
            await until(lambda: not here.lines())
        assert len(server.bodies) == 1


async def test_a_domain_that_the_dns_does_not_know_is_reported(relaying: RelaySite) -> None:
    async with answering({}) as dns:
        here = relaying.routed()
        here.submit(GARNIER)
        async with here.carrying(Resolver(("127.0.0.1",), dns.port)):
            await until(lambda: not here.lines())
    here.site.work()
    assert b"Status: 5.1.2" in here.site.kept(MARTIN)[-1]


# --- the white list


async def test_a_domain_that_left_the_list_is_reported_and_nobody_is_called(
    relaying: RelaySite,
) -> None:
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        peer_site.bring_list(here.site, THIRD)
        await here.carry()
        assert here.lines() == []
        assert server.sessions == 0
    here.site.work()
    assert b"Status: 5.7.1" in here.site.kept(MARTIN)[-1]


async def test_while_nobody_confirms_the_list_what_is_queued_waits(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        here.later(73 * 3600)
        await here.carry()
        (line,) = here.lines()
        assert line.last_failure == "whitelist_stale"
        assert server.sessions == 0
        peer_site.bring_list(here.site, DOMAIN)
        here.later()
        await here.carry()
        assert here.lines() == []
