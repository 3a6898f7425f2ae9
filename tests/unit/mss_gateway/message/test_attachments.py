"""Attachments and the text to show, in the corpus and in trees made to deceive."""

import base64
import quopri
from pathlib import Path

import pytest

from mss_gateway.message.attachments import (
    NAME_LIMIT,
    SHOWN_TEXT_LIMIT,
    attachments,
    body_text,
    forbidden_part,
    safe_name,
)
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message

CORPUS = Path(__file__).parents[3] / "corpus" / "messages"


def read(name: str) -> Message:
    (path,) = CORPUS.glob(f"{name}-*.eml")
    return scan(path.read_bytes())


def message(*entities: str, subtype: str = "mixed") -> Message:
    pieces = [f"Content-Type: multipart/{subtype}; boundary=b\r\n\r\n"]
    pieces += [f"--b\r\n{entity}\r\n" for entity in entities]
    return scan(("".join(pieces) + "--b--").encode())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("02", []),
        ("05", []),
        ("08", []),
        ("04", [("2", "bilan.pdf", "application/pdf", "application/pdf")]),
        (
            "07",
            [
                ("1.2", "", "image/png", "image/png"),
                ("2", "bilan.pdf", "application/pdf", "application/pdf"),
            ],
        ),
        ("10", [("2", "", "message/rfc822", "message/rfc822")]),
        ("12", [("1", "", "message/rfc822", "message/rfc822")]),
        ("19", [("2", "résultats d'avril.pdf", "application/pdf", "application/pdf")]),
        ("40", [("2", "", "text/calendar", "text/plain")]),
    ],
)
def test_attachments_are_found(name: str, found: list[tuple[str, str, str, str]]) -> None:
    assert [
        (one.number, one.claimed_name, one.claimed_type, one.sniffed_type)
        for one in attachments(read(name))
    ] == found


@pytest.mark.parametrize("name", ["04", "07", "06", "40", "10"])
def test_the_size_is_that_of_the_content(name: str) -> None:
    for one in attachments(read(name)):
        assert one.size == len(one.content())


def test_the_size_of_quoted_printable_is_that_of_the_content() -> None:
    (one,) = attachments(
        message(
            "Content-Type: text/csv\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db"
        )
    )
    assert (one.size, one.content()) == (3, b"a=b")


@pytest.mark.parametrize(
    ("claimed", "shown"),
    [
        ("bilan.pdf", "bilan.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\temp\\a.exe", "C:_temp_a.exe"),
        ("a\0b\r\n.pdf", "ab .pdf"),
        ("facture\u202efdp.exe", "facturefdp.exe"),
        ("", ""),
        ("...", ""),
        ("é" * 150, "é" * 150),
        ("é" * 151, "é" * 150),
        ("x" * 200 + ".pdf", "x" * 146 + ".pdf"),
        ("x" * 200 + "." + "y" * 60, "x" * 150),
    ],
)
def test_a_claimed_name_is_only_ever_a_name(claimed: str, shown: str) -> None:
    assert safe_name(claimed) == shown
    assert len(safe_name(claimed)) <= NAME_LIMIT


@pytest.mark.parametrize("name", ["07", "05"])
def test_both_forms_of_an_alternative_are_shown(name: str) -> None:
    text = body_text(read(name))
    assert text.plain == "Bonjour,\r\nvoici les résultats.\r\n"
    assert text.html == "<p>Bonjour, voici les résultats du bilan.</p>\r\n"


def test_fields_that_a_text_repeats_are_left_out_where_its_reader_has_them() -> None:
    repeated = message(
        'Content-Type: text/plain; hp-legacy-display="1"\r\n\r\nSubject: Bilan\r\n\r\nBonjour.'
    )
    assert body_text(repeated).plain == "Subject: Bilan\r\n\r\nBonjour."
    assert body_text(repeated, repeats_fields=True).plain == "Bonjour."


def test_text_outside_the_alternative_is_not_joined_to_it() -> None:
    text = body_text(
        message("Content-Type: text/html\r\n\r\n<p>un", "Content-Type: text/plain\r\n\r\ndeux")
    )
    assert (text.plain, text.html) == (None, "<p>un")


@pytest.mark.parametrize(
    ("entity", "plain"),
    [
        ("Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx", None),
        ("Content-Type: text/plain; name=a.txt\r\n\r\nx", None),
        ("Content-Type: text/plain\r\nContent-Disposition: inline\r\n\r\nx", "x"),
        ("Content-Type: message/rfc822\r\n\r\n\r\nx", None),
        ("Content-Type: application/pdf\r\n\r\nx", None),
    ],
)
def test_only_text_of_the_body_is_shown(entity: str, plain: str | None) -> None:
    assert body_text(message(entity)).plain == plain


def test_a_long_text_is_cut() -> None:
    raw = b"Subject: x\r\n\r\n" + b"x" * (SHOWN_TEXT_LIMIT + 1)
    assert body_text(scan(raw)).plain == "x" * SHOWN_TEXT_LIMIT


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.eml")), ids=lambda path: path.stem)
def test_honest_messages_may_travel(path: Path) -> None:
    assert forbidden_part(scan(path.read_bytes())) is None


PROGRAM = "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAA="
BASE64 = "\r\nContent-Transfer-Encoding: base64\r\n\r\n"


@pytest.mark.parametrize(
    ("entities", "number"),
    [
        (["\r\nbonjour", f"Content-Type: image/jpeg; name=a.jpg{BASE64}{PROGRAM}"], "2"),
        ([f"Content-Type: text/plain{BASE64}{PROGRAM}"], "1"),
        (
            [
                "\r\nx",
                f"Content-Type: message/rfc822\r\n\r\nContent-Type: image/png{BASE64}{PROGRAM}",
            ],
            "2.1",
        ),
        ([f"Content-Type: message/rfc822{BASE64}{PROGRAM}"], "1"),
        (["Content-Type: text/plain; name=a.txt\r\n\r\n#!/bin/sh"], "1"),
        (["Content-Type: application/pdf\r\n\r\nPK\x03\x04"], "1"),
        (["\r\n#!/bin/sh est un texte ici"], None),
    ],
)
def test_what_may_not_travel_is_found_by_content(entities: list[str], number: str | None) -> None:
    assert forbidden_part(message(*entities)) == number


def test_a_message_that_is_one_file_is_part_1() -> None:
    raw = f"Content-Type: application/pdf{BASE64}{PROGRAM}".encode()
    assert forbidden_part(scan(raw)) == "1"


_PROGRAM = b"MZ\x90\0" + b"\0" * 60 + b"PE\0\0" + b"\0" * 400_000


@pytest.mark.parametrize("stuffing", [0, 191 * 1024, 193 * 1024, 600_000])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_program_behind_blanks_of_its_encoding_is_still_a_program(
    stuffing: int, encoding: str
) -> None:
    encode = base64.encodebytes if encoding == "base64" else quopri.encodestring
    # blanks that decoding drops: lines of spaces in base64, soft line ends in quoted-printable
    blank = b" " * 74 + b"\r\n" if encoding == "base64" else b"=\r\n"
    body = blank * (stuffing // len(blank)) + encode(_PROGRAM).replace(b"\n", b"\r\n")
    raw = (
        b'Content-Type: application/pdf; name="lettre.pdf"\r\n'
        b"Content-Disposition: attachment\r\n"
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    )

    assert forbidden_part(scan(raw)) == "1"
