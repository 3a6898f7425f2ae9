"""PKCS #12: ours opens elsewhere, what older programs wrote opens here, and nothing else does."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from certs import pkcs12 as bundles
from certs.certificate import to_pem
from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey, Signer
from certs.pkcs12 import MAX_OCTETS, MIN_PASSWORD, Pkcs12Refused
from certs.usage import Usage
from tests.unit.certs import pki

PASSWORD = "une phrase de passe à dire"
OLD_WAYS = {
    "pbes2": (),
    "rc2-40": ("-legacy",),
    "3des": ("-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    "without a mac": ("-nomac",),
}


@pytest.fixture(scope="module")
def ours() -> bytes:
    chain = pki.authority().chain
    return bundles.make(pki.key("p256"), pki.certificate("p256"), chain, PASSWORD)


def written_by_openssl(folder: Path, kind: str, *options: str) -> bytes:
    key_file, pem_file, out = folder / "key.pem", folder / "chain.pem", folder / "bundle.p12"
    chain = (pki.certificate(kind), *pki.authority().chain)
    export_for_client(pki.key(kind), chain, key_file, pem_file)
    files = ("-inkey", str(key_file), "-in", str(pem_file), "-out", str(out))
    words = ["openssl", "pkcs12", "-export", *files, "-passout", f"pass:{PASSWORD}", *options]
    subprocess.run(words, capture_output=True, check=True)
    return out.read_bytes()


def test_what_was_written_is_read(ours: bytes) -> None:
    found = bundles.read(ours, PASSWORD)
    assert found.certificate == pki.certificate("p256")
    assert found.issuers == pki.authority().chain
    Signer(found.key, found.certificate)


def test_openssl_opens_ours_and_names_the_scheme(ours: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ours.p12"
    path.write_bytes(ours)
    done = subprocess.run(
        ["openssl", "pkcs12", "-in", str(path), "-passin", f"pass:{PASSWORD}", "-info", "-nodes"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "BEGIN PRIVATE KEY" in done.stdout
    assert done.stdout.count("BEGIN CERTIFICATE") == 2
    assert done.stderr.count("PBES2, PBKDF2, AES-256-CBC") == 2
    assert "Iteration 600000, PRF hmacWithSHA256" in done.stderr
    assert "MAC: sha256" in done.stderr


@pytest.mark.parametrize("way", OLD_WAYS)
def test_what_other_programs_wrote_is_read(way: str, tmp_path: Path) -> None:
    found = bundles.read(written_by_openssl(tmp_path, "p256", *OLD_WAYS[way]), PASSWORD)
    assert found.certificate == pki.certificate("p256")
    Signer(found.key, found.certificate)


def test_a_file_in_ber_is_read(ours: bytes) -> None:
    # SEQUENCE of a definite length, and the same with an indefinite one
    assert ours[:2] == b"\x30\x82"
    streamed = b"\x30\x80" + ours[4:] + b"\x00\x00"
    assert bundles.read(streamed, PASSWORD).certificate == pki.certificate("p256")


@pytest.mark.parametrize("password", ["", "une phrase de passe", PASSWORD + " "])
def test_another_password_opens_nothing(ours: bytes, password: str) -> None:
    with pytest.raises(Pkcs12Refused, match="this password"):
        bundles.read(ours, password)


def without_key() -> bytes:
    return pkcs12.serialize_key_and_certificates(
        None, None, None, [pki.certificate("p256")], NoEncryption()
    )


def with_a_curve_of_nobody() -> bytes:
    key = ec.generate_private_key(ec.SECP256K1())
    return pkcs12.serialize_key_and_certificates(
        None, key, pki.self_signed(key, hash_algorithm=pki.SHA256), None, NoEncryption()
    )


REFUSED = {
    "nothing": (lambda: b"", "this password"),
    "a certificate": (lambda: to_pem(pki.certificate("p256")), "this password"),
    "no key": (without_key, "no private key"),
    "another curve": (with_a_curve_of_nobody, "none of RSA"),
    "too big": (lambda: b"\0" * (MAX_OCTETS + 1), "at most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_bundle_is_refused(name: str) -> None:
    source, why = REFUSED[name]
    with pytest.raises(Pkcs12Refused, match=why):
        bundles.read(source(), "")


def test_a_key_goes_only_with_its_certificate() -> None:
    with pytest.raises(Pkcs12Refused, match="does not belong"):
        bundles.make(pki.key("p256", 1), pki.certificate("p256"), (), PASSWORD)


def test_a_password_has_a_least_length() -> None:
    key, certificate = pki.key("p256"), pki.certificate("p256")
    with pytest.raises(Pkcs12Refused, match="at least 16"):
        bundles.make(key, certificate, (), "é" * (MIN_PASSWORD - 1))
    found = bundles.read(bundles.make(key, certificate, (), "é" * MIN_PASSWORD), "é" * MIN_PASSWORD)
    assert found.issuers == ()


def test_x25519_is_refused_in_words() -> None:
    key = PrivateKey.generate("x25519")
    with pytest.raises(Pkcs12Refused, match="x25519"):
        bundles.make(key, pki.issue(key, Usage.ENCRYPT), (), PASSWORD)


def test_the_clear_key_is_in_no_octet_of_the_file(ours: bytes) -> None:
    pkcs8 = pki.key("p256").sealed(lambda clear: clear)
    secret = serialization.load_der_private_key(pkcs8, None).private_numbers().private_value  # type: ignore[union-attr]
    assert secret.to_bytes(32, "big") not in ours
