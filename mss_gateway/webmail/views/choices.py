"""« Compte », and the two choices of every visitor: language and colours (no script needed)."""

import re

from starlette.responses import Response

from mss_gateway.failures import Failure, Refused
from mss_gateway.webmail.headers import give_cookie
from mss_gateway.webmail.preferences import (
    KEPT_SECONDS,
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    language_of,
    theme_of,
)
from mss_gateway.webmail.visit import Visit, go_to

PLACE_LIMIT = 2_000
"""Characters of an address of ours that is gone back to."""

_PLACE = re.compile(r"/(?:[A-Za-z0-9._~%-][A-Za-z0-9/._~%-]*)?(?:\?[A-Za-z0-9=&%+._~-]*)?")
"""A path of this origin: one slash first, so that no other host can be meant (T45)."""


def account(visit: Visit) -> Response:
    """What concerns the person and not their health: the doors of the account."""
    return visit.page("compte.html")


def choose_language(visit: Visit) -> Response:
    """Pages speak this language to this browser from now on."""
    if language_of(visit.form.get("langue")) is None:
        raise Refused(Failure.FORM_EXPIRED, "no such language")
    return _kept(visit, LANGUAGE_COOKIE, visit.form.get("langue"))


def choose_theme(visit: Visit) -> Response:
    """Pages have these colours in this browser from now on."""
    if theme_of(visit.form.get("apparence")) is None:
        raise Refused(Failure.FORM_EXPIRED, "no such theme")
    return _kept(visit, THEME_COOKIE, visit.form.get("apparence"))


def _kept(visit: Visit, name: str, value: str) -> Response:
    place = visit.form.get("retour")
    is_ours = len(place) <= PLACE_LIMIT and _PLACE.fullmatch(place) is not None
    response = go_to(place if is_ours else "/accueil")
    # lax: whoever comes by a link from their mail sees the page as they chose it
    give_cookie(response, name, value, kept_seconds=KEPT_SECONDS, same_site="lax")
    return response
