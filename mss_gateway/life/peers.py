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
    """Whether a domain is one of patients': ours, or named so at another operator, or below one.

    The field has ``patient.<domain>`` and nothing below it (domain CIT-01). A list that has
    ``x.patient.ville.example`` all the same is read in the way that opens nothing: who writes from
    there waits to be written to first, as any patient does. The last label alone is a country's.
    """
    site, label = gateway.config.site, gateway.config.whitelist.patient_label
    if domain in site.domains:
        return False
    if f".{domain}".endswith(f".{site.patient_domain}"):
        return True
    labels = domain.split(".")
    return label in labels[:-1] or labels == [label]


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
