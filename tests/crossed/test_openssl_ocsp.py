"""Another implementation agrees on OCSP: openssl answers what we ask, and judges what we judge."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.errors import OcspReason, OcspRefused
from certs.status import ocsp
from certs.status.revocation import Good, RevocationReason, Revoked
from mss_gateway.directory.fetching import Fetcher, Question
from mss_gateway.directory.revocation_sources import ocsp_address
from tests.support.programs import require_program
from tests.support.status_site import DAY, Issuer, Reply, key, serving

# openssl judges by its own clock
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Bench:
    """openssl with an authority, three certificates and an index of them."""

    folder: Path
    openssl: str
    root: Issuer

    def __post_init__(self) -> None:
        self.good, self.revoked, self.unknown = (self.root.leaf(NOW) for _ in range(3))
        self.responder = self.root.responder(NOW)
        self.write("ca", self.root)
        self.write("responder", self.responder)
        for name in ("good", "revoked", "unknown"):
            self.pem(name, getattr(self, name))
        end, since = f"{NOW + 300 * DAY:%y%m%d%H%M%SZ}", f"{NOW - DAY:%y%m%d%H%M%SZ}"
        lines = [
            f"V\t{end}\t\t{self.good.serial_number:X}\tunknown\t/CN=x",
            f"R\t{end}\t{since},keyCompromise\t{self.revoked.serial_number:X}\tunknown\t/CN=y",
        ]
        (self.folder / "index").write_text("".join(f"{line}\n" for line in lines))
        (self.folder / "index.attr").write_text("unique_subject = no\n")

    def write(self, name: str, issuer: Issuer) -> None:
        self.pem(name, issuer.certificate)
        (self.folder / f"{name}.key").write_bytes(
            issuer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    def pem(self, name, certificate) -> None:
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.openssl, "ocsp", *arguments],
            cwd=self.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def answered(self, request: bytes, signer: str = "ca", *options: str) -> bytes:
        """What openssl answers to a request of ours."""
        (self.folder / "request.der").write_bytes(request)
        done = self.run(
            *("-index", "index", "-CA", "ca.pem", "-rsigner", f"{signer}.pem"),
            *("-rkey", f"{signer}.key", "-reqin", "request.der", "-respout", "answer.der"),
            *(options or ("-ndays", "1")),
        )
        assert done.returncode == 0, done.stderr.decode()
        return (self.folder / "answer.der").read_bytes()

    def verdict(self, encoded: bytes, name: str, digest: str = "sha-256") -> str:
        """What openssl says of an answer about a certificate: good, revoked, or nothing.

        It looks for the certificate under one digest, the one that it is told.
        """
        (self.folder / "answer.der").write_bytes(encoded)
        done = self.run(
            *(f"-{digest.replace('-', '')}", "-respin", "answer.der"),
            *("-issuer", "ca.pem", "-cert", f"{name}.pem"),
            *("-CAfile", "ca.pem", "-no_nonce", "-validity_period", "300"),
        )
        said = done.stdout.decode() + done.stderr.decode()
        if done.returncode or "Response verify OK" not in said or "WARNING" in said:
            return ""
        for word in ("good", "revoked"):
            if f"{name}.pem: {word}" in said:
                return word
        return ""

    def ours(self, encoded: bytes, name: str) -> str:
        """What we say of it."""
        try:
            judged = ocsp.judge(
                encoded, getattr(self, name), self.root.certificate, datetime.now(UTC)
            )
        except OcspRefused:
            return ""
        return "good" if judged.status == Good() else "revoked"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    openssl = require_program("openssl")
    return Bench(tmp_path_factory.mktemp("ocsp"), openssl, Issuer.root(NOW, "Autorité croisée"))


@pytest.fixture(scope="module")
def rsa_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    openssl = require_program("openssl")
    signing = rsa.generate_private_key(65537, 2048)
    root = Issuer.root(NOW, "Autorité RSA", signing=signing)
    return Bench(tmp_path_factory.mktemp("ocsp-rsa"), openssl, root)


# openssl answers, we judge


@pytest.mark.parametrize("digest", ["sha-256", "sha-1"])
@pytest.mark.parametrize("signer", ["ca", "responder"])
@pytest.mark.parametrize("kind", ["bench", "rsa_bench"])
def test_openssl_understands_our_question_and_we_its_answer(
    request: pytest.FixtureRequest, kind: str, signer: str, digest: str
) -> None:
    one: Bench = request.getfixturevalue(kind)
    statuses = {}
    for name in ("good", "revoked"):
        asked = ocsp.make_request(getattr(one, name), one.root.certificate, digest=digest)
        encoded = one.answered(asked, signer)
        statuses[name] = ocsp.read_answer(
            encoded, getattr(one, name), one.root.certificate, datetime.now(UTC)
        )
        assert one.verdict(encoded, name, digest) == name
    assert statuses["good"] == Good()
    assert statuses["revoked"] == Revoked(NOW - DAY, RevocationReason.KEY_COMPROMISE)


def test_a_certificate_that_openssl_does_not_know_is_unknown(bench: Bench) -> None:
    encoded = bench.answered(ocsp.make_request(bench.unknown, bench.root.certificate))
    with pytest.raises(OcspRefused) as refused:
        ocsp.judge(encoded, bench.unknown, bench.root.certificate, datetime.now(UTC))
    assert refused.value.reason is OcspReason.STATUS_UNKNOWN


def test_openssl_gives_our_nonce_back(bench: Bench) -> None:
    nonce = b"n" * 32
    encoded = bench.answered(ocsp.make_request(bench.good, bench.root.certificate, nonce=nonce))
    about = bench.good, bench.root.certificate, datetime.now(UTC)
    assert ocsp.judge(encoded, *about, nonce=nonce).status == Good()
    with pytest.raises(OcspRefused) as refused:
        ocsp.judge(encoded, *about, nonce=b"m" * 32)
    assert refused.value.reason is OcspReason.OTHER_NONCE


def test_an_answer_of_openssl_without_an_end_holds_an_hour(bench: Bench) -> None:
    asked = ocsp.make_request(bench.good, bench.root.certificate)
    encoded = bench.answered(asked, "ca", "-ignore_err")
    judged = ocsp.judge(encoded, bench.good, bench.root.certificate, datetime.now(UTC))
    assert judged.until - judged.this_update == ocsp.UNDATED


def test_several_questions_are_answered_at_once(bench: Bench) -> None:
    """One answer about three certificates, which the library at hand cannot make."""
    done = bench.run(
        *("-issuer", "ca.pem", "-cert", "good.pem", "-cert", "revoked.pem", "-cert", "unknown.pem"),
        *("-no_nonce", "-reqout", "several.der"),
    )
    assert done.returncode == 0
    encoded = bench.answered((bench.folder / "several.der").read_bytes())
    assert [bench.ours(encoded, name) for name in ("good", "revoked", "unknown")] == [
        "good",
        "revoked",
        "",
    ]


# both judge


def answers(bench: Bench) -> dict[str, tuple[str, bytes]]:
    """Answers of every sort, with the certificate that is asked about."""
    root, good = bench.root, bench.good
    stranger = Issuer.root(NOW, "Autorité croisée", signing=key(7))
    wrong = root.responder(NOW, 6, purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION)
    altered = bytearray(root.answer(good, NOW))
    altered[-1] ^= 1
    return {
        "good": ("good", root.answer(good, NOW)),
        "revoked": ("revoked", root.answer(bench.revoked, NOW, revoked=True)),
        "by a responder": ("good", root.answer(good, NOW, by=bench.responder)),
        "about another": ("good", root.answer(bench.revoked, NOW)),
        "stale": ("good", root.answer(good, NOW - 3 * DAY)),
        "of a time to come": ("good", root.answer(good, NOW + DAY)),
        "of a namesake": ("good", stranger.answer(good, NOW)),
        "by a namesake": ("good", root.answer(good, NOW, by=stranger)),
        "by a namesake's responder": (
            "good",
            root.answer(good, NOW, by=stranger.responder(NOW)),
        ),
        "by another's certificate": ("good", root.answer(good, NOW, by=wrong)),
        "by a mailbox": ("good", root.answer(good, NOW, by=Issuer(root.leaf(NOW), key(9)))),
        "altered": ("good", bytes(altered)),
        "unknown": ("unknown", root.answer(bench.unknown, NOW, unknown=True)),
    }


def test_we_believe_nothing_that_openssl_does_not(bench: Bench) -> None:
    told = {
        what: (bench.ours(encoded, name), bench.verdict(encoded, name))
        for what, (name, encoded) in answers(bench).items()
    }
    assert [what for what, (ours, theirs) in told.items() if ours not in ("", theirs)] == []
    believed = {what: ours for what, (ours, _) in told.items() if ours}
    assert believed == {"good": "good", "revoked": "revoked", "by a responder": "good"}


# by HTTP


@pytest.fixture
def served(bench: Bench) -> Iterator[str]:
    """openssl behind a server on loopback: its own one listens to every address."""
    with serving() as site:
        site.answer = lambda asked: Reply(
            bench.answered(asked.question.public_bytes(Encoding.DER), "responder")
        )
        yield site.url


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_openssl_is_asked_by_http(bench: Bench, served: str, method: str) -> None:
    request = ocsp.make_request(bench.revoked, bench.root.certificate)
    url, accept = f"{served}/", "application/ocsp-response"
    if method == "GET":
        address = ocsp_address(url, request)
        assert address is not None
        question = Question(address, accept, ocsp.MAX_OCTETS, 20.0)
    else:
        question = Question(
            *(url, accept, ocsp.MAX_OCTETS, 20.0, request, "application/ocsp-request")
        )
    reply = Fetcher(lambda asked: asked.startswith(served)).fetch(question)
    status = ocsp.read_answer(reply.body, bench.revoked, bench.root.certificate, datetime.now(UTC))
    assert isinstance(status, Revoked)
