"""SIGHUP: which keys of the configuration may change while the service runs, and how they do.

Everything is looked at first, and then exchanged in a few assignments: a configuration that cannot
be used changes nothing. Who reads ``gateway.config`` reads it at each use, and finds either the
former one or the new one, whole.
"""

import dataclasses
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from certs.certificate import Certificate, to_pem
from mss_gateway import config_rules
from mss_gateway.compose import believing, sign_in, starting
from mss_gateway.compose.tls import server_tls
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory import certificates
from mss_gateway.directory.tls_trust import TlsTrust
from mss_gateway.life.gateway import Gateway

LIVE: Final = frozenset(
    f"{section}.{key}"
    for section, keys in {
        "tls": "certificate key client_anchors client_lists peer_anchors",
        "limits": ("message_octets patient_message_octets recipients account_octets free_octets"),
        "certificates": (
            "key_kind mailbox_days renew_days separate_keys outer_subject whole_message list_urls"
            " responder_urls policy_arc"
        ),
        "revocation": "hosts",
        "web": "idle_minutes absolute_minutes",
        "mailboxes": "drafts sent trash junk archive",
        "whitelist": ("signer stale_hours alarm_hours patient_label operators operator_element"),
        "relay": ("routes port connections_per_destination messages_per_connection dkim_selector"),
        "queue": "expiry_hours notice_hours",
        "submission": "smtputf8 app_passwords_only fields",
        "health": "drain_seconds",
    }.items()
    for key in keys.split()
)
"""Keys that may change while it runs; every other one waits for a restart and keeps its value."""

ON_OR_OFF: Final = ("tls.client_anchors", "tls.peer_anchors")
"""Live keys that a restart alone turns on or off: listeners are made with or without them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that can be made: nothing of it can fail any more.

    ``waiting``: keys that changed in the file and keep their value until a restart; ``taken``: keys
    whose value is another one from now on. ``parts``: what is exchanged in the gateway.
    """

    config: Config
    taken: tuple[str, ...]
    waiting: tuple[str, ...]
    parts: Mapping[str, object]
    clients: tuple[Certificate, ...]
    """Authorities of those who sign in to IMAP by a certificate."""
    peers: tuple[Certificate, ...]
    """Authorities of the servers of other operators."""


def prepare(gateway: Gateway, fresh: Config) -> Prepared:
    """Look at everything that ``fresh`` would change; raises ConfigRefused, having changed nothing.

    Reads files and the store.
    """
    changed = tuple(differences(gateway.config, fresh))
    taken = tuple(key for key in changed if _may_change(gateway.config, fresh, key))
    config = _with(gateway.config, fresh, taken)
    for complaint in config_rules.complaints(config):
        raise ConfigRefused(complaint)
    starting.check(config)
    server_tls(config)
    with gateway.database.read() as view:
        own = certificates.load_authority(view, gateway.spool)
    clients = sign_in.client_trust(config, own, gateway.kept)
    peers = believing.peer_trust(config, own, gateway.kept, gateway.lists)
    parts: dict[str, object] = {"config": config, "client_trust": clients, "peer_trust": peers}
    if any(key.startswith("whitelist.") for key in taken):
        parts["whitelist"] = believing.whitelist(config)
    waiting = tuple(key for key in changed if key not in taken)
    return Prepared(config, taken, waiting, parts, _authorities(clients), _authorities(peers))


def exchange(gateway: Gateway, parts: Mapping[str, object]) -> None:
    """Let everybody who holds this gateway find other parts in it from now on.

    The gateway is frozen for everybody else: this is the one place that changes it (decision 19).
    """
    for name, part in parts.items():
        object.__setattr__(gateway, name, part)


def renew(context: ssl.SSLContext, config: Config) -> None:
    """Give a context that listens the certificate of now: handshakes from now on show it."""
    context.load_cert_chain(
        config.in_state(config.tls.certificate), config.in_state(config.tls.key)
    )


def admit(context: ssl.SSLContext, authorities: Iterable[Certificate]) -> None:
    """Let clients of these authorities through the handshake too.

    One that is believed no more gets through the handshake still, and no further: the certificate
    is validated again by the gateway's own trust whenever somebody is known by it.
    """
    pem = to_pem(*authorities).decode("ascii")
    if pem:
        context.load_verify_locations(cadata=pem)


def _authorities(trust: TlsTrust | None) -> tuple[Certificate, ...]:
    return () if trust is None else trust.authorities


def differences(former: Config, fresh: Config) -> Iterator[str]:
    """The keys whose values differ."""
    for section, keys in _sections(former):
        for key in keys:
            if getattr(getattr(former, section), key) != getattr(getattr(fresh, section), key):
                yield f"{section}.{key}"


def _may_change(former: Config, fresh: Config, key: str) -> bool:
    if key not in LIVE:
        return False
    section, _, name = key.partition(".")
    pair = getattr(getattr(former, section), name), getattr(getattr(fresh, section), name)
    return key not in ON_OR_OFF or all(pair)


def _with(former: Config, fresh: Config, taken: Iterable[str]) -> Config:
    """``former`` with the values that ``fresh`` has for the keys ``taken``."""
    sections: dict[str, Any] = {}
    for key in taken:
        section, _, name = key.partition(".")
        present = sections.get(section, getattr(former, section))
        sections[section] = replace(present, **{name: getattr(getattr(fresh, section), name)})
    return replace(former, **sections)


def _sections(config: Config) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in dataclasses.fields(config):
        section = getattr(config, entry.name)
        if dataclasses.is_dataclass(section):
            yield entry.name, tuple(one.name for one in dataclasses.fields(section))
