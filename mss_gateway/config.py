"""config.toml → frozen dataclasses. An unknown key or a wrong type refuses the start.

Every key is documented in the commented ``config.toml`` of the project, which is also the demo's.
Secrets are never values here: they are paths of files (mode 0600).
"""

import dataclasses
import re
import tomllib
import types
import typing
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate chain and key, in PEM files; whom it believes as a client.

    Empty ``client_anchors``: IMAP asks nobody for a certificate. Empty ``client_lists``: only the
    gateway's own authority says what was revoked.
    """

    certificate: str = "tls/server.pem"
    key: str = "tls/server.key"
    client_anchors: str = ""
    client_lists: str = ""


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
    """Sessions of the webmail, in minutes."""

    idle_minutes: int = 15
    absolute_minutes: int = 480


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
    mailboxes: Mailboxes = field(default_factory=Mailboxes)
    sharing: Sharing = field(default_factory=Sharing)
    setup: Setup = field(default_factory=Setup)
    base: Path = Path()

    @property
    def state_directory(self) -> Path:
        """The state directory as a path."""
        return self.base / self.state.directory

    def in_state(self, name: str) -> Path:
        """A file of the state directory (an absolute name stays as it is)."""
        return self.state_directory / name


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
    for complaint in _complaints(config):
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
)
"""Texts that say, when they are empty, that there is none of it."""

LONGEST_REMEMBERED = 300
"""Seconds that a right password may be remembered at most."""

KEY_KINDS = ("rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521")

MOST_RECIPIENTS = 2_000

SEEN_FLAGS = ("shared", "personal")
"""Whose \\Seen is: everybody's, or each member's own."""

# lower case, because addresses are compared in that form; a host name may have a single label
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")

_LEAST = {
    "identity.password_memory_kib": 8,  # RFC 9106 §3.1: 8 KiB for each lane
    "identity.password_rounds": 1,
    "certificates.mailbox_days": 1,
    "certificates.renew_days": 1,
    "identity.remembered_login_seconds": 0,
    "oauth.refresh_minutes": 1,
    "web.idle_minutes": 1,
}
"""Smallest values of numbers, beside the limits, which are at least 1."""


def _complaints(config: Config) -> Iterator[str]:
    """Rules of values and between keys; each line names its key."""
    yield from _site(config.site)
    yield from _numbers(config)
    yield from _ports(config.listen)
    yield from _setup(config.setup)
    yield from _oauth(config.oauth)
    limits, web = config.limits, config.web
    if limits.patient_message_octets > limits.message_octets:
        yield "limits.patient_message_octets is above limits.message_octets"
    if limits.bodies_in_flight_octets < limits.message_octets:
        yield "limits.bodies_in_flight_octets is below limits.message_octets: none would pass"
    if limits.account_octets < limits.message_octets:
        yield "limits.account_octets is below limits.message_octets: none would fit"
    if limits.recipients > MOST_RECIPIENTS:
        yield f"limits.recipients is at most {MOST_RECIPIENTS}: a signed list names them all"
    if web.absolute_minutes < web.idle_minutes:
        yield "web.absolute_minutes is below web.idle_minutes"
    yield from _publishing(config.certificates)
    if config.certificates.key_kind not in KEY_KINDS:
        yield f"certificates.key_kind is one of {', '.join(KEY_KINDS)}"
    if config.identity.remembered_login_seconds > LONGEST_REMEMBERED:
        yield f"identity.remembered_login_seconds is at most {LONGEST_REMEMBERED}"
    if config.tls.client_lists and not config.tls.client_anchors:
        yield "tls.client_lists is of no use without tls.client_anchors"
    if config.sharing.seen not in SEEN_FLAGS:
        yield f"sharing.seen is one of {', '.join(SEEN_FLAGS)}"
    yield from _mailboxes(config.mailboxes)


def _publishing(certificates: Certificates) -> Iterator[str]:
    """Where others may ask about our certificates: plain http, or asking would need an answer."""
    for name, urls in (
        ("list_urls", certificates.list_urls),
        ("responder_urls", certificates.responder_urls),
    ):
        if not all(url.startswith("http://") and url.isascii() for url in urls):
            yield f"certificates.{name} holds what is no http address"
    arc = certificates.policy_arc
    if arc and _ARC.fullmatch(arc) is None:
        yield "certificates.policy_arc is no object identifier, like 1.3.6.1.4.1.N"


_ARC = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def _mailboxes(mailboxes: Mailboxes) -> Iterator[str]:
    """What mail programs could not list, or not write in UTF-8, is no name of a folder."""
    for entry in dataclasses.fields(mailboxes):
        name = getattr(mailboxes, entry.name)
        is_plain = all(name.split("/")) and not any(sign in name for sign in "%*")
        if len(name) > 255 or not is_plain or not unicodedata.is_normalized("NFC", name):
            yield (
                f"mailboxes.{entry.name}: {name} cannot name a folder: at most 255 characters,"
                " composed (Unicode NFC), no % or *, / between two levels only"
            )
    names = [name.upper() for name in dataclasses.astuple(mailboxes)]
    if "INBOX" in names or len(set(names)) < len(names):
        yield "mailboxes: each folder has a name of its own, and none is INBOX"


def _site(site: Site) -> Iterator[str]:
    if not site.domains:
        yield "site.domains names at least one domain"
    for key, name in (
        *(("site.domains", name) for name in site.domains),
        ("site.patient_domain", site.patient_domain),
        ("site.hostname", site.hostname),
    ):
        if not _is_domain(name):
            yield f"{key}: {name} is not a domain name in lower case"
    if site.patient_domain in site.domains:
        yield "site.patient_domain may not be one of site.domains"


def _is_domain(name: str) -> bool:
    return len(name) <= 253 and _DOMAIN.fullmatch(name) is not None


def _setup(setup: Setup) -> Iterator[str]:
    """Unlike ports listened on, two public ones may be equal: each host has its own."""
    for entry in dataclasses.fields(setup):
        value = getattr(setup, entry.name)
        if isinstance(value, int):
            if not 0 <= value <= 65_535:
                yield f"setup.{entry.name} is not a port"
        elif value and not _is_domain(value):
            yield f"setup.{entry.name}: {value} is not a domain name in lower case"


def _oauth(oauth: Oauth) -> Iterator[str]:
    """A provider is named whole, or not at all."""
    if not oauth.issuer:
        return
    for key in ("audience", "jwks"):
        if not getattr(oauth, key):
            yield f"oauth.{key} is empty, and oauth.issuer is not"
    scheme, _, rest = oauth.jwks.partition("://")
    if rest and scheme != "https":
        yield "oauth.jwks is a file or an https address"
    if rest and not oauth.ca_file:
        yield "oauth.ca_file names the authorities of the server of oauth.jwks"


def _numbers(config: Config) -> Iterator[str]:
    for entry in dataclasses.fields(config.limits):
        if getattr(config.limits, entry.name) < 1:
            yield f"limits.{entry.name} must be at least 1"
    for key, least in _LEAST.items():
        section, _, name = key.partition(".")
        if getattr(getattr(config, section), name) < least:
            yield f"{key} must be at least {least}"


def _ports(listen: Listen) -> Iterator[str]:
    taken: dict[int, str] = {}
    for entry in dataclasses.fields(listen):
        port = getattr(listen, entry.name)
        if not isinstance(port, int):
            continue
        if not 0 <= port <= 65_535:
            yield f"listen.{entry.name} is not a port"
        elif port and port in taken:
            yield f"listen.{entry.name} and listen.{taken[port]} are the same port"
        taken[port] = entry.name
