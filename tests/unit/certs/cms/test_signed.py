import gc
import hashlib
import tracemalloc
import weakref
from datetime import UTC, datetime

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509

from certs import capabilities
from certs.certificate import from_der, to_der
from certs.cms import signed
from certs.cms.signed import DEFAULT, SigningProfile, digest_name, make_signed, signed_pieces
from certs.cms.verified import verify_signed
from certs.errors import AlgorithmRefused, DerMalformed
from certs.keyring import PrivateKey, Signer
from certs.usage import Usage
from tests.unit.certs import pki
from tests.unit.certs.cms.recipes import CONTENT, certificate_like, der_of, octets

# key, profile, names of what is found afterwards
WAYS = {
    "rsa-2048": [
        (SigningProfile(), ("rsa-pkcs1-v1.5", "sha-256")),
        (SigningProfile("sha-384"), ("rsa-pkcs1-v1.5", "sha-384")),
        (SigningProfile("sha-512", by_key_identifier=True), ("rsa-pkcs1-v1.5", "sha-512")),
        (SigningProfile(pss=True), ("rsa-pss", "sha-256")),
        (SigningProfile("sha-384", pss=True), ("rsa-pss", "sha-384")),
        (SigningProfile("sha-512", pss=True, by_key_identifier=True), ("rsa-pss", "sha-512")),
    ],
    "p256": [
        (SigningProfile(), ("ecdsa-sha-256", "sha-256")),
        (SigningProfile("sha-512", by_key_identifier=True), ("ecdsa-sha-512", "sha-512")),
        (SigningProfile(pss=True), ("ecdsa-sha-256", "sha-256")),
    ],
    "p384": [(SigningProfile("sha-384"), ("ecdsa-sha-384", "sha-384"))],
    "p521": [(SigningProfile("sha-512"), ("ecdsa-sha-512", "sha-512"))],
    "ed25519": [
        (SigningProfile(), ("ed25519", "sha-512")),
        (SigningProfile("sha-384", by_key_identifier=True), ("ed25519", "sha-512")),
    ],
}


def person(kind):
    if kind == "ed25519":
        key = PrivateKey.generate(kind)
        return Signer(key, pki.issue(key, Usage.SIGN), pki.authority().chain)
    return pki.signer(kind)


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize(
    ("kind", "profile", "names"),
    [(kind, *way) for kind, ways in WAYS.items() for way in ways],
)
def test_what_is_signed_is_verified(kind, profile, names, detached):
    who = person(kind)
    blob = make_signed(CONTENT, who, pki.NOW, detached=detached, profile=profile)
    found = verify_signed(blob, CONTENT if detached else None)
    assert found.content == CONTENT
    assert found.algorithms == names
    assert found.signer_certificate == who.certificate
    assert found.other_certificates == pki.authority().chain
    assert found.signing_time == pki.NOW
    assert found.addresses == (pki.ADDRESS,)
    assert found.encapsulated is not detached
    assert digest_name(who, profile) == names[1]
    assert found.digest == hashlib.new(names[1].replace("-", ""), CONTENT).digest()
    assert found.capabilities == capabilities.parse(capabilities.encode())


@pytest.mark.parametrize("detached", [True, False])
def test_content_may_come_in_pieces(detached):
    pieces = (CONTENT[start : start + 7] for start in range(0, len(CONTENT), 7))
    blob = make_signed(pieces, pki.signer("p256"), pki.NOW, detached=detached)
    assert verify_signed(blob, CONTENT if detached else None).content == CONTENT


def test_the_pieces_hold_the_content_as_it_came():
    parts = [CONTENT[:9], CONTENT[9:]]
    pieces = signed_pieces(parts, pki.signer("p256"), pki.NOW, detached=False)
    assert [each for each in pieces if any(each is part for part in parts)] == parts
    assert verify_signed(b"".join(pieces), None).content == CONTENT


def test_nothing_of_the_size_of_a_detached_content_is_copied():
    big = b"0123456789" * 400_000
    who = pki.signer("p256")
    verify_signed(make_signed(b"", who, pki.NOW), b"")
    tracemalloc.start()
    try:
        blob = make_signed(big, who, pki.NOW)
        assert verify_signed(blob, big).content is big
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(big) // 10


@pytest.mark.parametrize("streamed", [False, True])
def test_an_opaque_content_is_copied_once(streamed):
    big = b"0123456789" * 400_000
    who = pki.signer("p256")
    verify_signed(make_signed(b"", who, pki.NOW), b"")
    blob = make_signed(big, who, pki.NOW, detached=False)
    if streamed:
        blob = _streamed(blob, big)
    tracemalloc.start()
    try:
        assert verify_signed(blob, None).content == big
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        signed_pieces([big], who, pki.NOW, detached=False)
        _, making = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * len(big)
    assert making < len(big) // 10


def _streamed(blob, content):
    """The same with the content in two parts, everything around it indefinite."""
    outer = cms.ContentInfo.load(blob)
    inner = outer["content"]
    half = len(content) // 2
    return b"".join(
        [
            b"\x30\x80", outer["content_type"].dump(), b"\xa0\x80\x30\x80",
            inner["version"].dump(), inner["digest_algorithms"].dump(),
            b"\x30\x80", inner["encap_content_info"]["content_type"].dump(),
            b"\xa0\x80\x24\x80", octets(content[:half]), octets(content[half:]), bytes(6),
            blob[blob.index(content) + len(content) :], bytes(6),
        ]
    )  # fmt: skip


def test_an_empty_content_inside_is_there():
    blob = make_signed(b"", pki.signer("p256"), pki.NOW, detached=False)
    assert verify_signed(blob, None).content == b""


def test_a_big_content_keeps_its_lengths_right():
    big = bytes(range(256)) * 300
    blob = make_signed(big, pki.signer("p256"), pki.NOW, detached=False)
    assert verify_signed(blob, None).content == big


def parsed(kind="rsa-2048", profile=DEFAULT):
    blob = make_signed(CONTENT, person(kind), pki.NOW, profile=profile)
    return cms.ContentInfo.load(blob, strict=True)


def test_another_decoder_reads_the_structure():
    content = parsed()["content"]
    assert parsed()["content_type"].native == "signed_data"
    assert content["version"].native == "v1"
    assert [each["algorithm"].native for each in content["digest_algorithms"]] == ["sha256"]
    assert content["encap_content_info"]["content_type"].native == "data"
    assert content["encap_content_info"]["content"].native is None
    (signer,) = content["signer_infos"]
    assert signer["version"].native == "v1"
    serial = signer["sid"].chosen["serial_number"].native
    assert serial == pki.certificate().serial_number
    assert signer["signature_algorithm"]["algorithm"].native == "rsassa_pkcs1v15"


def test_another_decoder_reads_a_signer_named_by_key_and_its_pss():
    content = parsed(profile=SigningProfile("sha-384", pss=True, by_key_identifier=True))["content"]
    (signer,) = content["signer_infos"]
    assert (content["version"].native, signer["version"].native) == ("v3", "v3")
    named = asn1_x509.Certificate.load(der_of(pki.certificate())).key_identifier
    assert signer["sid"].chosen.native == named
    algorithm = signer["signature_algorithm"]
    assert algorithm["algorithm"].native == "rsassa_pss"
    parameters = algorithm["parameters"]
    assert parameters["hash_algorithm"]["algorithm"].native == "sha384"
    assert parameters["mask_gen_algorithm"]["algorithm"].native == "mgf1"
    assert parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native == "sha384"
    assert parameters["salt_length"].native == 48
    assert parameters["trailer_field"].native == "trailer_field_bc"


@pytest.mark.parametrize(
    ("kind", "signature", "digest"),
    [
        ("p384", "sha384_ecdsa", "sha384"),
        ("p521", "sha384_ecdsa", "sha384"),
        ("ed25519", "ed25519", "sha512"),
    ],
)
def test_another_decoder_reads_the_algorithms_of_curves(kind, signature, digest):
    content = parsed(kind, SigningProfile("sha-384"))["content"]
    (signer,) = content["signer_infos"]
    assert signer["signature_algorithm"]["algorithm"].native == signature
    assert "parameters" not in signer["signature_algorithm"].native or (
        signer["signature_algorithm"].native["parameters"] is None
    )
    assert signer["digest_algorithm"]["algorithm"].native == digest
    assert [each["algorithm"].native for each in content["digest_algorithms"]] == [digest]


def test_the_signed_attributes_are_in_der_order_and_complete():
    (signer,) = parsed()["content"]["signer_infos"]
    attributes = signer["signed_attrs"]
    encoded = [each.dump() for each in attributes]
    assert encoded == sorted(encoded)
    assert {each["type"].native for each in attributes} == {
        "content_type",
        "message_digest",
        "signing_time",
        "smime_capabilities",
        "1.2.840.113549.1.9.16.2.47",
    }


def test_what_the_gateway_opens_is_announced():
    (signer,) = parsed()["content"]["signer_infos"]
    (value,) = [
        each["values"][0]
        for each in signer["signed_attrs"]
        if each["type"].native == "smime_capabilities"
    ]
    assert value.dump() == capabilities.encode()


def test_the_root_does_not_travel():
    root = pki.authority().root
    signer = Signer(pki.key("p256"), pki.certificate("p256"), (*pki.authority().chain, root))
    blob = make_signed(CONTENT, signer, pki.NOW)
    certificates = cms.ContentInfo.load(blob)["content"]["certificates"]
    assert len(certificates) == 2
    assert all(each.chosen.dump() != to_der(root) for each in certificates)
    assert isinstance(certificates[0].chosen, asn1_x509.Certificate)


@pytest.mark.parametrize("year", [1999, 2026, 2049, 2050, 2099])
def test_the_time_survives_the_turn_of_its_form(year):
    at = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    blob = make_signed(CONTENT, pki.signer("p256"), at)
    assert verify_signed(blob, CONTENT).signing_time == at


def test_the_time_is_cut_to_the_second():
    blob = make_signed(CONTENT, pki.signer("p256"), pki.NOW.replace(microsecond=999_999))
    assert verify_signed(blob, CONTENT).signing_time == pki.NOW


@pytest.mark.parametrize("digest", ["sha-1", "sha-224", "md5", "sha-3", "aes-256-cbc"])
def test_a_digest_that_is_not_produced_is_refused(digest):
    with pytest.raises(AlgorithmRefused):
        make_signed(CONTENT, pki.signer("p256"), pki.NOW, profile=SigningProfile(digest))


def test_a_key_that_does_not_sign_is_refused():
    key = PrivateKey.generate("x25519")
    signer = Signer(key, pki.issue(key, Usage.ENCRYPT))
    with pytest.raises(AlgorithmRefused):
        make_signed(CONTENT, signer, pki.NOW)


def test_a_certificate_without_a_key_identifier_is_not_named_by_it():
    model = der_of(pki.certificate("p256"))
    key = pki.key("p256")
    other = PrivateKey.generate("p256")
    nameless = from_der(certificate_like(model, key.public_key, other._key))
    signer = Signer(key, nameless)
    assert verify_signed(make_signed(CONTENT, signer, pki.NOW), CONTENT).content == CONTENT
    with pytest.raises(DerMalformed):
        make_signed(CONTENT, signer, pki.NOW, profile=SigningProfile(by_key_identifier=True))


def test_what_never_changes_is_assembled_once_and_forgotten_with_the_signer():
    signer = Signer(pki.key("p256"), pki.certificate("p256"))
    by_key = SigningProfile(by_key_identifier=True)
    for profile in (DEFAULT, by_key):
        make_signed(CONTENT, signer, pki.NOW, profile=profile)
    kept = dict(signed._templates[signer])
    assert kept.keys() == {DEFAULT, by_key}
    for profile in (DEFAULT, by_key):
        make_signed(CONTENT, signer, pki.NOW, profile=profile)
        assert signed._templates[signer][profile] is kept[profile]
    gone = weakref.ref(signer)
    del signer
    gc.collect()
    assert gone() is None
