"""NSS's ``cmsutil`` as a judge of CMS, with a database of its own: what Thunderbird is made of."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.judging import PASSWORD, Circle, Party, Refused
from tests.support.programs import require_program


class Nss:
    """Signs, verifies, encrypts and decrypts; a refusal is :class:`Refused`."""

    def __init__(self, circle: Circle, folder: Path) -> None:
        self._program = require_program("cmsutil")
        self._import = require_program("pk12util")
        self._folder = folder
        self._owned: set[str] = set()
        certutil = require_program("certutil")
        self._run([certutil, "-N", "-d", self._database, "--empty-password"])
        self._run(
            [
                certutil,
                "-A",
                "-d",
                self._database,
                "-n",
                "root",
                "-t",
                ",C,",
                "-i",
                circle.root_file,
            ]
        )

    def sign(self, content: bytes, party: Party, *, form: str = "opaque") -> bytes:
        """Signed-data; ``form`` is opaque or detached."""
        self._own(party)
        words = ["-S", "-N", party.name, "-G", "-P", "-H", "SHA256"]
        return self._made([*words, *(["-T"] if form == "detached" else [])], content)

    def verify(self, blob: bytes, content: bytes | None) -> bytes:
        """The content, when the signature is right and its certificate good for signing mail."""
        beside = [] if content is None else ["-c", self._put("beside", content)]
        return self._found([*beside, "-u", "4"], blob)

    def encrypt(self, content: bytes, parties: Sequence[Party]) -> bytes:
        """Enveloped-data, by the cipher that NSS chooses for these recipients."""
        for party in parties:
            self._own(party)
        return self._made(["-E", "-r", ",".join(each.address for each in parties)], content)

    def decrypt(self, blob: bytes, party: Party) -> bytes:
        """The content, opened by the party's key."""
        self._own(party)
        return self._found([], blob)

    @property
    def _database(self) -> str:
        return f"sql:{self._folder}"

    def _own(self, party: Party) -> None:
        if party.name not in self._owned:
            words = [self._import, "-d", self._database, "-W", PASSWORD.decode()]
            self._run([*words, "-i", self._put("p12", party.pkcs12())])
            self._owned.add(party.name)

    def _made(self, words: Sequence[object], content: bytes) -> bytes:
        made = self._folder / "made"
        command = [self._program, "-d", self._database, *words]
        self._run([*command, "-i", self._put("content", content), "-o", made])
        return made.read_bytes()

    def _found(self, words: Sequence[object], blob: bytes) -> bytes:
        found = self._folder / "found"
        command = [self._program, "-d", self._database, "-D", *words]
        self._run([*command, "-i", self._put("blob", blob), "-o", found])
        return found.read_bytes()

    def _put(self, name: str, octets: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(octets)
        return path

    def _run(self, command: Sequence[object]) -> None:
        for left in ("found", "made"):
            (self._folder / left).unlink(missing_ok=True)
        done = subprocess.run(
            [str(each) for each in command], capture_output=True, timeout=60, check=False
        )
        if done.returncode:
            raise Refused(f"NSS: {done.stderr.decode('utf-8', 'replace')}")
