"""What relaying needs: the TLS of a client with the server's own certificate, and the courier."""

import ssl

from certs.certificate import Certificate, from_pem, to_pem
from mss_gateway.compose.tls import context_of
from mss_gateway.config import Config
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.courier import Courier
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.routes import resolver_of


def relay_tls(config: Config, trust: PeerTrust) -> ssl.SSLContext:
    """TLS with a server of the trust space: it must lead to an authority of ``tls.peer_anchors``.

    The name is compared afterwards, with what the white list says (``life.next_hop``): a route may
    be an address. Raises ConfigRefused when a file is bad.
    """
    context = context_of(config, ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=to_pem(*trust.authorities).decode("ascii"))
    return context


def courier_of(gateway: Gateway, tls: ssl.SSLContext) -> Courier:
    """Who carries to other operators; ``tls`` as :func:`relay_tls` made it a moment ago."""
    return Courier(gateway, tls, resolver_of(gateway.config), shown=shown_by(gateway.config))


def shown_by(config: Config) -> Certificate:
    """What a context that has just loaded the certificate of the configuration shows."""
    return from_pem(config.in_state(config.tls.certificate).read_bytes())[0]


def dkim_reading_of(gateway: Gateway) -> DkimReading | None:
    """Who reads DKIM signatures of what comes in; None unless the configuration wants it."""
    resolver = resolver_of(gateway.config) if gateway.config.relay.verify_dkim else None
    if resolver is None:
        return None
    return DkimReading(resolver.text, gateway.bridge, gateway.clock)
