"""The MIME side of S/MIME, judged by OpenSSL through ``cryptography`` and by ``openssl cms``."""

import datetime
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from mss_gateway.message import header_protection, recipient_list
from mss_gateway.message.address import parse_address
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.seven_bit import seven_bit
from mss_gateway.message.smime import (
    assemble,
    base64_lines,
    enveloped_entity,
    find_pkcs7,
    find_signed,
    layer,
    replace_content,
    signed_entity,
    wrap_certs_only,
    wrap_enveloped,
    wrap_signed,
)

CORPUS = sorted((Path(__file__).parents[3] / "corpus" / "messages").glob("*.eml"))
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certified(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Essai")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - datetime.timedelta(days=4000))
        .not_valid_after(NOON + datetime.timedelta(days=4000))
        .sign(key, hashes.SHA256())
    )


def signer(
    key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, *, opaque: bool = False
) -> Callable[[bytes], bytes]:
    def sign(content: bytes) -> bytes:
        options = [pkcs7.PKCS7Options.Binary]
        if not opaque:
            options.append(pkcs7.PKCS7Options.DetachedSignature)
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        return builder.sign(serialization.Encoding.DER, options)

    return sign


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_openssl_verifies_what_is_wrapped(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    tmp_path: Path,
    require_program: Callable[[str], str],
) -> None:
    certificate = certified(key)
    wrapped = wrap_signed(path.read_bytes(), signer(key, certificate))
    (tmp_path / "m.eml").write_bytes(wrapped)
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    verified = subprocess.run(
        [
            require_program("openssl"),
            "cms",
            "-verify",
            "-in",
            "m.eml",
            "-CAfile",
            "ca.pem",
            "-purpose",
            "any",
            "-out",
            "content",
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )

    assert verified.returncode == 0, verified.stderr
    signed = find_signed(scan(wrapped))
    assert signed is not None
    assert (tmp_path / "content").read_bytes() == signed.content


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_wrapping_moves_the_content_fields_and_keeps_the_rest(path: Path) -> None:
    raw = path.read_bytes()
    seen: list[bytes] = []
    wrapped = wrap_signed(raw, lambda content: seen.append(content) or b"DER")  # type: ignore[func-returns-value]
    before, after = scan(raw), scan(wrapped)
    signed = find_signed(after)

    assert signed is not None
    assert (signed.content, signed.signature) == (seen[0], b"DER")
    assert find_bare_line_ending(wrapped) is None
    outside = [field for field in before.header.fields if not field[0].startswith("content-")]
    kept = [field for field in after.header.fields if not field[0].startswith("content-")]
    assert [field for field in kept if field[0] != "mime-version" or field in outside] == outside
    assert len(after.header.all("mime-version")) == 1
    inner = after.root.children[0]
    assert all(name.startswith("content-") for name, _ in inner.header.fields)
    assert inner.media_type == before.root.media_type
    assert inner.body(wrapped) == before.root.body(raw)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"abc", b"Content-Type: text/plain; charset=us-ascii\r\n"),
        (
            "é".encode(),
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
        ),
        (
            b"\xe9",
            b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n",
        ),
    ],
)
def test_a_message_without_a_type_gets_the_one_it_has(body: bytes, fields: bytes) -> None:
    signed = find_signed(scan(wrap_signed(b"Subject: x\r\n\r\n" + body, lambda _: b"DER")))
    assert signed is not None
    assert signed.content == fields + b"\r\n" + body


def test_the_boundary_never_occurs_in_what_is_signed() -> None:
    first = wrap_signed(b"Subject: x\r\n\r\n" + b"y" * 5_000, lambda _: b"DER")
    boundary = scan(first).root.parameter("boundary").encode()
    second = wrap_signed(
        b"Subject: x\r\n\r\n" + b"y" * (5_000 - len(boundary)) + boundary, lambda _: b"DER"
    )
    again = scan(second).root.parameter("boundary").encode()
    assert again != boundary
    assert second.count(again) == 4


def test_signing_twice_nests() -> None:
    raw = b"Subject: x\r\n\r\nbonjour"
    twice = scan(wrap_signed(wrap_signed(raw, lambda _: b"1"), lambda _: b"2"))
    assert twice.root.children[0].media_type == "multipart/signed"
    signed = find_signed(twice)
    assert signed is not None and signed.signature == b"2"


SIGNED = wrap_signed(b"Subject: x\r\n\r\nbonjour", lambda _: b"DER")
BOUNDARY = scan(SIGNED).root.parameter("boundary").encode()
INSIDE = b"Content-Type: multipart/mixed; boundary=ext\r\n\r\n--ext\r\n" + SIGNED + b"\r\n--ext--"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\nbonjour",
        INSIDE,  # deeper than the root it is an attachment
        SIGNED.replace(b"multipart/signed", b"multipart/mixed"),
        SIGNED.replace(
            b'protocol="application/pkcs7-signature"', b'protocol="application/pgp-signature"'
        ),
        SIGNED.replace(b'protocol="application/pkcs7-signature";', b""),
        SIGNED.replace(b"Content-Type: application/pkcs7-signature", b"Content-Type: text/plain"),
        SIGNED.replace(
            b"--" + BOUNDARY + b"--", b"--" + BOUNDARY + b"\r\n\r\n3\r\n--" + BOUNDARY + b"--"
        ),
        SIGNED[: SIGNED.rindex(b"--" + BOUNDARY + b"\r\n")] + b"--" + BOUNDARY + b"--",
    ],
)
def test_what_is_not_one_signature_over_the_whole_body_is_not_signed(raw: bytes) -> None:
    assert find_signed(scan(raw)) is None


def test_what_is_enveloped_opens_to_the_same_message() -> None:
    private = rsa.generate_private_key(65537, 2048)
    certificate = certified(private)

    def seal(content: bytes) -> bytes:
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
        return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])

    sealed = wrap_enveloped(SIGNED, seal)
    found = find_pkcs7(scan(sealed))
    assert found is not None and found.kind == "enveloped"
    opened = pkcs7.pkcs7_decrypt_der(found.der, certificate, private, [])
    assert replace_content(sealed, opened) == SIGNED
    assert b"bonjour" not in sealed
    assert scan(sealed).header.text("subject") == "x"


@pytest.mark.parametrize(
    ("der", "kind"),
    [
        (bytes.fromhex("3080" + "06092a864886f70d010702"), "signed"),
        (bytes.fromhex("30840000ffff" + "06092a864886f70d010703"), "enveloped"),
        (bytes.fromhex("3080" + "060b2a864886f70d0109100117"), "auth-enveloped"),
        (bytes.fromhex("3080" + "06092a864886f70d010701"), "other"),
        (b"", "other"),
    ],
)
def test_the_kind_of_a_cms_content_is_what_its_der_says(der: bytes, kind: str) -> None:
    raw = (
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    found = find_pkcs7(scan(raw + base64_lines(der)))
    assert found is not None
    assert (found.kind, found.der) == (kind, der)


def test_cms_below_the_root_is_not_found() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: application/pkcs7-mime\r\n\r\nx\r\n--b--"
    )
    assert find_pkcs7(scan(raw)) is None


def test_an_opened_entity_brings_no_field_but_content_fields() -> None:
    outer = b"From: a@b.fr\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n\r\nxx"
    entity = b"From: evil@x.fr\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n<p>"
    assert replace_content(outer, entity) == (
        b"From: a@b.fr\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>"
    )


def test_a_header_with_two_readings_is_not_wrapped() -> None:
    with pytest.raises(MessageMalformed):
        wrap_signed(b"Subject : x\r\n\r\n", lambda _: b"DER")


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 115])
def test_base64_is_in_lines_of_76(size: int) -> None:
    lines = base64_lines(b"x" * size).split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) == 76 for line in lines[:-1])
    assert all(0 < len(line) <= 76 for line in lines)


def openssl_verifies(
    openssl: str, raw: bytes, certificate: x509.Certificate, folder: Path
) -> bytes | None:
    """What ``openssl cms`` finds signed in ``raw``; None when it refuses."""
    (folder / "m.eml").write_bytes(raw)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    command = f"{openssl} cms -verify -in m.eml -CAfile ca.pem -purpose any -out content".split()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return (folder / "content").read_bytes() if done.returncode == 0 else None


def test_openssl_reads_what_is_signed_around_its_content(
    key: ec.EllipticCurvePrivateKey, tmp_path: Path, require_program: Callable[[str], str]
) -> None:
    certificate = certified(key)
    raw = CORPUS[3].read_bytes()
    wrapped = wrap_signed(raw, signer(key, certificate, opaque=True), opaque=True)
    found = layer(scan(wrapped))
    assert found is not None and (found.kind, found.claimed) == ("signed", "signed-data")
    assert not found.is_mislabelled
    content = openssl_verifies(require_program("openssl"), wrapped, certificate, tmp_path)
    assert content is not None
    assert replace_content(wrapped, content) == replace_content(wrapped, raw)


@pytest.mark.parametrize("path", CORPUS[:7], ids=lambda path: path.stem)
def test_a_message_goes_through_all_of_it_and_comes_back(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    tmp_path: Path,
    require_program: Callable[[str], str],
) -> None:
    """7-bit, recipient list, header protection, signature, envelope; and each taken off again."""
    certificate, paul = certified(key), parse_address("paul@mss.example")
    raw = path.read_bytes()
    listed = recipient_list.with_list(seven_bit(raw), [paul], bytes(16))
    protected = header_protection.protect(
        listed, for_encryption=True, neutral_subject="Message de santé"
    )
    entity = signed_entity(protected.inner, signer(key, certificate))
    sent = assemble(protected.outer, enveloped_entity(entity, lambda inner: [inner[:7], inner[7:]]))
    closed = find_pkcs7(scan(sent))  # a seal that hides nothing: what is judged here is MIME
    assert closed is not None

    opened = header_protection.opened(sent, closed.der)

    before, after = scan(raw), scan(opened.raw)
    signed = find_signed(after)
    assert signed is not None
    openssl = require_program("openssl")
    assert openssl_verifies(openssl, opened.raw, certificate, tmp_path) == signed.content
    assert after.header.text("subject") == before.header.text("subject")
    assert opened.differing == frozenset()
    assert recipient_list.check(opened.protected, paul) is True
    content = after.root.children[0]
    leaves = [part.decoded(opened.raw) for part in content.walk() if not part.children]
    assert leaves == [part.decoded(raw) for part in before.root.walk() if not part.children]


@pytest.mark.parametrize(
    ("authenticated", "smime_type"), [(False, "enveloped-data"), (True, "authEnveloped-data")]
)
def test_an_envelope_says_what_it_is(authenticated: bool, smime_type: str) -> None:
    oid = "060b2a864886f70d0109100117" if authenticated else "06092a864886f70d010703"
    der = bytes.fromhex("3080" + oid)
    raw = wrap_enveloped(b"Subject: x\r\n\r\n", lambda _: der, authenticated=authenticated)
    root = scan(raw).root
    assert (root.parameter("smime-type"), root.filename) == (smime_type, "smime.p7m")
    found = layer(scan(raw))
    assert found is not None and not found.is_mislabelled


def test_certificates_travel_without_a_text() -> None:
    der = bytes.fromhex("308006092a864886f70d010702")
    message = scan(wrap_certs_only(b"From: a@b.fr\r\nMIME-Version: 1.0\r\n", der))
    found = layer(message)
    assert found is not None
    assert (found.kind, found.der, found.is_mislabelled) == ("certs-only", der, False)
    assert message.root.filename == "smime.p7c"
