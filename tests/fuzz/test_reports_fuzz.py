"""Hostile reports: what another server calls a report is read within bounds, or says nothing."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mss_gateway.message.dsn import parse_reply
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.mdn import asked_by, asks_for_delivery
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.status_report import RECIPIENTS, read_status_report
from tests.support.read_receipts import read_notification

PIECES = [
    b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b"/", b"--b\r\n", b"\r\n--b\r\n", b"\r\n--b--",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: message/disposition-notification\r\n\r\n",
    b"Content-Type: text/rfc822-headers\r\n\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Reporting-MTA: dns; a\r\n", b"Original-Envelope-Id: ", b"Arrival-Date: x\r\n",
    b"Final-Recipient: rfc822; a@b.fr\r\n", b"Original-Recipient: rfc822;", b"Action: failed\r\n",
    b"Status: 5.1.1\r\n", b"Disposition: ", b"manual-action", b"MDN-sent-manually", b"displayed",
    b"Error: ", b"Received: by a.fr with ESMTPS id ", b"0" * 26, b"Message-ID: <1@a.fr>\r\n",
    b"a@b.fr", b"<a@b.fr>", b"=?utf-8?q?", b"?=", b"\xc3\xa9", b"\xff", b"QUJD", b"=3D",
    b"Disposition-Notification-To: ", b"Disposition-Notification-Options: x=required,y\r\n",
    b"Return-Receipt-To: ", b"x" * 600,
]  # fmt: skip

HEAD = b'Content-Type: multipart/report; report-type=%b; boundary="b"\r\n'


@st.composite
def reports(draw: st.DrawFn) -> bytes:
    """Something like a report, of either kind, with every part in disorder."""
    kind = draw(st.sampled_from([b"delivery-status", b"disposition-notification"]))
    pieces = draw(st.lists(st.sampled_from(PIECES) | st.binary(max_size=12), max_size=40))
    machine = b"\r\n--b\r\nContent-Type: message/%b\r\n\r\n" % kind
    body = b"".join(pieces)
    where = draw(st.integers(0, len(body)))
    return HEAD % kind + b"\r\n--b\r\n\r\nx" + body[:where] + machine + body[where:]


@settings(max_examples=400, deadline=None)
@given(reports())
@example(HEAD % b"delivery-status" + b"\r\n--b\r\n\r\nx\r\n--b\r\n\r\n\r\n--b--\r\n")
def test_a_report_is_read_or_says_nothing(raw: bytes) -> None:
    if find_bare_line_ending(raw) is not None:
        return
    try:
        message = scan(raw)
    except MessageMalformed:
        return
    told = read_status_report(message)
    if told is not None:
        assert len(told.recipients) <= RECIPIENTS
        assert told.envelope_id.isascii() and "\n" not in told.envelope_id
    notified = read_notification(message)
    if notified is not None:
        assert notified.kind and len(notified.message_id) <= 900
    assert asked_by(message.header, None) is None
    assert asks_for_delivery(message.header, None) is False


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_a_reply_gives_codes_or_none(text: str) -> None:
    reply = parse_reply(text)
    assert reply.code == 0 or 200 <= reply.code < 600
    assert reply.server.isascii() and not set(reply.server) & set("\r\n <>")
