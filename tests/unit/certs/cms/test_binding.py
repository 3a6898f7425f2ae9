import pytest

from certs.cms import binding, der
from certs.errors import DerMalformed, SignatureReason, SignatureRejected
from tests.unit.certs import pki
from tests.unit.certs.cms import recipes as m


@pytest.fixture(scope="module")
def own():
    return m.der_of(pki.certificate("p256"))


@pytest.fixture(scope="module")
def issuer():
    return m.der_of(pki.authority().issuing)


def test_what_is_written_binds(own, issuer):
    binding.check(binding.value_for(own), own)
    with pytest.raises(SignatureRejected) as caught:
        binding.check(binding.value_for(own), issuer)
    assert caught.value.reason is SignatureReason.SIGNER_CERTIFICATE_NOT_BOUND


def test_issuers_and_policies_may_follow(own, issuer):
    value = m.seq(m.seq(m.cert_id(own), m.cert_id(issuer)), m.seq(m.seq(m.oid("1.2.3"))))
    binding.check(value, own)
    with pytest.raises(SignatureRejected):
        binding.check(value, issuer)


@pytest.mark.parametrize(
    "rest",
    [
        [m.NULL],
        [m.seq(), m.seq()],
    ],
)
def test_nothing_else_may_follow(own, rest):
    with pytest.raises(DerMalformed):
        binding.check(m.seq(m.seq(m.cert_id(own)), *rest), own)


def test_a_malformed_identifier_of_an_issuer_is_not_passed_over(own):
    with pytest.raises(DerMalformed):
        binding.check(m.seq(m.seq(m.cert_id(own), m.seq(m.NULL))), own)


def test_a_weak_digest_is_refused(own):
    weak = m.seq(m.seq(m.cert_id(own, digest=m.algorithm(m.SHA1), name="sha1")))
    with pytest.raises(SignatureRejected) as caught:
        binding.check(weak, own)
    assert caught.value.reason is SignatureReason.ALGORITHM_REFUSED


def test_the_default_digest_may_be_written_out(own):
    binding.check(m.seq(m.seq(m.cert_id(own, digest=m.algorithm(m.SHA256)))), own)
    assert der.oid(m.SHA256) not in binding.value_for(own)
