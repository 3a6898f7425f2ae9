"""A visit: one request as a view sees it, once it is known who comes and that they may.

A route is a row of ``routes.ROUTES``; ``Visit`` is everything its view is given. Views are
synchronous: the application runs them on a thread of the bridge.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail import sessions
from mss_gateway.webmail.forms import NO_FORM, Form
from mss_gateway.webmail.frame import frame_of
from mss_gateway.webmail.headers import SCRIPTED_POLICY
from mss_gateway.webmail.preferences import DEFAULTS, Preferences
from mss_gateway.webmail.sessions import Session, State

if TYPE_CHECKING:
    from mss_gateway.webmail.live import Live
    from mss_gateway.webmail.pages import Pages

_NUMBER_DIGITS = 10


RESUMED = "reprendre"
"""The word of a query by which a form's page is shown with what was kept of the form."""

PLACE_LIMIT = 2_000
"""Characters of an address of ours that is gone back to."""

_PLACE = re.compile(r"/(?:[A-Za-z0-9._~%-][A-Za-z0-9/._~%-]*)?(?:\?[A-Za-z0-9=&%+._~-]*)?")
"""A path of this origin: one slash first, so that no other host can be meant (T45)."""


class Who(Enum):
    """Who may call a route. ``PENDING`` has given a right password and no second factor yet;
    ``GRANTED`` an operator's code; ``ENROLLING`` that and a password. ``LOCKED`` was signed in,
    and idle for too long."""

    ANYONE = "anyone"
    PENDING = "pending"
    GRANTED = "granted"
    ENROLLING = "enrolling"
    LOCKED = "locked"
    PATIENT = "patient"


class Work(Enum):
    """What a route costs: pictures and uploads have fewer turns than pages. ``LIVE`` goes on for
    as long as a page is open, and is no visit: it keeps no session awake."""

    PAGE = "page"
    PICTURE = "picture"
    UPLOAD = "upload"
    DEPOSIT = "deposit"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of THE table."""

    method: str
    path: str
    view: "View"
    who: Who
    needs_token: bool
    work: Work = Work.PAGE
    keeps_text: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether what was written is kept when its session has lapsed: whatever has files too."""
        has_files = self.work in (Work.UPLOAD, Work.DEPOSIT)
        return self.method == "POST" and (self.keeps_text or has_files)


class NotFresh(Exception):
    """A second factor must be given first; ``back`` is the page to come back to."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. ``secret`` is the cookie value from which its forms' token is made.

    ``form_secret`` is that of the form cookie, which forms open to anyone use before the sign-in
    is complete. ``browsers`` is the cookie of known browsers. ``lapsed`` is a session that is
    locked or too old, and ``holder`` whose it is. ``had_files``: a form that was kept had files.
    """

    gateway: Gateway
    pages: "Pages"
    live: "Live"
    route: Route
    path: Mapping[str, str]
    query: Mapping[str, str]
    peer: str
    secret: str
    form_secret: str
    preferences: Preferences = DEFAULTS
    form: Form = NO_FORM
    session: Session | None = None
    person: Person | None = None
    browsers: str = ""
    user_agent: str = ""
    lapsed: Session | None = None
    is_locked: bool = False
    holder: Person | None = None
    had_files: bool = False

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

    @property
    def choice_token(self) -> str:
        """What the forms of language and colours carry: they are open to anyone."""
        return sessions.form_token(self.secret if self.is_signed_in else self.form_secret)

    @property
    def place(self) -> str:
        """This page again: its path and query; home for what is no page."""
        if self.route.method != "GET":
            return "/accueil"
        kept = urlencode({name: word for name, word in self.query.items() if name != "fait"})
        return f"{self.place_of_form}?{kept}" if kept else self.place_of_form

    @property
    def place_of_form(self) -> str:
        """The path of this request, which a form and its page share."""
        return quote(self.route.path.format_map(self.path))

    def number(self, name: str) -> int:
        """A number of the path; raises Refused(MESSAGE_NOT_FOUND) when it cannot be one."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS):
            raise Refused(Failure.MESSAGE_NOT_FOUND)
        return int(text)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        """A page of ours, filled; for a patient, within their frame and kept up to date."""
        session = self.session
        if session is None or not self.is_signed_in:
            return self.pages.response(template, self, status, values)
        frame = frame_of(self.gateway, session, tells=self.route.method == "GET")
        framed = {"frame": frame, **values}
        response = self.pages.response(template, self, status, framed)
        response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
        return response


View = Callable[[Visit], Response]


def require_fresh(visit: Visit, back: str = "") -> None:
    """Raises NotFresh unless a second factor was given in the last ten minutes (T42, step-up).

    ``back`` is where to come back to then; by default the page asked for, so that a POST names one.
    """
    session = visit.session
    if session is None or not session.is_fresh(visit.gateway.clock()):
        raise NotFresh(back or visit.place)


def own_place(text: str) -> str | None:
    """The text when it is a path of these pages, and nothing else."""
    return text if len(text) <= PLACE_LIMIT and _PLACE.fullmatch(text) else None


def go_to(path: str) -> Response:
    """After a POST: look at this page (RFC 9110 §15.4.4). ``path`` is ours, never a request's."""
    return RedirectResponse(path, status_code=303)
