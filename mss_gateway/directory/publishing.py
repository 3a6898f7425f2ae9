"""What certificates of the gateway's own authority say of where to ask about them."""

from certs.issuing.profiles import POLICY_ARC, Publishing
from mss_gateway.config import Config, ConfigRefused


def publishing_of(config: Config) -> Publishing:
    """The addresses and the arc of the configuration; raises ConfigRefused."""
    settings = config.certificates
    try:
        return Publishing(
            settings.list_urls, settings.responder_urls, settings.policy_arc or POLICY_ARC
        )
    except ValueError as error:
        raise ConfigRefused(f"certificates: {error}") from None
