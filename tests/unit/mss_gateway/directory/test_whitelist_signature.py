"""The signature of a white list: what is accepted, and every way in which one could mislead."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from certs.certificate import fingerprint, to_der
from mss_gateway.directory.whitelist_signature import WhitelistUnproved, content_of, verify
from mss_gateway.directory.whitelist_xml import parse
from tests.support.white_lists import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    MORE,
    NAMESPACE,
    SHA256,
    ListSigner,
    Style,
    list_signer,
    self_signed,
    signed,
    white_list,
)

AT = datetime(2026, 11, 22, tzinfo=UTC)
LIST = white_list("medecin.example", "hôpital.example", inside="<!-- essai --><?pi essai?>")
SIGNATURE = f"{{{DS}}}Signature"


def refused(document: bytes, *signers: ListSigner, at: datetime = AT) -> str:
    believed = [each.certificate for each in signers or (list_signer(),)]
    with pytest.raises(WhitelistUnproved) as caught:
        verify(document, believed, at)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def altered(document: bytes, change: Callable[[etree._Element], object]) -> bytes:
    """The document after something was done to its tree."""
    root = etree.fromstring(document)
    change(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# accepted


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa"])
@pytest.mark.parametrize("bits", ["256", "384", "512"])
def test_the_signer_s_signature_is_accepted(kind: str, bits: str) -> None:
    signer = list_signer(kind)
    family = "rsa" if kind == "rsa" else "ecdsa"
    name = {"256": SHA256, "384": f"{MORE}sha384", "512": SHA256.replace("256", "512")}[bits]
    style = Style(method=f"{MORE}{family}-sha{bits}", digest=name)
    found = verify(signed(LIST, signer, style), [signer.certificate], AT)
    assert found.fingerprint == fingerprint(signer.certificate)
    assert list(parse(found.content).domains) == ["medecin.example", "xn--hpital-ixa.example"]


@pytest.mark.parametrize("canonical", [EXCLUSIVE, INCLUSIVE])
@pytest.mark.parametrize(
    "transforms", [(ENVELOPED,), (ENVELOPED, INCLUSIVE), (ENVELOPED, EXCLUSIVE)]
)
@pytest.mark.parametrize(
    "root",
    ["", ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"'],
    ids=["plain", "namespaces around"],
)
def test_both_canonical_forms_are_accepted(
    canonical: str, transforms: tuple[str, ...], root: str
) -> None:
    signer = list_signer()
    document = signed(white_list("a.example", root=root), signer, Style(canonical, transforms))
    assert parse(verify(document, [signer.certificate], AT).content).domains


def test_kept_prefixes_of_the_exclusive_form_are_kept() -> None:
    signer = list_signer()
    around = ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    document = signed(white_list("a.example", root=around), signer, Style(prefixes="xs #default"))
    assert b"xmlns:xs" in verify(document, [signer.certificate], AT).content


def test_a_signature_without_its_certificate_is_tried_with_every_signer() -> None:
    first, second = list_signer(number=1), list_signer("rsa", 2)
    document = signed(LIST, second, Style(key_info=""))
    found = verify(document, [first.certificate, second.certificate], AT)
    assert found.fingerprint == fingerprint(second.certificate)


def test_the_signature_may_stand_between_the_domains() -> None:
    document = signed(white_list("a.example", "b.example"), list_signer())

    def to_front(root: etree._Element) -> None:
        root.insert(1, root[-1])

    # the text around it is what it was: enveloped signatures take the element out, not its place
    moved = altered(document, to_front)
    assert verify(moved, [list_signer().certificate], AT).content == content_of(document)


def test_comments_may_be_added_and_are_never_read() -> None:
    document = signed(LIST, list_signer()).replace(b"medecin.example", b"medecin<!---->.example")
    found = verify(document, [list_signer().certificate], AT)
    assert "medecin.example" in parse(found.content).domains


def test_what_was_covered_is_found_again_without_the_signer() -> None:
    document = signed(LIST, list_signer())
    found = verify(document, [list_signer().certificate], AT)
    assert content_of(document) == found.content
    assert b"Signature" not in found.content


# altered


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"medecin.example", b"medecim.example"),
        (b"</ListeBlanche>", b"<Domaine><Nom>z.example</Nom></Domaine></ListeBlanche>"),
        (b"<Domaine><Nom>medecin.example</Nom></Domaine>", b""),
        (b"<?pi essai?>", b""),
        (b"<ListeBlanche ", b'<ListeBlanche date="2026-11-22" '),
        (b"</ListeBlanche>", b"</ListeBlanche><?pi behind?>"),
    ],
)
def test_whatever_was_altered_after_the_signature_is_refused(old: bytes, new: bytes) -> None:
    document = signed(LIST, list_signer())
    assert document.count(old) == 1
    assert "altered after it was signed" in refused(document.replace(old, new))


def test_a_value_that_was_altered_is_refused() -> None:
    def alter(root: etree._Element) -> None:
        place = root.find(f".//{{{DS}}}SignatureValue")
        value = bytearray(base64.b64decode(place.text or ""))
        value[-1] ^= 1
        place.text = base64.b64encode(value).decode()

    document = signed(LIST, list_signer())
    assert "not one of whitelist.signer" in refused(altered(document, alter))


@pytest.mark.parametrize("value", ["", "AAAA", "é", "====", "QUJD" * 1000])
@pytest.mark.parametrize("name", ["SignatureValue", "DigestValue"])
def test_a_value_that_is_none_is_refused(name: str, value: str) -> None:
    def alter(root: etree._Element) -> None:
        root.find(f".//{{{DS}}}{name}").text = value

    assert refused(altered(signed(LIST, list_signer()), alter))


def test_signed_info_of_another_list_does_not_fit_this_one() -> None:
    other = etree.fromstring(signed(white_list("other.example"), list_signer()))

    def swap(root: etree._Element) -> None:
        root.replace(root.find(SIGNATURE), other.find(SIGNATURE))

    assert "altered" in refused(altered(signed(LIST, list_signer()), swap))


# whose it is


def test_a_list_without_a_signature_is_refused_when_one_is_asked_for() -> None:
    assert "bears no signature" in refused(LIST)


def test_the_certificate_that_is_shown_makes_no_signer() -> None:
    stranger = list_signer(number=7)
    assert "shows another certificate" in refused(signed(LIST, stranger))
    assert "not one of whitelist.signer" in refused(signed(LIST, stranger, Style(key_info="")))


def test_a_stranger_who_shows_the_signer_s_certificate_is_not_the_signer() -> None:
    shown = base64.b64encode(to_der(list_signer().certificate)).decode()
    info = f"<KeyInfo><X509Data><X509Certificate>{shown}</X509Certificate></X509Data></KeyInfo>"
    document = signed(LIST, list_signer(number=7), Style(key_info=info))
    assert "not one of whitelist.signer" in refused(document)


def test_a_key_that_comes_with_the_signature_is_not_used() -> None:
    numbers = list_signer("rsa", 7).key.public_key().public_numbers()
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()
    info = (
        f"<KeyInfo><KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent>"
        "</RSAKeyValue></KeyValue></KeyInfo>"
    )
    document = signed(LIST, list_signer("rsa", 7), Style(key_info=info))
    assert "not one of whitelist.signer" in refused(document, list_signer("rsa"))


def test_a_right_signature_beside_another_certificate_is_refused() -> None:
    other = base64.b64encode(to_der(list_signer(number=7).certificate)).decode()
    info = f"<KeyInfo><X509Data><X509Certificate>{other}</X509Certificate></X509Data></KeyInfo>"
    document = signed(LIST, list_signer(), Style(key_info=info))
    assert "shows another certificate" in refused(document)


def test_the_signer_s_certificate_must_be_valid_then() -> None:
    document = signed(LIST, list_signer())
    for days in (-3_000, 36_500):
        assert "not valid at this date" in refused(document, at=AT + timedelta(days=days))


def test_a_key_that_is_not_for_signing_or_too_weak_is_refused() -> None:
    key = list_signer().key
    usage = x509.KeyUsage(False, False, True, False, True, False, False, False, False)
    only_encrypts = ListSigner(key, self_signed(key, "Chiffre", usage))
    assert "not for signing" in refused(signed(LIST, only_encrypts), only_encrypts)
    short = rsa.generate_private_key(65537, 1024)
    weak = ListSigner(short, self_signed(short, "Faible"))
    assert "key too weak" in refused(signed(LIST, weak), weak)


# algorithms and transforms


@pytest.mark.parametrize(
    "method",
    [
        f"{DS}rsa-sha1",
        f"{DS}hmac-sha1",
        f"{DS}dsa-sha1",
        f"{MORE}hmac-sha256",
        f"{MORE}rsa-sha224",
        f"{MORE}rsa-sha256",  # the key is another kind
        f"{MORE}ecdsa-sha1",
        "none",
    ],
)
def test_other_signature_methods_are_refused(method: str) -> None:
    assert "algorithm refused" in refused(signed(LIST, list_signer(), Style(method=method)))


@pytest.mark.parametrize("digest", [f"{DS}sha1", f"{DS}md5"])
def test_other_digest_methods_are_refused(digest: str) -> None:
    assert "algorithm refused" in refused(signed(LIST, list_signer(), Style(digest=digest)))


XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"


@pytest.mark.parametrize(
    ("transforms", "why"),
    [
        ((XPATH,), "not an enveloped one"),
        ((EXCLUSIVE,), "not an enveloped one"),
        ((EXCLUSIVE, ENVELOPED), "not an enveloped one"),
        ((ENVELOPED, XPATH), "transforms that are refused"),
        ((ENVELOPED, FILTER), "transforms that are refused"),
        ((ENVELOPED, XSLT), "transforms that are refused"),
        ((ENVELOPED, f"{DS}base64"), "transforms that are refused"),
        ((ENVELOPED, ENVELOPED), "transforms that are refused"),
        ((ENVELOPED, EXCLUSIVE, XSLT), "transforms that are refused"),
        ((ENVELOPED, f"{EXCLUSIVE}WithComments"), "transforms that are refused"),
        ((ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"), "transforms that are refused"),
    ],
)
def test_other_transforms_are_refused(transforms: tuple[str, ...], why: str) -> None:
    assert why in refused(signed(LIST, list_signer(), Style(transforms=transforms)))


def test_a_transform_with_a_script_inside_is_refused() -> None:
    def inside(name: str) -> Callable[[etree._Element], object]:
        def put(root: etree._Element) -> None:
            etree.SubElement(root.find(f".//{{{DS}}}{name}"), f"{{{XSLT}}}stylesheet")

        return put

    for name in ("Transform", "CanonicalizationMethod"):
        assert refused(altered(signed(LIST, list_signer()), inside(name)))


def test_another_way_of_writing_signed_info_is_refused() -> None:
    style = Style(canonical=f"{INCLUSIVE}#WithComments")
    assert "transforms that are refused" in refused(signed(LIST, list_signer(), style))


# what it covers: wrapping


@pytest.mark.parametrize(
    "uri", ['URI="#liste"', "", 'URI="liste.xml"', 'URI="" Type="x"', 'URI="#xpointer(/)"']
)
def test_a_reference_to_anything_but_the_whole_is_refused(uri: str) -> None:
    document = signed(white_list("a.example", root=' Id="liste"'), list_signer(), Style(uri=uri))
    assert "does not cover the whole document" in refused(document)


def test_several_references_are_refused() -> None:
    document = signed(LIST, list_signer(), Style(references=2))
    assert "another shape" in refused(document)


def test_two_signatures_are_refused_even_when_one_is_good() -> None:
    good = signed(LIST, list_signer())
    assert "several signatures" in refused(signed(good, list_signer(number=7)), list_signer())


@pytest.mark.parametrize("beside", [f'<Object xmlns="{DS}"><x/></Object>', "<Other/>"])
def test_a_signature_that_holds_more_is_refused(beside: str) -> None:
    assert "another shape" in refused(signed(LIST, list_signer(), Style(beside=beside)))


def test_a_signed_list_inside_of_another_one_is_refused() -> None:
    """Signature wrapping: the signed list is kept whole below, and domains stand beside it."""

    def wrap(root: etree._Element) -> bytes:
        forged = etree.fromstring(white_list("attaquant.example"))
        forged.append(root)
        return etree.tostring(forged)

    document = wrap(etree.fromstring(signed(LIST, list_signer())))
    assert "not directly below its root" in refused(document)


def test_a_signed_list_moved_into_its_own_signature_is_refused() -> None:
    """The signature goes to the forged root and hides the original in an Object."""
    original = etree.fromstring(signed(LIST, list_signer()))
    signature = original.find(SIGNATURE)
    original.remove(signature)
    hidden = etree.SubElement(signature, f"{{{DS}}}Object")
    hidden.append(original)
    forged = etree.fromstring(white_list("attaquant.example"))
    forged.append(signature)
    assert "another shape" in refused(etree.tostring(forged))
    # the same inside of what is not looked at: it is not what is covered
    signature.remove(hidden)
    signature.find(f"{{{DS}}}KeyInfo").append(original)
    assert "altered" in refused(etree.tostring(forged))


def test_a_domain_moved_into_the_signature_is_taken_out_with_it() -> None:
    document = signed(white_list("a.example", "b.example"), list_signer())

    def hide(root: etree._Element) -> None:
        root.find(f".//{{{DS}}}KeyInfo").append(root[0])

    assert "altered" in refused(altered(document, hide))
    # and what was never signed is not read from there
    forged = f'<Domaine xmlns="{NAMESPACE}"><Nom>attaquant.example</Nom></Domaine>'.encode()
    added = document.replace(b"</KeyInfo>", forged + b"</KeyInfo>")
    assert "attaquant.example" in parse(added).domains
    found = verify(added, [list_signer().certificate], AT)
    assert list(parse(found.content).domains) == ["a.example", "b.example"]


def test_a_doctype_is_refused_here_too() -> None:
    document = signed(LIST, list_signer()).replace(b"<ListeBlanche", b"<!DOCTYPE L><ListeBlanche")
    assert "DOCTYPE" in refused(document)
