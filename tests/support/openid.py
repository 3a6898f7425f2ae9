"""A local OpenID provider: keys, tokens, its set of keys in a file or on loopback HTTPS.

Tokens are put together by hand on ``cryptography``: the product reads them with joserfc, and two
programs that agree are worth more than one that agrees with itself.
"""

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey

ISSUER = "https://connexion.example/realms/sante"
AUDIENCE = "mss-gateway"
NOW = 1_795_000_000

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def b64(octets: bytes) -> str:
    """Base64 as JWTs have it."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value: int, octets: int | None = None) -> str:
    """A number of a JWK."""
    return b64(value.to_bytes(octets or (value.bit_length() + 7) // 8, "big"))


@cache
def rsa_key(order: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key, made once for the whole run; ``order`` tells several apart."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(order: int = 0) -> ec.EllipticCurvePrivateKey:
    """A P-256 key, made once."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key(order: int = 0) -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key, made once."""
    return ed25519.Ed25519PrivateKey.generate()


def jwk(key: SigningKey, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public half of a key as the provider publishes it."""
    match key:
        case rsa.RSAPrivateKey():
            public = key.public_key().public_numbers()
            entry = {"kty": "RSA", "n": number(public.n), "e": number(public.e)}
        case ec.EllipticCurvePrivateKey():
            point, size = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
            curve = {256: "P-256", 384: "P-384"}[key.curve.key_size]
            entry = {
                "kty": "EC",
                "crv": curve,
                "x": number(point.x, size),
                "y": number(point.y, size),
            }
        case ed25519.Ed25519PrivateKey():
            raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            entry = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    return {**entry, **({} if kid is None else {"kid": kid}), **more}


def signature(key: SigningKey, algorithm: str, text: bytes) -> bytes:
    """The signature of a token under ``algorithm``."""
    match key:
        case rsa.RSAPrivateKey() if algorithm.startswith("PS"):
            return key.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        case rsa.RSAPrivateKey():
            return key.sign(text, padding.PKCS1v15(), SHA256())
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
            size = (key.curve.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        case ed25519.Ed25519PrivateKey():
            return key.sign(text)


def claims(address: str, now: float = NOW, **more: Any) -> dict[str, Any]:
    """What an access token of ``address`` claims; None leaves a claim out."""
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "f1a2",
        "email": address,
        "iat": int(now),
        "exp": int(now) + 240,
        "scope": "openid email",
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def raw_token(header: dict[str, Any], body: bytes, key: SigningKey) -> str:
    """A token of any header and body, signed under the header's ``alg`` if there is one."""
    text = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    return f"{text}.{b64(signature(key, str(header.get('alg')), text.encode()))}"


def token(
    claimed: dict[str, Any],
    key: SigningKey | None = None,
    algorithm: str = "RS256",
    kid: str | None = "k1",
    **header: Any,
) -> str:
    """A signed token."""
    named = {} if kid is None else {"kid": kid}
    head = {"alg": algorithm, "typ": "JWT", **named, **header}
    return raw_token(head, json.dumps(claimed).encode(), key or rsa_key())


def unsigned_token(claimed: dict[str, Any], kid: str | None = "k1") -> str:
    """A token that says ``none``."""
    head = {"alg": "none", "typ": "JWT", "kid": kid}
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claimed).encode())}."


def mac_token(claimed: dict[str, Any], secret: bytes, kid: str | None = "k1") -> str:
    """A token under HS256 with a secret: the public key, in the oldest attack on JWTs."""
    head = {"alg": "HS256", "typ": "JWT", "kid": kid}
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claimed).encode())}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def key_set(*entries: dict[str, Any]) -> bytes:
    """A set of keys as it is published."""
    return json.dumps({"keys": list(entries)}).encode()


@dataclass(slots=True)
class Published:
    """What the provider's server answers, and how often it was asked."""

    port: int
    ca_file: Path
    body: bytes
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    delay: threading.Event | None = None
    stall: threading.Event | None = None
    drip: float = 0.0
    asked: int = 0

    def pieces(self) -> Iterator[bytes]:
        """The body at once, or octet by octet with ``drip`` seconds between."""
        if not self.drip:
            yield self.body
            return
        for octet in self.body:
            time.sleep(self.drip)
            yield bytes([octet])

    @property
    def url(self) -> str:
        """Where the keys are."""
        return f"https://localhost:{self.port}/realms/sante/certs"


@contextmanager
def serving(
    folder: Path, body: bytes, names: Sequence[str] = ("localhost",)
) -> Iterator[Published]:
    """The provider's server on loopback HTTPS, its certificate of an authority of its own."""
    context, ca_file = _server_context(folder, names)
    published = Published(0, ca_file, body)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.asked += 1
            if published.delay is not None:
                published.delay.wait(10)
            self.send_response(published.status)
            for name, value in published.fields.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in published.pieces():
                self.wfile.write(piece)
            if published.stall is not None:
                published.stall.wait(10)

        def log_message(self, *_: object) -> None:
            """Silent."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that does not trust us, or that had enough, is no matter."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    published.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield published
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _server_context(folder: Path, names: Sequence[str]) -> tuple[ssl.SSLContext, Path]:
    authority = Authority.create(
        "Fournisseur d'essai", "p256", datetime(2020, 1, 1, tzinfo=UTC), 50
    )
    key = PrivateKey.generate("p256")
    server = authority.issue_server(
        names, [], key.public_key, datetime(2024, 1, 1, tzinfo=UTC), 10_000
    )
    key_file, chain_file = folder / "openid.key", folder / "openid.pem"
    export_for_client(key, [server, *authority.chain], key_file, chain_file)
    ca_file = folder / "openid-ca.pem"
    ca_file.write_bytes(to_pem(authority.root))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file, key_file)
    return context, ca_file
