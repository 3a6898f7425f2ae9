"""What a server elsewhere may answer, or not, at each step, and what becomes of a message."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mss_gateway.config import Limits
from mss_gateway.queue.carried import Asked
from tests.support.foreign_smtp import USUAL, Act, Step
from tests.support.peer_site import DOMAIN, GARNIER, MOREL
from tests.support.relay_site import QUICK, RelaySite, foreign, opened, relay_site
from tests.support.smtp_site import DUBOIS, MARTIN, until

STEPS = ("MAIL", "RCPT", "DATA", "dot")
BEFORE_TLS = ("greeting", "EHLO", "STARTTLS")


@pytest.fixture
def relaying(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


def told(here: RelaySite) -> bytes:
    """The last report that the author has, everything in one."""
    here.site.work()
    kept = here.site.kept(MARTIN)
    return kept[-1] if kept else b""


async def test_a_message_leaves_sealed_and_is_done(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        certificate = here.knows(GARNIER)
        ref = here.submit(GARNIER)
        await here.carry()
        (taken,) = server.bodies
        assert here.lines() == []
    assert taken.rcpt == f"RCPT TO:<{GARNIER}>"
    size = len(taken.raw)
    assert taken.mail == f"MAIL FROM:<{MARTIN}> SIZE={size} RET=HDRS ENVID={ref}"
    assert b"Bonjour." not in taken.raw
    assert b"Return-Path" not in taken.raw
    assert b"multipart/signed" in opened(taken, GARNIER, certificate)
    assert here.site.acts("relay") == ["relayed"]
    assert ref.encode() in taken.raw  # the trace, by which the other side may tell us
    assert server.in_clear == ["EHLO localhost", "STARTTLS"]
    assert told(here) == b""


@pytest.mark.parametrize("step", STEPS)
async def test_a_temporary_no_is_tried_again(relaying: RelaySite, step: str) -> None:
    async with foreign(relaying, {step: [b"451 4.3.2 plus tard\r\n"]}) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        (line,) = here.lines()
        assert (line.state, line.last_failure, line.attempts) == ("due", "peer_defers", 1)
        assert here.attempts_kept() == 0
        here.later()
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == (2 if step == "dot" else 1)
        # a clear no: nothing of the first attempt is used again
        assert len({taken.wire for taken in server.bodies}) == len(server.bodies)
    assert told(here) == b""


@pytest.mark.parametrize("step", STEPS)
async def test_a_permanent_no_is_reported_with_its_code_and_none_of_its_words(
    relaying: RelaySite, step: str
) -> None:
    async with foreign(relaying, {step: b"550-5.7.1 Secret\r\n550 5.7.1 words\r\n"}) as (here, _):
        ref = here.submit(GARNIER)
        await here.carry()
        assert here.lines() == []
    report = told(here)
    assert b"Status: 5.7.1" in report
    assert b"550 5.7.1 %b" % ref.encode() in report
    assert b"words" not in report
    assert here.site.acts("report") == ["peer_refused"]
    assert "words" not in here.site.logged.getvalue()


UNSPEAKING: tuple[Step, ...] = (
    Act.DROP,
    b"554 5.3.2 no\r\n",
    b"421 4.3.2 closing\r\n",
    b"not SMTP\r\n",
    b"220 " + b"x" * 8192 + b"\r\n",
    b"250-\r\n" * 3000,
    b"\0" * 10_000,
    b"* PREAUTH ready\r\n",
    b"354 go\r\n",
)


@pytest.mark.parametrize(
    ("step", "act"),
    [
        *(("greeting", act) for act in UNSPEAKING),
        *((step, act) for step in (*BEFORE_TLS[1:], "EHLO2") for act in UNSPEAKING[:4]),
    ],
    ids=repr,
)
async def test_who_does_not_speak_to_us_is_left_in_peace(
    relaying: RelaySite, step: str, act: Step
) -> None:
    async with foreign(relaying, {step: act}) as (here, server):
        for _ in range(3):
            here.submit(GARNIER)
        await here.carry()
        assert server.sessions == 1
        assert sorted(line.attempts for line in here.lines()) == [0, 0, 1]
        assert {line.state for line in here.lines()} == {"due"}
        (destination,) = here.destinations()
        assert destination.failures == 1
        assert destination.last_failure in ("peer_unreachable", "destination_unproved")
        assert not any(command.startswith(("MAIL", "DATA")) for command in server.commands)
        server.follow({})
        here.later()
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 3
        assert here.destinations() == []


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("act", [Act.DROP, b"nonsense\r\n", b"250 ok\r\n250 twice\r\n"], ids=repr)
async def test_a_session_that_breaks_before_the_end_took_nothing(
    relaying: RelaySite, step: str, act: Step
) -> None:
    async with foreign(relaying, {step: [act]}) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        (line,) = here.lines()
        assert (line.state, line.last_failure) == ("due", "peer_unreachable")
        assert here.attempts_kept() == 0
        here.later()
        server.follow({})
        server.bodies.clear()
        await here.carry()
        assert here.lines() == []
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "act",
    [Act.DROP, b"nonsense\r\n", b"354 go\r\n", b"250 ok\r\n250 twice\r\n", b"250-" + b"x" * 9000],
    ids=repr,
)
async def test_without_an_answer_to_the_end_the_very_same_octets_go_again(
    relaying: RelaySite, act: Step
) -> None:
    async with foreign(relaying, {"dot": [act, act]}) as (here, server):
        here.submit(GARNIER, asked=Asked(frozenset({"FAILURE"})))
        await here.carry()
        assert here.attempts_kept() == 1
        here.later()
        await here.carry()
        here.later(60)
        await here.carry()
        assert here.lines() == []
        first, second, third = server.bodies
        assert first == second == third
    assert told(here) == b""


@pytest.mark.parametrize(
    "between", [{"dot": [b"451 4.3.0 no\r\n"]}, {"MAIL": [b"451 4.3.0 no\r\n"]}], ids=repr
)
async def test_a_no_for_now_does_not_end_the_doubt(
    relaying: RelaySite, between: dict[str, list[Step]]
) -> None:
    """What it says is about the second attempt; the first one may have been taken all the same."""
    async with foreign(relaying, {"dot": [Act.DROP]}) as (here, server):
        here.submit(GARNIER)
        for script in ({"dot": [Act.DROP]}, between, {}):
            server.follow(script)
            await here.carry()
            here.later(60)
        assert all(each == server.bodies[0] for each in server.bodies[1:])
        assert len(server.bodies) >= 2
        assert here.lines() == []


async def test_nobody_there_does_not_end_the_doubt(relaying: RelaySite) -> None:
    async with foreign(relaying, {"dot": [Act.DROP]}) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        here.later(60)
        await here.routed(f"{DOMAIN} 127.0.0.1:1").carry()
        assert [line.attempts for line in here.lines()] == [2]
        here.later(120)
        await here.carry()
        first, second = server.bodies
        assert first == second
        assert here.lines() == []


async def test_an_attempt_in_doubt_survives_a_restart(relaying: RelaySite) -> None:
    """What was drawn is in the store, not in the process."""
    async with foreign(relaying, {"dot": [Act.HANG]}) as (here, server):
        here.submit(GARNIER)
        async with here.carrying(drain=0.0):
            await until(lambda: bool(server.bodies))
        assert here.attempts_kept() == 1  # cut off without an answer, as by a crash
        again = here.with_config(here.site.gateway.config)
        await again.carry()
        first, second = server.bodies
        assert first == second


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(
    relaying: RelaySite,
) -> None:
    waits = replace(QUICK, end=0.1)
    async with foreign(relaying, {"dot": [Act.HANG]}) as (here, server):
        here.submit(GARNIER)
        await here.carry(waits=waits)
        assert here.attempts_kept() == 1
        here.later()
        await here.carry(waits=waits)
        assert here.lines() == []
        assert server.bodies[0] == server.bodies[1]


@pytest.mark.parametrize(
    ("step", "waits"),
    [
        ("greeting", replace(QUICK, greeting=0.1)),
        ("EHLO", replace(QUICK, command=0.1)),
        ("STARTTLS", replace(QUICK, command=0.1)),
        ("handshake", replace(QUICK, handshake=0.1)),
        ("MAIL", replace(QUICK, command=0.3)),
        ("DATA", replace(QUICK, begin=0.1)),
    ],
)
async def test_every_step_has_a_limit(relaying: RelaySite, step: str, waits: object) -> None:
    async with foreign(relaying, {step: Act.HANG}) as (here, server):
        here.submit(GARNIER)
        await here.carry(lambda: bool(here.lines()[0].last_failure), waits=waits)  # type: ignore[arg-type]
        assert here.lines()[0].state == "due"
        assert server.bodies == []


LARGE = f"From: <{MARTIN}>\r\nSubject: Essai\r\n\r\n".encode() + b"Texte.\r\n" * 1_500_000
"""More than the sockets between two programs hold."""


@pytest.fixture
def spacious(tmp_path: Path) -> Iterator[RelaySite]:
    limits = Limits(message_octets=20_000_000)
    with relay_site(tmp_path / "site", limits) as found:
        yield found


async def test_a_no_in_the_middle_of_the_body_is_heard(spacious: RelaySite) -> None:
    async with foreign(spacious, {"body": b"552 5.3.4 too much\r\n"}) as (here, server):
        here.submit(GARNIER, raw=LARGE)
        await here.carry()
        assert here.lines() == []
        assert server.bodies == []
    assert b"Status: 5.3.4" in told(here)


@pytest.mark.parametrize("act", [Act.DROP, b"nonsense\r\n", b"250 taken already\r\n"], ids=repr)
async def test_what_was_not_sent_to_its_end_is_not_in_doubt(spacious: RelaySite, act: Step) -> None:
    async with foreign(spacious, {"body": act}) as (here, server):
        here.submit(GARNIER, raw=LARGE)
        await here.carry()
        (line,) = here.lines()
        assert (line.state, line.last_failure) == ("due", "peer_unreachable")
        assert here.attempts_kept() == 0
        assert server.bodies == []


async def test_a_large_message_arrives_whole(spacious: RelaySite) -> None:
    async with foreign(spacious) as (here, server):
        certificate = here.knows(GARNIER)
        here.submit(GARNIER, raw=LARGE)
        await here.carry()
        assert b"Texte.\r\n" * 1_500_000 in opened(server.bodies[0], GARNIER, certificate)


async def test_what_is_too_large_for_them_is_not_even_begun(relaying: RelaySite) -> None:
    script = {"EHLO2": b"250-mx\r\n250 SIZE 500\r\n"}
    async with foreign(relaying, script) as (here, server):
        here.submit(GARNIER)
        await here.carry()
        assert here.lines() == []
        assert not any(command.startswith("MAIL") for command in server.commands)
    assert b"Status: 5.3.4" in told(here)
    assert b"Remote-MTA:" not in told(here)  # nobody said so


async def test_a_recipient_that_is_refused_does_not_spoil_the_session(relaying: RelaySite) -> None:
    async with foreign(relaying, {"RCPT": [b"550 5.1.1 nobody\r\n"]}) as (here, server):
        here.submit(GARNIER)
        here.submit(MOREL)
        await here.carry()
        assert here.lines() == []
        assert server.sessions == 1
        assert [command for command in server.commands if command == "RSET"] == ["RSET"]
        assert [taken.rcpt for taken in server.bodies] == [f"RCPT TO:<{MOREL}>"]
    assert b"550 5.1.1" in told(here)


async def test_a_session_carries_so_many_messages_and_no_more(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        config = here.site.gateway.config
        relay = replace(config.relay, messages_per_connection=2, connections_per_destination=1)
        here = here.with_config(replace(config, relay=relay))
        for _ in range(5):
            here.submit(GARNIER)
        await here.carry()
        assert (server.sessions, len(server.bodies)) == (3, 5)
        assert server.commands.count("QUIT") == 3


async def test_a_session_that_had_grown_old_is_made_anew(relaying: RelaySite) -> None:
    """A server may close what was idle: that is no failure of the next message."""
    script = {"MAIL": [USUAL["MAIL"], Act.DROP]}
    async with foreign(relaying, script) as (here, server):
        config = here.site.gateway.config
        relay = replace(config.relay, connections_per_destination=1)
        here = here.with_config(replace(config, relay=relay))
        here.submit(GARNIER)
        here.submit(MOREL)
        await here.carry()
        assert here.lines() == []
        assert (server.sessions, len(server.bodies)) == (2, 2)


async def test_what_was_asked_is_passed_on_where_it_is_offered(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        asked = Asked(frozenset({"SUCCESS", "FAILURE"}), f"rfc822;{MOREL}")
        here.submit(GARNIER, asked=asked, envelope_id="QQ+1", returns="HDRS")
        await here.carry()
        (taken,) = server.bodies
    assert taken.mail.endswith(" RET=HDRS ENVID=QQ+2B1")
    assert taken.rcpt.endswith(f" NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;{MOREL}")
    assert told(here) == b""  # the other side will tell


async def test_where_it_is_not_offered_the_author_hears_that_it_was_relayed(
    relaying: RelaySite,
) -> None:
    async with foreign(relaying, {"EHLO2": b"250 mx1.ville.example\r\n"}) as (here, server):
        here.submit(GARNIER, asked=Asked(frozenset({"SUCCESS"})))
        await here.carry()
        (taken,) = server.bodies
    assert "NOTIFY" not in taken.rcpt
    assert b"Action: relayed" in told(here)


async def test_recipients_here_and_there_have_each_their_own_way(relaying: RelaySite) -> None:
    async with foreign(relaying) as (here, server):
        here.submit(DUBOIS, GARNIER, MOREL)
        here.site.work()
        await here.carry()
        assert len(here.site.kept(DUBOIS)) == 1
        assert sorted(taken.rcpt for taken in server.bodies) == sorted(
            f"RCPT TO:<{address}>" for address in (GARNIER, MOREL)
        )


async def test_what_waits_too_long_is_given_up_with_the_last_answer(relaying: RelaySite) -> None:
    async with foreign(relaying, {"RCPT": b"450 4.2.1 busy\r\n"}) as (here, _):
        here.submit(GARNIER)
        await here.carry()
        here.later(6 * 24 * 3600)
        await here.carry()
        assert here.lines() == []
    report = told(here)
    assert b"Action: failed" in report
    assert b"450 4.2.1" in report
