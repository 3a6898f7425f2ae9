"""Every route of the table × everybody who may come: anonymous, the owner, another patient, a
professional, the operator (T43). What documents answer is what ``policies.records.RIGHTS`` says;
whatever is answered has its headers (T41).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette

from mailbox_store.database import Transaction
from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.people import Person
from mss_gateway.dossier import listing
from mss_gateway.dossier.documents import Category, Document
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.dossier.listing import Reader
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.life import bringing, record
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail import sessions
from mss_gateway.webmail.headers import STRICT
from mss_gateway.webmail.routes import ROUTES
from mss_gateway.webmail.sessions import SESSION_COOKIE, Beginning, State
from mss_gateway.webmail.visit import Route, Who
from policies import decide
from policies.facts import RecordAction
from policies.people import Role
from policies.records import HIDDEN_FROM_PATIENT, RIGHTS, Condition
from tests.support import copies, xdm
from tests.support.asgi import Answer, Browser
from tests.support.people import patient
from tests.support.site import PASSWORD, Site
from tests.support.webmail import granted, pdf, signed_in
from tests.unit.mss_gateway.webmail import matrix
from tests.unit.mss_gateway.webmail.matrix import (
    Space,
    call,
    key_of,
    named,
    owner_of,
    row_of,
    wanted,
)

IDS = [key_of(route) for route in ROUTES]
LOGS = frozenset({"audit", "sqlite_sequence", "web_sessions", "security_events"})
"""Tables that say who came: a visit that is refused may be told of there."""

DONE = frozenset({200, 303, 422})


@pytest.fixture
def space(site: Site, app: Starlette, camille: Browser) -> Space:
    """Camille's, with nothing in it but what is asked for."""
    return Space(site, app, camille)


def kept(site: Site, account_id: int | None = None) -> dict[str, str]:
    """A digest of each table, but for the logs; with ``account_id``, of this account's rows."""
    found = {}
    with site.gateway.database.read() as view:
        for (name,) in view.sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = {each[1] for each in view.sql(f"PRAGMA table_info({name})").fetchall()}
            if name in LOGS or (account_id is not None and not columns & set(_OWNED)):
                continue
            whose, given = "", ()
            if account_id is not None:
                whose = f" WHERE {next(_OWNED[each] for each in _OWNED if each in columns)}"
                given = (account_id,)
            rows = sorted(map(repr, view.sql(f"SELECT * FROM {name}{whose}", given).fetchall()))
            found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


_OWNED = {
    "account_id": "account_id = ?",
    "mailbox_id": "mailbox_id IN (SELECT mailbox_id FROM mailboxes WHERE account_id = ?)",
}


def is_shown(answer: Answer) -> bool:
    """Whether the answer holds anything of the owner's."""
    return any(canary.encode() in answer.content for canary in matrix.CANARIES)


def unsigned(space: Space) -> Browser:
    """Somebody who did not sign in."""
    browser = Browser(space.app)
    browser.get("/connexion")
    return browser


def forged(space: Space, person: Person) -> Browser:
    """Somebody who is no patient, even with an open session that nobody would give them."""
    browser, site = unsigned(space), space.site
    given = {"identifiant": person.address, "mot_de_passe": PASSWORD}
    assert browser.post("/connexion", given).status == 403
    assert SESSION_COOKIE not in browser.cookies

    def unit(tx: Transaction) -> str:
        beginning = Beginning(State.OPEN, stepped_up_at=int(site.clock()))
        return sessions.begin(tx, person.account_id, beginning, site.gateway.config.web)

    browser.cookies[SESSION_COOKIE] = site.gateway.database.write(unit)
    return browser


@dataclass(frozen=True, slots=True)
class Visitor:
    """A kind of people who are not the owner. ``standing``: the routes that their session is for;
    ``lead``: where a page of others sends them."""

    come: Callable[[Space], Browser]
    standing: frozenset[Who]
    lead: str


VISITORS = {
    "anonymous": Visitor(unsigned, frozenset({Who.ANYONE}), "/connexion"),
    "professional": Visitor(
        lambda space: forged(space, space.site.claire), frozenset({Who.ANYONE}), "/connexion"
    ),
    "pharmacy": Visitor(
        lambda space: forged(space, space.site.pharmacy), frozenset({Who.ANYONE}), "/connexion"
    ),
    "operator": Visitor(
        lambda space: granted(space.app, space.site, space.site.camille, Purpose.EVERYTHING),
        frozenset({Who.ANYONE, Who.GRANTED}),
        "/activation/mot-de-passe",
    ),
    "other patient": Visitor(
        lambda space: signed_in(space.app, space.site, space.site.noe),
        frozenset({Who.ANYONE, Who.PATIENT}),
        "/accueil",
    ),
}
"""The operator is the worst one: with a code of their own making for this very patient, which the
patient is told of."""


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(IDS) - set(matrix.ROWS) == set(), "each wants a line in ROWS of matrix.py"
    assert set(matrix.ROWS) - set(IDS) == set(), "no longer in the table of routes"
    spoken = {name for route in ROUTES for name in wanted(route)}
    assert spoken == set(matrix.NAMES)


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_everybody_gets_what_is_theirs_and_nothing_else(route: Route, space: Space) -> None:
    site, expected = space.site, row_of(route)
    for name in sorted(wanted(route)):
        space.name(name)
    browsers = {who: one.come(space) for who, one in VISITORS.items()}
    for who, visitor in VISITORS.items():
        owned, everything = kept(site, site.camille.account_id), kept(site)
        answer = call(browsers[who], route, space)
        assert not is_shown(answer) or route.who is Who.ANYONE, who
        if route.who not in visitor.standing:
            assert answer.status == (303 if route.method == "GET" else 403), who
            assert answer.location.startswith(visitor.lead if route.method == "GET" else ""), who
            assert kept(site) == everything, who
        elif route.who is Who.PATIENT and named(route):
            assert answer.status == 404, who
            assert kept(site) == everything, who
        else:
            refusals = {401, 403} if route.who is Who.ANYONE else {404}
            assert answer.status in {*DONE, *refusals, expected.answers}, who
            assert route.who is Who.GRANTED or kept(site, site.camille.account_id) == owned, who
    owner, asked = owner_of(route, space), list[RecordAction]()
    rules = decide.at_read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "at_read", lambda facts: asked.append(facts.action) or rules(facts))
        answer = call(owner, route, space)
    assert answer.status == expected.answers, answer.text
    assert expected.action is None or expected.action in asked, "what ROWS says that it asks"
    _is_dressed(route, answer)


def _is_dressed(route: Route, answer: Answer) -> None:
    """Every header that every answer has (T41)."""
    for name, value in STRICT.items():
        if name not in ("Content-Security-Policy", "Cache-Control", "X-Frame-Options"):
            assert answer.header(name) == value
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert "frame-ancestors 'none'" in policy or route.path.endswith("/forme")
    if "static" not in route.path:
        assert answer.header("cache-control") == "no-store"


SEVERAL = "POST /dossier/telecharger"
DESCRIBED, OWN, OWN_DESCRIBED, MASKED, HIDDEN = "received", "own", "own CDA", "masked", "hidden"
KINDS = (DESCRIBED, OWN, OWN_DESCRIBED, MASKED, HIDDEN)
OF_DOCUMENTS = sorted(
    (route for route in ROUTES if "document_id" in named(route) or key_of(route) == SEVERAL),
    key=lambda one: (one.path.endswith("/supprimer"), one.method == "POST"),
)
"""What asks something of one document, its end last."""


def _about_camille(**changes: object) -> bytes:
    who = patient(0)
    subject = xdm.Subject(
        ins=who.ins,
        birth_name=who.birth_name,
        given=who.given_name,
        birth_date=who.birth_date.replace("-", ""),
        sex=who.sex,
    )
    return xdm.cda_document(xdm.CdaText(subject=subject, **changes))  # type: ignore[arg-type]


def _put(space: Space, kind: str) -> Document:
    """A document of this kind in Camille's record."""
    site, account_id = space.site, space.site.camille.account_id
    settings = ExaminationSettings(accept_test_ins=True)
    if kind in (OWN, MASKED):
        record.deposit(
            site.gateway, site.camille, [PlainFile(pdf(), matrix.TITLE, Category.REPORT, None)]
        )
    elif kind == OWN_DESCRIBED:
        file = OutgoingFile("lettre.xml", "text/xml", _about_camille(title=matrix.TITLE))
        raw = site.written(site.claire, site.camille, "Objet", files=(file,))
        site.deliver(site.claire, site.camille, raw)
        space.owner.get("/messages/recus/1")
        space.owner.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    else:
        codes = ("N", HIDDEN_FROM_PATIENT) if kind == HIDDEN else ("N",)
        content = _about_camille(title=matrix.TITLE, confidentiality=codes)
        bringing.bring(site.gateway, site.camille, "A.ZIP", xdm.archive_of(content), settings)
    with site.gateway.database.read() as view:
        reader = Reader.OPERATOR if kind == HIDDEN else Reader.PATIENT
        (found,) = listing.documents_of(view, account_id, reader)
    if kind == MASKED:
        return record.mask(site.gateway, site.camille, found.document_id, is_masked=True)
    return found


def _is_met(kind: str, condition: Condition | None) -> bool:
    if kind == HIDDEN or condition is None:
        return False
    fitting = {
        Condition.ANY: KINDS,
        Condition.OWN: (OWN, OWN_DESCRIBED, MASKED),
        Condition.OWN_WORDS: (OWN, MASKED),
    }
    return kind in fitting[condition]


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_answers_as_the_rights_say(kind: str, space: Space) -> None:
    found = _put(space, kind)
    space.given(document_id=found.document_id)
    for route in OF_DOCUMENTS:
        row_ = row_of(route)
        assert row_.action is not None, f"{key_of(route)} asks something of the record"
        before = kept(space.site)
        answer = call(space.owner, route, space)
        if _is_met(kind, RIGHTS[Role.PATIENT].get(row_.action)):
            is_picture = route.path.endswith(("{page}", "{figure}"))  # a CDA has none
            assert answer.status in {row_.answers, 404 if is_picture else row_.answers}
            continue
        refused = Failure.DOCUMENT_NOT_FOUND if kind == HIDDEN else Failure.DOCUMENT_OF_ANOTHER
        after = kept(space.site)
        if key_of(route) == SEVERAL:
            assert answer.location == "/dossier?fait=rien_choisi"
        else:
            assert answer.status == row(refused).http, key_of(route)
        assert not is_shown(answer)
        assert {name for name in before if before[name] != after[name]} <= {"record_journal"}


TELLING = (
    "GET /accueil",
    "GET /dossier",
    "GET /dossier/journal",
    "GET /dossier/journal/fichier",
    "GET /messages/brouillons/{draft}/documents",
    "GET /messages/recherche",
    "GET /messages/fils/{thread_id}",
    "GET /compte/export/fichier",
)
"""Pages that list, find or tell of what is in a space."""


def test_no_page_tells_of_what_is_hidden(space: Space) -> None:
    site, hidden = space.site, _put(space, HIDDEN)
    raw = site.written(site.claire, site.camille, matrix.SUBJECT, matrix.TEXT)
    site.deliver(site.claire, site.camille, raw)
    space.given(document_id=hidden.document_id, uid="1")
    told = [space.owner.get("/dossier/journal?cote=autres").content]
    for route in (one for one in ROUTES if key_of(one) in TELLING):
        for name in sorted(wanted(route)):
            space.name(name)
        answer = call(space.owner, route, space)
        assert answer.status == 200, key_of(route)
        is_copy = route.path.endswith("export/fichier")
        told += copies.unpacked(answer.content).entries.values() if is_copy else [answer.content]
    assert len(told) > len(TELLING)
    for secret in (matrix.TITLE, hidden.document_id):
        assert not any(secret.encode() in one for one in told)


@pytest.mark.parametrize("action", RecordAction, ids=lambda one: one.value)
def test_a_record_is_open_to_whom_the_rights_list_and_to_its_own_patient(
    action: RecordAction, site: Site
) -> None:
    for actor in (site.claire, site.paul, site.pharmacy, site.noe):
        with pytest.raises(Refused) as refused:
            record.permit(site.gateway, actor, site.camille.account_id, action)
        assert refused.value.failure is Failure.DOCUMENT_NOT_FOUND
        assert actor.role is Role.PATIENT or actor.role not in RIGHTS
    if RIGHTS[Role.PATIENT][action] is Condition.ANY:
        record.permit(site.gateway, site.camille, site.camille.account_id, action)
