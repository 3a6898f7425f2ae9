"""Access tokens: which are believed, and why the others are not."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.directory.keysets import ALGORITHMS, Keys
from mss_gateway.directory.tokens import (
    LEEWAY_SECONDS,
    TOKEN_OCTETS,
    Expected,
    TokenFault,
    TokenRefused,
    Tokens,
)
from tests.support.openid import (
    AUDIENCE,
    ISSUER,
    NOW,
    b64,
    claims,
    ec_key,
    ed_key,
    jwk,
    key_set,
    mac_token,
    raw_token,
    rsa_key,
    token,
    unsigned_token,
)

ADDRESS = "claire.martin@mss.example"
MINE = claims(ADDRESS)


class Listed:
    """A source of keys that says what it is told; how often it was asked."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = entries
        self.asked = 0

    def read(self) -> bytes:
        self.asked += 1
        return key_set(*self.entries)


def judge(*entries: dict[str, Any], **expected: Any) -> Tokens:
    keys = Keys(Listed(*entries))
    assert keys.refresh()
    return Tokens(Expected(ISSUER, AUDIENCE, **expected), keys)


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return judge(
        jwk(rsa_key(), "k1", use="sig"),
        jwk(ec_key(), "e1"),
        jwk(ed_key(), "o1"),
        jwk(rsa_key(1), "ps-only", alg="PS256"),
    )


def fault(tokens: Tokens, shown: str, now: float = NOW) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        tokens.address_of(shown, now)
    return refused.value.fault


# signatures


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"),
    [
        (rsa_key(), "k1", "RS256"),
        (rsa_key(), "k1", "PS256"),
        (rsa_key(1), "ps-only", "PS256"),
        (ec_key(), "e1", "ES256"),
        (ed_key(), "o1", "EdDSA"),
        (ed_key(), "o1", "Ed25519"),
    ],
)
def test_a_token_under_each_algorithm_is_its_holder_s(
    tokens: Tokens, key: Any, kid: str, algorithm: str
) -> None:
    assert tokens.address_of(token(MINE, key, algorithm, kid), NOW) == ADDRESS


def test_the_algorithms_are_these_and_no_others() -> None:
    assert sorted(set().union(*ALGORITHMS.values())) == [
        *("ES256", "Ed25519", "EdDSA", "PS256", "RS256")
    ]


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", "HS256", "RS1", "RS512", "ES384"])
def test_another_algorithm_is_refused_whatever_the_signature(tokens: Tokens, name: str) -> None:
    shown = token(MINE).split(".")
    head = b64(json.dumps({"alg": name, "typ": "JWT", "kid": "k1"}).encode())
    assert fault(tokens, f"{head}.{shown[1]}.{shown[2]}") is TokenFault.ALGORITHM
    assert fault(tokens, f"{head}.{shown[1]}.") is TokenFault.ALGORITHM


def test_none_is_refused(tokens: Tokens) -> None:
    assert fault(tokens, unsigned_token(MINE)) is TokenFault.ALGORITHM
    assert fault(tokens, unsigned_token(MINE, None)) is TokenFault.ALGORITHM


@pytest.mark.parametrize(
    "secret",
    [
        lambda: (
            rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        ),
        lambda: (
            rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ),
        lambda: jwk(rsa_key(), None)["n"].encode(),
        lambda: b"",
    ],
)
def test_a_mac_under_the_public_key_is_refused(tokens: Tokens, secret: Callable[[], bytes]) -> None:
    assert fault(tokens, mac_token(MINE, secret())) is TokenFault.ALGORITHM


@pytest.mark.parametrize(
    ("key", "kid", "algorithm", "why"),
    [
        (rsa_key(1), "k1", "RS256", TokenFault.SIGNATURE),
        (rsa_key(), "k2", "RS256", TokenFault.UNKNOWN_KEY),
        (rsa_key(), "", "RS256", TokenFault.UNKNOWN_KEY),
        (rsa_key(1), "ps-only", "RS256", TokenFault.UNKNOWN_KEY),
        (rsa_key(), "e1", "RS256", TokenFault.UNKNOWN_KEY),
        (ec_key(), "k1", "ES256", TokenFault.UNKNOWN_KEY),
        (ec_key(1), "e1", "ES256", TokenFault.SIGNATURE),
        (ed_key(1), "o1", "EdDSA", TokenFault.SIGNATURE),
    ],
)
def test_another_key_s_signature_is_refused(
    tokens: Tokens, key: Any, kid: str, algorithm: str, why: TokenFault
) -> None:
    assert fault(tokens, token(MINE, key, algorithm, kid)) is why


def test_a_key_that_the_token_brings_along_is_not_looked_at(tokens: Tokens) -> None:
    own = jwk(rsa_key(2), "k1")
    shown = token(MINE, rsa_key(2), jwk=own, jku="https://elsewhere.example/keys")
    assert fault(tokens, shown) is TokenFault.SIGNATURE


def test_a_token_changed_anywhere_is_refused(tokens: Tokens) -> None:
    head, body, signed = token(MINE).split(".")
    other = b64(json.dumps({**MINE, "email": "paul.bernard@mss.example"}).encode())
    assert fault(tokens, f"{head}.{other}.{signed}") is TokenFault.SIGNATURE
    assert fault(tokens, f"{head}.{body}.{signed[:-4]}AAAA") is TokenFault.SIGNATURE
    assert fault(tokens, f"{head}.{body}.") is TokenFault.SIGNATURE
    _, _, of_another = token({**MINE, "scope": ""}).split(".")
    assert fault(tokens, f"{head}.{body}.{of_another}") is TokenFault.SIGNATURE


def test_without_a_key_s_name_every_fitting_key_is_tried(tokens: Tokens) -> None:
    assert tokens.address_of(token(MINE, ec_key(), "ES256", None), NOW) == ADDRESS
    assert tokens.address_of(token(MINE, rsa_key(1), "PS256", None), NOW) == ADDRESS
    assert fault(tokens, token(MINE, rsa_key(2), kid=None)) is TokenFault.SIGNATURE


def test_two_keys_of_one_name_are_both_tried() -> None:
    tokens = judge(jwk(rsa_key(1), "k1"), jwk(rsa_key(), "k1"))
    assert tokens.address_of(token(MINE), NOW) == ADDRESS


def test_a_new_key_is_asked_for_and_then_known() -> None:
    source = Listed(jwk(rsa_key(), "k1"))
    keys = Keys(source)
    tokens = Tokens(Expected(ISSUER, AUDIENCE), keys)
    assert fault(tokens, token(MINE)) is TokenFault.UNKNOWN_KEY  # before the first fetch
    assert keys._wanted.is_set()
    assert source.asked == 0  # nothing is fetched while somebody waits
    keys.refresh()
    assert tokens.address_of(token(MINE), NOW) == ADDRESS
    turned = token(MINE, rsa_key(1), kid="k2")
    assert fault(tokens, turned) is TokenFault.UNKNOWN_KEY
    source.entries = (jwk(rsa_key(1), "k2"),)
    keys.refresh()
    assert tokens.address_of(turned, NOW) == ADDRESS
    assert fault(tokens, token(MINE)) is TokenFault.UNKNOWN_KEY  # the old one is gone


def test_only_an_unknown_key_is_asked_for(tokens: Tokens) -> None:
    tokens.keys._wanted.clear()
    for shown in (token(MINE, rsa_key(1)), token({**MINE, "iss": "x"}), unsigned_token(MINE), "x"):
        fault(tokens, shown)
    assert not tokens.keys._wanted.is_set()


# what it claims


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://connexion.example/realms/sante/"}, TokenFault.ISSUER),
        ({"iss": "https://ailleurs.example"}, TokenFault.ISSUER),
        ({"iss": None}, TokenFault.ISSUER),
        ({"iss": [ISSUER]}, TokenFault.ISSUER),
        ({"aud": "account"}, TokenFault.AUDIENCE),
        ({"aud": None}, TokenFault.AUDIENCE),
        ({"aud": []}, TokenFault.AUDIENCE),
        ({"aud": ["account", "mss-gateway-2"]}, TokenFault.AUDIENCE),
        ({"aud": {AUDIENCE: True}}, TokenFault.AUDIENCE),
        ({"exp": None}, TokenFault.TIME_MISSING),
        ({"exp": "tomorrow"}, TokenFault.MALFORMED),
        ({"exp": True}, TokenFault.MALFORMED),
        ({"exp": 10**400}, TokenFault.MALFORMED),
        ({"nbf": "x"}, TokenFault.MALFORMED),
        ({"iat": []}, TokenFault.MALFORMED),
        ({"email": None}, TokenFault.ADDRESS),
        ({"email": ""}, TokenFault.ADDRESS),
        ({"email": "claire"}, TokenFault.ADDRESS),
        ({"email": [ADDRESS]}, TokenFault.ADDRESS),
        ({"email": f"Claire <{ADDRESS}>"}, TokenFault.ADDRESS),
        ({"email_verified": False}, TokenFault.ADDRESS),
        ({"email_verified": "false"}, TokenFault.ADDRESS),
        ({"email_verified": "False"}, TokenFault.ADDRESS),
        ({"email_verified": 0}, TokenFault.ADDRESS),
    ],
)
def test_a_claim_that_is_not_as_expected_is_refused(
    tokens: Tokens, changed: dict[str, Any], why: TokenFault
) -> None:
    assert fault(tokens, token(claims(ADDRESS, **changed))) is why


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [AUDIENCE]},
        {"aud": ["account", AUDIENCE]},
        {"email": " Claire.Martin@MSS.example".strip()},
        {"email_verified": True},
        {"iat": None},
        {"scope": None},
        {"exp": NOW + 0.5},
        {"nbf": NOW},
    ],
)
def test_a_claim_may_have_another_shape(tokens: Tokens, changed: dict[str, Any]) -> None:
    assert tokens.address_of(token(claims(ADDRESS, **changed)), NOW) == ADDRESS


@pytest.mark.parametrize(
    ("changed", "passed", "is_taken", "why"),
    [
        ({"exp": NOW}, LEEWAY_SECONDS - 1, True, None),
        ({"exp": NOW}, LEEWAY_SECONDS, False, TokenFault.EXPIRED),
        ({"exp": NOW - 86_400}, 0, False, TokenFault.EXPIRED),
        ({"nbf": NOW + LEEWAY_SECONDS}, 0, True, None),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, 0, False, TokenFault.NOT_YET),
        ({"iat": NOW + LEEWAY_SECONDS}, 0, True, None),
        ({"iat": NOW + LEEWAY_SECONDS + 1}, 0, False, TokenFault.NOT_YET),
    ],
)
def test_clocks_may_be_a_minute_apart_and_no_more(
    tokens: Tokens,
    changed: dict[str, Any],
    passed: float,
    is_taken: bool,
    why: TokenFault | None,
) -> None:
    shown = token(claims(ADDRESS, **changed))
    if is_taken:
        assert tokens.address_of(shown, NOW + passed) == ADDRESS
    else:
        assert fault(tokens, shown, NOW + passed) is why


@pytest.mark.parametrize(
    ("scope", "is_taken"),
    [
        ("mss.mail", True),
        ("openid mss.mail email", True),
        ("openid", False),
        ("mss.mailbox", False),
        ("", False),
        (None, False),
        (["mss.mail"], False),
    ],
)
def test_a_scope_that_is_wanted_must_be_there(scope: Any, is_taken: bool) -> None:
    tokens = judge(jwk(rsa_key(), "k1"), scope=frozenset({"mss.mail"}))
    shown = token(claims(ADDRESS, scope=scope))
    if is_taken:
        assert tokens.address_of(shown, NOW) == ADDRESS
    else:
        assert fault(tokens, shown) is TokenFault.SCOPE


def test_the_claim_that_holds_the_address_is_configurable() -> None:
    tokens = judge(jwk(rsa_key(), "k1"), address_claim="mssante")
    shown = token(claims("quelqu.un@ailleurs.example", mssante=ADDRESS, email_verified=False))
    assert tokens.address_of(shown, NOW) == ADDRESS
    assert fault(tokens, token(MINE)) is TokenFault.ADDRESS


# the form


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_of_an_access_token_has_several_spellings(tokens: Tokens, typ: str) -> None:
    assert tokens.address_of(token(MINE, typ=typ), NOW) == ADDRESS
    head = {"alg": "RS256", "kid": "k1"}
    assert tokens.address_of(raw_token(head, json.dumps(MINE).encode(), rsa_key()), NOW) == ADDRESS


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "logout+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "JOSE"},
        {"typ": 5},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"b64": False},
    ],
)
def test_another_type_or_a_critical_field_is_refused(
    tokens: Tokens, header: dict[str, Any]
) -> None:
    assert fault(tokens, token(MINE, **header)) is TokenFault.MALFORMED


def test_fields_of_the_provider_s_own_are_passed_over(tokens: Tokens) -> None:
    assert tokens.address_of(token(MINE, nonce="x", acr="2", x5t="abc"), NOW) == ADDRESS


@pytest.mark.parametrize(
    "shown",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "é.é.é",
        f"{b64(b'[]')}.{b64(b'{}')}.AA",
        f"{b64(b'5')}.{b64(b'{}')}.AA",
        f"{b64(b'[[' * 2000)}.{b64(b'{}')}.AA",
        f"{b64(b'{}')}.{b64(b'{}')}.AA",
        f"{b64(json.dumps({'alg': ['RS256']}).encode())}.{b64(b'{}')}.AA",
        f"{b64(json.dumps({'alg': {}, 'kid': {}}).encode())}.{b64(b'{}')}.AA",
    ],
)
def test_what_is_no_token_is_refused(tokens: Tokens, shown: str) -> None:
    assert fault(tokens, shown) in (TokenFault.MALFORMED, TokenFault.ALGORITHM)


@pytest.mark.parametrize("kid", [5, ["k1"], {"k1": 1}, True])
def test_a_key_s_name_is_a_text(tokens: Tokens, kid: Any) -> None:
    assert fault(tokens, token(MINE, kid=kid)) is not TokenFault.SIGNATURE


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff", b"[" * 5000])
def test_a_signed_body_that_is_no_object_is_refused(tokens: Tokens, body: bytes) -> None:
    shown = raw_token({"alg": "ES256", "kid": "e1"}, body, ec_key())
    assert fault(tokens, shown) is TokenFault.MALFORMED


def test_a_token_has_a_greatest_length(tokens: Tokens) -> None:
    room = TOKEN_OCTETS - len(token(claims(ADDRESS, more="")))
    just = token(claims(ADDRESS, more="x" * (room * 3 // 4 - 2)))
    assert TOKEN_OCTETS - 8 <= len(just) <= TOKEN_OCTETS
    assert tokens.address_of(just, NOW) == ADDRESS
    assert fault(tokens, token(claims(ADDRESS, more="x" * room))) is TokenFault.MALFORMED
    assert fault(tokens, "x" * 10_000_000) is TokenFault.MALFORMED


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_.-]{0,120}", fullmatch=True))
def test_no_text_is_more_than_refused(tokens: Tokens, shown: str) -> None:
    with pytest.raises(TokenRefused):
        tokens.address_of(shown, NOW)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), st.lists))
def test_no_claim_is_more_than_refused(tokens: Tokens, value: Any) -> None:
    for name in ("iss", "aud", "exp", "nbf", "iat", "scope", "email", "email_verified"):
        body = json.dumps({**MINE, name: value}).encode()
        shown = raw_token({"alg": "EdDSA", "kid": "o1"}, body, ed_key())
        try:
            assert tokens.address_of(shown, NOW) == ADDRESS
        except TokenRefused:
            continue


def test_a_refusal_says_nothing_of_the_token(tokens: Tokens) -> None:
    with pytest.raises(TokenRefused) as refused:
        tokens.address_of(token(claims("personne")), NOW)
    assert str(refused.value) == TokenFault.ADDRESS.value
    assert refused.value.__cause__ is None
