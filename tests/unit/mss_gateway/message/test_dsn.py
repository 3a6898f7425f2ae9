"""Delivery reports, and telling what a machine wrote."""

import datetime
import email
import email.policy

import pytest

from mss_gateway.message.address import EmailAddress, Mailbox
from mss_gateway.message.build import HeaderInjection
from mss_gateway.message.dsn import (
    NO_REPLY,
    DeliveryReport,
    RecipientReport,
    RemoteReply,
    delivery_report,
    is_automatic,
    parse_reply,
)
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.report_form import Head
from mss_gateway.message.smime import wrap_signed

CLAIRE = EmailAddress("claire.martin", "chu.example.fr")
PAUL = EmailAddress("paul", "chu.example.fr")
ORIGINAL = (
    "From: claire.martin@chu.example.fr\r\nSubject: é\r\nMessage-ID: <0@x.fr>\r\n\r\nSECRET"
).encode()


def report(
    *,
    diagnostic: str = "550 5.1.1 abc",
    subject: str = "Échec",
    original: str = "rfc822;Paul@ailleurs.example",
    envelope_id: str = "env-1",
) -> bytes:
    moment = datetime.datetime(2026, 11, 22, 8, tzinfo=datetime.UTC)
    failed = RecipientReport(
        PAUL,
        "failed",
        "5.1.1",
        diagnostic,
        original=original,
        remote="mx.chu.example.fr",
        attempted_at=moment,
        log_id="ref",
    )
    delayed = RecipientReport(CLAIRE, "delayed", "4.4.1", until=moment + datetime.timedelta(days=4))
    head = Head(
        Mailbox("Messagerie", EmailAddress("postmaster", "example.fr")),
        CLAIRE,
        subject,
        "Votre message n'a pas été remis.\n",
        "<9@example.fr>",
        moment,
        ORIGINAL,
    )
    arrived_at = moment - datetime.timedelta(hours=1)
    made = DeliveryReport(head, "smtp.example.fr", arrived_at, (failed, delayed), envelope_id)
    return delivery_report(made)


def test_a_report_says_what_rfc_3464_asks() -> None:
    raw = report()
    message = scan(raw)
    text, status, original = message.root.children

    assert find_bare_line_ending(raw) is None
    assert message.root.media_type == "multipart/report"
    assert message.root.parameter("report-type") == "delivery-status"
    assert message.header.first("auto-submitted") == b" auto-replied"
    assert message.header.first("in-reply-to") == b" <0@x.fr>"
    assert text.text(raw) == "Votre message n'a pas été remis.\r\n"
    assert status.decoded(raw) == (
        b"Original-Envelope-Id: env-1\r\n"
        b"Reporting-MTA: dns; smtp.example.fr\r\n"
        b"Arrival-Date: Sun, 22 Nov 2026 07:00:00 +0000\r\n"
        b"\r\n"
        b"Original-Recipient: rfc822; Paul@ailleurs.example\r\n"
        b"Final-Recipient: rfc822; paul@chu.example.fr\r\n"
        b"Action: failed\r\n"
        b"Status: 5.1.1\r\n"
        b"Remote-MTA: dns; mx.chu.example.fr\r\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 abc\r\n"
        b"Last-Attempt-Date: Sun, 22 Nov 2026 08:00:00 +0000\r\n"
        b"Final-Log-ID: ref\r\n"
        b"\r\n"
        b"Final-Recipient: rfc822; claire.martin@chu.example.fr\r\n"
        b"Action: delayed\r\n"
        b"Status: 4.4.1\r\n"
        b"Will-Retry-Until: Thu, 26 Nov 2026 08:00:00 +0000\r\n"
    )
    assert original.media_type == "text/rfc822-headers"
    assert original.decoded(raw) == ORIGINAL.partition(b"\r\n\r\n")[0] + b"\r\n"


@pytest.mark.parametrize("word", ["x\r\nBcc: y@z.fr", "é", "a b", "x" * 501, "\x7f"])
def test_what_an_author_wrote_is_repeated_only_where_it_is_a_word(word: str) -> None:
    raw = report(original=f"rfc822;{word}", envelope_id=word)
    assert b"Original-" not in raw and b"Bcc" not in raw


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 no such", RemoteReply("", 550, "5.1.1")),
        ("mx.b.example 451 4.3.0", RemoteReply("mx.b.example", 451, "4.3.0")),
        ("550-5.7.1 several", RemoteReply("", 550, "5.7.1")),
        ("554 no", RemoteReply("", 554, "")),
        ("250 2.0.0 taken", RemoteReply("", 250, "2.0.0")),
        ("5500 x", NO_REPLY),
        ("timed out", NO_REPLY),
        ("", NO_REPLY),
    ],
)
def test_of_a_reply_the_codes_are_kept(text: str, expected: RemoteReply) -> None:
    assert parse_reply(text) == expected


def test_the_body_of_the_original_is_not_returned() -> None:
    assert b"SECRET" not in report()


def test_the_judge_reads_two_recipients() -> None:
    judged = email.message_from_bytes(report(), policy=email.policy.default)
    groups = list(judged.iter_parts())[1].get_payload()
    assert [group["action"] for group in groups] == [None, "failed", "delayed"]


def test_no_value_of_a_report_writes_a_field() -> None:
    with pytest.raises(HeaderInjection):
        report(subject="x\r\nBcc: y@z.fr")
    assert b"\r\nBcc:" not in report(diagnostic="550 x\r\nBcc: y@z.fr")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Subject: x", False),
        (b"Auto-Submitted: no", False),
        (b"Auto-Submitted: No; x=y", False),
        (b"Auto-Submitted: no (comment)", False),
        (b"Auto-Submitted: auto-replied", True),
        (b"Auto-Submitted: auto-generated; x=y", True),
        (b"Auto-Submitted:", True),
        (b"Precedence: bulk", True),
        (b"Precedence: LIST", True),
        (b"Precedence: auto_reply", True),
        (b"Precedence: first-class", False),
        (b"X-Autoreply: yes", True),
        (b"X-Autorespond: x", True),
        (b"List-Id: <x.example.fr>", True),
        (b"Content-Type: multipart/report; boundary=b", False),  # without a part it is text
    ],
)
def test_a_machine_is_told_by_its_header(header: bytes, expected: bool) -> None:
    assert is_automatic(scan(header + b"\r\n\r\nx"), CLAIRE) is expected


def test_a_null_reverse_path_is_a_machine() -> None:
    assert is_automatic(scan(b"Subject: x\r\n\r\n"), None)


def test_a_report_is_a_machine_signed_or_not() -> None:
    raw = report().replace(b"Auto-Submitted: auto-replied\r\n", b"")
    assert is_automatic(scan(raw), CLAIRE)
    assert is_automatic(scan(wrap_signed(raw, lambda _: b"DER")), CLAIRE)
