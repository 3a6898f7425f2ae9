"""Signed-data whose structure or content is not what was signed, by name."""

import hashlib
from dataclasses import replace

from asn1crypto import cms
from asn1crypto.parser import emit

from certs.cms.enveloped import make_enveloped
from tests.unit.certs import pki
from tests.unit.certs.cms.recipes import (
    CONTENT,
    CONTENT_TYPE,
    DATA,
    DIGEST,
    NULL,
    OTHER_CONTENT,
    RSA,
    SIGNED,
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

Blobs = dict[str, tuple[bytes, bytes | None]]


def contents() -> Blobs:
    base = valid()
    blob, opaque = build(base), build(replace(base, inside=CONTENT))
    other_digest = attribute(DIGEST, octets(hashlib.sha256(OTHER_CONTENT).digest()))
    swapped = base.with_attributes(lambda own: [*own[:2], other_digest])
    signature = sign(base, base.message())
    no_attributes = replace(base, attributes=())
    empty = replace(base, inside=b"")
    return {
        "content altered": (blob, OTHER_CONTENT),
        "content emptied": (blob, b""),
        "content prolonged": (blob, CONTENT + b"\r\n"),
        "content cut": (blob, CONTENT[:-1]),
        "content with bare line feeds": (blob, CONTENT.replace(b"\r\n", b"\n")),
        "content inside altered": (opaque.replace(b"Bonjour", b"Bonsoir"), None),
        "content inside emptied": (build(empty), None),
        "content inside emptied, own beside": (build(empty), CONTENT),
        "content and digest swapped": (build(replace(swapped, signature=signature)), OTHER_CONTENT),
        "content inside and beside": (opaque, CONTENT),
        "content inside and another beside": (opaque, OTHER_CONTENT),
        "content inside, nothing beside": (opaque, b""),
        "content nowhere": (blob, None),
        "no signed attributes": (build(no_attributes), CONTENT),
        "signed attributes passed off as content": (
            build(replace(no_attributes, signature=signature)), base.message()),
        "signed attributes passed off as content inside": (
            build(replace(no_attributes, signature=signature, inside=base.message())), None),
        "content of another type": (
            build(replace(base, content_type="1.2.840.113549.1.9.16.1.4")), CONTENT),
        "content type attribute of another type": (build(base.with_attributes(
            lambda own: sorted([attribute(CONTENT_TYPE, oid(SIGNED)), *own[1:]]))), CONTENT),
        "a signed message inside a signed one": (build(replace(
            base, content_type=SIGNED, signed=opaque, inside=opaque)), None),
        "a signed message inside, called data": (build(replace(
            base, content_type=SIGNED, signed=opaque, inside=opaque,
        )).replace(oid(SIGNED) + tagged(0, octets(opaque)), oid(DATA) + tagged(0, octets(opaque))),
            None),
    }  # fmt: skip


def encapsulations() -> Blobs:
    """The content inside, not as an OCTET STRING should be."""
    base = valid()

    def inside(element: bytes) -> tuple[bytes, None]:
        return build(replace(base, encapsulated=element)), None

    half, rest = CONTENT[:20], CONTENT[20:]
    return {
        "content inside as a sequence": inside(tagged(0, seq(octets(CONTENT)))),
        "content inside as text": inside(tagged(0, emit(0, 0, 12, CONTENT))),
        "content inside twice": inside(tagged(0, octets(CONTENT), octets(CONTENT))),
        "content inside under another tag": inside(tagged(1, octets(CONTENT))),
        "content inside without a tag": inside(octets(CONTENT)),
        "content inside and a rest": inside(tagged(0, octets(CONTENT)) + NULL),
        "nothing under the tag of the content": inside(tagged(0)),
        "content inside in parts, one no string": inside(
            tagged(0, emit(0, 1, 4, octets(half) + emit(0, 0, 12, rest)))),
        "content inside in parts, one missing": inside(tagged(0, emit(0, 1, 4, octets(half)))),
        "content inside in parts, out of order": inside(
            tagged(0, emit(0, 1, 4, octets(rest) + octets(half)))),
    }  # fmt: skip


def structures() -> Blobs:
    base = valid()
    blob = build(base)
    indefinite = b"\x30\x80" + blob[4:]
    signed = cms.ContentInfo.load(blob)["content"]
    inner = signed.contents
    first = inner.index(signed["certificates"].dump())
    after = first + len(signed["certificates"].dump())
    certificates, signers = inner[first:after], inner[after:]
    crl = tagged(1, pki.authority().crl([], pki.NOW, pki.NOW))

    def content_info(inside: bytes, kind: str = SIGNED) -> bytes:
        return seq(oid(kind), tagged(0, inside))

    found = {
        "nothing": b"",
        "one octet": b"\x30",
        "text": b"-----BEGIN PKCS7-----",
        "trailing octet": blob + b"\x00",
        "trailing blob": blob + blob,
        "trailing end of contents": blob + b"\x00\x00",
        "cut": blob[:-1],
        "cut in the middle": blob[: len(blob) // 2],
        "indefinite without an end": indefinite,
        "indefinite with half an end": indefinite + b"\x00",
        "indefinite with a rest": indefinite + b"\x00\x00\x00",
        "enveloped data": make_enveloped(CONTENT, [pki.certificate()]),
        "data": content_info(seq(), DATA),
        "signed data called data": content_info(seq(inner), DATA),
        "signed data called digested data": content_info(seq(inner), "1.2.840.113549.1.7.5"),
        "signed data without its ContentInfo": seq(inner),
        "signed data in a ContentInfo too many": content_info(blob),
        "algorithm with a rest": build(replace(base, scheme=algorithm(RSA, NULL + NULL))),
        "version 2": build(replace(base, version=2)),
        "version 0": build(replace(base, version=0)),
        "version -1": build(replace(base, version=-1)),
        "version of nine octets": build(replace(base, version=1 << 64)),
        "signer of version 3 by name": build(replace(base, signer_version=3)),
        "signer of version 0": build(replace(base, signer_version=0)),
        "signer of version 2": build(replace(base, signer_version=2)),
        "signer of version 1 by key": build(replace(base, identifier=emit(2, 0, 0, b"k" * 20))),
        "element after the signers": build(replace(base, rest_of_signed_data=NULL)),
        "signers a second time": build(replace(base, rest_of_signed_data=signers)),
        "element after the content": build(replace(base, rest_of_content_info=NULL)),
        "element after a signer's end": build(replace(base, unsigned=tagged(2, NULL))),
        "certificates twice": content_info(seq(
            inner[:first], certificates, certificates, signers)),
        "certificates after the lists": content_info(seq(
            inner[:first], crl, certificates, signers)),
        "certificates after the signers": content_info(seq(inner[:first], signers, certificates)),
        "signers as a sequence": content_info(seq(
            inner[:after], seq(signer_info(base)))),
        "signers before the content": content_info(seq(
            integer(1), signers, inner[3:after])),
        "a revocation list that is none": build(replace(base, lists=tagged(1, seq(NULL)))),
        "a revocation answer without a type": build(
            replace(base, lists=tagged(1, tagged(1, integer(1))))),
        "a crowd of revocation lists": build(
            replace(base, lists=tagged(1, *[tagged(1, oid("1.2.3"), NULL)] * 21))),
    }  # fmt: skip
    return {name: (each, CONTENT) for name, each in found.items()}


def blobs() -> Blobs:
    return {**contents(), **encapsulations(), **structures()}
