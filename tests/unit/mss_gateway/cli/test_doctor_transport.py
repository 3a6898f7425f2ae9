"""`mss doctor` on mail between operators: each thing made unwell, and told in its line."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certs.certificate import from_pem, to_pem
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction, View
from mss_gateway.cli import doctor_transport
from mss_gateway.cli.doctor_checks import Check
from mss_gateway.compose import measuring
from mss_gateway.directory import certificates, dkim_keys, people
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.directory.whitelist import NO_LIST, Whitelist
from mss_gateway.life import report, submission
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import desk
from policies.people import Standing
from tests.support import smtp_site
from tests.support.smtp_site import DUBOIS, MARTIN, NOW, SECRETARIAT, Site, simple

HOUR = 3_600


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


def serving(site: Site, names: list[str] | None = None, **relay: object) -> Gateway:
    """The gateway as one that exchanges with others, with a certificate for ``names``."""
    gateway, authority = site.gateway, site.authority()
    key = PrivateKey.generate("p256")
    made = authority.issue_server(names or ["localhost"], [], key.public_key, gateway.now(), 300)
    (site.folder / "tls").mkdir()
    (site.folder / "tls" / "server.pem").write_bytes(to_pem(made))
    (site.folder / "peers.pem").write_bytes(to_pem(authority.root))
    config = replace(
        gateway.config,
        tls=replace(gateway.config.tls, peer_anchors="peers.pem"),
        relay=replace(gateway.config.relay, **relay),
    )
    trust = PeerTrust((authority.root,), None, None, gateway.lists)
    return replace(gateway, config=config, peer_trust=trust)


def checks(gateway: Gateway) -> dict[str, Check]:
    with gateway.database.read() as view:
        return {each.name: each for each in doctor_transport.examine(gateway, view)}


def listed(gateway: Gateway, hours: float) -> Gateway:
    """With a white list that was confirmed so long ago."""
    confirmed = int(NOW - hours * HOUR)
    found = Whitelist(1, {"ville.example": "Ville"}, confirmed, confirmed, None, "")

    def whitelist(_view: View) -> Whitelist:
        return found

    return replace(gateway, whitelist=whitelist)


def test_without_exchange_nothing_is_asked_about_it(site: Site) -> None:
    assert set(checks(site.gateway)) == {"server name", "held items", "other operators"}


@pytest.mark.parametrize(
    ("hours", "is_well", "said"),
    [
        (1, True, "1 domains"),
        (25.9, True, "confirmed 25 h ago"),
        (26.1, False, "before 72 h"),
        (72.1, False, "have stopped"),
    ],
)
def test_the_white_list_by_its_age(site: Site, hours: float, is_well: bool, said: str) -> None:
    found = checks(listed(serving(site), hours))["white list"]
    assert found.is_well is is_well
    assert said in found.line


def test_no_white_list_is_not_well(site: Site) -> None:
    gateway = replace(serving(site), whitelist=lambda view: NO_LIST)
    found = checks(gateway)["white list"]
    assert not found.is_well
    assert "mss whitelist import" in found.line


def test_the_certificate_by_its_names_and_its_uses(site: Site) -> None:
    found = checks(serving(site, ["mx.ville.example"]))
    assert not found["server name"].is_well
    assert "localhost" in found["server name"].line
    assert found["peer anchors"].is_well


def test_authorities_that_end_soon_are_not_well(site: Site) -> None:
    gateway = serving(site)
    site.clock.pass_by(5 * 365 * 86_400 - 29 * 86_400)
    assert not checks(gateway)["peer anchors"].is_well


def test_a_certificate_that_was_taken_back_is_no_identity_any_more(site: Site) -> None:
    gateway = serving(site)
    (made,) = from_pem((site.folder / "tls" / "server.pem").read_bytes())
    authority = site.authority()
    trust = PeerTrust((authority.root,), authority, None, gateway.lists)
    gateway = replace(gateway, peer_trust=trust)
    assert checks(gateway)["certificate as a client"].is_well

    def revoked(tx: Transaction) -> None:
        holder = people.by_address(tx, MARTIN)
        assert holder is not None
        held = certificates.add(tx, holder.account_id, made, None)
        certificates.revoke(tx, held.serial)

    gateway.database.write(revoked)
    found = checks(gateway)["certificate as a client"]
    assert not found.is_well
    assert "revoked" in found.line
    assert is_refused(gateway)


def is_refused(gateway: Gateway) -> bool:
    with gateway.database.read() as view:
        return measuring.is_certificate_refused(gateway, view)


def test_a_certificate_that_has_ended_is_told_and_measured(site: Site) -> None:
    gateway = serving(site)
    site.clock.pass_by(300 * 86_400 - 60)
    assert checks(gateway)["certificate as a client"].is_well
    assert not is_refused(gateway)
    site.clock.pass_by(61)
    found = checks(gateway)["certificate as a client"]
    assert (found.is_well, found.line[:9]) == (False, "has ended")
    assert is_refused(gateway)


@pytest.mark.parametrize(
    ("relay", "is_well"),
    [
        ({}, True),
        ({"dns": False, "routes": ("* relais.example:25",)}, True),
        ({"dns": False}, False),
    ],
)
def test_routes_by_whether_they_lead_anywhere(
    site: Site, relay: dict[str, object], is_well: bool
) -> None:
    assert checks(serving(site, **relay))["routes"].is_well is is_well


def test_a_domain_without_its_dkim_key_is_named(site: Site) -> None:
    gateway = serving(site, dkim_selector="mss")
    domains = (*gateway.config.site.domains, gateway.config.site.patient_domain)
    found = checks(gateway)["DKIM"]
    assert not found.is_well
    assert all(domain in found.line for domain in domains)
    for domain in domains:
        gateway.database.write(
            lambda tx, domain=domain: dkim_keys.make(tx, gateway.spool, domain, "mss")  # type: ignore[misc]
        )
    assert checks(gateway)["DKIM"].is_well
    gateway.database.write(lambda tx: dkim_keys.retire(tx, domains[0], "mss"))
    assert domains[0] in checks(gateway)["DKIM"].line


@pytest.mark.parametrize(("days", "is_well"), [(2.9, True), (3.1, False)])
def test_what_was_held_back_and_forgotten_is_told(site: Site, days: float, is_well: bool) -> None:
    gateway = site.gateway
    submission.accept(gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    with gateway.database.read() as view:
        (line,) = desk.listing(view)
    gateway.database.write(lambda tx: desk.hold(tx, line.item_id))
    site.clock.pass_by(days * 86_400)
    found = checks(gateway)["held items"]
    assert found.is_well is is_well
    assert found.line.startswith("1, ")


def test_what_could_not_be_reported_is_told_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(report, "about", raises)
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS, SECRETARIAT), simple()))
    site.stand(DUBOIS, Standing.SUSPENDED)
    for _ in range(12):
        site.work()
        site.clock.pass_by(HOUR)
    found = checks(site.gateway)["held items"]
    assert not found.is_well
    assert found.line.startswith("1, of which 1 could not be reported")
