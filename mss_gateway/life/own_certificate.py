"""Whether this server's own certificate may still be shown to another operator's server.

A peer to whom it is shown in spite of that says no for good, and authors would hear of a refusal
that is nobody's but ours: what leaves waits until another certificate is there (threat T5).
"""

from certs.certificate import Certificate
from certs.errors import ChainReason, ChainRejected
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.life.gateway import Gateway


def fault(gateway: Gateway, view: View, certificate: Certificate) -> ChainReason | None:
    """EXPIRED or REVOKED; None for what nobody can hold against it, as far as is known here.

    Whether a peer believes its issuer, the peer judges: that is no reason to try nothing.
    """
    if gateway.now() >= certificate.not_valid_after_utc:
        return ChainReason.EXPIRED
    if gateway.peer_trust is None:
        return None
    try:
        gateway.peer_trust.check(view, certificate, Purpose.CLIENT, gateway.now())
    except ChainRejected as rejected:
        return ChainReason.REVOKED if rejected.reason is ChainReason.REVOKED else None
    return None
