"""A few weeks of an invented patient's correspondence, and an address for every page of it.

``EXAMPLES`` gives each route of the table something to show. A route without an example fails
``test_walk.py``: whoever adds a page adds a row here, and it is then walked, judged and drawn.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from mss_gateway.directory.people import Person
from mss_gateway.dossier import listing
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import arrival, drafts, record
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail.routes import ROUTES
from mss_gateway.webmail.visit import Route, Who
from policies.people import Role
from policies.verdict import Permit
from tests.support import xdm
from tests.support.people import patient
from tests.support.site import Site

OWN_TITLE = "Ordonnance de lunettes"
"""The document that the patient put in."""

LETTER = """Bonjour Madame,

Vos résultats sont bons. Le cholestérol a baissé depuis le mois de mars : continuez ainsi.

Pensez à refaire une prise de sang dans six mois, à jeun. Le compte rendu est en pièce jointe.

Bien à vous,
Dr Claire Martin"""

NARRATIVE = (
    (
        "Biochimie",
        "<table><thead><tr><th>Examen</th><th>Résultat</th><th>Référence</th></tr></thead><tbody>"
        "<tr><td>Glycémie à jeun</td><td>0,92 g/L</td><td>0,70 à 1,10</td></tr>"
        "<tr><td>Cholestérol LDL</td><td>1,34 g/L</td><td>&lt; 1,60</td></tr>"
        "<tr><td>TSH</td><td>2,1 mUI/L</td><td>0,4 à 4,0</td></tr></tbody></table>",
    ),
    ("Conclusion", "<paragraph>Bilan sans particularité.</paragraph>"),
)


def sheet(title: str) -> bytes:
    """A PDF that looks like a letter."""
    image = Image.new("RGB", (1240, 1754), "white")
    draw = ImageDraw.Draw(image)
    draw.text((120, 140), title, fill="black", font_size=52)
    for line in range(24):
        draw.rectangle(
            (120, 320 + line * 46, 1000 + (line * 53) % 120, 332 + line * 46), fill="#999"
        )
    target = io.BytesIO()
    image.save(target, "PDF", resolution=150)
    return target.getvalue()


def photo() -> bytes:
    """A picture of something."""
    image = Image.linear_gradient("L").resize((1200, 900)).convert("RGB")
    target = io.BytesIO()
    image.save(target, "JPEG")
    return target.getvalue()


def fill(site: Site) -> None:
    """A few weeks of a patient's correspondence."""
    claire, paul, camille = site.claire, site.paul, site.camille

    def write(
        author: Person, recipient: Person, subject: str, text: str, *files: OutgoingFile
    ) -> None:
        site.deliver(author, recipient, site.written(author, recipient, subject, text, files=files))

    who = patient(0)
    subject = xdm.Subject(
        ins=who.ins,
        birth_name=who.birth_name,
        given=who.given_name,
        birth_date=who.birth_date.replace("-", ""),
        sex=who.sex,
    )
    cda = xdm.cda_document(xdm.CdaText(subject=subject, sections=NARRATIVE))
    archive = OutgoingFile("IHE_XDM.ZIP", "application/zip", xdm.archive_of(cda))
    write(paul, camille, "Votre rendez-vous", "Bonjour.")
    site.clock.advance(3 * 86_400)
    write(paul, camille, "[FIN]", "Au revoir.")
    site.clock.advance(20 * 86_400)
    html = (
        site.written(claire, camille, "Conseils avant l'examen", "<p>x</p>")
        .replace(b"text/plain", b"text/html")
        .replace(
            b"<p>x</p>",
            b"<h2>Avant l'examen</h2><p>Restez <b>&agrave; jeun</b> depuis la veille.</p>"
            b"<ul><li>Apportez vos ordonnances</li><li>Venez &agrave; 8 h</li></ul>"
            b'<p><a href="https://exemple.invalid/plan">Plan d\'acc&egrave;s</a></p>',
        )
    )
    site.deliver(claire, camille, html)
    site.clock.advance(86_400)
    site.deliver(
        claire,
        camille,
        site.written(claire, camille, "XDM/1.0/DDM+Bilan sanguin", LETTER, files=(archive,)),
    )
    site.clock.advance(3_600)
    files = (
        OutgoingFile("Compte rendu du laboratoire.pdf", "application/pdf", sheet("Compte rendu")),
        OutgoingFile("cicatrice.jpg", "image/jpeg", photo()),
    )
    site.deliver(
        claire, camille, site.written(claire, camille, "Vos résultats", LETTER, files=files)
    )
    site.deliver(
        camille,
        claire,
        site.written(camille, claire, "Re: Vos résultats", "Merci docteur.", files=files[1:]),
    )
    begun = site.written(
        camille, claire, "Question sur l'ordonnance", "Bonjour docteur,", files=files[1:]
    )
    drafts.save(site.gateway, camille, begun, None)
    site.clock.advance(1_200)
    record.deposit(
        site.gateway,
        camille,
        [PlainFile(sheet("Ordonnance"), OWN_TITLE, Category.TREATMENT, None)],
    )
    _from_elsewhere(site, _signed_by_another())
    _from_elsewhere(site, "Votre examen de mardi\r\n\r\nBonjour, venez plutôt à 9 h.\r\n")


AUTHOR = "luc.garnier@ailleurs.example"


def _signed_by_another() -> str:
    """A message whose signature proves nothing."""
    kind = 'multipart/signed; protocol="application/pkcs7-signature"; boundary="b"'
    return (
        f"Résultat urgent\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
        "--b\r\n\r\nBonjour.\r\n--b\r\n"
        "Content-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--\r\n"
    )


def _from_elsewhere(site: Site, subject_and_rest: str) -> None:
    """Another operator's message, as the gateway makes it of what came."""
    to = parse_address(site.camille.address)
    fields = f"From: Dr Luc Garnier <{AUTHOR}>\r\nTo: <{to}>\r\nSubject: {subject_and_rest}"
    sent = Arrival(parse_address(AUTHOR), (to,), fields.encode(), Role.PROFESSIONAL)
    arrival.accept(site.gateway, sent, lambda _judged, _recipients: Permit(()))
    site.run_queue()


PARTS = {
    "name": "style.css",
    "box": "recus",
    "uid": "5",
    "part": "1.2",
    "page": "1",
    "figure": "0",
    "draft": "1",
    "thread_id": "2",
}
"""A value for each name in a path; ``document_id`` is that of a document that was filed."""

MORE = (
    "/messages/envoyes",
    "/messages/recus/2",
    "/messages/recus/3",
    "/messages/recus/4",
    "/messages/recus/6",
    "/messages/recus/7",
    "/messages/envoyes/1",
    "/messages/recus/1/repondre",
    "/messages/brouillons/1/documents?mots=ordonnance",
    "/messages/archives",
    "/messages/corbeille",
    "/messages/fils/1",
    "/messages/fils/2?imprimer=1",
    "/messages/recus/5?imprimer=1",
    "/contacts?q=personne",
    "/dossier?categorie=DOCPAT02",
    "/accueil?fait=envoye",
    "/n-existe-pas",
)
"""Other sights of the same routes: an HTML letter, an archive, a doubt, nothing found, a notice."""

PARTS_OF = {
    "/messages/{box}/{uid}/forme": {"uid": "3"},
}
"""Other values, for the routes that want them."""

LEADS_ON = frozenset({"/"})
"""What answers 303, as it should."""

ABSENT = frozenset(
    {
        "/n-existe-pas",
        "/dossier/{document_id}/figures/{figure}",
        "/dossier/{document_id}/figures/{figure}/pages/{page}",
        "/compte/export/fichier",
    }
)
"""What answers 404, as it should: no page, no picture in this document, no copy made yet."""

NOT_WALKED: dict[str, str] = {"/en-direct": "a stream, open for as long as its page is"}
"""Routes that no page walk can visit, by path, and why."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One address of the walk. ``who``: whose session; ``name``: of its picture."""

    name: str
    path: str
    who: str
    status: int


def stops(site: Site) -> list[Stop]:
    """Every GET of the table, filled with examples, and some more sights; raises KeyError."""
    with site.gateway.database.read() as view:
        documents = listing.documents_of(view, site.camille.account_id, Reader.PATIENT)
    own = next(one for one in documents if one.title == OWN_TITLE)
    parts = {**PARTS, "document_id": own.document_id}
    found = [
        _stop(
            route.path, route.path.format_map({**parts, **PARTS_OF.get(route.path, {})}), route.who
        )
        for route in ROUTES
        if route.method == "GET" and route.path not in NOT_WALKED
    ]
    found += [_stop(path, path, Who.PATIENT) for path in MORE]
    found += [
        _stop("/dossier/{document_id}", f"/dossier/{one.document_id}", Who.PATIENT)
        for one in documents
        if one is not own
    ]
    return found


def _stop(pattern: str, path: str, who: Who) -> Stop:
    words = "".join(one if one.isalnum() else "-" for one in path.replace("/static", ""))
    status = 404 if pattern in ABSENT else 303 if pattern in LEADS_ON else 200
    return Stop(words.strip("-") or "racine", path, who.value, status)


def gets() -> list[Route]:
    """The routes that are walked."""
    return [route for route in ROUTES if route.method == "GET"]
