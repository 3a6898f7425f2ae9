"""Other implementations agree on DKIM: Mail::DKIM and OpenDKIM accept ours, ours accepts theirs.

The message is one that leaves: signed by its author and enveloped for its recipient. OpenDKIM is
asked by the test mode of its daemon, which reads keys from a file (``opendkim-testmsg`` asks the
DNS, and signs by SHA-1). Both judge by their own clock.
"""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.capabilities import MODERN
from certs.cms.enveloped import make_enveloped
from certs.cms.signed import make_signed
from certs.published import to_der
from mss_gateway.message import dkim, smime
from mss_gateway.message.dkim.signing import SIGNED_FIELDS
from tests.support.judging import Circle, Party
from tests.support.programs import require_program

SCRIPT = Path(__file__).with_name("dkim_judge.pl")
MAIL_DKIM = "dkimproxy-verify"
"""A program that comes with Mail::DKIM, and says that it is there."""

DOMAIN, SELECTOR = "mss.example", "s2026"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"


@dataclass(frozen=True)
class Zone:
    """A key with its record, in the files that the programs read."""

    folder: Path
    party: Party

    @property
    def record(self) -> str:
        return dkim.published(to_der(self.party.key.public_key))

    def sign(self, raw: bytes) -> bytes:
        return dkim.sign(raw, DOMAIN, SELECTOR, self.party.key.sign, int(time.time())) + raw

    def verify(self, raw: bytes) -> list[tuple[str, str]]:
        results = dkim.verify(raw, {NAME: self.record.encode()}.get, int(time.time()))
        return [(one.word, one.reason.value) for one in results]


@pytest.fixture(scope="module")
def zone(circle: Circle, tmp_path_factory: pytest.TempPathFactory) -> Zone:
    made = Zone(tmp_path_factory.mktemp("zone"), circle.party("rsa-2048"))
    (made.folder / "mail-dkim").write_text(f"{NAME}\t{made.record}\n")
    (made.folder / "opendkim").write_text(f"{NAME} {made.record}\n")
    settings = {
        "TestDNSData": str(made.folder / "opendkim"),
        "Mode": "v",
        "InternalHosts": "192.0.2.1",
        "On-NoSignature": "reject",
        "On-BadSignature": "reject",
    }
    lines = "".join(f"{key} {value}\n" for key, value in settings.items())
    (made.folder / "opendkim.conf").write_text(lines)
    return made


@pytest.fixture(scope="module")
def letter(circle: Circle) -> bytes:
    """A report of 300 lines, signed and enveloped; its subject outside is a neutral one."""
    author, recipient = circle.party("p256"), circle.party("p256+2")
    body = "".join(f"Ligne {number} du compte rendu.\r\n" for number in range(300))
    raw = (
        f"From: Dr Claire Martin <claire.martin@{DOMAIN}>\r\nTo: <{recipient.address}>\r\n"
        "Subject: Message de =?utf-8?q?sant=C3=A9?=\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
        "Message-ID: <1@mss.example>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain\r\n\r\n{body}"
    ).encode()
    signed = smime.wrap_signed(raw, lambda entity: make_signed(entity, author.signer, None))
    return smime.wrap_enveloped(
        signed,
        lambda entity: make_enveloped(entity, [recipient.certificate], MODERN),
        authenticated=True,
    )


def altered(raw: bytes, place: str) -> bytes:
    """One octet of the envelope, or another author, or one field more."""
    if place == "body":
        at = raw.index(b"\r\n\r\n") + 1_000
        return raw[:at] + (b"A" if raw[at : at + 1] != b"A" else b"B") + raw[at + 1 :]
    if place == "author":
        return raw.replace(b"\r\nFrom: Dr Claire", b"\r\nFrom: Dr Claude", 1)
    return raw.replace(b"\r\nFrom: ", f"\r\n{place}: x\r\nFrom: ".encode(), 1)


PLACES = ["body", "author", *SIGNED_FIELDS]


def mail_dkim(zone: Zone, raw: bytes) -> str:
    """What Mail::DKIM says, in one word."""
    require_program(MAIL_DKIM)
    words = [require_program("perl"), str(SCRIPT), "verify", str(zone.folder / "mail-dkim")]
    done = subprocess.run(words, input=raw, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().split()[0]


def opendkim(zone: Zone, raw: bytes) -> str:
    """What OpenDKIM writes of the message, in one word."""
    file = zone.folder / "message.eml"
    file.write_bytes(raw)
    settings = str(zone.folder / "opendkim.conf")
    words = [require_program("opendkim"), "-x", settings, "-vv", "-t", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    found = re.search(r"\bdkim=(\w+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[1]


@pytest.mark.parametrize("judge", [mail_dkim, opendkim])
def test_another_implementation_accepts_ours(judge, zone: Zone, letter: bytes) -> None:
    assert judge(zone, zone.sign(letter)) == "pass"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("judge", [mail_dkim, opendkim])
def test_it_refuses_ours_altered_in_one_place(judge, place: str, zone: Zone, letter: bytes) -> None:
    assert judge(zone, altered(zone.sign(letter), place)) in ("fail", "permerror")


@pytest.mark.parametrize("form", ["relaxed/relaxed", "simple/simple", "relaxed", "simple/relaxed"])
def test_ours_accepts_that_of_mail_dkim(form: str, zone: Zone, letter: bytes) -> None:
    require_program(MAIL_DKIM)
    key = zone.folder / "key.pem"
    convert_key(zone, key)
    words = [require_program("perl"), str(SCRIPT), "sign", DOMAIN, SELECTOR, str(key)]
    done = subprocess.run(
        [*words, "rsa-sha256", form], input=letter, capture_output=True, check=True, timeout=60
    )
    raw = done.stdout + letter
    assert zone.verify(raw) == [("pass", "")]
    assert zone.verify(altered(raw, "body")) == [("fail", "body-altered")]
    assert zone.verify(altered(raw, "author")) == [("fail", "signature-wrong")]


def test_ours_accepts_that_of_opendkim(zone: Zone, letter: bytes) -> None:
    key = zone.folder / "key.pem"
    convert_key(zone, key)
    raw = b"DKIM-Signature:" + signed_by_opendkim(zone, key, letter) + b"\r\n" + letter
    assert zone.verify(raw) == [("pass", "")]
    assert zone.verify(altered(raw, "body")) == [("fail", "body-altered")]
    assert zone.verify(altered(raw, "author")) == [("fail", "signature-wrong")]


def signed_by_opendkim(zone: Zone, key: Path, letter: bytes) -> bytes:
    """The value of the field that its daemon would have a server put before the message."""
    settings = zone.folder / "signing.conf"
    settings.write_text(
        f"Mode s\nDomain {DOMAIN}\nSelector {SELECTOR}\nKeyFile {key}\nRequireSafeKeys no\n"
        "Canonicalization relaxed/simple\nOversignHeaders From\nInternalHosts 127.0.0.1\n"
    )
    file = zone.folder / "letter.eml"
    file.write_bytes(letter)
    words = [require_program("opendkim"), "-x", str(settings), "-vv", "-t", str(file)]
    done = subprocess.run(words, capture_output=True, timeout=60)
    found = re.search(rb"hname='DKIM-Signature' hvalue='([^']+)'", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[1].replace(b"\n", b"\r\n")


def convert_key(zone: Zone, file: Path) -> None:
    """The key as PKCS #1, which both programs read."""
    words = [require_program("openssl"), "rsa", "-traditional", "-in", str(zone.party.key_file)]
    subprocess.run([*words, "-out", str(file)], check=True, capture_output=True, timeout=60)
