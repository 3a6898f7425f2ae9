"""Messages that a gateway must refuse, or take with care; each is raw bytes ending in CRLF."""

import base64

from certs.cms.enveloped import make_enveloped
from certs.cms.signed import make_signed
from mss_gateway.message import smime
from tests.support import xdm
from tests.support.people import patient
from tests.support.smtp_site import (
    BERNARD,
    DUBOIS,
    LIMITS,
    MARTIN,
    Site,
    attached,
    simple,
)
from tests.support.xdm import CdaText, Subject

HIDDEN = ("N", "INVISIBLE_PATIENT")
PROGRAM = b"MZ\x90\0\x03\0\0\0" + bytes(64) + b"PE\0\0"
SCRIPT = b"#!/bin/sh\necho bonjour\n"


def of_size(octets: int, author: str = MARTIN) -> bytes:
    """A message of exactly so many octets."""
    head = simple(author, body="")[:-2]
    lines, rest = divmod(octets - len(head), 70)
    return head + b"x" * rest + b"\r\n" * 0 + (b"y" * 68 + b"\r\n") * lines


def nested(containers: int) -> bytes:
    """A text within so many multiparts."""
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'
        for n in range(containers)
    )
    closed = "".join(f"\r\n--b{n}--\r\n" for n in reversed(range(containers)))
    return f"From: <{MARTIN}>\r\nMIME-Version: 1.0\r\n{opened}\r\nBonjour.{closed}".encode()


def many_parts(parts: int) -> bytes:
    """A multipart of so many parts."""
    inside = "".join("--b\r\n\r\nx\r\n" for _ in range(parts))
    head = f'From: <{MARTIN}>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return f"{head}{inside}--b--\r\n".encode()


def looping(servers: int) -> bytes:
    """A message that passed so many servers."""
    return simple(fields="Received: by x.example; Mon, 21 Sep 2026 14:13:20 +0000\r\n" * servers)


def word_with_macros() -> bytes:
    """A .docm, whatever it is called."""
    return xdm.zip_of(
        [("[Content_Types].xml", b"<Types/>"), ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0")]
    )


def forwarded(raw: bytes) -> bytes:
    """A message enclosed in another."""
    head = (
        f"From: <{MARTIN}>\r\nSubject: Tr\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="dehors"\r\n\r\n--dehors\r\n'
        "Content-Type: message/rfc822\r\n\r\n"
    )
    return head.encode() + raw + b"--dehors--\r\n"


def xdm_message(archive: bytes, author: str = MARTIN) -> bytes:
    """A message with an IHE_XDM.ZIP."""
    return attached("IHE_XDM.ZIP", archive, author, "application/zip")


def hidden_archive() -> bytes:
    """An archive about PAT-TROIS with a document not visible to the patient."""
    return xdm.archive_of(xdm.cda_document(CdaText(confidentiality=HIDDEN)))


def other_archive() -> bytes:
    """A sound archive about somebody else."""
    return xdm.archive_of(xdm.cda_document(CdaText(subject=Subject(ins=patient(0).ins))))


def altered_archive() -> bytes:
    """An archive whose document is not the one that METADATA.XML measured and hashed."""
    content = xdm.cda_document()
    return xdm.archive([xdm.entry_for(content).with_content(content.replace(b"Rien", b"Tout"))])


def signed(site: Site, raw: bytes, signer: str = BERNARD) -> bytes:
    """Clear-signed by somebody who keeps their keys."""
    held, now = site.client_signer(signer), site.gateway.now()
    return smime.wrap_signed(raw, lambda entity: make_signed(entity, held, now))


def signed_opaque(site: Site, raw: bytes, signer: str = BERNARD) -> bytes:
    """Signed with the content inside (RFC 8551 §3.5.2)."""
    held, now = site.client_signer(signer), site.gateway.now()
    made = smime.wrap_enveloped(raw, lambda entity: make_signed(entity, held, now, detached=False))
    return made.replace(b"smime-type=enveloped-data", b"smime-type=signed-data")


def enveloped(site: Site, raw: bytes, *recipients: str) -> bytes:
    """Enveloped by the author's client."""
    certificates = [site.certificate(recipient) for recipient in recipients]
    return smime.wrap_enveloped(raw, lambda entity: make_enveloped(entity, certificates))


def refused_messages(site: Site) -> dict[str, bytes]:
    """By the name that the dialogues give them."""
    program = attached("resultats.pdf", PROGRAM, media_type="application/pdf")
    by_bernard = signed(site, simple(BERNARD))
    by_bernard_program = attached("resultats.pdf", PROGRAM, BERNARD, "application/pdf")
    return {
        "too_deep": nested(40),
        "too_many_parts": many_parts(600),
        "looping": looping(101),
        "too_big": of_size(LIMITS.message_octets + 1),
        "too_big_for_patient": of_size(LIMITS.patient_message_octets + 1),
        "program": program,
        "macros": attached("lettre.docx", word_with_macros()),
        "script": attached("lisez-moi.txt", SCRIPT, media_type="text/plain"),
        "program_in_zip": attached("photos.zip", xdm.zip_of([("photo.jpg", PROGRAM)])),
        "xdm_plain_zip": xdm_message(xdm.zip_of([("lettre.txt", b"Bonjour.")])),
        "xdm_other": xdm_message(other_archive()),
        "xdm_altered": xdm_message(altered_archive()),
        "xdm_hidden": xdm_message(hidden_archive()),
        "xdm_forwarded": forwarded(xdm_message(hidden_archive())),
        "signature_altered": by_bernard.replace(b"Bonjour.", b"Bonsoir."),
        "signature_of_other": signed(site, simple(MARTIN)),
        "signed_opaque": signed_opaque(site, simple(BERNARD)),
        "enveloped_for_client": enveloped(site, simple(), BERNARD),
        "enveloped_twice": enveloped(site, enveloped(site, simple(), DUBOIS), DUBOIS),
        "enveloped_program": enveloped(site, signed(site, by_bernard_program), DUBOIS),
    }


def claim(text: str) -> str:
    """One answer of AUTH LOGIN."""
    return base64.b64encode(text.encode()).decode("ascii")
