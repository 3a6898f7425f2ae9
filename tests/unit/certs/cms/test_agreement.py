import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.capabilities import CLASSIC, MODERN, Protection
from certs.cms import agreement, recipients
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.errors import CannotOpen, OpenReason
from tests.unit.certs import pki
from tests.unit.certs.cms import envelopes as e

CURVES = ("p256", "p384", "p521", "x25519")


def opens(info, kind="p256", number=0):
    blob = e.build(infos=[info], content=e.cbc(), version=2)
    return open_enveloped(blob, [e.own(number, kind)]).content == e.CONTENT


def refusal(info, kind="p256"):
    with pytest.raises(CannotOpen) as caught:
        opens(info, kind)
    return caught.value.reason


@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("content", ["aes-256-gcm", "aes-128-gcm", "aes-256-cbc", "aes-128-cbc"])
def test_what_was_closed_for_a_curve_opens(kind, content):
    blob = make_enveloped(e.CONTENT, [pki.certificate(kind)], Protection(content, "oaep"))
    opening = open_enveloped(blob, [e.own(0, kind)])
    assert (opening.content, opening.algorithm) == (e.CONTENT, content)


# --- made by another encoder, with a derivation written down from the specifications -------------

X963 = [
    (f"{e.STD}.1", "sha256"), (f"{e.STD}.2", "sha384"), (f"{e.STD}.3", "sha512"),
    (f"{e.COFACTOR}.1", "sha256"), (f"{e.COFACTOR}.2", "sha384"), (f"{e.COFACTOR}.3", "sha512"),
    (e.STD_SHA1, "sha1"), ("1.3.133.16.840.63.0.3", "sha1"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "digest"), X963)
@pytest.mark.parametrize("ukm", [None, b"u" * 20])
@pytest.mark.parametrize("wrap", [e.WRAP_128, e.WRAP_256])
def test_every_accepted_scheme_opens(scheme, digest, ukm, wrap):
    assert opens(e.agreement(scheme=scheme, digest=digest, ukm=ukm, wrap=wrap))


@pytest.mark.parametrize(
    ("scheme", "digest"),
    [
        (f"{e.STD}.1", "sha256"), (f"{e.STD}.2", "sha384"), (f"{e.STD}.3", "sha512"),
        (f"{e.HKDF}.19", "sha256"), (f"{e.HKDF}.20", "sha384"), (f"{e.HKDF}.21", "sha512"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ukm", [None, b"u" * 20])
def test_every_scheme_of_x25519_opens(scheme, digest, ukm):
    assert opens(e.agreement(kind="x25519", scheme=scheme, digest=digest, ukm=ukm), "x25519")


@pytest.mark.parametrize("kind", CURVES[:3])
def test_every_curve_opens_what_others_made(kind):
    assert opens(e.agreement(kind=kind), kind)


def test_what_we_make_another_reader_understands():
    blob = make_enveloped(e.CONTENT, [pki.certificate("p384")], CLASSIC)
    envelope = cms.ContentInfo.load(blob, strict=True)["content"]
    (info,) = envelope["recipient_infos"]
    agreed = info.chosen
    assert envelope["version"].native == "v2" and agreed["version"].native == "v3"
    assert agreed["originator"].name == "originator_key"
    assert agreed["key_encryption_algorithm"]["algorithm"].dotted == f"{e.STD}.2"
    (key,) = agreed["recipient_encrypted_keys"]
    assert key["rid"].chosen["serial_number"].native == pki.certificate("p384").serial_number


def test_the_wrap_is_as_strong_as_the_content_key():
    for content, wrap in (("aes-256-gcm", e.WRAP_256), ("aes-128-gcm", e.WRAP_128)):
        blob = make_enveloped(b"", [pki.certificate("p256")], Protection(content, "oaep"))
        assert e.oid(wrap) in blob


def test_every_envelope_has_a_new_ephemeral_key():
    blobs = [make_enveloped(b"", [pki.certificate("p256")] * 2, MODERN) for _ in range(2)]
    points = set()
    for blob in blobs:
        at = -1
        while (at := blob.find(b"\x03\x42\x00\x04", at + 1)) >= 0:
            points.add(blob[at : at + 68])
    assert len(points) == 4


@pytest.mark.parametrize("by_key", [False, True])
def test_one_originator_may_serve_several_recipients(by_key):
    info = e.agreement(numbers=(1, 0, 2), by_key=by_key)
    for number in range(3):
        assert opens(info, number=number)


def test_a_recipient_among_several_is_named_as_it_was_named():
    blob = e.build(infos=[e.agreement(numbers=(1, 2), by_key=True)], content=e.cbc(), version=2)
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(blob, [e.own(0, "p256")])
    assert caught.value.reason is OpenReason.NOT_FOR_US
    assert caught.value.recipients == tuple(
        f"ski:{e.key_identifier('p256', number).hex()}" for number in (1, 2)
    )


@pytest.mark.parametrize(
    "curve",
    [
        e.algorithm(e.EC_KEY),
        e.algorithm(e.EC_KEY, e.NULL),
        e.algorithm(e.EC_KEY, e.oid("1.2.840.10045.3.1.7")),
    ],
)
def test_the_curve_may_be_said_or_not(curve):
    assert opens(e.agreement(curve=curve))


def test_the_wrap_goes_into_the_derivation_as_it_was_received():
    assert opens(e.agreement(wrap_parameters=e.NULL))


def test_a_compressed_point_is_read():
    """The envelope cannot be opened, its sender never had the secret; the point is not why."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    short = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    info = e.agreement(originator=e.tagged(1, e.algorithm(e.EC_KEY), e.bits(short)))
    assert refusal(info) is OpenReason.ALTERED


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (lambda: e.agreement(scheme=f"{e.STD}.0", digest="sha224"), "p256"),
        (lambda: e.agreement(scheme="1.3.132.1.15.1"), "p256"),
        (lambda: e.agreement(wrap="1.2.840.113549.1.9.16.3.6"), "p256"),
        (lambda: e.agreement(curve=e.algorithm("1.3.101.111")), "p256"),
        (lambda: e.agreement(scheme=f"{e.HKDF}.19"), "p256"),
        (lambda: e.agreement(kind="x25519", scheme=f"{e.COFACTOR}.1"), "x25519"),
        (lambda: e.agreement(kind="x25519", scheme=e.STD_SHA1, digest="sha1"), "x25519"),
        (lambda: e.agreement(originator=e.emit(2, 0, 0, b"static")), "p256"),
        (lambda: e.agreement(originator=e.seq(e.seq(), e.integer(1))), "p256"),
    ],
)
def test_other_agreements_are_refused(info, kind):
    assert refusal(info(), kind) is OpenReason.ALGORITHM_REFUSED


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (lambda: e.agreement(version=2), "p256"),
        (lambda: e.agreement(ukm=b"u" * (agreement.MAX_UKM + 1)), "p256"),
        (lambda: e.agreement(wrap_parameters=e.integer(1)), "p256"),
        (lambda: e.agreement(wrapped=b"w" * 16), "p256"),
        (lambda: e.agreement(wrapped=b"w" * 80), "p256"),
        (lambda: e.agreement(kind="x25519", curve=e.algorithm(e.X25519, e.NULL)), "x25519"),
        (lambda: e.agreement(originator=e.tagged(1, e.algorithm(e.EC_KEY))), "p256"),
        (
            lambda: e.agreement(
                originator=e.tagged(1, e.algorithm(e.EC_KEY), e.emit(0, 0, 3, b"\x01\x04"))
            ),
            "p256",
        ),
    ],
)
def test_a_broken_agreement_is_refused(info, kind):
    assert refusal(info(), kind) is OpenReason.MALFORMED


def test_as_much_keying_material_as_allowed():
    assert opens(e.agreement(ukm=b"u" * agreement.MAX_UKM))


def test_recipients_of_one_originator_count_one_by_one():
    most = recipients.MAX_RECIPIENTS
    assert opens(e.agreement(numbers=(1,) * (most - 1) + (0,), wrapped=None))
    assert refusal(e.agreement(numbers=(1,) * most + (0,), wrapped=b"w" * 40)) is (
        OpenReason.MALFORMED
    )


def originator_with(point):
    return e.tagged(1, e.algorithm(e.EC_KEY), e.bits(point))


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (lambda: e.agreement(wrapped=b"w" * 40), "p256"),
        (lambda: e.agreement(b"k" * 16), "p256"),
        (lambda: e.agreement(b"k" * 24), "p256"),
        (lambda: e.agreement(originator=originator_with(b"\x04" + b"\x01" * 64)), "p256"),
        (lambda: e.agreement(originator=originator_with(b"\x00")), "p256"),
        (lambda: e.agreement(originator=originator_with(b"")), "p256"),
        (lambda: e.agreement(wrapped=b"w" * 40, kind="x25519"), "x25519"),
        (
            lambda: e.agreement(
                kind="x25519",
                originator=e.tagged(1, e.algorithm(e.X25519), e.bits(bytes(32))),
            ),
            "x25519",
        ),
    ],
)
def test_what_fails_with_the_secret_fails_alike(info, kind):
    assert refusal(info(), kind) is OpenReason.ALTERED
