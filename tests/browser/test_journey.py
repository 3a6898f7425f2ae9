"""A patient's whole visit in Chromium, on a phone's screen, with JavaScript switched off."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from mss_gateway.message.build import OutgoingFile
from tests.support.people import patient
from tests.support.site import PASSWORD, Site
from tests.support.webmail import pdf, photo

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_a_patient_reads_keeps_and_answers(site: Site, address: str, drive: Driver) -> None:
    attached = OutgoingFile("Compte rendu.pdf", "application/pdf", pdf())
    raw = site.written(
        site.claire, site.camille, "Vos résultats", "Bonjour,\nvoici.", files=(attached,)
    )
    site.deliver(site.claire, site.camille, raw)

    seen = drive(
        "journey.mjs",
        {
            "base": address,
            "login": patient(0).ins,
            "password": PASSWORD,
            "code": site.code(site.camille),
            "pdfName": attached.name,
            "photo": base64.b64encode(photo("red")).decode(),
        },
    )

    assert seen["outside"] == seen["broken"] == seen["wide"] == []
    assert "Dr Claire MARTIN" in seen["list"] and site.claire.address not in seen["list"]
    assert "Signature vérifiée" in seen["message"] and "voici." in seen["message"]
    assert seen["thumb"] > 0 and seen["sheet"] > 0
    assert seen["saved"] == "Le document est enregistré dans votre dossier."
    assert "Envoyé par\nDr Claire MARTIN" in seen["document"]
    assert seen["digest"] == hashlib.sha256(attached.content).hexdigest()
    assert seen["fileName"] == "Compte rendu.pdf"
    assert "Votre message est envoyé." in seen["sent"]
    assert "Dr Claire MARTIN" in seen["offered"] and "BERNARD" not in seen["offered"]
    assert "Compte rendu" in seen["dossier"] and "Biologie" in seen["dossier"]
    assert "Vous êtes déconnecté." in seen["left"]
    assert seen["back"] == "/connexion"
