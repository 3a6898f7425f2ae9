"""Who may be spoken to: another operator's server, proved by its certificate (threat T5).

The TLS handshake proved that the server has the key and that the certificate leads to an authority
of ``tls.peer_anchors``. Here it is validated again, for the purpose of a server and with
revocation, and must be that of the operator who owns the recipient's domain, or of the very host
that the operator of this gateway named.
"""

from certs.certificate import from_der, host_names
from certs.errors import ChainRejected, DerMalformed
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.directory.operators import operator_of
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import peers
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.peers import Outside


def admit(gateway: Gateway, view: View, domain: str) -> None:
    """Whether anything may leave for a domain; raises Refused(DOMAIN_OUTSIDE, WHITELIST_STALE)."""
    standing = peers.standing_of(gateway, view, domain)
    if standing is Outside.UNKNOWN:
        raise Refused(Failure.DOMAIN_OUTSIDE)
    if standing is Outside.STALE:
        raise Refused(Failure.WHITELIST_STALE)


def prove(gateway: Gateway, domain: str, host: str, is_configured: bool, shown: bytes) -> None:
    """Whether the server that showed this certificate (DER) may be given mail for ``domain``.

    ``host`` is the name that led to it, from the DNS or, ``is_configured``, from the operator's own
    table. A name from the DNS proves nothing: there the certificate must bear it, and be that of
    the domain's operator. Raises Refused(DESTINATION_UNPROVED).
    """
    if gateway.peer_trust is None:
        raise Refused(Failure.DESTINATION_UNPROVED, "no authorities")
    try:
        certificate = from_der(shown)
        named = host in {name.lower() for name in host_names(certificate)}
        with gateway.database.read() as view:
            gateway.peer_trust.check(view, certificate, Purpose.SERVER, gateway.now())
            operator = operator_of(gateway.whitelist(view), certificate)
    except ChainRejected as rejected:
        raise Refused(Failure.DESTINATION_UNPROVED, rejected.reason.value) from None
    except DerMalformed:
        raise Refused(Failure.DESTINATION_UNPROVED, "malformed") from None
    owns = operator is not None and domain in operator.domains
    if (named or owns) if is_configured else (named and owns):
        return
    raise Refused(Failure.DESTINATION_UNPROVED, "another operator" if named else "another name")
