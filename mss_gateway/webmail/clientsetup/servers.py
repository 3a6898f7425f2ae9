"""What a mail program is to use: the servers of the configuration as the outside reaches them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mss_gateway.config import Config
from mss_gateway.message.address import AddressMalformed, EmailAddress, parse_address

HTTPS_PORT = 443


class NotServed(Exception):
    """No set-up for this address: its domain is foreign, or patients', or it is no address."""


class Socket(Enum):
    """How TLS begins: with the connection, or by STARTTLS. There is no third way in."""

    TLS = "tls"
    STARTTLS = "starttls"


@dataclass(frozen=True, slots=True)
class Server:
    """One door: its public name and port."""

    host: str
    port: int
    socket: Socket


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Everything that is told. Servers come in the order of preference: TLS from the start first
    (RFC 8314 §3). A login is always the full address, with the password of the mailbox."""

    operator: str
    domains: tuple[str, ...]
    patient_domain: str
    imap: tuple[Server, ...]
    submission: tuple[Server, ...]
    web_host: str
    web_port: int
    imap_takes_tokens: bool

    @property
    def is_complete(self) -> bool:
        """Whether an account can be set up at all: a door for reading and one for sending."""
        return bool(self.imap and self.submission)

    def url(self, path: str) -> str:
        """The address of a page of the webmail, as the outside reaches it."""
        port = "" if self.web_port == HTTPS_PORT else f":{self.web_port}"
        return f"https://{self.web_host}{port}{path}"

    def serves(self, domain: str) -> bool:
        """Whether accounts of this domain can be set up."""
        return domain in self.domains and self.is_complete

    def served(self, address: str) -> EmailAddress:
        """The address in its normal form, when an account of its domain can be set up.

        Raises NotServed for everything else, without a word on why.
        """
        try:
            found = parse_address(address)
        except AddressMalformed:
            raise NotServed from None
        if not self.serves(found.domain):
            raise NotServed
        return found


def endpoints(config: Config) -> Endpoints:
    """What ``[setup]`` says, and where it says nothing ``[site]`` and ``[listen]``."""
    setup, site, listen = config.setup, config.site, config.listen
    return Endpoints(
        operator=site.operator,
        domains=site.domains,
        patient_domain=site.patient_domain,
        imap=tuple(
            _servers(
                setup.imap_host or site.hostname,
                setup.imap_tls or listen.imap_tls,
                setup.imap_starttls or listen.imap_starttls,
            )
        ),
        submission=tuple(
            _servers(
                setup.submission_host or site.hostname,
                setup.submission_tls or listen.submission_tls,
                setup.submission_starttls or listen.submission_starttls,
            )
        ),
        web_host=setup.web_host or site.hostname,
        web_port=setup.webmail or listen.webmail,
        imap_takes_tokens=bool(config.oauth.issuer),
    )


def _servers(host: str, tls: int, starttls: int) -> Iterator[Server]:
    if tls:
        yield Server(host, tls, Socket.TLS)
    if starttls:
        yield Server(host, starttls, Socket.STARTTLS)
