"""Delivery: one copy, what it opens and closes, and who gets it enveloped."""

from typing import Any

import pytest

from certs.cms.enveloped import open_enveloped
from certs.cms.signed import verify_signed
from certs.keyring import PrivateKey
from mailbox_store import correspondences
from mss_gateway.failures import Failure
from mss_gateway.life import crypto, deliver, submission
from mss_gateway.message import smime
from mss_gateway.message.parse import scan
from mss_gateway.queue import desk, items, leases, schedule
from policies.people import Standing
from tests.support.smtp_messages import signed
from tests.support.smtp_site import (
    BERNARD,
    DUBOIS,
    MARTIN,
    OTHER_PATIENT,
    PATIENT,
    PHARMACY,
    SECRETARIAT,
    Site,
    simple,
)


def send(site: Site, raw: bytes, author: str, *recipients: str) -> str:
    """Accepted, and everything done that is due."""
    ref = submission.accept(site.gateway, site.submission(author, recipients, raw)).message_ref
    site.work()
    return ref


def state(site: Site, professional: str = MARTIN, patient: str = PATIENT) -> str | None:
    with site.gateway.database.read() as view:
        return correspondences.state(view, patient, professional)


def claim(site: Site) -> leases.Item:
    """One item under a lease of ours."""
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    return item


# one copy


def test_a_message_reaches_each_recipient_once(site: Site) -> None:
    raw = simple(fields=f"Cc: <{SECRETARIAT}>, <{PATIENT}>\r\n")
    send(site, raw, MARTIN, DUBOIS, SECRETARIAT, PATIENT)
    assert [len(site.kept(one)) for one in (DUBOIS, SECRETARIAT, PATIENT, MARTIN)] == [1, 1, 1, 0]
    assert site.counts()["queue_items"] == site.counts()["queued_messages"] == 0
    assert site.counts()["blobs"] == 1  # one ciphertext for the three


def test_a_stage_that_runs_twice_adds_nothing(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT, DUBOIS), simple()))
    item = claim(site)
    assert deliver.deliver(site.gateway, item).result() is True
    other = claim(site)
    assert deliver.deliver(site.gateway, other).result() is True
    assert site.counts()["queue_items"] == 0
    assert [len(site.kept(one)) for one in (PATIENT, DUBOIS)] == [1, 1]


def test_a_delivery_that_was_done_by_whoever_died_is_not_done_again(site: Site) -> None:
    """The crash came after the commit of the delivery and before that of the queue, say."""
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))
    item = claim(site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "finish", lambda tx, item: items.retry(tx, item, tx.now, "bug"))
        assert deliver.deliver(site.gateway, item).result() is True
    assert deliver.deliver(site.gateway, claim(site)).result() is False
    assert len(site.kept(PATIENT)) == 1
    assert site.acts("deliver") == ["delivered"]
    assert site.counts()["queue_items"] == 0


def test_who_lost_the_lease_writes_nothing(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))
    lost = claim(site)
    site.clock.pass_by(leases.LEASE_SECONDS + 1)
    before = site.counts()
    held = claim(site)
    assert deliver.deliver(site.gateway, lost).result() is False
    assert site.counts() == before
    assert deliver.deliver(site.gateway, held).result() is True
    assert deliver.deliver(site.gateway, lost).result() is False
    assert len(site.kept(PATIENT)) == 1


def test_delivery_and_exchange_stand_or_fall_together(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))

    def fails(*_: Any) -> bool:
        raise RuntimeError("secret")

    before = site.counts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correspondences, "record", fails)
        assert site.worker.run_batch() == 1
    assert site.counts() == before
    site.clock.pass_by(10)
    site.work()
    assert (len(site.kept(PATIENT)), state(site)) == (1, "OPEN")


# the rule of the house


def test_a_first_message_opens_the_exchange_and_the_patient_may_write(site: Site) -> None:
    ref = send(site, simple(), MARTIN, PATIENT)
    assert state(site) == "OPEN"
    with site.gateway.database.read() as view:
        (relation,) = correspondences.of_patient(view, site.person(PATIENT).account_id)
    assert (relation.professional, relation.display_name) == (MARTIN, "Dr Claire MARTIN")
    assert relation.opened_ref == ref
    send(site, simple(PATIENT), PATIENT, MARTIN)
    assert len(site.kept(MARTIN)) == 1


@pytest.mark.parametrize(
    ("subject", "fields", "expected"),
    [
        ("[FIN]", "", "CLOSED"),
        ("  [FIN]  ", "", "CLOSED"),
        ("=?utf-8?q?=5BFIN=5D?=", "", "CLOSED"),
        ("Suite", "X-MSS-MES: FIN\r\n", "CLOSED"),
        ("Suite", "X-MSS-MES: AUTRE\r\nx-mss-mes:  FIN \r\n", "CLOSED"),
        ("[fin]", "", "OPEN"),
        ("Re: [FIN]", "", "OPEN"),
        ("[FIN] merci", "", "OPEN"),
        ("Suite", "X-MSS-MES: fin\r\n", "OPEN"),
        ("Suite", "X-MSS-MES: FINI\r\n", "OPEN"),
    ],
)
def test_what_closes_and_what_does_not(
    subject: str, fields: str, expected: str, site: Site
) -> None:
    send(site, simple(), MARTIN, PATIENT)
    send(site, simple(subject=subject, fields=fields), MARTIN, PATIENT)
    assert state(site) == expected
    send(site, simple(), MARTIN, PATIENT)
    assert state(site) == "OPEN"
    assert len(site.kept(PATIENT)) == 3


@pytest.mark.parametrize(
    "fields",
    [
        "Auto-Submitted: auto-replied\r\n",
        "Auto-Submitted: auto-generated; owner-email=x\r\n",
        "Precedence: bulk\r\n",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
    ],
)
def test_what_nobody_sat_down_to_write_opens_nothing_and_closes_nothing(
    fields: str, site: Site
) -> None:
    body = "--b\r\n\r\nAbsent.\r\n--b--"
    send(site, simple(fields=fields, body=body), MARTIN, PATIENT)
    assert (state(site), len(site.kept(PATIENT))) == (None, 1)
    send(site, simple(), MARTIN, PATIENT)
    send(site, simple(fields=f"{fields}X-MSS-MES: FIN\r\n", body=body), MARTIN, PATIENT)
    assert state(site) == "OPEN"


def test_a_null_reverse_path_opens_nothing(site: Site) -> None:
    from dataclasses import replace

    sent = site.submission(MARTIN, (PATIENT,), simple())
    sent = replace(sent, envelope=replace(sent.envelope, reverse_path=None))
    submission.accept(site.gateway, sent)
    site.work()
    assert (state(site), len(site.kept(PATIENT))) == (None, 1)
    assert site.kept(PATIENT)[0].startswith(b"Return-Path: <>\r\n")


@pytest.mark.parametrize(
    ("reply_to", "opened"),
    [
        (f"<{SECRETARIAT}>", {SECRETARIAT}),
        (f"Accueil <{SECRETARIAT}>, <{DUBOIS}>", {SECRETARIAT, DUBOIS}),
        (f"<{MARTIN}>", {MARTIN}),
        (f"<{OTHER_PATIENT}>", {MARTIN}),
        ("<quelquun@ailleurs.example>", {MARTIN}),
        ("<personne@mss.example>", {MARTIN}),
        (f"<{SECRETARIAT}>, <quelquun@ailleurs.example>", {SECRETARIAT}),
        ("illisible <<", {MARTIN}),
    ],
)
def test_reply_to_grants_what_it_names_and_nothing_else(
    reply_to: str, opened: set[str], site: Site
) -> None:
    send(site, simple(fields=f"Reply-To: {reply_to}\r\n"), MARTIN, PATIENT)
    people = (MARTIN, DUBOIS, SECRETARIAT, BERNARD, OTHER_PATIENT, PHARMACY)
    assert {one for one in people if state(site, one)} == opened


def test_a_closing_message_closes_its_author_s_own_whatever_reply_to_says(site: Site) -> None:
    send(site, simple(), MARTIN, PATIENT)
    fields = f"Reply-To: <{SECRETARIAT}>\r\nX-MSS-MES: FIN\r\n"
    send(site, simple(fields=fields), MARTIN, PATIENT)
    assert (state(site), state(site, SECRETARIAT)) == ("CLOSED", None)


def test_each_patient_s_exchange_is_their_own(site: Site) -> None:
    send(site, simple(), MARTIN, PATIENT, OTHER_PATIENT)
    send(site, simple(subject="[FIN]"), MARTIN, PATIENT)
    assert (state(site), state(site, patient=OTHER_PATIENT)) == ("CLOSED", "OPEN")


def test_a_message_that_bounces_opens_nothing(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))
    site.stand(PATIENT, Standing.OPPOSED)
    site.work()
    assert state(site) is None
    assert len(site.kept(MARTIN)) == 1  # the report


def test_a_message_of_a_patient_and_one_between_professionals_open_nothing(site: Site) -> None:
    send(site, simple(), MARTIN, DUBOIS)
    send(site, simple(PATIENT), PATIENT, PHARMACY)
    assert site.counts()["correspondences"] == 0


# keys in the recipient's own client


def _key(site: Site, address: str) -> PrivateKey:
    return PrivateKey.load_pem(site.folder / f"{address}.key")


def test_whoever_keeps_the_keys_gets_it_enveloped_and_signed(site: Site) -> None:
    send(site, simple(), MARTIN, BERNARD, DUBOIS)
    (kept,) = site.kept(BERNARD)
    assert b"Bonjour." not in kept and b"multipart/signed" not in kept
    found = smime.find_pkcs7(scan(kept))
    assert found is not None and found.kind == "enveloped"
    opener = site.certificate(BERNARD), _key(site, BERNARD)
    entity = open_enveloped(found.der, [opener]).content
    inside = smime.find_signed(scan(entity))
    assert inside is not None
    assert verify_signed(inside.signature, inside.content).addresses == (MARTIN,)
    assert b"Bonjour." in inside.content
    assert b"multipart/signed" in site.kept(DUBOIS)[0]


@pytest.mark.parametrize("sql", ["state = 'revoked'", "not_after = not_before"])
def test_without_a_certificate_it_waits_and_never_goes_in_clear(sql: str, site: Site) -> None:
    account_id = site.person(BERNARD).account_id

    def change(clause: str) -> None:
        site.execute(f"UPDATE certificates SET {clause} WHERE account_id = ?", (account_id,))

    with site.gateway.database.read() as view:
        end = view.sql(
            "SELECT not_after FROM certificates WHERE account_id = ?", (account_id,)
        ).scalar_one()
    change(sql)
    send(site, simple(), MARTIN, BERNARD)
    with site.gateway.database.read() as view:
        (line,) = desk.listing(view)
    assert (line.state, line.last_failure) == ("due", Failure.NO_CERTIFICATE_FOR_RECIPIENT.value)
    assert site.kept(BERNARD) == site.kept(MARTIN) == []
    change(f"state = 'active', not_after = {end}")
    site.clock.pass_by(60)
    site.work()
    assert len(site.kept(BERNARD)) == 1


def test_after_a_day_without_a_certificate_its_author_is_told_once(site: Site) -> None:
    site.execute(
        "UPDATE certificates SET state = 'revoked' WHERE account_id = ?",
        (site.person(BERNARD).account_id,),
    )
    send(site, simple(), MARTIN, BERNARD)
    for _ in range(200):
        if len(site.kept(MARTIN)) == 2:
            break
        site.clock.pass_by(3 * 3600)
        site.work()
    waited = site.clock.seconds - 1_790_000_000
    assert schedule.CERTIFICATE_SECONDS <= waited < 2 * schedule.CERTIFICATE_SECONDS
    late, report = site.kept(MARTIN)
    assert b"Status: 4.7.5\r\n" in late and b"Action: delayed\r\n" in late
    assert b"Status: 5.7.5\r\n" in report and b"Action: failed\r\n" in report
    assert b"Un nouvel essai" not in report
    assert site.kept(BERNARD) == []
    assert site.counts()["queue_items"] == 0


def test_what_the_gateway_wrote_is_signed_and_what_nobody_signed_is_authenticated(
    site: Site,
) -> None:
    """CBC proves nothing of its content, so it holds a signature always (RFC 8551 §1.1)."""
    gateway, recipient = site.gateway, site.person(SECRETARIAT)
    with gateway.database.read() as view:
        raw = crypto.seal_here(gateway, view, recipient, simple(), is_ours=True)
        foreign = crypto.seal_here(gateway, view, recipient, simple())
        openers = gateway.cabinet.openers(view, recipient.account_id)
    found = smime.find_pkcs7(scan(raw))
    assert found is not None
    inside = smime.find_signed(scan(open_enveloped(found.der, openers).content))
    assert inside is not None
    signed_by = verify_signed(inside.signature, inside.content)
    assert signed_by.addresses == ("postmaster@mss.example",)
    sealed = smime.find_pkcs7(scan(foreign))
    assert sealed is not None and sealed.kind == "auth-enveloped"
    assert smime.find_signed(scan(open_enveloped(sealed.der, openers).content)) is None


def test_an_elliptic_certificate_gets_its_envelope_too(site: Site) -> None:
    secretariat = site.person(SECRETARIAT).account_id
    with site.gateway.database.read() as view:
        openers = site.gateway.cabinet.openers(view, secretariat)
    site.execute("UPDATE people SET smime = 'client' WHERE account_id = ?", (secretariat,))
    send(site, simple(), MARTIN, SECRETARIAT)
    found = smime.find_pkcs7(scan(site.kept(SECRETARIAT)[0]))
    assert found is not None and openers[0][1].elliptic
    assert b"Bonjour." in open_enveloped(found.der, openers).content


def test_a_message_signed_by_its_author_s_client_is_enveloped_with_that_signature(
    site: Site,
) -> None:
    raw = signed(site, simple(BERNARD))
    send(site, raw, BERNARD, BERNARD)
    found = smime.find_pkcs7(scan(site.kept(BERNARD)[0]))
    assert found is not None
    opener = site.certificate(BERNARD), _key(site, BERNARD)
    entity = open_enveloped(found.der, [opener]).content
    inside = smime.find_signed(scan(entity))
    assert inside is not None
    assert verify_signed(inside.signature, inside.content).addresses == (BERNARD,)
