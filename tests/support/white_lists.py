"""White lists for tests: written, and signed by a small signer of the tests' own (XML-DSig)."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.x509.oid import NameOID
from lxml import etree

from certs.certificate import Certificate, to_der

NAMESPACE = "https://listeblanche.mssante.fr/schema"
DS = "http://www.w3.org/2000/09/xmldsig#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def white_list(*entries: str, root: str = "", inside: str = "") -> bytes:
    """A list of these domains; an entry is a name, or a whole element."""
    lines = [
        each if each.startswith("<") else f"<Domaine><Nom>{each}</Nom></Domaine>"
        for each in entries
    ]
    body = "\n  ".join([inside, *lines] if inside else lines)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListeBlanche xmlns="{NAMESPACE}"{root}>\n'
        f"  {body}\n</ListeBlanche>\n"
    ).encode()


@dataclass(frozen=True)
class ListSigner:
    """Whoever signs lists: a key and its certificate."""

    key: Key
    certificate: Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


@cache
def list_signer(kind: str = "p256", number: int = 0) -> ListSigner:
    """A signer of that kind of key (p256, p384, p521, rsa); each number is another one."""
    curves = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
    key: Key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(curves[kind]())
    )
    return ListSigner(key, self_signed(key, f"Liste blanche {number}"))


def self_signed(key: Key, name: str, *extensions: x509.ExtensionType) -> Certificate:
    """A certificate valid for a century around now: its dates are not what is tested."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(key, hashes.SHA256())


@dataclass(frozen=True)
class Style:
    """How a list is signed; the defaults are what most programs write."""

    canonical: str = EXCLUSIVE
    transforms: Sequence[str] = (ENVELOPED, EXCLUSIVE)
    uri: str = 'URI=""'
    digest: str = SHA256
    method: str = ""
    references: int = 1
    prefixes: str = ""
    key_info: str | None = None
    beside: str = ""
    """What else stands in the Signature."""


def signed(document: bytes, signer: ListSigner, style: Style | None = None) -> bytes:
    """The document with an enveloped signature as the last child of its root."""
    style = style or Style()
    root = etree.fromstring(document)
    is_exclusive = style.transforms[-1] != INCLUSIVE and len(style.transforms) > 1
    content = c14n(root.getroottree(), exclusive=is_exclusive, prefixes=style.prefixes)
    name = style.digest.rpartition("#")[2]
    value = base64.b64encode(hashlib.new(name, content).digest()).decode()
    kind = "rsa" if isinstance(signer.key, rsa.RSAPrivateKey) else "ecdsa"
    method = style.method or f"{MORE}{kind}-sha256"
    more = f'<i:InclusiveNamespaces xmlns:i="{EXCLUSIVE}" PrefixList="{style.prefixes}"/>'
    steps = "".join(
        f'<Transform Algorithm="{each}">{more if style.prefixes and each == EXCLUSIVE else ""}'
        "</Transform>"
        for each in style.transforms
    )
    reference = (
        f"<Reference {style.uri}><Transforms>{steps}</Transforms>"
        f'<DigestMethod Algorithm="{style.digest}"/><DigestValue>{value}</DigestValue></Reference>'
    ) * style.references
    shown = base64.b64encode(to_der(signer.certificate)).decode()
    key_info = (
        f"<KeyInfo><X509Data><X509Certificate>{shown}</X509Certificate></X509Data></KeyInfo>"
        if style.key_info is None
        else style.key_info
    )
    signature = etree.fromstring(
        f'<Signature xmlns="{DS}"><SignedInfo><CanonicalizationMethod'
        f' Algorithm="{style.canonical}"/><SignatureMethod Algorithm="{method}"/>{reference}'
        f"</SignedInfo><SignatureValue/>{key_info}{style.beside}</Signature>"
    )
    root.append(signature)
    _sign(root, signature, signer, style.canonical, method)
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def _sign(
    root: etree._Element, signature: etree._Element, signer: ListSigner, how: str, method: str
) -> None:
    # read again from the whole, so that what the root declares is in scope
    whole = etree.fromstring(etree.tostring(root))
    part = whole.find(f".//{{{DS}}}SignedInfo")
    alone = etree.fromstring(etree.tostring(part, with_tail=False))
    octets = c14n(alone, exclusive=how == EXCLUSIVE)
    used = {"sha384": hashes.SHA384(), "sha512": hashes.SHA512()}.get(
        method.rpartition("-")[2], hashes.SHA256()
    )
    if isinstance(signer.key, rsa.RSAPrivateKey):
        value = signer.key.sign(octets, padding.PKCS1v15(), used)
    else:
        r, s = utils.decode_dss_signature(signer.key.sign(octets, ec.ECDSA(used)))
        size = (signer.key.key_size + 7) // 8
        value = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    place = signature.find(f"{{{DS}}}SignatureValue")
    assert place is not None
    place.text = base64.b64encode(value).decode()


def c14n(what: object, *, exclusive: bool, prefixes: str = "") -> bytes:
    written: bytes = etree.tostring(
        what,
        method="c14n",
        exclusive=exclusive,
        with_comments=False,
        inclusive_ns_prefixes=prefixes.split() or None,
    )
    return written
