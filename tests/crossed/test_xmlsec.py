"""Another implementation agrees: xmlsec1 signs white lists and we accept them, never otherwise."""

import subprocess
from datetime import UTC, datetime

import pytest

from certs.certificate import fingerprint
from mss_gateway.directory.whitelist_signature import WhitelistUnproved, verify
from mss_gateway.directory.whitelist_xml import parse
from tests.support.programs import require_program
from tests.support.white_lists import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    MORE,
    NAMESPACE,
    SHA256,
    Style,
    list_signer,
    signed,
    white_list,
)

NOW = datetime.now(UTC)
AROUND = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xml:lang="fr" dateCreation="x"'
ENTRIES = ("medecin.example", "hôpital.example", "a&#233;b.example", "c<!-- c -->.example")
DOMAINS = ["medecin.example", "xn--hpital-ixa.example", "xn--ab-bja.example", "c.example"]


def template(canonical, transforms, method, digest, root):
    """A list whose signature waits for xmlsec1 to fill it in."""
    steps = "".join(f'<Transform Algorithm="{each}"/>' for each in transforms)
    signature = (
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod Algorithm="{canonical}"/>'
        f'<SignatureMethod Algorithm="{method}"/>\n<Reference URI="">'
        f'<Transforms>{steps}</Transforms><DigestMethod Algorithm="{digest}"/>'
        "<DigestValue/></Reference></SignedInfo>\n"
        "<SignatureValue/><KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo></Signature>"
    )
    return white_list(*ENTRIES, root=root, inside=signature + "<?pi essai?>")


class Xmlsec:
    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def __call__(self, *arguments, check=True):
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        return done

    def sign(self, document, signer):
        (self.folder / "key.pem").write_bytes(signer.key_pem)
        (self.folder / "cert.pem").write_bytes(signer.pem)
        (self.folder / "list.xml").write_bytes(document)
        self("--sign", "--privkey-pem", "key.pem,cert.pem", "--output", "signed.xml", "list.xml")
        return (self.folder / "signed.xml").read_bytes()

    def believes(self, document, signer):
        (self.folder / "cert.pem").write_bytes(signer.pem)
        (self.folder / "signed.xml").write_bytes(document)
        done = self("--verify", "--pubkey-cert-pem", "cert.pem", "signed.xml", check=False)
        return done.returncode == 0


@pytest.fixture
def xmlsec(tmp_path):
    return Xmlsec(tmp_path, require_program("xmlsec1"))


FORMS = pytest.mark.parametrize(
    ("canonical", "transforms"),
    [
        (EXCLUSIVE, (ENVELOPED, EXCLUSIVE)),
        (INCLUSIVE, (ENVELOPED,)),
        (INCLUSIVE, (ENVELOPED, INCLUSIVE)),
        (EXCLUSIVE, (ENVELOPED, INCLUSIVE)),
        (INCLUSIVE, (ENVELOPED, EXCLUSIVE)),
    ],
)


@FORMS
@pytest.mark.parametrize("root", ["", AROUND], ids=["plain", "inherited"])
def test_what_xmlsec1_signed_is_accepted(xmlsec, canonical, transforms, root):
    signer = list_signer("rsa")
    document = xmlsec.sign(
        template(canonical, transforms, f"{MORE}rsa-sha256", SHA256, root), signer
    )
    found = verify(document, [signer.certificate], NOW)
    assert found.fingerprint == fingerprint(signer.certificate)
    assert list(parse(found.content).domains) == DOMAINS


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521"])
@pytest.mark.parametrize(
    ("bits", "digest"),
    [("256", SHA256), ("384", f"{MORE}sha384"), ("512", SHA256.replace("256", "512"))],
)
def test_every_accepted_algorithm_is_the_one_of_xmlsec1(xmlsec, kind, bits, digest):
    signer, family = list_signer(kind), "rsa" if kind == "rsa" else "ecdsa"
    method = f"{MORE}{family}-sha{bits}"
    document = xmlsec.sign(template(EXCLUSIVE, (ENVELOPED, EXCLUSIVE), method, digest, ""), signer)
    assert list(parse(verify(document, [signer.certificate], NOW).content).domains) == DOMAINS


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"medecin.example", b"medecim.example"),
        (b"</ListeBlanche>", f'<x xmlns="{NAMESPACE}"/></ListeBlanche>'.encode()),
        (b"<?pi essai?>", b""),
        (b' xml:lang="fr"', b' xml:lang="en"'),
    ],
)
@FORMS
def test_both_refuse_what_was_altered(xmlsec, canonical, transforms, old, new):
    signer = list_signer("p256")
    made = template(canonical, transforms, f"{MORE}ecdsa-sha256", SHA256, AROUND)
    document = xmlsec.sign(made, signer)
    assert document.count(old) == 1
    altered = document.replace(old, new)
    assert xmlsec.believes(document, signer)
    assert not xmlsec.believes(altered, signer)
    with pytest.raises(WhitelistUnproved):
        verify(altered, [signer.certificate], NOW)


@FORMS
def test_xmlsec1_believes_the_signer_of_our_tests(xmlsec, canonical, transforms):
    signer = list_signer("p256")
    document = signed(white_list(*ENTRIES), signer, Style(canonical, transforms))
    assert xmlsec.believes(document, signer)
    assert not xmlsec.believes(document, list_signer("p256", 1))


def test_what_xmlsec1_signs_by_sha_1_is_refused(xmlsec):
    signer = list_signer("rsa")
    for method, digest in ((f"{DS}rsa-sha1", SHA256), (f"{MORE}rsa-sha256", f"{DS}sha1")):
        document = xmlsec.sign(template(EXCLUSIVE, (ENVELOPED,), method, digest, ""), signer)
        with pytest.raises(WhitelistUnproved, match="algorithm refused"):
            verify(document, [signer.certificate], NOW)
