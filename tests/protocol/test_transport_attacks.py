"""Attacks on what stands between operators: what was answered 250 is neither lost nor doubled, and
nobody reads what is not theirs."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certs.capabilities import MODERN
from certs.cms.enveloped import make_enveloped
from mailbox_store import correspondences
from mss_gateway.life import arrival, outbound
from mss_gateway.life.arrival import Arrival
from mss_gateway.message import smime
from mss_gateway.message.address import parse_address
from mss_gateway.smtp import conversation, trip
from mss_gateway.smtp.trip import Trip
from policies.people import Role, Standing
from policies.verdict import Permit
from tests.support import peer_site, smtp_site
from tests.support.peer_site import (
    DOMAIN,
    GARNIER,
    MOREL,
    OPERATOR,
    PATIENTS,
    REMOTE_PATIENT,
    calling,
    mx_serving,
    shown,
)
from tests.support.people import DOMAIN as OURS
from tests.support.relay_site import QUICK, RelaySite, foreign, relay_site, serving
from tests.support.smtp_site import DUBOIS, MARTIN, Site, simple


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


# --- the other side is slow, or no longer who it was


async def test_who_is_taken_back_during_a_session_is_told_nothing_more(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, claims = relaying.site.gateway, 0
    original = outbound.claim

    def claim(*asked: Any) -> Any:
        nonlocal claims
        claims += 1
        if claims == 2:
            peer_site.publish(gateway.config, gateway.now(), serving(peer_site.HOST).certificate)
        return original(*asked)

    monkeypatch.setattr(outbound, "claim", claim)
    monkeypatch.setattr(trip, "BATCH", 1)
    async with foreign(relaying) as (here, server):
        here = here.with_config(_one_session(here))
        here.submit(GARNIER)
        here.submit(GARNIER)
        await here.carry()
        assert len(server.bodies) == 1
        (line,) = here.lines()
        assert line.last_failure == "destination_unproved"


def _one_session(here: RelaySite) -> Any:
    config = here.site.gateway.config
    return replace(config, relay=replace(config.relay, connections_per_destination=1))


async def test_nothing_is_begun_under_a_lease_that_may_run_out(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of a batch took ten minutes: the second is claimed anew before it is sent."""
    times = itertools.chain([0.0, 0.0, trip.FRESH_SECONDS + 1], itertools.repeat(9_000.0))
    monkeypatch.setattr(Trip, "_now", lambda self: next(times))
    claims: list[int] = []
    original = outbound.claim

    def claim(*asked: Any) -> Any:
        found = original(*asked)
        claims.append(len(found))
        return found

    monkeypatch.setattr(outbound, "claim", claim)
    async with foreign(relaying) as (here, server):
        here = here.with_config(_one_session(here))
        here.submit(GARNIER)
        here.submit(MOREL)
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 2
    assert claims[:2] == [2, 1]


async def test_who_is_too_slow_each_time_is_given_no_endless_tries(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = (number * (trip.FRESH_SECONDS + 1) for number in itertools.count())
    monkeypatch.setattr(Trip, "_now", lambda self: next(times))
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        (line,) = here.lines()
        assert (line.attempts, line.last_failure) == (1, "peer_unreachable")
        assert server.bodies == []


async def test_who_takes_a_body_in_drips_has_so_long_for_all_of_it(
    relaying: RelaySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block in time, and the whole beyond its lease."""

    async def drip(_: object) -> None:
        await asyncio.sleep(0.05)

    monkeypatch.setattr(conversation.Conversation, "_drain_helper", drip)
    monkeypatch.setattr(conversation, "stuffed", lambda raw: (b"x" for _ in range(1_000_000)))
    async with foreign(relaying) as (here, server):
        here.submit(GARNIER)
        await here.carry(waits=replace(QUICK, body=0.2))
        (line,) = here.lines()
        assert line.last_failure == "peer_unreachable"
        assert server.bodies == [] and here.attempts_kept() == 0


async def test_an_author_whose_certificate_nobody_knows_is_told_all_the_same(
    relaying: RelaySite,
) -> None:
    """Else what was answered 250 and could not be delivered would be lost without a word."""
    author = f"inconnu@{DOMAIN}"
    async with foreign(relaying) as (here, server):
        arriving = Arrival(
            parse_address(author),
            (parse_address(MARTIN),),
            simple(author, subject="Resultats"),
            Role.PROFESSIONAL,
            operator=OPERATOR,
        )
        arrival.accept(here.site.gateway, arriving, lambda _judged, _to: Permit(()))
        here.site.stand(MARTIN, Standing.SUSPENDED)
        here.site.work()
        await here.carry()
        (taken,) = server.bodies
        assert here.lines() == []
    assert taken.mail.startswith("MAIL FROM:<> ")
    assert b"Action: failed" in taken.raw and b"multipart/signed" in taken.raw
    assert b"Resultats" not in taken.raw and b"Bonjour." not in taken.raw


async def test_what_a_person_wrote_never_leaves_without_an_envelope(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here.submit(f"inconnu@{DOMAIN}")
        await here.carry()
        assert server.bodies == []
        (line,) = here.lines()
        assert line.last_failure == "no_certificate_for_recipient"


# --- who speaks for whom


async def test_a_list_that_gives_our_domain_away_lets_nobody_write_in_our_name(site: Site) -> None:
    """Its host below our domain speaks for that operator, of what is left of its domains."""
    settings = replace(
        site.gateway.config.whitelist, operators=(f"{OPERATOR}: {DOMAIN} {PATIENTS} {OURS}",)
    )
    config = replace(site.gateway.config, whitelist=settings)
    site = replace(
        site,
        gateway=replace(
            site.gateway, config=config, whitelist=peer_site.believing.whitelist(config)
        ),
    )
    async with (
        mx_serving(site) as port,
        calling(site, port, shown(f"mx.{OURS}").tls(site)) as caller,
    ):
        assert (await caller.say(f"MAIL FROM:<{MARTIN}>")).startswith("553 5.7.1 ")
        forged = await caller.submit(simple(MARTIN), GARNIER, DUBOIS)
        assert forged.startswith("550 5.7.1 ")
        assert (await caller.submit(simple(GARNIER), GARNIER, DUBOIS)).startswith("250 ")


def sealed(site: Site, fields: str) -> bytes:
    """A text with these fields of its own, closed for somebody here and signed by nobody."""
    inner = f'{fields}Content-Type: text/plain; hp="cipher"\r\n\r\nInterne.\r\n'.encode()
    return smime.wrap_enveloped(
        simple(GARNIER).partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
        lambda _: make_enveloped(inner, [site.certificate(DUBOIS)], MODERN),
        authenticated=True,
    )


INSIDE = (
    f"From: <{MARTIN}>\r\nFrom: <{GARNIER}>\r\n",
    f"From: <{GARNIER}>\r\nFrom: <{MARTIN}>\r\n",
    f"From: <{MARTIN}>, <{GARNIER}>\r\n",
    f"From: <{MARTIN}> <{GARNIER}>\r\n",
    f"From: <{MARTIN}\r\n",
    f"From: <{MARTIN}>\r\n",
    f"From: <{GARNIER}>\r\nSender: <{MARTIN}>\r\n",
)


@pytest.mark.parametrize("fields", INSIDE)
async def test_nobody_here_is_named_inside_of_an_envelope_that_nobody_signed(
    fields: str, site: Site
) -> None:
    """Anybody can seal for a certificate that is published (threats T14, T21)."""
    async with mx_serving(site) as port, calling(site, port) as caller:
        answer = await caller.submit(sealed(site, fields), GARNIER, DUBOIS)
    site.work()
    kept = site.kept(DUBOIS)
    assert len(kept) == answer.startswith("250 ")
    for each in kept:
        assert b"Interne." not in each
        assert MARTIN.encode() not in each


async def test_what_its_author_put_inside_of_an_envelope_is_shown(site: Site) -> None:
    """The same with nobody's name but theirs: or the test above would show nothing."""
    async with mx_serving(site) as port, calling(site, port) as caller:
        await caller.submit(
            sealed(site, f"From: <{GARNIER}>\r\nSubject: vrai\r\n"), GARNIER, DUBOIS
        )
    site.work()
    (kept,) = site.kept(DUBOIS)
    assert b"Interne." in kept and b"Subject: vrai" in kept


# --- what a patient elsewhere may do


LETTER_IN_A_REPORT = (
    f"From: <{REMOTE_PATIENT}>\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nJe vous ecris quand meme.\r\n"
    "--b\r\nContent-Type: application/pdf\r\n\r\n%PDF-\r\n--b--\r\n"
).encode()


async def test_what_only_calls_itself_a_report_does_not_pass_a_closed_exchange(
    site: Site,
) -> None:
    site.gateway.database.write(
        lambda tx: correspondences.record(
            tx, REMOTE_PATIENT, site.gateway.spool, MARTIN, "", "CLOSED", "0" * 26
        )
    )
    async with mx_serving(site) as port, calling(site, port) as caller:
        answer = await caller.submit(LETTER_IN_A_REPORT, "", MARTIN)
    assert answer.startswith("550 5.7.1 ")
    site.work()
    assert site.kept(MARTIN) == []
