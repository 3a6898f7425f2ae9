from dataclasses import replace

import pytest
from asn1crypto import cms

from certs.cms import certs_only
from certs.cms.certs_only import MAX_CERTIFICATES, MAX_OCTETS, make_certs_only, read_certs_only
from certs.cms.signed import make_signed
from certs.errors import DerMalformed
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations
from tests.unit.certs.cms import recipes as m


@pytest.fixture(scope="module")
def chain():
    return (pki.certificate("p256"), pki.authority().issuing, pki.authority().root)


def degenerate(*certificates, inside=b"", lists=b"", kind=m.DATA, signers=()):
    signed = m.seq(
        m.integer(1),
        m.a_set(),
        m.seq(m.oid(kind), inside),
        m.tagged(0, *certificates) if certificates else b"",
        lists,
        m.a_set(*signers),
    )
    return m.seq(m.oid(m.SIGNED), m.tagged(0, signed))


def test_what_is_made_is_read(chain):
    found = read_certs_only(make_certs_only(chain))
    assert set(found) == set(chain) and len(found) == 3


def test_each_certificate_goes_once_in_one_order(chain):
    assert make_certs_only(chain) == make_certs_only([*chain[::-1], chain[0]])


def test_another_decoder_reads_it(chain):
    parsed = cms.ContentInfo.load(make_certs_only(chain), strict=True)
    content = parsed["content"]
    assert content["version"].native == "v1"
    assert content["encap_content_info"]["content_type"].native == "data"
    assert content["encap_content_info"]["content"].native is None
    assert len(content["digest_algorithms"]) == len(content["signer_infos"]) == 0
    carried = {each.chosen.dump() for each in content["certificates"]}
    assert carried == {m.der_of(each) for each in chain}


def test_the_order_of_the_sender_is_kept_and_repetitions_are_not(chain):
    encoded = [m.der_of(each) for each in chain]
    assert read_certs_only(degenerate(*encoded, encoded[0])) == chain


def test_lists_are_passed_over_and_an_empty_content_means_nothing(chain):
    crl = m.tagged(1, pki.authority().crl([], pki.NOW, pki.NOW))
    blob = degenerate(m.der_of(chain[0]), lists=crl, inside=m.tagged(0, m.octets(b"")))
    assert read_certs_only(blob) == chain[:1]


def test_streamed_ber_is_read(chain):
    blob = degenerate(m.der_of(chain[0]))
    assert read_certs_only(b"\x30\x80" + blob[4:] + b"\x00\x00") == chain[:1]


def test_nothing_makes_no_message():
    with pytest.raises(ValueError, match="between 1 and"):
        make_certs_only([])


def refusals(chain):
    own = m.der_of(chain[0])
    return {
        "nothing": degenerate(),
        "a content": degenerate(own, inside=m.tagged(0, m.octets(b"x"))),
        "another type": degenerate(own, kind=m.SIGNED),
        "a signer": degenerate(own, signers=[m.signer_info(m.valid())]),
        "a signature": make_signed(b"", pki.signer("p256"), pki.NOW),
        "no certificate": degenerate(m.seq(m.NULL)),
        "a rest": degenerate(own) + b"\x00",
        "text": b"-----BEGIN PKCS7-----",
        "void": b"",
    }


@pytest.mark.parametrize("name", refusals((pki.authority().root,)))
def test_something_else_is_refused(chain, name):
    with pytest.raises(DerMalformed):
        read_certs_only(refusals(chain)[name])


def test_a_name_that_cannot_be_read_is_refused(chain):
    own = m.der_of(chain[1])
    bent = own.replace(b"\x0c\x11Autorit", b"\x8c\x11Autorit", 1)
    assert bent != own
    with pytest.raises(DerMalformed):
        read_certs_only(degenerate(bent))


@pytest.mark.parametrize("extra", [0, 1])
def test_as_many_certificates_as_allowed(chain, extra):
    own = m.der_of(chain[0])
    blob = degenerate(*[own] * (MAX_CERTIFICATES + extra))
    if extra:
        with pytest.raises(DerMalformed):
            read_certs_only(blob)
    else:
        assert read_certs_only(blob) == chain[:1]


def test_as_many_octets_as_allowed(chain, monkeypatch):
    blob = make_certs_only(chain)
    monkeypatch.setattr(certs_only, "MAX_OCTETS", len(blob))
    assert len(read_certs_only(blob)) == 3
    monkeypatch.setattr(certs_only, "MAX_OCTETS", len(blob) - 1)
    with pytest.raises(DerMalformed):
        read_certs_only(blob)
    assert 100 * len(m.der_of(chain[0])) < MAX_OCTETS


def test_a_signed_message_with_its_signers_taken_away_carries_its_certificates_only(chain):
    blob = m.build(replace(m.valid(), signers=0, announced=()))
    assert [m.der_of(each) for each in read_certs_only(blob)] == [m.valid().certificate]


def test_whatever_was_altered_carries_certificates_or_is_refused():
    refused = 0
    for case in mutations.cases():
        try:
            assert read_certs_only(case.blob)
        except DerMalformed:
            refused += 1
    assert refused > 200
