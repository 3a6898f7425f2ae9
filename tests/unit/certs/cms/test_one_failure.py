"""Whatever depends on a secret fails in one way: the same steps, the same words (threat T20)."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.capabilities import CLASSIC, MODERN
from certs.cms import encryption, enveloped
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.errors import CannotOpen, OpenReason
from certs.keyring import PrivateKey
from tests.unit.certs import pki
from tests.unit.certs.cms import envelopes as e
from tests.unit.certs.cms.envelopes import CONTENT, build, build_gcm, own


def failing_cbc():
    good = e.cbc()
    return {
        "padding of the content": build(content=good[:-16]),
        "content not in blocks": build(content=good[:-1]),
        "content empty": build(content=b""),
        "content key too short": build(infos=[e.transport(b"k" * 16)], content=good),
        "content key too long": build(infos=[e.transport(b"k" * 48)], content=good),
        "content key empty": build(infos=[e.transport(b"")], content=good),
        "another content key": build(infos=[e.transport(b"w" * 32)], content=good),
        "padding of the key": build(infos=[e.transport(encrypted=b"\x01" * 256)], content=good),
        "beyond the modulus": build(infos=[e.transport(encrypted=b"\xff" * 256)], content=good),
        "key of another size": build(infos=[e.transport(encrypted=b"\x01" * 255)], content=good),
        "key absent": build(infos=[e.transport(encrypted=b"")], content=good),
        "padding by oaep": build(
            infos=[e.transport(scheme=e.OAEP, parameters=e.seq(), encrypted=b"\x01" * 256)],
            content=good,
        ),
        "agreement with an rsa key": build(infos=[agreement_with_rsa()], content=good, version=2),
    }


def agreement_with_rsa():
    """An agreement made for a curve, that names our RSA certificate."""
    made = e.agreement(by_key=True)
    return made.replace(e.key_identifier("p256"), e.key_identifier("rsa-2048"))


def failing_gcm():
    ciphertext, tag = e.gcm()
    good = {"content": ciphertext, "tag_octets": 16}
    wrong_tag = tag[:-1] + bytes((tag[-1] ^ 1,))
    return {
        "tag": build_gcm(mac=e.octets(wrong_tag), **good),
        "short tag": build_gcm(mac=e.octets(wrong_tag[:11] + b"\x00")),
        "ciphertext": build_gcm(mac=e.octets(tag), tag_octets=16, content=ciphertext[:-1]),
        "ciphertext empty": build_gcm(mac=e.octets(tag), tag_octets=16, content=b""),
        "nonce": build_gcm(parameters=e.gcm_parameters(b"m" * 12, 16), tag_octets=16),
        "content key too short": build_gcm(infos=[e.transport(b"k" * 16)], **good),
        "another content key": build_gcm(infos=[e.transport(b"w" * 32)], **good),
        "padding of the key": build_gcm(infos=[e.transport(encrypted=b"\x01" * 256)], **good),
    }


@pytest.fixture(scope="module", params=[failing_cbc, failing_gcm])
def failing(request):
    return request.param()


def test_every_failure_that_depends_on_a_secret_says_the_same(failing):
    said = set()
    for name, blob in failing.items():
        with pytest.raises(CannotOpen) as caught:
            open_enveloped(blob, [own()])
        error = caught.value
        assert error.reason is OpenReason.ALTERED, name
        assert error.__context__ is None, name
        said.add((str(error), len(error.recipients)))
    assert len(said) == 1


def test_a_failed_key_takes_the_same_steps(failing, monkeypatch):
    steps = []

    def counted(module, name):
        real = getattr(module, name)

        def step(*arguments, **named):
            steps.append(name)
            return real(*arguments, **named)

        monkeypatch.setattr(module, name, step)

    counted(encryption, "Cipher")
    counted(encryption, "_through")
    counted(encryption, "opened")
    counted(enveloped.os, "urandom")
    for name, blob in failing.items():
        steps.clear()
        with pytest.raises(CannotOpen):
            open_enveloped(blob, [own()])
        assert steps == ["urandom", "opened", "Cipher", "_through"], name


def test_success_takes_these_steps_too(monkeypatch):
    """A stand-in is drawn each time: drawing it only on failure would tell."""
    drawn = []
    real = enveloped.os.urandom
    monkeypatch.setattr(enveloped.os, "urandom", lambda size: drawn.append(size) or real(size))
    blob = build(content=e.cbc())
    assert open_enveloped(blob, [own()]).content == CONTENT
    assert drawn == [32]


@pytest.mark.parametrize("kind", ["p256", "x25519", "ed25519"])
def test_a_key_that_cannot_decrypt_fails_alike(kind):
    other = own()[0], PrivateKey.generate(kind)
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(build(content=e.cbc()), [other])
    assert caught.value.reason is OpenReason.ALTERED


def test_a_stand_in_key_never_yields_content(monkeypatch):
    """Even where the random key of the failed path happens to fit."""
    key = b"s" * 32
    monkeypatch.setattr(enveloped.os, "urandom", lambda octets: key[:octets])
    short = [e.transport(b"k" * 16)]
    for blob in (build(infos=short, content=e.cbc(key)), build_gcm(infos=short, key=key)):
        with pytest.raises(CannotOpen) as caught:
            open_enveloped(blob, [own()])
        assert caught.value.reason is OpenReason.ALTERED


def test_no_plain_text_leaves_before_the_tag(monkeypatch):
    """The buffer with what was decrypted is not reachable from the error."""
    seen = []
    real = encryption.reserved
    monkeypatch.setattr(
        encryption, "reserved", lambda octets: seen.append(real(octets)) or seen[-1]
    )
    with pytest.raises(CannotOpen) as caught:
        open_enveloped(build_gcm(mac=e.octets(b"t" * 12)), [own()])
    assert seen[0].getvalue().startswith(CONTENT)  # it was there
    frames = []
    trace = caught.tb.tb_next  # the first frame is this test
    while trace:
        frames += trace.tb_frame.f_locals.values()
        trace = trace.tb_next
    assert not any(value is seen[0] or value == CONTENT for value in frames)


@pytest.mark.parametrize(("kind", "whole"), [("rsa-2048", False), ("p256", True)])
def test_no_altered_octet_of_an_authenticated_envelope_passes(kind, whole):
    """Every octet for a curve; for RSA, which is slow, all but the middle of the ciphertext."""
    content = (CONTENT * 13)[:4096]
    blob = bytearray(make_enveloped(content, [pki.certificate(kind)], MODERN))
    keys = [own(0, kind)]
    assert open_enveloped(bytes(blob), keys).content == content
    octets = len(blob)
    for at in range(octets) if whole else (*range(700), *range(octets - 40, octets)):
        blob[at] ^= 0x01
        with pytest.raises(CannotOpen):
            open_enveloped(bytes(blob), keys)
        blob[at] ^= 0x01


def test_no_altered_block_of_cbc_is_called_authenticated():
    blob = bytearray(make_enveloped(CONTENT, [pki.certificate("p256")], CLASSIC))
    keys, opened = [own(0, "p256")], 0
    for at in range(len(blob) - 330, len(blob)):
        blob[at] ^= 0x01
        with contextlib.suppress(CannotOpen):
            opening = open_enveloped(bytes(blob), keys)
            opened += 1
            assert not opening.is_authenticated
            assert opening.content != CONTENT
        blob[at] ^= 0x01
    assert opened > 100  # CBC lets it through: what counts is the signature inside


@given(
    start=st.integers(0, 700),
    junk=st.binary(max_size=40),
    end=st.integers(0, 900),
    protection=st.sampled_from([CLASSIC, MODERN]),
    kind=st.sampled_from(["rsa-2048", "p256"]),
)
@settings(max_examples=300)
def test_no_bytes_make_anything_but_a_refusal_or_octets(start, junk, end, protection, kind):
    blob = make_enveloped(CONTENT, [pki.certificate(kind)], protection)
    altered = blob[:start] + junk + blob[end:]
    with contextlib.suppress(CannotOpen):
        assert isinstance(open_enveloped(altered, [own(0, kind)]).content, bytes)
