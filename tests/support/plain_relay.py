"""A relay of ordinary mail on loopback, by aiosmtpd: takes letters, or refuses as a test says."""

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from mss_gateway.config import Notices
from mss_gateway.life.gateway import Gateway
from tests.support import peer_site
from tests.support.relay_site import serving

HOST = "127.0.0.1"
AUTHOR = "avis@operateur.example"
BASE_URL = "https://sante.operateur.example"


@dataclass(slots=True)
class PlainRelay:
    """``answers``: what RCPT (by address) and DATA (by "DATA") say instead of yes."""

    answers: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    taken: list[Envelope] = field(default_factory=list)
    sessions: int = 0
    over_tls: list[bool] = field(default_factory=list)
    port: int = 0

    @property
    def letters(self) -> list[EmailMessage]:
        """What was taken, parsed by the standard library."""
        parser = BytesParser(policy=default)
        return [parser.parsebytes(each.original_content or b"") for each in self.taken]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        """Count it."""
        session.host_name = name
        self.sessions += session.ssl is None
        return lines

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Yes, unless told otherwise."""
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 2.1.0 ok")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Yes, unless told otherwise."""
        answer = self.answers.get(address, "250 2.1.5 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Yes, unless told otherwise."""
        answer = self.answers.get("DATA", "250 2.0.0 taken")
        if answer.startswith("250"):
            self.taken.append(envelope)
            self.over_tls.append(session.ssl is not None)
        return answer


@asynccontextmanager
async def plain_relay(
    tls: ssl.SSLContext | None = None,
    *,
    is_implicit: bool = False,
    login: tuple[str, str] = ("", ""),
) -> AsyncIterator[PlainRelay]:
    """A relay on a free port; it wants ``login`` where one is given."""
    relay = PlainRelay()

    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, shown: LoginPassword
    ) -> AuthResult:
        name, password = shown.login.decode(), shown.password.decode()
        relay.logins.append((name, password))
        return AuthResult(success=(name, password) == login, handled=False)

    def make() -> SMTP:
        return SMTP(
            relay,
            hostname="relais.example",
            require_starttls=tls is not None and not is_implicit,
            tls_context=None if is_implicit else tls,
            authenticator=check,
            auth_required=bool(login[0]) and not is_implicit,  # else it warns
            auth_require_tls=not is_implicit,
        )

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(make, HOST, 0, ssl=tls if is_implicit else None)
    relay.port = listening.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        listening.close()
        await listening.wait_closed()


@contextmanager
def relay_tls(*names: str, issuer: str = "") -> Iterator[tuple[ssl.SSLContext, Path]]:
    """TLS of a relay of these names, and a file with the authority that vouches for it."""
    who = serving(*names, issuer=issuer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as name:
        chain, secret = Path(name) / "chain.pem", Path(name) / "key.pem"
        export_for_client(who.key, [who.certificate, who.issuer.issuing], secret, chain)
        context.load_cert_chain(chain, secret)
        ca_file = Path(name) / "ca.pem"
        authority: Authority = peer_site.authority()
        ca_file.write_bytes(to_pem(authority.root))
        yield context, ca_file


def settings(port: int = 25, **others: object) -> Notices:
    """A channel to a relay on loopback, in clear unless said."""
    made = Notices(host=HOST, port=port, tls="none", from_address=AUTHOR, base_url=BASE_URL)
    return replace(made, **others)  # type: ignore[arg-type]


def telling(gateway: Gateway, notices: Notices) -> Gateway:
    """The gateway with this channel."""
    return replace(gateway, config=replace(gateway.config, notices=notices))
