"""Who sends the notices: the relay of the configuration, its TLS, its password.

A context of its own: it shows no certificate of ours, and believes no authority of the trust space.
"""

import ssl
from pathlib import Path

from mss_gateway.config import Config, ConfigRefused
from mss_gateway.life import notices
from mss_gateway.life.gateway import Gateway
from mss_gateway.smtp.notifier import Notifier
from mss_gateway.smtp.plain import Relay

NULL_PATH = "<>"


def notifier_of(gateway: Gateway) -> Notifier | None:
    """Who sends notices; None where none are sent. Raises ConfigRefused for a bad file."""
    if not notices.is_on(gateway.config):
        return None
    return Notifier(gateway, relay_of(gateway.config))


def relay_of(config: Config) -> Relay:
    """The relay that the configuration names; raises ConfigRefused for a file that is no good."""
    settings = config.notices
    back = settings.return_path or settings.from_address
    return Relay(
        host=settings.host.removeprefix("[").removesuffix("]"),
        port=settings.port,
        tls=settings.tls,
        context=None if settings.tls == "none" else _context(config),
        login=settings.login,
        password=_password(config.in_state(settings.password_file)) if settings.login else "",
        own_name=config.site.hostname,
        reverse_path="" if back == NULL_PATH else back,
    )


def _context(config: Config) -> ssl.SSLContext:
    """Name and chain are always verified; TLS 1.2 at least."""
    name = config.notices.ca_file
    path = config.in_state(name)
    try:
        context = ssl.create_default_context(cafile=str(path) if name else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigRefused(f"notices.ca_file {path} cannot be used ({error})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _password(path: Path) -> str:
    """The one line of a file that nobody else may read."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ConfigRefused(f"notices.password_file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigRefused(f"notices.password_file {path} is not UTF-8") from None
    if mode & 0o077:
        raise ConfigRefused(f"notices.password_file {path} is open to others ({mode:o}): chmod 600")
    if not text or not text.isprintable():
        raise ConfigRefused(f"notices.password_file {path}: one line, and not an empty one")
    return text
