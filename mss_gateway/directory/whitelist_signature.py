"""The enveloped XML-DSig signature of a white list. Verified here, never made (decision 0017).

One signature, directly below the root; one reference, to the whole document; no transform but the
removal of the signature and canonical XML. What a caller gets are the very octets that the digest
covers, to be parsed anew: nothing that was not signed can be read, wherever it was moved.

Never run on octets that :func:`whitelist_xml.parse` has not gone through first: its bounds are
what keeps the tree small.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from certs import xmldsig
from certs.certificate import Certificate, fingerprint, to_der
from certs.errors import DerMalformed, SignatureReason, SignatureRejected
from certs.usage import Usage, key_usage
from mss_gateway.directory.whitelist_xml import WhitelistRefused, utf8

_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_PREFIXES: Final = f"{{{_EXCLUSIVE}}}InclusiveNamespaces"
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"


class WhitelistUnproved(WhitelistRefused):
    """The list does not bear the signature that it must bear; the text says why."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose signature it is (SHA-256 of the certificate), and the octets that it covers."""

    fingerprint: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Canonical:
    """A way of writing XML: exclusive or not, and the prefixes that are kept nonetheless."""

    is_exclusive: bool
    prefixes: tuple[str, ...] = ()

    def octets(self, what: "etree._Element | etree._ElementTree") -> bytes:
        written: bytes = etree.tostring(
            what,
            method="c14n",
            exclusive=self.is_exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(self.prefixes) or None,
        )
        return written


@dataclass(frozen=True, slots=True)
class _Reference:
    """What SignedInfo says of the document."""

    canonical: _Canonical
    digest_method: str
    digest: bytes


def verify(document: bytes, signers: Sequence[Certificate], at: datetime) -> Signed:
    """The signature of ``document`` by one of ``signers``, at ``at`` (aware).

    The signers are believed because the operator named them: no path is built, but each must be
    within its validity and made for signing. A certificate that the signature shows must be one
    of them. Raises :class:`WhitelistRefused`.
    """
    root = _tree(document)
    signature = _signature(root)
    signed, value, *rest = _children(signature, ("SignedInfo", "SignatureValue"), ("KeyInfo",))
    canonical, method, reference = _children(
        signed, ("CanonicalizationMethod", "SignatureMethod", "Reference")
    )
    told = _reference(reference)
    signer = _signer(
        _candidates(signers, rest, at),
        method.get("Algorithm", ""),
        _base64(value),
        _alone(signed, _canonical(canonical)),
    )
    content = _without(signature, told.canonical)
    try:
        found = xmldsig.digest(told.digest_method, content)
    except SignatureRejected as error:
        raise WhitelistUnproved(f"its signature is refused ({_words(error)})") from None
    if found != told.digest:
        raise WhitelistUnproved("it was altered after it was signed")
    return Signed(fingerprint(signer), content)


def content_of(document: bytes) -> bytes:
    """The octets that the signature of a document covers, which was verified when it came in."""
    signature = _signature(_tree(document))
    signed, *_ = _children(signature, ("SignedInfo", "SignatureValue"), ("KeyInfo",))
    *_, reference = _children(signed, ("CanonicalizationMethod", "SignatureMethod", "Reference"))
    return _without(signature, _reference(reference).canonical)


def _tree(document: bytes) -> etree._Element:
    try:
        root = etree.fromstring(utf8(document), _parser())
    except (etree.XMLSyntaxError, ValueError):
        raise WhitelistUnproved("it is not well-formed XML") from None
    seen = root.getroottree().docinfo
    if seen.internalDTD is not None or seen.externalDTD is not None:
        raise WhitelistUnproved("a DOCTYPE is refused")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        remove_comments=True,  # no canonical form here has them
    )


def _signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(f"{_DS}Signature"))
    if not found:
        raise WhitelistUnproved("it bears no signature, and whitelist.signer asks for one")
    if len(found) > 1:
        raise WhitelistUnproved("it bears several signatures")
    if found[0].getparent() is not root:
        raise WhitelistUnproved("its signature is not directly below its root")
    return found[0]


def _children(
    parent: etree._Element, wanted: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[etree._Element]:
    """The children of an element of the signature: those wanted, in order, then optional ones."""
    found = list(parent)
    names = [each.tag for each in found]
    expected = [_DS + name for name in wanted]
    more = names[len(expected) :]
    if names[: len(expected)] != expected or more not in (
        [],
        [_DS + name for name in optional],
    ):
        name = etree.QName(parent).localname
        raise WhitelistUnproved(f"its signature has another shape than it may have ({name})")
    return found


def _reference(reference: etree._Element) -> _Reference:
    if list(reference.attrib.items()) != [("URI", "")]:
        raise WhitelistUnproved("its signature does not cover the whole document")
    transforms, method, value = _children(reference, ("Transforms", "DigestMethod", "DigestValue"))
    steps = list(transforms)
    named = [each.get("Algorithm") for each in steps]
    if any(each.tag != f"{_DS}Transform" for each in steps) or named[:1] != [_ENVELOPED]:
        raise WhitelistUnproved("its signature is not an enveloped one")
    if len(steps[0]) or len(steps) > 2:
        raise WhitelistUnproved("its signature asks for transforms that are refused")
    canonical = _canonical(steps[1]) if len(steps) == 2 else _Canonical(is_exclusive=False)
    return _Reference(canonical, method.get("Algorithm", ""), _base64(value))


def _canonical(element: etree._Element) -> _Canonical:
    method = element.get("Algorithm")
    if method == _INCLUSIVE and not len(element):
        return _Canonical(is_exclusive=False)
    inside = list(element)
    if method != _EXCLUSIVE or [each.tag for each in inside] not in ([], [_PREFIXES]):
        raise WhitelistUnproved("its signature asks for transforms that are refused")
    prefixes = inside[0].get("PrefixList", "").split() if inside else []
    return _Canonical(is_exclusive=True, prefixes=tuple(prefixes))


def _alone(element: etree._Element, canonical: _Canonical) -> bytes:
    """The canonical form of a part, with what it inherits from the elements around it.

    lxml writes a part with the namespaces that are in scope, but not with the inherited ``xml:``
    attributes, which inclusive canonical XML keeps.
    """
    alone = etree.fromstring(etree.tostring(element, with_tail=False), _parser())
    if not canonical.is_exclusive:
        for around in element.iterancestors():
            for name, value in around.attrib.items():
                if str(name).startswith(_XML) and name not in alone.attrib:
                    alone.set(name, value)
    return canonical.octets(alone)


def _without(signature: etree._Element, canonical: _Canonical) -> bytes:
    """The canonical document after its signature was taken out, the text behind it kept."""
    root, before = signature.getparent(), signature.getprevious()
    assert root is not None
    behind = signature.tail or ""
    if before is None:
        root.text = (root.text or "") + behind
    else:
        before.tail = (before.tail or "") + behind
    root.remove(signature)
    return canonical.octets(root.getroottree())


def _candidates(
    signers: Sequence[Certificate], key: Sequence[etree._Element], at: datetime
) -> list[Certificate]:
    """Those of the signers who may have signed: the one that is shown, when one is."""
    shown = {_base64(each) for one in key for each in one.iter(f"{_DS}X509Certificate")}
    named = [each for each in signers if not shown or to_der(each) in shown]
    if not named:
        raise WhitelistUnproved("its signature shows another certificate than whitelist.signer")
    timely = [each for each in named if each.not_valid_before_utc <= at <= each.not_valid_after_utc]
    if not timely:
        raise WhitelistUnproved("the certificate of whitelist.signer is not valid at this date")
    return [each for each in timely if _may_sign(each)]


def _may_sign(certificate: Certificate) -> bool:
    try:
        return Usage.SIGN in key_usage(certificate)
    except DerMalformed:
        return False


def _signer(
    candidates: Sequence[Certificate], method: str, value: bytes, octets: bytes
) -> Certificate:
    refused = SignatureRejected(SignatureReason.KEY_TOO_WEAK, "its key is not for signing")
    for each in candidates:
        try:
            xmldsig.check(each, method, value, octets)
        except SignatureRejected as error:
            refused = error
        else:
            return each
    if refused.reason is SignatureReason.SIGNATURE_WRONG:
        raise WhitelistUnproved("its signature is not one of whitelist.signer")
    raise WhitelistUnproved(f"its signature is refused ({_words(refused)})")


def _words(error: SignatureRejected) -> str:
    return str(error).replace("_", " ")


def _base64(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise WhitelistUnproved("its signature holds what is no base64") from None
