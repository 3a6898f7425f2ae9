"""The vectors of NIST's Public Key Interoperability Test Suite, from PyPI's cryptography-vectors.

Here the parts of a mail are taken apart by other means than the product's: asn1crypto reads what
the CMS carries.
"""

import email
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cryptography_vectors
from asn1crypto import cms, parser
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

FOLDER = Path(cryptography_vectors.__file__).parent / "x509" / "PKITS_data"


def certificate(encoded: bytes) -> x509.Certificate | None:
    """A certificate, or None for the two with a DSA key that inherits its parameters.

    The library does not read these, and warns of negative serial numbers, of which there are two.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return x509.load_der_x509_certificate(encoded)
        except ValueError:
            return None


@cache
def anchor() -> x509.Certificate:
    """The one trust anchor of all tests."""
    found = certificate((FOLDER / "certs" / "TrustAnchorRootCertificate.crt").read_bytes())
    assert found is not None
    return found


@cache
def repository() -> tuple[x509.Certificate, ...]:
    """Every certificate of the suite but the anchor: what a directory would offer."""
    files = sorted((FOLDER / "certs").glob("*.crt"))
    found = tuple(certificate(path.read_bytes()) for path in files)
    return tuple(each for each in found if each not in (None, anchor()))


@cache
def all_lists() -> tuple[bytes, ...]:
    """Every revocation list of the suite."""
    return tuple(path.read_bytes() for path in sorted((FOLDER / "crls").glob("*.crl")))


@dataclass(frozen=True)
class Mail:
    """A signed mail: content and CMS as they travel, and what the CMS carries.

    ``end`` is the signer's certificate, None where the library does not read it.
    """

    content: bytes
    signature: bytes
    end: x509.Certificate | None
    others: tuple[x509.Certificate, ...]
    lists: tuple[bytes, ...]


@cache
def mail(name: str) -> Mail:
    """One of the 224."""
    raw = (FOLDER / "smime" / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")
    message = email.message_from_bytes(raw)
    boundary = b"--" + str(message.get_boundary()).encode()
    _, content, rest = raw.split(b"\n" + boundary + b"\n")
    part = email.message_from_bytes(rest.partition(b"\n" + boundary + b"--")[0])
    blob = part.get_payload(decode=True)
    assert isinstance(blob, bytes)
    signed = cms.ContentInfo.load(blob)["content"]
    sid = signed["signer_infos"][0]["sid"].chosen
    ends, others = [], []
    for encoded in _elements(signed["certificates"].contents):
        tbs = asn1_x509.Certificate.load(encoded)["tbs_certificate"]
        is_end = (tbs["issuer"].dump(), tbs["serial_number"].native) == (
            sid["issuer"].dump(),
            sid["serial_number"].native,
        )
        (ends if is_end else others).append(certificate(encoded))
    (end,) = ends
    readable = tuple(each for each in others if each is not None)
    lists = tuple(_elements(signed["crls"].contents))
    return Mail(content.replace(b"\n", b"\r\n"), blob, end, readable, lists)


def _elements(contents: bytes) -> Iterator[bytes]:
    """The elements of a SET OF as they are: a Certificate of asn1crypto forgets unused bits."""
    while contents:
        octets = parser.peek(contents)
        yield contents[:octets]
        contents = contents[octets:]
