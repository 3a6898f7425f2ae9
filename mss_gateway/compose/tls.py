"""The server's TLS context, one for every port."""

import ssl

from mss_gateway.config import Config, ConfigRefused


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
