"""``openssl cms`` as a judge: one call of the program per question, in a folder of its own."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.judging import Circle, Party, Refused
from tests.support.programs import require_program

WAYS = {
    "": ("ecdh_kdf_md:sha256",),
    "pkcs1": (),
    "oaep": ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256"),
    "oaep by default": ("rsa_padding_mode:oaep",),
    "oaep, mask by SHA-1": (
        "rsa_padding_mode:oaep",
        "rsa_oaep_md:sha256",
        "rsa_mgf1_md:sha1",
    ),
    "ecdh": ("ecdh_kdf_md:sha256",),
    "ecdh by default": (),
    "ecdh with SHA-384": ("ecdh_kdf_md:sha384",),
    "ecdh with SHA-512": ("ecdh_kdf_md:sha512",),
    "ecdh with cofactor": ("ecdh_kdf_md:sha256", "ecdh_cofactor_mode:1"),
}
"""How a content key reaches a recipient: the options of ``-keyopt``."""

_RSA = ("pkcs1", "oaep", "oaep by default", "oaep, mask by SHA-1")


class OpenSsl:
    """Signs, verifies, encrypts and decrypts; a refusal is :class:`Refused`."""

    def __init__(self, circle: Circle, folder: Path) -> None:
        self.program = require_program("openssl")
        self._circle = circle
        self._folder = folder

    def sign(
        self,
        content: bytes,
        party: Party,
        *,
        form: str = "opaque",
        by_key_identifier: bool = False,
        pss: bool = False,
    ) -> bytes:
        """Signed-data; ``form`` is opaque, detached or streamed (opaque, BER)."""
        words = [
            "-sign",
            "-md",
            _digest(party),
            "-in",
            self._put("content", content),
            *_named(party),
        ]
        words += [] if form == "detached" else ["-nodetach"]
        words += ["-stream"] if form == "streamed" else []
        words += ["-keyid"] if by_key_identifier else []
        words += ["-keyopt", "rsa_padding_mode:pss"] if pss else []
        return self._made(words)

    def verify(self, blob: bytes, content: bytes | None) -> bytes:
        """The content that the signature and the chain are right for, by the rules of S/MIME."""
        words = ["-verify", "-inform", "DER", "-in", self._put("blob", blob)]
        words += self._trusting()
        words += [] if content is None else ["-content", self._put("beside", content)]
        return self._found(words)

    def sign_entity(self, content: bytes, party: Party, **options: bool) -> bytes:
        """multipart/signed with CRLF, without fields of a message but MIME-Version."""
        words = ["-sign", "-in", self._put("content", content), *_named(party)]
        words += ["-md", _digest(party), "-outform", "SMIME", "-crlfeol"]
        words += ["-keyid"] if options.get("by_key_identifier") else []
        words += ["-keyopt", "rsa_padding_mode:pss"] if options.get("pss") else []
        made = self._folder / "made"
        self._run([*words, "-out", made])
        return made.read_bytes()

    def verify_entity(self, entity: bytes) -> bytes:
        """The content of a multipart/signed, its lines ended by CRLF (RFC 8551 §3.1.1)."""
        words = ["-verify", "-inform", "SMIME", "-in", self._put("blob", entity)]
        words += self._trusting()
        # with -binary, openssl 3.0 refuses even the multipart/signed that it made itself
        return self._found(words, is_text=True)

    def encrypt(
        self,
        content: bytes,
        parties: Sequence[Party],
        cipher: str,
        *,
        way: str = "pkcs1",
        by_key_identifier: bool = False,
        streamed: bool = False,
    ) -> bytes:
        """Enveloped-data, each recipient in the way that :data:`WAYS` has for its kind of key."""
        words = ["-encrypt", f"-{cipher}", "-in", self._put("content", content)]
        words += ["-stream"] if streamed else []
        words += ["-keyid"] if by_key_identifier else []
        for party in parties:
            words += ["-recip", party.certificate_file]
            for option in WAYS[way if party.kind.startswith("rsa") == (way in _RSA) else ""]:
                words += ["-keyopt", option]
        return self._made(words)

    def decrypt(self, blob: bytes, party: Party) -> bytes:
        """The content, opened by the party's key."""
        words = ["-decrypt", "-inform", "DER", "-in", self._put("blob", blob)]
        words += ["-recip", party.certificate_file, "-inkey", party.key_file]
        return self._found(words)

    def _trusting(self) -> list[object]:
        # the system's anchors are left out: to read them would be most of the work
        anchors = ["-CAfile", self._circle.root_file, "-no-CApath", "-no-CAstore"]
        return [*anchors, "-purpose", "smimesign"]

    def _made(self, words: Sequence[object]) -> bytes:
        made = self._folder / "made"
        self._run([*words, "-outform", "DER", "-out", made])
        return made.read_bytes()

    def _found(self, words: Sequence[object], *, is_text: bool = False) -> bytes:
        found = self._folder / "found"
        self._run([*words, "-out", found], is_text=is_text)
        return found.read_bytes()

    def _put(self, name: str, octets: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(octets)
        return path

    def _run(self, words: Sequence[object], *, is_text: bool = False) -> None:
        verb, *rest = map(str, words)
        done = subprocess.run(
            [self.program, "cms", verb, *([] if is_text else ["-binary"]), *rest],
            cwd=self._folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise Refused(f"openssl: {done.stderr.decode('utf-8', 'replace')}")


def _digest(party: Party) -> str:
    return {"p384": "sha384", "p521": "sha512"}.get(party.kind, "sha256")


def _named(party: Party) -> list[object]:
    return ["-signer", party.certificate_file, "-inkey", party.key_file]
