"""What the values of config.toml must be, alone and beside each other: pure rules.

Each gives lines that name their key and say what to do; ``config.load`` refuses with the first.
What the files and the machine say is looked at later, by ``compose.starting``.
"""

import dataclasses
import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mss_gateway.config import (
        Certificates,
        Config,
        Listen,
        Mailboxes,
        Notices,
        Oauth,
        Relay,
        Setup,
        Site,
        Whitelist,
    )

LONGEST_REMEMBERED = 300
"""Seconds that a right password may be remembered at most."""

KEY_KINDS = ("rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521")

MOST_RECIPIENTS = 2_000

FIELDS = ("repair", "refuse")
"""What becomes of X-MSS fields that do not say what the archive holds."""

LONGEST_ACCESS_CODE = 90
"""Days that a code for a letter may last."""

LONGEST_EXPORT = 30
"""Days that a copy of a whole space may be fetched."""

LONGEST_DRAIN = 300

NOTICES_TLS = ("starttls", "tls", "none")
"""How the relay of the notices is spoken to; ``none`` on this machine only."""

LONGEST_WINDOW = 1_440
"""Minutes that a notice may wait for others like it: a day."""

LONGEST_EXPIRY = 160
"""Hours: a retry is known for seven days (``mailbox_store.acceptances``), less what the last
attempt and the clocks may take."""

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
    "web.access_code_days": 1,
    "dossier.export_days": 1,
    "whitelist.stale_hours": 1,
    "whitelist.alarm_hours": 1,
    "relay.connections_per_destination": 1,
    "relay.messages_per_connection": 1,
    "queue.expiry_hours": 1,
    "queue.notice_hours": 1,
    "notices.window_minutes": 0,
    "notices.daily": 1,
    "health.drain_seconds": 10,  # three times ``draining.STOP_SECONDS``, and one to end
}
"""Smallest values of numbers, beside the limits, which are at least 1."""


def complaints(config: "Config") -> Iterator[str]:
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
    if web.access_code_days > LONGEST_ACCESS_CODE:
        yield f"web.access_code_days is at most {LONGEST_ACCESS_CODE}"
    if config.dossier.export_days > LONGEST_EXPORT:
        yield f"dossier.export_days is at most {LONGEST_EXPORT}"
    yield from _publishing(config.certificates)
    if config.certificates.key_kind not in KEY_KINDS:
        yield f"certificates.key_kind is one of {', '.join(KEY_KINDS)}"
    if config.identity.remembered_login_seconds > LONGEST_REMEMBERED:
        yield f"identity.remembered_login_seconds is at most {LONGEST_REMEMBERED}"
    if config.tls.client_lists and not config.tls.client_anchors:
        yield "tls.client_lists is of no use without tls.client_anchors"
    yield from _transport(config)
    if config.sharing.seen not in SEEN_FLAGS:
        yield f"sharing.seen is one of {', '.join(SEEN_FLAGS)}"
    yield from _mailboxes(config.mailboxes)
    if config.notices.host:
        yield from _notices(config.notices, config.site)


def _transport(config: "Config") -> Iterator[str]:
    """Mail between operators: whom it goes to, how, and for how long it is tried."""
    if config.listen.mx and not config.tls.peer_anchors:
        yield "listen.mx is of no use without tls.peer_anchors: nobody could be believed"
    queue, submission = config.queue, config.submission
    if queue.notice_hours > queue.expiry_hours:
        yield "queue.notice_hours is above queue.expiry_hours: nobody would hear that mail is late"
    if queue.expiry_hours > LONGEST_EXPIRY:
        yield (
            f"queue.expiry_hours is at most {LONGEST_EXPIRY}: who is tried again after seven days"
            " would have a message twice"
        )
    if submission.fields not in FIELDS:
        yield f"submission.fields is one of {', '.join(FIELDS)}"
    if config.health.drain_seconds > LONGEST_DRAIN:
        yield f"health.drain_seconds is at most {LONGEST_DRAIN}: supervisors wait no longer"
    yield from _whitelist(config.whitelist)
    yield from _relay(config.relay)


def _whitelist(whitelist: "Whitelist") -> Iterator[str]:
    if whitelist.alarm_hours > whitelist.stale_hours:
        yield "whitelist.alarm_hours is above whitelist.stale_hours: the alarm would come too late"
    if not _is_domain(whitelist.patient_label) or "." in whitelist.patient_label:
        yield "whitelist.patient_label is the first label of a domain: lower case, without a dot"
    if _ELEMENT.fullmatch(whitelist.operator_element) is None:
        yield f"whitelist.operator_element: {whitelist.operator_element} cannot name an element"
    spoken_for: dict[str, str] = {}
    for line in whitelist.operators:
        name, _, rest = line.partition(":")
        if not name.strip() or not rest.split():
            yield f'whitelist.operators: "{line}" is not written "name: domain domain …"'
        for domain in rest.split():
            if not _is_domain(domain):
                yield f"whitelist.operators: {domain} is not a domain name in lower case"
            if spoken_for.setdefault(domain, name.strip()) != name.strip():
                yield f"whitelist.operators: {domain} belongs to two operators"


def _relay(relay: "Relay") -> Iterator[str]:
    if not 1 <= relay.port <= 65_535:
        yield "relay.port is not a port"
    routed: set[str] = set()
    for line in relay.routes:
        domain, _, place = line.partition(" ")
        host, _, port = place.strip().rpartition(":")
        if domain != "*" and not _is_domain(domain):
            yield f"relay.routes: {domain} is not a domain name in lower case, nor *"
        elif not _is_host(host) or not _is_port(port):
            yield f'relay.routes: "{line}" is not written "domain host:port"'
        elif domain in routed:
            yield f"relay.routes: two routes lead to {domain}"
        routed.add(domain)
    for name in relay.resolvers:
        if not _is_address(name):
            yield f"relay.resolvers: {name} is not the IP address of a name server"
    if relay.verify_dkim and not relay.dns:
        yield "relay.verify_dkim is of no use without relay.dns: nobody could be asked for keys"
    selector = relay.dkim_selector
    if selector and not _is_domain(selector):
        yield f"relay.dkim_selector: {selector} cannot stand in a domain name"


def _notices(notices: "Notices", site: "Site") -> Iterator[str]:
    """The plain channel is whole, apart from the trust space, and never in clear on a network."""
    if not _is_host(notices.host):
        yield f"notices.host: {notices.host} is not the name or address of a server"
    if not 1 <= notices.port <= 65_535:
        yield "notices.port is not a port"
    if notices.tls not in NOTICES_TLS:
        yield f"notices.tls is one of {', '.join(NOTICES_TLS)}"
    if notices.tls == "none" and not _is_loopback(notices.host):
        yield 'notices.tls "none" is for a relay on this machine: addresses would travel in clear'
    if bool(notices.login) != bool(notices.password_file):
        yield "notices.login and notices.password_file go together"
    return_path = notices.return_path if notices.return_path != "<>" else ""
    for key, address in (("from_address", notices.from_address), ("return_path", return_path)):
        domain = address.rpartition("@")[2]
        if (address or key == "from_address") and _ADDRESS.fullmatch(address) is None:
            yield f"notices.{key} is an address in lower case, such as avis@operateur.example"
        elif any(domain == ours or domain.endswith("." + ours) for ours in _own_domains(site)):
            yield f"notices.{key} may not be of the trust space: give the notices another domain"
    if _BASE_URL.fullmatch(notices.base_url) is None:
        yield "notices.base_url is the https address of the webmail, such as https://sante.example"
    if notices.window_minutes > LONGEST_WINDOW:
        yield f"notices.window_minutes is at most {LONGEST_WINDOW}"


def _own_domains(site: "Site") -> tuple[str, ...]:
    return (*site.domains, site.patient_domain)


def _is_loopback(host: str) -> bool:
    name = host.removeprefix("[").removesuffix("]")
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_host(name: str) -> bool:
    return _is_domain(name) or _is_address(name.removeprefix("[").removesuffix("]"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535


_ADDRESS = re.compile(
    r"[a-z0-9#$&'*+/=?^_`{|}~-]+(\.[a-z0-9#$&'*+/=?^_`{|}~-]+)*"
    r"@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+"
)
_BASE_URL = re.compile(r"https://[a-z0-9.-]{1,253}(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~-]+)*/?")
_ELEMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


def _publishing(certificates: "Certificates") -> Iterator[str]:
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


def _mailboxes(mailboxes: "Mailboxes") -> Iterator[str]:
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


def _site(site: "Site") -> Iterator[str]:
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


def _setup(setup: "Setup") -> Iterator[str]:
    """Unlike ports listened on, two public ones may be equal: each host has its own."""
    for entry in dataclasses.fields(setup):
        value = getattr(setup, entry.name)
        if isinstance(value, int):
            if not 0 <= value <= 65_535:
                yield f"setup.{entry.name} is not a port"
        elif value and not _is_domain(value):
            yield f"setup.{entry.name}: {value} is not a domain name in lower case"


def _oauth(oauth: "Oauth") -> Iterator[str]:
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


def _numbers(config: "Config") -> Iterator[str]:
    for entry in dataclasses.fields(config.limits):
        if getattr(config.limits, entry.name) < 1:
            yield f"limits.{entry.name} must be at least 1"
    for key, least in _LEAST.items():
        section, _, name = key.partition(".")
        if getattr(getattr(config, section), name) < least:
            yield f"{key} must be at least {least}"


def _ports(listen: "Listen") -> Iterator[str]:
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
