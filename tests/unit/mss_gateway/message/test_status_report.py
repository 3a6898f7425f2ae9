"""Delivery reports of others: read where they are reports, silent where they are anything else."""

import pytest

from mss_gateway.message.address import EmailAddress
from mss_gateway.message.parse import scan
from mss_gateway.message.report_parts import FIELDS_OCTETS, RETURNED_OCTETS
from mss_gateway.message.smime import wrap_signed
from mss_gateway.message.status_report import RECIPIENTS, RecipientStatus, read_status_report

PAUL = EmailAddress("paul", "b.example")
GROUP = "Final-Recipient: rfc822; paul@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
ABOUT = "Reporting-MTA: dns; mx.b.example\r\nOriginal-Envelope-Id: ref-1\r\n"
RETURNED = (
    "Content-Type: text/rfc822-headers\r\n\r\nReceived: by a.example\r\nMessage-ID: <1@a>\r\n"
)


def report(fields: str = f"{ABOUT}\r\n{GROUP}", returned: str = RETURNED) -> bytes:
    """As another operator writes it."""
    return (
        "From: <postmaster@b.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNon remis.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{fields}"
        f"\r\n--b\r\n{returned}\r\n--b--\r\n"
    ).encode()


def test_it_says_whom_it_speaks_of_and_what_became_of_them() -> None:
    found = read_status_report(scan(report()))
    assert found is not None
    assert found.envelope_id == "ref-1"
    assert found.recipients == (RecipientStatus((PAUL,), "failed", "5.1.1"),)
    assert found.recipients[0].is_final_failure
    assert found.returned is not None and found.returned.unfolded("message-id") == "<1@a>"


def test_signed_it_says_the_same() -> None:
    assert read_status_report(scan(wrap_signed(report(), lambda _: b"DER"))) is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("Final-Recipient: rfc822;paul@b.example",), (PAUL,)),
        (("Final-Recipient: RFC822; Paul@B.example",), (PAUL,)),
        (
            ("Final-Recipient: rfc822; paul@b.example", "Original-Recipient: rfc822; l@b.example"),
            (PAUL, EmailAddress("l", "b.example")),
        ),
        (("Final-Recipient: x400; /G=Paul/",), ()),
        (("Final-Recipient: rfc822; nobody",), ()),
        (("Final-Recipient: paul@b.example",), ()),
    ],
)
def test_addresses_are_those_of_mail(
    fields: tuple[str, ...], expected: tuple[EmailAddress, ...]
) -> None:
    lines = "\r\n".join((*fields, "Action: failed"))
    found = read_status_report(scan(report(f"{ABOUT}\r\n{lines}\r\n")))
    assert found is not None and found.recipients[0].addresses == expected


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("failed", "5.1.1", True),
        ("Failed (expired)", "5.4.7 (too late)", True),
        ("failed", "4.4.7", False),
        ("delayed", "5.1.1", False),
        ("delivered", "2.0.0", False),
        ("", "", False),
    ],
)
def test_only_what_failed_for_good_has_failed(action: str, status: str, expected: bool) -> None:
    lines = f"Final-Recipient: rfc822; paul@b.example\r\nAction: {action}\r\nStatus: {status}\r\n"
    found = read_status_report(scan(report(f"{ABOUT}\r\n{lines}")))
    assert found is not None and found.recipients[0].is_final_failure is expected


def test_recipients_are_limited() -> None:
    at = read_status_report(scan(report("\r\n".join((ABOUT, *[GROUP] * RECIPIENTS)))))
    assert at is not None and len(at.recipients) == RECIPIENTS
    above = read_status_report(scan(report("\r\n".join((ABOUT, *[GROUP] * (RECIPIENTS + 1))))))
    assert above is None


def test_octets_are_limited() -> None:
    room = FIELDS_OCTETS - len(f"{ABOUT}\r\n{GROUP}X: \r\n")
    line = "X: " + "x" * room + "\r\n"
    assert read_status_report(scan(report(f"{ABOUT}\r\n{GROUP}{line}"))) is not None
    assert read_status_report(scan(report(f"{ABOUT}\r\n{GROUP}x{line}"))) is None


@pytest.mark.parametrize("fields", ["", "\r\n\r\n", "no field\r\n", f"{ABOUT}\r\nno field\r\n"])
def test_what_cannot_be_read_says_nothing(fields: str) -> None:
    assert read_status_report(scan(report(fields))) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("multipart/report", "multipart/mixed"),
        ("message/delivery-status", "text/plain"),
        ("message/delivery-status", "message/disposition-notification"),
    ],
)
def test_anything_else_is_no_report(old: str, new: str) -> None:
    assert read_status_report(scan(report().replace(old.encode(), new.encode()))) is None
    assert read_status_report(scan(b"Subject: x\r\n\r\nx")) is None


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("Content-Type: message/rfc822\r\n\r\nMessage-ID: <2@a>\r\n\r\nbody", "<2@a>"),
        ("Content-Type: text/rfc822-headers\r\n\r\nno field", None),
        ("Content-Type: text/plain\r\n\r\nMessage-ID: <2@a>", None),
        ("Content-Type: text/rfc822-headers\r\n\r\nX: " + "x" * RETURNED_OCTETS, None),
    ],
)
def test_the_header_that_it_gives_back(returned: str, expected: str | None) -> None:
    found = read_status_report(scan(report(returned=returned)))
    assert found is not None
    header = found.returned
    assert (None if header is None else header.unfolded("message-id")) == expected
