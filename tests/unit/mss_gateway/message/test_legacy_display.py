"""Fields repeated in a text for old readers: written, and taken away for showing (RFC 9788)."""

from email import message_from_bytes, policy

import pytest

from mss_gateway.message.header_protection import opened, protect
from mss_gateway.message.legacy_display import (
    has_legacy_display,
    is_for_encryption,
    with_legacy_display,
    without_legacy_display,
)
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Part


def part(kind: str, marked: bool = True) -> Part:
    mark = '; hp-legacy-display="1"' if marked else ""
    return scan(f"Content-Type: text/{kind}{mark}\r\n\r\nx".encode()).root


ELEMENT = '<div class="header-protection-legacy-display">\r\n<pre>Subject: Dîner</pre>\r\n</div>'
RULE = "<style>.header-protection-legacy-display { color: red }</style>"


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("plain", "Subject: Dîner\r\n\r\nBonjour\r\n", "Bonjour\r\n"),
        ("plain", "Subject: Dîner\nFrom: a@b.fr\n suite\n\nBonjour\n", "Bonjour\n"),
        ("plain", "Bonjour,\r\n\r\nfin\r\n", "Bonjour,\r\n\r\nfin\r\n"),
        ("plain", "Subject: Dîner\r\nBonjour\r\n\r\nfin", "Subject: Dîner\r\nBonjour\r\n\r\nfin"),
        ("plain", "", ""),
        ("html", f"<html><body>{ELEMENT}<p>Bonjour</p></body></html>",
         "<html><body><p>Bonjour</p></body></html>"),
        ("html", ELEMENT.removeprefix("<div "), ELEMENT.removeprefix("<div ")),
        ("html", ELEMENT.removesuffix("</div>"), ELEMENT.removesuffix("</div>")),
        ("html", "<p>Bonjour</p>", "<p>Bonjour</p>"),
        ("html", f"{RULE}<body>{ELEMENT}fin", f"{RULE}<body>fin"),
        ("html", f"İİİ{ELEMENT}fin", "İİİfin"),
        ("html", f"{ELEMENT.upper()}fin", "fin"),
    ],
)  # fmt: skip
def test_what_is_repeated_goes_and_nothing_else(kind: str, text: str, shown: str) -> None:
    assert without_legacy_display(part(kind), text) == shown


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_unmarked_text_is_shown_whole(kind: str) -> None:
    text = f"Subject: Dîner\r\n\r\n{ELEMENT}"
    assert without_legacy_display(part(kind, marked=False), text) == text


def test_only_text_is_marked() -> None:
    assert has_legacy_display(part("plain"))
    assert not has_legacy_display(part("calendar"))


SUBJECT = "Résultats de l'analyse <urgent> & suite"
LINE = f"Subject: {SUBJECT}"
WRITTEN = (
    '<div class="header-protection-legacy-display"><pre style="white-space: pre-wrap">'
    "Subject: Résultats de l'analyse &lt;urgent&gt; &amp; suite</pre></div>"
)
OUTER = b"From: Zoe Essai <zoe@cabinet.example>\r\nSubject: =?utf-8?Q?R=C3=A9sultats?=\r\n"


def single(fields: str, body: bytes) -> bytes:
    return OUTER + fields.encode("ascii") + b"MIME-Version: 1.0\r\n\r\n" + body


def texts(raw: bytes) -> list[str]:
    """Each marked text as a reader decodes it."""
    return [one.text(raw) for one in scan(raw).root.walk() if has_legacy_display(one)]


@pytest.mark.parametrize(
    ("fields", "body", "text"),
    [
        ("", b"Bonjour\r\n", "Bonjour\r\n"),
        ("", b"", ""),
        ("", "Élève\r\n".encode(), "Élève\r\n"),
        ("Content-Type: text\r\n", b"Bonjour", "Bonjour"),
        ("Content-Type: text/plain (essai); charset=UTF-8\r\n", "Élève".encode(), "Élève"),
        ("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n",
         b"\xc9l\xe8ve\r\n", "Élève\r\n"),
        ("Content-Type: text/plain; format=flowed;\r\n charset=windows-1252\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n", b"5=A0=80 =\r\nfin\r\n",
         "5\xa0€ fin\r\n"),
        ("Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n",
         b"//5CAG8AbgA=\r\n", "Bon"),
        ("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n",
         b"YQpiDWM=", "a\nb\rc"),
        ("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n",
         b"a=0Ab=00", "a\nb\0"),
        ("Content-Type: text/plain\r\n", b"From: a\r\n\r\nfin", "From: a\r\n\r\nfin"),
        ("Content-Type: text/plain\r\n", b"\r\n\r\nfin" + b"x" * 1500, "\r\n\r\nfin" + "x" * 1500),
    ],
)  # fmt: skip
def test_a_text_begins_with_its_subject_and_comes_back_without(
    fields: str, body: bytes, text: str
) -> None:
    marked = with_legacy_display(single(fields, body), SUBJECT)

    root = scan(marked).root
    assert has_legacy_display(root)
    assert root.parameter("charset").lower() == "utf-8"
    assert root.decoded(marked).decode("utf-8") == f"{LINE}\r\n\r\n{text}"
    assert without_legacy_display(root, root.text(marked)) == text
    assert marked.startswith(OUTER)
    assert marked.isascii()
    assert max(map(len, marked.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<html><head><title>a <body> b</title></head>\r\n<BODY class=\"a>b\">", "<p>Bonjour</p>"),
        ("<!DOCTYPE html>\n<!--[if mso]><body><![endif]--><html lang=fr><body title=it's>",
         "é</body>"),
        ("<?xml version='1.0'?><html><head><meta charset=utf-8><style>p>b{}</style></head>",
         "<p>é"),
        ("<!-->", "fin"),
        ("<!-- ouvert <body>", ""),
        ("<head><script>'</head><body>'</script><!--[if !mso]><!--><link rel=a></head><body\n>",
         "b"),
        ("", "<p>Bonjour</p><html><head></head><body>pied de page</body></html>"),
        ("", "Bonjour"),
        ("", ""),
        ("", "<body class='ouvert"),
        ("", f"{ELEMENT}<p>message cité</p>"),
        (f"<html>{RULE}<body>", "a<br>\r\nb"),
    ],
)  # fmt: skip
def test_html_has_the_element_first_in_its_body(before: str, after: str) -> None:
    raw = single("Content-Type: text/html; charset=utf-8\r\n", (before + after).encode())

    marked = with_legacy_display(raw, SUBJECT)

    root = scan(marked).root
    assert texts(marked) == [before + WRITTEN + after]
    assert without_legacy_display(root, root.text(marked)) == before + after


def test_an_element_that_could_not_be_taken_away_is_not_written() -> None:
    comment = f"<!-- {ELEMENT} --><body>Bonjour"
    raw = single("Content-Type: text/html; charset=utf-8\r\n", comment.encode())
    assert with_legacy_display(raw, SUBJECT) is raw


def entity(fields: str, body: str) -> bytes:
    return f"{fields}\r\n\r\n{body}".encode()


def bundle(kind: str, boundary: str, *entities: bytes) -> bytes:
    delimiter = f"\r\n--{boundary}".encode()
    inside = b"".join([delimiter + b"\r\n" + one for one in entities])
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()
    return head + inside + delimiter + b"--\r\n"


PLAIN = entity("Content-Type: text/plain; charset=utf-8\r\nX-Essai: gardé", "Élève")
HTML = entity("Content-Type: text/html; charset=utf-8", "<body>Élève</body>")
IMAGE = entity("Content-Type: image/png\r\nContent-ID: <a@b>", "\x01é")
FILE = entity("Content-Type: text/plain\r\nContent-Disposition: attachment", "pièce\r\n\r\njointe")
NAMED = entity("Content-Type: text/plain; name=a.txt", "nommée")
ENCLOSED = b"Content-Type: message/rfc822\r\n\r\n" + single("Content-Type: text/plain\r\n", b"ci")


def test_every_form_of_the_text_is_marked_and_all_else_stays_octet_for_octet() -> None:
    related = bundle("related", "r", HTML, IMAGE)
    alternative = bundle("alternative", "a", PLAIN, related)
    raw = OUTER + bundle("mixed", "m", alternative, FILE, ENCLOSED, HTML)

    marked = with_legacy_display(raw, SUBJECT)

    assert texts(marked) == [f"{LINE}\r\n\r\nÉlève", f"<body>{WRITTEN}Élève</body>"]
    old, new = scan(raw), scan(marked)
    assert [(one.number, one.media_type) for one in new.root.walk()] == [
        (one.number, one.media_type) for one in old.root.walk()
    ]
    pieces = raw.split(PLAIN), raw.split(HTML)
    assert marked.startswith(pieces[0][0])
    assert marked.endswith(HTML + pieces[1][-1])
    between = raw[raw.index(PLAIN) + len(PLAIN) : raw.index(HTML)]
    after = raw[raw.index(HTML) + len(HTML) : raw.rindex(HTML)]
    assert between in marked
    assert after in marked
    assert "X-Essai: gardé\r\n".encode() in marked


@pytest.mark.parametrize(
    "content",
    [
        FILE,
        NAMED,
        ENCLOSED,
        entity("Content-Type: text/calendar", "BEGIN:VCALENDAR"),
        bundle("mixed", "m", FILE, PLAIN),
        bundle("mixed", "m", ENCLOSED, PLAIN),
        bundle("mixed", "m", bundle("signed", "s", PLAIN, FILE), PLAIN),
        bundle("signed", "s", PLAIN, FILE),
        bundle("report", "s", PLAIN, FILE),
        bundle("alternative", "s", FILE, NAMED),
        bundle("mixed", "m", b"Content-Disposition: attachment\r\n" + bundle("mixed", "n", PLAIN)),
        bundle("mixed", "m", b"", PLAIN),
        entity("Content-Type: multipart/mixed; boundary=absente", "Bonjour"),
        entity("Content-Type: text/plain; charset=utf-7", "Bonjour"),
        entity("Content-Type: text/plain; charset=utf-8; hp-legacy-display=1", "Bonjour"),
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xe9",
        b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\x81",
        entity("Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode", "begin 1 a"),
        entity("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", "Qm9u!!"),
        entity("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", "a=zz"),
    ],
)
def test_a_message_with_nothing_to_mark_is_the_same_object(content: bytes) -> None:
    raw = OUTER + content
    assert with_legacy_display(raw, SUBJECT) is raw


@pytest.mark.parametrize("subject", ["", " ", "\r\n\t\0\x85\u2028"])
def test_without_a_subject_the_message_is_the_same_object(subject: str) -> None:
    raw = OUTER + PLAIN
    assert with_legacy_display(raw, subject) is raw


def test_a_part_that_cannot_be_read_stays_beside_one_that_can() -> None:
    unreadable = b"Content-Type: text/plain; charset=x-inconnu\r\n\r\n\xe9\r\n"
    marked = with_legacy_display(OUTER + bundle("alternative", "a", unreadable, HTML), SUBJECT)
    assert texts(marked) == [f"<body>{WRITTEN}Élève</body>"]
    assert unreadable in marked


def test_no_subject_writes_a_line_of_its_own() -> None:
    marked = with_legacy_display(OUTER + PLAIN, " a\r\nTo: x\0y\x85z\u2028\u2029\x7f\ud800\u00a0b ")
    assert texts(marked) == ["Subject: a  To: x y z    \u00a0b\r\n\r\nÉlève"]


def test_an_element_cannot_be_closed_by_the_subject() -> None:
    raw = OUTER + HTML
    marked = with_legacy_display(raw, "</pre></div><script>")
    assert 'pre-wrap">Subject: &lt;/pre&gt;&lt;/div&gt;&lt;script&gt;</pre>' in texts(marked)[0]
    assert without_legacy_display(scan(marked).root, texts(marked)[0]) == "<body>Élève</body>"


@pytest.mark.parametrize("subject", ["--m", SUBJECT])
def test_what_looks_like_a_delimiter_once_decoded_is_not_laid_bare(subject: str) -> None:
    quoted = "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable"
    raw = OUTER + bundle("mixed", "m", entity(quoted, "a=0D=0A=2D-m=0D=0Ab"), FILE)

    marked = with_legacy_display(raw, subject)

    assert texts(marked) == [f"Subject: {subject}\r\n\r\na\r\n--m\r\nb"]
    assert len(scan(marked).root.children) == 2


@pytest.mark.parametrize(
    ("subject", "text", "encoding"),
    [
        ("Bilan", "Bonjour", "7bit"),
        ("Été", "Bonjour", "quoted-printable"),
        ("Été", "日本" * 500, "base64"),
    ],
)
def test_the_encoding_is_what_the_text_needs(subject: str, text: str, encoding: str) -> None:
    raw = OUTER + entity("Content-Type: text/plain; charset=utf-8", text)
    assert scan(with_legacy_display(raw, subject)).root.encoding == encoding


def test_a_header_without_its_empty_line_gets_one() -> None:
    cut = OUTER + b"Content-Type: text/plain"
    assert texts(with_legacy_display(cut, "Bilan")) == ["Subject: Bilan\r\n\r\n"]
    inside = OUTER + bundle("mixed", "m", b"Content-Language: fr", FILE)
    marked = with_legacy_display(inside, "Bilan")
    assert texts(marked) == ["Subject: Bilan\r\n\r\n"]
    assert len(scan(marked).root.children) == 2


def test_another_reader_finds_the_same_text_through_header_protection() -> None:
    raw = OUTER + bundle("alternative", "a", PLAIN, HTML)
    marked = with_legacy_display(raw, SUBJECT)
    inner = protect(marked, for_encryption=True, neutral_subject="Message").inner

    foreign = message_from_bytes(inner, policy=policy.default)
    found = foreign.get_body(("plain",))
    assert found is not None
    assert found.get_content().split() == [*LINE.split(), "Élève"]
    shown = opened(b"From: Zoe Essai <zoe@cabinet.example>\r\n", inner).raw
    leaves = [one for one in scan(shown).root.walk() if has_legacy_display(one)]
    assert [without_legacy_display(one, one.text(shown)) for one in leaves] == [
        "Élève",
        "<body>Élève</body>",
    ]


def test_a_second_time_nothing_changes() -> None:
    marked = with_legacy_display(OUTER + PLAIN, SUBJECT)
    assert with_legacy_display(marked, "Autre") is marked


def test_an_unreadable_header_is_refused() -> None:
    with pytest.raises(MessageMalformed):
        with_legacy_display(b"pas un champ\r\n\r\nBonjour", SUBJECT)


def signed(inner: str) -> str:
    """``inner`` as what a detached signature is about."""
    return (
        'Content-Type: multipart/signed; boundary="s"\r\n\r\n'
        f"--s\r\n{inner}\r\n--s\r\n"
        "Content-Type: application/pkcs7-signature\r\n\r\nAA==\r\n--s--\r\n"
    )


REPEATED = "Subject: Bilan\r\n\r\nBonjour.\r\n"
MARKED = 'Content-Type: text/plain; hp-legacy-display="1"; hp="{}"\r\n\r\n' + REPEATED


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (MARKED.format("cipher"), True),
        (signed(MARKED.format("cipher")), True),
        (signed(MARKED.format("clear")), False),
        (f"Content-Type: text/plain\r\n\r\n{REPEATED}", False),
        (signed("Content-Type: text/plain\r\n\r\nBonjour"), False),
    ],
)
def test_only_what_was_made_to_be_sealed_repeats_its_fields(raw: str, expected: bool) -> None:
    assert is_for_encryption(scan(raw.encode())) is expected
