import gc
import weakref
from datetime import UTC, datetime

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509

from certs.certificate import to_der
from certs.cms import signed
from certs.cms.signed import make_signed, verify_signed
from certs.keyring import Signer
from tests.unit.certs import pki
from tests.unit.certs.cms.mutations import CONTENT

KINDS = ["rsa-2048", "p256"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detached", [True, False])
def test_what_is_signed_is_verified(kind, detached):
    blob = make_signed(CONTENT, pki.signer(kind), pki.NOW, detached=detached)
    found = verify_signed(blob, CONTENT if detached else None)
    assert found.content == CONTENT
    assert found.signer_certificate == pki.certificate(kind)
    assert found.other_certificates == pki.authority().chain
    assert found.signing_time == pki.NOW
    assert found.addresses == (pki.ADDRESS,)


@pytest.mark.parametrize("detached", [True, False])
def test_content_may_come_in_pieces(detached):
    pieces = (CONTENT[start : start + 7] for start in range(0, len(CONTENT), 7))
    blob = make_signed(pieces, pki.signer("p256"), pki.NOW, detached=detached)
    assert verify_signed(blob, CONTENT if detached else None).content == CONTENT


def test_an_empty_content_inside_is_there():
    blob = make_signed(b"", pki.signer("p256"), pki.NOW, detached=False)
    assert verify_signed(blob, None).content == b""


def test_a_big_content_keeps_its_lengths_right():
    big = bytes(range(256)) * 300
    blob = make_signed(big, pki.signer("p256"), pki.NOW, detached=False)
    assert verify_signed(blob, None).content == big


def parsed(kind="rsa-2048"):
    return cms.ContentInfo.load(make_signed(CONTENT, pki.signer(kind), pki.NOW), strict=True)


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


def test_only_what_we_open_is_announced_as_a_capability():
    (signer,) = parsed()["content"]["signer_infos"]
    (value,) = [
        each["values"][0]
        for each in signer["signed_attrs"]
        if each["type"].native == "smime_capabilities"
    ]
    names = [capability[0].dotted for capability in value]
    assert names == [f"2.16.840.1.101.3.4.1.{last}" for last in (42, 22, 2)]


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


def test_what_never_changes_is_assembled_once_and_forgotten_with_the_signer():
    signer = Signer(pki.key("p256"), pki.certificate("p256"))
    make_signed(CONTENT, signer, pki.NOW)
    template = signed._templates[signer]
    make_signed(CONTENT, signer, pki.NOW)
    assert signed._templates[signer] is template
    gone = weakref.ref(signer)
    del signer
    gc.collect()
    assert gone() is None
