import pytest

from certs.keyring import PrivateKey
from certs.usage import PURPOSES, Purpose, Usage, extended_usages, key_usage
from tests.unit.certs import pki


def test_every_purpose_has_a_rule():
    assert set(PURPOSES) == set(Purpose)
    assert all(rule.usage in (Usage.SIGN, Usage.ENCRYPT) for rule in PURPOSES.values())


def test_what_a_certificate_says_of_itself():
    mailbox = pki.issue(pki.key("rsa-2048"), Usage.ENCRYPT)
    assert key_usage(mailbox) is Usage.ENCRYPT
    assert extended_usages(mailbox) == {PURPOSES[Purpose.ENCRYPTION].extended}
    assert extended_usages(pki.authority().root) == frozenset()
    assert key_usage(pki.authority().root) is Usage(0)
    assert key_usage(pki.self_signed(pki.weak_rsa(), hash_algorithm=pki.SHA256)) is Usage.BOTH


@pytest.mark.parametrize("kind", ["p256", "x25519"])
def test_keys_that_agree_encrypt_by_agreement(kind):
    assert key_usage(pki.issue(PrivateKey.generate(kind), Usage.ENCRYPT)) is Usage.ENCRYPT
