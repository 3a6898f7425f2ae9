"""Another implementation agrees: openssl verifies and opens ours, we verify and open openssl's."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from certs.anchors import Anchors
from certs.certificate import from_pem, to_pem
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.cms.signed import make_signed, verify_signed
from certs.errors import CertsError, ChainReason, ChainRejected, SignatureReason, SignatureRejected
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Revocation
from certs.usage import Purpose, Usage
from certs.validation.chain import validate
from tests.support.programs import require_program

# openssl judges by its own clock, so these certificates begin a day ago
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
CONTENT = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"Compte rendu joint.\r\n" * 500


class Bench:
    """openssl at work in a folder with one person per kind of key."""

    def __init__(self, folder, openssl):
        self.folder = folder
        self.openssl = openssl
        self.authority = Authority.create("Autorité croisée", "rsa-2048", NOW - DAY, 5)
        (folder / "ca.pem").write_bytes(to_pem(self.authority.root))
        (folder / "chain.pem").write_bytes(to_pem(self.authority.issuing))
        self.people = {}
        for kind in ("rsa-2048", "p256", "other"):
            key = PrivateKey.generate("rsa-2048" if kind == "other" else kind)
            certificate = self.authority.issue_mailbox(
                f"{kind}@medecin.example", kind, key.public_key, Usage.BOTH, NOW - DAY, 30
            )
            export_for_client(key, [certificate], folder / f"{kind}.key", folder / f"{kind}.pem")
            self.people[kind] = Signer(key, certificate, self.authority.chain)
        self.anchors = Anchors(dict.fromkeys(Purpose, (self.authority.root,)))
        (folder / "content").write_bytes(CONTENT)

    def run(self, *arguments, check=True):
        done = subprocess.run(
            [self.openssl, *arguments],
            cwd=self.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        return done

    def verifies(self, blob, content, *options):
        """Whether openssl believes the signature and the chain, for S/MIME; prints the content."""
        (self.folder / "in.der").write_bytes(blob)
        arguments = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "in.der"]
        arguments += ["-CAfile", "ca.pem", "-no-CApath", "-no-CAstore"]
        arguments += ["-purpose", "smimesign", "-out", "out", *options]
        if content is not None:
            (self.folder / "beside").write_bytes(content)
            arguments += ["-content", "beside"]
        return self.run(*arguments, check=False).returncode == 0

    def sign(self, kind, *options):
        self.run(
            "cms", "-sign", "-binary", "-in", "content", "-outform", "DER", "-out", "signed.der",
            "-certfile", "chain.pem", "-signer", f"{kind}.pem", "-inkey", f"{kind}.key", *options,
        )  # fmt: skip
        return (self.folder / "signed.der").read_bytes()

    def accepts(self, blob, content):
        """Whether we believe the signature and the chain."""
        try:
            found = verify_signed(blob, content)
            validate(
                found.signer_certificate, found.other_certificates, self.anchors,
                Purpose.SIGNATURE, NOW, None,
            )  # fmt: skip
        except CertsError:
            return False
        return True


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("crossed"), require_program("openssl"))


# --- certificates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "purpose"),
    # openssl knows smimeencrypt for keyEncipherment only, which a P-256 key has not
    [("rsa-2048", "smimesign"), ("rsa-2048", "smimeencrypt"), ("p256", "smimesign")],
)
def test_openssl_accepts_our_mailbox_certificates(bench, kind, purpose):
    bench.run(
        "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem",
        "-untrusted", "chain.pem", f"{kind}.pem",
    )  # fmt: skip


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_accepts_our_tls_certificates(bench, purpose):
    key = bench.people["p256"].key.public_key
    issued = (
        bench.authority.issue_server(["mss.example"], ["127.0.0.1"], key, NOW - DAY, 30)
        if purpose == "sslserver"
        else bench.authority.issue_client(["mss.example"], key, NOW - DAY, 30)
    )
    (bench.folder / "tls.pem").write_bytes(to_pem(issued))
    verify = ["-CAfile", "ca.pem", "-untrusted", "chain.pem", "tls.pem"]
    bench.run("verify", "-x509_strict", "-purpose", purpose, *verify)
    # a server calls other operators with the same certificate; a client's serves nobody
    other = bench.run("verify", "-purpose", "sslserver", *verify, check=False)
    assert (other.returncode == 0) is (purpose == "sslserver")
    assert bench.run("verify", "-purpose", "sslclient", *verify).returncode == 0


@pytest.mark.parametrize("revoked", [False, True])
def test_openssl_reads_our_revocation_lists(bench, revoked):
    serial = bench.people["p256"].certificate.serial_number
    lines = [Revocation(serial, NOW - DAY)] if revoked else []
    lists = [
        bench.authority.crl(lines, NOW - DAY, NOW + DAY),
        bench.authority.root_crl([], NOW - DAY, NOW + DAY),
    ]
    pem = b""
    for crl in lists:
        (bench.folder / "crl.der").write_bytes(crl)
        pem += bench.run("crl", "-inform", "DER", "-in", "crl.der").stdout
    (bench.folder / "crls.pem").write_bytes(pem)
    done = bench.run(
        "verify", "-crl_check_all", "-CRLfile", "crls.pem", "-CAfile", "ca.pem",
        "-untrusted", "chain.pem", "p256.pem", check=False,
    )  # fmt: skip
    assert (done.returncode != 0) == revoked
    assert (b"revoked" in done.stderr) == revoked


def test_a_certificate_signed_by_sha_1_is_refused(bench):
    bench.run("req", "-new", "-key", "p256.key", "-subj", "/CN=SHA-1", "-out", "sha1.csr")
    (bench.folder / "sha1.ext").write_text(
        "extendedKeyUsage=emailProtection\nsubjectAltName=email:x@medecin.example\n"
        "authorityKeyIdentifier=keyid\n"
    )
    made = {}
    for digest in ("sha1", "sha256"):
        bench.run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out",
            "root.pem", "-subj", "/CN=Racine", "-days", "5",
        )  # fmt: skip
        bench.run(
            "x509", "-req", f"-{digest}", "-in", "sha1.csr", "-CA", "root.pem", "-CAkey",
            "root.key", "-days", "2", "-extfile", "sha1.ext", "-out", "leaf.pem",
        )  # fmt: skip
        read = [from_pem((bench.folder / name).read_bytes()) for name in ("leaf.pem", "root.pem")]
        (made[digest],), root = read
        anchors = Anchors({Purpose.SIGNATURE: root})
        at = datetime.now(UTC) + timedelta(seconds=2)
        if digest == "sha256":
            assert validate(made[digest], (), anchors, Purpose.SIGNATURE, at, None)
        else:
            with pytest.raises(ChainRejected) as caught:
                validate(made[digest], (), anchors, Purpose.SIGNATURE, at, None)
            assert caught.value.reason is ChainReason.NO_PATH


# --- signed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
@pytest.mark.parametrize("detached", [True, False])
def test_openssl_verifies_ours(bench, kind, detached):
    blob = make_signed(CONTENT, bench.people[kind], NOW, detached=detached)
    assert bench.verifies(blob, CONTENT if detached else None)
    assert (bench.folder / "out").read_bytes() == CONTENT
    assert not bench.verifies(blob[:-1] + bytes([blob[-1] ^ 1]), CONTENT if detached else None)


def test_openssl_finds_our_certificate_bound(bench):
    """CAdES demands signingCertificateV2: openssl then checks it against the signer."""
    (bench.folder / "in.der").write_bytes(make_signed(CONTENT, bench.people["rsa-2048"], NOW))
    bench.run(
        "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "in.der", "-content",
        "content", "-CAfile", "ca.pem", "-out", "out",
    )  # fmt: skip


SIGNING = {
    "rsa": ("rsa-2048", ()),
    "rsa with SHA-384": ("rsa-2048", ("-md", "sha384")),
    "rsa with SHA-512": ("rsa-2048", ("-md", "sha512")),
    "rsa by key identifier": ("rsa-2048", ("-keyid",)),
    "rsa with capabilities left out": ("rsa-2048", ("-nosmimecap",)),
    "rsa, bound": ("rsa-2048", ("-cades",)),
    "pss": ("rsa-2048", ("-keyopt", "rsa_padding_mode:pss")),
    "pss with SHA-512": ("rsa-2048", ("-keyopt", "rsa_padding_mode:pss", "-md", "sha512")),
    "pss with the salt of the digest": (
        "rsa-2048",
        ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"),
    ),
    "ecdsa": ("p256", ()),
    "ecdsa with SHA-512": ("p256", ("-md", "sha512")),
    "ecdsa by key identifier": ("p256", ("-keyid",)),
}


@pytest.mark.parametrize("name", SIGNING)
@pytest.mark.parametrize("form", ["detached", "opaque", "streamed"])
def test_we_verify_openssl(bench, name, form):
    kind, options = SIGNING[name]
    detached = form == "detached"
    if form == "streamed" and "pss" in name:
        options = ("-md", "sha384")  # openssl 3.0 cannot stream PSS ("illegal zero content")
    more = {"detached": (), "opaque": ("-nodetach",), "streamed": ("-nodetach", "-stream")}[form]
    blob = bench.sign(kind, *options, *more)
    assert (blob[1] == 0x80) == (form == "streamed")
    found = verify_signed(blob, CONTENT if detached else None)
    assert found.content == CONTENT
    assert found.signer_certificate == bench.people[kind].certificate
    assert bench.accepts(blob, CONTENT if detached else None)
    assert not bench.accepts(blob, CONTENT + b"x")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-noattr",), SignatureReason.ATTRIBUTES_MISSING),
        (("-nocerts", "-noattr"), SignatureReason.SIGNER_CERTIFICATE_MISSING),
        (("-md", "sha1"), SignatureReason.ALGORITHM_REFUSED),
        (("-md", "md5"), SignatureReason.ALGORITHM_REFUSED),
        (("-md", "sha224"), SignatureReason.ALGORITHM_REFUSED),
        (("-signer", "other.pem", "-inkey", "other.key"), SignatureReason.SEVERAL_SIGNERS),
        (("-econtent_type", "1.2.3.4"), SignatureReason.CONTENT_TYPE),
    ],
)
def test_what_we_refuse_of_openssl(bench, options, reason):
    blob = bench.sign("rsa-2048", *options)
    with pytest.raises(SignatureRejected) as caught:
        verify_signed(blob, CONTENT)
    assert caught.value.reason is reason


@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
def test_no_flipped_bit_is_accepted_where_openssl_refuses(bench, kind):
    content = b"Bonjour.\r\n"
    blob = bytearray(make_signed(content, bench.people[kind], NOW))
    accepted = []
    for position in range(len(blob)):
        bit = (1, 0x20, 0x80)[position % 3]
        blob[position] ^= bit
        if bench.accepts(bytes(blob), content):
            accepted.append(bytes(blob))
        blob[position] ^= bit
    assert bench.accepts(bytes(blob), content)
    assert [each.hex() for each in accepted if not bench.verifies(each, content)] == []


# --- enveloped -----------------------------------------------------------------------------------


def test_openssl_opens_ours(bench):
    recipients = [bench.people[kind].certificate for kind in ("other", "rsa-2048")]
    (bench.folder / "env.der").write_bytes(make_enveloped(CONTENT, recipients))
    for kind in ("rsa-2048", "other"):
        bench.run(
            "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "env.der", "-out", "opened",
            "-recip", f"{kind}.pem", "-inkey", f"{kind}.key",
        )  # fmt: skip
        assert (bench.folder / "opened").read_bytes() == CONTENT


def closed_by_openssl(bench, *options):
    bench.run(
        "cms", "-encrypt", "-binary", "-in", "content", "-outform", "DER", "-out", "env.der",
        *options, "-recip", "other.pem", "-recip", "rsa-2048.pem",
    )  # fmt: skip
    return (bench.folder / "env.der").read_bytes()


@pytest.mark.parametrize("cipher", ["-aes-128-cbc", "-aes-192-cbc", "-aes-256-cbc"])
@pytest.mark.parametrize("streamed", [(), ("-stream",)], ids=["der", "ber"])
@pytest.mark.parametrize("named", [(), ("-keyid",)], ids=["serial", "ski"])
def test_we_open_openssl(bench, cipher, streamed, named):
    blob = closed_by_openssl(bench, cipher, *streamed, *named)
    for kind in ("other", "rsa-2048"):
        person = bench.people[kind]
        assert open_enveloped(blob, [(person.certificate, person.key)]).content == CONTENT


def test_signed_then_enveloped_goes_both_ways(bench):
    person = bench.people["rsa-2048"]
    signed = make_signed(CONTENT, person, NOW, detached=False)
    (bench.folder / "env.der").write_bytes(make_enveloped(signed, [person.certificate]))
    bench.run(
        "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "env.der", "-out", "inner.der",
        "-recip", "rsa-2048.pem", "-inkey", "rsa-2048.key",
    )  # fmt: skip
    assert bench.verifies((bench.folder / "inner.der").read_bytes(), None)
    assert (bench.folder / "out").read_bytes() == CONTENT
