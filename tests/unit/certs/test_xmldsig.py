"""Values and digests of XML-DSig: the rows that are accepted, and what goes with which key."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from certs import algorithms, xmldsig
from certs.errors import SignatureReason, SignatureRejected
from tests.support.white_lists import MORE, SHA256, list_signer

OCTETS = b"<SignedInfo/>"


def ecdsa(kind: str = "p256", lead: bytes = b"") -> bytes:
    """The value of the signer of that kind, r and s side by side."""
    key = list_signer(kind).key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    size = (key.key_size + 7) // 8
    pair = utils.decode_dss_signature(key.sign(OCTETS, ec.ECDSA(hashes.SHA256())))
    return b"".join(lead + each.to_bytes(size, "big") for each in pair)


def reason(kind: str, method: str, value: bytes, octets: bytes = OCTETS) -> SignatureReason | None:
    try:
        xmldsig.check(list_signer(kind).certificate, method, value, octets)
    except SignatureRejected as error:
        return error.reason
    return None


def test_every_row_is_one_that_certs_accepts() -> None:
    assert set(xmldsig.DIGESTS.values()) == set(algorithms.HASHES)
    for row, digest in xmldsig.SIGNATURES.values():
        assert algorithms.named(row).accept
        assert algorithms.named(digest).accept
        assert row.endswith(digest)


@pytest.mark.parametrize(("method", "name"), xmldsig.DIGESTS.items())
def test_a_digest_is_that_of_its_method(method: str, name: str) -> None:
    assert xmldsig.digest(method, OCTETS) == hashlib.new(name.replace("-", ""), OCTETS).digest()


def test_another_digest_is_refused() -> None:
    with pytest.raises(SignatureRejected) as caught:
        xmldsig.digest("http://www.w3.org/2000/09/xmldsig#sha1", OCTETS)
    assert caught.value.reason is SignatureReason.ALGORITHM_REFUSED


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_an_ecdsa_value_is_as_long_as_the_field_twice(kind: str) -> None:
    method, value = f"{MORE}ecdsa-sha256", ecdsa(kind)
    assert reason(kind, method, value) is None
    for wrong in (value[:-1], value + b"\0", b"", ecdsa(kind, b"\0"), bytes(len(value))):
        assert reason(kind, method, wrong) is SignatureReason.SIGNATURE_WRONG
    assert reason(kind, method, value, OCTETS + b" ") is SignatureReason.SIGNATURE_WRONG


def test_an_rsa_value_is_that_of_pkcs_1() -> None:
    key = list_signer("rsa").key
    value = key.sign(OCTETS, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg, arg-type]
    assert reason("rsa", f"{MORE}rsa-sha256", value) is None
    assert reason("rsa", f"{MORE}rsa-sha384", value) is SignatureReason.SIGNATURE_WRONG
    assert reason("rsa", f"{MORE}rsa-sha256", b"") is SignatureReason.SIGNATURE_WRONG


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("rsa", f"{MORE}ecdsa-sha256"),
        ("p256", f"{MORE}rsa-sha256"),
        ("p256", f"{MORE}hmac-sha256"),
        ("p256", SHA256),
        ("p256", ""),
    ],
)
def test_a_method_of_another_kind_of_key_is_refused(kind: str, method: str) -> None:
    assert reason(kind, method, ecdsa()) is SignatureReason.ALGORITHM_REFUSED
