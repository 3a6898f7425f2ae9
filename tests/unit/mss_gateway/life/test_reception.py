"""What another operator hands over: its content, and what the queue then knows of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certs.capabilities import MODERN
from certs.certificate import to_der
from certs.cms.enveloped import make_enveloped
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import reception
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.reception import Visit
from mss_gateway.message import header_protection, smime
from mss_gateway.message.address import parse_address
from mss_gateway.queue import leases, spooled
from mss_gateway.queue.carried import Asked
from mss_gateway.queue.spooled import Message
from policies.people import Role
from tests.support import peer_site, smtp_messages, smtp_site, xdm
from tests.support.peer_site import DOMAIN, GARNIER, HOST, OPERATOR, REMOTE_PATIENT
from tests.support.smtp_messages import PROGRAM
from tests.support.smtp_site import DUBOIS, MARTIN, PATIENT, Site, attached, simple


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


def visit(site: Site, path: str | None = GARNIER) -> Visit:
    """The peer's server, judged by the list in force."""
    reverse_path = None if path is None else parse_address(path)
    return reception.at_peer(
        site.gateway, to_der(peer_site.shown(HOST).certificate), reverse_path, 0
    )


def take(site: Site, raw: bytes, *recipients: str, path: str | None = GARNIER) -> str:
    """Hand a message over as the peer's server; its reference."""
    reverse_path = None if path is None else parse_address(path)
    to = tuple(map(parse_address, recipients or (DUBOIS,)))
    arriving = Arrival(reverse_path, to, raw, Role.PROFESSIONAL, operator=OPERATOR, host=HOST)
    return reception.accept(site.gateway, visit(site, path), arriving).message_ref


def refused(site: Site, raw: bytes, *recipients: str, path: str | None = GARNIER) -> Failure:
    before = site.counts()
    with pytest.raises(Refused) as found:
        take(site, raw, *recipients, path=path)
    assert site.counts() == before
    assert found.value.message_ref is not None
    return found.value.failure


def queued(site: Site, message_ref: str) -> Message:
    with site.gateway.database.read() as view:
        spool = site.gateway.database.vault.account(view, site.gateway.spool)
        found = spooled.read_message(view, spool, message_ref)
    assert found is not None
    return found


ARCHIVES = {
    Failure.XDM_WRONG_PATIENT: smtp_messages.other_archive,
    Failure.XDM_HASH_MISMATCH: smtp_messages.altered_archive,
    Failure.XDM_HIDDEN_FROM_PATIENT: smtp_messages.hidden_archive,
    Failure.XDM_UNREADABLE: lambda: xdm.zip_of([("lettre.txt", b"Bonjour.")]),
}


@pytest.mark.parametrize("failure", ARCHIVES)
def test_an_archive_is_held_against_the_patient_and_passes_between_professionals(
    failure: Failure, site: Site
) -> None:
    raw = smtp_messages.xdm_message(ARCHIVES[failure](), GARNIER)
    assert refused(site, raw, PATIENT) is failure
    assert take(site, raw, DUBOIS)


def test_no_program_comes_in_for_anybody(site: Site) -> None:
    raw = attached("resultats.pdf", PROGRAM, GARNIER, "application/pdf")
    assert refused(site, raw, DUBOIS) is Failure.FORBIDDEN_TYPE


def enveloped(site: Site, inside: str, outside: str = GARNIER) -> bytes:
    """A message that names one author under its envelope and another one on it."""
    made = header_protection.protect(simple(inside), for_encryption=True, neutral_subject="Santé")
    outer = made.outer.replace(f"<{inside}>".encode(), f"<{outside}>".encode())
    return smime.enveloped_entity(
        made.inner,
        lambda entity: make_enveloped(entity, [site.certificate(DUBOIS)], MODERN),
        outer=outer,
        authenticated=True,
    )


def test_whoever_is_named_inside_of_an_envelope_is_of_the_operator_too(site: Site) -> None:
    assert take(site, enveloped(site, GARNIER))
    assert take(site, enveloped(site, peer_site.MOREL))
    assert refused(site, enveloped(site, MARTIN)) is Failure.FROM_NOT_OF_PEER
    assert refused(site, enveloped(site, REMOTE_PATIENT)) is Failure.NOT_YET_CONTACTED


def test_the_queue_knows_the_operator_and_what_was_asked(site: Site) -> None:
    asked = {DUBOIS: Asked(frozenset({"SUCCESS"}), f"rfc822;{DUBOIS}")}
    to = (parse_address(DUBOIS),)
    arriving = Arrival(
        parse_address(GARNIER),
        to,
        simple(GARNIER),
        Role.PROFESSIONAL,
        operator=OPERATOR,
        host=HOST,
        asked=asked,
        envelope_id="X1",
        returns="HDRS",
        requires_tls=True,
    )
    receipt = reception.accept(site.gateway, visit(site), arriving)
    carried = queued(site, receipt.message_ref).carried
    assert (carried.peer, carried.channel) == (OPERATOR, "mx")
    assert (carried.envelope_id, carried.returns, carried.requires_tls) == ("X1", "HDRS", True)
    assert carried.author_role == "PROFESSIONAL"
    with site.gateway.database.read() as view:
        spool = site.gateway.database.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 9, now))
    assert item.asked == asked[DUBOIS]


@pytest.mark.parametrize("path", [None, GARNIER])
def test_a_patient_in_from_opens_nothing_whatever_the_reverse_path(
    path: str | None, site: Site
) -> None:
    assert refused(site, simple(REMOTE_PATIENT), path=path) is Failure.NOT_YET_CONTACTED
    report = simple(
        REMOTE_PATIENT,
        fields='MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary="b"\r\n',
        body="--b\r\n\r\nLu.\r\n--b--",
    )
    assert refused(site, report, path=path) is Failure.NOT_YET_CONTACTED


def test_a_patient_s_message_to_a_pharmacy_is_carried_as_a_patient_s(site: Site) -> None:
    message_ref = take(site, simple(REMOTE_PATIENT), smtp_site.PHARMACY, path=REMOTE_PATIENT)
    assert queued(site, message_ref).carried.author_role == "PATIENT"


def test_nobody_comes_where_no_exchange_is_wanted(site: Site) -> None:
    alone = replace(site.gateway, peer_trust=None)
    shown = peer_site.shown(HOST).certificate
    with pytest.raises(Refused) as found:
        reception.at_peer(alone, to_der(shown), None, None)
    assert found.value.failure is Failure.PEER_UNPROVED


def test_a_list_that_comes_in_force_after_mail_is_asked_at_the_end_of_the_message(
    site: Site,
) -> None:
    judged = visit(site)
    peer_site.bring_list(site, peer_site.THIRD)
    arriving = Arrival(
        parse_address(GARNIER), (parse_address(DUBOIS),), simple(GARNIER), Role.PROFESSIONAL
    )
    before = site.counts()
    with pytest.raises(Refused) as found:
        reception.accept(site.gateway, judged, arriving)
    assert found.value.failure is Failure.PEER_OUTSIDE
    assert site.counts() == before
    site.gateway.database.write(lambda tx: None)
    with site.gateway.database.read() as view:
        rows = view.sql("SELECT message_ref FROM audit WHERE verdict = 'peer_outside'").fetchall()
    assert rows == [(found.value.message_ref,)]


def test_a_new_list_that_has_the_domain_still_says_whose_it_is(site: Site) -> None:
    judged = visit(site)
    peer_site.bring_list(site, DOMAIN, peer_site.OUTSIDE)
    arriving = Arrival(
        parse_address(GARNIER), (parse_address(DUBOIS),), simple(GARNIER), Role.PROFESSIONAL
    )
    message_ref = reception.accept(site.gateway, judged, arriving).message_ref
    assert queued(site, message_ref).carried.peer == OPERATOR


def test_the_same_list_is_not_asked_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, asked = visit(site), []
    monkeypatch.setattr(reception.decide, "at_peer", asked.append)
    arriving = Arrival(
        parse_address(GARNIER), (parse_address(DUBOIS),), simple(GARNIER), Role.PROFESSIONAL
    )
    reception.accept(site.gateway, judged, arriving)
    assert asked == []


@pytest.mark.parametrize("octets", [b"", b"0", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_certificate_proves_nothing(octets: bytes, site: Site) -> None:
    with pytest.raises(Refused) as found:
        reception.at_peer(site.gateway, octets, None, None)
    assert found.value.failure is Failure.PEER_UNPROVED
