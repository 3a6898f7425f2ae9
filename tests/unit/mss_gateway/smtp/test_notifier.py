"""Notices leave by a real SMTP server on loopback, in TLS that proves its name, or wait."""

import itertools
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mss_gateway.compose import notifying
from mss_gateway.config import Config, Notices
from mss_gateway.directory import contact, notice_desk
from mss_gateway.directory.contact import State
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.life import notices, notices_contact
from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.notifier import Notifier
from mss_gateway.smtp.plain import NotSent, Session, Trouble
from tests.support import site as sites
from tests.support.foreign_smtp import Act, foreign_server
from tests.support.plain_relay import (
    AUTHOR,
    PlainRelay,
    plain_relay,
    relay_tls,
    settings,
    telling,
)
from tests.support.site import Site
from tests.support.smtp_site import until

ADDRESS = "boite-7@courriel.example"
OTHER = "boite-8@courriel.example"
CANARIES = ("CANARI-OBJET", "CANARI-TEXTE", "canari.pdf")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Camille and Noé have personal addresses."""
    with sites.opened(tmp_path) as opened:
        for person, address in ((opened.camille, ADDRESS), (opened.noe, OTHER)):
            opened.gateway.database.write(
                lambda tx, person=person, address=address: contact.place(  # type: ignore[misc]
                    tx, person.account_id, address
                )
            )
        yield opened


@pytest.fixture
async def relay() -> AsyncIterator[PlainRelay]:
    """A relay in clear, on this machine."""
    async with plain_relay() as opened:
        yield opened


def sending(site: Site, channel: Notices) -> tuple[Gateway, Notifier]:
    """The gateway with this channel, and who sends."""
    gateway = telling(site.gateway, channel)
    site.gateway = gateway
    return gateway, Notifier(gateway, notifying.relay_of(gateway.config), poll_seconds=0.01)


def announce(gateway: Gateway, account_id: int, kind: Kind = Kind.EXPORT) -> None:
    gateway.database.write(
        lambda tx: notices.announce(gateway, tx, account_id, kind)  # type: ignore[arg-type]
    )


def waiting(gateway: Gateway) -> notice_desk.Waiting:
    with gateway.database.read() as view:
        return notice_desk.waiting(view)


async def test_it_arrives_and_holds_nothing(site: Site, relay: PlainRelay) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    site.worker._gateway = gateway
    raw = site.written(site.claire, site.camille, CANARIES[0], f"{CANARIES[1]} {CANARIES[2]}")
    site.deliver(site.claire, site.camille, raw)
    assert await notifier.run_batch() == 0.0
    assert relay.taken == []
    site.clock.advance(600)
    assert await notifier.run_batch() == 0.0
    (envelope,) = relay.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == (AUTHOR, [ADDRESS])
    content = envelope.original_content or b""
    (letter,) = relay.letters
    said = content.decode() + letter.get_content()
    names = [one.traits for one in (site.claire, site.camille)]
    for word in (
        *CANARIES,
        *(trait for each in names for trait in (each.given_name, each.family_name, each.ins)),
        site.claire.address,
        site.camille.address,
        "mss.example",
    ):
        assert not word or word.lower() not in said.lower()
    assert "nouveau message" in said
    assert waiting(gateway).count == 0
    assert await notifier.run_batch() == 0.0
    assert len(relay.taken) == 1


async def test_one_session_carries_them_all(site: Site, relay: PlainRelay) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    for person in (site.camille, site.noe):
        announce(gateway, person.account_id)
    await notifier.run_batch()
    assert [each.rcpt_tos for each in relay.taken] == [[ADDRESS], [OTHER]]
    assert relay.sessions == 1


@pytest.mark.parametrize(("path", "expected"), [("", AUTHOR), ("<>", "<>"), ("a@b.example",) * 2])
async def test_bounces_go_where_the_operator_says(
    site: Site, relay: PlainRelay, path: str, expected: str
) -> None:
    gateway, notifier = sending(site, settings(relay.port, return_path=path))
    announce(gateway, site.camille.account_id)
    await notifier.run_batch()
    assert relay.taken[0].mail_from == expected


@pytest.mark.parametrize("is_implicit", [False, True])
async def test_tls_and_a_sign_in(site: Site, tmp_path: Path, *, is_implicit: bool) -> None:
    secret = tmp_path / "relay.password"
    secret.write_text("un mot de passe\n", encoding="utf-8")
    secret.chmod(0o600)
    with relay_tls("localhost") as (tls, ca_file):
        login = ("passerelle", "un mot de passe")
        async with plain_relay(tls, is_implicit=is_implicit, login=login) as relay:
            channel = settings(
                relay.port,
                host="localhost",
                tls="tls" if is_implicit else "starttls",
                ca_file=str(ca_file),
                login=login[0],
                password_file=str(secret),
            )
            gateway, notifier = sending(site, channel)
            announce(gateway, site.camille.account_id)
            await notifier.run_batch()
            assert relay.logins == [login]
            assert [each.rcpt_tos for each in relay.taken] == [[ADDRESS]]
            assert relay.over_tls == [not is_implicit]  # aiosmtpd knows of STARTTLS only
            assert login[1] not in repr(notifying.relay_of(gateway.config))


async def test_a_wrong_password_waits(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "relay.password"
    secret.write_text("faux", encoding="utf-8")
    secret.chmod(0o600)
    with relay_tls("localhost") as (tls, ca_file):
        async with plain_relay(tls, login=("passerelle", "juste")) as relay:
            channel = settings(
                relay.port,
                host="localhost",
                tls="starttls",
                ca_file=str(ca_file),
                login="passerelle",
                password_file=str(secret),
            )
            gateway, notifier = sending(site, channel)
            announce(gateway, site.camille.account_id)
            assert await notifier.run_batch() > 0
            assert relay.taken == []
            assert waiting(gateway).last_failure == "sign-in refused"


@pytest.mark.parametrize("how", ["starttls", "tls"])
@pytest.mark.parametrize("fault", ["name", "authority"])
async def test_a_server_that_is_not_the_one_hears_nothing(site: Site, how: str, fault: str) -> None:
    name = "autre.example" if fault == "name" else "localhost"
    issuer = "Une autre autorite" if fault == "authority" else ""
    with relay_tls(name, issuer=issuer) as (tls, ca_file):
        async with plain_relay(tls, is_implicit=how == "tls") as relay:
            channel = settings(relay.port, host="localhost", tls=how, ca_file=str(ca_file))
            gateway, notifier = sending(site, channel)
            announce(gateway, site.camille.account_id)
            assert await notifier.run_batch() > 0
            assert relay.taken == []
            assert waiting(gateway).last_failure == "server not believed"


async def test_without_starttls_nothing_is_said(site: Site, relay: PlainRelay) -> None:
    channel = settings(relay.port, host="localhost", tls="starttls")
    gateway, notifier = sending(site, channel)
    announce(gateway, site.camille.account_id)
    assert await notifier.run_batch() > 0
    assert relay.taken == []
    assert waiting(gateway).last_failure == "server not believed"


async def test_a_relay_that_is_away_is_asked_less_and_less(site: Site, relay: PlainRelay) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    closed, gone = sending(site, settings(1))  # nobody listens there
    announce(gateway, site.camille.account_id)
    rests = [await gone.run_batch() for _ in range(7)]
    assert all(later > sooner for sooner, later in itertools.pairwise(rests))
    assert 600 <= rests[-1] <= 720
    assert waiting(closed) == notice_desk.Waiting(1, gateway.queue_clock.now(), "unreachable")
    await notifier.run_batch()
    assert len(relay.taken) == 1


async def test_an_address_that_nobody_has_marks_it_and_spares_the_others(
    site: Site, relay: PlainRelay
) -> None:
    relay.answers[ADDRESS] = "550 5.1.1 no such mailbox"
    gateway, notifier = sending(site, settings(relay.port))
    for person in (site.camille, site.noe):
        announce(gateway, person.account_id)
    await notifier.run_batch()
    assert [each.rcpt_tos for each in relay.taken] == [[OTHER]]
    with gateway.database.read() as view:
        assert contact.of_account(view, site.camille.account_id).state is State.FAILING
    assert waiting(gateway).count == 0


@pytest.mark.parametrize(
    ("step", "answer", "trouble"),
    [
        (ADDRESS, "450 4.2.1 later", Trouble.DEFERRED),
        (ADDRESS, "550 no such mailbox", Trouble.NO_SUCH_ADDRESS),
        (ADDRESS, "552 5.2.2 full", Trouble.NO_SUCH_ADDRESS),
        (ADDRESS, "554 5.7.1 relay access denied", Trouble.REFUSED),
        (ADDRESS, "530 authentication required", Trouble.REFUSED),
        ("MAIL", "550 5.7.1 not from you", Trouble.REFUSED),
        ("MAIL", "451 4.3.0 later", Trouble.REFUSED),
        ("DATA", "554 5.7.1 looks like spam", Trouble.DEFERRED),
        ("DATA", "550 5.1.1 nobody", Trouble.NO_SUCH_ADDRESS),
        ("DATA", "451 4.3.0 later", Trouble.DEFERRED),
    ],
)
async def test_what_a_refusal_is_about(
    relay: PlainRelay, step: str, answer: str, trouble: Trouble
) -> None:
    relay.answers[step] = answer
    channel = notifying.relay_of(Config(notices=settings(relay.port)))
    session = await Session.open(channel)
    try:
        with pytest.raises(NotSent) as refused:
            await session.send(ADDRESS, b"Subject: x\r\n\r\nx\r\n")
        assert refused.value.trouble is trouble
        assert refused.value.code == int(answer[:3])
        relay.answers.clear()
        await session.send(ADDRESS, b"Subject: y\r\n\r\ny\r\n")  # it goes on
    finally:
        await session.close()
    assert len(relay.taken) == 1


async def test_a_relay_that_refuses_us_blames_no_address(site: Site, relay: PlainRelay) -> None:
    relay.answers[ADDRESS] = "554 5.7.1 relay access denied"
    gateway, notifier = sending(site, settings(relay.port))
    announce(gateway, site.camille.account_id)
    assert await notifier.run_batch() > 0
    with gateway.database.read() as view:
        assert contact.confirmed(view, site.camille.account_id) == ADDRESS
    assert waiting(gateway).last_failure == "relay refuses us"


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
async def test_a_session_that_breaks_loses_nothing(site: Site, step: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with foreign_server(tls, {step: [Act.DROP]}) as server:
        gateway, notifier = sending(site, settings(server.port))
        announce(gateway, site.camille.account_id)
        assert await notifier.run_batch() > 0
        assert waiting(gateway) == notice_desk.Waiting(1, gateway.queue_clock.now(), "unreachable")
        assert await notifier.run_batch() == 0
        assert waiting(gateway).count == 0
        # after a break behind the final dot nobody knows, and it is sent again
        assert len(server.bodies) == (2 if step == "dot" else 1)


async def test_killed_between_the_relays_yes_and_its_result(
    site: Site, relay: PlainRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    announce(gateway, site.camille.account_id)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(notices, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            await notifier.run_batch()
    assert len(relay.taken) == 1
    assert await notifier.run_batch() == 0.0
    assert len(relay.taken) == 1  # leased to who is dead
    notices.recover(gateway)  # as the next start does
    await notifier.run_batch()
    assert len(relay.taken) == 2
    await notifier.run_batch()
    assert len(relay.taken) == 2


async def test_it_runs_by_itself_and_stops(site: Site, relay: PlainRelay) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    notifier.start()
    try:
        account_id = site.camille.account_id
        notices_contact.ask(gateway, account_id, "autre@courriel.example")
        await until(lambda: len(relay.taken) == 1)
        announce(gateway, account_id)
        await until(lambda: len(relay.taken) == 2)
    finally:
        await notifier.stop(5.0)
    announce(gateway, account_id)
    assert waiting(gateway).count == 1
    code, told = relay.letters
    assert code["to"] == "autre@courriel.example"
    assert told["to"] == ADDRESS


async def test_a_stop_gives_back_what_was_not_sent(site: Site, relay: PlainRelay) -> None:
    gateway, notifier = sending(site, settings(relay.port))
    for person in (site.camille, site.noe):
        announce(gateway, person.account_id)
    await notifier.stop(1.0)
    await notifier.run_batch()
    assert relay.taken == []
    with gateway.database.read() as view:
        assert [line.state for line in notice_desk.listing(view)] == ["due", "due"]
