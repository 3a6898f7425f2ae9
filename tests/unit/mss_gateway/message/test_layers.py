"""CMS around the whole of a message, peeled from the outside in."""

import pytest

from mss_gateway.message import smime
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.smime import LAYERS, Layer, layer, layers

OIDS = {
    "signed": "06092a864886f70d010702",
    "enveloped": "06092a864886f70d010703",
    "auth-enveloped": "060b2a864886f70d0109100117",
    "other": "06092a864886f70d010701",
}
TEXT = b"Content-Type: text/plain\r\n\r\nbonjour"


def der(kind: str) -> bytes:
    return bytes.fromhex("3080" + OIDS[kind])


def root(kind: str, parameters: str = "", media_type: str = "application/pkcs7-mime") -> bytes:
    head = f"Content-Type: {media_type}{parameters}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode("ascii") + smime.base64_lines(der(kind))


@pytest.mark.parametrize(
    ("kind", "parameters", "media_type", "expected", "is_mislabelled"),
    [
        ("signed", "; smime-type=signed-data", "application/pkcs7-mime", "signed", False),
        ("signed", "; smime-type=Signed-Data", "application/x-pkcs7-mime", "signed", False),
        ("signed", "", "application/pkcs7-mime", "signed", False),
        ("signed", "; smime-type=certs-only", "application/pkcs7-mime", "certs-only", False),
        ("signed", "; name=chain.p7c", "application/pkcs7-mime", "certs-only", False),
        ("enveloped", "; smime-type=enveloped-data", "application/pkcs7-mime", "enveloped", False),
        (
            "auth-enveloped",
            "; smime-type=authEnveloped-data",
            "application/pkcs7-mime",
            "auth-enveloped",
            False,
        ),
        ("enveloped", "; smime-type=signed-data", "application/pkcs7-mime", "enveloped", True),
        ("enveloped", "; smime-type=certs-only", "application/pkcs7-mime", "enveloped", True),
        ("signed", "; smime-type=enveloped-data", "application/pkcs7-mime", "signed", True),
        ("auth-enveloped", "; smime-type=enveloped-data", "application/pkcs7-mime",
         "auth-enveloped", True),
        ("signed", "; smime-type=nonsense", "application/pkcs7-mime", "signed", True),
        ("other", "; smime-type=compressed-data", "application/pkcs7-mime", "other", False),
        ("enveloped", '; name="SMIME.P7M"', "application/octet-stream", "enveloped", False),
        (
            "enveloped",
            "; name*0*=utf-8''sm%69me; name*1=.p7m",
            "application/octet-stream",
            "enveloped",
            False,
        ),
        (
            "signed",
            "; smime-type*=us-ascii''signed%2Ddata",
            "application/pkcs7-mime",
            "signed",
            False,
        ),
    ],
)  # fmt: skip
def test_a_root_is_what_its_der_says(
    kind: str, parameters: str, media_type: str, expected: str, is_mislabelled: bool
) -> None:
    found = layer(scan(root(kind, parameters, media_type)))
    assert found is not None
    assert (found.kind, found.der, found.content) == (expected, der(kind), None)
    assert found.is_mislabelled is is_mislabelled


@pytest.mark.parametrize(
    ("media_type", "parameters"),
    [
        ("application/octet-stream", ""),
        ("application/octet-stream", "; name=smime.p7m.pdf"),
        ("application/octet-stream", "; name=smime.p7s"),
        ("text/html", "; name=smime.p7m"),
        ("application/pdf", "; smime-type=signed-data"),
    ],
)
def test_other_roots_are_no_layer(media_type: str, parameters: str) -> None:
    assert layer(scan(root("signed", parameters, media_type))) is None


@pytest.mark.parametrize("micalg", ["sha-256", "sha-384", "sha-512"])
def test_the_digest_is_named_as_the_rfc_names_it(micalg: str) -> None:
    found = layer(scan(smime.wrap_signed(TEXT, lambda _: b"DER", micalg)))
    assert found == Layer("signed", b"DER", TEXT, micalg=micalg)


@pytest.mark.parametrize("micalg", ["sha256", "sha-1", "md5", "SHA-256", ""])
def test_no_other_digest_is_signed_with(micalg: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        smime.wrap_signed(TEXT, lambda _: b"DER", micalg)


def triple() -> bytes:
    inner = smime.signed_entity(TEXT, lambda _: b"inside")
    closed = smime.enveloped_entity(inner, lambda _: der("enveloped"))
    return smime.signed_entity(closed, lambda _: b"outside")


def test_a_triple_wrap_is_three_layers() -> None:
    inner = smime.signed_entity(TEXT, lambda _: b"inside")

    def peel(one: Layer) -> bytes | None:
        return inner if one.kind == "enveloped" else one.content

    found = list(layers(scan(triple()), peel))
    assert [one.kind for one in found] == ["signed", "enveloped", "signed"]
    assert [one.der for one in found] == [b"outside", der("enveloped"), b"inside"]


def test_what_stays_closed_is_the_last_layer() -> None:
    found = list(layers(scan(triple()), lambda one: one.content))
    assert [one.kind for one in found] == ["signed", "enveloped"]


def test_peeling_ends_at_the_limit() -> None:
    entity = TEXT
    for _ in range(LAYERS):
        entity = smime.signed_entity(entity, lambda _: b"DER")
    assert len(list(layers(scan(entity), lambda one: one.content))) == LAYERS
    entity = smime.signed_entity(entity, lambda _: b"DER")
    with pytest.raises(MessageMalformed):
        list(layers(scan(entity), lambda one: one.content))


def test_cms_beside_other_parts_is_never_handed_to_be_peeled() -> None:
    asked: list[Layer] = []
    inside = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + root("enveloped")
    inside += b"\r\n--b--\r\n"
    raw = smime.signed_entity(inside, lambda _: b"DER")
    list(layers(scan(raw), lambda one: asked.append(one) or one.content))  # type: ignore[func-returns-value]
    assert [one.kind for one in asked] == ["signed"]


def test_what_is_inside_must_be_readable() -> None:
    with pytest.raises(MessageMalformed):
        list(layers(scan(root("enveloped")), lambda _: b"Subject : x\r\n\r\n"))
