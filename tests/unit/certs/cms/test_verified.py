import contextlib
import dataclasses
import hashlib
from dataclasses import replace

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.capabilities import Capabilities
from certs.cms import verified
from certs.cms.signed import make_signed
from certs.cms.verified import VerifiedContent, verify_signed
from certs.errors import SignatureReason, SignatureRejected
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations
from tests.unit.certs.cms import recipes as m
from tests.unit.certs.cms.recipes import CONTENT, build, valid

NULL = b"\x05\x00"


def expect_rejected(reason, blob, content=CONTENT, **limits):
    with pytest.raises(SignatureRejected) as caught:
        verify_signed(blob, content, **limits)
    assert caught.value.reason is reason


# --- what is right -------------------------------------------------------------------------------


def test_another_encoder_is_understood():
    found = verify_signed(build(valid()), CONTENT)
    assert found.content == CONTENT
    assert found.signing_time == pki.NOW
    assert found.algorithms == ("rsa-pkcs1-v1.5", "sha-256")
    assert found.addresses == (pki.ADDRESS,)
    assert found.other_certificates == ()


def test_content_inside_is_given_back():
    assert verify_signed(build(replace(valid(), inside=CONTENT)), None).content == CONTENT


def test_an_empty_content_can_be_signed():
    blob = build(replace(valid(), signed=b"", inside=b""))
    assert verify_signed(blob, None).content == b""


def test_a_signer_may_be_named_by_key():
    recipe = valid()
    key_id = m.key_identifier(recipe.key)
    by_key = replace(recipe, version=3, signer_version=3, identifier=m.emit(2, 0, 0, key_id))
    assert verify_signed(build(by_key), CONTENT).signing_time == pki.NOW


def test_a_signing_time_is_optional():
    blob = build(valid().with_attributes(lambda own: [own[0], own[2]]))
    assert verify_signed(blob, CONTENT).signing_time is None


def test_the_bound_certificate_is_found():
    recipe = valid()
    for digest, name in ((b"", "sha256"), (m.algorithm(m.SHA512), "sha512")):
        bound = recipe.with_attributes(
            lambda own, d=digest, n=name: sorted([*own, m.bound(recipe.certificate, d, n)])
        )
        assert verify_signed(build(bound), CONTENT).content == CONTENT


def test_the_domain_of_addresses_is_in_lower_case_and_the_rest_is_kept():
    key, _ = m.own_rsa()
    names = ("Claire.Martin@Medecin.EXAMPLE", "c@x.example")
    certificate = m.der_of(pki.self_signed(key, hash_algorithm=hashes.SHA256(), names=names))
    found = verify_signed(build(replace(valid(), certificate=certificate)), CONTENT)
    assert found.addresses == ("Claire.Martin@medecin.example", "c@x.example")


def test_a_repeated_certificate_is_one_certificate():
    recipe = valid()
    again = replace(recipe, certificates=(recipe.certificate,) * verified.MAX_CERTIFICATES)
    assert verify_signed(build(again), CONTENT).other_certificates == ()


def test_as_many_attributes_as_allowed():
    own = valid().own_attributes()
    more = [
        m.attribute(f"1.2.3.{n}", m.integer(n))
        for n in range(100, 100 + verified.MAX_ATTRIBUTES - len(own))
    ]
    blob = build(replace(valid(), attributes=tuple(sorted([*own, *more]))))
    assert verify_signed(blob, CONTENT).content == CONTENT


@pytest.mark.parametrize("name", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("with_null", [True, False])
def test_rsa_by_every_digest(name, with_null):
    used = getattr(hashes, name)()
    dotted = {"SHA256": "1", "SHA384": "2", "SHA512": "3"}[name]
    digest = m.algorithm(f"2.16.840.1.101.3.4.2.{dotted}", NULL if with_null else b"")
    combined = {"SHA256": "11", "SHA384": "12", "SHA512": "13"}[name]
    for scheme in (m.RSA, f"1.2.840.113549.1.1.{combined}"):
        recipe = replace(valid(), digest=digest, hash=used, scheme=m.algorithm(scheme, NULL))
        found = verify_signed(build(recipe), CONTENT)
        assert found.algorithms[1] == name.lower().replace("sha", "sha-")


@pytest.mark.parametrize("salt", [0, 20, 32])
def test_pss(salt):
    parameters = m.pss_parameters(m.SHA256, m.SHA256, salt)
    recipe = replace(valid(), scheme=m.algorithm(m.RSA_PSS, parameters), salt=salt)
    assert verify_signed(build(recipe), CONTENT).algorithms == ("rsa-pss", "sha-256")


def test_pss_with_the_default_salt():
    parameters = m.pss_parameters(m.SHA256, m.SHA256, None)
    recipe = replace(valid(), scheme=m.algorithm(m.RSA_PSS, parameters), salt=20)
    assert verify_signed(build(recipe), CONTENT).content == CONTENT


@pytest.mark.parametrize(
    ("curve", "name", "dotted"),
    [
        (ec.SECP256R1, "SHA256", "2"),
        (ec.SECP384R1, "SHA384", "3"),
        (ec.SECP521R1, "SHA512", "4"),
        (ec.SECP256R1, "SHA512", "4"),
    ],
)
def test_ecdsa(curve, name, dotted):
    key = ec.generate_private_key(curve())
    number = {"SHA256": 1, "SHA384": 2, "SHA512": 3}[name]
    recipe = m.Recipe(
        *m.of_key(key, name),
        digest=m.algorithm(f"2.16.840.1.101.3.4.2.{number}"),
        scheme=m.algorithm(f"1.2.840.10045.4.3.{dotted}"),
        hash=getattr(hashes, name)(),
    )
    assert verify_signed(build(recipe), CONTENT).algorithms[0].startswith("ecdsa")


def test_ed25519():
    recipe = m.Recipe(
        *m.of_key(ed25519.Ed25519PrivateKey.generate()),
        digest=m.algorithm(m.SHA512),
        scheme=m.algorithm("1.3.101.112"),
        hash=hashes.SHA512(),
    )
    assert verify_signed(build(recipe), CONTENT).algorithms == ("ed25519", "sha-512")


@pytest.mark.parametrize("name", mutations.HARMLESS)
def test_what_is_altered_harmlessly_is_accepted(name):
    case = mutations.harmless()[name]
    assert verify_signed(case.blob, case.content).content == CONTENT


def test_where_the_content_was_is_told_with_its_digest():
    beside = verify_signed(build(valid()), CONTENT)
    inside = verify_signed(build(replace(valid(), inside=CONTENT)), None)
    assert (beside.encapsulated, inside.encapsulated) == (False, True)
    assert beside.digest == inside.digest == hashlib.sha256(CONTENT).digest()


def test_content_beside_is_not_copied():
    assert verify_signed(build(valid()), CONTENT).content is CONTENT


def test_what_the_signer_can_open_is_read():
    said = m.attribute(m.CAPABILITIES, m.seq(m.algorithm("2.16.840.1.101.3.4.1.42")))
    found = verify_signed(build(valid().and_attribute(said)), CONTENT)
    assert found.capabilities == Capabilities(frozenset({"aes-256-cbc"}))
    assert verify_signed(build(valid()), CONTENT).capabilities is None
    garbage = valid().and_attribute(m.attribute(m.CAPABILITIES, NULL))
    assert verify_signed(build(garbage), CONTENT).capabilities is None


# --- what is wrong -------------------------------------------------------------------------------


def test_there_are_more_mutations_than_were_asked_for():
    assert len(mutations.EXPECTED) >= 120
    assert not mutations.EXPECTED.keys() & set(mutations.HARMLESS)
    blobs = [(case.blob, case.content) for case in mutations.cases()]
    assert len(blobs) == len(set(blobs)) == len(mutations.EXPECTED)


@pytest.mark.parametrize("name", mutations.EXPECTED)
def test_a_mutation_is_refused_for_its_reason(name):
    case = mutations.refused()[name]
    with pytest.raises(SignatureRejected) as caught:
        verify_signed(case.blob, case.content)
    assert caught.value.reason is mutations.EXPECTED[name]


def test_every_reason_is_met_by_some_case():
    met = {*mutations.EXPECTED.values(), SignatureReason.TOO_BIG}
    assert met == set(SignatureReason)


def test_a_blob_up_to_the_limit_is_read():
    blob = build(valid())
    assert verify_signed(blob, CONTENT, max_size=len(blob)).content == CONTENT
    expect_rejected(SignatureReason.TOO_BIG, blob, max_size=len(blob) - 1)


def test_every_flipped_bit_of_the_signed_attributes_or_the_signature_is_noticed():
    blob = bytearray(make_signed(CONTENT, pki.signer("p256"), pki.NOW))
    parsed = cms.ContentInfo.load(bytes(blob))["content"]["signer_infos"][0]
    for part in (parsed["signed_attrs"].dump(), parsed["signature"].native):
        start = bytes(blob).index(part)
        for position in range(start, start + len(part)):
            blob[position] ^= 1
            with pytest.raises(SignatureRejected):
                verify_signed(bytes(blob), CONTENT)
            blob[position] ^= 1
    assert verify_signed(bytes(blob), CONTENT).content == CONTENT


@given(cut=st.integers(0, 1500), junk=st.binary(max_size=30), keep=st.integers(0, 1500))
@settings(max_examples=300)
def test_no_bytes_make_anything_but_a_rejection(cut, junk, keep):
    blob = make_signed(CONTENT, pki.signer("p256"), pki.NOW)
    altered = blob[:cut] + junk + blob[keep:]
    with contextlib.suppress(SignatureRejected):
        assert verify_signed(altered, CONTENT).content == CONTENT


# --- proof ---------------------------------------------------------------------------------------


def test_only_verification_makes_verified_content():
    found = verify_signed(build(valid()), CONTENT)
    with pytest.raises(TypeError, match="only verification"):
        VerifiedContent(
            b"", found.signer_certificate, (), None, ("", ""), (), b"", False, None, proof=None
        )
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(found, content=b"something else")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.content = b"something else"
