"""Summary: sections, search terms, header fields; what is read back is what the message says."""

from pathlib import Path

import pytest

from mss_gateway.message.dates import parse_date
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, filter_header, summarise

CORPUS = Path(__file__).parents[3] / "corpus" / "messages"


def read(name: str) -> tuple[bytes, Summary]:
    (path,) = CORPUS.glob(f"{name}-*.eml")
    raw = path.read_bytes()
    return raw, Summary(summarise(scan(raw)))


def cut(raw: bytes, summary: Summary, spec: bytes) -> bytes | None:
    place = summary.section(spec)
    return None if place is None else raw[place[0] : place[0] + place[1]]


def test_the_whole_its_header_and_its_text() -> None:
    raw, summary = read("02")
    assert cut(raw, summary, b"") == raw
    header, text = cut(raw, summary, b"HEADER"), cut(raw, summary, b"text")
    assert header is not None and text is not None
    assert header.endswith(b"8bit\r\n\r\n") and header + text == raw
    assert cut(raw, summary, b"1") == text
    assert cut(raw, summary, b"1.mime") == header
    assert summary.header_fields == (0, len(header))
    assert summary.size == len(raw)


def test_the_parts_of_a_multipart() -> None:
    raw, summary = read("04")
    assert cut(raw, summary, b"1") == "Bonjour,\r\nvoici les résultats.\r\n".encode()
    mime = cut(raw, summary, b"2.MIME") or b""
    assert mime.startswith(b"Content-Type: application/pdf") and mime.endswith(b"base64\r\n\r\n")


def test_the_parts_of_an_enclosed_message() -> None:
    raw, summary = read("10")
    enclosed = cut(raw, summary, b"2") or b""
    header, text = cut(raw, summary, b"2.HEADER") or b"", cut(raw, summary, b"2.TEXT") or b""
    assert enclosed.startswith(b"From: ") and header + text == enclosed
    assert cut(raw, summary, b"2.MIME") == b"Content-Type: message/rfc822\r\n\r\n"
    assert cut(raw, summary, b"2.1") == cut(raw, summary, b"1")
    assert (cut(raw, summary, b"2.2.MIME") or b"").startswith(b"Content-Type: application/pdf")


def test_an_enclosed_message_of_one_part_has_part_1() -> None:
    raw, summary = read("09")
    assert cut(raw, summary, b"2.1") == b"Texte interne.\r\n"
    assert (cut(raw, summary, b"2.1.MIME") or b"").endswith(b"MIME-Version: 1.0\r\n\r\n")


def test_a_message_that_is_a_message() -> None:
    raw, summary = read("12")
    assert (cut(raw, summary, b"1.HEADER") or b"").startswith(b"From: ")
    assert cut(raw, summary, b"1.1") == "Bonjour,\r\nvoici les résultats.\r\n".encode()
    assert cut(raw, summary, b"1.2.MIME") is not None


@pytest.mark.parametrize(
    "spec", [b"0", b"3", b"2.1", b"1.HEADER", b"2.TEXT", b"MIME", b"1.", b".1", b"1.X", b"X", b"01"]
)
def test_a_section_that_is_not_there_is_none(spec: bytes) -> None:
    assert read("04")[1].section(spec) is None


def test_search_terms_are_decoded_and_lower_case() -> None:
    _, summary = read("24")
    assert summary.from_text == "dr claire martin <claire.martin@chu.example.fr>"
    assert '"durand, anne" <anne@chu.example.fr>' in summary.to_text
    assert summary.cc_text == "undisclosed-recipients:;"
    assert summary.bcc_text == "x@chu.example.fr"
    assert read("22")[1].subject == "Résultats de votre bilan"
    assert read("23")[1].subject == "Résultats à lire"


def test_threads_are_known_by_their_identifiers() -> None:
    raw = (
        b"Message-ID: <3@x.fr>\r\nIn-Reply-To: <2@x.fr> (de Claire)\r\n"
        b"References: <1@x.fr>\r\n <2@x.fr><0@x.fr> perdu\r\n\r\n"
    )
    summary = Summary(summarise(scan(raw)))
    assert summary.message_id == "<3@x.fr>"
    assert summary.in_reply_to == ("<2@x.fr>",)
    assert summary.references == ("<1@x.fr>", "<2@x.fr>", "<0@x.fr>")
    assert read("16")[1].message_id == ""
    assert read("16")[1].references == ()


def test_a_list_shows_a_name_and_whether_there_are_attachments() -> None:
    assert read("04")[1].first_display_name == "Dr Claire Martin"
    assert read("04")[1].author == "claire.martin@chu.example.fr"
    assert read("16")[1].first_display_name == read("16")[1].author == ""
    with_files = [
        name for name in ("02", "04", "05", "06", "08", "09", "40") if read(name)[1].has_attachment
    ]
    assert with_files == ["04", "06", "09", "40"]


def test_the_date_is_kept_as_a_moment_and_as_the_day_written() -> None:
    summary = read("02")[1]
    assert (summary.sent_date, summary.sent_zone) == (1795330800, 60)
    assert summary.sent_day == 1795330800 // 86_400
    late = Summary(summarise(scan(b"Date: 22 Nov 2026 00:30:00 +0200\r\n\r\n")))
    assert late.sent_date is not None
    assert late.sent_day == late.sent_date // 86_400 + 1
    assert (read("35")[1].sent_date, read("35")[1].sent_day) == (None, None)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 22 Nov 2026 08:00:00 +0100", (1795330800, 60)),
        ("22 Nov 2026 07:00 GMT", (1795330800, 0)),
        ("Sun , 22  Nov  2026  02:00:00  EST (ici)", (1795330800, -300)),
        ("22 nov 26 07:00:00 Z", (1795330800, 0)),
        ("22 Nov 2026 07:00:00", (1795330800, 0)),
        ("1 Jan 70 00:00:00 +0000", (0, 0)),
        ("31 Dec 1969 19:00:00 -0500", (0, -300)),
        ("31 Dec 2016 23:59:60 +0000", (1483228799, 0)),
        ("1 Jan 49 00:00:00 +0000", (2493072000, 0)),
        ("30 Feb 2026 00:00:00 +0000", None),
        ("22 Nov 2026 25:00:00 +0000", None),
        ("22 Xyz 2026 07:00:00 +0000", None),
        ("22 Nov 0000 07:00:00 +0000", None),
        ("22 Nov 2026", None),
        ("hier", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_date_is_read_or_is_none(text: str, moment: tuple[int, int] | None) -> None:
    assert parse_date(text) == moment


HEADER = b"From: a@b.fr\r\nSubject: un\r\n deux\r\nTO: c@d.fr\r\nX-A: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("names", "invert", "kept"),
    [
        ({b"SUBJECT", b"to"}, False, b"Subject: un\r\n deux\r\nTO: c@d.fr\r\n\r\n"),
        ({b"Subject", b"TO"}, True, b"From: a@b.fr\r\nX-A: 1\r\n\r\n"),
        ({b"Cc"}, False, b"\r\n"),
        (set(), True, HEADER),
    ],
)
def test_header_fields_are_kept_in_order_and_folded(
    names: set[bytes], invert: bool, kept: bytes
) -> None:
    assert filter_header(HEADER, frozenset(names), invert) == kept


def test_a_header_without_its_empty_line_is_filtered_too() -> None:
    assert filter_header(b"A: 1\r\nB: 2", frozenset({b"b"}), False) == b"B: 2\r\n\r\n"
    assert filter_header(b"", frozenset({b"b"}), True) == b"\r\n"


def test_a_summary_of_another_version_is_refused() -> None:
    octets = bytearray(summarise(scan(b"")))
    octets[0] += 1
    with pytest.raises(ValueError, match="version"):
        Summary(bytes(octets))
