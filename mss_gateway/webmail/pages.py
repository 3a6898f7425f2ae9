"""Templates to pages: Jinja2 with escaping always on, sentences from ``texts``, values from views.

A template holds no sentence: it says ``t("web.…")``, in the language of the visit. The blanks that
French wants before its double signs are put in here, unbreakable, because ``fr.toml`` is plain.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mss_gateway import texts
from mss_gateway.dossier.blocks import Bullets, Figure, Grid, Notes, Paragraph, Results
from mss_gateway.dossier.documents import Category
from mss_gateway.texts import Language
from mss_gateway.webmail import dates, sessions
from mss_gateway.webmail.headers import give_cookie
from mss_gateway.webmail.preferences import Preferences, speaking, spoken
from mss_gateway.webmail.visit import Visit

_BEFORE_SIGN = re.compile(r" (?=[;:?!»])")
_AFTER_GUILLEMET = re.compile(r"(?<=«) ")
_NARROW = "\u202f"
_TITLES = frozenset({"dr", "pr", "m", "mme", "mlle", "me"})

STATIC = {
    "style.css": "text/css; charset=utf-8",
    "icone.svg": "image/svg+xml",
    "passkey.js": "text/javascript; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "brouillon.js": "text/javascript; charset=utf-8",
    "depot.js": "text/javascript; charset=utf-8",
}
"""The files that pages refer to, and their types. There are no others."""

NOTICES = {
    "envoye": "web.fait_envoye",
    "classe": "web.fait_classe",
    "deja": "web.fait_deja",
    "sorti": "web.fait_sorti",
    "expire": "web.fait_expire",
    "brouillon": "acces.fait_brouillon",
    "motdepasse": "acces.fait_motdepasse",
    "secours": "acces.fait_secours",
    "session": "acces.fait_session",
    "sessions": "acces.fait_sessions",
    "telephone": "acces.fait_telephone",
    "cle": "acces.fait_cle",
    "retiree": "acces.fait_retiree",
    "derniere": "acces.fait_derniere",
    "depose": "web.fait_depose",
    "deposes": "web.fait_deposes",
    "modifie": "web.fait_modifie",
    "masque": "web.fait_masque",
    "demasque": "web.fait_demasque",
    "supprime": "web.fait_supprime",
    "rien_choisi": "web.fait_rien_choisi",
    "regle": "regles.fait",
    "copie_supprimee": "copie.supprimee",
    "archive": "echanges.fait_archive",
    "desarchive": "echanges.fait_desarchive",
    "jete": "echanges.fait_jete",
    "restaure": "echanges.fait_restaure",
    "efface": "echanges.fait_efface",
    "vide": "echanges.fait_vide",
    "nonlu": "echanges.fait_nonlu",
    "ailleurs": "echanges.fait_ailleurs",
    "aucun_message": "echanges.fait_aucun",
    "garde": "brouillon.fait_garde",
    "joint": "brouillon.fait_joint",
    "brouillon_supprime": "brouillon.fait_supprime",
}
"""What a page may say was just done: a word of the query, and its sentence."""


def sentence(key: str, *, language: Language | None = None, **values: str) -> str:
    """The sentence of a key, typeset, in the language of the visit or the one that is named."""
    language = language or spoken()
    if not values:
        return _unfilled(key, language)
    return _typeset(texts.text(key, language=language, **values), language)


@cache
def _unfilled(key: str, language: Language) -> str:
    """A sentence without fields, made once: a list says the same in each of its lines."""
    return _typeset(texts.text(key, language=language), language)


def _typeset(text: str, language: Language) -> str:
    if language is not Language.FRENCH:
        return text
    return _AFTER_GUILLEMET.sub(_NARROW, _BEFORE_SIGN.sub(_NARROW, text))


def octets(size: int) -> str:
    """A file's size for a reader: « 12 ko », « 2,4 Mo », « 2.4 MB »."""
    if size < 1_000_000:
        return sentence("web.taille_ko", nombre=str(max(1, round(size / 1000))))
    number = f"{size / 1_000_000:.1f}"
    if spoken() is Language.FRENCH:
        number = number.replace(".", ",")
    return sentence("web.taille_mo", nombre=number)


def count(number: int) -> str:
    """A whole number for a reader: « 12 408 », « 12,408 »."""
    return f"{number:,}".replace(",", _NARROW if spoken() is Language.FRENCH else ",")


def when(moment: float, now: float) -> str:
    """A moment, shorter the nearer it is: « aujourd'hui à 9 h 05 », « 3 mai 2025 »."""
    distance = dates.days_before(moment, now)
    if distance == 0:
        return sentence("web.aujourdhui", heure=dates.hour(moment, spoken()))
    if distance == 1:
        return sentence("web.hier", heure=dates.hour(moment, spoken()))
    return day(moment)


def brief(moment: float, now: float) -> str:
    """A moment for a narrow column: « 9 h 05 », « hier », « 3 mai »."""
    distance = dates.days_before(moment, now)
    if distance == 0:
        return dates.hour(moment, spoken())
    if distance == 1:
        return sentence("web.hier_bref")
    return dates.short_day(moment, now, spoken())


def full_when(moment: float) -> str:
    """« 22 novembre 2026 à 9 h 05 »."""
    return sentence("web.date_heure", jour=day(moment), heure=dates.hour(moment, spoken()))


def day(moment: float) -> str:
    """« 22 novembre 2026 »."""
    return dates.day(moment, spoken())


def initials(name: str) -> str:
    """Two letters for a name, « CM » for « Dr Claire MARTIN »; empty when it has no letter."""
    words = [word for word in name.replace("-", " ").split() if word[0].isalpha()]
    named = [word for word in words if word.rstrip(".").lower() not in _TITLES] or words
    return "".join(word[0].upper() for word in named[:2])


def category_name(category: Category) -> str:
    """What a category of documents is called."""
    return sentence(f"web.categorie_{category.value.lower()}")


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
        self._environment.tests.update({kind.__name__.lower(): _is(kind) for kind in _BLOCKS})
        self._environment.globals.update(
            t=sentence,
            octets=octets,
            when=when,
            brief=brief,
            full_when=full_when,
            day=day,
            iso=dates.iso,
            count=count,
            initials=initials,
            category_name=category_name,
            address_of={name: f"/static/{name}?v={mark}" for name, mark in marks.items()},
        )

    def response(
        self, template: str, visit: Visit, status: int, values: Mapping[str, object]
    ) -> Response:
        """A filled page for a visit."""
        notice = NOTICES.get(visit.query.get("fait", ""))
        with speaking(visit.preferences.language):
            response = self.plain(
                template,
                status,
                visit.preferences,
                {
                    "token": visit.token,
                    "person": visit.person if visit.is_signed_in else None,
                    "now": visit.gateway.clock(),
                    "operator": visit.gateway.config.site.operator,
                    "notice": None if notice is None else sentence(notice),
                    "choice_token": visit.choice_token,
                    "here_again": visit.place,
                    **values,
                },
            )
        if visit.session is None:
            give_cookie(response, sessions.FORM_COOKIE, visit.form_secret)
        return response

    def plain(
        self, template: str, status: int, wanted: Preferences, values: Mapping[str, object]
    ) -> Response:
        """A filled page that needs no visit: a failure, before anybody is known."""
        with speaking(wanted.language):
            page = self.filled(
                template, {"language": wanted.language.value, "theme": wanted.theme.value, **values}
            )
        return HTMLResponse(page, status, headers={"Content-Language": wanted.language.value})

    def filled(self, template: str, values: Mapping[str, object]) -> str:
        """A filled template, HTML or XML: its values are escaped for both."""
        return self._environment.get_template(template).render(values)


_BLOCKS = (Paragraph, Bullets, Grid, Figure, Notes, Results)
"""What a narrative is made of: ``block is grid`` in a template."""


def _is(kind: type) -> Callable[[object], bool]:
    return lambda block: isinstance(block, kind)


def _read_static(name: str) -> bytes:
    return resources.files(__package__).joinpath("static", name).read_bytes()
