"""config.toml → frozen dataclasses. An unknown key or a wrong type refuses the start.

Every key is documented in the commented ``config.toml`` of the project, which is also the demo's.
Secrets are never values here: they are paths of files (mode 0600).
"""

import dataclasses
import tomllib
import types
import typing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mss_gateway.config_rules import complaints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

MEBIOCTET = 1024 * 1024


class ConfigRefused(Exception):
    """The configuration cannot be used; the text says which key and what to do."""


@dataclass(frozen=True, slots=True)
class Site:
    """Whose gateway this is."""

    operator: str = "Operateur de demonstration"
    domains: tuple[str, ...] = ("mss.example",)
    patient_domain: str = "patient.mss.example"
    hostname: str = "localhost"
    product_number: str = "MSS-GATEWAY-0"
    name_separator: str = " "

    def serves(self, address: str) -> bool:
        """Whether an address in normal form, or its domain, is one of this operator's."""
        return address.rpartition("@")[2] in (*self.domains, self.patient_domain)


@dataclass(frozen=True, slots=True)
class State:
    """Where the gateway keeps what it must not lose; relative to the configuration file."""

    directory: str = "var/mss"
    root_key: str = "root.key"


@dataclass(frozen=True, slots=True)
class Listen:
    """Ports; 0 leaves a listener out."""

    host: str = "127.0.0.1"
    submission_starttls: int = 2587
    submission_tls: int = 2565
    imap_starttls: int = 2543
    imap_tls: int = 2593
    webmail: int = 2580
    metrics: int = 2590
    mx: int = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate chain and key, in PEM files; whom it believes as a client.

    Empty ``client_anchors``: no mail program is asked for a certificate. Empty ``client_lists``:
    only the gateway's own authority says what was revoked. ``peer_anchors``: the authorities of
    other operators' servers; empty: nothing comes from or goes to other operators.
    """

    certificate: str = "tls/server.pem"
    key: str = "tls/server.key"
    client_anchors: str = ""
    client_lists: str = ""
    peer_anchors: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer, one message or one account may take (reliability T7, T8, T9, T26)."""

    message_octets: int = 40 * MEBIOCTET
    patient_message_octets: int = 25 * MEBIOCTET
    recipients: int = 100
    bodies_in_flight_octets: int = 512 * MEBIOCTET
    connections_per_address: int = 60
    connections_per_account: int = 30
    account_octets: int = 20 * 1024 * MEBIOCTET
    free_octets: int = 64 * MEBIOCTET
    failed_logins_per_account: int = 5
    failed_logins_per_address: int = 30


@dataclass(frozen=True, slots=True)
class Certificates:
    """How mailbox certificates are made and trusted."""

    anchors: str = "pki/anchors.pem"
    key_kind: str = "rsa-2048"
    mailbox_days: int = 730
    renew_days: int = 30
    separate_keys: bool = False
    outer_subject: str = "Message de santé"
    whole_message: bool = False
    list_urls: tuple[str, ...] = ()
    responder_urls: tuple[str, ...] = ()
    policy_arc: str = ""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Where what others took back is learned from. Empty ``lists``: no folder of lists.

    ``hosts``: from which hosts revocation lists and OCSP answers may be fetched besides those that
    the operator's own authorities name; nothing is ever fetched from a host that only a message
    names. ``fetch`` False: nothing is fetched. ``ca_file``: who vouches for servers
    reached by https; empty: those are not asked.
    """

    lists: str = ""
    hosts: tuple[str, ...] = ()
    fetch: bool = True
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """How strictly national identifiers are read."""

    accept_test_ins: bool = False
    password_memory_kib: int = 65_536
    password_rounds: int = 3
    remembered_login_seconds: int = 300


@dataclass(frozen=True, slots=True)
class Oauth:
    """The OpenID provider whose access tokens mail programs may show; empty ``issuer``: none.

    ``jwks``: its keys, a file of the state directory, or an https address that ``ca_file`` vouches
    for. ``scope``: words that a token must hold; empty: none.
    """

    issuer: str = ""
    audience: str = ""
    jwks: str = ""
    ca_file: str = ""
    address_claim: str = "email"
    scope: str = ""
    refresh_minutes: int = 15


@dataclass(frozen=True, slots=True)
class Web:
    """Sessions of the webmail, in minutes. ``access_code_days``: how long a code lasts that the
    operator gives for activation or recovery."""

    idle_minutes: int = 15
    absolute_minutes: int = 480
    access_code_days: int = 30


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a patient may put into their record: types as the bytes show them (DOC-19).

    ``export_days``: how long a copy of a whole space may be fetched.
    """

    deposit_octets: int = 25 * MEBIOCTET
    deposit_types: tuple[str, ...] = (
        "application/pdf",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "text/plain",
        "application/rtf",
        "application/hl7-cda+xml",
    )
    export_days: int = 7


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Names of the folders that a new account gets (RFC 6154)."""

    drafts: str = "Drafts"
    sent: str = "Sent"
    trash: str = "Trash"
    junk: str = "Junk"
    archive: str = "Archive"


@dataclass(frozen=True, slots=True)
class Sharing:
    """How several people use one organisation's box. ``seen``: one of ``SEEN_FLAGS``."""

    seen: str = "shared"


@dataclass(frozen=True, slots=True)
class Setup:
    """Names and ports as mail programs reach them; empty or 0: as ``site`` and ``listen`` say."""

    imap_host: str = ""
    imap_tls: int = 0
    imap_starttls: int = 0
    submission_host: str = ""
    submission_tls: int = 0
    submission_starttls: int = 0
    web_host: str = ""
    webmail: int = 0


@dataclass(frozen=True, slots=True)
class Whitelist:
    """The domains of the trust space. Empty ``signer``: an unsigned list is taken.

    ``operators``: lines ``name: domain domain …`` for lists that do not say whose a domain is;
    ``operator_element``: the element of the list that says it.
    """

    signer: str = ""
    stale_hours: int = 72
    alarm_hours: int = 26
    patient_label: str = "patient"
    operators: tuple[str, ...] = ()
    operator_element: str = "Operateur"


@dataclass(frozen=True, slots=True)
class Relay:
    """How other operators are reached. ``routes``: lines ``domain host:port``, ``*`` for the rest.

    Empty ``dkim_selector``: nothing is signed by DKIM; empty ``resolvers``: the system's.
    """

    routes: tuple[str, ...] = ()
    dns: bool = True
    resolvers: tuple[str, ...] = ()
    port: int = 25
    connections_per_destination: int = 4
    messages_per_connection: int = 100
    dkim_selector: str = ""
    verify_dkim: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """How long a message is tried, in hours: until its author is told, until it is given up."""

    expiry_hours: int = 120
    notice_hours: int = 4


@dataclass(frozen=True, slots=True)
class SubmissionRules:
    """What mail programs may do. ``fields``: X-MSS fields that are wrong are one of ``FIELDS``."""

    smtputf8: bool = False
    app_passwords_only: bool = False
    fields: str = "repair"


@dataclass(frozen=True, slots=True)
class Notices:
    """E-mail to patients' personal addresses, outside the trust space; empty ``host``: none.

    ``tls``: one of ``config_rules.NOTICES_TLS``. Empty ``ca_file``: the system's authorities; empty
    ``login``: no sign-in. ``return_path``: where bounces go, ``<>`` for nowhere; empty: to
    ``from_address``.
    """

    host: str = ""
    port: int = 587
    tls: str = "starttls"
    ca_file: str = ""
    login: str = ""
    password_file: str = ""
    from_address: str = ""
    return_path: str = ""
    base_url: str = ""
    window_minutes: int = 10
    daily: int = 5


@dataclass(frozen=True, slots=True)
class Health:
    """How the service ends."""

    drain_seconds: int = 30


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration; ``base`` is the folder that relative paths start from."""

    site: Site = field(default_factory=Site)
    state: State = field(default_factory=State)
    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    limits: Limits = field(default_factory=Limits)
    certificates: Certificates = field(default_factory=Certificates)
    revocation: Revocation = field(default_factory=Revocation)
    identity: Identity = field(default_factory=Identity)
    oauth: Oauth = field(default_factory=Oauth)
    web: Web = field(default_factory=Web)
    dossier: Dossier = field(default_factory=Dossier)
    mailboxes: Mailboxes = field(default_factory=Mailboxes)
    sharing: Sharing = field(default_factory=Sharing)
    setup: Setup = field(default_factory=Setup)
    whitelist: Whitelist = field(default_factory=Whitelist)
    relay: Relay = field(default_factory=Relay)
    queue: Queue = field(default_factory=Queue)
    submission: SubmissionRules = field(default_factory=SubmissionRules)
    notices: Notices = field(default_factory=Notices)
    health: Health = field(default_factory=Health)
    base: Path = Path()

    @property
    def state_directory(self) -> Path:
        """The state directory as a path."""
        return _below(self.base, self.state.directory)

    def in_state(self, name: str) -> Path:
        """A file of the state directory (an absolute name stays as it is)."""
        return self.state_directory / name


@lru_cache(maxsize=16)
def _below(base: Path, name: str) -> Path:
    return base / name  # asked for with each message; a path costs more to make than to look up


def load(path: Path) -> Config:
    """Read a configuration file; raises :class:`ConfigRefused` with one clear line."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigRefused(f"{path}: no such file; --config names another one") from None
    except OSError as error:
        raise ConfigRefused(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{path}: {error}") from None
    config = dataclasses.replace(_section(Config, document, ""), base=path.resolve().parent)
    for complaint in complaints(config):
        raise ConfigRefused(complaint)
    return config


def _section(kind: type[T], table: dict[str, Any], prefix: str) -> T:
    hints = typing.get_type_hints(kind)
    known = {entry.name for entry in dataclasses.fields(kind)} - {"base"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigRefused(
                f"unknown key {prefix}{key}; known here: {', '.join(sorted(known))}"
            )
        values[key] = _value(hints[key], value, prefix + key)
    return kind(**values)


def _value(hint: Any, value: Any, key: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigRefused(f"{key} is a table: write it as [{key}]")
        return _section(hint, value, key + ".")
    if isinstance(hint, types.GenericAlias):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigRefused(f"{key} is a list of texts")
        return tuple(_text(item, key) for item in value)
    if type(value) is not hint:
        raise ConfigRefused(f"{key} is {hint.__name__}, not {type(value).__name__}")
    return _text(value, key) if isinstance(value, str) else value


def _text(value: str, key: str) -> str:
    """Texts end up in header fields, certificates and paths: one line, and not nothing."""
    if not value and key in (*_MAY_BE_EMPTY, *_NONE_WHEN_EMPTY):
        return value
    if not value or not value.isprintable():
        raise ConfigRefused(f"{key} is empty or holds a control character")
    return value


_MAY_BE_EMPTY = ("setup.imap_host", "setup.submission_host", "setup.web_host")
"""Texts that say, when they are empty, that another key is meant."""

_NONE_WHEN_EMPTY = (
    *(
        "tls.client_anchors",
        "tls.client_lists",
        "certificates.policy_arc",
        "certificates.outer_subject",
        "revocation.lists",
        "revocation.ca_file",
        "oauth.issuer",
        "oauth.audience",
    ),
    *("oauth.jwks", "oauth.ca_file", "oauth.scope"),
    *("tls.peer_anchors", "whitelist.signer", "relay.dkim_selector"),
    *("notices.host", "notices.ca_file", "notices.login", "notices.password_file"),
    *("notices.from_address", "notices.return_path", "notices.base_url"),
)
"""Texts that say, when they are empty, that there is none of it."""
