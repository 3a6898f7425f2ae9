"""The demo's first message: a letter with a PDF, sent as a mail client would send it."""

import smtplib
import ssl
from datetime import UTC, datetime

from mss_gateway.config import Config
from mss_gateway.directory.people import NewPerson
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.build import Outgoing, OutgoingFile, compose
from mss_gateway.message.trace import new_message_id, new_message_ref

SUBJECT = "Compte rendu de votre consultation"
FILE_NAME = "compte-rendu-consultation.pdf"
TEXT = """\
Bonjour,

Voici le compte rendu de notre consultation. Votre tension est bien équilibrée,
nous gardons le même traitement.

Vous pouvez enregistrer ce document dans votre dossier, et me répondre ici.

Dr Claire Martin
"""

_PAGE = (
    (60, 760, 18, "Compte rendu de consultation"),
    (60, 728, 11, "Dr Claire Martin, médecin généraliste"),
    (60, 690, 12, "Motif : suivi annuel."),
    (60, 670, 12, "Examen : tension artérielle 128/78 mmHg, poids stable."),
    (60, 650, 12, "Conclusion : traitement inchangé, prochain rendez-vous dans un an."),
    (60, 600, 9, "Document de démonstration : personnes et faits inventés."),
)


def send(settings: Config, *, author: NewPerson, password: str, patient: NewPerson) -> None:
    """Submit over STARTTLS on the real port, verified against the demo's own authority."""
    context = ssl.create_default_context(
        cafile=str(settings.in_state(settings.certificates.anchors))
    )
    raw = _message(author, patient)
    with smtplib.SMTP("localhost", settings.listen.submission_starttls, timeout=30) as client:
        client.starttls(context=context)
        client.login(author.address, password)
        client.sendmail(author.address, [patient.address], raw)


def _message(author: NewPerson, patient: NewPerson) -> bytes:
    now = datetime.now(UTC)
    address = parse_address(author.address)
    ref = new_message_ref(int(now.timestamp() * 1000), b"first-mail")
    return compose(
        Outgoing(
            author=Mailbox(f"{author.traits.given_name} {author.traits.family_name}", address),
            recipients=(Mailbox("", parse_address(patient.address)),),
            subject=SUBJECT,
            text=TEXT,
            message_id=new_message_id(address.domain, ref),
            moment=now,
            files=(OutgoingFile(FILE_NAME, "application/pdf", letter()),),
        )
    )


def letter() -> bytes:
    """A one-page PDF with the lines of :data:`_PAGE` (ISO 32000-1 §7.5)."""
    drawn = "".join(
        f"BT /F1 {size} Tf {x} {y} Td ({_escaped(text)}) Tj ET\n" for x, y, size, text in _PAGE
    ).encode("cp1252")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
