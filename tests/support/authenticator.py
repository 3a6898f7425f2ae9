"""A software authenticator for tests: makes passkeys and signs with them (W3C Web Authentication).

Attestation none, ES256, discoverable. It says what an authenticator says, and can be told to lie:
another origin, no user verification, a counter that goes back, a signature of something else.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(octets: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(given: str) -> bytes:
    """What :func:`text` wrote."""
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


@dataclass(slots=True)
class Authenticator:
    """One device with at most one passkey for a site."""

    origin: str
    counter: int = 0
    step: int = 1
    flags: int = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    host: str = ""

    def make(self, options: dict[str, Any]) -> str:
        """What navigator.credentials.create() gives, as the page's script sends it."""
        self.handle, self.host = octets(options["user"]["id"]), options["rp"]["id"]
        client = self._client("webauthn.create", options["challenge"])
        # fmt, attStmt, authData: a CBOR map of three (RFC 8949 §3.1)
        attestation = (
            b"\xa3" + _text("fmt") + _text("none") + _text("attStmt") + b"\xa0"
            + _text("authData") + _bytes(self._said(self.flags | ATTESTED) + self._credential())
        )  # fmt: skip
        return self._answer(
            {"clientDataJSON": text(client), "attestationObject": text(attestation)}
        )

    def show(self, options: dict[str, Any], **lies: bytes) -> str:
        """What navigator.credentials.get() gives; ``lies`` replace a part of it."""
        self.counter += self.step
        client = self._client("webauthn.get", options["challenge"])
        said = self._said(self.flags)
        signed = lies.get("signed", said + hashlib.sha256(client).digest())
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client),
                "authenticatorData": text(said),
                "signature": text(lies.get("signature", signature)),
                "userHandle": text(lies.get("handle", self.handle)),
            }
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _said(self, flags: int) -> bytes:
        return (
            hashlib.sha256(self.host.encode()).digest()
            + bytes([flags])
            + self.counter.to_bytes(4, "big")
        )

    def _credential(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        # COSE_Key of EC2, ES256, P-256 (RFC 9053 §7.1.1)
        cose = (
            b"\xa5\x01\x02\x03\x26\x20\x01\x21" + _bytes(numbers.x.to_bytes(32, "big"))
            + b"\x22" + _bytes(numbers.y.to_bytes(32, "big"))
        )  # fmt: skip
        size = len(self.credential_id).to_bytes(2, "big")
        return bytes(16) + size + self.credential_id + cose

    def _answer(self, response: dict[str, str]) -> str:
        name = text(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )


def _text(said: str) -> bytes:
    return bytes([0x60 + len(said)]) + said.encode()


def _bytes(content: bytes) -> bytes:
    """A byte string with the shortest head that says its length."""
    size = len(content)
    return (bytes([0x58, size]) if size < 256 else b"\x59" + size.to_bytes(2, "big")) + content
