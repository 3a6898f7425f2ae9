"""The mutations of signed-data: what each must be refused for, and those that harm nothing.

120 were asked for; ``EXPECTED`` is the whole table. They are made by an encoder that is not ours
(``recipes``), and judged by another implementation in ``tests/crossed``.
"""

from dataclasses import dataclass
from functools import cache

from certs.errors import SignatureReason as Reason
from tests.unit.certs.cms import (
    altered_algorithms,
    altered_attributes,
    altered_content,
    altered_harmlessly,
    altered_signers,
)
from tests.unit.certs.cms.recipes import CONTENT, OTHER_CONTENT

__all__ = [
    "CONTENT",
    "EXPECTED",
    "HARMLESS",
    "OTHER_CONTENT",
    "Case",
    "cases",
    "harmless",
    "refused",
]

_NAMES_BY_REASON = {
    Reason.MALFORMED: """
        content inside as a sequence
        content inside as text
        content inside twice
        content inside under another tag
        content inside without a tag
        content inside and a rest
        nothing under the tag of the content
        content inside in parts, one no string
        nothing
        one octet
        text
        trailing octet
        trailing blob
        trailing end of contents
        cut
        cut in the middle
        indefinite without an end
        indefinite with half an end
        indefinite with a rest
        signed data without its ContentInfo
        signed data in a ContentInfo too many
        algorithm with a rest
        version 2
        version 0
        version -1
        version of nine octets
        signer of version 3 by name
        signer of version 0
        signer of version 2
        signer of version 1 by key
        element after the signers
        signers a second time
        element after the content
        element after a signer's end
        certificates twice
        certificates after the lists
        certificates after the signers
        signers as a sequence
        signers before the content
        a revocation list that is none
        a revocation answer without a type
        a crowd of revocation lists
        attributes in BER
        attributes in BER, signed in BER
        attributes with a longer length
        attributes under another tag
        attributes as a set
        attributes twice
        attributes unsigned only
        unsigned digest
        unsigned content type
        unsigned signing time
        unsigned digest only
        unsigned capabilities
        unsigned SHA-1 binding
        unsigned attribute without values
        unsigned attribute cut
        unsigned attribute of no type
        unsigned attribute with a NULL that holds something
        unsigned attributes empty
        too many unsigned attributes
        unsigned attributes twice
        a crowd of signers
        a signer that is none
        a signer of nothing
        certificate with a longer length
        certificate in BER
        attribute certificate
        extended certificate
        certificate of another format
        certificate as a string
        number first, issuer after
        issuer and number with a rest
        issuer alone
        key identifier in parts
        key identifier under another tag
        announced with a rest
        a crowd of digests
    """,
    Reason.NOT_SIGNED_DATA: """
        enveloped data
        data
        signed data called data
        signed data called digested data
    """,
    Reason.CONTENT_TYPE: """
        content of another type
        content type attribute of another type
        a signed message inside a signed one
        a signed message inside, called data
        content type of the digest, digest of the content type
    """,
    Reason.CONTENT_TWICE: """
        content inside emptied, own beside
        content inside and beside
        content inside and another beside
        content inside, nothing beside
    """,
    Reason.CONTENT_MISSING: """
        content nowhere
    """,
    Reason.NO_SIGNER: """
        no signer
    """,
    Reason.SEVERAL_SIGNERS: """
        two signers
        two signers, both right
        two signers, the second wrong
        two signers, the first wrong
        two signers of two contents
    """,
    Reason.TOO_MANY_CERTIFICATES: """
        too many certificates
    """,
    Reason.CERTIFICATE_MALFORMED: """
        certificate that is none
        certificate cut
        certificate with a rest
        certificate number of 21 octets
        certificate number below zero
        certificate number zero
    """,
    Reason.SIGNER_CERTIFICATE_MISSING: """
        no certificate
        another's certificate only
        number with a zero before
        number of nobody
        issuer in capitals
        key identifier of nobody
        key identifier cut
        key identifier prolonged
        key identifier empty
        key identifier of a certificate without
    """,
    Reason.SIGNER_CERTIFICATE_AMBIGUOUS: """
        key identifier of two certificates
        two certificates of one name and number
        two certificates of one name and number, bound
    """,
    Reason.SIGNER_CERTIFICATE_NOT_BOUND: """
        key identifier claimed by a stranger, own bound
        another's certificate named, own bound
        another certificate of the same key
        bound to another
        bound to another first
        bound by half a digest
        bound with another's issuer
        bound with another number
        bound with two issuers
        a twin in the place of the signer, bound
    """,
    Reason.ATTRIBUTES_MISSING: """
        no signed attributes
        signed attributes passed off as content
        signed attributes passed off as content inside
        digest missing
        content type missing
        only the time
        attributes empty
    """,
    Reason.ATTRIBUTES_MALFORMED: """
        attributes reordered
        attributes signed out of order
        digest of two values
        digest of no value
        content type of two values
        capabilities of two values
        SHA-1 binding of two values
        digest in parts
        attribute without values
        attribute with a rest
        attribute of an empty set
        attribute in a sequence
        attribute whose second value is cut
        attribute of a type cut
        attribute of a type not minimal
        attribute with a NULL that holds something
        attribute with an INTEGER not minimal
        attribute with an INTEGER of nothing
        attribute with a BOOLEAN of two octets
        attribute with a BIT STRING of nine unused bits
        attribute with an end of contents
        attribute with half a character
        attribute with a primitive sequence
        too many attributes
        signed countersignature
        signing time without seconds
        signing time not in UTC
        signing time that is no day
        signing time with a fraction
        signing time as text
        one attribute in BER
        bound to nothing
        bound by two values
        bound with a rest
        bound with a rest inside
    """,
    Reason.ATTRIBUTE_DUPLICATED: """
        digest twice
        two digests
        two content types
        two signing times
        two SHA-1 bindings
        unknown attribute twice
    """,
    Reason.ALGORITHM_REFUSED: """
        key identifier of the issuer
        bound by SHA-1
        bound by MD5
        a twin of another kind of key
        SHA-1
        MD5
        SHA-224
        digest with parameters
        digest not announced
        no digest announced
        an unknown digest announced too
        SHA-1 announced too
        announced with other parameters
        announced by a type cut
        the digest of an algorithm for signatures
        unknown signature algorithm
        SHA-1 with RSA
        MD5 with RSA
        DSA
        a transport as a signature
        a digest as a signature
        signature by SHA-512, digest by SHA-256
        RSA with strange parameters
        ECDSA by an RSA key
        Ed25519 by an RSA key
        RSA by a P-256 key
        ECDSA with parameters
        ECDSA by SHA-1
        ECDSA by SHA-512, digest by SHA-256
        the type of a curve's key as a signature
        PSS by default parameters
        PSS without parameters
        PSS with NULL
        PSS with SHA-1
        PSS with another mask
        PSS with SHA-512, digest by SHA-256
        PSS with an unknown field
        PSS with an explicit trailer
        PSS with another trailer
        PSS with a rest after its digest
        PSS with a rest after its mask
        PSS with a rest after its salt
        PSS with a mask of no digest
        PSS with another generator
        PSS without a mask
        PSS with a salt below zero
        PSS with a salt of gigabytes
        PKCS #1 v1.5 by a key for PSS
        PKCS #1 v1.5 by a key for one PSS
        PSS by a key for another digest
        PSS by a key for a longer salt
        Ed25519 with SHA-256
        Ed25519 with NULL
        Ed25519 called Ed448
        Ed25519 called ECDSA
        Ed25519 called RSA
        Ed25519 by an X25519 key
    """,
    Reason.KEY_TOO_WEAK: """
        RSA of 1,024 bits
        RSA with exponent 3
        RSA with exponent 3, forged by a cube root
        RSA of 8,200 bits
        another curve
        the curve of Bitcoin
        Ed25519 by a key of small order
        Ed25519 by an Ed448 key
    """,
    Reason.DIGEST_MISMATCH: """
        content altered
        content emptied
        content prolonged
        content cut
        content with bare line feeds
        content inside altered
        content inside emptied
        content inside in parts, one missing
        content inside in parts, out of order
        digest not an octet string
        digest cut
        digest prolonged
        digest of nothing
        digest by another algorithm
        digest of zeros
        SHA-512 said, digest by SHA-256
    """,
    Reason.SIGNATURE_WRONG: """
        content and digest swapped
        attributes signed under their tag
        attributes signed as a sequence
        another's certificate named
        another's certificate named, own beside
        key identifier claimed by a stranger
        a twin in the place of the signer
        signed by the twin's key
        PSS with a salt longer than the key
        PSS with another salt
        PSS said, PKCS #1 v1.5 done
        PKCS #1 v1.5 said, PSS done
        signature of another key
        signature of zeros
        signature of one
        signature empty
        signature too long
        signature cut
        signature backwards
        signature not reduced
        signature of the content
        signature of the digest
        block with rubbish after the digest
        block of type 2
        block of the bare digest
        block without the NULL
        block with a long NULL
        block of another digest's name
        block of SHA-1
        ECDSA of zeros
        ECDSA with r of zero
        ECDSA with s of zero
        ECDSA below zero
        ECDSA with the order added to s
        ECDSA with the order added to r
        ECDSA with s of the order
        ECDSA with r and s exchanged
        ECDSA with an INTEGER not minimal
        ECDSA with a rest
        ECDSA with a third number
        ECDSA in BER
        ECDSA with a longer length
        ECDSA as two numbers of 32 octets
        ECDSA empty
        ECDSA of the content
        Ed25519 of the content
        Ed25519 of the digest of the attributes
        Ed25519 with the order added to S
        Ed25519 cut
        Ed25519 prolonged
        Ed25519 of zeros
        Ed25519 wrapped in a string
    """,
}

EXPECTED: dict[str, Reason] = {
    line.strip(): reason
    for reason, names in _NAMES_BY_REASON.items()
    for line in names.strip().splitlines()
}
"""Name of the mutation → why it is refused."""

HARMLESS: tuple[str, ...] = (
    "version 3 of signed-data",
    "version 4 of signed-data",
    "version 5 of signed-data",
    "the other s of ECDSA",
    "another certificate too",
    "the certificate twenty times",
    "the digest announced twice",
    "another digest announced too",
    "announced with NULL",
    "digest with NULL",
    "RSA without parameters",
    "RSA named with its digest",
    "a revocation list",
    "an answer of revocation",
    "an unsigned attribute",
    "an unsigned attribute in BER",
    "a countersignature",
    "named by key",
    "named by key, version 1",
    "no signing time",
    "a signing time of another form",
    "a signing time long past",
    "an unknown attribute of two values",
    "capabilities that are none",
    "a SHA-1 binding of another certificate",
    "bound",
    "bound by SHA-512",
    "bound with its issuer",
    "by SHA-512",
    "PSS",
    "PSS without salt",
    "content inside in two parts",
    "streamed",
)
"""Altered or unusual, and accepted."""


@dataclass(frozen=True)
class Case:
    name: str
    reason: Reason | None
    blob: bytes
    content: bytes | None


@cache
def refused() -> dict[str, Case]:
    """Every mutation of the table by its name; made once, for RSA keys are slow to draw."""
    made = {
        **altered_content.blobs(),
        **altered_attributes.blobs(),
        **altered_signers.blobs(),
        **altered_algorithms.blobs(),
    }
    assert made.keys() == EXPECTED.keys()
    return {name: Case(name, EXPECTED[name], *each) for name, each in made.items()}


@cache
def harmless() -> dict[str, Case]:
    """Every alteration that is accepted, by its name."""
    made = altered_harmlessly.blobs()
    assert tuple(made) == HARMLESS
    return {name: Case(name, None, *each) for name, each in made.items()}


def cases() -> tuple[Case, ...]:
    """All that must be refused."""
    return tuple(refused().values())
