"""Templates to pages: Jinja2 with escaping always on, French from ``fr.toml``, values from views.

A template holds no sentence: it says ``t("web.…")``. The blanks that French wants before its
double signs are put in here, unbreakable, because ``fr.toml`` is plain.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mss_gateway import texts
from mss_gateway.dossier.narrative import Bullets, Figure, Grid, Paragraph
from mss_gateway.webmail import dates
from mss_gateway.webmail.visit import Visit

_BEFORE_SIGN = re.compile(r" (?=[;:?!»])")
_AFTER_GUILLEMET = re.compile(r"(?<=«) ")
_NARROW = "\u202f"

STATIC = {"style.css": "text/css; charset=utf-8", "icone.svg": "image/svg+xml"}
"""The files that pages refer to, and their types. There are no others."""

NOTICES = {
    "envoye": "web.fait_envoye",
    "classe": "web.fait_classe",
    "deja": "web.fait_deja",
    "sorti": "web.fait_sorti",
    "expire": "web.fait_expire",
}
"""What a page may say was just done: a word of the query, and its sentence."""


def sentence(key: str, **values: str) -> str:
    """The French sentence of a key, typeset."""
    text = texts.text(key, **values)
    return _AFTER_GUILLEMET.sub(_NARROW, _BEFORE_SIGN.sub(_NARROW, text))


def octets(size: int) -> str:
    """A file's size for a reader: « 12 ko », « 2,4 Mo »."""
    if size < 1_000_000:
        return sentence("web.taille_ko", nombre=str(max(1, round(size / 1000))))
    return sentence("web.taille_mo", nombre=f"{size / 1_000_000:.1f}".replace(".", ","))


def when(moment: float, now: float) -> str:
    """A moment, shorter the nearer it is: « aujourd'hui à 9 h 05 », « 3 mai 2025 »."""
    distance = dates.days_before(moment, now)
    if distance == 0:
        return sentence("web.aujourdhui", heure=dates.hour(moment))
    if distance == 1:
        return sentence("web.hier", heure=dates.hour(moment))
    return dates.day(moment)


def full_when(moment: float) -> str:
    """« 22 novembre 2026 à 9 h 05 »."""
    return sentence("web.date_heure", jour=dates.day(moment), heure=dates.hour(moment))


class Pages:
    """The templates, loaded once, and the static files with the mark of their version."""

    def __init__(self) -> None:
        self.static = {name: _read_static(name) for name in STATIC}
        marks = {
            name: hashlib.sha256(content).hexdigest()[:12] for name, content in self.static.items()
        }
        self._environment = Environment(
            loader=PackageLoader("mss_gateway.webmail", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.tests.update(
            {kind.__name__.lower(): _is(kind) for kind in (Paragraph, Bullets, Grid, Figure)}
        )
        self._environment.globals.update(
            t=sentence,
            octets=octets,
            when=when,
            full_when=full_when,
            day=dates.day,
            iso=dates.iso,
            address_of={name: f"/static/{name}?v={mark}" for name, mark in marks.items()},
        )

    def response(
        self, template: str, visit: Visit, status: int, values: Mapping[str, object]
    ) -> Response:
        """A filled page for a visit."""
        notice = NOTICES.get(visit.query.get("fait", ""))
        return self.plain(
            template,
            status,
            {
                "token": visit.token,
                "person": visit.person if visit.is_signed_in else None,
                "now": visit.gateway.clock(),
                "operator": visit.gateway.config.site.operator,
                "notice": None if notice is None else sentence(notice),
                **values,
            },
        )

    def plain(self, template: str, status: int, values: Mapping[str, object]) -> Response:
        """A filled page that needs no visit: a failure, before anybody is known."""
        return HTMLResponse(self.filled(template, values), status)

    def filled(self, template: str, values: Mapping[str, object]) -> str:
        """A filled template, HTML or XML: its values are escaped for both."""
        return self._environment.get_template(template).render(values)


def _is(kind: type) -> Callable[[object], bool]:
    return lambda block: isinstance(block, kind)


def _read_static(name: str) -> bytes:
    return resources.files(__package__).joinpath("static", name).read_bytes()
