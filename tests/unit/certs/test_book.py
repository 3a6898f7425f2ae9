from datetime import timedelta

import pytest

from certs.book import Entry, Provenance, choose, ranked
from certs.errors import CertificateNotFound, NotFoundReason
from certs.usage import Usage
from tests.unit.certs import pki

DAY = timedelta(days=1)


def entry(usage=Usage.BOTH, *, days=365, begin=0, added=0, address=pki.ADDRESS, named=None):
    certificate = pki.authority().issue_mailbox(
        named or address, "Claire Martin", pki.key("rsa-2048").public_key, usage,
        pki.NOW + begin * DAY, days,
    )  # fmt: skip
    return Entry(address, certificate, Provenance.DIRECTORY, pki.NOW + added * DAY)


def expect_nothing(reason, *entries, usage=Usage.ENCRYPT, at=pki.NOW):
    with pytest.raises(CertificateNotFound) as caught:
        choose(entries, usage, at)
    assert caught.value.reason is reason


def test_the_newest_that_fits_is_chosen():
    old, new = entry(begin=-20), entry(begin=-10)
    future, expired = entry(begin=1), entry(begin=-20, days=10)
    signing = entry(Usage.SIGN, begin=-1)
    assert choose([old, new, future, expired, signing], Usage.ENCRYPT, pki.NOW) is new
    assert choose([new, old], Usage.ENCRYPT, pki.NOW) is new


def test_of_two_as_new_the_last_learned_is_chosen():
    first, second = entry(added=-2), entry(added=-1)
    assert choose([second, first], Usage.SIGN, pki.NOW) is second


def test_those_that_fit_are_ranked_newest_first():
    old, new = entry(begin=-20), entry(begin=-10)
    learned, again = entry(begin=-15, added=-2), entry(begin=-15, added=-1)
    others = [entry(begin=1), entry(begin=-20, days=10), entry(Usage.SIGN), entry(named="x@y.fr")]
    found = ranked([learned, old, *others, new, again], Usage.ENCRYPT, pki.NOW)
    assert found == [new, again, learned, old]
    assert ranked(others, Usage.ENCRYPT, pki.NOW) == []


def test_one_for_both_serves_each_and_separate_ones_do_not_serve_both():
    both, signing = entry(), entry(Usage.SIGN)
    for usage in (Usage.SIGN, Usage.ENCRYPT, Usage.BOTH):
        assert choose([both], usage, pki.NOW) is both
    expect_nothing(NotFoundReason.OTHER_USAGE, signing, usage=Usage.BOTH)


def test_the_edges_of_validity_are_valid():
    one = entry(days=10)
    assert choose([one], Usage.ENCRYPT, pki.NOW) is one
    assert choose([one], Usage.ENCRYPT, pki.NOW + 10 * DAY) is one
    second = timedelta(seconds=1)
    expect_nothing(NotFoundReason.NOT_VALID_NOW, one, at=pki.NOW - second)
    expect_nothing(NotFoundReason.NOT_VALID_NOW, one, at=pki.NOW + 10 * DAY + second)


def test_the_nearest_miss_is_the_reason():
    other = entry(named="autre@medecin.example")
    expect_nothing(NotFoundReason.NONE_KNOWN)
    expect_nothing(NotFoundReason.OTHER_ADDRESS, other)
    expect_nothing(NotFoundReason.OTHER_USAGE, other, entry(Usage.SIGN))
    expect_nothing(NotFoundReason.NOT_VALID_NOW, other, entry(begin=1), entry(Usage.SIGN), other)


def test_the_case_of_the_name_in_the_certificate_does_not_matter():
    one = entry(named="Claire.MARTIN@Medecin.example")
    assert choose([one], Usage.SIGN, pki.NOW) is one


def test_a_certificate_without_a_name_is_for_nobody():
    bare = pki.self_signed(pki.weak_rsa(), hash_algorithm=pki.SHA256, names=())
    expect_nothing(
        NotFoundReason.OTHER_ADDRESS, Entry(pki.ADDRESS, bare, Provenance.OPERATOR, pki.NOW)
    )
