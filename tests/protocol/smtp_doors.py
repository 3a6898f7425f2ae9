"""The two doors by which SMTP comes in, so that a test of the wire is one for both."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from mss_gateway.smtp.connection import PATIENCE, Patience
from mss_gateway.smtp.server import Listeners
from tests.support import peer_site, smtp_site
from tests.support.smtp_site import MARTIN, Client, Site

NAMES = ("submission", "mx")


@dataclass(frozen=True, slots=True)
class Door:
    """One of them: who writes through it, and how a session is begun.

    ``session`` is one past EHLO in TLS, whose client has proved who it is; ``plain`` the number of
    the port where STARTTLS is said.
    """

    author: str
    session: Callable[[], AbstractAsyncContextManager[Client]]
    plain: int
    server: Listeners


@asynccontextmanager
async def opened(name: str, site: Site, patience: Patience = PATIENCE) -> AsyncIterator[Door]:
    """The door of that name, listening. ``site`` is a welcoming one."""
    if name == "submission":
        async with smtp_site.serving(site, patience) as ports:
            yield Door(
                MARTIN,
                lambda: smtp_site.signed_in(site, ports),
                ports.starttls,
                ports.server,
            )
    else:
        async with peer_site.mx_serving(site, patience) as port:
            yield Door(
                peer_site.GARNIER,
                lambda: peer_site.calling(site, port),
                port.number,
                port.server,
            )
