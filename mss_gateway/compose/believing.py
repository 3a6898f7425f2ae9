"""Whom the gateway believes: anchors of the configuration and of the operator, and revocation."""

from collections.abc import Callable

from certs import anchors
from certs.certificate import Certificate, is_authority
from certs.errors import CertsError
from certs.issuing.issue import Authority
from certs.status.revocation import RevocationSource
from certs.usage import Purpose
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory.authorities import load_authorities
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.directory.revocation import Kept, Revocations
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.trust import Trust
from mss_gateway.directory.whitelist import Whitelist, WhitelistCache


def trust(config: Config) -> Trust:
    """The anchors of the configuration's file, with those of the store; raises ConfigRefused."""
    path = config.in_state(config.certificates.anchors)
    try:
        files = anchors.load({Purpose.SIGNATURE: [path], Purpose.ENCRYPTION: [path]})
    except (OSError, CertsError) as error:
        raise ConfigRefused(f"certificates.anchors {path}: {error}") from None
    if not all(map(is_authority, files.of(Purpose.SIGNATURE))):
        # whoever holds its key would vouch for everybody
        raise ConfigRefused(f"certificates.anchors {path}: holds one that is no authority's")
    return Trust(files)


def lists(config: Config) -> Lists:
    """The operator's folder of revocation lists, if there is one."""
    return Lists(config.in_state(config.revocation.lists) if config.revocation.lists else None)


def revocations(lists: Lists, kept: Kept, own: "Own") -> Callable[[View], RevocationSource]:
    """What is known of certificates taken back: by the directory, a folder of lists, and what was
    fetched and kept."""
    return lambda view: Revocations(view, own.certificates(view), lists, kept)


def whitelist(config: Config) -> Callable[[View], Whitelist]:
    """The white list as a view sees it."""
    return WhitelistCache(config)


def peer_trust(config: Config, own: Authority | None, kept: Kept, lists: Lists) -> PeerTrust | None:
    """Whom other operators' servers are believed by; None when there is no exchange with them.

    Raises ConfigRefused.
    """
    if not config.tls.peer_anchors:
        return None
    path = config.in_state(config.tls.peer_anchors)
    try:
        return PeerTrust.load(path, own, kept, lists)
    except (OSError, CertsError, ValueError) as error:
        raise ConfigRefused(f"tls.peer_anchors {path} cannot be used ({error})") from None


class Own:
    """The certificates of the gateway's own authorities, former ones too; another process may make
    a new one at any time."""

    def __init__(self, spool: AccountId) -> None:
        self._spool = spool
        self._seen = -1
        self._certificates: tuple[Certificate, ...] = ()

    def certificates(self, view: View) -> tuple[Certificate, ...]:
        """Roots and intermediates; read again when there is a new authority."""
        newest = view.sql("SELECT coalesce(max(authority_id), 0) FROM authorities").scalar_one()
        if newest != self._seen:
            kept = load_authorities(view, self._spool)
            self._certificates = tuple(one for each in kept for one in (each.root, each.issuing))
            self._seen = newest
        return self._certificates
