"""An opaque signature becomes a detached one, and is the same."""

import pytest

from certs.cms.detaching import detached
from certs.cms.signed import make_signed, verify_signed
from certs.errors import SignatureReason, SignatureRejected
from tests.unit.certs.pki import NOW, signer

CONTENT = b"Content-Type: text/plain\r\n\r\nBonjour.\r\n"


@pytest.fixture(scope="module")
def opaque() -> bytes:
    return make_signed(CONTENT, signer("p256"), NOW, detached=False)


def test_the_content_goes_and_the_signature_stays(opaque: bytes) -> None:
    made = detached(opaque)
    assert CONTENT not in made and len(made) < len(opaque)
    before, after = verify_signed(opaque, None), verify_signed(made, CONTENT)
    assert after.signer_certificate == before.signer_certificate
    assert after.signing_time == before.signing_time
    assert set(after.other_certificates) == set(before.other_certificates)


def test_what_was_detached_stays_as_it_is(opaque: bytes) -> None:
    assert detached(detached(opaque)) == detached(opaque)


def test_another_content_beside_it_is_refused(opaque: bytes) -> None:
    with pytest.raises(SignatureRejected) as rejected:
        verify_signed(detached(opaque), CONTENT + b"!")
    assert rejected.value.reason is SignatureReason.DIGEST_MISMATCH


def test_what_is_no_signed_data_is_refused() -> None:
    with pytest.raises(SignatureRejected):
        detached(b"\x30\x00")
