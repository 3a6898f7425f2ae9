"""The lines that set-up needs in the zone of each domain: RFC 6186, RFC 8314 §5.1, and aliases.

RFC 2782 is the form of an SRV record; its target ``.`` says that a service is decidedly not there,
which RFC 6186 §3.4 asks of domains without it. Keys of DKIM stand beside (RFC 6376 §3.6.2.1).
Where mail for a domain goes, its MX, is the operator's to say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mss_gateway.directory.dkim_keys import DkimKey
from mss_gateway.message import dkim
from mss_gateway.webmail.clientsetup.servers import HTTPS_PORT, Endpoints, Server, Socket

TTL_SECONDS = 3600

SERVICES = {
    "imap": {Socket.TLS: "_imaps._tcp", Socket.STARTTLS: "_imap._tcp"},
    "submission": {Socket.TLS: "_submissions._tcp", Socket.STARTTLS: "_submission._tcp"},
}
ABSENT = ("_pop3s._tcp", "_pop3._tcp")
"""Never offered: a mailbox has flags and folders, and several people may see it."""

ALIASES = ("autoconfig", "autodiscover")
"""Names below a domain where mail programs look for the webmail's answers."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a zone, its name and target absolute."""

    name: str
    kind: str
    value: str

    @property
    def line(self) -> str:
        """As a zone file has it (RFC 1035 §5.1)."""
        return f"{self.name} {TTL_SECONDS} IN {self.kind} {self.value}"


def records(told: Endpoints) -> dict[str, tuple[Record, ...]]:
    """Records by domain; those of the patients' say that nothing is there for mail programs."""
    zone = {domain: tuple(_offered(told, domain)) for domain in told.domains}
    return {**zone, told.patient_domain: tuple(_nothing(told.patient_domain))}


def key_record(key: DkimKey) -> Record:
    """The line by which others verify what is signed by the key."""
    return Record(f"{key.name}.", "TXT", dkim.zone_value(key.record))


def remarks(told: Endpoints) -> tuple[str, ...]:
    """What the records cannot say, and what of the configuration makes them useless."""
    hosts = {server.host for server in (*told.imap, *told.submission)} | {told.web_host}
    local = sorted(host for host in hosts if "." not in host)
    found = [f"{host} is no public name: set site.hostname or [setup]" for host in local]
    if told.web_port and told.web_port != HTTPS_PORT:
        found.append(
            f"autoconfig is asked for on port {HTTPS_PORT} only: forward it to the webmail, which"
            f" answers on {told.web_port}, and set setup.webmail"
        )
    if told.web_port:
        named = ", ".join(_alias(name, domain) for domain in told.domains for name in ALIASES)
        found.append(f"the webmail's certificate must also be for: {named}")
    return tuple(found)


def _offered(told: Endpoints, domain: str) -> Iterator[Record]:
    for names, servers in ((SERVICES["imap"], told.imap),
                           (SERVICES["submission"], told.submission)):  # fmt: skip
        yield from _doors(domain, names, servers)
    yield from (_absent(name, domain) for name in ABSENT)
    if not told.web_port:
        return
    yield _service("_autodiscover._tcp", domain, 0, told.web_port, told.web_host)
    for name in ALIASES:
        alias = _alias(name, domain)
        if alias != told.web_host:
            yield Record(f"{alias}.", "CNAME", f"{told.web_host}.")


def _doors(domain: str, names: dict[Socket, str], servers: Sequence[Server]) -> Iterator[Record]:
    """The preferred way in has the lower priority number (RFC 6186 §3.4)."""
    for socket, name in names.items():
        found = next((one for one in servers if one.socket is socket), None)
        if found is None:
            yield _absent(name, domain)
        else:
            yield _service(name, domain, 10 * servers.index(found), found.port, found.host)


def _nothing(domain: str) -> Iterator[Record]:
    for names in SERVICES.values():
        yield from (_absent(name, domain) for name in names.values())
    yield from (_absent(name, domain) for name in ABSENT)


def _service(name: str, domain: str, priority: int, port: int, host: str) -> Record:
    return Record(f"{name}.{domain}.", "SRV", f"{priority} 0 {port} {host}.")


def _absent(name: str, domain: str) -> Record:
    return Record(f"{name}.{domain}.", "SRV", "0 0 0 .")


def _alias(name: str, domain: str) -> str:
    return f"{name}.{domain}"
