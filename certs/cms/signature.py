"""One signature value checked against one public key, by the algorithms of ``certs.algorithms``.

The digest of the signature, of its parameters and of the signed-data must be one and the same: a
mixture gains nothing and has been used to attack.
"""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certs import algorithms
from certs.algorithms import Algorithm, Kind
from certs.cms import der, oids
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused, DerMalformed

_NULL = der.tlv(der.NULL)
_SALT_BY_DEFAULT = 20
"""RFC 4055 §3.1: saltLength DEFAULT 20."""


def algorithm_identifier(reader: Reader) -> tuple[bytes, bytes]:
    """(OBJECT IDENTIFIER, parameters or nothing), both as DER elements."""
    inner = reader.enter(der.SEQUENCE)
    oid = inner.element(der.OID)
    parameters = inner.element() if inner.peek() >= 0 else b""
    inner.finish()
    return oid, parameters


def accepted_digest(oid: bytes, parameters: bytes) -> Algorithm:
    """The row of a digest algorithm; parameters absent or NULL (RFC 5754 §2).

    Raises :class:`AlgorithmRefused`.
    """
    if parameters not in (b"", _NULL):
        raise AlgorithmRefused("parameters of a digest")
    return algorithms.accepted(Kind.DIGEST, oid)


def accepted_signature(oid: bytes, parameters: bytes, digest: Algorithm) -> tuple[Algorithm, int]:
    """(row of the signature algorithm, length of the salt for RSA-PSS, else 0).

    Raises :class:`AlgorithmRefused`, also when it does not go with ``digest``.
    """
    row = algorithms.accepted(Kind.SIGNATURE, oid)
    if row.name == "rsa-pss":
        return row, _pss_salt(parameters, digest)
    allowed = (b"", _NULL) if row.name.startswith("rsa") else (b"",)
    if parameters not in allowed:
        raise AlgorithmRefused(f"parameters of {row.name}")
    if row.name == "ed25519":  # RFC 8419 §3.1
        consistent = digest.name == "sha-512"
    else:
        consistent = row.name == "rsa-pkcs1-v1.5" or row.name.endswith(digest.name)
    if not consistent:
        raise AlgorithmRefused(f"{row.name} with {digest.name}")
    return row, 0


def _pss_salt(parameters: bytes, digest: Algorithm) -> int:
    """The salt length of RSASSA-PSS-params (RFC 4055 §3.1), whose digests must be ``digest``."""
    try:
        outer = Reader(parameters)
        reader = outer.enter(der.SEQUENCE)
        outer.finish()
        hashed = algorithm_identifier(reader.enter(0xA0))
        generator, mask = algorithm_identifier(reader.enter(0xA1))
        mask_hash = algorithm_identifier(Reader(mask))
        salt = reader.enter(0xA2).small_integer() if reader.peek() == 0xA2 else _SALT_BY_DEFAULT
        reader.finish()
    except DerMalformed as error:
        raise AlgorithmRefused(f"parameters of rsa-pss: {error}") from None
    same = accepted_digest(*hashed) is digest and accepted_digest(*mask_hash) is digest
    if generator != oids.MGF1 or not same:
        raise AlgorithmRefused("rsa-pss with other digests")
    return salt


def check(
    key: algorithms.PublicKey,
    scheme: tuple[Algorithm, int],
    digest: Algorithm,
    signature: bytes,
    message: bytes,
) -> None:
    """Raises InvalidSignature when ``signature`` is not the key's over ``message``.

    Raises :class:`AlgorithmRefused` when the algorithm is not one of this kind of key.
    """
    row, salt = scheme
    used = algorithms.HASHES[digest.name]
    if isinstance(key, rsa.RSAPublicKey) and row.name == "rsa-pss":
        key.verify(signature, message, padding.PSS(padding.MGF1(used), salt), used)
    elif isinstance(key, rsa.RSAPublicKey) and row.name.startswith("rsa-pkcs1"):
        key.verify(signature, message, padding.PKCS1v15(), used)
    elif isinstance(key, ec.EllipticCurvePublicKey) and row.name.startswith("ecdsa"):
        key.verify(signature, message, ec.ECDSA(used))
    elif isinstance(key, ed25519.Ed25519PublicKey) and row.name == "ed25519":
        key.verify(signature, message)
    else:
        raise AlgorithmRefused(f"{row.name} with another kind of key")
