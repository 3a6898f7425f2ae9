"""EmailAddress and address lists: what is an address here, what is refused, and how it prints."""

import email.utils
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message import address as address_module
from mss_gateway.message.address import (
    AddressMalformed,
    EmailAddress,
    Mailbox,
    parse_address,
    parse_author,
    parse_list,
    parse_mailboxes,
    parse_path,
)

ATEXT_KEPT = "#$&'*+-/=?^_`{|}~"
LABEL_63 = "d" * 63
LONGEST_DOMAIN = ".".join(["d" * 63, "e" * 63, "f" * 57, "fr"])  # 188 + 1 + 64 + 1 = 254

ACCEPTED = [
    ("claire.martin@chu.mssante.fr", "claire.martin@chu.mssante.fr"),
    ("Claire.MARTIN@CHU.MSSante.FR", "claire.martin@chu.mssante.fr"),
    ("279035121518989@patient.mssante.fr", "279035121518989@patient.mssante.fr"),
    ("27903 2A".replace(" ", "") + "121518989@patient.mssante.fr",
     "279032a121518989@patient.mssante.fr"),
    ("1900199900032b1@patient.fr", "1900199900032b1@patient.fr"),
    ("1900199900032B1@patient.fr", "1900199900032b1@patient.fr"),
    ("a@b.fr", "a@b.fr"),
    ("a+b@c.fr", "a+b@c.fr"),
    ("a.b.c@d.e.f.fr", "a.b.c@d.e.f.fr"),
    ("l" * 64 + "@b.fr", "l" * 64 + "@b.fr"),
    ("a@" + LABEL_63 + ".fr", "a@" + LABEL_63 + ".fr"),
    ("l" * 64 + "@" + LONGEST_DOMAIN, "l" * 64 + "@" + LONGEST_DOMAIN),
    ("a@x-y.fr", "a@x-y.fr"),
    ("a@1.fr", "a@1.fr"),
    ("a@1a.2b", "a@1a.2b"),
    ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
    ("a@bücher.example", "a@xn--bcher-kva.example"),
    ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
    ("a@hôpital.fr", "a@xn--hpital-ixa.fr"),
    ("a@mssаnte.fr", "a@xn--mssnte-5nf.fr"),  # Cyrillic а: shown as an A-label, never as Latin
    *[(f"a{char}b@c.fr", f"a{char}b@c.fr") for char in ATEXT_KEPT],
    *[(f"{char}@c.fr", f"{char}@c.fr") for char in ATEXT_KEPT],
    *[(f"{digit}@c{digit}.fr", f"{digit}@c{digit}.fr") for digit in "0123456789"],
    *[(f"{letter.upper()}@{letter}.FR", f"{letter}@{letter}.fr") for letter in ascii_lowercase],
]  # fmt: skip

REFUSED = [
    "", "@", "a", "a@", "@b.fr", "a@b", "a@localhost", "a@@b.fr", "a@b@c.fr", "a@b.fr@c.fr",
    ".a@b.fr", "a.@b.fr", "a..b@c.fr", "a@.b.fr", "a@b..fr", "a@b.fr.", "a@.",
    "l" * 65 + "@b.fr", "a@" + "d" * 64 + ".fr", "l" * 64 + "@d" + LONGEST_DOMAIN,
    "a@-b.fr", "a@b-.fr", "a@b.-fr", "a@b.fr-", "a@ab--cd.fr", "a@xn--.fr", "a@xn--a-.fr",
    "a@1.2.3.4", "a@b.1", "a@[1.2.3.4]", "a@[IPv6:::1]", "a@[127.0.0.1", "a@b_c.fr", "a@b!c.fr",
    '"a"@b.fr', '"a b"@c.fr', '"a@b"@c.fr', '"a\\"b"@c.fr', 'a."b"@c.fr', '""@b.fr',
    "a(c)@b.fr", "(c)a@b.fr", "a@(c)b.fr", "a@b.fr(c)", "a@b(c).fr",
    "@x.fr:a@b.fr", "@x.fr,@y.fr:a@b.fr", "a%b@c.fr", "a%b%c@d.fr", "x!a@b.fr", "x!y!a@b.fr",
    "=?utf-8?q?a?=@b.fr", "=?utf-8?b?YQ==?=@b.fr", "=?x@b.fr", "a@=?utf-8?q?b?=.fr",
    " a@b.fr", "a@b.fr ", "a @b.fr", "a@ b.fr", "a b@c.fr", "a@b .fr", "\ta@b.fr", "a@b.fr\t",
    "a@b.fr\r\n", "a\r\n@b.fr", "a@b.fr\r\nBcc: x@y.fr", "a@b.fr\n", "a\r@b.fr", "a@b\n.fr",
    "a\0@b.fr", "a@b\0.fr", "a@b.fr\0", "\0", "a@b.fr\0@c.fr",
    "<a@b.fr>", "a@b.fr>", "<a@b.fr", "mailto:a@b.fr", "a,b@c.fr", "a;b@c.fr", "a:b@c.fr",
    "a\\b@c.fr", "a[b@c.fr", "a]b@c.fr", "a<b@c.fr", "a>b@c.fr", "a)b@c.fr", "a\"b@c.fr",
    "é@b.fr", "clairé@b.fr", "а@b.fr", "a\u202e@b.fr", "a\u200b@b.fr", "a@b\u202e.fr",
    "a@b\u200b.fr", "a@\u2066b.fr", "a@b\u00ad.fr", "a@straße.fr", "a@\uff42.fr", "a@b\u3002fr",
    "a@b\uff0efr", "a@Ⅳ.fr", "a@ﬁ.fr", "a@\u0301b.fr", "a@b\u0338.fr", "a@😀.fr", "a@b\u2024fr",
    "a@" + "é" * 64 + ".fr", "a@" + "b." * 130 + "fr", "a@" + "b" * 10_000 + ".fr", "a@é..fr",
    "a＠b.fr", "a@b.fr，c@d.fr", "a@b.fr/c", "a@b.fr?x=y", "a@b.fr#", "a@b.fr:25", "a@*.fr",
    *[f"a{chr(code)}@b.fr" for code in range(32)],
    *[f"a@b{chr(code)}.fr" for code in range(32)],
    *[f"a@b{char}.fr" for char in "!\"#$%&'()*+,/:;<=>?[\\]^_`{|}~ \x7f"],
    *[f"a{char}@b.fr" for char in '!"%(),:;<>[\\] \x7f\x80\xa0'],
]  # fmt: skip


@pytest.mark.parametrize(("text", "normal"), ACCEPTED)
def test_an_address_has_one_normal_form(text: str, normal: str) -> None:
    assert str(parse_address(text)) == normal
    assert parse_address(normal) == parse_address(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_routable_address_is_refused(text: str) -> None:
    with pytest.raises(AddressMalformed):
        parse_address(text)


def test_the_tables_are_as_long_as_the_threat_model_asks() -> None:
    assert len(ACCEPTED) + len(REFUSED) >= 280


def test_an_address_that_is_not_normal_cannot_be_built() -> None:
    for local, domain in (
        ("A", "b.fr"),
        ("a", "B.fr"),
        ("a b", "c.fr"),
        ("a", "é.fr"),
        ("", "b.fr"),
    ):
        with pytest.raises(AddressMalformed):
            EmailAddress(local, domain)


def test_a_path_is_an_address_in_brackets_or_null() -> None:
    assert parse_path(b"<>") is None
    assert parse_path(b"<Claire@B.fr>") == EmailAddress("claire", "b.fr")


@pytest.mark.parametrize(
    "path",
    [b"", b"<", b">", b"a@b.fr", b"<a@b.fr", b"a@b.fr>", b"<a@b.fr> ", b" <a@b.fr>", b"<<a@b.fr>>",
     b"< >", b"<@x.fr:a@b.fr>", b"<@x.fr,@y.fr:a@b.fr>", b"<a@b.fr>SIZE=1", b"<a@b.fr><c@d.fr>",
     b"<\xc3\xa9@b.fr>", b"<a@\xc3\xa9.fr>", b"<a@b.fr\0>", b'<"a"@b.fr>',
     b"<" + b"a" * 300 + b">"],
)  # fmt: skip
def test_any_other_path_is_refused(path: bytes) -> None:
    with pytest.raises(AddressMalformed):
        parse_path(path)


A, C = EmailAddress("a", "b.fr"), EmailAddress("c", "d.fr")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@b.fr", (("", A),)),
        ("<a@b.fr>", (("", A),)),
        ("  <A@b.FR>  ", (("", A),)),
        ("Claire Martin <a@b.fr>", (("Claire Martin", A),)),
        ("Claire   Martin  <a@b.fr>", (("Claire Martin", A),)),
        ("Claire<a@b.fr>", (("Claire", A),)),
        ("Dr. C. Martin <a@b.fr>", (("Dr. C. Martin", A),)),
        ('"Martin, Claire" <a@b.fr>', (("Martin, Claire", A),)),
        ('"Martin"<a@b.fr>', (("Martin", A),)),
        ('"Dr \\"X\\" \\\\" <a@b.fr>', (('Dr "X" \\', A),)),
        ('"c@d.fr" <a@b.fr>', (("c@d.fr", A),)),
        ('"" <a@b.fr>', (("", A),)),
        ("a@b.fr (Claire)", (("", A),)),
        ("(x) Claire (y) <a@b.fr> (z)", (("Claire", A),)),
        ("Claire\r\n Martin\r\n\t<a@b.fr>", (("Claire Martin", A),)),
        ("a@b.fr, c@d.fr", (("", A), ("", C))),
        ("a@b.fr,c@d.fr", (("", A), ("", C))),
        ('X <a@b.fr>,\r\n "Y, Z" <c@d.fr>', (("X", A), ("Y, Z", C))),
        ("undisclosed-recipients:;", ()),
        ("Team: ;", ()),
        ("Team: a@b.fr, Y <c@d.fr>;", (("", A), ("Y", C))),
        ("Team: a@b.fr;, c@d.fr", (("", A), ("", C))),
        ("c@d.fr, Team: a@b.fr;", (("", C), ("", A))),
        ("=?utf-8?Q?Ren=C3=A9e?= <a@b.fr>", (("Renée", A),)),
        ("=?utf-8?B?UmVuw6ll?= <a@b.fr>", (("Renée", A),)),
        ("=?utf-8?Q?Ren=C3?= =?utf-8?Q?=A9e?= <a@b.fr>", (("Renée", A),)),
        ("=?iso-8859-1?Q?Ren=E9e?= Martin <a@b.fr>", (("Renée Martin", A),)),
        ("Dr =?utf-8?Q?Ren=C3=A9e?= <a@b.fr>", (("Dr Renée", A),)),
        ('"=?utf-8?Q?x?=" <a@b.fr>', (("=?utf-8?Q?x?=", A),)),
        ("=?utf-8?Q?a=0D=0ABcc=3A_x?= <a@b.fr>", (("a Bcc: x", A),)),
        ("=?utf-8?Q?gauche=E2=80=AEetiord?= <a@b.fr>", (("gaucheetiord", A),)),
        ("Renée <a@b.fr>", (("Renée", A),)),
        ("Renée <a@hôpital.fr>", (("Renée", parse_address("a@xn--hpital-ixa.fr")),)),
    ],
)  # fmt: skip
def test_a_list_gives_names_and_addresses(
    value: str, expected: tuple[tuple[str, EmailAddress], ...]
) -> None:
    assert parse_mailboxes(value) == tuple(Mailbox(name, address) for name, address in expected)


@pytest.mark.parametrize(
    "value",
    ["", " ", ",", "a@b.fr,", ",a@b.fr", "a@b.fr,,c@d.fr", "a@b.fr c@d.fr", "a@b.fr;", "a@b.fr:",
     "a@b.fr <c@d.fr>", "Martin, Claire <a@b.fr>", "Claire", "Claire <>", "<>", "Claire <a@b.fr",
     "Claire a@b.fr>", "<a@b.fr>, Claire", "<a@b.fr> <c@d.fr>", "<a@b.fr> Claire", "<<a@b.fr>>",
     "<@x.fr:a@b.fr>", "<@x.fr,@y.fr:a@b.fr>", "< a@b.fr>", "<a@b.fr >", "<a @b.fr>", "<a(x)@b.fr>",
     "a(x)@b.fr", "a@(x)b.fr", "a @b.fr", '"a"@b.fr', '<"a"@b.fr>', '"a b"@c.fr', 'x"y" <a@b.fr>',
     '"x""y" <a@b.fr>', '"x" "y@z" a@b.fr', '"open <a@b.fr>', "(open <a@b.fr>", "a@b.fr (x(y))",
     "a@b.fr)", "[a@b.fr]", "a@[1.2.3.4]", "a\\b <a@b.fr>", "Team: a@b.fr", "Team: a@b.fr,;",
     "Team: ,a@b.fr;", ": a@b.fr;", "T: U: a@b.fr;;", "a@b.fr: c@d.fr;", "T: a@b.fr; c@d.fr",
     "T: a@b.fr;;", "T: a@b.fr;:", ";", "x@y@z.fr", "<=?utf-8?q?a?=@b.fr>", "=?utf-8?q?a?=@b.fr",
     "=?utf-8?q?a=40b.fr=2C?= c@d.fr", "a@b.fr\r\nBcc: c@d.fr", "a@b.fr\n", "X\0 <a@b.fr>\0\r",
     "a@b.fr\rx", '"a\r\nb" <a@b.fr>', "clairé@b.fr", "a@b.fr, é@d.fr", "X <a@b>",
     "a@b.fr <a@b.fr>", "X <a@b.fr>; Y <c@d.fr>"],
)  # fmt: skip
def test_a_list_with_two_readings_is_refused(value: str) -> None:
    with pytest.raises(AddressMalformed):
        parse_mailboxes(value)


@pytest.mark.parametrize("value", ["a@b.fr, c@d.fr", "T: a@b.fr;", "T:;", "", "a@b.fr <c@d.fr>"])
def test_an_author_is_exactly_one_person(value: str) -> None:
    with pytest.raises(AddressMalformed):
        parse_author(value)


def test_an_author_has_a_name_and_an_address() -> None:
    assert parse_author("Dr Claire <A@b.fr>") == Mailbox("Dr Claire", A)


def test_a_long_list_is_read_in_linear_time_and_a_broken_one_refused() -> None:
    assert len(parse_mailboxes(", ".join(["a@b.fr"] * 5_000))) == 5_000
    for bomb in ("(" * 60_000, '"' + "\\" * 60_000, "a " * 30_000, "<" * 60_000, "=?" * 30_000):
        with pytest.raises(AddressMalformed):
            parse_mailboxes(bomb)


words = st.text("abcXYZ.é-'=?_ \"\\", max_size=12)
specs = st.sampled_from(["a@b.fr", "C.d@E.fr", "x@y", "@", "a@b@c.fr", ""])


@given(words, specs, st.sampled_from(["", " ", "  "]))
def test_the_short_way_and_the_long_way_agree(name: str, spec: str, space: str) -> None:
    value = f"{name}{space}<{spec}>".strip()
    try:
        long_way = address_module._read_tokens(value)
    except AddressMalformed:
        long_way = None
    try:
        short_way = parse_list(value)
    except AddressMalformed:
        short_way = None
    assert short_way == long_way


@given(st.text('abcé ,;:<>@"()\\[].', max_size=30))
def test_the_judge_never_reads_another_address_out_of_what_we_accept(value: str) -> None:
    try:
        mine = [str(mailbox.address) for mailbox in parse_mailboxes(value)]
    except AddressMalformed:
        return
    theirs = [spec.lower() for _, spec in email.utils.getaddresses([value]) if "@" in spec]
    assert [spec for spec in theirs if spec.isascii()] == [
        one for one, text in zip(mine, mine, strict=True) if "xn--" not in text
    ]
