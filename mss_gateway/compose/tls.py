"""The server's TLS contexts: one for every port but IMAP's, which may ask for a certificate."""

import ssl

from certs.certificate import to_pem
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory.client_trust import ClientTrust


def server_tls(config: Config) -> ssl.SSLContext:
    """TLS 1.2 with forward secrecy and AEAD, or 1.3; raises ConfigRefused when a file is bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    certificate, key = config.in_state(config.tls.certificate), config.in_state(config.tls.key)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigRefused(
            f"tls.certificate {certificate} or tls.key {key} cannot be used ({error});"
            " `mss certs issue-server` makes them"
        ) from None
    return context


def imap_tls(config: Config, trust: ClientTrust | None) -> ssl.SSLContext:
    """The same; where clients' certificates are believed, it asks for one and goes on without.

    OpenSSL ends the handshake of a client whose certificate leads to none of the authorities.
    """
    context = server_tls(config)
    if trust is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=to_pem(*trust.authorities).decode("ascii"))
    return context
