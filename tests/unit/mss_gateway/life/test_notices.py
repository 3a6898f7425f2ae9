"""Notices as the stages see them: entered with what is told of, claimed, settled; their words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from mailbox_store.database import Transaction
from mss_gateway.config import Config
from mss_gateway.config import Site as SiteConfig
from mss_gateway.directory import contact, notice_desk
from mss_gateway.directory import notices as rows
from mss_gateway.directory.contact import ContactRefused, Fault, Outcome, State
from mss_gateway.directory.notice_kinds import ROWS, Kind
from mss_gateway.directory.notice_leases import Claimed
from mss_gateway.directory.whitelist import Whitelist
from mss_gateway.life import notices, notices_contact
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.notices import PATIENCE_SECONDS, Result
from mss_gateway.life.notices_letter import letter
from mss_gateway.queue.worker import Worker
from tests.support import site as sites
from tests.support.plain_relay import AUTHOR, BASE_URL, settings, telling
from tests.support.site import Site

ADDRESS = "camille@courriel.example"
WINDOW = 600


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site that sends notices; Camille has a personal address."""
    with sites.opened(tmp_path) as opened:
        gateway = telling(opened.gateway, settings())
        opened.gateway = gateway
        opened.worker = Worker(gateway, opened.worker._wake)
        placed(opened, ADDRESS)
        yield opened


def placed(site: Site, address: str) -> None:
    account_id = site.camille.account_id
    site.gateway.database.write(
        lambda tx: notices_contact.place(site.gateway, tx, account_id, address, "operator")
    )


def announce(site: Site, kind: Kind) -> None:
    site.gateway.database.write(
        lambda tx: notices.announce(site.gateway, tx, site.camille.account_id, kind)
    )


def taken(site: Site) -> tuple[Claimed, ...]:
    return notices.take(site.gateway, 10)


def waiting(gateway: Gateway) -> int:
    with gateway.database.read() as view:
        return notice_desk.waiting(view).count


def state(site: Site) -> contact.Contact:
    with site.gateway.database.read() as view:
        return contact.of_account(view, site.camille.account_id)


def count(site: Site, outcome: str) -> float:
    found = site.gateway.metrics.registry.get_sample_value(
        "mss_notices_total", {"outcome": outcome}
    )
    return found or 0.0


def read(raw: bytes) -> EmailMessage:
    found = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def written(kinds: tuple[Kind, ...], code: str = "") -> EmailMessage:
    parts = tuple(enumerate(kinds))
    claimed = Claimed(1, b"", ADDRESS, parts, code, 1, 0, 900)  # type: ignore[arg-type]
    config = telling_config()
    return read(letter(config, claimed, datetime(2026, 11, 22, 9, 0, tzinfo=UTC), "f00f" * 8))


def telling_config() -> Config:
    return Config(site=SiteConfig(operator="Opérateur d'essai"), notices=settings())


def test_a_message_that_is_delivered_is_told_of(site: Site) -> None:
    raw = site.written(site.claire, site.camille, "Vos résultats")
    site.deliver(site.claire, site.camille, raw)
    assert taken(site) == ()
    site.clock.advance(WINDOW)
    (found,) = taken(site)
    assert (found.account_id, found.kinds) == (site.camille.account_id, (Kind.MESSAGE,))


def test_a_professional_is_told_of_nothing(site: Site) -> None:
    site.deliver(site.claire, site.paul, site.written(site.claire, site.paul, "Bonjour"))
    assert waiting(site.gateway) == 0


def test_what_is_rolled_back_is_not_told(site: Site) -> None:
    def unit(tx: Transaction) -> None:
        notices.announce(site.gateway, tx, site.camille.account_id, Kind.EXPORT)
        raise KeyError

    with pytest.raises(KeyError):
        site.gateway.database.write(unit)
    assert waiting(site.gateway) == 0


def test_without_a_relay_nothing_is_entered(site: Site) -> None:
    site.gateway = telling(site.gateway, settings(host=""))
    announce(site, Kind.NEW_BROWSER)
    assert waiting(site.gateway) == 0
    account_id = site.camille.account_id
    assert not site.gateway.database.write(
        lambda tx: notices.send_code(site.gateway, tx, account_id, Kind.RECOVERY_CODE, "123456")
    )


def test_a_code_needs_a_confirmed_address(site: Site) -> None:
    def send(account_id: int) -> bool:
        return site.gateway.database.write(
            lambda tx: notices.send_code(
                site.gateway,
                tx,
                account_id,  # type: ignore[arg-type]
                Kind.RECOVERY_CODE,
                "123456",
            )
        )

    assert not send(site.noe.account_id)
    assert send(site.camille.account_id)
    (found,) = taken(site)
    assert (found.address, found.code, found.kinds) == (
        ADDRESS,
        "123456",
        (Kind.RECOVERY_CODE,),
    )


def test_a_refusal_backs_off_and_is_given_up_after_three_days(site: Site) -> None:
    announce(site, Kind.EXPORT)
    attempts, began = 0, site.clock.now
    while waiting(site.gateway):
        for found in taken(site):
            attempts += 1
            assert found.attempts == attempts
            notices.settle(site.gateway, found, Result.DEFERRED, "deferred")
        site.clock.advance(600)
    assert PATIENCE_SECONDS <= site.clock.now - began <= PATIENCE_SECONDS + 1_200
    assert 15 <= attempts <= 30  # it was not tried each time
    assert count(site, "deferred") == attempts
    assert count(site, "given_up") == 1


def test_a_relay_that_is_away_costs_no_attempt(site: Site) -> None:
    announce(site, Kind.EXPORT)
    for _ in range(5):
        (found,) = taken(site)
        notices.settle(site.gateway, found, Result.AWAY, "unreachable")
    (found,) = taken(site)
    assert found.attempts == 1
    site.clock.advance(PATIENCE_SECONDS)
    notices.settle(site.gateway, found, Result.AWAY, "unreachable")
    assert taken(site) == ()
    assert waiting(site.gateway) == 0


def test_an_address_that_nobody_has_is_left_alone(site: Site) -> None:
    announce(site, Kind.EXPORT)
    announce(site, Kind.MESSAGE)
    (found,) = taken(site)
    announce(site, Kind.DOCUMENT)
    notices.settle(site.gateway, found, Result.NO_SUCH_ADDRESS, "no such address")
    assert state(site).state is State.FAILING
    assert waiting(site.gateway) == 0
    announce(site, Kind.EXPORT)
    assert waiting(site.gateway) == 0
    assert count(site, "no_such_address") == 1


def test_an_address_that_was_changed_meanwhile_is_not_blamed(site: Site) -> None:
    announce(site, Kind.EXPORT)
    (found,) = taken(site)
    placed(site, "autre@courriel.example")
    notices.settle(site.gateway, found, Result.NO_SUCH_ADDRESS, "no such address")
    assert state(site).state is State.CONFIRMED


def test_a_result_that_comes_too_late_changes_nothing(site: Site) -> None:
    announce(site, Kind.EXPORT)
    (first,) = taken(site)
    notices.recover(site.gateway)
    (second,) = taken(site)
    notices.settle(site.gateway, first, Result.SENT)
    assert count(site, "sent") == 0
    notices.settle(site.gateway, second, Result.SENT)
    assert count(site, "sent") == 1


def test_whoever_had_the_notices_hears_that_they_moved(site: Site) -> None:
    gateway, account_id = site.gateway, site.camille.account_id
    notices_contact.ask(gateway, account_id, "Autre@Courriel.example")
    (asking,) = taken(site)
    assert (asking.address, asking.kinds) == ("autre@courriel.example", (Kind.CONTACT_CODE,))
    notices.settle(gateway, asking, Result.SENT)
    assert notices_contact.confirm(gateway, account_id, asking.code) is Outcome.CONFIRMED
    (told,) = taken(site)
    assert (told.address, told.kinds) == (ADDRESS, (Kind.CONTACT_CHANGED,))
    notices.settle(gateway, told, Result.SENT)
    gateway.database.write(lambda tx: notices_contact.remove(gateway, tx, account_id, "operator"))
    (told,) = taken(site)
    assert told.address == "autre@courriel.example"


def test_what_was_given_up_sends_no_code(site: Site) -> None:
    gateway, account_id = site.gateway, site.camille.account_id
    notices_contact.ask(gateway, account_id, "autre@courriel.example")
    notices_contact.abandon(gateway, account_id)
    assert taken(site) == ()


def test_another_code_goes_to_the_same_address(site: Site) -> None:
    gateway, account_id = site.gateway, site.camille.account_id
    with pytest.raises(ContactRefused):
        notices_contact.ask_again(gateway, account_id)
    notices_contact.ask(gateway, account_id, "autre@courriel.example")
    site.clock.advance(60)
    notices_contact.ask_again(gateway, account_id)
    (found,) = taken(site)
    assert found.address == "autre@courriel.example"


@pytest.mark.parametrize(
    "domain",
    [
        "mss.example",
        "boite.mss.example",
        "patient.mss.example",
        "ville.example",
        "hopital.ville.example",
    ],
)
def test_health_addresses_are_no_personal_ones(site: Site, domain: str) -> None:
    listed = Whitelist(1, {"ville.example": "Ville"}, 0, 0, None, "")
    gateway = replace(site.gateway, whitelist=lambda _: listed)
    with pytest.raises(ContactRefused) as refused:
        notices_contact.ask(gateway, site.camille.account_id, f"camille@{domain}")
    assert refused.value.fault is Fault.TRUST_SPACE
    notices_contact.ask(gateway, site.camille.account_id, "camille@laville.example")


def test_addresses_are_on_record_nowhere(site: Site, tmp_path: Path) -> None:
    gateway, account_id = site.gateway, site.camille.account_id
    notices_contact.ask(gateway, account_id, "secrete@courriel.example")
    announce(site, Kind.CRITICAL)
    codes = [found.code for found in taken(site) if found.code]
    metrics = gateway.metrics.render()
    gateway.database.write(lambda tx: rows.choose(tx, account_id, [Kind.MESSAGE]))
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for word in ("secrete@courriel.example", ADDRESS, "courriel.example", *codes):
        assert word.encode() not in kept + metrics
    for kind in Kind:
        assert f"|{kind.value}".encode() not in kept


@pytest.mark.parametrize("kind", [each.kind for each in ROWS if not each.is_code])
def test_the_words_of_a_notice(kind: Kind) -> None:
    found = written((kind,))
    text = found.get_content()
    assert found["auto-submitted"] == "auto-generated"
    assert found["from"].addresses[0].addr_spec == AUTHOR
    assert found["from"].addresses[0].display_name == "Opérateur d'essai"
    assert found["to"] == ADDRESS
    assert found["message-id"] == "<" + "f00f" * 8 + "@operateur.example>"
    assert found["date"].datetime == datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert found.get_content_type() == "text/plain"
    assert set(re.findall(r"https?://\S+", text)) == {f"{BASE_URL}/connexion"}
    assert "Se connecter" in text
    assert "Sign in" in text


def test_a_critical_result_and_any_document_are_the_same_octets() -> None:
    assert written((Kind.CRITICAL,)).as_bytes() == written((Kind.DOCUMENT,)).as_bytes()
    both = written((Kind.DOCUMENT, Kind.CRITICAL))
    assert both.as_bytes() == written((Kind.DOCUMENT,)).as_bytes()


def test_several_kinds_are_a_line_each() -> None:
    found = written((Kind.MESSAGE, Kind.DOCUMENT, Kind.PASSWORD_CHANGED))
    text = found.get_content()
    assert "nouveau message" in text
    assert "nouveau document" in text
    assert "mot de passe de votre espace a été changé" in text
    assert found["subject"] == "Du nouveau dans votre espace / Something new in your space"


def test_a_code_comes_alone_and_without_a_link() -> None:
    for kind in (Kind.CONTACT_CODE, Kind.RECOVERY_CODE):
        text = written((kind,), "012345").get_content()
        assert text.count("012345") == 2
        assert "http" not in text
        assert "012345" not in str(written((kind,), "012345")["subject"])
