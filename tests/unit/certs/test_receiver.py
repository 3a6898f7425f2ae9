"""A key pair that only receives."""

from datetime import UTC, datetime

from certs.capabilities import MODERN
from certs.certificate import facts, public_key
from certs.cms.enveloped import make_enveloped, open_enveloped
from certs.receiver import new_receiver
from certs.usage import Usage, key_usage

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_what_is_closed_for_it_opens_with_its_key() -> None:
    key, certificate = new_receiver("backup", NOW, 30)
    envelope = make_enveloped(b"a key", [certificate], MODERN)
    assert open_enveloped(envelope, [(certificate, key)]).content == b"a key"


def test_its_certificate_is_its_own_and_agrees_only() -> None:
    key, certificate = new_receiver("backup", NOW, 30)
    assert public_key(certificate) == key.public_key
    assert certificate.issuer == certificate.subject
    assert key_usage(certificate) is Usage.ENCRYPT
    found = facts(certificate)
    assert (found.not_before, found.not_after.year) == (NOW, 2056)
