"""Verification: what a signature proves, the twelve cases of threat T17, and what it may cost."""

import base64
import hashlib
import re
from collections.abc import Callable

import dkim as dkimpy
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from certs.keyring import PrivateKey
from certs.published import to_der
from mss_gateway.message import dkim
from mss_gateway.message.dkim import verifying
from mss_gateway.message.dkim.canonical import Forms, body_hash, split
from mss_gateway.message.dkim.results import Seen
from tests.unit.mss_gateway.message.dkim.letters import (
    AT,
    DOMAIN,
    LETTER,
    NAME,
    SELECTOR,
    key,
    record,
    signature,
    signed,
    told,
    zone,
)

NAMES = "from:to:subject:date:message-id:mime-version:content-type"
PASS = [("pass", "")]

# RFC 8463 appendix A: one message, two signatures
TWO_SIGNATURES = b"""\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
FOOTBALL = {
    "brisbane._domainkey.football.example.com": (
        b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ),
    "test._domainkey.football.example.com": (
        b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5"
        b"qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3r"
        b"G4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ),
}


def theirs(
    raw: bytes = LETTER,
    *,
    names: str = NAMES,
    form: str = "relaxed/relaxed",
    extra: str = "",
    algorithm: str = "rsa-sha256",
    domain: str = DOMAIN,
    sign: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """``raw`` under a signature as others may write it, with other tags than ours has."""
    fields, body = split(raw)
    forms = Forms(form.encode())
    hashed = base64.b64encode(body_hash(body, is_relaxed=forms.has_relaxed_body)).decode()
    head = (
        f" v=1; a={algorithm}; c={form}; d={domain}; s={SELECTOR};{extra} h={names};\r\n"
        f"\tbh={hashed}; b="
    ).encode()
    chosen = [name.strip().encode() for name in names.split(":")]
    octets = forms.header(fields, chosen, (b"DKIM-Signature", head + b"\r\n"))
    value = base64.b64encode((sign or key().sign)(octets))
    return b"DKIM-Signature:" + head + value + b"\r\n" + raw


def test_the_examples_of_the_specification_pass() -> None:
    results = dkim.verify(TWO_SIGNATURES, FOOTBALL.get, 1528637909)
    assert [(one.word, one.domain, one.selector) for one in results] == [
        ("pass", "football.example.com", "brisbane"),
        ("pass", "football.example.com", "test"),
    ]
    altered = TWO_SIGNATURES.replace(b"dinner", b"supper")
    results = dkim.verify(altered, FOOTBALL.get, 1528637909)
    assert [one.reason.value for one in results] == ["signature-wrong", "signature-wrong"]


@pytest.mark.parametrize("form", [b"relaxed", b"simple"])
@pytest.mark.parametrize("body", [b"relaxed", b"simple"])
def test_what_another_implementation_signs_passes(form: bytes, body: bytes) -> None:
    field = dkimpy.sign(LETTER, b"s2026", b"mss.example", pem(), canonicalize=(form, body))
    # the library signs by its own clock
    at = int(re.search(rb"t=(\d+)", field)[1])  # type: ignore[index]
    assert told(field + LETTER, at=at) == PASS


def pem() -> bytes:
    body = base64.encodebytes(key().sealed(lambda plain: plain)).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n".encode()


def test_a_message_without_signature_has_no_result() -> None:
    assert told(LETTER) == []
    assert dkim.clauses([]) == [["dkim=none"]]


def test_a_message_that_cannot_be_read_has_no_result() -> None:
    assert told(b"DKIM-Signature: v=1\r\nno field\r\n\r\nx\r\n") == []


# --- T17 -----------------------------------------------------------------------------------------

T17 = {
    "1 as it was signed": (signed(), "pass", ""),
    "2 another From put before": (
        b"From: x@evil.example\r\n" + signed(),
        "fail",
        "signature-wrong",
    ),
    "3 another Subject put before": (b"Subject: Urgent\r\n" + signed(), "fail", "signature-wrong"),
    "4 another Content-Type put before": (
        b"Content-Type: text/html\r\n" + signed(),
        "fail",
        "signature-wrong",
    ),
    "5 a Cc where there was none": (
        b"Cc: x@evil.example\r\n" + signed(),
        "fail",
        "signature-wrong",
    ),
    "6 body in part, the whole of it": (
        theirs(extra=f" l={len(LETTER)};"),
        "policy",
        "body-in-part",
    ),
    "7 body in part, and text added": (
        theirs(extra=" l=20;") + b"Payez ici.\r\n",
        "policy",
        "body-in-part",
    ),
    "8 Subject not signed at all": (
        theirs(names="from:to:date:content-type"),
        "policy",
        "field-unsigned",
    ),
    "9 Date there twice, signed once": (
        theirs(LETTER).replace(b"To: p", b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nTo: p"),
        "policy",
        "field-unsigned",
    ),
    "10 From not signed": (theirs(names=NAMES.removeprefix("from:")), "permerror", "from-unsigned"),
    "11 body altered": (signed().replace(b"Bonjour", b"Bonsoir"), "fail", "body-altered"),
    "12 another's signature": (
        signature().replace(b"d=mss.example", b"d=evil.example") + LETTER,
        "permerror",
        "key-missing",
    ),
}


@pytest.mark.parametrize("case", T17)
def test_threat_t17(case: str) -> None:
    raw, word, reason = T17[case]
    ((found, why),) = told(raw)
    assert (found, why) == (word, reason)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"From: x@evil.example\r\n", "field-unsigned"),
        (b"To: x@evil.example\r\n", "field-unsigned"),
        (b"MIME-Version: 1.0\r\n", "field-unsigned"),
        (b"Content-Type: text/html\r\n", "field-unsigned"),
        (b"Cc: x@evil.example\r\n", ""),
        (b"Reply-To: x@evil.example\r\n", ""),
    ],
)
def test_a_field_added_to_what_others_signed_once_is_told(field: bytes, expected: str) -> None:
    assert told(field + theirs())[0][1] == expected


def test_a_content_type_that_was_never_signed_is_let_be() -> None:
    assert told(theirs(names="from:to:subject:date")) == PASS


def test_the_same_signature_again_is_told_and_stays_a_pass() -> None:
    seen = Seen(limit=2)
    first, again = (seen.told(dkim.verify(signed(), zone().get, AT)) for _ in range(2))
    assert not first[0].is_repeated and again[0].is_repeated
    assert again[0].word == "pass"
    assert "reason=seen-before" in dkim.clauses(again)[0]


def test_of_signatures_met_so_many_are_remembered() -> None:
    seen = Seen(limit=2)
    marks = [dkim.verify(theirs(extra=f" t={AT - number};"), zone().get, AT) for number in range(3)]
    for results in marks:
        seen.told(results)
    assert not seen.told(marks[0])[0].is_repeated
    assert seen.told(marks[2])[0].is_repeated


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (f" x={AT - 300};", ""),
        (f" x={AT - 301};", "expired"),
        (f" t={AT + 300};", ""),
        (f" t={AT + 301};", "not-yet"),
        (f" t={AT}; x={AT - 1};", "malformed"),
        (" t=soon;", "malformed"),
        (" t=9999999999999;", "malformed"),
    ],
)
def test_the_moment_is_the_one_given(extra: str, expected: str) -> None:
    assert told(theirs(extra=extra))[0][1] == expected


# --- identity, algorithm, form -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (" i=claire@mss.example;", ""),
        (" i=@service.mss.example;", ""),
        (" i=@notmss.example;", "identity-outside-domain"),
        (" i=@evil.example;", "identity-outside-domain"),
        (" q=dns/txt;", ""),
        (" q=ldap;", "malformed"),
        (" z=From:x;", ""),
    ],
)
def test_tags_beside_are_read(extra: str, expected: str) -> None:
    assert told(theirs(extra=extra))[0][1] == expected


def test_a_strict_key_is_for_the_very_domain() -> None:
    strict = record() + b"; t=s"
    assert told(theirs(extra=" i=@mss.example;"), strict) == PASS
    assert told(theirs(extra=" i=@a.mss.example;"), strict)[0][1] == "identity-outside-domain"


def test_sha1_is_no_signature() -> None:
    assert told(theirs(algorithm="rsa-sha1")) == [("policy", "algorithm-refused")]


@pytest.mark.parametrize(
    "altered",
    [
        signed().replace(b"v=1;", b"v=2;"),
        signed().replace(b"v=1;", b""),
        signed().replace(b"v=1;", b"v=1; v=1;"),
        signed().replace(b" bh=", b" xx="),
        signed().replace(b"d=mss.example", b"d=mss example"),
        signed().replace(b"c=relaxed/relaxed", b"c=nowsp"),
        signed().replace(b" b=", b" b=*"),
        b"DKIM-Signature: nonsense\r\n" + LETTER,
        b"DKIM-Signature:\r\n" + LETTER,
    ],
)
def test_a_malformed_signature_is_a_permanent_error(altered: bytes) -> None:
    assert told(altered) == [("permerror", "malformed")]


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (record(), ("pass", "")),
        (record().replace(b"v=DKIM1; ", b""), ("pass", "")),
        (record().replace(b"k=rsa; h=sha256; s=email; ", b""), ("pass", "")),
        (record().replace(b"s=email", b"s=*"), ("pass", "")),
        (record() + b"; t=y", ("neutral", "testing")),
        (record().replace(b"s=email", b"s=tlsrpt"), ("permerror", "key-refused")),
        (record().replace(b"h=sha256", b"h=sha1"), ("permerror", "key-refused")),
        (record().replace(b"DKIM1", b"DKIM2"), ("permerror", "key-refused")),
        (record().replace(b"k=rsa", b"k=dsa"), ("permerror", "key-refused")),
        (record().replace(b"k=rsa", b"k=ed25519"), ("permerror", "key-refused")),
        (b"v=DKIM1; p=", ("permerror", "key-revoked")),
        (b"v=DKIM1; p=AAAA", ("permerror", "key-refused")),
        (b"v=DKIM1", ("permerror", "key-refused")),
        (b"hello", ("permerror", "key-refused")),
        (b"", ("permerror", "key-refused")),
        (record() + b"; n=" + b"x" * 4096, ("permerror", "key-refused")),
        (FOOTBALL["brisbane._domainkey.football.example.com"], ("permerror", "key-refused")),
    ],
)
def test_what_the_zone_says_counts(text: bytes, expected: tuple[str, str]) -> None:
    assert told(signed(), text) == [expected]


def test_a_key_of_1024_bits_counts_and_a_shorter_one_does_not() -> None:
    modulus = (1 << 1022) + 1
    short = to_der(rsa.RSAPublicNumbers(65537, modulus).public_key())
    text = b"v=DKIM1; p=" + base64.b64encode(short)
    assert told(signed(), text) == [("policy", "key-too-short")]
    results = dkim.verify(TWO_SIGNATURES, FOOTBALL.get, 1528637909)
    assert results[1].word == "pass"


def test_ed25519_signs_the_digest() -> None:
    other = PrivateKey.generate("ed25519")
    raw_key = to_der(other.public_key)[-32:]
    text = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw_key)

    def sign(octets: bytes) -> bytes:
        return other.sign(hashlib.sha256(octets).digest())

    raw = theirs(algorithm="ed25519-sha256", sign=sign)
    assert told(raw, text) == PASS
    undigested = theirs(algorithm="ed25519-sha256", sign=other.sign)
    assert told(undigested, text) == [("fail", "signature-wrong")]


def test_a_zone_that_does_not_answer_is_a_temporary_error() -> None:
    def silent(_name: str) -> bytes | None:
        raise dkim.KeyUnavailable

    ((result),) = dkim.verify(signed(), silent, AT)
    assert (result.word, result.reason.value) == ("temperror", "key-unavailable")


def test_the_names_of_the_keys_can_be_known_before() -> None:
    other = signature().replace(b"s=s2026", b"s=other")
    raw = b"DKIM-Signature: nonsense\r\n" + signature() * 2 + other + LETTER
    assert dkim.key_names(raw) == [NAME, NAME.replace(SELECTOR, "other")]
    assert dkim.key_names(LETTER) == []
    assert dkim.key_names(b"no field\r\n\r\n") == []


# --- cost ----------------------------------------------------------------------------------------


def test_five_signatures_are_looked_at_and_a_name_is_looked_up_once() -> None:
    asked: list[str] = []

    def lookup(name: str) -> bytes | None:
        asked.append(name)
        return record()

    raw = signature() * 6 + LETTER
    assert [one.word for one in dkim.verify(raw, lookup, AT)] == ["pass"] * 5
    assert asked == [NAME]
    others = b"".join(
        signature().replace(b"s=s2026", f"s=s{number}".encode()) for number in range(9)
    )
    assert len(dkim.verify(others + LETTER, lookup, AT)) == verifying.MAX_SIGNATURES
    assert len(dkim.key_names(others + LETTER)) == verifying.MAX_SIGNATURES
    assert len(asked) == 1 + verifying.MAX_SIGNATURES


def test_the_body_is_hashed_once_for_all_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bool] = []

    def counted(body: bytes, *, is_relaxed: bool) -> bytes:
        hashed.append(is_relaxed)
        return body_hash(body, is_relaxed=is_relaxed)

    monkeypatch.setattr(verifying, "body_hash", counted)
    simple = theirs(form="simple/simple").removesuffix(LETTER)
    raw = signature() * 2 + simple * 2 + LETTER
    assert told(raw) == PASS * 4
    assert hashed == [True, False]


def test_names_and_octets_of_a_signature_are_bounded() -> None:
    fitting = ":".join([NAMES, *["x"] * (verifying.MAX_NAMES - NAMES.count(":") - 1)])
    assert told(theirs(names=fitting)) == PASS
    assert told(theirs(names=f"{fitting}:x")) == [("permerror", "malformed")]
    room = verifying.MAX_FIELD - len(theirs().removesuffix(LETTER)) + len("DKIM-Signature:")
    assert told(theirs(extra=f" n={'x' * (room - 4)};")) == PASS
    assert told(theirs(extra=f" n={'x' * (room - 3)};")) == [("permerror", "malformed")]


def test_nothing_in_a_signature_reaches_the_result_but_names_of_zones() -> None:
    evil = signed().replace(b"s=s2026", b"s=a reason=pass")
    ((result),) = dkim.verify(evil, zone().get, AT)
    assert (result.domain, result.selector) == ("", "")
    assert dkim.clauses([result]) == [["dkim=permerror", "reason=malformed"]]
