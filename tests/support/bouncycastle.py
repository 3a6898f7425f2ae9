"""BouncyCastle as a judge of CMS: Debian's jars, one Java process that reads commands.

``tests/crossed/Judge.java`` is compiled into a folder of the session; a start of Java costs as much
as forty of its answers.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.judging import Circle, Party, Refused
from tests.support.programs import require_program

JARS = tuple(
    Path("/usr/share/java", f"{name}.jar") for name in ("bcmail", "bcpkix", "bcprov", "bcutil")
)
SOURCE = Path(__file__).resolve().parents[1] / "crossed" / "Judge.java"

_SIGNATURES = {
    "rsa-2048": "SHA256withRSA",
    "rsa-3072": "SHA256withRSA",
    "p256": "SHA256withECDSA",
    "p384": "SHA384withECDSA",
    "p521": "SHA512withECDSA",
    "ed25519": "Ed25519",
}


def require_jars() -> str:
    """The class path; skips when a jar is absent, fails when MSS_CI is set."""
    absent = [path.name for path in JARS if not path.is_file()]
    if not absent:
        return os.pathsep.join(map(str, JARS))
    reason = f"BouncyCastle is not installed: no {', '.join(absent)} in {JARS[0].parent}"
    if os.environ.get("MSS_CI"):
        pytest.fail(f"{reason}, and MSS_CI is set: add libbcmail-java to .ci/run")
    pytest.skip(reason)


class BouncyCastle:
    """Signs, verifies, encrypts and decrypts; a refusal is :class:`Refused`."""

    def __init__(self, running: "subprocess.Popen[str]", circle: Circle, folder: Path) -> None:
        self._running = running
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
        made = self._folder / "made"
        scheme = _SIGNATURES[party.kind] + ("andMGF1" if pss else "")
        self._ask(
            "sign", made, self._put("content", content), party.key_file, party.certificate_file,
            scheme, form, "ski" if by_key_identifier else "serial",
        )  # fmt: skip
        return made.read_bytes()

    def verify(self, blob: bytes, content: bytes | None) -> tuple[bytes, list[str]]:
        """The content and what it saw: (OID of the signature, of the digest, naming, OIDs)."""
        found = self._folder / "found"
        beside = "-" if content is None else self._put("beside", content)
        told = self._ask("verify", self._put("blob", blob), beside, self._circle.root_file, found)
        return found.read_bytes(), told

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
        """Enveloped-data; ``cipher`` as the table of algorithms names it.

        ``way``: pkcs1 or oaep (SHA-256) for RSA keys; X25519 keys agree by HKDF, or by the older
        derivation where it is x963 (RFC 8418 §2.1).
        """
        made = self._folder / "made"
        self._ask(
            "encrypt", made, self._put("content", content), cipher,
            "ber" if streamed else "der", way,
            "ski" if by_key_identifier else "serial", *[each.certificate_file for each in parties],
        )  # fmt: skip
        return made.read_bytes()

    def decrypt(self, blob: bytes, party: Party) -> tuple[bytes, list[str]]:
        """The content and what it saw: (authenticated or plain, OID of the key's way, naming)."""
        found = self._folder / "found"
        told = self._ask(
            "decrypt", self._put("blob", blob), party.key_file, party.certificate_file, found
        )
        return found.read_bytes(), told

    def _put(self, name: str, octets: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(octets)
        return path

    def _ask(self, *words: object) -> list[str]:
        assert self._running.stdin is not None and self._running.stdout is not None
        self._running.stdin.write("\t".join(map(str, words)) + "\n")
        self._running.stdin.flush()
        verdict, *told = self._running.stdout.readline().rstrip("\n").split("\t")
        if verdict != "ok":
            raise Refused(f"BouncyCastle: {' '.join(told) or 'it has ended'}")
        return told


@contextmanager
def judging(circle: Circle, folder: Path) -> Iterator[BouncyCastle]:
    """The judge, until the end of the block."""
    path = require_jars()
    compiler, java = require_program("javac"), require_program("java")
    classes = folder / "classes"
    # -Xlint without "path": Debian's manifests name jars of packages that are not needed
    compiled = subprocess.run(
        [compiler, "-Werror", "-Xlint:all,-path", "-cp", path, "-d", classes, SOURCE],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stderr
    command = [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"]
    command += ["-cp", os.pathsep.join((path, str(classes))), "Judge"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as running:
        yield BouncyCastle(running, circle, folder)
        assert running.stdin is not None
        running.stdin.close()
        running.wait(30)
