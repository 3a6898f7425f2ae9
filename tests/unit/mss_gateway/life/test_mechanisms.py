"""The mechanisms of SASL: what is claimed, and what is no such message."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.config import Config, Oauth
from mss_gateway.life import mechanisms
from mss_gateway.life.claims import CertificateClaim, Claim, PasswordClaim, Provider, TokenClaim
from mss_gateway.life.mechanisms import (
    MECHANISMS,
    Facts,
    NotText,
    Unreadable,
    offered,
    password_claim,
    provider_of,
)

PROVIDER = Provider("https://connexion.example/", "mss.mail")
EVERYTHING = Facts(True, PROVIDER, b"der")
ME, BOX = "claire.martin@mss.example", "pharmacie@mss.example"


def claimed(name: bytes, message: bytes) -> Claim:
    """What a mechanism makes of this message."""
    return MECHANISMS[name].read(message, EVERYTHING)


# which there are


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts(False, PROVIDER, b"der"), []),
        (Facts(True, None, None), [b"PLAIN"]),
        (Facts(True, PROVIDER, None), [b"PLAIN", b"XOAUTH2", b"OAUTHBEARER"]),
        (Facts(True, None, b"der"), [b"PLAIN", b"EXTERNAL"]),
        (EVERYTHING, list(MECHANISMS)),
    ],
)
def test_what_is_offered_can_be_used(facts: Facts, words: Sequence[bytes]) -> None:
    assert offered(facts) == words


def test_who_shows_a_token_is_told_where_tokens_come_from() -> None:
    assert json.loads(MECHANISMS[b"OAUTHBEARER"].last_word(EVERYTHING)) == {
        "status": "invalid_token",
        "scope": "mss.mail",
        "openid-configuration": "https://connexion.example/.well-known/openid-configuration",
    }
    assert json.loads(MECHANISMS[b"XOAUTH2"].last_word(EVERYTHING)) == {
        "status": "401",
        "schemes": "bearer",
        "scope": "mss.mail",
    }
    without = Facts(True, Provider("https://connexion.example", ""), None)
    assert "scope" not in json.loads(MECHANISMS[b"OAUTHBEARER"].last_word(without))


def test_the_other_mechanisms_have_no_last_word() -> None:
    for name in (b"PLAIN", b"EXTERNAL"):
        assert MECHANISMS[name].last_word(EVERYTHING) == b""


def test_tokens_are_taken_where_the_configuration_names_a_provider() -> None:
    assert provider_of(Config()) is None
    oauth = Oauth(issuer="https://connexion.example/", scope="mss.mail")
    assert provider_of(Config(oauth=oauth)) == PROVIDER


# passwords


def test_plain_at_once_or_after_a_prompt() -> None:
    message = b"\0claire.martin@mss.example\0mot de passe"
    wanted = PasswordClaim("", ME, "mot de passe")
    assert claimed(b"PLAIN", message) == wanted


def test_plain_with_an_authorisation_identity() -> None:
    message = f"{BOX}\0{ME}\0mot de passe".encode()
    assert claimed(b"PLAIN", message) == PasswordClaim(BOX, ME, "mot de passe")


@pytest.mark.parametrize("message", [b"", b"a", b"a\0b", b"a\0b\0c\0d", b"\0\0\0"])
def test_plain_has_three_fields(message: bytes) -> None:
    with pytest.raises(Unreadable):
        claimed(b"PLAIN", message)


@pytest.mark.parametrize("message", [b"\0a\0\xe9", b"\0\xe9\0b", b"\xe9\0a\0b"])
def test_what_is_no_utf_8_is_no_password(message: bytes) -> None:
    with pytest.raises(NotText):
        claimed(b"PLAIN", message)


@pytest.mark.parametrize(
    ("login", "box", "person"),
    [
        (ME, "", ME),
        (f"{BOX}*{ME}", BOX, ME),
        ("a*b@x.example*c*d@y.example", "a*b@x.example", "c*d@y.example"),
        ("a*b@x.example", "", "a*b@x.example"),
        (f"{BOX}*", "", f"{BOX}*"),
        (f"*{ME}", "", f"*{ME}"),
        (f"{BOX}*claire", "", f"{BOX}*claire"),
        (f"pharmacie*{ME}", "", f"pharmacie*{ME}"),
        (f"{BOX}*{ME}*{ME}", "", f"{BOX}*{ME}*{ME}"),
        (f"{BOX} {ME}", "", f"{BOX} {ME}"),
        ("", "", ""),
    ],
)
def test_an_asterisk_between_two_addresses_asks_for_a_shared_box(
    login: str, box: str, person: str
) -> None:
    assert password_claim(b"", login.encode(), b"x") == PasswordClaim(box, person, "x")


def test_an_authorisation_identity_leaves_the_login_as_it_is() -> None:
    claim = password_claim(BOX.encode(), f"{BOX}*{ME}".encode(), b"x")
    assert claim == PasswordClaim(BOX, f"{BOX}*{ME}", "x")


# tokens


@pytest.mark.parametrize(
    ("message", "authorised", "token"),
    [
        (b"n,a=claire.martin@mss.example,\1auth=Bearer abc.d-e_f~+/==\1\1", ME, "abc.d-e_f~+/=="),
        (b"n,,\1auth=Bearer abc\1\1", "", "abc"),
        (b"y,,\1auth=Bearer abc\1\1", "", "abc"),
        (b"n,,\1host=h\1port=143\1auth=Bearer abc\1mthd=POST\1\1", "", "abc"),
        (b"n,,\1auth=bEARER   abc\1\1", "", "abc"),
        (b"n,a=x=2Cy=3D@z,\1auth=Bearer abc\1\1", "x,y=@z", "abc"),
        (b"n,a=x=3D2C,\1auth=Bearer abc\1\1", "x=2C", "abc"),
        (b"n,,\1auth=\1\1", "", ""),
    ],
)
def test_oauthbearer(message: bytes, authorised: str, token: str) -> None:
    assert claimed(b"OAUTHBEARER", message) == TokenClaim(authorised, token)


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (b"", "gs2-header"),
        (b"\1", "gs2-header"),
        (b"\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"p=tls-exporter,,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"F,n,,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,a=,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,a=x=2c,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,a=x\0y,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,a=x,y,\1auth=Bearer abc\1\1", "gs2-header"),
        (b"n,a=\xe9,\1auth=Bearer abc\1\1", "utf-8"),
        (b"n,,", "kvsep"),
        (b"n,,\1", "kvsep"),
        (b"n,,\1auth=Bearer abc", "kvsep"),
        (b"n,,\1auth=Bearer abc\1", "kvsep"),
        (b"n,,\1auth=Bearer abc\1\1\1", "kvpair"),
        (b"n,,\1auth=Bearer abc\1\1x", "kvsep"),
        (b"n,,\1auth\1\1", "kvpair"),
        (b"n,,\1auth=Bearer abc\1auth=Bearer abc\1\1", "kvpair"),
        (b"n,,\1\1", "auth"),
        (b"n,,\1host=h\1\1", "auth"),
        (b"n,,\1auth=Bearer\1\1", "auth"),
        (b"n,,\1auth=Bearer \1\1", "auth"),
        (b"n,,\1auth=Bearer a b\1\1", "auth"),
        (b"n,,\1auth=Bearer a=b\1\1", "auth"),
        (b"n,,\1auth=Basic abc\1\1", "auth"),
        (b"n,,\1auth=Bearer abc\n\1\1", "auth"),
        (b"n,,\1Auth=Bearer abc\1\1", "auth"),
    ],
)
def test_what_is_no_oauthbearer(message: bytes, wanted: str) -> None:
    with pytest.raises(Unreadable) as caught:
        claimed(b"OAUTHBEARER", message)
    assert caught.value.wanted == wanted


@pytest.mark.parametrize(
    ("message", "authorised"),
    [
        (b"user=claire.martin@mss.example\1auth=Bearer abc\1\1", ME),
        (b"auth=Bearer abc\1user=claire.martin@mss.example\1\1", ME),
        (b"user=claire.martin@mss.example\1auth=Bearer abc\1vendor=x\1\1", ME),
        (b"user=\1auth=Bearer abc\1\1", ""),
        (b"auth=Bearer abc\1\1", ""),
    ],
)
def test_xoauth2(message: bytes, authorised: str) -> None:
    assert claimed(b"XOAUTH2", message) == TokenClaim(authorised, "abc")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1",
        b"\1\1",
        b"user=x",
        b"user=x\1auth=Bearer abc\1",
        b"user=\xe9\1auth=Bearer abc\1\1",
        b"user=x\1user=y\1auth=Bearer abc\1\1",
        b"user=x\1auth=OAuth abc\1\1",
        b"n,,\1auth=Bearer abc\1\1",
    ],
)
def test_what_is_no_xoauth2(message: bytes) -> None:
    with pytest.raises(Unreadable):
        claimed(b"XOAUTH2", message)


# certificates


@pytest.mark.parametrize(("answer", "authorised"), [(b"", ""), (BOX.encode(), BOX)])
def test_external_says_whose_mailboxes_and_tls_says_who(answer: bytes, authorised: str) -> None:
    assert claimed(b"EXTERNAL", answer) == CertificateClaim(authorised, b"der")


@pytest.mark.parametrize("answer", [b"\0", b"a\0b", b"\xe9"])
def test_what_is_no_external(answer: bytes) -> None:
    with pytest.raises(Unreadable):
        claimed(b"EXTERNAL", answer)


# all of them


@given(st.sampled_from(sorted(MECHANISMS)), st.binary(max_size=200))
def test_no_octets_are_more_than_unreadable(name: bytes, message: bytes) -> None:
    try:
        claimed(name, message)
    except (Unreadable, NotText):
        return


def test_no_secret_is_shown_by_accident() -> None:
    for claim in (
        PasswordClaim("", ME, "mot-de-passe"),
        TokenClaim("", "mot-de-passe"),
        CertificateClaim("", b"mot-de-passe"),
    ):
        assert "mot-de-passe" not in repr(claim)
        assert "mot-de-passe" not in str(claim)


def test_a_response_may_be_as_long_as_a_token_with_many_claims() -> None:
    assert mechanisms.MAX_LINE == 16 * 1024
