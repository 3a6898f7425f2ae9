"""ENVELOPE and BODYSTRUCTURE, written by hand from RFC 9051 §7.5.2 for messages of the corpus."""

from pathlib import Path

import pytest

from mss_gateway.message.parse import scan
from mss_gateway.message.structure import imap_string
from mss_gateway.message.summary import Summary, summarise

CORPUS = Path(__file__).parents[3] / "corpus" / "messages"
CLAIRE = b'(("Dr Claire Martin" NIL "claire.martin" "chu.example.fr"))'
PATIENT = b'((NIL NIL "279035121518989" "patient.example.fr"))'
DATE = b'"Sun, 22 Nov 2026 08:00:00 +0100"'
US = b'("charset" "us-ascii")'
UTF8 = b'("charset" "utf-8")'
TEXT = b'("text" "plain" ' + UTF8 + b' NIL NIL "8bit" 33 2'
HTML = b'("text" "html" ' + UTF8 + b' NIL NIL "quoted-printable" 55 2'
PDF = b'("application" "pdf" ("name" "bilan.pdf") NIL NIL "base64" '
X4 = b" NIL NIL NIL NIL)"
FILE = b' NIL ("attachment" ("filename" "bilan.pdf")) NIL NIL)'


def read(name: str) -> Summary:
    (path,) = CORPUS.glob(f"{name}-*.eml")
    return Summary(summarise(scan(path.read_bytes())))


def around(subject: bytes, *, to: bytes = PATIENT) -> bytes:
    people = b" ".join([CLAIRE, CLAIRE, CLAIRE, to])
    return b"(" + DATE + b" " + subject + b" " + people + b' NIL NIL NIL "<1@chu.example.fr>")'


GROUP = (
    b'((NIL NIL "Equipe" NIL)(NIL NIL "paul" "chu.example.fr")'
    b'("Durand, Anne" NIL "anne" "chu.example.fr")(NIL NIL NIL NIL))'
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01", around(b'"Essai"')),
        ("16", b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
        ("17", around(b'"Essai"')),
        ("18", b'(NIL "Un sujet  sur trois\tlignes" '
               + b" ".join([CLAIRE] * 3) + b" NIL NIL NIL NIL NIL)"),
        ("22", around(b'"=?utf-8?Q?R=C3=A9sultats_de_?= =?utf-8?B?dm90cmUgYmlsYW4=?="')),
        ("23", around("{18}\r\nRésultats à lire".encode())),
        ("24", b"(" + DATE + b' "Essai" ' + CLAIRE + b' ((NIL NIL "robot" "chu.example.fr"))'
               b' (("Secretariat" NIL "secretariat" "chu.example.fr")) ' + GROUP
               + b' ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'
               b' ((NIL NIL "x" "chu.example.fr")) NIL "<1@chu.example.fr>")'),
        ("36", around(b'"Essai"', to=b'(("Martin, Claire <a@b.example.fr>" NIL '
                                     b'"invalid-address" "invalid"))')),
        ("39", around(b'"Essai"').replace(b"Dr Claire Martin", b'Dr \\"Claire\\" Martin')),
    ],
)  # fmt: skip
def test_the_envelope_is_written_as_imap_wants_it(name: str, expected: bytes) -> None:
    assert read(name).envelope == expected


def pdf_size(name: str) -> bytes:
    (path,) = CORPUS.glob(f"{name}-*.eml")
    (part,) = [
        one for one in scan(path.read_bytes()).root.walk() if one.media_type.endswith("/pdf")
    ]
    return b"%d" % part.size


PDF_SIZE = pdf_size("04")
MIXED = (
    b"(" + TEXT + X4 + PDF + PDF_SIZE + FILE
    + b' "mixed" ("boundary" "frontiere") NIL NIL NIL)'
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01", b'("text" "plain" ' + US + b' NIL NIL "7bit" 21 2' + X4),
        ("02", TEXT + X4),
        ("04", MIXED),
        ("05", b"(" + TEXT + X4 + HTML + X4
               + b' "alternative" ("boundary" "frontiere") NIL NIL NIL)'),
        ("09", b"(" + TEXT + X4 + b'("message" "rfc822" NIL NIL NIL "7bit" 231 '
               + around(b'"Message interne"') + b' ("text" "plain" ' + US
               + b' NIL NIL "7bit" 16 1' + X4 + b" 8" + X4
               + b' "mixed" ("boundary" "frontiere") NIL NIL NIL)'),
        ("16", b'("text" "plain" ' + US + b' NIL NIL "7bit" 21 1' + X4),
        ("17", b'("text" "plain" ' + US + b' NIL NIL "7bit" 0 0' + X4),
        ("31", b'("text" "plain" ' + US + b' NIL NIL "7bit" 19 1' + X4),
        ("19", MIXED.replace(b'"filename" "bilan.pdf"',
                             b"\"filename*\" \"utf-8''r%C3%A9sultats%20d%27avril.pdf\"")),
        ("38", b'("text" "plain" ' + UTF8 + b' NIL "=?utf-8?Q?d=C3=A9tail?=" "8bit" 33 2'
               b' "Q2hlY2sgSW50ZWdyaXR5IQ==" NIL ("fr" "en") "http://example.fr/a")'),
        ("39", MIXED.replace(b'"filename" "bilan.pdf"', b'"filename" "a\\"b\\\\c.pdf"')),
    ],
)  # fmt: skip
def test_the_structure_is_written_as_imap_wants_it(name: str, expected: bytes) -> None:
    assert read(name).bodystructure == expected


def test_body_is_the_structure_without_its_extension() -> None:
    assert read("02").body == TEXT + b")"
    assert read("04").body == b"(" + TEXT + b")" + PDF + PDF_SIZE + b') "mixed")'


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, b"NIL"), (b"", b'""'), (b"a", b'"a"'), (b'a"b', b'"a\\"b"'), (b"a\\b", b'"a\\\\b"'),
        (b"a\tb", b'"a\tb"'), (b"\xc3\xa9", b"{2}\r\n\xc3\xa9"), (b"a\rb", b"{3}\r\na\rb"),
        (b"a\nb", b"{3}\r\na\nb"), (b"a\0b", b"{2}\r\nab"), (b"\x7f", b'"\x7f"'),
    ],
)  # fmt: skip
def test_a_string_is_quoted_or_a_literal(value: bytes | None, written: bytes) -> None:
    assert imap_string(value) == written
