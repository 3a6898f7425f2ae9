import os
import tracemalloc

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from certs.capabilities import CLASSIC, MODERN, Protection
from certs.cms import enveloped, recipients
from certs.cms.enveloped import enveloped_pieces, make_enveloped, open_enveloped
from certs.cms.signed import make_signed
from certs.errors import AlgorithmRefused, CannotOpen, CertificateNotFound, OpenReason
from tests.unit.certs import pki
from tests.unit.certs.cms import envelopes as e
from tests.unit.certs.cms.envelopes import CONTENT, build, build_gcm, own

PROTECTIONS = [
    CLASSIC,
    MODERN,
    Protection("aes-128-cbc", "oaep"),
    Protection("aes-128-gcm", "pkcs1"),
]


def expect_closed(reason, blob, *keys, **limits):
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(blob, keys or [own()], **limits)
    assert caught.value.reason is reason
    return caught.value.recipients


def opens(blob, *keys):
    return open_enveloped(blob, keys or [own()]).content == CONTENT


# --- made by us ----------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", [0, 1, 15, 16, 17, 31, 32, 33, 5000, 70_000])
@pytest.mark.parametrize("protection", PROTECTIONS)
def test_what_was_closed_opens(octets, protection):
    content = (CONTENT * 300)[:octets]
    opening = open_enveloped(make_enveloped(content, [own()[0]], protection), [own()])
    assert opening.content == content
    assert opening.algorithm == protection.content
    assert opening.is_authenticated is protection.is_authenticated


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_a_content_in_pieces_gives_the_same_envelope_but_for_what_is_drawn(protection):
    pieces = [CONTENT[at : at + 50] for at in range(0, len(CONTENT), 50)]
    certificate = own()[0]
    whole = make_enveloped(CONTENT, [certificate], protection)
    for blob in (
        make_enveloped(iter(pieces), [certificate], protection),
        b"".join(enveloped_pieces(iter(pieces), [certificate], protection)),
        b"".join(enveloped_pieces(CONTENT, [certificate], protection)),
    ):
        assert opens(blob)
        assert len(blob) == len(whole)


def test_every_recipient_opens_with_its_own_key():
    blob = make_enveloped(CONTENT, [own(0)[0], own(1)[0]])
    assert opens(blob, own(0))
    assert opens(blob, own(1))
    assert opens(blob, own(2), own(1))


@pytest.mark.parametrize("protection", PROTECTIONS)
def test_recipients_of_all_kinds_share_one_envelope(protection):
    kinds = ("rsa-2048", "p256", "p384", "p521", "x25519")
    blob = make_enveloped(CONTENT, [pki.certificate(each) for each in kinds], protection)
    named = {f"serial:{each:x}" for each in (pki.certificate(k).serial_number for k in kinds)}
    for kind in kinds:
        opening = open_enveloped(blob, [own(0, kind)])
        assert opening.content == CONTENT
        assert {f"serial:{int(n[7:], 16):x}" for n in opening.recipients} == named


def test_an_old_key_of_the_same_name_still_opens():
    renewed = pki.issue(pki.key("rsa-2048", 1))
    blob = make_enveloped(CONTENT, [own()[0]])
    assert opens(blob, (renewed, pki.key("rsa-2048", 1)), own())


def test_an_envelope_for_others_names_them():
    blob = make_enveloped(CONTENT, [own(0)[0], own(1)[0]])
    named = expect_closed(OpenReason.NOT_FOR_US, blob, own(2))
    assert len(named) == 2
    assert sorted(int(each.removeprefix("serial:"), 16) for each in named) == sorted(
        own(number)[0].serial_number for number in (0, 1)
    )


def test_an_envelope_without_keys_at_all():
    blob = make_enveloped(CONTENT, [own()[0]])
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(blob, [])
    assert caught.value.reason is OpenReason.NOT_FOR_US


def test_another_decoder_reads_the_structure():
    content = cms.ContentInfo.load(make_enveloped(CONTENT, [own()[0]]), strict=True)["content"]
    (recipient,) = content["recipient_infos"]
    assert content["version"].native == "v0"
    assert recipient.chosen["rid"].chosen["serial_number"].native == own()[0].serial_number
    inside = content["encrypted_content_info"]
    assert inside["content_encryption_algorithm"]["algorithm"].native == "aes256_cbc"
    assert len(inside["content_encryption_algorithm"]["parameters"].native) == 16


def test_another_decoder_reads_the_authenticated_structure():
    blob = make_enveloped(CONTENT, [own()[0]], MODERN)
    content = cms.ContentInfo.load(blob, strict=True)["content"]
    assert content["version"].native == "v0"
    assert len(content["mac"].native) == 16
    inside = content["auth_encrypted_content_info"]
    identifier = inside["content_encryption_algorithm"]
    assert identifier["algorithm"].dotted == e.GCM_256
    assert len(inside["encrypted_content"].native) == len(CONTENT)


@pytest.mark.parametrize("protection", [CLASSIC, MODERN])
def test_neither_key_nor_vector_is_used_twice(protection, monkeypatch):
    drawn = []
    real = os.urandom

    def counted(octets):
        drawn.append(real(octets))
        return drawn[-1]

    monkeypatch.setattr(os, "urandom", counted)
    first, second = (make_enveloped(CONTENT, [own()[0]], protection) for _ in range(2))
    assert len(set(drawn)) == len(drawn) == 4
    assert first[-200:] != second[-200:]


def test_nobody_is_no_recipient():
    with pytest.raises(CertificateNotFound):
        make_enveloped(CONTENT, [])


def test_an_envelope_has_so_many_recipients_and_no_more():
    many = [own(0, "p256")[0]] * recipients.MAX_RECIPIENTS
    assert opens(make_enveloped(CONTENT, many), own(0, "p256"))
    with pytest.raises(ValueError, match="too many"):
        make_enveloped(CONTENT, [*many, many[0]])


def test_a_key_that_cannot_receive_is_refused():
    with pytest.raises(AlgorithmRefused):
        make_enveloped(CONTENT, [pki.certificate("ed25519")])
    with pytest.raises(AlgorithmRefused):
        make_enveloped(CONTENT, [pki.self_signed(pki.weak_rsa(), hash_algorithm=pki.SHA256)])


# --- cost ----------------------------------------------------------------------------------------

_MIB = 1024 * 1024


@pytest.mark.parametrize("protection", [CLASSIC, MODERN])
def test_a_large_content_is_copied_once_each_way(protection):
    content = bytes(4 * _MIB)
    certificate, key = own(0, "p256")

    def peak(call):
        tracemalloc.start()
        made = call()
        octets = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert octets < 1.2 * len(content)
        return made

    blob = peak(lambda: make_enveloped(content, [certificate], protection))
    assert peak(lambda: open_enveloped(blob, [(certificate, key)])).content == content
    assert peak(lambda: enveloped_pieces(content, [certificate], protection))
    streamed = in_parts(blob, 64 * 1024)
    assert peak(lambda: open_enveloped(streamed, [(certificate, key)])).content == content


def in_parts(blob, size):
    """The envelope as a streaming producer writes it: indefinite lengths, a content in parts."""
    outer = cms.ContentInfo.load(blob)
    is_gcm = outer["content_type"].dotted == e.AUTHENTICATED
    inner = outer["content"]
    content = inner["auth_encrypted_content_info" if is_gcm else "encrypted_content_info"]
    ciphertext = content["encrypted_content"].native
    parts = [e.octets(ciphertext[at : at + size]) for at in range(0, len(ciphertext), size)]
    end = b"\x00\x00"
    head = content["content_type"].dump() + content["content_encryption_algorithm"].dump()
    encrypted = b"\x30\x80" + head + b"\xa0\x80" + b"".join(parts) + end + end
    mac = inner["mac"].dump() if is_gcm else b""
    body = inner["version"].dump() + inner["recipient_infos"].dump() + encrypted + mac
    start = b"\x30\x80" + outer["content_type"].dump() + b"\xa0\x80\x30\x80"
    return start + body + end * 3


# --- made by another encoder ---------------------------------------------------------------------


@pytest.mark.parametrize(("octets", "last"), [(32, 42), (24, 22), (16, 2)])
@pytest.mark.parametrize("by_key", [False, True])
def test_every_accepted_cipher_opens(octets, last, by_key):
    key = b"k" * octets
    blob = build(
        infos=[e.transport(key, by_key=by_key)],
        cipher=f"{e.AES_ARC}.{last}",
        content=e.cbc(key),
        version=2 if by_key else 0,
    )
    assert opens(blob)


@pytest.mark.parametrize(("octets", "last"), [(32, 46), (24, 26), (16, 6)])
@pytest.mark.parametrize("tag_octets", [None, 12, 13, 14, 15, 16])
def test_every_accepted_gcm_opens(octets, last, tag_octets):
    key = b"k" * octets
    blob = build_gcm(
        infos=[e.transport(key)], cipher=f"{e.AES_ARC}.{last}", tag_octets=tag_octets, key=key
    )
    opening = open_enveloped(blob, [own()])
    assert opening.content == CONTENT
    assert opening.algorithm == f"aes-{8 * octets}-gcm"
    assert opening.is_authenticated


def attribute(last, *values):
    return e.seq(e.oid(f"1.2.840.113549.1.9.{last}"), e.a_set(*values))


def test_the_tag_covers_the_attributes_in_der():
    """RFC 5083 §2.2: as a SET OF in DER, in whatever order they came."""
    one, two = attribute(3, e.oid(e.DATA)), attribute(5, e.octets(b"time"))
    associated = e.a_set(*sorted((one, two)))
    for sent in ((one, two), (two, one)):
        assert opens(build_gcm(attributes=e.tagged(1, *sent), associated=associated))
    other = e.tagged(1, one, attribute(5, e.octets(b"past")))
    expect_closed(OpenReason.ALTERED, build_gcm(attributes=other, associated=associated))
    expect_closed(OpenReason.ALTERED, build_gcm(associated=associated))
    expect_closed(OpenReason.ALTERED, build_gcm(attributes=e.tagged(1, one, two)))


def test_attributes_have_a_limit():
    def long(octets):
        one = attribute(5, e.octets(b"x" * octets))
        return build_gcm(attributes=e.tagged(1, one), associated=e.a_set(one))

    assert opens(long(65_000))
    expect_closed(OpenReason.MALFORMED, long(65_536))


def test_unprotected_attributes_are_passed_over():
    assert opens(build(content=e.cbc(), version=2, extra=e.tagged(1, e.NULL)))
    assert opens(build_gcm(unprotected=e.tagged(2, e.NULL)))


def test_a_content_in_parts_opens():
    whole = e.cbc()
    parts = e.octets(whole[:50]) + e.octets(whole[50:])
    assert opens(build(field=e.tagged(0, parts)))
    assert opens(build(field=b"\xa0\x80" + parts + b"\x00\x00"))


@pytest.mark.parametrize("size", [1, 16, 333])
@pytest.mark.parametrize("protection", [CLASSIC, MODERN])
def test_what_a_streaming_producer_wrote_opens(size, protection):
    content = CONTENT * 100
    blob = in_parts(make_enveloped(content, [own()[0]], protection), size)
    assert open_enveloped(blob, [own()]).content == content


def test_a_second_long_string_in_parts_hides_nothing():
    parts = e.octets(b"x" * 20_000)
    in_name = e.seq(
        e.integer(2), b"\xa0\x80" + parts + b"\x00\x00", e.algorithm(e.RSA), e.octets(b"")
    )
    field = b"\xa0\x80" + parts + b"\x00\x00"
    expect_closed(OpenReason.MALFORMED, build(infos=[in_name], field=field, version=2))


def test_other_kinds_of_recipients_are_passed_over():
    others = [e.tagged(number, e.seq(e.NULL)) for number in (2, 3, 4)]
    assert opens(build(infos=[*others, e.transport()], content=e.cbc(), version=2))


def test_transports_and_agreements_stand_side_by_side_in_their_order():
    padded = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    infos = [
        e.transport(scheme=e.OAEP, parameters=e.seq(), padded=padded, number=1, by_key=True),
        e.agreement(numbers=(2, 0), by_key=True),
        e.transport(by_key=True),
        e.agreement(kind="x25519", by_key=True),
    ]
    blob = build(infos=infos, content=e.cbc(), version=2)
    order = (("rsa-2048", 1), ("p256", 2), ("p256", 0), ("rsa-2048", 0), ("x25519", 0))
    for kind, number in order:
        opening = open_enveloped(blob, [own(number, kind)])
        assert opening.content == CONTENT
        assert opening.recipients == tuple(f"ski:{e.key_identifier(*each).hex()}" for each in order)


def test_an_originator_s_certificates_are_passed_over():
    blob = build_gcm(infos=[e.transport()])
    marked = blob.replace(e.integer(0) + b"\x31\x82", e.integer(0) + b"\xa0\x00\x31\x82", 1)
    outer = cms.ContentInfo.load(blob)["content_type"].dump()
    inside = marked[marked.index(e.integer(0) + b"\xa0\x00") :]
    assert opens(e.seq(outer, e.tagged(0, e.seq(inside))))


@pytest.mark.parametrize(
    "blob",
    [
        *(
            lambda cipher=cipher: build(cipher=cipher)
            for cipher in ("1.2.840.113549.3.7", "1.2.840.113549.3.2", "1.2.3")
        ),
        lambda: build(cipher=e.GCM_256, parameters=e.gcm_parameters()),
        lambda: build_gcm(cipher=e.CBC_256, parameters=e.octets(e.VECTOR)),
    ],
)
def test_a_refused_cipher_is_refused_before_any_key_is_used(blob):
    expect_closed(OpenReason.ALGORITHM_REFUSED, blob())


def test_a_refused_transport_names_the_recipient():
    strange = build(infos=[e.transport(scheme="1.2.3", parameters=e.seq())])
    (named,) = expect_closed(OpenReason.ALGORITHM_REFUSED, strange)
    assert int(named.removeprefix("serial:"), 16) == own()[0].serial_number


def test_what_is_refused_for_one_recipient_may_open_for_the_next():
    strange = e.transport(scheme="1.2.3", parameters=e.seq())
    broken = e.transport(parameters=e.integer(1))
    assert opens(build(infos=[strange, broken, e.transport()], content=e.cbc()))
    others = e.transport(scheme="1.2.3", number=1)
    assert opens(build(infos=[others, e.transport()], content=e.cbc()))


@pytest.mark.parametrize(
    "blob",
    [
        lambda: build(parameters=e.octets(b"v" * 15)),
        lambda: build(parameters=b""),
        lambda: build(infos=[e.transport(parameters=e.integer(1))]),
        lambda: build(version=1),
        lambda: build(kind=e.SIGNED),
        lambda: build(field=b""),
        lambda: build() + b"\x00",
        lambda: build()[:-1],
        lambda: b"",
        lambda: build(infos=[e.transport()] * (recipients.MAX_RECIPIENTS + 1)),
        lambda: build(infos=[e.seq(e.integer(1), e.NULL, e.seq(), e.octets(b""))]),
        lambda: build(infos=[e.seq(e.integer(0), e.seq(e.NULL), e.seq(), e.octets(b""))]),
        lambda: build(infos=[e.octets(b"")]),
        lambda: build(infos=[e.tagged(5, e.NULL)]),
        lambda: build_gcm(mac=b""),
        lambda: build_gcm(mac=e.octets(b"t" * 11)),
        lambda: build_gcm(mac=e.octets(b"t" * 13)),
        lambda: build_gcm(mac=e.octets(b"t" * 16)),
        lambda: build_gcm(tag_octets=16, mac=e.octets(b"t" * 12)),
        lambda: build_gcm(tag_octets=8, mac=e.octets(b"t" * 8)),
        lambda: build_gcm(version=2),
        lambda: build_gcm(attributes=e.tagged(1)),
        lambda: build_gcm(kind=e.SIGNED),
    ],
)
def test_a_broken_structure_is_refused(blob):
    expect_closed(OpenReason.MALFORMED, blob())


def test_as_many_recipients_as_allowed():
    infos = [e.transport(number=1)] * (recipients.MAX_RECIPIENTS - 1) + [e.transport()]
    assert opens(build(infos=infos, content=e.cbc()))


def test_so_many_keys_are_tried_and_no_more():
    wrong, most = e.transport(b"w" * 32), enveloped.MAX_ATTEMPTS
    assert opens(build(infos=[wrong] * (most - 1) + [e.transport()], content=e.cbc()))
    late = build(infos=[wrong] * most + [e.transport()], content=e.cbc())
    assert len(expect_closed(OpenReason.ALTERED, late)) == most


def test_signed_data_is_no_envelope():
    blob = make_signed(CONTENT, pki.signer("p256"), pki.NOW)
    expect_closed(OpenReason.NOT_ENVELOPED_DATA, blob)


def test_a_blob_up_to_the_limit_is_read():
    blob = make_enveloped(CONTENT, [own()[0]])
    assert open_enveloped(blob, [own()], max_size=len(blob)).content == CONTENT
    expect_closed(OpenReason.TOO_BIG, blob, max_size=len(blob) - 1)
