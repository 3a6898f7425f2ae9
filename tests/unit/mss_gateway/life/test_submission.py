"""The one door: what a message becomes, and that nothing is left when it is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from certs.cms.enveloped import open_enveloped
from certs.cms.signed import verify_signed
from certs.keyring import PrivateKey
from certs.usage import Purpose
from certs.validation import chain
from mailbox_store import correspondences
from mailbox_store.database import Transaction
from mss_gateway.directory import certificates, keybook
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import forms, opening, policy, submission
from mss_gateway.message import recipient_list, smime
from mss_gateway.message.address import parse_address
from mss_gateway.message.attachments import body_text
from mss_gateway.message.authentication import Signature
from mss_gateway.message.dates import date_field
from mss_gateway.message.header import Header
from mss_gateway.message.parse import scan
from policies.first_contact import Exchange
from tests.support.smtp_messages import (
    enveloped,
    nested,
    of_size,
    signed,
    signed_opaque,
    xdm_message,
)
from tests.support.smtp_site import (
    BERNARD,
    DUBOIS,
    LIMITS,
    MARTIN,
    OTHER_PATIENT,
    PATIENT,
    PHARMACY,
    SECRETARIAT,
    Site,
    attached,
    simple,
)


def take(site: Site, raw: bytes, author: str = MARTIN, *recipients: str) -> str:
    """Accepted; its reference."""
    sent = site.submission(author, recipients or (DUBOIS,), raw)
    return submission.accept(site.gateway, sent).message_ref


def refusal(site: Site, raw: bytes, author: str = MARTIN, *recipients: str) -> Failure:
    """Refused with a reference, nothing kept, on record once."""
    before, acts = site.counts(), site.acts("submission")
    with pytest.raises(Refused) as refused:
        take(site, raw, author, *recipients)
    assert refused.value.message_ref is not None
    site.gateway.database.write(lambda tx: None)
    assert site.counts() == before
    assert site.acts("submission") == [*acts, refused.value.failure.value]
    return refused.value.failure


def delivered(site: Site, address: str = DUBOIS) -> bytes:
    """The one message in somebody's mailbox, after the queue has run."""
    site.work()
    (kept,) = site.kept(address)
    return kept


def open_exchange(site: Site, patient: str, professional: str, state: str = "OPEN") -> None:
    def work(tx: Transaction) -> None:
        account = site.person(patient).account_id
        ref = site.gateway.new_ref()
        correspondences.record(tx, patient, account, professional, "Nom", state, ref)

    site.gateway.database.write(work)


# what a message becomes


def test_a_message_is_signed_once_in_its_author_s_name(site: Site) -> None:
    take(site, attached("a.pdf", b"%PDF-1.4\n"))
    kept = delivered(site)
    found = smime.find_signed(scan(kept))
    assert found is not None
    verified = verify_signed(found.signature, found.content)
    assert verified.addresses == (MARTIN,)
    with site.gateway.database.read() as view:
        trusted = site.gateway.trust.anchors(view)
    chain.validate(
        verified.signer_certificate,
        verified.other_certificates,
        trusted,
        Purpose.SIGNATURE,
        site.gateway.now(),
        None,
    )
    assert kept.count(b"multipart/signed") == 1


def test_the_header_is_mended_and_the_content_is_not_touched(site: Site) -> None:
    raw = simple(
        fields=f"Bcc: <{PATIENT}>\r\nX-Mailer: Essai\r\nReturn-Path: <x@y.example>\r\n"
        "Authentication-Results: mss.example; auth=pass\r\nX-MSS-Signature: valide\r\n"
        f"Resent-Bcc: <{PATIENT}>\r\n"
    )
    ref = take(site, raw)
    head = delivered(site).partition(b"\r\n\r\n")[0].decode() + "\r\n"
    assert head.startswith(f"Return-Path: <{MARTIN}>\r\nReceived: by localhost with ESMTPSA\r\n")
    assert f"\tid {ref}; " in head
    assert f"Message-ID: <{ref}@mss.example>\r\n" in head
    assert "X-MSS-NIL: MSS-GATEWAY-0\r\n" in head
    assert f"From: Dr Claire MARTIN <{MARTIN}>\r\n" in head
    assert "Date: Mon, 21 Sep 2026 " in head
    assert "X-Mailer: Essai\r\n" in head
    lower = head.lower()
    for name in ("bcc:", "authentication-results:", "x-mss-signature:", "y.example"):
        assert name not in lower


def test_what_the_author_wrote_there_stays(site: Site) -> None:
    given = (
        "Message-ID: <1@x.example>\r\nDate: Mon, 1 Jun 2026 08:00:00 +0200\r\nX-MSS-NIL: DEV1\r\n"
    )
    take(site, simple(fields=given))
    head = delivered(site).partition(b"\r\n\r\n")[0].decode() + "\r\n"
    for field in given.splitlines():
        assert head.count(field.partition(":")[0] + ":") == 1
        assert f"{field}\r\n" in head


def test_a_message_of_a_patient_does_not_bear_the_product_s_number(site: Site) -> None:
    open_exchange(site, PATIENT, MARTIN)
    take(site, simple(PATIENT), PATIENT, MARTIN)
    assert b"X-MSS-NIL" not in delivered(site, MARTIN)


def test_a_message_without_a_body_is_a_message(site: Site) -> None:
    take(site, f"From: <{MARTIN}>\r\n\r\n".encode())
    assert smime.find_signed(scan(delivered(site))) is not None


def test_octets_above_127_come_back_as_they_were(site: Site) -> None:
    take(site, simple(body="été, naïf, œuvre"))
    kept = delivered(site)
    found = smime.find_signed(scan(kept))
    assert found is not None and found.content.isascii()
    verify_signed(found.signature, found.content)
    shown = body_text(scan(kept)).plain or ""
    assert shown.strip() == "été, naïf, œuvre"


# authors who keep their keys


def test_a_signature_of_the_author_s_own_is_kept_byte_for_byte(site: Site) -> None:
    raw = signed(site, simple(BERNARD))
    take(site, raw, BERNARD)
    kept = delivered(site)
    assert kept.endswith(raw[raw.index(b"This is an S/MIME") :])
    assert kept.count(b"application/pkcs7-signature") == 2
    assert b"From: Dr Paul BERNARD <" in kept


def test_what_an_author_s_client_reads_is_learned_from_its_signature(site: Site) -> None:
    gateway = site.gateway
    take(site, signed(site, simple(BERNARD)), BERNARD)
    with gateway.database.read() as view:
        (known,) = keybook.of_address(view, gateway.spool, BERNARD)
    assert known.certificate == site.certificate(BERNARD)
    assert known.capabilities is not None and "aes-256-cbc" in known.capabilities.names
    take(site, simple(), MARTIN, DUBOIS)
    with gateway.database.read() as view:
        assert [one.address for one in keybook.everyone(view, gateway.spool)] == [BERNARD]


def test_unsigned_or_signed_otherwise_is_refused(site: Site) -> None:
    assert refusal(site, simple(BERNARD), BERNARD) is Failure.SIGNATURE_REQUIRED
    altered = signed(site, simple(BERNARD)).replace(b"Bonjour.", b"Bonsoir.")
    assert refusal(site, altered, BERNARD) is Failure.SIGNATURE_REJECTED
    assert refusal(site, signed(site, simple()), MARTIN) is Failure.SIGNATURE_REJECTED


def test_an_opaque_signature_is_put_beside_what_it_signs(site: Site) -> None:
    """As Outlook sends it: the same signature, in the form that every program reads."""
    take(site, signed_opaque(site, simple(BERNARD)), BERNARD)
    kept = delivered(site)
    found = smime.find_signed(scan(kept))
    assert found is not None and b"Bonjour." in found.content
    assert verify_signed(found.signature, found.content).addresses == (BERNARD,)


def test_a_signature_with_a_certificate_that_was_taken_back_is_refused(site: Site) -> None:
    serial = f"{site.certificate(BERNARD).serial_number:x}"
    site.gateway.database.write(lambda tx: certificates.revoke(tx, serial))
    site.clock.pass_by(1)
    assert refusal(site, signed(site, simple(BERNARD)), BERNARD) is Failure.SIGNATURE_REJECTED


def test_a_signature_after_its_certificate_s_end_is_refused(site: Site) -> None:
    raw = signed(site, simple(BERNARD))
    site.clock.pass_by(3 * 365 * 86_400)
    assert refusal(site, raw, BERNARD) is Failure.SIGNATURE_REJECTED


@pytest.mark.parametrize("spoilt", [b"", b"\x30\x80", b"\x30\x03\x02\x01\x00", bytes(200)])
def test_a_signature_that_is_no_cms_is_refused_and_no_bug(spoilt: bytes, site: Site) -> None:
    raw = smime.wrap_signed(simple(BERNARD), lambda _: spoilt)
    assert refusal(site, raw, BERNARD) is Failure.SIGNATURE_REJECTED


# what comes enveloped


@pytest.mark.parametrize("recipient", [DUBOIS, PATIENT])
def test_what_its_author_signed_is_opened_and_looked_at(recipient: str, site: Site) -> None:
    inner = signed(site, attached("a.pdf", b"%PDF-1.4\n", author=BERNARD))
    take(site, enveloped(site, inner, recipient), BERNARD, recipient)
    kept = delivered(site, recipient)
    assert b'filename="a.pdf"' in kept and b"enveloped-data" not in kept
    assert smime.find_signed(scan(kept)) is not None


def test_the_ciphertext_of_somebody_else_is_opened_for_nobody(site: Site) -> None:
    """Else its text would come back to whoever submits it, in a second recipient's copy."""
    stolen = enveloped(site, simple(), DUBOIS)
    assert refusal(site, stolen, MARTIN, DUBOIS, MARTIN) is Failure.CANNOT_OPEN
    by_another = enveloped(site, signed(site, simple(BERNARD)), DUBOIS)
    assert refusal(site, by_another, MARTIN, DUBOIS, MARTIN) is Failure.CANNOT_OPEN
    assert site.kept(DUBOIS) == site.kept(MARTIN) == []


def test_a_signature_inside_an_envelope_is_verified_and_kept(site: Site) -> None:
    inner = signed(site, simple(BERNARD))
    take(site, enveloped(site, inner, DUBOIS, BERNARD), BERNARD)
    found = smime.find_signed(scan(delivered(site)))
    assert found is not None
    assert verify_signed(found.signature, found.content).addresses == (BERNARD,)


def test_what_stays_closed_is_refused(site: Site) -> None:
    assert refusal(site, enveloped(site, simple(), BERNARD), MARTIN, BERNARD) is Failure.CANNOT_OPEN
    twice = enveloped(site, enveloped(site, simple(), DUBOIS), DUBOIS)
    assert refusal(site, twice) is Failure.CANNOT_OPEN


@pytest.mark.parametrize("spoilt", [b"", b"\x30\x80\0\0", b"certainement pas du DER", bytes(200)])
def test_pkcs7_that_is_none_is_refused_and_no_bug(spoilt: bytes, site: Site) -> None:
    raw = smime.wrap_enveloped(simple(), lambda _: spoilt)
    assert refusal(site, raw) is Failure.CANNOT_OPEN


def test_an_altered_envelope_is_refused(site: Site) -> None:
    raw = enveloped(site, simple(), DUBOIS)
    at = raw.rindex(b"\r\n", 0, -80)
    swapped = raw[: at - 8] + raw[at - 8 : at][::-1] + raw[at:]
    assert refusal(site, swapped) is Failure.CANNOT_OPEN


def test_a_stray_line_end_inside_an_envelope_is_refused(site: Site) -> None:
    inner = smime.wrap_enveloped  # the entity is sealed as it is, bare LF and all
    raw = inner(
        simple(),
        lambda entity: _sealed(site, entity.replace(b"Bonjour.", b"Bon\njour.")),
    )
    assert refusal(site, raw) is Failure.CANNOT_OPEN


def _sealed(site: Site, entity: bytes) -> bytes:
    from certs.cms.enveloped import make_enveloped

    return make_enveloped(entity, [site.certificate(DUBOIS)])


# limits


@pytest.mark.parametrize(
    ("recipients", "limit", "failure"),
    [
        ((DUBOIS,), LIMITS.message_octets, Failure.MESSAGE_TOO_BIG),
        ((DUBOIS, PATIENT), LIMITS.patient_message_octets, Failure.MESSAGE_TOO_BIG_FOR_PATIENT),
    ],
)
def test_size_at_its_edge(
    recipients: tuple[str, ...], limit: int, failure: Failure, site: Site
) -> None:
    take(site, of_size(limit), MARTIN, *recipients)
    assert refusal(site, of_size(limit + 1), MARTIN, *recipients) is failure


def test_containers_at_their_edge(site: Site) -> None:
    """The signature is a container too: whoever fills the limit leaves it no room."""
    take(site, nested(30))
    for containers in (32, 33, 500):
        assert refusal(site, nested(containers)) is Failure.MIME_TOO_DEEP


def test_a_message_to_nobody_is_no_message(site: Site) -> None:
    before = site.counts()
    with pytest.raises(Refused):
        submission.accept(site.gateway, site.submission(MARTIN, (), simple()))
    assert site.counts() == before


def test_the_same_recipient_twice_is_one(site: Site) -> None:
    take(site, simple(), MARTIN, DUBOIS, DUBOIS)
    assert site.counts()["queue_items"] == 1


# content that a patient may not get


def test_an_archive_is_looked_at_for_patients(site: Site) -> None:
    raw = xdm_message(b"PK\x05\x06" + bytes(18))
    assert refusal(site, raw, MARTIN, PATIENT) is Failure.XDM_UNREADABLE
    take(site, raw, MARTIN, DUBOIS)


# a patient's own messages: the rule once more, in the committing transaction


@pytest.mark.parametrize(
    ("recipient", "failure"),
    [
        (MARTIN, Failure.NOT_YET_CONTACTED),
        (SECRETARIAT, Failure.NOT_YET_CONTACTED),
        (OTHER_PATIENT, Failure.PATIENT_TO_PATIENT),
        (PATIENT, Failure.PATIENT_TO_PATIENT),
        ("personne@mss.example", Failure.NOT_YET_CONTACTED),
        ("x@ailleurs.example", Failure.NOT_YET_CONTACTED),
    ],
)
def test_a_patient_reaches_nobody_who_did_not_write(
    recipient: str, failure: Failure, site: Site
) -> None:
    assert refusal(site, simple(PATIENT), PATIENT, recipient) is failure


def test_one_recipient_who_did_not_write_stops_the_whole(site: Site) -> None:
    open_exchange(site, PATIENT, MARTIN)
    take(site, simple(PATIENT), PATIENT, MARTIN)
    failure = refusal(site, simple(PATIENT), PATIENT, MARTIN, DUBOIS)
    assert failure is Failure.NOT_YET_CONTACTED


def test_a_pharmacy_may_be_written_to_first_until_it_closes(site: Site) -> None:
    take(site, simple(PATIENT), PATIENT, PHARMACY)
    open_exchange(site, PATIENT, PHARMACY, "CLOSED")
    assert refusal(site, simple(PATIENT), PATIENT, PHARMACY) is Failure.EXCHANGE_CLOSED


def test_a_closing_between_rcpt_and_commit_wins(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_exchange(site, PATIENT, MARTIN)
    sent = site.submission(PATIENT, (MARTIN,), simple(PATIENT))
    policy.at_recipient(site.gateway, sent.envelope, sent.recipients[0], 0)
    original = forms.summarise

    def summarise(message: object) -> bytes:
        open_exchange(site, PATIENT, MARTIN, "CLOSED")  # between the first asking and the commit
        return original(message)  # type: ignore[arg-type]

    monkeypatch.setattr(forms, "summarise", summarise)
    before = site.counts()
    with pytest.raises(Refused) as refused:
        submission.accept(site.gateway, sent)
    assert refused.value.failure is Failure.EXCHANGE_CLOSED
    assert site.counts() == before


def test_at_rcpt_a_patient_hears_the_same(site: Site) -> None:
    sent = site.submission(PATIENT, (MARTIN,), simple(PATIENT))
    with pytest.raises(Refused) as refused:
        policy.at_recipient(site.gateway, sent.envelope, sent.recipients[0], 0)
    assert refused.value.failure is Failure.NOT_YET_CONTACTED


def test_what_a_session_knows_of_a_standing_is_not_believed(site: Site) -> None:
    sent = site.submission(MARTIN, (DUBOIS,), simple())
    stranger = replace(site.person(MARTIN), account_id=site.person(DUBOIS).account_id)
    with pytest.raises(Refused) as refused:
        policy.at_sender(site.gateway, replace(sent.envelope, author=stranger), None)
    assert refused.value.failure is Failure.SENDER_NOT_YOURS


def test_an_exchange_means_nothing_for_professionals(site: Site) -> None:
    with site.gateway.database.read() as view:
        assert policy.exchange(view, site.person(MARTIN).party, DUBOIS) is Exchange.NONE
        assert policy.exchange_facts(view, site.person(MARTIN).party, (PATIENT,)) == ()


# copies


def test_sent_copy_by_the_server_is_one_copy(site: Site) -> None:
    raw = simple(DUBOIS, fields=f"Cc: <{MARTIN}>, <{PATIENT}>\r\n")
    take(site, raw, DUBOIS, MARTIN, PATIENT)
    site.work()
    assert len(site.kept(DUBOIS, "Sent")) == 1
    assert site.kept(DUBOIS, "Sent") == site.kept(MARTIN) == site.kept(PATIENT)


def _signed_fields(raw: bytes) -> Header:
    found = smime.find_signed(scan(raw))
    assert found is not None
    return scan(found.content).root.header


def test_the_recipients_are_listed_under_the_signature(site: Site) -> None:
    take(site, simple(fields=f"Cc: <{SECRETARIAT}>\r\n"), MARTIN, DUBOIS, SECRETARIAT)
    kept = delivered(site)
    assert b"X-MSS-Destinataires" not in kept.partition(b"\r\n\r\n")[0]
    fields = _signed_fields(kept)
    assert fields.unfolded("subject") == "Essai"
    told = [recipient_list.check(fields, parse_address(one)) for one in (DUBOIS, SECRETARIAT)]
    assert told == [True, True]
    assert recipient_list.check(fields, parse_address(PHARMACY)) is False


@pytest.mark.parametrize(("minutes", "is_told"), [(0, True), (54, True), (56, False), (-56, False)])
def test_the_signing_time_is_told_when_date_agrees(site: Site, minutes: int, is_told: bool) -> None:
    """Else Thunderbird calls the signature invalid."""
    date = date_field(site.gateway.now() - timedelta(minutes=minutes))
    take(site, simple(fields=f"Date: {date}\r\n"))
    found = smime.find_signed(scan(delivered(site)))
    assert found is not None
    time = verify_signed(found.signature, found.content).signing_time
    assert (time is not None) is is_told


def test_a_blind_recipient_has_a_message_of_their_own(site: Site) -> None:
    raw = simple(fields=f"Bcc: <{SECRETARIAT}>, <{PATIENT}>\r\n")
    take(site, raw, MARTIN, DUBOIS, SECRETARIAT, PATIENT)
    site.work()
    everyone = [parse_address(one) for one in (DUBOIS, SECRETARIAT, PATIENT)]
    for own in everyone:
        (kept,) = site.kept(str(own))
        listed = [one for one in everyone if recipient_list.check(_signed_fields(kept), one)]
        assert listed == [own]
    assert len({site.kept(str(one))[0] for one in everyone}) == 3


def test_whoever_gets_it_enveloped_has_the_subject_inside_only(site: Site) -> None:
    """And the author's own copy, filed by the server, keeps it."""
    take(
        site,
        simple(DUBOIS, subject="Biopsie", fields=f"Cc: <{MARTIN}>\r\n"),
        DUBOIS,
        BERNARD,
        MARTIN,
    )
    site.work()
    (closed,), (clear,), (own,) = site.kept(BERNARD), site.kept(MARTIN), site.kept(DUBOIS, "Sent")
    assert b"Biopsie" not in closed
    assert scan(closed).header.text("subject") == "Message de santé"
    for raw in (clear, own):
        assert scan(raw).header.text("subject") == "Biopsie"
        assert "Biopsie" not in (body_text(scan(raw)).plain or "")
    found = smime.find_pkcs7(scan(closed))
    assert found is not None
    key = PrivateKey.load_pem(site.folder / f"{BERNARD}.key")
    inside = scan(open_enveloped(found.der, [(site.certificate(BERNARD), key)]).content)
    fields = _signed_fields(inside.raw)
    assert fields.text("subject") == "Biopsie"
    assert recipient_list.check(fields, parse_address(BERNARD)) is True
    assert (body_text(inside).plain or "").startswith("Subject: Biopsie\r\n\r\nBonjour.")


def test_the_whole_message_is_inside_where_the_operator_wants_it(site: Site) -> None:
    certificates = replace(site.gateway.config.certificates, whole_message=True)
    config = replace(site.gateway.config, certificates=certificates)
    gateway = replace(site.gateway, config=config)
    raw = simple(subject="Biopsie", fields=f"Cc: <{DUBOIS}>\r\n")
    submission.accept(gateway, site.submission(MARTIN, (BERNARD, DUBOIS), raw))
    site.work()
    (closed,) = site.kept(BERNARD)
    assert b"Biopsie" not in closed
    key = PrivateKey.load_pem(site.folder / f"{BERNARD}.key")
    opened = opening.open_message(scan(closed), lambda: [(site.certificate(BERNARD), key)])
    assert opened.signature is Signature.VALID
    assert opened.message.header.text("subject") == "Biopsie"
    assert (
        b"Content-Type: message/rfc822" in opened.message.raw and b"Bonjour." in opened.message.raw
    )
    (clear,) = site.kept(DUBOIS)
    assert b"message/rfc822" not in clear and scan(clear).header.text("subject") == "Biopsie"


def test_the_author_s_copy_is_in_clear_where_all_others_are_closed(site: Site) -> None:
    take(site, simple(DUBOIS, subject="Biopsie"), DUBOIS, BERNARD)
    site.work()
    (own,) = site.kept(DUBOIS, "Sent")
    assert scan(own).header.text("subject") == "Biopsie"
    assert b"Biopsie" not in site.kept(BERNARD)[0]
    assert site.counts()["queued_messages"] == 0


def test_forms_for_blind_recipients_have_a_limit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = simple()
    take(site, raw, MARTIN, DUBOIS, SECRETARIAT)
    monkeypatch.setattr(forms, "FORMS_OCTETS", len(raw))
    take(site, raw, MARTIN, DUBOIS)
    assert refusal(site, raw, MARTIN, DUBOIS, SECRETARIAT) is Failure.MESSAGE_TOO_BIG


def test_without_it_the_client_files_its_own(site: Site) -> None:
    take(site, simple())
    site.work()
    assert site.kept(MARTIN, "Sent") == []
