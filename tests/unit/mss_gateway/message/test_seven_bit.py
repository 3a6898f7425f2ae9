"""7-bit before signing: other octets on the way, the same octets in the end."""

from pathlib import Path

import pytest

from mss_gateway.message import smime
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.part import Part
from mss_gateway.message.seven_bit import seven_bit

FILES = sorted((Path(__file__).parents[3] / "corpus" / "messages").glob("*.eml"))
ACCENTS = "Compte rendu opératoire =3D fin \r\n-- \r\nÀ bientôt\t\r\n".encode()
BINARY = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"") * 5


def mixed(*parts: bytes, head: bytes = b"") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n" + head + b"\r\n" + body + b"--b--\r\n"


def text(body: bytes, encoding: bytes = b"8bit", kind: bytes = b"plain") -> bytes:
    fields = b"Content-Type: text/" + kind + b"; charset=utf-8\r\n"
    if encoding:
        fields += b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    return fields + b"\r\n" + body


def leaves(raw: bytes) -> list[Part]:
    return [part for part in scan(raw).root.walk() if not part.children]


def decoded(raw: bytes) -> list[tuple[str, bytes]]:
    return [(part.media_type, part.decoded(raw)) for part in leaves(raw)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_part_decodes_to_what_it_was(path: Path) -> None:
    raw = path.read_bytes()
    made = seven_bit(raw)
    assert decoded(made) == decoded(raw)
    assert find_bare_line_ending(made) is None
    assert seven_bit(made) == made


def test_what_is_7_bit_is_not_copied() -> None:
    raw = mixed(text(b"bonjour", b"7bit"), text(b"x" * 998 + b"\r\n", b""))
    assert seven_bit(raw) is raw


@pytest.mark.parametrize("encoding", [b"8bit", b"binary", b"7bit", b""])
def test_text_becomes_quoted_printable(encoding: bytes) -> None:
    raw = b"Subject: x\r\n" + text(ACCENTS, encoding)
    made = seven_bit(raw)
    root = scan(made).root
    assert made.isascii()
    assert root.encoding == "quoted-printable"
    assert root.decoded(made) == ACCENTS
    assert len(root.header.all("content-transfer-encoding")) == 1
    assert max(map(len, made.split(b"\r\n"))) <= 76


def test_other_bodies_become_base64() -> None:
    part = (
        b"Content-Type: application/zip; name=IHE_XDM.ZIP\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + BINARY
    )
    raw = mixed(text(b"ascii", b"7bit"), part, head=b"Content-Transfer-Encoding: binary\r\n")
    made = seven_bit(raw)
    root = scan(made).root
    assert made.isascii()
    assert root.encoding == "7bit"
    assert root.children[0].encoding == "7bit"
    assert root.children[1].encoding == "base64"
    assert root.children[1].decoded(made) == BINARY


def test_a_line_too_long_is_encoded() -> None:
    raw = text(b"x" * 999 + b"\r\nfin", b"")
    made = seven_bit(raw)
    assert scan(made).root.encoding == "quoted-printable"
    assert scan(made).root.decoded(made) == b"x" * 999 + b"\r\nfin"


def test_base64_with_stray_octets_is_written_anew() -> None:
    raw = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQU\xe9JD\r\n"
    made = seven_bit(raw)
    assert made.isascii()
    assert scan(made).root.decoded(made) == scan(raw).root.decoded(raw) == b"ABC"


def test_no_soft_break_makes_a_delimiter() -> None:
    body = "é".encode() + b"x" * 69 + b"--b\r\n" + b"y" * 80
    raw = mixed(text(body), text(b"fin", b"7bit"))
    made = seven_bit(raw)
    assert made.isascii()
    assert decoded(made) == decoded(raw)
    assert scan(made).root.children[0].encoding == "base64"


@pytest.mark.parametrize(
    "kept",
    [
        smime.signed_entity(text(ACCENTS), lambda _: b"DER"),
        b"Content-Type: multipart/signed; protocol=x/y; boundary=s\r\n\r\n"
        b"--s\r\n" + text(ACCENTS) + b"\r\n--s\r\n\r\nsig\r\n--s--",
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n"
        + text(ACCENTS),
    ],
)
def test_what_somebody_may_have_signed_is_not_touched(kept: bytes) -> None:
    raw = mixed(text(ACCENTS), kept, head=b"Content-Transfer-Encoding: 8bit\r\n")
    made = seven_bit(raw)
    assert b"\r\n--b\r\n" + kept + b"\r\n--b--" in made
    root = scan(made).root
    assert root.encoding == "8bit"  # something in it still is
    assert root.children[0].encoding == "quoted-printable"
    assert seven_bit(kept) == kept


def test_a_part_without_a_header_gets_its_encoding() -> None:
    raw = mixed(b"\r\n" + ACCENTS)
    made = seven_bit(raw)
    part = scan(made).root.children[0]
    assert (part.encoding, part.decoded(made)) == ("quoted-printable", ACCENTS)
