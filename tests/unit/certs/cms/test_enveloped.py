import contextlib

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import algorithms
from certs.certificate import to_der
from certs.cms import enveloped, identifier
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.cms.signed import make_signed
from certs.errors import AlgorithmRefused, CannotOpen, CertificateNotFound, OpenReason
from certs.keyring import PrivateKey
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations as m

CONTENT = b"Bonjour Madame.\r\n" * 20


def own(number=0):
    return pki.certificate("rsa-2048", number), pki.key("rsa-2048", number)


def expect_closed(reason, blob, *keys, **limits):
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(blob, keys or [own()], **limits)
    assert caught.value.reason is reason
    return caught.value.recipients


@pytest.mark.parametrize("octets", [0, 1, 15, 16, 17, 31, 32, 33, 5000, 70_000])
def test_what_was_closed_opens(octets):
    content = (CONTENT * 300)[:octets]
    assert open_enveloped(make_enveloped(content, [own()[0]]), [own()]) == content


def test_every_recipient_opens_with_its_own_key():
    blob = make_enveloped(CONTENT, [own(0)[0], own(1)[0]])
    assert open_enveloped(blob, [own(0)]) == CONTENT
    assert open_enveloped(blob, [own(1)]) == CONTENT
    assert open_enveloped(blob, [own(2), own(1)]) == CONTENT


def test_an_old_key_of_the_same_name_still_opens():
    renewed = pki.issue(pki.key("rsa-2048", 1))
    blob = make_enveloped(CONTENT, [own()[0]])
    assert open_enveloped(blob, [(renewed, pki.key("rsa-2048", 1)), own()]) == CONTENT


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


def test_neither_key_nor_vector_is_used_twice():
    first, second = (
        cms.ContentInfo.load(make_enveloped(CONTENT, [own()[0]]))["content"][
            "encrypted_content_info"
        ]
        for _ in range(2)
    )
    name = "content_encryption_algorithm"
    assert first[name]["parameters"].native != second[name]["parameters"].native
    assert first["encrypted_content"].native != second["encrypted_content"].native


def test_nobody_is_no_recipient():
    with pytest.raises(CertificateNotFound):
        make_enveloped(CONTENT, [])


def test_a_key_that_cannot_transport_is_refused():
    with pytest.raises(AlgorithmRefused):
        make_enveloped(CONTENT, [pki.certificate("p256")])
    with pytest.raises(AlgorithmRefused):
        make_enveloped(CONTENT, [pki.self_signed(pki.weak_rsa(), hash_algorithm=pki.SHA256)])


# --- made by another encoder ---------------------------------------------------------------------


def build(
    *,
    infos=None,
    cipher="2.16.840.1.101.3.4.1.42",
    parameters=None,
    content=b"\xaa" * 32,
    version=0,
    kind=m.DATA,
    extra=b"",
    field=None,
):
    infos = [info()] if infos is None else infos
    vector = m.octets(b"v" * 16) if parameters is None else parameters
    field = m.emit(2, 0, 0, content) if field is None else field
    inside = m.seq(m.oid(kind), m.seq(m.oid(cipher), vector), field)
    blob = m.seq(m.integer(version), m.a_set(*infos), inside, extra)
    return m.seq(m.oid("1.2.840.113549.1.7.3"), m.tagged(0, blob))


def info(key=b"k" * 32, *, number=0, by_key=False, scheme=m.RSA, parameters=m.NULL, encrypted=None):
    from cryptography.hazmat.primitives.asymmetric import padding

    certificate, private = own(number)
    named = identifier.issuer_and_serial(to_der(certificate))
    if by_key:
        named = m.emit(
            2, 0, 0, m.x509.SubjectKeyIdentifier.from_public_key(private.public_key).digest
        )
    wrapped = (
        private.public_key.encrypt(key, padding.PKCS1v15()) if encrypted is None else encrypted
    )
    return m.seq(
        m.integer(2 if by_key else 0), named, m.algorithm(scheme, parameters), m.octets(wrapped)
    )


def ciphertext(key, content=CONTENT):
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    pad = padding.PKCS7(128).padder()
    padded = pad.update(content) + pad.finalize()
    return Cipher(AES(key), CBC(b"v" * 16)).encryptor().update(padded)


@pytest.mark.parametrize(("octets", "last"), [(32, 42), (24, 22), (16, 2)])
@pytest.mark.parametrize("by_key", [False, True])
def test_every_accepted_cipher_opens(octets, last, by_key):
    key = b"k" * octets
    blob = build(
        infos=[info(key, by_key=by_key)],
        cipher=f"2.16.840.1.101.3.4.1.{last}",
        content=ciphertext(key),
        version=2 if by_key else 0,
    )
    assert open_enveloped(blob, [own()]) == CONTENT


def test_a_content_in_parts_opens():
    whole = ciphertext(b"k" * 32)
    parts = m.octets(whole[:50]) + m.octets(whole[50:])
    assert open_enveloped(build(field=m.tagged(0, parts)), [own()]) == CONTENT
    streamed = build(field=b"\xa0\x80" + parts + b"\x00\x00")
    assert open_enveloped(streamed, [own()]) == CONTENT


def test_other_kinds_of_recipients_are_passed_over():
    agreement = m.tagged(1, m.seq(m.NULL))
    blob = build(infos=[agreement, info()], content=ciphertext(b"k" * 32), version=2)
    assert open_enveloped(blob, [own()]) == CONTENT


def test_unprotected_attributes_are_passed_over():
    blob = build(content=ciphertext(b"k" * 32), version=2, extra=m.tagged(1, m.NULL))
    assert open_enveloped(blob, [own()]) == CONTENT


@pytest.mark.parametrize(
    "cipher", ["1.2.840.113549.3.7", "1.2.840.113549.3.2", "2.16.840.1.101.3.4.1.46", "1.2.3"]
)
def test_a_refused_cipher_is_refused_before_any_key_is_used(cipher):
    expect_closed(OpenReason.ALGORITHM_REFUSED, build(cipher=cipher))


def test_a_refused_transport_names_the_recipient():
    oaep = build(infos=[info(scheme="1.2.840.113549.1.1.7", parameters=m.seq())])
    (named,) = expect_closed(OpenReason.ALGORITHM_REFUSED, oaep)
    assert int(named.removeprefix("serial:"), 16) == own()[0].serial_number


@pytest.mark.parametrize(
    "blob",
    [
        lambda: build(parameters=m.octets(b"v" * 15)),
        lambda: build(parameters=m.octets(b"v" * 17)),
        lambda: build(parameters=b""),
        lambda: build(infos=[info(parameters=m.integer(1))]),
        lambda: build(version=1),
        lambda: build(kind=m.SIGNED),
        lambda: build(field=b""),
        lambda: build() + b"\x00",
        lambda: build()[:-1],
        lambda: b"",
        lambda: build(infos=[info()] * (enveloped.MAX_RECIPIENTS + 1)),
        lambda: build(infos=[m.seq(m.integer(1), m.NULL, m.seq(), m.octets(b""))]),
        lambda: build(infos=[m.seq(m.integer(0), m.seq(m.NULL), m.seq(), m.octets(b""))]),
    ],
)
def test_a_broken_structure_is_refused(blob):
    expect_closed(OpenReason.MALFORMED, blob())


def test_as_many_recipients_as_allowed():
    infos = [info(number=1)] * (enveloped.MAX_RECIPIENTS - 1) + [info()]
    assert open_enveloped(build(infos=infos, content=ciphertext(b"k" * 32)), [own()]) == CONTENT


def test_signed_data_is_no_envelope():
    blob = make_signed(CONTENT, pki.signer("p256"), pki.NOW)
    expect_closed(OpenReason.NOT_ENVELOPED_DATA, blob)


def test_a_blob_up_to_the_limit_is_read():
    blob = make_enveloped(CONTENT, [own()[0]])
    assert open_enveloped(blob, [own()], max_size=len(blob)) == CONTENT
    expect_closed(OpenReason.TOO_BIG, blob, max_size=len(blob) - 1)


# --- one failure for all -------------------------------------------------------------------------


def failing():
    good = ciphertext(b"k" * 32)
    return {
        "padding of the content": build(content=good[:-16]),
        "content not in blocks": build(content=good[:-1]),
        "content empty": build(content=b""),
        "content key too short": build(infos=[info(b"k" * 16)], content=good),
        "content key too long": build(infos=[info(b"k" * 48)], content=good),
        "content key empty": build(infos=[info(b"")], content=good),
        "padding of the key": build(infos=[info(encrypted=b"\x01" * 256)], content=good),
        "key of another size": build(infos=[info(encrypted=b"\x01" * 255)], content=good),
        "key absent": build(infos=[info(encrypted=b"")], content=good),
    }


def test_every_failure_that_depends_on_a_secret_says_the_same():
    said = set()
    for name, blob in failing().items():
        with pytest.raises(CannotOpen) as caught:
            open_enveloped(blob, [own()])
        said.add((str(caught.value), caught.value.recipients, caught.value.__cause__))
        assert caught.value.reason is OpenReason.ALTERED, name
    assert len(said) == 1


def test_a_failed_key_takes_the_same_steps(monkeypatch):
    steps = []
    real = enveloped.Cipher

    def counted(*arguments):
        steps.append("decrypted")
        return real(*arguments)

    monkeypatch.setattr(enveloped, "Cipher", counted)
    for name, blob in failing().items():
        steps.clear()
        with pytest.raises(CannotOpen):
            open_enveloped(blob, [own()])
        assert steps == ["decrypted"], name


def test_a_key_that_cannot_decrypt_fails_alike():
    certificate = own()[0]
    blob = build(content=ciphertext(b"k" * 32))
    expect_closed(OpenReason.ALTERED, blob, (certificate, PrivateKey.generate("p256")))


def test_a_stand_in_key_never_yields_content(monkeypatch):
    """Even where the random key of the failed path happens to fit the padding."""
    key = b"s" * 32
    monkeypatch.setattr(enveloped.os, "urandom", lambda octets: key[:octets])
    blob = build(infos=[info(b"k" * 16)], content=ciphertext(key))
    expect_closed(OpenReason.ALTERED, blob)


@given(start=st.integers(0, 700), junk=st.binary(max_size=40), end=st.integers(0, 900))
@settings(max_examples=200)
def test_no_bytes_make_anything_but_a_refusal_or_octets(start, junk, end):
    blob = make_enveloped(CONTENT, [own()[0]])
    with contextlib.suppress(CannotOpen):
        assert isinstance(open_enveloped(blob[:start] + junk + blob[end:], [own()]), bytes)


def test_every_accepted_cipher_has_a_key_size():
    accepted = {
        row.name
        for row in algorithms.TABLE
        if row.kind is algorithms.Kind.CONTENT_ENCRYPTION and row.accept
    }
    assert set(algorithms.CONTENT_KEY_OCTETS) == accepted
