"""What leaves for another operator, octet by octet, and what its yes does here."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certs.book import Provenance
from certs.certificate import Certificate
from certs.usage import Usage
from mailbox_store import correspondences
from mss_gateway.directory import dkim_keys, keybook
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import crypto, outbound, relay
from mss_gateway.life.dkim_signing import KEPT_SECONDS, DkimSigners
from mss_gateway.life.relay import Attempt, Outgoing
from mss_gateway.message import smime
from mss_gateway.message.parse import scan
from mss_gateway.queue import spooled
from mss_gateway.queue.leases import Item
from tests.support import peer_site
from tests.support.peer_site import DOMAIN, GARNIER, MOREL, REMOTE_PATIENT
from tests.support.relay_site import GCM, RelaySite, key_of, relay_site
from tests.support.smtp_site import MARTIN, simple


@pytest.fixture
def here(tmp_path: Path) -> Iterator[RelaySite]:
    with relay_site(tmp_path / "site") as found:
        yield found


def claim(here: RelaySite, domain: str = DOMAIN) -> Item:
    """The next item for the other operator."""
    (destination,) = (one for one in outbound.due(here.site.gateway) if one.domain == domain)
    (claimed,) = outbound.claim(here.site.gateway, destination.index, 1)
    assert claimed.octets > 100
    return claimed.item


def prepare(here: RelaySite, item: Item) -> Outgoing:
    prepared = relay.prepare(here.site.gateway, item)
    assert prepared is not None
    assert prepared.kept.result()
    return prepared.outgoing


def fail(here: RelaySite, item: Item, *, in_doubt: bool) -> None:
    relay.failed(here.site.gateway, item, Failure.PEER_UNREACHABLE, in_doubt=in_doubt).result()
    here.later(60)


def kind_of(raw: bytes) -> str:
    found = smime.layer(scan(raw))
    return "" if found is None else found.kind


# --- what leaves


@pytest.mark.parametrize(("chosen", "left"), [("le mien", True), ("0" * 26, False), ("", False)])
def test_no_author_names_another_message_in_the_envelope(
    chosen: str, left: bool, here: RelaySite
) -> None:
    """A report about this one would take back what that one opened (``life.withdrawals``)."""
    ref = here.submit(GARNIER, envelope_id=chosen)
    assert prepare(here, claim(here)).envelope_id == (chosen if left else ref)


def test_it_is_an_envelope_without_what_belongs_to_final_delivery(here: RelaySite) -> None:
    here.submit(GARNIER)
    outgoing = prepare(here, claim(here))
    assert kind_of(outgoing.raw) == "auth-enveloped"
    assert outgoing.raw.startswith(b"Received: by ")
    assert b"Return-Path" not in outgoing.raw
    assert (outgoing.reverse_path, outgoing.recipient) == (MARTIN, GARNIER)
    assert not outgoing.is_eight_bit
    assert not outgoing.needs_utf8


def test_the_draw_is_durable_before_anything_is_sent(here: RelaySite) -> None:
    here.submit(GARNIER)
    prepare(here, claim(here))
    assert here.attempts_kept() == 1


def test_in_doubt_the_same_octets_are_made_again(here: RelaySite) -> None:
    here.submit(GARNIER)
    item = claim(here)
    first = prepare(here, item).raw
    fail(here, item, in_doubt=True)
    item = claim(here)
    assert item.attempt is not None
    assert prepare(here, item).raw == first
    fail(here, item, in_doubt=False)  # of the second attempt: the first may have been taken
    assert prepare(here, claim(here)).raw == first


def test_without_a_doubt_everything_is_drawn_anew(here: RelaySite) -> None:
    here.submit(GARNIER)
    item = claim(here)
    first = prepare(here, item).raw
    fail(here, item, in_doubt=False)
    item = claim(here)
    assert item.attempt is None
    assert prepare(here, item).raw != first


def test_two_recipients_of_one_message_share_nothing_that_was_drawn(here: RelaySite) -> None:
    here.submit(GARNIER, MOREL)
    one, other = (prepare(here, claim(here)) for _ in range(2))
    assert {one.recipient, other.recipient} == {GARNIER, MOREL}
    drawn = [Attempt.from_bytes(claimed) for claimed in attempts(here)]
    assert drawn[0].drawn is not None and drawn[1].drawn is not None
    assert drawn[0].drawn.key != drawn[1].drawn.key


def attempts(here: RelaySite) -> list[bytes]:
    """The attempts that are kept, opened by claiming the items again."""
    here.later(2 * 3600)
    (destination,) = (one for one in outbound.due(here.site.gateway) if one.domain == DOMAIN)
    claimed = outbound.claim(here.site.gateway, destination.index, 9)
    return [one.item.attempt or b"" for one in claimed]


def test_a_doubt_outlives_the_certificate_only_while_it_is_believed(here: RelaySite) -> None:
    """What was closed for a certificate that is refused since is closed anew for another."""
    here.submit(GARNIER)
    item = claim(here)
    first = prepare(here, item).raw
    gateway = here.site.gateway
    with gateway.database.read() as view:
        (known,) = keybook.of_address(view, gateway.spool, GARNIER)
    gateway.database.write(lambda tx: keybook.refuse(tx, GARNIER, known.fingerprint))
    here.knows(GARNIER)
    fail(here, item, in_doubt=True)
    assert prepare(here, claim(here)).raw != first


@pytest.mark.parametrize(
    "stray", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n\0.\r\n", b"\r\r\n.\r\r\n", b"\n"]
)
def test_whatever_was_stored_what_is_not_canonical_never_leaves(
    here: RelaySite, stray: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Smuggling outbound (threat T2)."""
    here.submit(GARNIER)
    item = claim(here)
    stored = b"Return-Path: <x@y.example>\r\n" + simple(MARTIN) + stray + b"\r\n"
    monkeypatch.setattr(relay.spooled, "read_body", lambda *_: stored)
    with pytest.raises(Refused) as refused:
        relay.prepare(here.site.gateway, item)
    assert refused.value.failure is Failure.BARE_LINE_ENDING


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        (b"Return-Path: <a@b>\r\nA: 1\r\n\r\n", b"A: 1\r\n\r\n"),
        (b"return-path:\r\n <a@b>\r\n\t(x)\r\nA: 1\r\n\r\n", b"A: 1\r\n\r\n"),
        (b"A: 1\r\nReturn-Path: <a@b>\r\n\r\n", b"A: 1\r\nReturn-Path: <a@b>\r\n\r\n"),
        (b"Return-Paths: 1\r\n\r\n", b"Return-Paths: 1\r\n\r\n"),
    ],
)
def test_only_the_line_of_final_delivery_is_taken_away(stored: bytes, left: bytes) -> None:
    assert relay._without_return_path(stored) == left


@pytest.mark.parametrize(
    ("raw", "eight_bit", "utf8"),
    [
        (b"A: 1\r\n\r\nabc\r\n", False, False),
        (b"A: 1\r\n\r\n\xc3\xa9\r\n", True, False),
        (b"A: \xc3\xa9\r\n\r\nabc\r\n", True, True),
    ],
)
def test_what_the_other_side_must_be_able_to_read_is_told(
    here: RelaySite, raw: bytes, eight_bit: bool, utf8: bool
) -> None:
    here.submit(GARNIER)
    whole = prepare(here, claim(here))
    made = relay._outgoing(whole.item, whole.message, raw)
    assert (made.is_eight_bit, made.needs_utf8) == (eight_bit, utf8)


# --- dkim


def signing(here: RelaySite) -> RelaySite:
    gateway = here.site.gateway
    gateway.database.write(
        lambda tx: dkim_keys.make(tx, gateway.spool, gateway.config.site.domains[0], "s1")
    )
    config = replace(gateway.config, relay=replace(gateway.config.relay, dkim_selector="s1"))
    found = here.with_config(config)
    signers = DkimSigners(gateway.spool, gateway.clock)
    site = replace(found.site, gateway=replace(found.site.gateway, dkim_signer=signers))
    return RelaySite(site)


def test_what_leaves_is_signed_by_the_domain_and_the_same_while_in_doubt(here: RelaySite) -> None:
    here = signing(here)
    here.submit(GARNIER)
    item = claim(here)
    first = prepare(here, item).raw
    assert first.startswith(b"DKIM-Signature: ")
    assert b"d=mss.example;" in first
    fail(here, item, in_doubt=True)
    assert prepare(here, claim(here)).raw == first


def test_what_left_unsigned_is_not_signed_while_in_doubt(here: RelaySite) -> None:
    """What its author closed, so that nothing is drawn for it, and a key that came meanwhile."""
    gateway = here.site.gateway
    here.submit(GARNIER)
    item = claim(here)
    with gateway.database.read() as view:
        closed, _ = crypto.seal_for(gateway, view, GARNIER, simple(MARTIN))
    body = f"Return-Path: <{MARTIN}>\r\n".encode() + closed
    first = prepare_from(here, item, body)
    assert first.endswith(closed)
    fail(here, item, in_doubt=True)
    assert prepare_from(signing(here), claim(here), body) == first


def prepare_from(here: RelaySite, item: Item, stored: bytes) -> bytes:
    """What leaves when this is stored."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spooled, "read_body", lambda *_: stored)
        return prepare(here, item).raw


def test_a_key_that_was_retired_signs_no_more_soon(here: RelaySite) -> None:
    here = signing(here)
    gateway = here.site.gateway
    assert gateway.dkim_signer is not None
    with gateway.database.read() as view:
        assert gateway.dkim_signer(view, "mss.example", "s1") is not None
        assert gateway.dkim_signer(view, "autre.example", "s1") is None
    gateway.database.write(lambda tx: dkim_keys.retire(tx, "mss.example", "s1"))
    here.later(KEPT_SECONDS)
    with gateway.database.read() as view:
        assert gateway.dkim_signer(view, "mss.example", "s1") is None
    here.submit(GARNIER)
    assert not prepare(here, claim(here)).raw.startswith(b"DKIM")


# --- for whom it is sealed


def learn(here: RelaySite, certificate: Certificate, provenance: Provenance) -> None:
    gateway = here.site.gateway
    gateway.database.write(
        lambda tx: keybook.learn(
            tx,
            gateway.spool,
            GARNIER,
            certificate,
            GCM,
            provenance,
            chain=here.site.authority().chain,
        )
    )


def seal(here: RelaySite, address: str = GARNIER) -> Certificate:
    """The certificate that a message is sealed for now."""
    gateway = here.site.gateway
    with gateway.database.read() as view:
        _, drawn = crypto.seal_for(gateway, view, address, simple(MARTIN))
        assert drawn is not None
        known = keybook.of_address(view, gateway.spool, address)
        (found,) = (one.certificate for one in known if drawn.is_for(one.certificate))
    return found


def stranger(name: str = "Autorite inconnue") -> Certificate:
    """A newer certificate of the same person, that leads to nobody we believe."""
    authority = peer_site.authority(name)
    begins = peer_site._beginning()
    return authority.issue_mailbox(
        GARNIER, "Luc", key_of(GARNIER).public_key, Usage.BOTH, begins, 900
    )


def test_the_best_certificate_that_is_believed_today_is_taken(here: RelaySite) -> None:
    good = seal(here)
    for number in range(crypto.TRIED - 1):
        learn(here, stranger(f"Autorite {number}"), Provenance.OPERATOR)
    assert seal(here) == good


def test_so_many_certificates_are_tried_and_no_more(here: RelaySite) -> None:
    gateway = here.site.gateway
    with gateway.database.read() as view:
        (known,) = keybook.of_address(view, gateway.spool, GARNIER)
    gateway.database.write(lambda tx: keybook.forget(tx, GARNIER))
    for number in range(crypto.TRIED):
        learn(here, stranger(f"Autorite {number}"), Provenance.OPERATOR)
    learn(here, known.certificate, Provenance.SIGNED_MESSAGE)
    with pytest.raises(Refused) as refused:
        seal(here)
    assert refused.value.failure is Failure.NO_CERTIFICATE_FOR_RECIPIENT


def test_without_a_certificate_nothing_leaves(here: RelaySite) -> None:
    with pytest.raises(Refused) as refused:
        seal(here, f"nouveau@{DOMAIN}")
    assert refused.value.failure is Failure.NO_CERTIFICATE_FOR_RECIPIENT


def test_what_its_author_enveloped_goes_as_it_came(here: RelaySite) -> None:
    gateway = here.site.gateway
    with gateway.database.read() as view:
        sealed, _ = crypto.seal_for(gateway, view, GARNIER, simple(MARTIN))
        again, drawn = crypto.seal_for(gateway, view, GARNIER, sealed)
    assert again is sealed
    assert drawn is None


def test_what_was_drawn_closes_no_other_message(here: RelaySite) -> None:
    gateway = here.site.gateway
    with gateway.database.read() as view:
        _, drawn = crypto.seal_for(gateway, view, GARNIER, simple(MARTIN))
        with pytest.raises(ValueError, match="another content"):
            crypto.seal_for(gateway, view, GARNIER, simple(MARTIN, body="Autre."), drawn)
    assert drawn is not None
    assert len(drawn.digest) == hashlib.sha256().digest_size


# --- what a yes does


def exchange(here: RelaySite, professional: str = MARTIN) -> str | None:
    with here.site.gateway.database.read() as view:
        return correspondences.state(view, REMOTE_PATIENT, professional)


def succeed(here: RelaySite) -> None:
    outgoing = prepare(here, claim(here, f"patient.{DOMAIN}"))
    relay.succeeded(here.site.gateway, outgoing, "mx 250 2.0.0", peer_tells=True).result()


def test_the_exchange_with_a_patient_there_opens_with_their_yes_and_not_before(
    here: RelaySite,
) -> None:
    here.submit(REMOTE_PATIENT)
    assert exchange(here) is None
    succeed(here)
    assert exchange(here) == "OPEN"
    assert here.site.acts("correspondence") == ["open"]
    assert here.site.acts("relay") == ["relayed"]
    assert here.lines() == []


def test_a_last_word_to_a_patient_there_closes_it(here: RelaySite) -> None:
    here.submit(REMOTE_PATIENT)
    succeed(here)
    here.submit(REMOTE_PATIENT, raw=simple(MARTIN, subject="[FIN]"))
    succeed(here)
    assert exchange(here) == "CLOSED"


def test_a_no_opens_nothing(here: RelaySite) -> None:
    here.submit(REMOTE_PATIENT)
    item = claim(here, f"patient.{DOMAIN}")
    relay.failed(here.site.gateway, item, Failure.PEER_REFUSED, "mx 550 5.7.1").result()
    assert exchange(here) is None
    assert here.lines() == []


def test_whoever_lost_the_lease_settles_nothing(here: RelaySite) -> None:
    here.submit(GARNIER)
    outgoing = prepare(here, claim(here))
    here.later(2 * 3600)
    claim(here)
    settled = relay.succeeded(here.site.gateway, outgoing, "mx 250", peer_tells=True)
    assert settled.result() is False
    assert here.site.acts("relay") == []
    prepared = relay.prepare(here.site.gateway, replace(outgoing.item, attempt=None))
    assert prepared is not None
    assert prepared.kept.result() is False


def test_whoever_lost_the_lease_sends_nothing_again_either(here: RelaySite) -> None:
    """What is in doubt, and what its author enveloped, needs nothing to be kept before it goes."""
    here.submit(GARNIER)
    first = claim(here)
    prepare(here, first)
    fail(here, first, in_doubt=True)
    late = claim(here)
    assert late.attempt is not None
    here.later(2 * 3600)
    claim(here)
    prepared = relay.prepare(here.site.gateway, late)
    assert prepared is not None
    assert prepared.kept.result() is False


def test_a_message_that_is_gone_is_nobodys_work(here: RelaySite) -> None:
    here.submit(GARNIER)
    outgoing = prepare(here, claim(here))
    relay.succeeded(here.site.gateway, outgoing, "mx 250", peer_tells=True).result()
    assert relay.prepare(here.site.gateway, outgoing.item) is None


def test_items_given_back_are_due_as_before(here: RelaySite) -> None:
    here.submit(GARNIER)
    item = claim(here)
    outbound.give_back(here.site.gateway, [item]).result()
    (line,) = here.lines()
    assert (line.state, line.attempts) == ("due", 0)


def test_a_site_without_peers_lets_nothing_leave(here: RelaySite) -> None:
    gateway = replace(here.site.gateway, peer_trust=None)
    assert outbound.objection(gateway, DOMAIN, None) is Failure.DOMAIN_OUTSIDE
    assert outbound.objection(here.site.gateway, DOMAIN, None) is None
