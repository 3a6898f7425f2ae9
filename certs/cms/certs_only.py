"""Certificates without a signature: the degenerate signed-data of ``smime-type=certs-only``.

RFC 8551 §3.8, RFC 5652 §5.2. It proves nothing of what it carries; PKCS #7 files (``.p7b``,
``.p7c``) have the same form.
"""

from collections.abc import Iterable
from typing import Final

from certs.certificate import Certificate, from_der, to_der
from certs.cms import content_info, der, oids, structure
from certs.errors import DerMalformed, SignatureRejected

MAX_CERTIFICATES: Final = 100
"""Certificates in one message: a bundle of issuers fits, and reading it takes milliseconds."""

MAX_OCTETS: Final = 1024 * 1024
"""Largest message read."""

_HEAD = der.integer(1) + der.tlv(der.SET) + der.tlv(der.SEQUENCE, oids.ID_DATA)
_NO_SIGNER = der.tlv(der.SET)


def make_certs_only(certificates: Iterable[Certificate]) -> bytes:
    """The DER of a ContentInfo that carries ``certificates``, each once.

    Raises ValueError when there is none, or more than ``MAX_CERTIFICATES``.
    """
    encoded = {to_der(each) for each in certificates}
    if not 1 <= len(encoded) <= MAX_CERTIFICATES:
        raise ValueError(f"between 1 and {MAX_CERTIFICATES} certificates")
    carried = der.set_of(*encoded, tag=0xA0)
    return content_info.wrapped(oids.ID_SIGNED_DATA, [_HEAD, carried, _NO_SIGNER])


def read_certs_only(blob: bytes) -> tuple[Certificate, ...]:
    """The certificates of such a message, in DER or streamed BER, in their order, each once.

    Revocation lists beside them are passed over. Raises :class:`DerMalformed` when it is something
    else (a signer, a content), carries no certificate, or goes beyond ``MAX_OCTETS`` or
    ``MAX_CERTIFICATES``.
    """
    try:
        signed = structure.read(blob, MAX_OCTETS, MAX_CERTIFICATES)
    except SignatureRejected as error:
        raise DerMalformed(f"certs-only: {error}") from None
    if signed.signers or signed.content or signed.content_type != oids.ID_DATA:
        raise DerMalformed("certs-only: a signature or a content")
    if not signed.certificates:
        raise DerMalformed("certs-only: no certificate")
    return tuple(from_der(each) for each in dict.fromkeys(signed.certificates))
