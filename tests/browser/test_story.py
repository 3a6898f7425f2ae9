"""A patient's whole life in the webmail of a running service, twice: with scripts and a passkey,
and without scripts. Afterwards nothing of it is readable in state, logs or metrics.

By Chromium, over TLS, with the service's threads at work: what is written to the patient comes
through the queue, the notices go to a real SMTP server, the copy of the space is made meanwhile.
"""

import asyncio
import base64
import hashlib
import io
import re
import shutil
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import structlog
import uvloop
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mailbox_store import changes, mailboxes
from mailbox_store.database import Transaction
from mss_gateway.compose.service import Service
from mss_gateway.config import Config, Listen
from mss_gateway.directory import certificates, people
from mss_gateway.directory.activation import Purpose
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.life import access, arrival
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.build import OutgoingFile
from mss_gateway.observability import log
from policies.people import Role
from policies.verdict import Permit
from tests.browser import driving
from tests.support import people as invented
from tests.support import site as sites
from tests.support import xdm
from tests.support.leaks import readable
from tests.support.plain_relay import PlainRelay, plain_relay, settings
from tests.support.served_state import free_ports
from tests.support.site import Site
from tests.support.webmail import pdf, photo

PASSWORD = "onze moulins sur la colline"
WORDS = {
    "subject": "Périarthrite canari 5512",
    "text": "Le scanner montre un granulome canari sous-cutané.",
    "rare": "granulome",
    "answer": "Merci docteur, la douleur canarienne a cessé jeudi.",
    "ownSubject": "Question zinzolin sur une posologie",
    "question": "Puis-je prendre le comprimé vermillon le matin ?",
    "title": "Échographie canari du genou",
    "titleWord": "Échographie",
    "unproved": "Doublez la prise de cachets garance dès ce soir.",
    "passkey": "Tablette canari du salon",
}
OTHER_NAME = "radio-carmin.pdf"
ELSEWHERE = "luc.garnier@ailleurs.example"
PDF_NAME, PHOTO_NAME, OWN_NAME = "irm-canari-5512.pdf", "cicatrice-canari.jpg", "scan-canari.pdf"
CLOSED = "Bonne continuation, au revoir."
PATIENTS = (("Zéphyrine", "CANARI-AZUR", 11), ("Anatole", "CANARI-BRUN", 12))


@dataclass(slots=True)
class Stage:
    """A running service, the relay of its notices, its people, and what the script was told."""

    service: Service
    site: Site
    relay: PlainRelay
    base: str
    pin: str
    metrics: int
    read: int = 0
    letters: dict[str, int] = field(default_factory=dict)

    def told(self, person: Person, contact: str, *, scripts: bool) -> dict[str, object]:
        """What the script is told of one patient, who gets a code from the operator."""
        gateway = self.service.gateway
        code, _ = access.grant_code(gateway, person, Purpose.ACTIVATION, "operator")
        return {
            "base": self.base,
            "pin": self.pin,
            "scripts": scripts,
            "login": person.address,
            "code": code,
            "password": PASSWORD,
            "contact": contact,
            "words": WORDS,
            "claire": self.site.claire.display_name(),
            "paul": self.site.paul.address,
            "pharmacy": self.site.pharmacy.display_name(),
            "pdfName": PDF_NAME,
            "photoName": PHOTO_NAME,
            "photo": base64.b64encode(photo("red")).decode(),
            "ownName": OWN_NAME,
            "own": base64.b64encode(pdf("ivory")).decode(),
            "otherName": OTHER_NAME,
            "other": base64.b64encode(pdf("crimson")).decode(),
        }

    def answer(self, person: Person, asked: dict[str, Any]) -> object:
        """What the script asks in the middle of it."""
        match asked["ask"]:
            case "code":
                self.site.clock.advance(30)
                return {"code": pyotp.TOTP(asked["secret"]).at(int(self.site.clock()))}
            case "letter":
                return {"code": self._code_sent_to(asked["to"])}
            case "write":
                return self._write_to(person)
            case "elsewhere":
                return self._unproved_to(person)
            case "arrived":
                return self._arrived(asked["for"], person)
            case "lock":
                self.site.clock.advance(60 * self.service.gateway.config.web.idle_minutes)
        return {}

    def _code_sent_to(self, address: str) -> str:
        def codes() -> list[str]:
            taken = zip(self.relay.taken, self.relay.letters, strict=True)
            texts = [letter.get_content() for each, letter in taken if each.rcpt_tos == [address]]
            return [found[0] for one in texts if (found := re.search(r"\b\d{6}\b", one))]

        eventually(codes)
        return codes()[-1]

    def _write_to(self, person: Person) -> object:
        """One professional wrote and took leave for good; another one writes now, with files."""
        site = self.site
        for subject, text in (("Bonjour", "Bonjour."), ("[FIN]", CLOSED)):
            site.send(site.paul, person, site.written(site.paul, person, subject, text))
            site.clock.advance(1)  # which of two came last is told by the millisecond
            self._has(person, 1 if subject == "Bonjour" else 2)
        files = (
            OutgoingFile(PDF_NAME, "application/pdf", pdf()),
            OutgoingFile("photo.jpg", "image/jpeg", photo()),
            OutgoingFile("IHE_XDM.ZIP", "application/zip", _archive_about(person)),
        )
        raw = site.written(site.claire, person, WORDS["subject"], WORDS["text"], files=files)
        site.send(site.claire, person, raw)
        self._has(person, 3)
        return {}

    def _unproved_to(self, person: Person) -> object:
        """A message of another operator came, whose signature proves nothing."""
        kind = 'multipart/signed; protocol="application/pkcs7-signature"; boundary="b"'
        raw = (
            f"From: Dr Luc Garnier <{ELSEWHERE}>\r\nTo: <{person.address}>\r\n"
            f"Subject: Urgent\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
            f"--b\r\n\r\n{WORDS['unproved']}\r\n--b\r\n"
            "Content-Type: application/pkcs7-signature\r\n\r\nx\r\n--b--\r\n"
        )
        to = parse_address(person.address)
        sent = Arrival(parse_address(ELSEWHERE), (to,), raw.encode(), Role.PROFESSIONAL)
        arrival.accept(self.service.gateway, sent, lambda _judged, _recipients: Permit(()))
        self._has(person, 4)
        return {}

    def _arrived(self, whom: str, author: Person) -> object:
        """The patient's message came to whom it was for."""
        recipient = {"claire": self.site.claire, "pharmacy": self.site.pharmacy}[whom]
        self._has(recipient, 1 + self.letters.get(whom, 0))
        self.letters[whom] = self.letters.get(whom, 0) + 1
        return {}

    def _has(self, person: Person, count: int) -> None:
        def has_come() -> bool:
            with self.service.gateway.database.read() as view:
                inbox = mailboxes.find(view, person.account_id, "INBOX")
                found = list(changes.rows(view, person.account_id, inbox.mailbox_id, 1, 99))
            return len(found) >= count

        eventually(has_come)


def eventually(condition: Any) -> None:
    """Wait for it, generously."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def _archive_about(person: Person) -> bytes:
    """An archive with one document about this patient."""
    traits = person.traits
    subject = xdm.Subject(
        traits.ins,
        traits.ins_oid,
        traits.family_name,
        traits.given_name,
        traits.birth_date.replace("-", ""),
        traits.sex,
    )
    return xdm.archive_of(xdm.cda_document(xdm.CdaText(subject=subject)))


def _config_of(site: Site, folder: Path, relay_port: int) -> tuple[Config, str, str]:
    """Where the service listens, where its webmail is, and what browsers know it by."""
    key = PrivateKey.generate("p256")
    today = datetime.now(UTC).replace(microsecond=0)
    made = site.authority.issue_server(["localhost"], ["127.0.0.1"], key.public_key, today, 9)
    tls = site.gateway.config.state_directory / "tls"
    tls.mkdir(exist_ok=True)
    export_for_client(key, (made, *site.authority.chain), tls / "server.key", tls / "server.pem")
    ports = free_ports()
    listen = Listen(
        submission_starttls=0,
        submission_tls=0,
        imap_starttls=0,
        imap_tls=0,
        webmail=ports["webmail"],
        metrics=ports["metrics"],
    )
    config = replace(
        site.gateway.config, listen=listen, notices=settings(relay_port, window_minutes=0)
    )
    spki = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    return config, f"https://localhost:{listen.webmail}", pin


def _patients(site: Site) -> list[Person]:
    """Two people who have a mailbox and no means of access yet."""
    made = []
    for given, family, order in PATIENTS:
        ins = invented.ins(order=500 + order)
        traits = Traits(
            given_name=given,
            family_name=family,
            ins=ins,
            ins_oid="1.2.250.1.213.1.4.10",
            ins_status="qualifiee",
            sex="F",
            birth_date="1979-03-28",
        )
        new = NewPerson(f"{ins}@{invented.PATIENT_DOMAIN}", "PAT", traits, sent_copy="server")
        key = certificates.new_key("p256")

        def unit(tx: Transaction, new: NewPerson = new, key: PrivateKey = key) -> Person:
            person = people.add(tx, new, site.gateway.config.mailboxes)
            certificates.issue(tx, site.authority, person, key, 365)
            return person

        made.append(site.gateway.database.write(unit))
    return made


def test_a_patients_whole_life_with_scripts_and_without(tmp_path: Path) -> None:
    driving.require_browser()
    logged = io.StringIO()
    log.configure(logged)
    try:
        seen, stage, people_, metrics = uvloop.run(_lived(tmp_path))
    finally:
        structlog.reset_defaults()
        sys.stderr.write(logged.getvalue())  # pytest shows it when something fails
    for scripts, found in zip((True, False), seen, strict=True):
        _judge(found, stage.site, scripts=scripts)
    _judge_notices(stage.relay)
    files = {
        f"{folder}: {path.relative_to(tmp_path / folder)}": path.read_bytes()
        for folder in ("state", "live")
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    }
    assert sum(map(len, files.values())) > 300_000
    files |= {"log": logged.getvalue().encode(), "metrics": metrics}
    assert b"mss_" in metrics and logged.getvalue()
    assert readable(_probes(people_), files) == []


async def _lived(folder: Path) -> tuple[list[dict[str, Any]], Stage, list[Person], bytes]:
    """Both lives, one after the other, while the service runs."""
    async with plain_relay() as relay:
        with sites.opened(folder) as site:
            patients = _patients(site)
            config, base, pin = _config_of(site, folder, relay.port)
        service = await asyncio.to_thread(lambda: Service(config, clock=site.clock))
        site.gateway = service.gateway
        await service.start()
        try:
            stage = Stage(service, site, relay, base, pin, config.listen.metrics)
            seen = [
                await asyncio.to_thread(_live, stage, patient, folder, scripts=order == 0)
                for order, patient in enumerate(patients)
            ]
            metrics = await asyncio.to_thread(_metrics, stage)
            await asyncio.to_thread(shutil.copytree, config.state_directory, folder / "live")
        finally:
            await service.stop()
    return seen, stage, patients, metrics


def _live(stage: Stage, person: Person, folder: Path, *, scripts: bool) -> dict[str, Any]:
    told = stage.told(person, _contact(scripts=scripts), scripts=scripts)
    return driving.converse("story.mjs", told, folder, lambda asked: stage.answer(person, asked))


def _contact(*, scripts: bool) -> str:
    return f"boite-canari-{'un' if scripts else 'deux'}@courriel.example"


def _metrics(stage: Stage) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{stage.metrics}/metrics", timeout=30) as answer:
        found: bytes = answer.read()
    return found


def _probes(patients: list[Person]) -> dict[str, bytes]:
    """What must not be readable; words are long enough not to stand somewhere by chance."""
    probes = {name: word.encode() for name, word in WORDS.items() if name != "titleWord"}
    probes |= {
        name: name.encode()
        for name in (PDF_NAME, PHOTO_NAME, OWN_NAME, OTHER_NAME, CLOSED, PASSWORD)
    }
    for person in patients:
        probes |= {
            f"INS {person.account_id}": person.traits.ins.encode(),
            f"name {person.account_id}": person.traits.family_name.encode(),
            f"given name {person.account_id}": person.traits.given_name.encode(),
        }
    probes |= {f"contact {one}": _contact(scripts=one).encode() for one in (True, False)}
    return probes


def _judge_notices(relay: PlainRelay) -> None:
    """They came, and hold nothing of the message, the document, or anybody."""
    told = b"".join(letter.as_bytes() for letter in relay.letters)
    contents = " ".join(letter.get_content() for letter in relay.letters)
    assert "nouveau message" in contents
    assert {each.rcpt_tos[0] for each in relay.taken} == {
        _contact(scripts=True),
        _contact(scripts=False),
    }
    quiet = [*WORDS.values(), PDF_NAME, OWN_NAME, "Martin", "Bernard", "Zéphyrine", "Anatole"]
    quiet += [family for _, family, _ in PATIENTS]
    for word in quiet:
        assert word.lower() not in contents.lower()
        assert readable({word: word.encode()}, {"notices": told}) == []


def _judge(seen: dict[str, Any], site: Site, *, scripts: bool) -> None:
    """What the script saw, from the first page to the last."""
    expected = [f"403 {seen['base']}/messages/nouveau"]  # the forged recipient
    assert seen["broken"] == expected, seen["forged"]
    assert seen["outside"] == seen["wide"] == seen["wrong"] == seen["said"] == []
    assert len(seen["judged"]) >= 28
    assert seen["spare"] == 10
    assert "Vous êtes déconnecté." in seen["left"] and seen["back"] == "/connexion"
    assert "boite-canari" in seen["contact"] and "Votre adresse est confirmée." in seen["contact"]
    if scripts:
        assert WORDS["passkey"] in seen["keys"]
        assert "message" in seen["live"]
    _judge_messages(seen, site)
    _judge_writing(seen)
    _judge_record(seen)


def _judge_messages(seen: dict[str, Any], site: Site) -> None:
    assert "Dr Claire MARTIN" in seen["list"] and site.claire.address not in seen["list"]
    assert "Signature vérifiée" in seen["thread"] and WORDS["text"] in seen["thread"]
    assert "Signature vérifiée" in seen["message"] and WORDS["text"] in seen["message"]
    assert seen["thumb"] > 0 and seen["sheet"] > 0
    assert seen["saved"] == "Le document est enregistré dans votre dossier."
    assert "Envoyé par\nDr Claire MARTIN" in seen["document"]
    assert (seen["fileName"], seen["digest"]) == (PDF_NAME, hashlib.sha256(pdf()).hexdigest())
    assert "Votre message est envoyé." in seen["answered"]
    assert WORDS["subject"] in seen["searched"]
    assert seen["archived"] == "C'est archivé."
    assert "Dr Claire MARTIN" in seen["archives"] and WORDS["subject"] in seen["bin"]
    assert seen["restored"] == "C'est restauré."
    assert re.search("défectueuse|n'a pas pu être vérifiée", seen["unproved"]), seen["unproved"]
    assert "Signature vérifiée" not in seen["unproved"]


def _judge_writing(seen: dict[str, Any]) -> None:
    assert "Dr Claire MARTIN" in seen["contacts"] and "BERNARD" in seen["contacts"]
    open_, _, closed = seen["offered"].partition("Dr Paul BERNARD")
    assert "Dr Claire MARTIN" in open_ and "BERNARD" not in open_
    assert "fin" in closed
    assert "premier message" in seen["forged"] or "Vous pourrez" in seen["forged"]
    assert "verrouillée" in seen["locked"] and WORDS["question"] not in seen["locked"]
    assert seen["resumed"] == seen["draft"] == WORDS["question"]
    assert seen["kept"] == "Votre brouillon est enregistré."
    assert WORDS["ownSubject"] in seen["drafts"]
    assert "Votre message est envoyé." in seen["sent"]
    assert "Vous n'avez pas de brouillon." in seen["noDrafts"]


def _judge_record(seen: dict[str, Any]) -> None:
    assert WORDS["title"] in seen["described"] and WORDS["title"] in seen["found"]
    assert "Masqué aux professionnels" in seen["masked"]
    assert seen["unmasked"] == "Le document n'est plus masqué."
    assert seen["severalName"] == "documents.zip"
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(seen["several"]))) as several:
        assert several.testzip() is None
        contents = [several.read(name) for name in several.namelist()]
    assert len(contents) == seen["chosen"] == 3
    assert {pdf(), pdf("ivory")} < set(contents)
    assert seen["removed"] == "Le document est supprimé."
    assert WORDS["title"] in seen["remaining"] and "carmin" not in seen["remaining"].lower()
    acts = ("Ajout", "Modification", "Masquage", "Fin du masquage", "Lecture", "Téléchargement")
    for act in (*acts, "Suppression"):
        assert act in seen["journal"]
    assert re.search(r"Ajout\s+Dr Claire MARTIN\s+Compte rendu", seen["others"])
    assert len(re.findall("Dr Claire MARTIN", seen["others"])) == 1
    assert "Masquage" not in seen["others"]
    assert seen["copyName"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(seen["copy"]))) as copy:
        assert copy.testzip() is None
        names = " ".join(copy.namelist())
        whole = b"".join(copy.read(name) for name in copy.namelist())
    assert "espace.json" in names and ".eml" in names
    assert WORDS["title"].encode() in whole and pdf("ivory") in whole
