"""The application: the table of routes on Starlette, each request known, checked, then answered.

Order, for every request: the session, who may, the origin and the token of a POST, the view, on a
thread of the bridge. Whatever goes wrong becomes one page with the sentence and the code of its row
in ``failures``; what is unforeseen is logged by class and place, and shown as a reference.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from mailbox_store.errors import MailboxNotFound, MessageNotFound, StoreUnavailable
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.observability import log
from mss_gateway.webmail import preferences, sessions
from mss_gateway.webmail.clientsetup.asked import (
    BODY_OCTETS,
    BODY_SECONDS,
    Asked,
    SetupRoute,
    query_of,
)
from mss_gateway.webmail.clientsetup.servers import endpoints
from mss_gateway.webmail.forms import SMALL_FORM_OCTETS, Form, read_body, read_form
from mss_gateway.webmail.headers import Headers
from mss_gateway.webmail.live import Live
from mss_gateway.webmail.pages import Pages, sentence
from mss_gateway.webmail.recognising import NEEDED, forget_form, keep_form, recognised
from mss_gateway.webmail.routes import ROUTES, SETUP
from mss_gateway.webmail.sessions import (
    BROWSERS_COOKIE,
    FORM_COOKIE,
    SESSION_COOKIE,
    State,
)
from mss_gateway.webmail.views.writing import upload_limit
from mss_gateway.webmail.visit import NotFresh, Route, Visit, Who, Work, go_to

TURNS = {Work.PAGE: 4, Work.PICTURE: 2, Work.UPLOAD: 2, Work.DEPOSIT: 2, Work.LIVE: 2}
"""Requests of a kind at the same time, within the threads that the webmail has."""

UPLOADS_READ = 8
"""Uploads being received at the same time: 8 × 26 MB in memory at most."""

_FOUND = {
    MessageNotFound: Failure.MESSAGE_NOT_FOUND,
    MailboxNotFound: Failure.MESSAGE_NOT_FOUND,
    MessageMalformed: Failure.MESSAGE_NOT_FOUND,
    StoreUnavailable: Failure.STORE_UNAVAILABLE,
}
"""What the leaves raise, as the outside is told."""


def build(gateway: Gateway) -> Starlette:
    """The webmail of a gateway, ready for a server that speaks TLS."""
    site = _Site(gateway, Pages())
    return Starlette(
        routes=[
            *(
                StarletteRoute(route.path, site.endpoint(route), methods=[route.method])
                for route in ROUTES
            ),
            *(
                StarletteRoute(route.path, site.setup_endpoint(route), methods=[route.method])
                for route in SETUP
            ),
        ],
        middleware=[Middleware(Headers)],
        exception_handlers={HTTPException: site.no_such_page},
    )


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a POST comes from a page of ours, as far as its browser tells.

    Sec-Fetch-Site decides where there is one. Else Origin must be our own; our ``no-referrer``
    makes browsers write ``null`` there, which says nothing, like its absence: then the token and
    the SameSite cookie decide alone.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin", "null")
    return origin == "null" or origin == f"https://{headers.get('host', '')}"


class _Site:
    """The gateway, its templates, and how many requests run at once."""

    def __init__(self, gateway: Gateway, pages: Pages) -> None:
        self._gateway = gateway
        self._pages = pages
        self._told = endpoints(gateway.config)
        self._turns = {work: asyncio.Semaphore(count) for work, count in TURNS.items()}
        self._uploads = asyncio.Semaphore(UPLOADS_READ)
        self._live = Live(gateway)

    def endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """What Starlette calls for a route."""
        return self._guarded(functools.partial(self._answer, route))

    def setup_endpoint(self, route: SetupRoute) -> Callable[[Request], Awaitable[Response]]:
        """The same for a question of a mail program."""
        return self._guarded(functools.partial(self._set_up, route))

    def _guarded(
        self, answering: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await answering(request)
            except HTTPException:
                raise
            except Refused as refused:
                return self._failed(request, refused.failure, refused.message_ref)
            except NotFresh as stale:
                return go_to(f"/confirmer?{urlencode({'retour': stale.back})}")
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:
                return self._unforeseen(request, error)

        return answer

    async def no_such_page(self, request: Request, error: Exception) -> Response:
        """No route, or not by this method."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._failure_page(request, status, "web.page_absente")

    async def _answer(self, route: Route, request: Request) -> Response:
        visit = self._visit(route, request)
        kept = request.cookies.get(SESSION_COOKIE, "")
        if kept:
            visit = await self._gateway.bridge.run_page(recognised, visit, kept)
        request.state.visit = visit
        barred = self._barred(request, visit, bool(kept))
        if barred is not None:
            if visit.lapsed is not None and route.is_kept and route.path in _PAGES:
                return await self._kept(visit, request)
            return barred
        if route.needs_token:
            visit = replace(visit, form=await self._posted(visit, request))
        async with self._turns[route.work]:
            return await self._gateway.bridge.run_page(_spoken_to, visit)

    async def _posted(self, visit: Visit, request: Request) -> Form:
        """The form that came, when a page of ours was shown to this browser with it."""
        if not is_same_origin(request.headers):
            raise Refused(Failure.FORM_EXPIRED)
        form = await self._form(visit.route, request)
        if not sessions.is_token_of(visit.secret, form.get("jeton")):
            raise Refused(Failure.FORM_EXPIRED)
        return form

    async def _kept(self, visit: Visit, request: Request) -> Response:
        """What was written while the session lapsed waits for its author."""
        form = await self._posted(visit, request)
        path = visit.place_of_form
        if not await self._gateway.bridge.run_page(keep_form, visit, path, form):
            return self._failure_page(request, row(Failure.FORM_EXPIRED).http, "web.session_finie")
        return go_to(f"{'/deverrouiller' if visit.is_locked else '/connexion'}?fait=brouillon")

    async def _set_up(self, route: SetupRoute, request: Request) -> Response:
        """Of the request only what it asks is read: no cookie, and a small body."""
        body = b""
        if route.method == "POST":
            body = await read_body(request, BODY_OCTETS, BODY_SECONDS)
        return route.answer(
            Asked(
                told=self._told,
                pages=self._pages,
                query=query_of(request.query_params.multi_items()),
                path=request.path_params,
                host=request.headers.get("host", ""),
                body=body,
                moment=self._gateway.now(),
            )
        )

    def _visit(self, route: Route, request: Request) -> Visit:
        """The request before anybody is known: its forms are those of the form cookie."""
        kept = request.cookies.get(FORM_COOKIE, "")
        secret = kept if sessions.is_secret(kept) else sessions.new_secret()
        return Visit(
            gateway=self._gateway,
            pages=self._pages,
            live=self._live,
            route=route,
            path=request.path_params,
            query=request.query_params,
            peer=request.client.host if request.client is not None else "",
            secret=secret,
            form_secret=secret,
            preferences=preferences.of_request(request.cookies, request.headers),
            browsers=request.cookies.get(BROWSERS_COOKIE, ""),
            user_agent=request.headers.get("user-agent", ""),
        )

    def _barred(self, request: Request, visit: Visit, had_session: bool) -> Response | None:
        """What whoever may not come here gets instead: the way in, or a refusal of their POST."""
        who, session = visit.route.who, visit.session
        if who is Who.ANYONE or (session is not None and session.state is NEEDED.get(who)):
            return None
        if visit.is_locked:
            return None if who is Who.LOCKED else _to_unlock(visit)
        if visit.route.method == "POST":
            status = row(Failure.FORM_EXPIRED).http
            return self._failure_page(request, status, "web.session_finie")
        if session is not None:
            return go_to(_WHERE[session.state])
        return go_to("/connexion?fait=expire" if had_session else "/connexion")

    async def _form(self, route: Route, request: Request) -> Form:
        if route.work not in (Work.UPLOAD, Work.DEPOSIT):
            return await read_form(request, SMALL_FORM_OCTETS)
        if self._uploads.locked():
            raise Refused(Failure.SERVICE_BUSY)
        async with self._uploads:
            config = self._gateway.config
            limit = upload_limit(config.limits.patient_message_octets)
            if route.work is Work.DEPOSIT:
                limit = config.dossier.deposit_octets + SMALL_FORM_OCTETS
            return await read_form(request, limit)

    def _unforeseen(self, request: Request, error: Exception) -> Response:
        for kind, failure in _FOUND.items():
            if isinstance(error, kind):
                return self._failed(request, failure, None)
        message_ref = self._gateway.new_ref()
        log.bug("webmail", error, channel="webmail", message_ref=message_ref)
        return self._failed(request, Failure.BUG, message_ref)

    def _failed(self, request: Request, failure: Failure, message_ref: str | None) -> Response:
        printed, again = row(failure), ""
        visit = getattr(request.state, "visit", None)
        if isinstance(visit, Visit) and visit.route.method == "POST" and failure in _SENT_AGAIN:
            again = visit.place_of_form if visit.route.path in _PAGES else ""
        return self._failure_page(request, printed.http, printed.text, message_ref or "", again)

    def _failure_page(
        self, request: Request, status: int, key: str, message_ref: str = "", again: str = ""
    ) -> Response:
        """What went wrong, and the way on: a patient who is signed in keeps their rubrics.

        ``again`` is the form's page, for what may be sent otherwise.
        """
        wanted = preferences.of_request(request.cookies, request.headers)
        said = sentence(key, language=wanted.language)
        values = {"said": said, "message_ref": message_ref, "again": again}
        visit = getattr(request.state, "visit", None)
        if isinstance(visit, Visit) and visit.is_signed_in:
            return self._pages.response("echec.html", visit, status, values)
        return self._pages.plain(
            "echec.html", status, wanted, {"person": None, "notice": None, **values}
        )


_PAGES = frozenset(route.path for route in ROUTES if route.method == "GET")
"""Where a form that was kept can be shown again: at the path to which it is sent."""

_SENT_AGAIN = frozenset(
    {
        Failure.MESSAGE_TOO_BIG,
        Failure.DOCUMENT_NOT_TAKEN,
        Failure.FORM_EXPIRED,
        Failure.SERVICE_BUSY,
        Failure.STORE_UNAVAILABLE,
    }
)
"""What leads back to the form: it is about what was sent, or about the moment."""

_WHERE = {
    State.PENDING: "/connexion/code",
    State.GRANTED: "/activation/mot-de-passe",
    State.ENROLLING: "/activation/second-facteur",
    State.OPEN: "/accueil",
}
"""Where somebody belongs who came to a page that is not theirs (yet)."""


def _to_unlock(visit: Visit) -> Response:
    back = visit.place if visit.route.method == "GET" else "/accueil"
    return go_to(f"/deverrouiller?{urlencode({'retour': back})}")


def _spoken_to(visit: Visit) -> Response:
    """The view's answer, whatever it says in the language of the visit."""
    with preferences.speaking(visit.preferences.language):
        response = visit.route.view(visit)
    if visit.route.is_kept and response.status_code == 303:
        forget_form(visit, visit.place_of_form)
    return response
