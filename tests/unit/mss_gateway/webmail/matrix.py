"""How each route of the table is called by the patient whose things it names.

Whoever adds a route adds ONE line to ``ROWS``; a path that names something new adds one to
``NAMES``. ``test_matrix.py`` makes of it every route × every kind of visitor.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from mss_gateway.directory import passkeys
from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.passkeys import Relying
from mss_gateway.life import export
from mss_gateway.life.exporter import Exporter
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail.visit import Route, Who
from policies.facts import RecordAction
from tests.support.asgi import Answer, Browser
from tests.support.authenticator import Authenticator
from tests.support.site import PASSWORD, Site
from tests.support.webmail import (
    NEW_PASSWORD,
    enrolling,
    granted,
    locked,
    pdf,
    photo,
    signed_in,
    with_layout,
)

SUBJECT, TEXT, TITLE = "Objet-canari", "Texte-canari", "Titre-canari"
"""What nobody but the owner may be shown."""

CANARIES = (SUBJECT, TEXT, TITLE)


@dataclass(slots=True)
class Space:
    """A site in which Camille has received a message, and whatever else a path names."""

    site: Site
    app: ASGIApp
    owner: Browser
    _named: dict[str, str] = field(default_factory=dict)

    def name(self, name: str) -> str:
        """A value for a name in a path; the thing itself is made when it is first asked for."""
        if name in PLAIN:
            return PLAIN[name]
        if name not in self._named:
            assert name in NAMES, f"{{{name}}} wants a line in NAMES of {__name__}"
            self._named[name] = NAMES[name](self)
        return self._named[name]

    def given(self, **names: str) -> None:
        """These are there already."""
        self._named.update(names)

    def filled(self, text: str) -> str:
        """The text with every name in braces replaced."""
        for part in text.split("{")[1:]:
            name = part.partition("}")[0]
            text = text.replace(f"{{{name}}}", self.name(name))
        return text


@dataclass(frozen=True, slots=True)
class Row:
    """One route. ``answers``: the status that it has for its owner; ``action``: what it asks of the
    record; ``fields`` of a POST, in which names in braces are replaced; ``query`` of a GET;
    ``needs``: names of what its owner must have, though neither path nor fields say it."""

    answers: int
    action: RecordAction | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    needs: tuple[str, ...] = ()


PLAIN = {
    "name": "style.css",
    "box": "recus",
    "part": "1.2",
    "page": "1",
    "figure": "0",
}
"""Names in a path that stand for nothing of anybody's."""


def _message(space: Space) -> str:
    site = space.site
    files = (
        OutgoingFile(f"{TITLE}.pdf", "application/pdf", pdf()),
        OutgoingFile("photo.jpg", "image/jpeg", photo()),
    )
    raw = site.written(site.claire, site.camille, SUBJECT, TEXT, files=files)
    raw = with_layout(raw, TEXT, f"<p><b>{TEXT}</b></p>")
    site.deliver(site.claire, site.camille, raw)
    return "1"


def _document(space: Space) -> str:
    space.name("uid")
    space.owner.get("/messages/recus/1")
    kept = {"categorie": "DOCPAT05"}
    answer = space.owner.post("/messages/recus/1/pieces/1.2/dossier", kept)
    assert answer.status == 303, answer.text
    return answer.location.removeprefix("/dossier/").partition("?")[0]


def _passkey(space: Space) -> str:
    site, challenge = space.site, b"c" * 32
    relying = Relying("Essai", "mss.example", "https://mss.example")
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        asked = passkeys.registration_options(view, account_id, "Camille", relying, challenge)
    made = Authenticator(relying.origin).make(json.loads(asked))
    kept = site.gateway.database.write(
        lambda tx: passkeys.register(tx, account_id, made, TITLE, relying, challenge)
    )
    return str(kept.passkey_id)


def _draft(space: Space) -> str:
    space.owner.get("/messages/nouveau")
    written = {"objet": SUBJECT, "texte": TEXT, "acte": "brouillon"}
    answer = space.owner.post("/messages/nouveau", written)
    assert answer.status == 303, answer.text
    return answer.location.removeprefix("/messages/brouillons/").partition("?")[0]


def _thread(space: Space) -> str:
    space.name("uid")
    page = space.owner.get("/messages/recus").text
    return page.partition('href="/messages/fils/')[2].partition('"')[0].partition("?")[0]


def _copy(space: Space) -> str:
    site = space.site
    space.name("document_id")
    asked = export.ask(site.gateway, site.camille)
    exporter = Exporter(site.gateway)
    exporter.run_once()
    exporter.stop()
    return asked.export_id


NAMES: dict[str, Callable[[Space], str]] = {
    "uid": _message,
    "draft": _draft,
    "document_id": _document,
    "key": _passkey,
    "thread_id": _thread,
    "copy": _copy,
}
"""Names in a path that stand for something of somebody's: how Camille comes by one."""

_CHOSEN = {"nouveau": NEW_PASSWORD, "confirmation": NEW_PASSWORD}
_DESCRIBED = {"titre": TITLE, "date": "", "categorie": "DOCPAT05", "revision": "0"}
_LIST, _READ, _DOWNLOAD = RecordAction.LIST, RecordAction.READ, RecordAction.DOWNLOAD

# fmt: off
ROWS: dict[str, Row] = {
    "GET /": Row(303),
    "GET /static/{name}": Row(200),
    "GET /aide": Row(200),
    "POST /langue": Row(303, fields={"langue": "fr"}),
    "POST /apparence": Row(303, fields={"apparence": "clair"}),
    "GET /compte": Row(200),
    "GET /compte/notifications": Row(200),
    "POST /compte/notifications": Row(303, fields={"acte": "retirer"}),
    "GET /compte/export": Row(200, needs=("copy",)),
    "POST /compte/export": Row(303, RecordAction.EXPORT),
    "GET /compte/export/fichier": Row(200, RecordAction.EXPORT, needs=("copy",)),
    "POST /compte/export/supprimer": Row(303, fields={"copie": "{copy}"}),
    "GET /connexion": Row(303),
    "POST /connexion": Row(401, fields={"identifiant": "x", "mot_de_passe": "y"}),
    "GET /connexion/code": Row(200),
    "POST /connexion/code": Row(401, fields={"code": "000000"}),
    "POST /connexion/cle": Row(401),
    "GET /acces-perdu": Row(200),
    "POST /acces-perdu": Row(401, fields={
        "identifiant": "x", "secours": "y", "code": "000000", **_CHOSEN}),
    "GET /activation": Row(200),
    "POST /activation": Row(401, fields={"identifiant": "x", "code": "y"}),
    "GET /activation/mot-de-passe": Row(200),
    "POST /activation/mot-de-passe": Row(303, fields=_CHOSEN),
    "GET /activation/second-facteur": Row(200),
    "POST /activation/second-facteur": Row(401, fields={"code": "000000"}),
    "POST /activation/cle": Row(422),
    "GET /deverrouiller": Row(200),
    "POST /deverrouiller": Row(303, fields={"mot_de_passe": PASSWORD}),
    "POST /deverrouiller/cle": Row(401),
    "POST /deverrouiller/quitter": Row(303),
    "GET /confirmer": Row(200),
    "POST /confirmer": Row(401, fields={"code": "000000"}),
    "POST /confirmer/cle": Row(401),
    "GET /compte/securite": Row(200),
    "POST /compte/securite/evenement": Row(303),
    "POST /compte/securite/sessions": Row(303),
    "POST /compte/securite/autres-sessions": Row(303),
    "GET /compte/securite/mot-de-passe": Row(200),
    "POST /compte/securite/mot-de-passe": Row(303, fields={"mot_de_passe": PASSWORD, **_CHOSEN}),
    "POST /compte/securite/telephone/nouveau": Row(303),
    "GET /compte/securite/telephone": Row(303),
    "POST /compte/securite/telephone": Row(303),
    "POST /compte/securite/codes": Row(200),
    "GET /compte/securite/cles": Row(200),
    "POST /compte/securite/cles": Row(422),
    "POST /compte/securite/cles/{key}/retirer": Row(303),
    "POST /deconnexion": Row(303),
    "GET /accueil": Row(200, needs=("document_id",)),
    "GET /en-direct": Row(200, needs=("uid",)),
    "GET /messages/nouveau": Row(200),
    "POST /messages/nouveau": Row(422),
    "GET /messages/brouillons": Row(200, needs=("draft",)),
    "GET /messages/brouillons/{draft}": Row(200),
    "POST /messages/brouillons/{draft}": Row(303, fields={"texte": "Suite.", "acte": "brouillon"}),
    "GET /messages/brouillons/{draft}/supprimer": Row(200),
    "POST /messages/brouillons/{draft}/supprimer": Row(303),
    "GET /messages/brouillons/{draft}/documents": Row(200, _LIST, needs=("document_id",)),
    "POST /messages/brouillons/{draft}/documents":
        Row(303, _READ, {"document": "{document_id}"}),
    "GET /messages/{box}/{uid}/repondre": Row(200),
    "POST /messages/{box}/{uid}/repondre": Row(303, fields={"texte": "Merci."}),
    "GET /messages/recherche": Row(200, query="q=canari", needs=("uid",)),
    "GET /contacts": Row(200, needs=("uid",)),
    "GET /messages/fils/{thread_id}": Row(200),
    "GET /messages/corbeille/vider": Row(200),
    "POST /messages/corbeille/vider": Row(303, fields={"vu": "corbeille:1"}),
    "POST /messages/{box}/actes": Row(303, fields={"message": "{uid}", "acte": "archiver"}),
    "GET /messages/{box}": Row(200, needs=("uid",)),
    "GET /messages/{box}/{uid}": Row(200),
    "GET /messages/{box}/{uid}/forme": Row(200),
    "GET /messages/{box}/{uid}/pieces/{part}": Row(200),
    "GET /messages/{box}/{uid}/pieces/{part}/pages/{page}": Row(200),
    "GET /messages/{box}/{uid}/pieces/{part}/fichier": Row(200),
    "POST /messages/{box}/{uid}/pieces/{part}/dossier":
        Row(303, RecordAction.FILE, {"categorie": "DOCPAT05"}),
    "GET /dossier": Row(200, _LIST, query="mots=canari", needs=("document_id",)),
    "GET /dossier/ajouter": Row(200),
    "POST /dossier/ajouter": Row(422),
    "GET /dossier/journal": Row(200, RecordAction.JOURNAL, needs=("document_id",)),
    "GET /dossier/journal/fichier": Row(200, RecordAction.JOURNAL, needs=("document_id",)),
    "GET /dossier/regles": Row(200),
    "POST /dossier/regles": Row(303, RecordAction.FILE, {"de": "nobody"}),
    "POST /dossier/telecharger": Row(200, _DOWNLOAD, {"document": "{document_id}"}),
    "GET /dossier/{document_id}": Row(200, _READ),
    "GET /dossier/{document_id}/pages/{page}": Row(200, _READ),
    "GET /dossier/{document_id}/figures/{figure}": Row(404, _READ),
    "GET /dossier/{document_id}/figures/{figure}/pages/{page}": Row(404, _READ),
    "GET /dossier/{document_id}/fichier": Row(200, _DOWNLOAD),
    "GET /dossier/{document_id}/modifier": Row(200, RecordAction.EDIT),
    "POST /dossier/{document_id}/modifier": Row(303, RecordAction.EDIT, _DESCRIBED),
    "POST /dossier/{document_id}/masquer": Row(303, RecordAction.MASK, {"masquer": "oui"}),
    "GET /dossier/{document_id}/supprimer": Row(200, RecordAction.REMOVE),
    "POST /dossier/{document_id}/supprimer": Row(303, RecordAction.REMOVE),
}
# fmt: on


def key_of(route: Route) -> str:
    """The route's key in ``ROWS``."""
    return f"{route.method} {route.path}"


def row_of(route: Route) -> Row:
    """The route's row; one that is missing fails with what to do."""
    row = ROWS.get(key_of(route))
    assert row is not None, f"«{key_of(route)}» wants a line in ROWS of {__name__}"
    return row


def named(route: Route) -> set[str]:
    """What of somebody's the path of the route names."""
    return _names_in(route.path)


def wanted(route: Route) -> set[str]:
    """What its owner must have for the route to be called: in its path, its fields, or besides."""
    row = row_of(route)
    return named(route).union(row.needs, *map(_names_in, row.fields.values()))


def _names_in(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]} - set(PLAIN)


def call(browser: Browser, route: Route, space: Space, *, with_token: bool = True) -> Answer:
    """The route with the names of Camille's things, as this browser's person would call it."""
    path, row = space.filled(route.path), row_of(route)
    if route.method == "GET":
        return browser.get(f"{path}?{row.query}" if row.query else path)
    return browser.post(path, fields_of(route, space), with_token=with_token)


def fields_of(route: Route, space: Space) -> dict[str, str]:
    """The form that is sent."""
    return {name: space.filled(value) for name, value in row_of(route).fields.items()}


def owner_of(route: Route, space: Space) -> Browser:
    """Camille, come as far as the route asks for."""
    site, app = space.site, space.app
    match route.who:
        case Who.PENDING:
            browser = Browser(app)
            browser.get("/connexion")
            given = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
            browser.post("/connexion", given)
            browser.get("/connexion/code")
            return browser
        case Who.GRANTED:
            return granted(app, site, site.camille, Purpose.EVERYTHING)
        case Who.ENROLLING:
            return enrolling(app, site, site.camille, Purpose.EVERYTHING)
        case Who.LOCKED:
            return locked(signed_in(app, site, site.camille), site)
        case _:
            return space.owner
