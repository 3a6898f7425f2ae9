"""Read receipts: who may be answered, and what they say."""

import datetime
import email
import email.policy

import pytest

from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.dsn import is_automatic
from mss_gateway.message.mdn import (
    Disposition,
    ReadReceipt,
    asked_by,
    asks_for_delivery,
    read_receipt,
)
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.report_form import Head
from mss_gateway.message.smime import wrap_signed
from tests.support.read_receipts import Notification, read_notification

CLAIRE = EmailAddress("claire.martin", "chu.example.fr")
READER = EmailAddress("lecteur", "patient.example.fr")
ORIGINAL = b"From: <claire.martin@chu.example.fr>\r\nMessage-ID: <0@x.fr>\r\n\r\nSECRET"
DISPLAYED = Disposition("manual-action", "displayed")


def receipt(disposition: Disposition = DISPLAYED, original: str = "") -> bytes:
    moment = datetime.datetime(2026, 11, 22, 8, tzinfo=datetime.UTC)
    head = Head(
        Mailbox("", READER), CLAIRE, "Message lu", "Il a été ouvert.", "<9@x.fr>", moment, ORIGINAL
    )
    return read_receipt(
        ReadReceipt(head, "mss.example; MSS Gateway", READER, disposition, original)
    )


def asked(fields: str, path: EmailAddress | None = CLAIRE) -> EmailAddress | None:
    return asked_by(scan(f"{fields}\r\n\r\nx".encode()).header, path)


def test_a_receipt_says_what_rfc_8098_asks() -> None:
    raw = receipt(original="rfc822;Lecteur@ailleurs.example")
    message = scan(raw)
    _, fields, original = message.root.children
    assert find_bare_line_ending(raw) is None
    assert message.root.parameter("report-type") == "disposition-notification"
    assert message.header.first("from") == b" <lecteur@patient.example.fr>"
    assert fields.media_type == "message/disposition-notification"
    assert fields.decoded(raw) == (
        b"Reporting-UA: mss.example; MSS Gateway\r\n"
        b"Original-Recipient: rfc822; Lecteur@ailleurs.example\r\n"
        b"Final-Recipient: rfc822; lecteur@patient.example.fr\r\n"
        b"Original-Message-ID: <0@x.fr>\r\n"
        b"Disposition: manual-action/MDN-sent-automatically; displayed\r\n"
    )
    assert original.media_type == "text/rfc822-headers"
    assert b"SECRET" not in raw
    assert is_automatic(message, CLAIRE)


def test_what_is_wrong_is_told_with_its_code() -> None:
    raw = receipt(Disposition("automatic-action", "processed", "904^INS ou traits differents"))
    assert b"\r\nDisposition: automatic-action/MDN-sent-automatically; processed/Error\r\n" in raw
    assert b"\r\nError: 904^INS ou traits differents\r\n" in raw


def test_the_judge_reads_it() -> None:
    judged = email.message_from_bytes(receipt(), policy=email.policy.default)
    (group,) = list(judged.iter_parts())[1].get_payload()
    assert group["disposition"] == "manual-action/MDN-sent-automatically; displayed"


@pytest.mark.parametrize("is_signed", [False, True])
def test_ours_is_read_signed_or_not(is_signed: bool) -> None:
    raw = receipt(Disposition("automatic-action", "processed", "906^x"))
    raw = wrap_signed(raw, lambda _: b"DER") if is_signed else raw
    assert read_notification(scan(raw)) == Notification(
        "lecteur@patient.example.fr", "<0@x.fr>", "automatic-action", "processed", "error", "906^x"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Subject: x", None),
        ("Disposition-Notification-To: <claire.martin@chu.example.fr>", CLAIRE),
        ("Disposition-Notification-To: Dr Claire <CLAIRE.martin@chu.example.fr>", CLAIRE),
        ("Disposition-Notification-To: <paul@chu.example.fr>", None),
        ("Disposition-Notification-To: <claire.martin@chu.example.fr>, <p@x.fr>", None),
        (
            "Disposition-Notification-To: <claire.martin@chu.example.fr>\r\n"
            "Disposition-Notification-To: <claire.martin@chu.example.fr>",
            None,
        ),
        ("Disposition-Notification-To: nobody", None),
        ("Disposition-Notification-To:", None),
        (
            "Disposition-Notification-To: <claire.martin@chu.example.fr>\r\n"
            "Disposition-Notification-Options: a=optional,b",
            CLAIRE,
        ),
        (
            "Disposition-Notification-To: <claire.martin@chu.example.fr>\r\n"
            "Disposition-Notification-Options: a= Required,b",
            None,
        ),
    ],
)
def test_only_the_reverse_path_is_answered(fields: str, expected: EmailAddress | None) -> None:
    assert asked(fields) == expected
    assert asked(fields, None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("<claire.martin@chu.example.fr>", True), ("<paul@chu.example.fr>", False), ("x", False)],
)
def test_the_field_of_no_standard_asks_for_a_delivery_report(value: str, expected: bool) -> None:
    header = scan(f"Return-Receipt-To: {value}\r\n\r\nx".encode()).header
    assert asks_for_delivery(header, CLAIRE) is expected
    assert asks_for_delivery(header, None) is False
