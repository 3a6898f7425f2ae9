"""What Noé's space holds in the saved store ``record``, as its pages made it.

Documents that came by every way, one masked, one described anew, one taken away; messages read and
unread, one answered; an address for notices, a passkey, a form that was being written.
"""

import json

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mss_gateway.directory import passkeys
from mss_gateway.directory.passkeys import Relying
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.life import bringing, notices_contact
from mss_gateway.life.indexer import Indexer
from mss_gateway.life.record_indexer import RecordIndexer
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail.app import build
from tests.support import site as sites
from tests.support import xdm
from tests.support.asgi import Browser
from tests.support.authenticator import Authenticator, text
from tests.support.people import patient
from tests.support.webmail import locked, pdf, photo, signed_in

SITE = Relying("Opérateur d'essai", "mss.example", "https://mss.example")
CONTACT = "boite-12@courriel.example"
KEPT_TEXT = "Bonjour docteur, depuis lundi"
PASSKEY = "Tablette"

ARCHIVED, SAVED, EDITED, MASKED, IMPORTED = (
    "Compte rendu d'analyses",
    "Radio du poignet",
    "Vaccins de l'enfance",
    "Certificat de sport",
    "Ancienne lettre de sortie",
)
"""Titles of the five documents; a sixth, ``REMOVED``, is gone."""
REMOVED = "Photo floue"
WORD = "poignet"
"""A word of the third message and of a title."""


def fill(site: sites.Site) -> dict[str, object]:
    """A few days of Noé's; what the store does not tell by itself."""
    _written_to(site)
    app = build(site.gateway)
    noe = signed_in(app, site, site.noe)
    noe.get("/messages/recus/1")
    noe.post("/messages/recus/2/pieces/1.2/dossier", {"categorie": "DOCPAT04"})
    noe.get("/messages/recus/2/repondre")
    noe.post("/messages/recus/2/repondre", {"texte": "Merci, c'est noté."})
    site.run_queue()
    _deposited(noe)
    _imported(site)
    taken = _passkey(site)
    site.gateway.database.write(
        lambda tx: notices_contact.place(site.gateway, tx, site.noe.account_id, CONTACT, "operator")
    )
    for indexer in (RecordIndexer(site.gateway), Indexer(site.gateway)):
        indexer.run_once()
        indexer.stop()
    noe.get("/messages/recus/2/repondre")
    locked(noe, site)
    noe.post("/messages/recus/2/repondre", {"texte": KEPT_TEXT})
    return {"at": site.clock(), "passkey": taken}


def _written_to(site: sites.Site) -> None:
    """An archive, a picture with a letter, a word: three messages."""
    who = patient(1)
    subject = xdm.Subject(
        ins=who.ins,
        birth_name=who.birth_name,
        given=who.given_name,
        birth_date=who.birth_date.replace("-", ""),
        sex=who.sex,
    )
    archive = xdm.archive_of(xdm.cda_document(xdm.CdaText(subject=subject)))
    files = (
        OutgoingFile("IHE_XDM.ZIP", "application/zip", archive),
        OutgoingFile(f"{SAVED}.jpg", "image/jpeg", photo()),
    )
    for subject_line, file in zip(("Vos analyses", "Votre radio"), files, strict=True):
        raw = site.written(site.paul, site.noe, subject_line, files=(file,))
        site.deliver(site.paul, site.noe, raw)
        site.clock.advance(3600)
    raw = site.written(site.claire, site.noe, "Rendez-vous", f"Gardez le {WORD} au repos.")
    site.deliver(site.claire, site.noe, raw)


def _deposited(noe: Browser) -> None:
    """Three of Noé's own: one described anew, one masked, one taken away."""
    noe.get("/dossier/ajouter")
    paths = [
        noe.post("/dossier/ajouter", {}, files=((name, content),)).location.partition("/modifier")[
            0
        ]
        for name, content in (
            ("IMG 0007.jpg", photo("navy")),
            (f"{MASKED}.pdf", pdf()),
            (f"{REMOVED}.jpg", photo("grey")),
        )
    ]
    noe.get(paths[0] + "/modifier")
    described = {"titre": EDITED, "date": "1991-05-04", "categorie": "DOCPAT06", "revision": "0"}
    noe.post(paths[0] + "/modifier", described)
    noe.get(paths[1])
    noe.post(paths[1] + "/masquer", {"masquer": "oui"})
    noe.get(paths[2] + "/supprimer")
    noe.post(paths[2] + "/supprimer")


def _imported(site: sites.Site) -> None:
    brought = bringing.bring(
        site.gateway,
        site.noe,
        f"{IMPORTED}.pdf",
        pdf("ivory"),
        ExaminationSettings(accept_test_ins=True),
    )
    assert isinstance(brought, bringing.Brought) and brought.filed == 1


def _passkey(site: sites.Site) -> dict[str, object]:
    """A passkey of Noé's, and all that its authenticator holds, so that it can be shown again."""
    device, challenge = Authenticator(SITE.origin), b"c" * 32
    account_id = site.noe.account_id
    with site.gateway.database.read() as view:
        options = passkeys.registration_options(view, account_id, "Noé", SITE, challenge)
    answer = device.make(json.loads(options))
    site.gateway.database.write(
        lambda tx: passkeys.register(tx, account_id, answer, PASSKEY, SITE, challenge)
    )
    key = device.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {
        "key": text(key),
        "credential": text(device.credential_id),
        "handle": text(device.handle),
        "counter": device.counter,
    }
