from dataclasses import replace

import pytest

from certs.cms import der, structure
from certs.cms.structure import MAX_CERTIFICATES, MAX_LISTS, MAX_SIGNERS, read
from certs.errors import SignatureReason, SignatureRejected
from tests.unit.certs import pki
from tests.unit.certs.cms import altered_harmlessly
from tests.unit.certs.cms import recipes as m
from tests.unit.certs.cms.recipes import CONTENT, build, valid

SIZE = 1 << 20


def expect(reason, blob, **limits):
    with pytest.raises(SignatureRejected) as caught:
        read(blob, limits.get("size", SIZE), limits.get("certificates", MAX_CERTIFICATES))
    assert caught.value.reason is reason


def test_every_part_is_read():
    base = valid()
    found = read(build(replace(base, inside=CONTENT)), SIZE)
    assert found.digests == ((m.oid(m.SHA256), b""),)
    assert found.content_type == m.oid(m.DATA)
    assert found.content == CONTENT
    assert found.certificates == (base.certificate,)
    (signer,) = found.signers
    assert signer.whole == m.signer_info(base)
    assert signer.identifier == m.issuer_serial(base.certificate)
    assert signer.digest == (m.oid(m.SHA256), b"")
    assert signer.attributes == m.tagged(0, *base.own_attributes())
    assert signer.algorithm == (m.oid(m.RSA), m.NULL)
    assert signer.signature == m.sign(base, base.message())


def test_streamed_is_read_as_the_same():
    streamed = read(altered_harmlessly.streamed(), SIZE)
    assert streamed == read(build(replace(valid(), inside=CONTENT)), SIZE)


PLACE = (0x30, 0xA0, 0x30, 0x30, 0xA0)
"""ContentInfo, content, SignedData, EncapsulatedContentInfo, eContent."""


@pytest.mark.parametrize("at", range(1, len(PLACE)))
def test_a_string_that_is_not_the_content_is_not_taken_for_it(at):
    """What the signer signed stands elsewhere, in an attribute of nobody, tagged as the content."""
    hidden = m.octets(CONTENT)
    for tag in reversed(PLACE[at:]):
        hidden = der.tlv(tag, hidden)
    base = replace(valid(), unsigned=m.tagged(1, m.attribute("1.2.3", hidden)))
    for inside in (None, b""):
        blob = build(replace(base, inside=inside))
        assert read(blob, SIZE).content == inside
        assert read(indefinite(blob), SIZE).content == inside


def test_a_string_in_ber_in_the_place_of_the_signature_is_no_content():
    blob = build(replace(valid(), inside=b"", signature=b"s" * 9))
    assert read(blob, SIZE).content == b""
    hidden = bytes((0x24, 0x80)) + m.octets(CONTENT) + b"\x00\x00"
    expect(SignatureReason.MALFORMED, indefinite(blob.replace(m.octets(b"s" * 9), hidden)))


@pytest.mark.parametrize("inside", [None, b"", CONTENT])
def test_a_second_content_is_refused(inside):
    hidden = b"\x30\x80" + m.oid(m.DATA) + m.tagged(0, m.octets(CONTENT)) + b"\x00\x00"
    expect(
        SignatureReason.MALFORMED,
        build(replace(valid(), inside=inside, rest_of_signed_data=hidden)),
    )


def test_octets_up_to_the_limit():
    blob = build(valid())
    read(blob, len(blob))
    expect(SignatureReason.TOO_BIG, blob, size=len(blob) - 1)


def test_signers_certificates_and_digests_up_to_the_limit():
    base = valid()
    fits = replace(
        base,
        signers=MAX_SIGNERS,
        certificates=(base.certificate,) * MAX_CERTIFICATES,
        announced=(base.digest,) * MAX_SIGNERS,
    )
    read(build(fits), SIZE)
    expect(SignatureReason.MALFORMED, build(replace(fits, signers=MAX_SIGNERS + 1)))
    expect(
        SignatureReason.MALFORMED,
        build(replace(fits, announced=(base.digest,) * (MAX_SIGNERS + 1))),
    )
    expect(SignatureReason.TOO_MANY_CERTIFICATES, build(fits), certificates=MAX_CERTIFICATES - 1)


@pytest.mark.parametrize("extra", [0, 1])
def test_lists_up_to_the_limit(extra):
    crl = pki.authority().crl([], pki.NOW, pki.NOW)
    blob = build(replace(valid(), lists=m.tagged(1, *[crl] * (MAX_LISTS + extra))))
    if extra:
        expect(SignatureReason.MALFORMED, blob)
    else:
        assert len(read(blob, SIZE).signers) == 1


@pytest.mark.parametrize("extra", [0, 1])
def test_octets_of_lists_up_to_the_limit(monkeypatch, extra):
    crl = pki.authority().crl([], pki.NOW, pki.NOW)
    monkeypatch.setattr(structure, "MAX_LIST_OCTETS", 3 * len(crl) - extra)
    blob = build(replace(valid(), lists=m.tagged(1, *[crl] * 3)))
    if extra:
        expect(SignatureReason.MALFORMED, blob)
    else:
        assert len(read(blob, SIZE).signers) == 1


# --- DER inside BER ------------------------------------------------------------------------------


def indefinite(blob):
    return b"\x30\x80" + blob[4:] + b"\x00\x00"


@pytest.mark.parametrize("depth", range(5))
def test_der_inside_ber_is_found_whatever_ends_around_it(depth):
    """ContentInfo, [0], SignedData and the SET of signers: the outer ``depth`` are indefinite."""
    base = valid()
    parts = [
        m.integer(1),
        m.a_set(base.digest),
        m.seq(m.oid(m.DATA)),
        m.tagged(0, base.certificate),
    ]

    def wrapped(level, tag, inside):
        if level < depth:
            return bytes((tag, 0x80)) + inside + b"\x00\x00"
        return bytes((tag, 0x83)) + len(inside).to_bytes(3, "big") + inside

    signers = wrapped(3, 0x31, m.signer_info(base))
    signed = wrapped(2, 0x30, b"".join(parts) + signers)
    blob = wrapped(0, 0x30, m.oid(m.SIGNED) + wrapped(1, 0xA0, signed))
    assert read(blob, SIZE) == read(build(base), SIZE)


def test_a_certificate_in_ber_is_refused_though_it_stands_elsewhere_in_der():
    base = valid()
    ber = b"\x30\x80" + base.certificate[4:] + b"\x00\x00"
    expect(SignatureReason.MALFORMED, build(replace(base, certificates=(ber,))))
    # far before, inside the content, a copy does not help
    far = bytes(structure.MAX_LIST_OCTETS + 200)
    blob = build(replace(base, certificates=(ber,), inside=base.certificate + far))
    expect(SignatureReason.MALFORMED, blob, size=len(blob))


def test_an_unsigned_attribute_is_no_place_to_hide_signed_ones():
    base = valid()
    signed = m.tagged(0, *base.own_attributes())
    copy = m.tagged(1, m.attribute("1.2.3", m.octets(m.signer_info(base))))
    ber = m.signer_info(replace(base, unsigned=copy), b"\xa0\x80" + signed[2:] + b"\x00\x00")
    expect(SignatureReason.MALFORMED, build(base, signer=ber))


def test_without_signers_nothing_is_signed():
    assert read(indefinite(build(replace(valid(), signers=0))), SIZE).signers == ()


# --- names of revocation lists -------------------------------------------------------------------


@pytest.mark.parametrize("octet", [0x04, 0x8C])
def test_the_name_in_a_revocation_list_is_made_of_strings(octet):
    crl = pki.authority().crl([], pki.NOW, pki.NOW)
    at = crl.index("Autorité".encode()) - 2
    bent = crl[:at] + bytes((octet,)) + crl[at + 1 :]
    read(build(replace(valid(), lists=m.tagged(1, crl))), SIZE)
    expect(SignatureReason.MALFORMED, build(replace(valid(), lists=m.tagged(1, bent))))
