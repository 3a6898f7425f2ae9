"""Two operators, as their doctors, patients and operators live with them. One story, in order."""

import email
import email.policy
import os
import signal
import smtplib
import sqlite3
import ssl
import subprocess
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from certs.certificate import from_pem, to_pem
from mss_gateway.cli.demo_space import white_list
from tests.support import two_operators
from tests.support.demo import Demo
from tests.support.two_operators import Pair, calling, desk, done, eventually, letter
from tests.support.web import Browser, Page

CLAIRE, SOPHIE = "claire.martin@mss.example", "sophie.laurent@mss.example"
PAUL, NADIA = "paul.bernard@mss.example", "nadia.benali@ville.example"
HENRI = "158069999999340@patient.ville.example"
FIRST_CONTACT = "Vous pourrez ecrire a ce professionnel des qu'il vous aura adresse"
UNTRUSTED = "Ce domaine n'appartient pas à l'espace de confiance."


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, stopped at the end and found to have drained cleanly."""
    started = two_operators.start(tmp_path_factory.mktemp("journey") / "state")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def henri(pair: Pair) -> Browser:
    """A patient of the second operator, signed in: a code of the second factor is good once."""
    visitor = Browser(pair.town.told["webmail"], pair.town.tls)
    visitor.sign_in(pair.town.accounts[HENRI.partition("@")[0]])
    return visitor


@pytest.fixture
def openssl(require_program: Callable[[str], str]) -> Callable[..., bytes]:
    """``openssl cms`` with these arguments: what it prints; it must succeed."""
    program = require_program("openssl")

    def run(*arguments: str | Path) -> bytes:
        made = subprocess.run([program, "cms", *arguments], capture_output=True, check=False)
        assert made.returncode == 0, made.stderr
        return made.stdout

    return run


def _read(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _told(raw: bytes) -> str:
    """What a person reads of a message that the service wrote, on one line."""
    text = next(part for part in _read(raw).walk() if part.get_content_type() == "text/plain")
    return " ".join(text.get_content().split())


def _subjects(operator: Demo, who: str) -> list[str]:
    with operator.imap(who) as client:
        numbers = client.search(None, "ALL")[1][0].split()
        return [
            str(_read(client.fetch(one.decode(), "(RFC822.HEADER)")[1][0][1])["Subject"])
            for one in numbers
        ]


def _page_of(visitor: Browser, subject: str) -> Page:
    """The page of a message, once it has come."""

    def look() -> Page | None:
        for page in visitor.received():
            if subject in page.text:
                return page
        return None

    return eventually(look)


def _refusal(operator: Demo, reverse_path: str, recipient: str) -> str:
    """What the MX of an operator says to the other one's server; empty when it says yes."""
    with calling(operator) as client:
        for code, line in (client.mail(reverse_path), client.rcpt(recipient)):
            if code != 250:
                return f"{code} {line.decode()}"
    return ""


def _refused_letter(operator: Demo, author: str, recipient: str) -> str:
    """The same of a whole message."""
    raw = f"From: <{author}>\r\nTo: <{recipient}>\r\nSubject: Encore moi\r\n\r\nBonjour.\r\n"
    with calling(operator) as client:
        assert client.mail(author)[0] == client.rcpt(recipient)[0] == 250
        code, line = client.data(raw.encode())
    return "" if code == 250 else f"{code} {line.decode()}"


def _verified(openssl: Callable[..., bytes], pair: Pair, raw: bytes, folder: Path) -> bytes:
    (folder / "m.eml").write_bytes(raw)
    return openssl("-verify", "-in", folder / "m.eml", "-CAfile", pair.home.told["ca_file"])


def test_professionals_of_two_operators_write_to_each_other(
    pair: Pair, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    pair.home.send("claire.martin", NADIA, letter("avis un"))
    there = pair.town.wait_for("nadia.benali", "avis un")
    pair.town.send("nadia.benali", CLAIRE, letter("Re: avis un"))
    back = pair.home.wait_for("claire.martin", "Re: avis un")

    for raw, author in ((there, CLAIRE), (back, NADIA)):
        arrived = _read(raw)
        assert arrived["X-MSS-Signature"] == "valide"
        assert arrived["X-MSS-Dechiffrement"] == "dechiffre"
        results = str(arrived["Authentication-Results"])
        assert "smime=pass" in results and f"body.smime-identifier={author}" in results
        assert "with ESMTPS" in str(arrived["Received"])
        assert b"merci de votre avis" in _verified(openssl, pair, raw, tmp_path)


def test_a_patient_writes_to_nobody_there_who_did_not_write_first(
    pair: Pair, henri: Browser
) -> None:
    form = henri.get("/messages/nouveau")
    assert "MARTIN" not in form.text
    page = henri.get("/accueil")
    assert "premier message" in page.text

    why = ("policy", "why", "--from", HENRI, "--to", CLAIRE)
    for operator in (pair.town, pair.home):
        code, told = desk(operator, *why)
        assert (code, told["reason"]) == (1, "not_yet_contacted")
    # and the other operator asks its own record, whatever this one lets through
    assert _refusal(pair.home, HENRI, CLAIRE).startswith(f"550 5.7.1 {FIRST_CONTACT}")
    assert _refusal(pair.home, HENRI, "pharmacie@mss.example") == ""


def test_a_patient_there_reads_and_answers(
    pair: Pair, henri: Browser, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    pair.home.send("claire.martin", HENRI, letter("Vos analyses", "Tout va bien."))

    page = _page_of(henri, "Vos analyses")
    assert "Dr Claire MARTIN" in page.text and "Signature vérifiée" in page.text
    assert "Tout va bien." in page.text and "Subject:" not in page.text
    assert CLAIRE not in page.body.decode()
    form = henri.get(next(iter(page.links("/repondre"))))
    assert "À Dr Claire MARTIN" in form.text
    sent = henri.submit(form, "/repondre", {"texte": "Merci docteur."})
    assert sent.status == 200, sent.text

    raw = pair.home.wait_for("claire.martin", "Re: Vos analyses")
    arrived = _read(raw)
    assert arrived["From"].addresses[0].display_name == "Henri MOREL"
    assert arrived["X-MSS-Signature"] == "valide"
    assert arrived["In-Reply-To"]
    assert b"Merci docteur." in _verified(openssl, pair, raw, tmp_path)
    assert _refusal(pair.home, HENRI, CLAIRE) == ""
    assert _refusal(pair.home, HENRI, SOPHIE).startswith(f"550 5.7.1 {FIRST_CONTACT}")
    forged = {"destinataire": SOPHIE, "objet": "Bonjour", "texte": "Forge."}
    answer = henri.submit(henri.get("/messages/nouveau"), "/nouveau", forged)
    assert (answer.status, "premier message" in answer.text) == (403, True)


def test_fin_closes_the_exchange_on_both_sides_and_a_letter_opens_it_again(
    pair: Pair, henri: Browser
) -> None:
    pair.home.send("claire.martin", HENRI, letter("[FIN]", "Fin."))
    eventually(lambda: "a mis fin" in henri.get("/messages/recus").text)
    page = _page_of(henri, "Vos analyses")
    assert "Le professionnel a mis fin à cet échange." in page.text
    assert page.links("/repondre") == []
    # who wrote lately hears it at the end of the message: it might be the retry of a former one
    eventually(lambda: "a mis fin a cet echange" in _refused_letter(pair.home, HENRI, CLAIRE))

    pair.home.send("claire.martin", HENRI, letter("De retour", "Je reste joignable."))
    page = _page_of(henri, "De retour")
    assert henri.get(next(iter(page.links("/repondre")))).tree.xpath("//textarea")
    eventually(lambda: not _refused_letter(pair.home, HENRI, CLAIRE))


def test_who_keeps_the_keys_in_their_program_opens_it_there(
    pair: Pair, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    pair.town.send("nadia.benali", PAUL, letter("Pour vous seul", "Secret, pour un seul lecteur."))

    raw = pair.home.wait_for("paul.bernard", "Message de sant")
    assert b"Secret" not in raw and b"Pour vous seul" not in raw
    paul = pair.home.accounts["paul.bernard"]
    (tmp_path / "sealed.eml").write_bytes(raw)
    key = ("-recip", paul["certificate_file"], "-inkey", paul["key_file"])
    opened = openssl("-decrypt", "-in", tmp_path / "sealed.eml", *key)
    assert b"Secret, pour un seul lecteur." in _verified(openssl, pair, opened, tmp_path)


def test_what_becomes_of_a_letter_is_told_to_its_author(pair: Pair) -> None:
    pair.home.send("claire.martin", "personne@ville.example", letter("Pour personne"))
    delivered = pair.home.send(
        "claire.martin", NADIA, letter("Avec avis"), ("NOTIFY=SUCCESS,FAILURE",)
    )

    failed = pair.home.wait_for("claire.martin", "Message non distribu")
    assert "Aucune boîte ne correspond à cette adresse." in _told(failed)
    assert b"\r\nDiagnostic-Code: smtp; 550 5.1.1 " in failed
    assert b"\r\nFinal-Recipient: rfc822; personne@ville.example\r\n" in failed
    # this one is the other operator's: it says when it is there
    report = pair.home.wait_for("claire.martin", "Message distribu")
    assert "est arrivé dans la boîte" in _told(report)
    assert b"\r\nReporting-MTA: dns; ville.example\r\n" in report
    assert b"\r\nAction: delivered\r\n" in report
    assert _read(report)["X-MSS-Signature"] == "valide"
    assert f"<{delivered}@mss.example>" in str(_read(report)["In-Reply-To"])


def test_the_same_octets_twice_are_one_letter(
    pair: Pair, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    raw = _signed_by_paul(pair, openssl, tmp_path, "Deux fois", CLAIRE, NADIA)

    refs = {_handed_over(pair.town, PAUL, NADIA, raw) for _ in range(3)}
    other = _handed_over(pair.town, PAUL, NADIA, raw.replace(b"Deux fois", b"Deux bis", 1))

    assert len(refs) == 1 and refs != {other}
    pair.town.wait_for("nadia.benali", "Deux bis")
    assert _subjects(pair.town, "nadia.benali").count("Deux fois") == 1


def _signed_by_paul(
    pair: Pair, openssl: Callable[..., bytes], folder: Path, subject: str, *to: str
) -> bytes:
    """A letter as Dr Bernard's own program signs it."""
    paul = pair.home.accounts["paul.bernard"]
    (folder / "text").write_bytes(b"Content-Type: text/plain\r\n\r\nAvis du cardiologue.\r\n")
    own, *issuers = from_pem(Path(paul["certificate_file"]).read_bytes())
    (folder / "own.pem").write_bytes(to_pem(own))
    (folder / "issuers.pem").write_bytes(to_pem(*issuers))
    keys = ("-signer", folder / "own.pem", "-certfile", folder / "issuers.pem")
    signed = openssl("-sign", "-crlfeol", "-in", folder / "text", *keys, "-inkey", paul["key_file"])
    head = f"From: {PAUL}\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\n"
    head += "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <deux@mss.example>\r\n"
    lines = [line.rstrip(b"\r") for line in signed.split(b"\n")]
    return head.encode() + b"\r\n".join(lines)


def _handed_over(operator: Demo, reverse_path: str, recipient: str, raw: bytes) -> str:
    with calling(operator) as client:
        assert client.mail(reverse_path)[0] == client.rcpt(recipient)[0] == 250
        code, line = client.data(raw)
    assert code == 250, line
    return line.decode().split()[-1]


def test_a_certificate_taken_back_here_proves_nothing_there(
    pair: Pair, openssl: Callable[..., bytes], tmp_path: Path
) -> None:
    before = _signed_by_paul(pair, openssl, tmp_path, "Encore bon", NADIA)
    _handed_over(pair.town, PAUL, NADIA, before)
    raw = pair.town.wait_for("nadia.benali", "Encore bon")
    assert _read(raw)["X-MSS-Signature"] == "valide"

    (held,) = done(pair.home, "certs", "list", "--address", PAUL)
    done(pair.home, "certs", "revoke", held["serial"], "--reason", "key-compromise")
    _tell_revoked(pair)

    after = _signed_by_paul(pair, openssl, tmp_path, "Plus bon", NADIA)
    _handed_over(pair.town, PAUL, NADIA, after)
    raw = pair.town.wait_for("nadia.benali", "Message re")
    assert _read(raw)["X-MSS-Signature"] == "revoquee"
    assert _told(raw).startswith("Le certificat de l'auteur a été révoqué.")
    # at home it goes nowhere any more
    with pair.home.submission("paul.bernard") as client:
        client.mail(PAUL)
        client.rcpt(NADIA)
        code, line = client.data(after)
    assert code == 554, line
    assert b"5.7.7" in line, line


def _tell_revoked(pair: Pair) -> None:
    """The first operator's list reaches the folder of the second: one refresh."""
    done(pair.home, "certs", "crl", "--out", str(pair.town.state / "lists" / "mss.crl"))


def test_letters_wait_for_an_operator_who_is_down(pair: Pair) -> None:
    pair.stop_town()
    waiting, kept, dropped = (
        pair.home.send("claire.martin", NADIA, letter(subject))
        for subject in ("En attente", "Mis de côté", "Retirée")
    )
    lines = eventually(lambda: _lines_of_failed(pair.home))

    assert {line["message_ref"] for line in lines} == {waiting, kept, dropped}
    assert {line["stage"] for line in lines} == {"relay"}
    (there,) = done(pair.home, "queue", "destinations")
    assert (there["domain"], there["state"]) == ("ville.example", "closed")
    assert there["last_failure"] == "peer_unreachable"
    done(pair.home, "queue", "hold", kept, "--reason", "under-inquiry")
    assert done(pair.home, "queue", "drop", dropped, "--reason", "author-asked")["items"]
    code, refused = desk(pair.home, "queue", "drop", dropped, "--reason", "mistake")
    assert code == 1 and "nothing there" in refused
    told = eventually(lambda: _newest(pair.home, "Message non distribu", "retiré ce message"))
    assert "Contactez-le pour en savoir plus." in told

    pair.start_town()
    eventually(lambda: _is_tried(pair.home, waiting))
    pair.town.wait_for("nadia.benali", "En attente")
    (left,) = done(pair.home, "queue", "list")
    assert (left["message_ref"], left["state"]) == (kept, "held")
    assert done(pair.home, "queue", "show", str(left["item"]))["message_ref"] == kept
    assert _subjects(pair.town, "nadia.benali").count("En attente") == 1


def _lines_of_failed(operator: Demo) -> list[dict[str, str]]:
    """What waits, once every line of it waits for a reason."""
    lines = done(operator, "queue", "list")
    tried = any(line["last_failure"] for line in lines)
    return lines if tried and all(line["state"] == "due" for line in lines) else []


def _failures(operator: Demo, ref: str) -> list[str]:
    """Why each item of a message still waits, as far as it was tried."""
    lines = done(operator, "queue", "list", "--state", "due")
    return [one["last_failure"] for one in lines if one["message_ref"] == ref and one["attempts"]]


def _is_tried(operator: Demo, ref: str) -> bool:
    """Whether the operator's retry found it, or it has left by itself."""
    code, _ = desk(operator, "queue", "retry", ref, "--reason", "peer-is-back")
    return code == 0 or all(one["message_ref"] != ref for one in done(operator, "queue", "list"))


def _newest(operator: Demo, subject: str, words: str) -> str:
    told = _told(operator.wait_for("claire.martin", subject))
    return told if words in told else ""


def test_a_server_whose_certificate_was_taken_back_is_nobody(pair: Pair) -> None:
    folder = pair.home.state / "tls"
    (former, *_) = from_pem((folder / "server.pem").read_bytes())
    done(pair.home, "certs", "revoke", f"{former.serial_number:x}", "--reason", "key-compromise")
    _tell_revoked(pair)

    assert "5.7.1 Votre serveur n'a pas presente de certificat valide" in _refusal(
        pair.town, CLAIRE, NADIA
    )
    # what would be refused there waits for another certificate here
    unproved = pair.home.send("claire.martin", NADIA, letter("Sans preuve"))
    assert eventually(lambda: _failures(pair.home, unproved)) == ["own_certificate"]
    pair.town.send("nadia.benali", CLAIRE, letter("Vers qui ?"))
    (line,) = eventually(lambda: _lines_of_failed(pair.town))
    assert line["last_failure"] == "destination_unproved"
    told = desk(pair.home, "doctor")[1]["checks"]
    sick = {one["check"] for one in told if not one["well"]}
    assert "certificate as a client" in sick

    for name in ("server.key", "server.pem"):
        (folder / name).rename(folder / f"former-{name}")
    names = ("--name", "mss.example", "--name", "localhost", "--ip", "127.0.0.1")
    made = done(pair.home, "certs", "issue-server", *names)
    os.kill(pair.home.process.pid, signal.SIGHUP)
    eventually(lambda: _shown_serial(pair.home) == made["serial"])
    eventually(lambda: _is_tried(pair.town, line["message_ref"]))
    pair.home.wait_for("claire.martin", "Vers qui ?")
    pair.town.wait_for("nadia.benali", "Sans preuve")
    pair.home.send("claire.martin", NADIA, letter("Avec preuve"))
    pair.town.wait_for("nadia.benali", "Avec preuve")


def _shown_serial(operator: Demo) -> str:
    """Of the certificate that the MX shows."""
    with smtplib.SMTP("localhost", operator.told["mx"]["starttls"], timeout=30) as client:
        client.starttls(context=operator.tls)
        assert isinstance(client.sock, ssl.SSLSocket)
        shown = client.sock.getpeercert()
    assert shown is not None
    return str(shown["serialNumber"]).lower().lstrip("0")


def test_a_domain_taken_off_the_white_list_is_a_stranger(pair: Pair, tmp_path: Path) -> None:
    whole, without = tmp_path / "whole.xml", tmp_path / "without.xml"
    whole.write_bytes(white_list())
    lines = [line for line in white_list().splitlines(True) if b"ville.example" not in line]
    without.write_bytes(b"".join(lines))
    (held,) = done(pair.home, "queue", "list", "--state", "held")

    changed = done(pair.home, "whitelist", "import", str(without))
    assert sorted(changed["removed"]) == ["patient.ville.example", "ville.example"]
    with pair.home.submission("claire.martin") as client:
        client.mail(CLAIRE)
        code, line = client.rcpt(NADIA)
    assert (code, line.decode()) == (
        550,
        "5.7.1 Ce domaine n'appartient pas a l'espace de confiance.",
    )
    done(pair.home, "queue", "release", held["message_ref"], "--reason", "inquiry-ended")
    eventually(lambda: _newest(pair.home, "Message non distribu", UNTRUSTED))
    assert done(pair.home, "queue", "list") == []
    assert "ne designe aucun operateur de la liste blanche" in _refusal(pair.home, NADIA, CLAIRE)

    done(pair.home, "whitelist", "import", str(whole))
    assert _refusal(pair.home, NADIA, CLAIRE) == ""
    pair.home.send("claire.martin", NADIA, letter("De nouveau"))
    pair.town.wait_for("nadia.benali", "De nouveau")


def test_a_white_list_that_nobody_confirms_stops_the_exchange_and_nothing_else(
    pair: Pair, tmp_path: Path
) -> None:
    with sqlite3.connect(pair.home.state / "store.db") as store:
        store.execute("UPDATE whitelists SET confirmed_at = confirmed_at - 73 * 3600")
    store.close()
    assert done(pair.home, "whitelist", "show")["state"] == "stale"
    with pair.home.submission("claire.martin") as client:
        client.mail(CLAIRE)
        code, line = client.rcpt(NADIA)
        assert (code, line[:6]) == (451, b"4.3.5 ")
        assert client.rcpt(SOPHIE)[0] == 250
    assert _refusal(pair.home, NADIA, CLAIRE).startswith("451 4.3.5 Liste blanche trop ancienne")

    (tmp_path / "whole.xml").write_bytes(white_list())
    done(pair.home, "whitelist", "import", str(tmp_path / "whole.xml"))
    assert _refusal(pair.home, NADIA, CLAIRE) == ""
