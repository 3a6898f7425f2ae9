import hashlib

import pytest

from certs.capabilities import CLASSIC, MODERN, Protection
from certs.cms import der, drawing
from certs.cms.drawing import Drawn, OtherContent, draw
from certs.cms.enveloped import enveloped_pieces, make_enveloped, open_enveloped
from certs.errors import CertificateNotFound, DerMalformed
from tests.unit.certs import pki
from tests.unit.certs.cms.envelopes import CONTENT, own

PROTECTIONS = [CLASSIC, MODERN, Protection("aes-128-cbc", "oaep")]
OTHER = CONTENT[:-1] + b"?"


def drawn(protection=MODERN, *certificates, content=CONTENT):
    digest = hashlib.sha256(content).digest()
    return draw(certificates or [own()[0]], protection, digest)


@pytest.mark.parametrize("kind", ["rsa-2048", "p256", "x25519"])
@pytest.mark.parametrize("protection", PROTECTIONS)
def test_what_was_drawn_closes_its_content_to_the_same_octets(protection, kind):
    once = drawn(protection, pki.certificate(kind))
    again = Drawn.from_bytes(once.to_bytes())
    blob = make_enveloped(CONTENT, once)
    assert open_enveloped(blob, [own(0, kind)]).content == CONTENT
    assert again == once
    for same in (
        make_enveloped(CONTENT, again),
        b"".join(enveloped_pieces(CONTENT, again)),
        b"".join(enveloped_pieces(iter([CONTENT[:7], CONTENT[7:]]), again)),
        make_enveloped(iter([CONTENT]), again),
    ):
        assert same == blob


def test_each_draw_is_another():
    assert make_enveloped(CONTENT, drawn()) != make_enveloped(CONTENT, drawn())


@pytest.mark.parametrize("content", [OTHER, b"", CONTENT + b"!"])
@pytest.mark.parametrize("protection", PROTECTIONS)
def test_another_content_is_never_closed_by_it(protection, content):
    once = drawn(protection)
    for close in (make_enveloped, enveloped_pieces):
        for given in (content, iter([content])):
            with pytest.raises(OtherContent):
                close(given, once)


def test_what_closed_at_once_and_was_not_bound_closes_nothing_later():
    unbound = draw([own()[0]], MODERN, drawing.NOT_KEPT)
    with pytest.raises(OtherContent):
        make_enveloped(CONTENT, unbound)
    with pytest.raises(DerMalformed):
        Drawn.from_bytes(unbound.to_bytes())


def test_nobody_is_no_recipient_and_a_crowd_is_too_many():
    with pytest.raises(CertificateNotFound):
        draw([], MODERN, b"")
    with pytest.raises(ValueError, match="too many"):
        draw([own(0, "p256")[0]] * (drawing.MAX_RECIPIENTS + 1), MODERN, b"")


@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
def test_it_knows_for_whom_it_is(kind):
    once = drawn(MODERN, pki.certificate(kind))
    assert once.is_for(pki.certificate(kind))
    assert not once.is_for(pki.issue(pki.key(kind)))


def test_it_prints_no_secret():
    once = drawn()
    for secret in (once.key, once.content.nonce, once.digest, once.recipient_infos):
        assert repr(secret) not in repr(once)
    assert repr(once) == "Drawn()"


def broken():
    """Forms that are not what was kept, by name."""
    whole = drawn().to_bytes()
    parts = der.Reader(whole).enter(der.SEQUENCE)
    elements = []
    while parts.peek() >= 0:
        elements.append(parts.element())

    def with_element(number, *element):
        changed = [*elements[:number], *element, *elements[number + 1 :]]
        return der.tlv(der.SEQUENCE, *changed)

    octets = der.OCTET_STRING
    yield "nothing", b""
    yield "cut", whole[:-1]
    yield "more after it", whole + b"\0"
    yield "another form", with_element(0, der.integer(2))
    yield "no name", with_element(1, der.tlv(octets, b"\xff"))
    yield "no encryption of ours", with_element(1, der.tlv(octets, b"rsa-oaep"))
    yield "a nonce of cbc", with_element(2, der.tlv(octets, bytes(16)))
    yield "a short key", with_element(3, der.tlv(octets, bytes(16)))
    yield "a version of nobody", with_element(4, der.integer(3))
    yield "recipients in a sequence", with_element(5, der.tlv(der.SEQUENCE))
    yield "half a digest", with_element(6, der.tlv(octets, bytes(16)))
    yield "no digest", with_element(6)
    yield "one element more", with_element(6, elements[6], der.integer(1))
    yield "too large", der.tlv(octets, bytes(drawing.MAX_OCTETS))


@pytest.mark.parametrize(("kept"), [pytest.param(form, id=name) for name, form in broken()])
def test_what_was_altered_where_it_was_kept_is_refused(kept):
    with pytest.raises(DerMalformed):
        Drawn.from_bytes(kept)
