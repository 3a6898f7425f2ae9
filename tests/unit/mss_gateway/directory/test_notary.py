"""The gateway's own signature is made when it is needed, and renewed."""

from datetime import timedelta

from certs.certificate import addresses
from certs.usage import Usage, key_usage
from mss_gateway.directory.notary import DAYS, SPARE, Notary
from tests.unit.certs.pki import NOW, authority


def test_one_signer_serves_until_shortly_before_its_end() -> None:
    moment = [NOW.timestamp()]
    notary = Notary(authority(), "postmaster@mss.example", "Opérateur", lambda: moment[0])
    first = notary.signer()
    assert addresses(first.certificate) == ("postmaster@mss.example",)
    assert key_usage(first.certificate) == Usage.SIGN
    moment[0] += (timedelta(days=DAYS) - SPARE).total_seconds()
    assert notary.signer() is first
    moment[0] += 1
    second = notary.signer()
    assert second is not first and second.certificate.not_valid_after_utc > NOW
