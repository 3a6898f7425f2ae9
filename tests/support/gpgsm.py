"""``gpgsm`` as a judge of CMS, in a home of its own with an agent that ends with the block.

What gpgsm 2.2 cannot do: read AES-GCM (authEnvelopedData), RSAES-OAEP or ECDH; import an EC key
(it crashes on its PKCS#12) or sign by one; name a recipient or a signer by key identifier.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from tests.support.judging import PASSWORD, Circle, Party, Refused
from tests.support.programs import require_program

_LOOPBACK = ("--pinentry-mode", "loopback", "--passphrase-fd", "0")


class Gpgsm:
    """Signs, verifies, encrypts and decrypts; a refusal is :class:`Refused`."""

    def __init__(self, program: str, home: Path) -> None:
        self._program = program
        self._home = home
        self._known: set[str] = set()
        self._owned: set[str] = set()

    def sign(self, content: bytes, party: Party, *, form: str = "opaque") -> bytes:
        """Signed-data, which gpgsm always writes as BER; ``form`` is opaque or detached."""
        self._own(party)
        words = ["--sign", *(["--detach-sign"] if form == "detached" else [])]
        made = self._home / "made"
        self._run([*words, "--local-user", party.address, "--output", made], content)
        return made.read_bytes()

    def verify(self, blob: bytes, content: bytes | None) -> bytes:
        """The content, when the signature is right and its certificate good for signing."""
        found = self._home / "found"
        words: list[object] = ["--status-fd", "1", "--verify"]
        words += ["--output", found] if content is None else []
        words += [self._put("blob", blob)]
        words += [] if content is None else [self._put("beside", content)]
        told = self._run(words)
        if "[GNUPG:] GOODSIG" not in told or "[GNUPG:] TRUST_FULLY" not in told:
            raise Refused(f"gpgsm: {told}")
        return found.read_bytes() if content is None else content

    def encrypt(self, content: bytes, parties: Sequence[Party], cipher: str) -> bytes:
        """Enveloped-data; ``cipher`` as the table of algorithms names it (CBC)."""
        words: list[object] = [
            "--encrypt",
            "--cipher-algo",
            cipher.removesuffix("-cbc").replace("-", "").upper(),
        ]
        for party in parties:
            self._know(party.name, party.certificate_file)
            words += ["--recipient", party.address]
        made = self._home / "made"
        self._run([*words, "--output", made], content)
        return made.read_bytes()

    def decrypt(self, blob: bytes, party: Party) -> bytes:
        """The content, opened by the party's key."""
        self._own(party)
        found = self._home / "found"
        self._run(["--output", found, "--decrypt", self._put("blob", blob)])
        return found.read_bytes()

    def _own(self, party: Party) -> None:
        """Import the key. gpgsm 2.2 misreads one PKCS#12 in a hundred: by its salt, so again."""
        if party.name in self._owned:
            return
        told = ""
        for _ in range(5):
            try:
                self._run(["--import", self._put("p12", party.pkcs12())])
            except Refused as refused:
                told = str(refused)
                continue
            self._owned.add(party.name)
            return
        raise Refused(told)

    def _know(self, name: str, certificate_file: Path) -> None:
        if name not in self._known:
            self._run(["--import", certificate_file])
            self._known.add(name)

    def _put(self, name: str, octets: bytes) -> Path:
        path = self._home / name
        path.write_bytes(octets)
        return path

    def _run(self, words: Sequence[object], content: bytes | None = None) -> str:
        (self._home / "found").unlink(missing_ok=True)
        command = [self._program, "--homedir", self._home, "--batch", "--yes", *_LOOPBACK, *words]
        if content is not None:
            command.append(self._put("content", content))
        done = subprocess.run(
            [str(each) for each in command],
            input=PASSWORD + b"\n",
            capture_output=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise Refused(f"gpgsm: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout.decode("utf-8", "replace")


@contextmanager
def judging(circle: Circle) -> Iterator[Gpgsm]:
    """The judge, until the end of the block."""
    program, agents = require_program("gpgsm"), require_program("gpgconf")
    # not below pytest's folder: the path of the agent's socket has 108 octets at most
    home = Path(tempfile.mkdtemp(prefix="gpgsm-"))
    try:
        # nothing is asked of the network
        (home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n", "ascii")
        (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\ns2k-count 65536\n", "ascii")
        # gpgsm names certificates by SHA-1
        fingerprint = circle.root.fingerprint(hashes.SHA1()).hex().upper()
        (home / "trustlist.txt").write_text(f"{fingerprint} S relax\n", "ascii")
        judge = Gpgsm(program, home)
        judge._know("root", circle.root_file)
        yield judge
    finally:
        subprocess.run(
            [agents, "--homedir", home, "--kill", "gpg-agent"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        shutil.rmtree(home, ignore_errors=True)
