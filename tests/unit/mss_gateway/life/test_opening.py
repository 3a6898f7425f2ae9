"""Layers of CMS taken off, one by one: what comes out, and what it proves. Nobody is believed here.

Every message is made here, by the product's own making of CMS; the tests of ``certs`` and the
crossed ones judge that with other programs.
"""

from collections.abc import Callable, Sequence

import pytest

from certs.capabilities import CLASSIC, MODERN, Protection
from certs.certificate import Certificate
from certs.cms import content_info, der
from certs.cms.certs_only import make_certs_only
from certs.cms.enveloped import make_enveloped
from certs.cms.signed import make_signed, verify_signed
from certs.errors import OpenReason, SignatureReason
from certs.keyring import PrivateKey
from mss_gateway.life import opening
from mss_gateway.life.opening import Opened
from mss_gateway.message import header_protection, smime
from mss_gateway.message.attachments import body_text
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.entities import split
from mss_gateway.message.layers import LAYERS
from mss_gateway.message.parse import scan
from tests.unit.certs import pki

AUTHOR, READER, OTHER = 0, 1, 2
PLAIN = (
    b"From: <claire.martin@medecin.example>\r\nTo: <paul@mss.example>\r\nSubject: Essai\r\n\r\n"
    b"Bonjour.\r\n"
)
GCM, CBC = MODERN, CLASSIC
Wrap = Callable[[bytes], bytes]


# making


def sign(raw: bytes, who: int = AUTHOR, *, opaque: bool = False) -> bytes:
    return smime.wrap_signed(
        raw,
        lambda entity: make_signed(entity, pki.signer("p256", who), pki.NOW, detached=not opaque),
        opaque=opaque,
    )


def sign_inside(raw: bytes) -> bytes:
    return sign(raw, opaque=True)


def sign_wrongly(raw: bytes) -> bytes:
    """A signature over something else."""
    return smime.wrap_signed(raw, lambda _: make_signed(b"x", pki.signer("p256"), pki.NOW))


def seal(raw: bytes, protection: Protection = GCM, to: int = READER) -> bytes:
    return smime.wrap_enveloped(
        raw,
        lambda entity: make_enveloped(entity, [pki.certificate("p256", to)], protection),
        authenticated=protection.is_authenticated,
    )


def seal_in_cbc(raw: bytes) -> bytes:
    return seal(raw, CBC)


def certs_only_in_cbc(raw: bytes) -> bytes:
    return seal(
        smime.wrap_certs_only(split(raw)[0], make_certs_only([pki.certificate("p256")])), CBC
    )


def sealed_and_altered(protection: Protection, octets_from_end: int) -> bytes:
    """An envelope with one bit of its ciphertext turned."""

    def closed(entity: bytes) -> bytes:
        made = make_enveloped(entity, [pki.certificate("p256", READER)], protection)
        place = len(made) - octets_from_end
        return made[:place] + bytes((made[place] ^ 1,)) + made[place + 1 :]

    return smime.wrap_enveloped(
        sign_inside(PLAIN), closed, authenticated=protection.is_authenticated
    )


# opening


class Keys:
    """The keys of a reader; counts how often they were asked for."""

    def __init__(self, *holders: int) -> None:
        self.holders = holders
        self.asked = 0

    def __call__(self) -> Sequence[tuple[Certificate, PrivateKey]]:
        self.asked += 1
        return [(pki.certificate("p256", one), pki.key("p256", one)) for one in self.holders]


def take(raw: bytes, *holders: int) -> Opened:
    return opening.open_message(scan(raw), Keys(*(holders or (READER,))))


def words(opened: Opened) -> tuple[Signature, Decryption]:
    return opened.signature, opened.decryption


def text(opened: Opened) -> str:
    return (body_text(opened.message).plain or "").strip()


def is_as_it_came(opened: Opened, raw: bytes) -> bool:
    return opened.message.raw == raw and opened.verified is None


# one layer


def test_a_message_without_cms_stays_itself_and_no_key_is_asked_for() -> None:
    message, keys = scan(PLAIN), Keys(READER)
    opened = opening.open_message(message, keys)
    assert opened.message is message
    assert words(opened) == (Signature.ABSENT, Decryption.NOT_ENCRYPTED)
    assert opened == Opened.plain(message)
    assert keys.asked == 0


def test_a_detached_signature_leaves_the_message_as_it_came() -> None:
    raw = sign(PLAIN)
    message, keys = scan(raw), Keys(READER)
    opened = opening.open_message(message, keys)
    assert words(opened) == (Signature.VALID, Decryption.NOT_ENCRYPTED)
    assert opened.message.raw == raw
    assert opened.verified is not None
    assert opened.verified.addresses == (pki.ADDRESS,)
    assert (opened.protected, opened.around, keys.asked) == (None, (), 0)


def test_an_opaque_signature_is_put_beside_its_content() -> None:
    opened = take(sign_inside(PLAIN))
    assert words(opened) == (Signature.VALID, Decryption.NOT_ENCRYPTED)
    found = smime.find_signed(opened.message)
    assert found is not None
    assert text(opened) == "Bonjour."
    again = verify_signed(found.signature, found.content)
    assert opened.verified is not None
    assert (again.digest, again.content) == (opened.verified.digest, opened.verified.content)
    assert scan(opened.message.raw).root.header.unfolded("subject") == "Essai"


@pytest.mark.parametrize("spoil", [sign_wrongly, lambda raw: sign(raw).replace(b"jour", b"soir")])
def test_a_detached_signature_that_does_not_fit_leaves_the_message_as_it_came(spoil: Wrap) -> None:
    raw = spoil(PLAIN)
    opened = take(raw)
    assert words(opened) == (Signature.INVALID, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, raw)


def test_an_opaque_signature_that_does_not_fit_keeps_its_content_closed() -> None:
    spoilt = smime.wrap_enveloped(
        PLAIN,
        lambda entity: make_signed(entity, pki.signer("p256"), pki.NOW, detached=False).replace(
            b"Bonjour.", b"Bonsoir."
        ),
    ).replace(b"enveloped-data", b"signed-data")
    opened = take(spoilt)
    assert words(opened) == (Signature.INVALID, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, spoilt)


def test_lines_that_end_otherwise_inside_an_opaque_signature_stay_closed() -> None:
    """What cannot be a message of ours must not become one; the original is explained."""
    raw = smime.wrap_signed(
        PLAIN,
        lambda entity: make_signed(
            entity.replace(b"Bonjour.", b"Bon\njour."),
            pki.signer("p256"),
            pki.NOW,
            detached=False,
        ),
        opaque=True,
    )
    opened = take(raw)
    assert is_as_it_came(opened, raw)
    assert words(opened) == (Signature.INVALID, Decryption.NOT_ENCRYPTED)


@pytest.mark.parametrize(
    ("protection", "wrap", "expected"),
    [
        (GCM, sign, (Signature.VALID, Decryption.DECRYPTED)),
        (GCM, sign_inside, (Signature.VALID, Decryption.DECRYPTED)),
        (CBC, sign, (Signature.VALID, Decryption.DECRYPTED)),
        (CBC, sign_inside, (Signature.VALID, Decryption.DECRYPTED)),
        # the tag of GCM proves that nothing was altered, not who wrote it
        (GCM, lambda raw: raw, (Signature.ABSENT, Decryption.DECRYPTED)),
        (GCM, sign_wrongly, (Signature.INVALID, Decryption.DECRYPTED)),
        # of CBC nothing is shown that no signature covers, nor told why (T20)
        (CBC, lambda raw: raw, (Signature.UNCHECKED, Decryption.NOT_PROVEN)),
        (CBC, sign_wrongly, (Signature.UNCHECKED, Decryption.NOT_PROVEN)),
    ],
)
def test_an_envelope_is_opened(
    protection: Protection, wrap: Wrap, expected: tuple[Signature, Decryption]
) -> None:
    raw, keys = seal(wrap(PLAIN), protection), Keys(OTHER, READER)
    opened = opening.open_message(scan(raw), keys)
    assert words(opened) == expected
    assert keys.asked == 1
    is_shown = expected[1] is Decryption.DECRYPTED
    assert opened.algorithm == (protection.content if is_shown else "")
    assert (text(opened) == "Bonjour.") is is_shown
    assert (opened.message.raw == raw) is not is_shown
    assert (opened.verified is not None) is (expected[0] is Signature.VALID)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"--\r\n", b"--\r\nApres.\r\n"),
        (b"This is an S/MIME", b"\xff\xfe is an S/MIME"),
        (b"Content-Disposition: attachment", b"X: \xff\xfe\r\nContent-Disposition: attachment"),
        (b"\r\n\r\nMI", b"\r\n\r\n!!MI"),
    ],
    ids=["after", "before", "between", "in-the-signature"],
)
def test_what_stands_beside_a_signed_text_is_nobody_s(old: bytes, new: bytes) -> None:
    """An alteration of CBC leaves noise there, and its place tells of the plain text."""
    raw = sign(PLAIN)
    assert raw.count(old) == 1
    beside = raw.replace(old, new)
    assert words(take(beside)) == (Signature.VALID, Decryption.NOT_ENCRYPTED)
    assert words(take(seal(beside, GCM))) == (Signature.VALID, Decryption.DECRYPTED)
    closed = seal(beside, CBC)
    opened = take(closed)
    assert words(opened) == (Signature.UNCHECKED, Decryption.NOT_PROVEN)
    assert is_as_it_came(opened, closed)


def test_an_envelope_for_others_stays_closed() -> None:
    raw = seal(sign(PLAIN), to=OTHER)
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.NO_KEY)
    assert is_as_it_came(opened, raw)
    nobody = opening.open_message(scan(raw), tuple)
    assert words(nobody) == words(opened)


@pytest.mark.parametrize("place", [1, 20, 40, 200])
def test_what_depends_on_a_secret_has_one_word_for_each_kind_of_envelope(place: int) -> None:
    """Of CBC: the word for what opens and is not proven, whatever went wrong in it (T20)."""
    raw = sealed_and_altered(CBC, place)
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.NOT_PROVEN)
    assert is_as_it_came(opened, raw)
    raw = sealed_and_altered(GCM, place)
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.ALTERED)
    assert is_as_it_came(opened, raw)


@pytest.mark.parametrize(
    ("protection", "word"), [(GCM, Decryption.IMPOSSIBLE), (CBC, Decryption.NOT_PROVEN)]
)
def test_a_stray_line_end_inside_an_envelope_keeps_it_closed(
    protection: Protection, word: Decryption
) -> None:
    raw = smime.wrap_enveloped(
        PLAIN,
        lambda entity: make_enveloped(
            entity.replace(b"Bonjour.", b"Bon\njour."),
            [pki.certificate("p256", READER)],
            protection,
        ),
        authenticated=protection.is_authenticated,
    )
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, word)
    assert is_as_it_came(opened, raw)


def test_what_is_inside_and_is_no_message_stays_closed() -> None:
    too_deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(40)
    )
    raw = smime.wrap_enveloped(
        PLAIN,
        lambda _: make_enveloped(too_deep, [pki.certificate("p256", READER)], GCM),
        authenticated=True,
    )
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.IMPOSSIBLE)
    assert is_as_it_came(opened, raw)


# several layers


@pytest.mark.parametrize("inner", [sign, sign_inside])
@pytest.mark.parametrize("protection", [GCM, CBC])
def test_a_triple_wrap_is_that_of_the_signature_nearest_to_the_text(
    inner: Wrap, protection: Protection
) -> None:
    raw = sign(seal(inner(PLAIN), protection), OTHER)
    opened = take(raw)
    assert words(opened) == (Signature.VALID, Decryption.DECRYPTED)
    assert text(opened) == "Bonjour."
    assert opened.verified is not None
    assert opened.verified.signer_certificate == pki.certificate("p256", AUTHOR)
    (around,) = opened.around
    assert around.signer_certificate == pki.certificate("p256", OTHER)


def test_a_signature_around_an_envelope_says_nothing_about_what_is_inside() -> None:
    opened = take(sign(seal(PLAIN)))
    assert words(opened) == (Signature.ABSENT, Decryption.DECRYPTED)
    assert opened.verified is None and len(opened.around) == 1
    closed = take(sign(seal(PLAIN, CBC)))
    assert words(closed) == (Signature.UNCHECKED, Decryption.NOT_PROVEN)
    assert closed.verified is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda raw: seal(sign_wrongly(raw), CBC),
        lambda raw: sign(seal(sign_wrongly(raw), CBC)),
        lambda raw: seal(seal(sign(raw), to=OTHER), CBC),
        lambda raw: seal(sign_inside(raw).replace(b"signed-data", b"enveloped-data"), CBC),
        certs_only_in_cbc,
    ],
    ids=["wrong", "wrong-in-three", "for-others", "label", "certificates"],
)
def test_what_came_out_of_an_envelope_without_proof_is_told_by_no_word(wrap: Wrap) -> None:
    raw = wrap(PLAIN)
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.NOT_PROVEN)
    assert is_as_it_came(opened, raw)
    assert opened.algorithm == ""


def test_a_wrong_signature_around_spoils_the_one_inside() -> None:
    opened = take(sign_wrongly(seal(sign(PLAIN))))
    assert opened.signature is Signature.INVALID
    assert opened.verified is None
    # and of CBC nothing is shown then
    assert take(sign_wrongly(seal(sign(PLAIN), CBC))).decryption is Decryption.NOT_PROVEN


def test_an_envelope_for_others_inside_a_signature_stays_closed() -> None:
    raw = sign(seal(sign(PLAIN), to=OTHER))
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.NO_KEY)
    assert is_as_it_came(opened, raw)


def test_two_signatures_one_in_the_other_are_both_looked_at() -> None:
    opened = take(sign(sign_inside(PLAIN), OTHER))
    assert words(opened) == (Signature.VALID, Decryption.NOT_ENCRYPTED)
    assert opened.verified is not None
    assert opened.verified.signer_certificate == pki.certificate("p256", AUTHOR)
    assert [one.signer_certificate for one in opened.around] == [pki.certificate("p256", OTHER)]
    assert text(opened) == "Bonjour."


@pytest.mark.parametrize(("inner", "outer"), [(CBC, GCM), (GCM, CBC), (CBC, CBC)])
def test_an_envelope_without_proof_is_not_proven_by_another_one(
    inner: Protection, outer: Protection
) -> None:
    opened = take(seal(seal(PLAIN, inner), outer))
    assert words(opened) == (Signature.UNCHECKED, Decryption.NOT_PROVEN)
    assert words(take(seal(seal(sign(PLAIN), inner), outer))) == (
        Signature.VALID,
        Decryption.DECRYPTED,
    )


@pytest.mark.parametrize(("layers", "is_opened"), [(LAYERS, True), (LAYERS + 1, False)])
@pytest.mark.parametrize("wrap", [sign_inside, seal])
def test_layers_at_their_limit(wrap: Wrap, layers: int, is_opened: bool) -> None:
    raw = PLAIN
    for _ in range(layers):
        raw = wrap(raw)
    opened = take(raw)
    assert (text(opened) == "Bonjour.") is is_opened
    if not is_opened:
        sealed = Decryption.IMPOSSIBLE if wrap is seal else Decryption.NOT_ENCRYPTED
        assert words(opened) == (Signature.UNCHECKED, sealed)
        assert is_as_it_came(opened, raw)


# labels, and CMS that is not the whole of a message


def test_a_label_that_says_another_thing_keeps_it_closed() -> None:
    """Readers would differ: some believe the label, some the content."""
    signed = sign_inside(PLAIN).replace(b"smime-type=signed-data", b"smime-type=enveloped-data")
    opened = take(signed)
    assert words(opened) == (Signature.INVALID, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, signed)
    sealed = seal(sign(PLAIN)).replace(b"authEnveloped-data", b"signed-data")
    opened = take(sealed)
    assert words(opened) == (Signature.UNCHECKED, Decryption.IMPOSSIBLE)
    assert is_as_it_came(opened, sealed)


def test_compressed_data_stays_closed() -> None:
    compressed = content_info.wrapped(der.oid("1.2.840.113549.1.9.16.1.9"), [der.integer(0)])
    raw = smime.wrap_enveloped(PLAIN, lambda _: compressed)
    raw = raw.replace(b"enveloped-data", b"compressed-data")
    opened = take(raw)
    assert words(opened) == (Signature.UNCHECKED, Decryption.IMPOSSIBLE)
    assert is_as_it_came(opened, raw)


def _certs_only(blob: bytes, smime_type: bytes = b"certs-only") -> bytes:
    outer, _ = split(PLAIN)
    return smime.wrap_certs_only(outer, blob).replace(b"certs-only", smime_type)


def test_certificates_alone_are_no_signature_and_stay_as_they_came() -> None:
    raw = _certs_only(make_certs_only([pki.certificate("p256")]))
    opened = take(raw)
    assert words(opened) == (Signature.ABSENT, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, raw)


@pytest.mark.parametrize(
    ("blob", "smime_type"),
    [
        # a text that the label hides from us, and some reader shows
        (make_signed(b"\r\nBonjour.", pki.signer("p256"), pki.NOW, detached=False), b"certs-only"),
        (make_signed(b"\r\nBonjour.", pki.signer("p256"), pki.NOW, detached=False), b"signed-data"),
        (make_signed(b"x", pki.signer("p256"), pki.NOW), b"certs-only"),
        (make_certs_only([pki.certificate("p256")])[:-9], b"certs-only"),
        (make_certs_only([pki.certificate("p256")]), b"signed-data"),
    ],
    ids=["content", "content-named-so", "signer", "cut", "named-otherwise"],
)
def test_what_calls_itself_certificates_and_is_not_stays_closed(
    blob: bytes, smime_type: bytes
) -> None:
    raw = _certs_only(blob, smime_type)
    opened = take(raw)
    assert words(opened) == (Signature.INVALID, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, raw)


def _beside_a_text(entity: bytes) -> bytes:
    return (
        b'From: <x@mss.example>\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b"--m\r\n\r\nBonjour.\r\n--m\r\n" + entity + b"\r\n--m--\r\n"
    )


@pytest.mark.parametrize("wrap", [sign, sign_inside, seal, seal_in_cbc])
def test_cms_around_a_part_is_told_and_never_opened(wrap: Wrap) -> None:
    raw, keys = _beside_a_text(split(wrap(PLAIN))[1]), Keys(READER)
    opened = opening.open_message(scan(raw), keys)
    assert words(opened) == (Signature.PARTIAL, Decryption.NOT_ENCRYPTED)
    assert is_as_it_came(opened, raw)
    assert keys.asked == 0


@pytest.mark.parametrize("wrap", [sign, seal])
def test_cms_of_a_message_that_is_attached_is_that_message_s_own(wrap: Wrap) -> None:
    attached = b"Content-Type: message/rfc822\r\n\r\n" + wrap(PLAIN)
    opened = take(_beside_a_text(attached))
    assert words(opened) == (Signature.ABSENT, Decryption.NOT_ENCRYPTED)


# fields of the header under the signature


def sign_protected(raw: bytes, *, opaque: bool = False, about: bytes | None = None) -> bytes:
    """Signed with the fields of its header inside; or signed wrongly, ``about`` another text."""
    made = header_protection.protect(raw, for_encryption=False, neutral_subject="")
    return smime.signed_entity(
        made.inner,
        lambda entity: make_signed(
            about or entity, pki.signer("p256"), pki.NOW, detached=not opaque
        ),
        opaque=opaque,
        outer=made.outer,
    )


@pytest.mark.parametrize("opaque", [False, True])
def test_a_protected_header_is_the_message_s_own(opaque: bool) -> None:
    raw = sign_protected(PLAIN, opaque=opaque)
    opened = take(raw.replace(b"Subject: Essai", b"Subject: Autre", 1))
    assert opened.signature is Signature.VALID
    assert opened.message.root.header.unfolded("subject") == "Essai"
    assert opened.protected is not None
    assert opened.from_differs is False


@pytest.mark.parametrize("opaque", [False, True])
def test_another_author_outside_is_told(opaque: bool) -> None:
    raw = sign_protected(PLAIN, opaque=opaque)
    opened = take(raw.replace(b"From: <claire.martin@", b"From: <victor.lenoir@", 1))
    assert opened.signature is Signature.VALID
    assert opened.from_differs is True


def test_a_neutral_subject_gives_way_to_the_real_one() -> None:
    raw = smime.wrap_enveloped(
        sign_protected(PLAIN),
        lambda entity: make_enveloped(entity, [pki.certificate("p256", READER)], GCM),
        authenticated=True,
        outer_subject="Message",
    )
    assert b"Essai" not in raw
    opened = take(raw)
    assert opened.message.root.header.unfolded("subject") == "Essai"
    assert opened.signature is Signature.VALID


def test_fields_that_no_valid_signature_covers_are_not_believed() -> None:
    raw = sign_protected(PLAIN, about=b"x")
    opened = take(raw.replace(b"Subject: Essai", b"Subject: Autre", 1))
    assert opened.signature is Signature.INVALID
    assert opened.protected is None
    assert opened.message.root.header.unfolded("subject") == "Autre"


# the tables


@pytest.mark.parametrize("reason", SignatureReason)
def test_every_reason_of_a_signature_has_its_word(reason: SignatureReason) -> None:
    said = {
        SignatureReason.SEVERAL_SIGNERS: Signature.SEVERAL_SIGNERS,
        SignatureReason.ALGORITHM_REFUSED: Signature.WEAK,
        SignatureReason.KEY_TOO_WEAK: Signature.WEAK,
        SignatureReason.TOO_BIG: Signature.UNCHECKED,
    }
    assert opening.SIGNATURES[reason] is said.get(reason, Signature.INVALID)


@pytest.mark.parametrize("reason", OpenReason)
def test_every_reason_of_an_envelope_has_its_word(reason: OpenReason) -> None:
    word = opening.DECRYPTIONS[reason]
    assert word not in (Decryption.NOT_ENCRYPTED, Decryption.DECRYPTED)
    assert (word is Decryption.ALTERED) is (reason is OpenReason.ALTERED)


def test_a_digest_that_is_no_more_used_has_the_word_of_what_is_weak() -> None:
    def weak(entity: bytes) -> bytes:
        made = make_signed(entity, pki.signer("p256"), pki.NOW)
        return made.replace(der.oid("2.16.840.1.101.3.4.2.1"), der.oid("2.16.840.1.101.3.4.2.9"))

    assert take(smime.wrap_signed(PLAIN, weak)).signature is Signature.WEAK
