"""TLS contexts: one certificate of this server is shown to whoever calls and to whom it calls."""

import ssl

from certs.certificate import to_pem
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory.tls_trust import TlsTrust


def server_tls(config: Config) -> ssl.SSLContext:
    """Of a listener that asks nobody for a certificate; raises ConfigRefused."""
    return context_of(config, ssl.PROTOCOL_TLS_SERVER)


def context_of(config: Config, side: int) -> ssl.SSLContext:
    """TLS 1.2 with forward secrecy and AEAD, or 1.3, with the certificate of the configuration.

    ``side`` is a protocol of ``ssl``. Raises ConfigRefused when a file is bad.
    """
    context = ssl.SSLContext(side)
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


def asking_tls(config: Config, trust: TlsTrust | None) -> ssl.SSLContext:
    """The same; where clients' certificates are believed, it asks for one and goes on without.

    OpenSSL ends the handshake of a client whose certificate leads to none of the authorities.
    """
    context = server_tls(config)
    if trust is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=to_pem(*trust.authorities).decode("ascii"))
    return context
