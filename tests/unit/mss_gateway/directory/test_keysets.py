"""Keys of an OpenID provider: which are taken, from where, and what a bad answer leaves."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mss_gateway.directory import keysets
from mss_gateway.directory.keysets import (
    SET_KEYS,
    SET_OCTETS,
    KeyFile,
    Keys,
    KeyServer,
    KeySetRefused,
    parse,
    private_context,
)
from tests.support import openid
from tests.support.openid import Published, ec_key, ed_key, jwk, key_set, rsa_key

GOOD = key_set(jwk(rsa_key(), "k1"))
NEWER = key_set(jwk(rsa_key(1), "k2"))


def kids(text: bytes) -> list[str | None]:
    return [key.kid for key in parse(text)]


# what is taken


def test_keys_of_every_kind_are_taken_with_what_they_may_verify() -> None:
    found = parse(
        key_set(
            jwk(rsa_key(), "r", use="sig"),
            jwk(ec_key(), "e", key_ops=["verify"]),
            jwk(ed_key(), "o"),
            jwk(rsa_key(1), None, alg="PS256"),
        )
    )
    assert [(key.kid, sorted(key.algorithms)) for key in found] == [
        ("r", ["PS256", "RS256"]),
        ("e", ["ES256"]),
        ("o", ["Ed25519", "EdDSA"]),
        (None, ["PS256"]),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        jwk(rsa_key(), "x", use="enc"),
        jwk(rsa_key(), "x", alg="RSA-OAEP"),
        jwk(rsa_key(), "x", alg="HS256"),
        jwk(rsa_key(), "x", alg="none"),
        jwk(rsa_key(), "x", key_ops=["encrypt"]),
        jwk(rsa_key(), "x", key_ops="verify"),
        jwk(rsa_key(), "x", d="AQAB"),
        jwk(rsa_key(0, 1024), "x"),
        jwk(rsa_key(), "x", n="AQ"),
        jwk(rsa_key(), "x", n="&&"),
        jwk(rsa_key(), "x", n=5),
        jwk(rsa_key(), "x", crv="P-256"),
        {**jwk(rsa_key(), "x"), "kid": 5},
        {**jwk(rsa_key(), "x"), "kty": ["RSA"]},
        {"kty": "RSA", "kid": "x"},
        {"kty": "oct", "kid": "x", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
        {"kty": "AKP", "kid": "x", "pub": "AA"},
        jwk(ec.generate_private_key(ec.SECP384R1()), "x"),
        jwk(ec_key(), "x", crv="P-384"),
        jwk(ec_key(), "x", x="AA"),
        jwk(ed_key(), "x", crv="X25519"),
        {},
        [],
        "RSA",
        None,
    ],
)
def test_a_key_of_no_use_is_passed_over(entry: Any) -> None:
    assert kids(key_set(entry, jwk(ec_key(), "good"))) == ["good"]
    with pytest.raises(KeySetRefused, match="no key"):
        parse(key_set(entry))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"5", b'"keys"', b"{}", b'{"keys": 5}', b'{"keys": {}}', b"\xff\xfe", b"["],
)
def test_what_is_no_set_is_refused(text: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse(text)


def test_a_set_has_a_greatest_size_and_number() -> None:
    padding = b" " * (SET_OCTETS - len(GOOD))
    assert kids(GOOD + padding) == ["k1"]
    with pytest.raises(KeySetRefused, match="too big"):
        parse(GOOD + padding + b" ")
    one = jwk(ec_key(), "k")
    assert len(parse(key_set(*[one] * SET_KEYS))) == SET_KEYS
    with pytest.raises(KeySetRefused, match="too many"):
        parse(key_set(*[one] * (SET_KEYS + 1)))
    with pytest.raises(KeySetRefused):
        parse(b"[" * SET_OCTETS)


# from where


def test_a_file_is_read_and_never_more_of_it_than_can_be_taken(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(GOOD)
    keys = Keys(KeyFile(path))
    assert keys.refresh()
    assert [key.kid for key in keys.current] == ["k1"]
    path.write_bytes(b"x" * (SET_OCTETS + 5))
    assert len(KeyFile(path).read()) == SET_OCTETS + 1


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Published]:
    with openid.serving(tmp_path, GOOD) as server:
        yield server


def source(published: Published) -> KeyServer:
    return KeyServer(published.url, private_context(published.ca_file))


def test_keys_come_from_a_server_of_the_authority_named(published: Published) -> None:
    assert kids(source(published).read()) == ["k1"]


def test_a_server_of_another_name_is_not_believed(tmp_path: Path) -> None:
    with openid.serving(tmp_path, GOOD, names=["ailleurs.example"]) as elsewhere:
        with pytest.raises(ssl.SSLCertVerificationError):
            source(elsewhere).read()
        assert elsewhere.asked == 0


def test_a_server_of_another_authority_is_not_believed(
    published: Published, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with openid.serving(other, GOOD) as stranger:
        context = private_context(stranger.ca_file)
        with pytest.raises(ssl.SSLCertVerificationError):
            KeyServer(published.url, context).read()
    assert published.asked == 0


@pytest.mark.parametrize("status", [204, 301, 302, 401, 404, 500])
def test_only_200_is_an_answer_and_no_redirection_is_followed(
    published: Published, status: int
) -> None:
    published.status, published.fields = status, {"Location": published.url}
    with pytest.raises(KeySetRefused, match=str(status)):
        source(published).read()
    assert published.asked == 1


def test_no_more_is_read_than_a_set_may_have(published: Published) -> None:
    published.body = b" " * (4 * SET_OCTETS)
    text = source(published).read()
    assert len(text) == SET_OCTETS + 1
    with pytest.raises(KeySetRefused, match="too big"):
        parse(text)


def test_a_server_that_does_not_answer_is_let_go(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysets, "FETCH_SECONDS", 0.2)
    published.delay = threading.Event()
    started = time.monotonic()
    with pytest.raises((OSError, KeySetRefused)):
        source(published).read()
    assert time.monotonic() - started < 5
    published.delay.set()


@pytest.mark.parametrize("announced", [{}, {"Content-Length": "5000"}])
def test_a_server_that_stops_in_the_middle_is_let_go(
    published: Published, announced: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keysets, "FETCH_SECONDS", 0.2)
    published.fields, published.body = announced, GOOD[:200]
    published.stall = threading.Event()
    started = time.monotonic()
    assert not Keys(source(published)).refresh()
    assert time.monotonic() - started < 5
    published.stall.set()


def test_a_server_that_drips_has_no_more_time_than_others(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each octet comes within the time of one, all of them do not."""
    published.drip = 0.05
    published.body = b" " * 400
    keys = source(published)
    monkeypatch.setattr(keysets, "FETCH_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises((OSError, KeySetRefused)):
        parse(keys.read())
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url", ["https://", "https://localhost:abc/", "https://localhost:99999/", "https://[/"]
)
def test_an_address_that_is_none_is_a_refusal(published: Published, url: str) -> None:
    assert not Keys(KeyServer(url, private_context(published.ca_file))).refresh()


# in the background


class Script:
    """A source that answers what it is told, and says when it was asked."""

    def __init__(self, text: bytes | Exception) -> None:
        self.text = text
        self.asked = threading.Semaphore(0)

    def read(self) -> bytes:
        self.asked.release()
        if isinstance(self.text, Exception):
            raise self.text
        return self.text


@pytest.mark.parametrize(
    "bad", [b"{}", b"x", OSError("gone"), KeySetRefused("500"), ZeroDivisionError("a bug")]
)
def test_what_cannot_be_had_leaves_the_last_good_keys(bad: bytes | Exception) -> None:
    script = Script(GOOD)
    keys = Keys(script)
    assert keys.current == ()
    assert keys.refresh()
    script.text = bad
    assert not keys.refresh()
    assert [key.kid for key in keys.current] == ["k1"]


def eventually(is_so: Any) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def running() -> Iterator[list[Keys]]:
    started: list[Keys] = []
    yield started
    for keys in started:
        keys.stop()


def test_the_first_keys_come_by_themselves_and_a_bad_start_is_tried_again(
    running: list[Keys],
) -> None:
    script = Script(OSError("not yet"))
    keys = Keys(script, refresh_seconds=3_600, pause_seconds=0.01)
    running.append(keys)
    keys.start()
    for _ in range(3):
        assert script.asked.acquire(timeout=10)
    script.text = GOOD
    eventually(lambda: keys.current)


def test_keys_are_read_again_every_so_often(running: list[Keys]) -> None:
    script = Script(GOOD)
    keys = Keys(script, refresh_seconds=0.02, pause_seconds=0.01)
    running.append(keys)
    keys.start()
    eventually(lambda: keys.current)
    script.text = NEWER
    eventually(lambda: [key.kid for key in keys.current] == ["k2"])


def test_a_key_asked_for_is_fetched_but_not_more_often_than_the_pause(
    running: list[Keys],
) -> None:
    script = Script(GOOD)
    keys = Keys(script, refresh_seconds=3_600, pause_seconds=0.2)
    running.append(keys)
    keys.start()
    eventually(lambda: keys.current)
    started = time.monotonic()
    script.text = NEWER
    while [key.kid for key in keys.current] != ["k2"]:
        keys.want()
        assert time.monotonic() - started < 10
        time.sleep(0.001)
    fetches = 0
    while script.asked.acquire(blocking=False):
        fetches += 1
    assert fetches <= 2 + (time.monotonic() - started) / 0.2


def test_stopping_ends_the_thread_and_starting_again_begins_anew() -> None:
    script = Script(GOOD)
    keys = Keys(script, refresh_seconds=3_600, pause_seconds=3_600)
    keys.stop()
    for _ in range(2):
        keys.start()
        keys.start()
        assert script.asked.acquire(timeout=10)
        keys.stop()
    assert not script.asked.acquire(blocking=False)
    assert not any(thread.name == "openid-keys" for thread in threading.enumerate())


def test_the_published_set_is_json_and_nothing_private_is_in_it() -> None:
    assert all("d" not in key for key in json.loads(GOOD)["keys"])
