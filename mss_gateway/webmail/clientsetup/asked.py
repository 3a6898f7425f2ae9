"""A question of a mail program, and the row of the table that answers it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from mss_gateway.webmail.clientsetup.servers import Endpoints
from mss_gateway.webmail.headers import NOTHING_POLICY
from mss_gateway.webmail.pages import Pages

BODY_OCTETS = 8 * 1024
"""A request of Outlook is 400 octets."""

BODY_SECONDS = 10.0

KEPT = {"Cache-Control": "private, max-age=600", "Content-Security-Policy": NOTHING_POLICY}
"""Headers of a set-up that was told: ten minutes old it is still true, and nothing in it runs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``query`` has lower-case names, because mail programs spell them each their own
    way; a name that was given twice is not in it. ``host`` is the Host field, claimed."""

    told: Endpoints
    pages: Pages
    query: Mapping[str, str]
    path: Mapping[str, str]
    host: str
    body: bytes
    moment: datetime

    def address(self, *names: str) -> str | None:
        """The first of these query parameters that was given."""
        return next((self.query[name] for name in names if name in self.query), None)


@dataclass(frozen=True, slots=True)
class SetupRoute:
    """One row: anybody may ask, no token is needed, because nothing changes."""

    method: str
    path: str
    answer: Callable[[Asked], Response]


def query_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Query parameters by lower-case name; those given twice are not understood either way."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in pairs:
        name = name.lower()
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}
