"""Other operators as the rules see them: is a domain in the trust space, and whose is it."""

from enum import Enum

from mailbox_store.database import View
from mss_gateway.life.gateway import Gateway


class Outside(Enum):
    """What is known of a domain."""

    KNOWN = "known"
    STALE = "stale"
    UNKNOWN = "unknown"


def is_patients(gateway: Gateway, domain: str) -> bool:
    """Whether a domain is one of patients': ours, or named so at another operator."""
    site, label = gateway.config.site, gateway.config.whitelist.patient_label
    if domain in site.domains:
        return False
    return domain == site.patient_domain or domain.partition(".")[0] == label


def standing_of(gateway: Gateway, view: View, domain: str) -> Outside:
    """Whether a domain belongs to the trust space; ours always does."""
    if gateway.config.site.serves(domain):
        return Outside.KNOWN
    if gateway.peer_trust is None:
        return Outside.UNKNOWN  # nobody is exchanged with
    known = gateway.whitelist(view)
    if not known.has(domain):
        return Outside.UNKNOWN
    hours = gateway.config.whitelist.stale_hours
    return Outside.STALE if known.is_stale(int(gateway.clock()), hours) else Outside.KNOWN
