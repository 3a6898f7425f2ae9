"""`python -m tests.browser.screens DIR`: pictures of every page with invented content, for eyes.

Not a test: whoever changes a template or the style sheet runs it and looks.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue
from mss_gateway.life import arrival
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.build import OutgoingFile
from policies.people import Role
from policies.verdict import Permit
from tests.support import site as sites
from tests.support import xdm
from tests.support.people import patient
from tests.support.site import PASSWORD, Site
from tests.support.webserver import serving

HERE = Path(__file__).parent
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
    site.clock.advance(1_200)
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


def main(out: Path) -> None:
    """Take them."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
        fill(site)
        with site.gateway.database.read() as view:
            documents = catalogue.list_documents(view, site.camille.account_id)
        with serving(site, Path(folder)) as base:
            told = {
                "chromium": shutil.which("chromium"),
                "base": base,
                "login": patient(0).ins,
                "password": PASSWORD,
                "code": site.code(site.camille),
                "out": str(out.resolve()),
                "anonymous": {
                    "connexion": "/connexion",
                    "absente": "/rien",
                    "aide-dehors": "/aide",
                },
                "pages": {
                    "accueil": "/accueil",
                    "recus": "/messages/recus",
                    "envoyes": "/messages/envoyes",
                    "message": "/messages/recus/5",
                    "message-html": "/messages/recus/3",
                    "message-xdm": "/messages/recus/4",
                    "message-fin": "/messages/recus/2",
                    "message-refuse": "/messages/recus/6",
                    "message-nu": "/messages/recus/7",
                    "piece": "/messages/recus/5/pieces/1.2",
                    "repondre": "/messages/recus/5/repondre",
                    "ecrire": "/messages/nouveau",
                    "dossier": "/dossier",
                    "document": f"/dossier/{documents[0].document_id}",
                    "aide": "/aide",
                },
            }
            subprocess.run(
                [shutil.which("node") or "node", str(HERE / "shots.mjs")],
                input=json.dumps(told).encode(),
                check=True,
                stdout=subprocess.DEVNULL,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
