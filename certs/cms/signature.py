"""One signature value checked against one public key, by the algorithms of ``certs.algorithms``.

The digest of the signature, of its parameters and of the signed-data must be one and the same: a
mixture gains nothing and has been used to attack.
"""

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certs import algorithms
from certs.algorithms import Algorithm, Kind
from certs.certificate import Certificate, public_key, to_der
from certs.cms import der, oids
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused, DerMalformed

_NULL = der.tlv(der.NULL)
_SALT_BY_DEFAULT = 20
"""RFC 4055 §3.1: saltLength DEFAULT 20."""

_PSS_KEY = "1.2.840.113549.1.1.10"

_FIELD = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset((0, 1, _FIELD - 1, _FIELD, _FIELD + 1, _ORDER_8, _FIELD - _ORDER_8))
"""The y of the points whose order divides 8, in every encoding.

Under such a key one signature fits many messages.
"""


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


def pss_parameters(digest: Algorithm) -> bytes:
    """RSASSA-PSS-params of the one digest for all, salt as long as it (RFC 4055 §3.1)."""
    hashed = der.tlv(der.SEQUENCE, der.oid(digest.oid), _NULL)
    generator = der.tlv(der.SEQUENCE, oids.MGF1, hashed)
    salt = der.integer(algorithms.HASHES[digest.name].digest_size)
    return der.tlv(
        der.SEQUENCE, der.tlv(0xA0, hashed), der.tlv(0xA1, generator), der.tlv(0xA2, salt)
    )


def _pss_salt(parameters: bytes, digest: Algorithm) -> int:
    """The salt length of RSASSA-PSS-params (RFC 4055 §3.1), whose digests must be ``digest``."""
    try:
        outer = Reader(parameters)
        reader = outer.enter(der.SEQUENCE)
        outer.finish()
        hashed = _explicit(reader, 0xA0)
        generator, mask = _explicit(reader, 0xA1)
        mask_hash = algorithm_identifier(Reader(mask))
        salt = _SALT_BY_DEFAULT
        if reader.peek() == 0xA2:
            inner = reader.enter(0xA2)
            salt = inner.small_integer()
            inner.finish()
        reader.finish()
    except DerMalformed as error:
        raise AlgorithmRefused(f"parameters of rsa-pss: {error}") from None
    same = accepted_digest(*hashed) is digest and accepted_digest(*mask_hash) is digest
    if generator != oids.MGF1 or not same:
        raise AlgorithmRefused("rsa-pss with other digests")
    return salt


def _explicit(reader: Reader, tag: int) -> tuple[bytes, bytes]:
    inner = reader.enter(tag)
    found = algorithm_identifier(inner)
    inner.finish()
    return found


def accepted_key(certificate: Certificate) -> algorithms.PublicKey:
    """The key of the certificate, strong enough to believe. Raises :class:`AlgorithmRefused`."""
    key = algorithms.accepted_key(public_key(certificate))
    if isinstance(key, ed25519.Ed25519PublicKey):
        y = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
        if y in _SMALL_ORDER:
            raise AlgorithmRefused("ed25519 of small order")
    return key


def check_restriction(
    certificate: Certificate, scheme: tuple[Algorithm, int], digest: Algorithm
) -> None:
    """Refuse a key made for RSA-PSS when it is used otherwise.

    It signs by nothing else, nor by other digests or a shorter salt than it says (RFC 4055 §1.2,
    §3.3). Raises :class:`AlgorithmRefused`.
    """
    if certificate.public_key_algorithm_oid.dotted_string != _PSS_KEY:
        return
    row, salt = scheme
    parameters = _key_parameters(certificate)
    least = _pss_salt(parameters, digest) if parameters else 0
    if row.name != "rsa-pss" or salt < least:
        raise AlgorithmRefused("a key for other parameters of rsa-pss")


def _key_parameters(certificate: Certificate) -> bytes:
    """The parameters of the algorithm of the subject's key (RFC 5280 §4.1.2.7)."""
    tbs = Reader(to_der(certificate)).enter(der.SEQUENCE).enter(der.SEQUENCE)
    if tbs.peek() == 0xA0:  # version
        tbs.element()
    for _ in ("serial number", "signature", "issuer", "validity", "subject"):
        tbs.element()
    return algorithm_identifier(tbs.enter(der.SEQUENCE))[1]


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
