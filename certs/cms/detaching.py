"""Opaque signed-data made detached: the same signature, its content taken out and put beside.

A signature is over the digest of its content, wherever that stands (RFC 5652 §5.4), so whoever
cannot look inside CMS reads the content, and whoever can still verifies what the author signed.
"""

from certs.cms import content_info, der, oids, structure

_TAG_0 = 0xA0


def detached(blob: bytes, max_size: int = der.MAX_OCTETS) -> bytes:
    """The DER of the signed-data ``blob`` without its content; signers and certificates the same.

    Certificates come out in the order of DER. At most ``max_size`` octets of blob. Raises
    :class:`SignatureRejected` when it is no signed-data; proves nothing.
    """
    signed = structure.read(blob, max_size)
    versions = [1 if each.identifier[0] == der.SEQUENCE else 3 for each in signed.signers]
    digests = [der.tlv(der.SEQUENCE, *each) for each in signed.digests]
    pieces = [
        der.integer(max(versions, default=1)),
        der.set_of(*digests),
        der.tlv(der.SEQUENCE, signed.content_type),
    ]
    if signed.certificates:
        pieces.append(der.set_of(*signed.certificates, tag=_TAG_0))
    pieces.append(der.set_of(*(each.whole for each in signed.signers)))
    return content_info.wrapped(oids.ID_SIGNED_DATA, pieces)
