"""Signed-data whose attributes are wrong, though signed (or unsigned where they should be)."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

from asn1crypto.parser import emit
from cryptography.hazmat.primitives import hashes

from tests.unit.certs.cms.recipes import (
    CAPABILITIES,
    CONTENT,
    CONTENT_TYPE,
    COUNTERSIGNATURE,
    DIGEST,
    ESS_1,
    NULL,
    OTHER_CONTENT,
    SHA512,
    TIME,
    Recipe,
    a_set,
    algorithm,
    attribute,
    build,
    integer,
    octets,
    oid,
    seq,
    sign,
    signer_info,
    tagged,
    valid,
)

SHA_256 = hashlib.sha256(CONTENT).digest()


def _utc(text: bytes) -> bytes:
    return attribute(TIME, emit(0, 0, 23, text))


def signed() -> dict[str, bytes]:
    base = valid()
    first, time, digest = base.own_attributes()
    many = [attribute(f"1.2.3.{n}", integer(n)) for n in range(100, 133)]

    def of(*attributes: bytes) -> bytes:
        return build(replace(base, attributes=tuple(sorted(attributes))))

    def more(*attributes: bytes) -> bytes:
        return of(first, time, digest, *attributes)

    reordered = replace(base, attributes=(digest, time, first))
    signature = sign(base, base.message())
    return {
        "attributes reordered": build(replace(reordered, signature=signature)),
        "attributes signed out of order": build(reordered),
        "attributes signed under their tag": build(replace(base, signed_as=b"\xa0")),
        "attributes signed as a sequence": build(replace(base, signed_as=b"\x30")),
        "digest missing": of(first, time),
        "content type missing": of(time, digest),
        "only the time": of(time),
        "digest twice": more(digest),
        "two digests": more(attribute(DIGEST, octets(hashlib.sha256(OTHER_CONTENT).digest()))),
        "two content types": more(attribute(CONTENT_TYPE, oid("1.2.3"))),
        "two signing times": more(_utc(b"200101000000Z")),
        "two SHA-1 bindings": more(attribute(ESS_1, seq(seq())), attribute(ESS_1, seq(seq(NULL)))),
        "unknown attribute twice": more(many[0], attribute("1.2.3.100", integer(7))),
        "digest of two values": of(
            first, time, attribute(DIGEST, octets(SHA_256), octets(b"x"))),
        "digest of no value": of(first, time, attribute(DIGEST)),
        "content type of two values": of(
            time, digest, attribute(CONTENT_TYPE, *[oid("1.2.840.113549.1.7.1")] * 2)),
        "capabilities of two values": more(attribute(CAPABILITIES, seq(), seq())),
        "SHA-1 binding of two values": more(attribute(ESS_1, seq(seq()), seq(seq()))),
        "digest not an octet string": of(first, time, attribute(DIGEST, emit(0, 0, 12, SHA_256))),
        "digest in parts": of(
            first, time, attribute(DIGEST, emit(0, 1, 4, octets(SHA_256[:9]) + octets(SHA_256[9:])))
        ),
        "digest cut": of(first, time, attribute(DIGEST, octets(SHA_256[:-1]))),
        "digest prolonged": of(first, time, attribute(DIGEST, octets(SHA_256 + b"\x00"))),
        "digest of nothing": of(
            first, time, attribute(DIGEST, octets(hashlib.sha256(b"").digest()))),
        "digest by another algorithm": of(
            first, time, attribute(DIGEST, octets(hashlib.sha512(CONTENT).digest()))),
        "digest of zeros": of(first, time, attribute(DIGEST, octets(bytes(32)))),
        "content type of the digest, digest of the content type": of(
            time, attribute(CONTENT_TYPE, octets(SHA_256)),
            attribute(DIGEST, oid("1.2.840.113549.1.7.1"))),
        "attribute without values": more(seq(oid("1.2.3.4"))),
        "attribute with a rest": more(seq(oid("1.2.3.4"), a_set(NULL), NULL)),
        "attribute of an empty set": more(attribute("1.2.3.4")),
        "attribute in a sequence": more(seq(oid("1.2.3.4"), seq(NULL))),
        "attribute whose second value is cut": more(
            attribute("1.2.3.4", integer(7), b"\x02\x05\x01")),
        "attribute of a type cut": more(seq(b"\x06\x02\x2a\x83", a_set(NULL))),
        "attribute of a type not minimal": more(seq(b"\x06\x03\x2a\x80\x03", a_set(NULL))),
        "attribute with a NULL that holds something": more(attribute("1.2.3.4", b"\x05\x01\x00")),
        "attribute with an INTEGER not minimal": more(attribute("1.2.3.4", b"\x02\x02\x00\x01")),
        "attribute with an INTEGER of nothing": more(attribute("1.2.3.4", b"\x02\x00")),
        "attribute with a BOOLEAN of two octets": more(attribute("1.2.3.4", b"\x01\x02\x00\x00")),
        "attribute with a BIT STRING of nine unused bits": more(
            attribute("1.2.3.4", b"\x03\x02\x09\x00")),
        "attribute with an end of contents": more(attribute("1.2.3.4", b"\x00\x00")),
        "attribute with half a character": more(attribute("1.2.3.4", b"\x1e\x01\x41")),
        "attribute with a primitive sequence": more(attribute("1.2.3.4", b"\x10\x00")),
        "too many attributes": of(first, digest, *many),
        "signed countersignature": more(attribute(COUNTERSIGNATURE, signer_info(base))),
        "signing time without seconds": of(first, digest, _utc(b"2611220830Z")),
        "signing time not in UTC": of(first, digest, _utc(b"261122083015+0100")),
        "signing time that is no day": of(first, digest, _utc(b"260230083015Z")),
        "signing time with a fraction": of(
            first, digest, attribute(TIME, emit(0, 0, 24, b"20261122083015.5Z"))),
        "signing time as text": of(
            first, digest, attribute(TIME, emit(0, 0, 12, b"261122083015Z"))),
    }  # fmt: skip


def _carried(change: Callable[[bytes, bytes], bytes]) -> bytes:
    """The signature is right over the DER attributes; what is carried is ``change`` of them."""
    base = valid()
    contents = b"".join(base.own_attributes())
    return build(base, signer=signer_info(base, change(contents, tagged(0, contents))))


def encodings() -> dict[str, bytes]:
    """BER where it is signed: two readers would see two things."""
    base = valid()
    contents = b"".join(base.own_attributes())
    assert len(contents) < 0x80
    indefinite = b"\x80" + contents + b"\x00\x00"
    long = b"\x82\x00" + bytes((len(contents),)) + contents
    signed_as_ber = sign(base, b"\x31" + indefinite)
    last = base.own_attributes()[-1]
    value_in_ber = contents.replace(last, b"\x30\x80" + last[2:] + b"\x00\x00")
    return {
        "attributes in BER": _carried(lambda _, __: b"\xa0" + indefinite),
        "attributes in BER, signed in BER": build(
            base, signer=signer_info(replace(base, signature=signed_as_ber), b"\xa0" + indefinite)),
        "attributes with a longer length": _carried(lambda _, __: b"\xa0" + long),
        "one attribute in BER": _carried(lambda _, __: tagged(0, value_in_ber)),
        "attributes empty": _carried(lambda _, __: tagged(0)),
        "attributes under another tag": _carried(lambda inside, _: tagged(3, inside)),
        "attributes as a set": _carried(lambda inside, _: a_set(inside)),
        "attributes twice": _carried(lambda _, whole: whole + whole),
        "attributes unsigned only": build(
            replace(base, unsigned=tagged(1, contents)), signer=signer_info(
                replace(base, attributes=(), unsigned=tagged(1, contents),
                        signature=sign(base, base.message())))),
    }  # fmt: skip


def unsigned() -> dict[str, bytes]:
    base = valid()
    first, time, digest = base.own_attributes()

    def beside(*attributes: bytes) -> bytes:
        return build(replace(base, unsigned=tagged(1, *attributes)))

    missing: Recipe = replace(base, attributes=(first, time), unsigned=tagged(1, digest))
    return {
        "unsigned digest": beside(digest),
        "unsigned content type": beside(first),
        "unsigned signing time": beside(time),
        "unsigned digest only": build(missing),
        "unsigned capabilities": beside(attribute(CAPABILITIES, seq())),
        "unsigned SHA-1 binding": beside(attribute(ESS_1, seq(seq()))),
        "unsigned attribute without values": beside(attribute("1.2.3.4")),
        "unsigned attribute cut": beside(seq(oid("1.2.3.4"), b"\x31\x09\x05\x00")),
        "unsigned attribute of no type": beside(seq(a_set(NULL))),
        "unsigned attribute with a NULL that holds something": beside(
            attribute("1.2.3.4", b"\x05\x01\x00")),
        "unsigned attributes empty": beside(),
        "too many unsigned attributes": beside(
            *(attribute(f"1.2.3.{n}", NULL) for n in range(100, 133))),
        "unsigned attributes twice": build(
            replace(base, unsigned=2 * tagged(1, attribute("1.2.3.4", NULL)))),
    }  # fmt: skip


def lies() -> dict[str, bytes]:
    """One algorithm said, another one used for the digest."""
    base = valid()
    sha_512 = algorithm(SHA512)
    said = replace(base, digest=sha_512, hash=hashes.SHA512())
    return {
        "SHA-512 said, digest by SHA-256": build(
            replace(said, attributes=base.own_attributes())),
    }  # fmt: skip


def blobs() -> dict[str, tuple[bytes, bytes | None]]:
    found = {**signed(), **encodings(), **unsigned(), **lies()}
    return {name: (each, CONTENT) for name, each in found.items()}
