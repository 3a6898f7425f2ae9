"""Requests: what we ask says what is wanted, what others ask is believed only as far as its key."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.errors import AlgorithmRefused
from certs.issuing import requests
from certs.issuing.requests import MAX_OCTETS, RequestRefused
from certs.keyring import PrivateKey
from certs.usage import Usage
from tests.unit.certs import pki

SIGNING_KINDS = ("rsa-2048", "p256", "p384", "p521", "ed25519")


def asked(
    private, *extensions: x509.ExtensionType, digest=pki.SHA256, name: str = "Claire Martin"
) -> bytes:
    """A request as somebody else's program makes it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(private, digest).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("kind", SIGNING_KINDS)
def test_a_request_for_a_mailbox_says_what_is_wanted(kind: str) -> None:
    key = PrivateKey.generate(kind)
    made = requests.for_mailbox(key, pki.ADDRESS, "Claire Martin", Usage.SIGN)
    found = requests.read(made)
    assert (found.common_name, found.addresses) == ("Claire Martin", (pki.ADDRESS,))
    assert found.public_key == key.public_key
    assert found.usage is Usage.SIGN
    extended = x509.load_pem_x509_csr(made).extensions.get_extension_for_class(
        x509.ExtendedKeyUsage
    )
    assert list(extended.value) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]


@pytest.mark.parametrize(("kind", "digest"), [("p256", "sha256"), ("p384", "sha384")])
def test_the_digest_goes_with_the_key(kind: str, digest: str) -> None:
    made = requests.for_mailbox(PrivateKey.generate(kind), pki.ADDRESS, "C", Usage.BOTH)
    found = x509.load_pem_x509_csr(made).signature_hash_algorithm
    assert found is not None
    assert found.name == digest


@pytest.mark.parametrize("usage", [Usage.SIGN, Usage.ENCRYPT, Usage.BOTH])
@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
def test_every_usage_can_be_asked(kind: str, usage: Usage) -> None:
    made = requests.for_mailbox(pki.key(kind), pki.ADDRESS, "C", usage)
    assert requests.read(made).usage is usage


def test_openssl_verifies_a_request_of_ours(tmp_path) -> None:
    path = tmp_path / "request.pem"
    path.write_bytes(requests.for_mailbox(pki.key("p256"), pki.ADDRESS, "Claire", Usage.BOTH))
    done = subprocess.run(
        ["openssl", "req", "-in", str(path), "-verify", "-noout", "-text"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"email:{pki.ADDRESS}" in done.stdout
    assert "E-mail Protection" in done.stdout
    assert "verify OK" in done.stdout + done.stderr


def test_a_server_is_named_by_hosts_and_addresses() -> None:
    made = requests.for_server(pki.key("p256"), ["mss.example"], ["127.0.0.1"])
    names = x509.load_pem_x509_csr(made).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["mss.example"]
    assert [str(each) for each in names.value.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


def test_a_key_that_signs_nothing_cannot_ask() -> None:
    with pytest.raises(AlgorithmRefused):
        requests.for_mailbox(PrivateKey.generate("x25519"), pki.ADDRESS, "C", Usage.ENCRYPT)


def test_a_key_is_not_asked_for_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match="cannot be used so"):
        requests.for_mailbox(PrivateKey.generate("ed25519"), pki.ADDRESS, "C", Usage.BOTH)


def test_a_request_in_der_is_read() -> None:
    made = requests.for_mailbox(pki.key("p256"), pki.ADDRESS, "C", Usage.BOTH)
    der = x509.load_pem_x509_csr(made).public_bytes(serialization.Encoding.DER)
    assert requests.read(der) == requests.read(made)


def test_a_bare_request_asks_for_all_that_its_key_can_do() -> None:
    found = requests.read(asked(ec.generate_private_key(ec.SECP256R1()), name=""))
    assert (found.common_name, found.addresses, found.usage) == ("", (), Usage.BOTH)


def test_a_request_is_told_by_its_key() -> None:
    key, other = pki.key("p256"), pki.key("p256", 1)
    prints = {
        requests.read(requests.for_mailbox(each, pki.ADDRESS, "C", usage)).fingerprint
        for each in (key, other)
        for usage in (Usage.SIGN, Usage.BOTH)
    }
    assert prints == {requests.key_fingerprint(each.public_key) for each in (key, other)}


def altered() -> bytes:
    """A request whose signature is another's."""
    whole = x509.load_pem_x509_csr(
        requests.for_mailbox(pki.key("p256"), "a@b.example", "C", Usage.BOTH)
    )
    return whole.public_bytes(serialization.Encoding.DER).replace(b"a@b.example", b"z@b.example")


REFUSED = {
    "nothing": (lambda: b"", "not a certificate request"),
    "a certificate": (
        lambda: pki.certificate("p256").public_bytes(serialization.Encoding.PEM),
        "not a certificate request",
    ),
    "cut": (lambda: altered()[:-1], "not a certificate request"),
    "altered": (altered, "signature does not verify"),
    "a short key": (lambda: asked(pki.weak_rsa()), "rsa of 1024 bits"),
    "a small exponent": (lambda: asked(pki.small_exponent_rsa()), "small exponent"),
    "a curve of nobody": (
        lambda: asked(ec.generate_private_key(ec.SECP256K1())),
        "secp256k1",
    ),
    "a weak digest": (
        lambda: asked(ec.generate_private_key(ec.SECP256R1()), digest=hashes.SHA224()),
        "sha224",
    ),
    "too big": (lambda: b"\0" * (MAX_OCTETS + 1), "at most 65536"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_refused(name: str) -> None:
    source, why = REFUSED[name]
    with pytest.raises(RequestRefused, match=why):
        requests.read(source())


def test_the_largest_request_is_looked_at() -> None:
    with pytest.raises(RequestRefused, match="not a certificate request"):
        requests.read(b"\0" * MAX_OCTETS)
