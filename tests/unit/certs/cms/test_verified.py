import contextlib
import dataclasses
from dataclasses import replace

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.cms import verified
from certs.cms.signed import make_signed
from certs.cms.verified import VerifiedContent, verify_signed
from certs.errors import SignatureReason, SignatureRejected
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations as m
from tests.unit.certs.cms.mutations import CONTENT, build, valid

CASES = 93
"""How many mutations there are: known here, so that RSA keys are drawn only when tests run."""

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
    key_id = m.x509.SubjectKeyIdentifier.from_public_key(recipe.key.public_key()).digest
    by_key = replace(recipe, version=3, signer_version=3, identifier=m.emit(2, 0, 0, key_id))
    assert verify_signed(build(by_key), CONTENT).signing_time == pki.NOW


def test_a_signing_time_is_optional():
    blob = build(valid().with_attributes(lambda own: [own[0], own[2]]))
    assert verify_signed(blob, CONTENT).signing_time is None


def test_the_bound_certificate_is_found():
    recipe = valid()
    for digest, name in ((b"", "sha256"), (m.algorithm(m.SHA512), "sha512")):
        bound = recipe.with_attributes(
            lambda own, d=digest, n=name: sorted([*own, m._ess(recipe.certificate, d, n)])
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


def test_streamed_ber_is_understood():
    blob = build(replace(valid(), inside=CONTENT))
    parts = m.tagged(0, m.octets(CONTENT))
    cut = m.emit(0, 0, 4, CONTENT[:10]) + m.emit(0, 0, 4, CONTENT[10:])
    streamed = b"\xa0\x80\x24\x80" + cut + b"\x00\x00\x00\x00"
    assert blob.count(parts) == 1
    # every constructed element around the content becomes indefinite
    signed = cms.ContentInfo.load(blob)["content"]
    pieces = [signed[each].dump() for each in ("version", "digest_algorithms")]
    tail = blob[blob.index(parts) + len(parts) :]
    ber = b"".join(
        [
            b"\x30\x80", m.oid(m.SIGNED), b"\xa0\x80\x30\x80", *pieces,
            b"\x30\x80", m.oid(m.DATA), streamed, b"\x00\x00", tail, b"\x00\x00" * 3,
        ]
    )  # fmt: skip
    assert verify_signed(ber, None).content == CONTENT


def test_the_revocation_lists_and_the_unsigned_attributes_of_the_sender_are_passed_over():
    blob = build(valid())
    signed = cms.ContentInfo.load(blob)["content"]
    signer = signed["signer_infos"][0]
    crls = m.tagged(1, m.seq(NULL))
    unsigned = m.tagged(1, m.attribute("1.2.3.4", NULL))
    parts = [signed[each].dump() for each in ("version", "digest_algorithms", "encap_content_info")]
    again = m.seq(
        m.oid(m.SIGNED),
        m.tagged(
            0,
            m.seq(
                *parts,
                signed["certificates"].dump(),
                crls,
                m.a_set(m.seq(signer.contents, unsigned)),
            ),
        ),
    )
    assert verify_signed(again, CONTENT).content == CONTENT


# --- what is wrong -------------------------------------------------------------------------------


def test_there_are_many_cases_with_different_names():
    names = [case.name for case in m.cases()]
    assert len(names) == CASES
    assert len(names) == len(set(names))


@pytest.mark.parametrize("number", range(CASES))
def test_a_mutation_is_refused_for_its_reason(number):
    case = m.cases()[number]
    with pytest.raises(SignatureRejected) as caught:
        verify_signed(case.blob, case.content)
    assert (case.name, caught.value.reason) == (case.name, case.reason)


def test_every_reason_is_met_by_some_case():
    met = {case.reason for case in m.cases()} | {SignatureReason.TOO_BIG}
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
        VerifiedContent(b"", found.signer_certificate, (), None, ("", ""), (), proof=None)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(found, content=b"something else")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.content = b"something else"
