"""What of the mechanisms is IMAP's own: the words of the capabilities."""

from mss_gateway.imap.sasl import offered
from mss_gateway.life.claims import Provider
from mss_gateway.life.mechanisms import MECHANISMS, Facts

PROVIDER = Provider("https://connexion.example/", "mss.mail")


def test_each_mechanism_that_can_be_used_is_a_capability() -> None:
    assert offered(Facts(True, PROVIDER, b"der")) == [b"AUTH=" + name for name in MECHANISMS]
    assert offered(Facts(True, None, None)) == [b"AUTH=PLAIN"]
    assert offered(Facts(False, PROVIDER, b"der")) == []
