"""A visit: one request as a view sees it, once it is known who comes and that they may.

A route is a row of ``routes.ROUTES``; ``Visit`` is everything its view is given. Views are
synchronous: the application runs them on a thread of the bridge.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail import sessions
from mss_gateway.webmail.forms import NO_FORM, Form
from mss_gateway.webmail.sessions import Session, State

if TYPE_CHECKING:
    from mss_gateway.webmail.pages import Pages

_NUMBER_DIGITS = 10


class Who(Enum):
    """Who may call a route. ``PENDING`` has given a right password and no second factor yet."""

    ANYONE = "anyone"
    PENDING = "pending"
    PATIENT = "patient"


class Work(Enum):
    """What a route costs: pictures and uploads have fewer turns than pages."""

    PAGE = "page"
    PICTURE = "picture"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of THE table."""

    method: str
    path: str
    view: "View"
    who: Who
    needs_token: bool
    work: Work = Work.PAGE


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. ``secret`` is the cookie value from which its forms' token is made."""

    gateway: Gateway
    pages: "Pages"
    route: Route
    path: Mapping[str, str]
    query: Mapping[str, str]
    peer: str
    secret: str
    form: Form = NO_FORM
    session: Session | None = None
    person: Person | None = None

    @property
    def patient(self) -> Person:
        """The patient signed in; only for routes that ask for one."""
        if self.person is None:
            raise Refused(Failure.NOT_ALLOWED)
        return self.person

    @property
    def is_signed_in(self) -> bool:
        """Both steps of the sign-in are behind."""
        return self.session is not None and self.session.state is State.OPEN

    @property
    def token(self) -> str:
        """What every form of this page carries."""
        return sessions.form_token(self.secret)

    def number(self, name: str) -> int:
        """A number of the path; raises Refused(MESSAGE_NOT_FOUND) when it cannot be one."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
            raise Refused(Failure.MESSAGE_NOT_FOUND)
        return int(text)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page of ours, filled."""
        return self.pages.response(template, self, status, values)


View = Callable[[Visit], Response]


def go_to(path: str) -> Response:
    """After a POST: look at this page (RFC 9110 §15.4.4). ``path`` is ours, never a request's."""
    return RedirectResponse(path, status_code=303)
