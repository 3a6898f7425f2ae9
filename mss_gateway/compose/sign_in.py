"""What mail clients may sign in with besides a password, as the configuration says."""

from pathlib import Path

from certs.errors import DerMalformed
from certs.issuing.issue import Authority
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.keysets import (
    KeyFile,
    Keys,
    KeyServer,
    KeySetRefused,
    parse,
    private_context,
)
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.tokens import Expected, Tokens


def tokens(config: Config) -> Tokens | None:
    """Who judges access tokens; None without a provider. Raises ConfigRefused for a bad file.

    Keys of a file are there at once; those of a server come with the first fetch, which begins
    when ``keys.start`` is called.
    """
    oauth = config.oauth
    if not oauth.issuer:
        return None
    scope = frozenset(oauth.scope.split())
    expected = Expected(oauth.issuer, oauth.audience, oauth.address_claim, scope)
    if "://" in oauth.jwks:
        ca_file = config.in_state(oauth.ca_file)
        try:
            source: KeyFile | KeyServer = KeyServer(oauth.jwks, private_context(ca_file))
        except OSError as error:
            raise ConfigRefused(f"oauth.ca_file {ca_file} cannot be used ({error})") from None
        return Tokens(expected, Keys(source, oauth.refresh_minutes * 60.0))
    path = config.in_state(oauth.jwks)
    keys = Keys(KeyFile(path), oauth.refresh_minutes * 60.0)
    if not keys.refresh():
        raise ConfigRefused(_complaint(path))
    return Tokens(expected, keys)


def client_trust(
    config: Config, own: Authority | None, kept: Kept | None = None
) -> ClientTrust | None:
    """Whom TLS clients are believed by; None when nobody is asked. Raises ConfigRefused."""
    if not config.tls.client_anchors:
        return None
    path = config.in_state(config.tls.client_anchors)
    lists = config.in_state(config.tls.client_lists) if config.tls.client_lists else None
    try:
        return ClientTrust.load(path, own, lists, kept)
    except (OSError, DerMalformed, ValueError) as error:
        raise ConfigRefused(f"tls.client_anchors {path} cannot be used ({error})") from None


def _complaint(path: Path) -> str:
    """Why the keys of a file cannot be used."""
    try:
        parse(path.read_bytes())
    except (OSError, KeySetRefused) as error:
        return f"oauth.jwks {path} cannot be used ({error})"
    return f"oauth.jwks {path} cannot be used"
