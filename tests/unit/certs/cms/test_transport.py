import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from certs.cms import transport
from certs.cms.enveloped import open_enveloped
from certs.cms.transport import Oaep, oaep_parameters
from certs.errors import AlgorithmRefused, CannotOpen, DerMalformed, OpenReason
from tests.unit.certs import pki
from tests.unit.certs.cms import envelopes as e

SHA = {
    "sha-1": "1.3.14.3.2.26",
    "sha-256": "2.16.840.1.101.3.4.2.1",
    "sha-384": "2.16.840.1.101.3.4.2.2",
    "sha-512": "2.16.840.1.101.3.4.2.3",
}
P_SPECIFIED = "1.2.840.113549.1.1.9"


def parameters(digest=None, mgf_digest=None, label=None, null=e.NULL):
    """RSAES-OAEP-params; what is None is left out."""
    fields = []
    if digest:
        fields.append(e.tagged(0, e.algorithm(SHA[digest], null)))
    if mgf_digest:
        fields.append(e.tagged(1, e.algorithm(e.MGF1, e.algorithm(SHA[mgf_digest], null))))
    if label is not None:
        fields.append(e.tagged(2, e.algorithm(P_SPECIFIED, e.octets(label))))
    return e.seq(*fields)


def test_what_we_write_is_what_the_specification_prints():
    """RFC 3560 §5, the capability for SHA-256, octet by octet."""
    printed = bytes.fromhex(
        "303806092a864886f70d010107302ba00d300b0609608648016503040201"
        "a11a301806092a864886f70d010108300b0609608648016503040201"
    )
    assert printed == transport.OAEP_IDENTIFIER


@pytest.mark.parametrize(
    ("encoded", "read"),
    [
        (parameters(), Oaep("sha-1", "sha-1", b"")),
        (parameters("sha-256"), Oaep("sha-256", "sha-1", b"")),
        (parameters(None, "sha-256"), Oaep("sha-1", "sha-256", b"")),
        (parameters("sha-256", "sha-256", null=b""), Oaep("sha-256", "sha-256", b"")),
        (parameters("sha-384", "sha-512"), Oaep("sha-384", "sha-512", b"")),
        (parameters("sha-1", "sha-1", b""), Oaep("sha-1", "sha-1", b"")),
        (parameters("sha-512", "sha-512", b"abc"), Oaep("sha-512", "sha-512", b"abc")),
        (parameters(label=b"x" * 1024), Oaep("sha-1", "sha-1", b"x" * 1024)),
    ],
)
def test_every_field_may_be_left_out(encoded, read):
    assert oaep_parameters(encoded) == read


MGF_SHA256 = e.algorithm(e.MGF1, e.algorithm(SHA["sha-256"]))


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        e.NULL,
        parameters() + e.NULL,
        parameters("sha-256")[:-1],
        e.seq(e.tagged(1, MGF_SHA256), e.tagged(0, e.algorithm(SHA["sha-256"]))),
        e.seq(e.tagged(0, e.algorithm(SHA["sha-256"], e.integer(1)))),
        e.seq(e.tagged(0, e.algorithm(SHA["sha-256"]), e.NULL)),
        e.seq(e.tagged(1, e.algorithm(e.MGF1))),
        e.seq(e.tagged(2, e.algorithm(P_SPECIFIED))),
        e.seq(e.tagged(3, e.NULL)),
        parameters(label=b"x" * 1025),
    ],
)
def test_broken_parameters_are_refused(encoded):
    with pytest.raises(DerMalformed):
        oaep_parameters(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        e.seq(e.tagged(0, e.algorithm("1.2.840.113549.2.5"))),
        e.seq(e.tagged(0, e.algorithm("2.16.840.1.101.3.4.2.4"))),
        e.seq(e.tagged(1, e.algorithm("1.2.3", e.algorithm(SHA["sha-256"])))),
        e.seq(e.tagged(2, e.algorithm("1.2.3", e.octets(b"")))),
    ],
)
def test_other_algorithms_inside_are_refused(encoded):
    with pytest.raises(AlgorithmRefused):
        oaep_parameters(encoded)


HASH = {
    "sha-1": hashes.SHA1(),
    "sha-256": hashes.SHA256(),
    "sha-384": hashes.SHA384(),
    "sha-512": hashes.SHA512(),
}


@pytest.mark.parametrize(
    ("digest", "mgf_digest", "label"),
    [(each, each, b"") for each in HASH]
    + [("sha-256", "sha-1", b""), ("sha-1", "sha-512", b"label")],
)
def test_oaep_of_others_opens(digest, mgf_digest, label):
    padded = padding.OAEP(padding.MGF1(HASH[mgf_digest]), HASH[digest], label)
    encoded = parameters(digest, mgf_digest, label)
    infos = [e.transport(scheme=e.OAEP, parameters=encoded, padded=padded)]
    assert open_enveloped(e.build(infos=infos, content=e.cbc()), [e.own()]).content == e.CONTENT


def test_another_label_does_not_open():
    padded = padding.OAEP(padding.MGF1(HASH["sha-1"]), HASH["sha-1"], b"one")
    encoded = parameters(label=b"two")
    infos = [e.transport(scheme=e.OAEP, parameters=encoded, padded=padded)]
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(e.build(infos=infos, content=e.cbc()), [e.own()])
    assert caught.value.reason is OpenReason.ALTERED


def test_what_is_made_by_oaep_has_sha_256_throughout():
    made = transport.encrypted(e.KEY, pki.key("rsa-2048").public_key, "oaep")
    wrapped = made[-256:]
    assert made == transport.OAEP_IDENTIFIER + e.octets(wrapped)
    assert pki.key("rsa-2048").unwrap(wrapped, "oaep", "sha-256", "sha-256") == e.KEY
