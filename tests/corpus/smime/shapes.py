"""MIME written by hand around the CMS of ``people``: what both sets of fixtures are made of."""

import base64

from tests.corpus.smime.people import READER, VICTIM, Person, signed_by

HONEST = b"Content-Type: text/plain; charset=utf-8\r\n\r\nLe rendez-vous est maintenu.\r\n"
FORGED_TEXT = b"Annulez le traitement du patient."
FORGED = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + FORGED_TEXT + b"\r\n"
FORGED_HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<b>" + FORGED_TEXT + b"</b>\r\n"
DATE = b"Date: Fri, 20 Nov 2026 10:30:00 +0100\r\n"


def author(person: Person) -> bytes:
    """A From field as the person's own program writes it."""
    return b"From: <" + person.address.encode("ascii") + b">\r\n"


def message(name: str, entity: bytes, fields: bytes | None = None) -> bytes:
    """A message to the reader; ``fields`` stand in place of the victim's From."""
    return b"".join(
        (
            author(VICTIM) if fields is None else fields,
            b"To: <" + READER.address.encode("ascii") + b">\r\n",
            b"Subject: " + name.encode("ascii") + b"\r\n",
            DATE,
            b"Message-ID: <" + name.encode("ascii") + b"@fixtures.mss.example>\r\n",
            b"MIME-Version: 1.0\r\n",
            entity,
        )
    )


def multipart(subtype: str, *entities: bytes, boundary: str = "limite", more: str = "") -> bytes:
    """A multipart entity."""
    mark = b"--" + boundary.encode("ascii")
    head = f'Content-Type: multipart/{subtype}; {more}boundary="{boundary}"\r\n\r\n'
    parts = b"".join(mark + b"\r\n" + entity + b"\r\n" for entity in entities)
    return head.encode("ascii") + parts + mark + b"--\r\n"


def multipart_signed(content: bytes, der: bytes, boundary: str = "signe") -> bytes:
    """Clear-signed, whoever signed what."""
    signature = (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n' + lines(der)
    )
    more = 'protocol="application/pkcs7-signature"; micalg=sha-256; '
    return multipart("signed", content, signature, boundary=boundary, more=more)


def honestly_signed(person: Person, content: bytes) -> bytes:
    """Clear-signed by ``person``."""
    return multipart_signed(content, signed_by(person, content))


def pkcs7(smime_type: str, der: bytes, *, media_type: str = "application/pkcs7-mime") -> bytes:
    """An application/pkcs7-mime entity, or one that says it is something else."""
    head = (
        f"Content-Type: {media_type}; smime-type={smime_type};\r\n"
        '\tname="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
    )
    return head.encode("ascii") + lines(der)


def html(text: str, fields: str = "") -> bytes:
    """An HTML part."""
    return (f"Content-Type: text/html; charset=utf-8\r\n{fields}\r\n{text}\r\n").encode("ascii")


def lines(octets: bytes) -> bytes:
    """Base64 by the standard library."""
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")
