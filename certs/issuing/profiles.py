"""What a certificate of ours says: names, key usage, policy, where to ask, limits of an authority.

Profiles: RFC 5280 §4.2, RFC 8550 §4.4. Nothing here signs; :mod:`certs.issuing.issue` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from certs.certificate import Certificate, extension
from certs.usage import Usage

NAME_OCTETS: Final = 64
"""RFC 5280 §A.1 ub-common-name: 64 characters, that x509.Name counts as octets of UTF-8."""

POLICY_ARC: Final = "2.25.278326290826241137853435736973297512266"
"""Above the policies of :class:`Identified`: a UUID of this project's own, which needs no registry
(ITU-T X.667 §7). An operator with an own arc gives it as :attr:`Publishing.policy_arc`."""


class Identified(Enum):
    """How the holder of a mailbox was identified; the value is the last arc of the policy."""

    DECLARED = 1
    """The operator opened the mailbox; nobody's identity was looked at."""
    REGISTER = 2
    """Found in the national register of professionals or structures."""
    IN_PERSON = 3
    """Seen with a document of identity."""
    REMOTE = 4
    """Signed in with an electronic identity of a provider that the operator believes."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """What certificates say of where to ask, and under which arc their policies stand.

    ``lists`` are addresses of revocation lists, ``responders`` of OCSP. Raises ValueError for what
    is not an http address, or for an arc that is not an object identifier.
    """

    lists: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    policy_arc: str = POLICY_ARC

    def __post_init__(self) -> None:
        for place in (*self.lists, *self.responders):
            parts = urlsplit(place)
            # https would need a certificate to be validated to validate this one: RFC 5280 §8
            if parts.scheme != "http" or not parts.hostname or not place.isascii():
                raise ValueError(f"{place} is not an http address")
        try:
            x509.ObjectIdentifier(self.policy(Identified.DECLARED))
        except ValueError:
            raise ValueError(f"{self.policy_arc} is not an object identifier") from None

    def policy(self, identified: Identified) -> str:
        """The policy of certificates whose holder was identified so, in dotted form."""
        return f"{self.policy_arc}.{identified.value}"

    def identified(self, certificate: Certificate) -> Identified | None:
        """How the holder was identified, as a certificate of ours says; None when it does not.

        Raises :class:`DerMalformed`.
        """
        stated = extension(certificate, x509.CertificatePolicies) or ()
        named = {each.policy_identifier.dotted_string for each in stated}
        return next((each for each in Identified if self.policy(each) in named), None)


PRIVATE: Final = Publishing()
"""Nothing is published: those who believe the authority get its list in another way."""


@dataclass(frozen=True, slots=True)
class Realm:
    """Where an authority may vouch: the domains of its mailboxes, and of its hosts.

    A domain of mailboxes stands for itself alone, one of hosts for those below it too
    (RFC 5280 §4.2.1.10). None of a sort: no limit for that sort.
    """

    domains: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def constraints(self) -> x509.NameConstraints | None:
        """The extension, which is critical; None when there is no limit."""
        permitted: list[x509.GeneralName] = [x509.RFC822Name(each) for each in self.domains]
        permitted += [x509.DNSName(each) for each in self.hosts]
        return x509.NameConstraints(permitted, None) if permitted else None


def realm_of(constraints: x509.NameConstraints | None) -> Realm:
    """The realm that an authority's certificate states."""
    permitted = (constraints.permitted_subtrees or []) if constraints is not None else []
    return Realm(
        tuple(each.value for each in permitted if isinstance(each, x509.RFC822Name)),
        tuple(each.value for each in permitted if isinstance(each, x509.DNSName)),
    )


def outside(realm: Realm, names: Sequence[x509.GeneralName]) -> str:
    """The first name that the realm does not permit, or nothing: issuing it would be in vain."""
    for name in names:
        if isinstance(name, x509.RFC822Name) and realm.domains:
            if name.value.rpartition("@")[2].lower() not in realm.domains:
                return name.value
        elif isinstance(name, x509.DNSName) and realm.hosts:
            own = name.value.lower()
            if not any(own == host or own.endswith(f".{host}") for host in realm.hosts):
                return name.value
    return ""


def can_do(public_key: object) -> Usage:
    """What a key of that kind can do: Ed25519 only signs, X25519 only agrees (RFC 8410 §5)."""
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        return Usage.SIGN
    if isinstance(public_key, x25519.X25519PublicKey):
        return Usage.ENCRYPT
    return Usage.BOTH


def kind_of(public_key: object) -> str:
    """The kind of a public key, as ``KeyKind`` names it; ``unknown`` for one that is not known."""
    match public_key:
        case rsa.RSAPublicKey():
            return f"rsa-{public_key.key_size}"
        case ec.EllipticCurvePublicKey():
            return _CURVES.get(public_key.curve.name, public_key.curve.name)
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case x25519.X25519PublicKey():
            return "x25519"
        case _:
            return "unknown"


_CURVES = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}


def mailbox_usage(public_key: object, usage: Usage) -> x509.KeyUsage:
    """The key usage of a mailbox; raises ValueError when the kind of key cannot do that."""
    if usage not in can_do(public_key) or not usage:
        raise ValueError("a key of this kind cannot be used so")
    is_agreed = isinstance(public_key, ec.EllipticCurvePublicKey | x25519.X25519PublicKey)
    return key_usage(
        sign=Usage.SIGN in usage,
        commit=Usage.SIGN in usage,
        encipher=Usage.ENCRYPT in usage and not is_agreed,
        agree=Usage.ENCRYPT in usage and is_agreed,
    )


def key_usage(
    *,
    sign: bool = False,
    commit: bool = False,
    encipher: bool = False,
    agree: bool = False,
    authority: bool = False,
) -> x509.KeyUsage:
    """The extension with these bits (RFC 5280 §4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=commit,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=agree,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def policies(*dotted: str) -> x509.CertificatePolicies:
    """The extension that names these policies."""
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in dotted]
    )


def where_to_ask(publishing: Publishing) -> list[x509.ExtensionType]:
    """Distribution points (RFC 5280 §4.2.1.13) and responders (RFC 5280 §4.2.2.1)."""
    found: list[x509.ExtensionType] = []
    if publishing.lists:
        places = [x509.UniformResourceIdentifier(each) for each in publishing.lists]
        # several addresses of one list are one point
        found.append(x509.CRLDistributionPoints([x509.DistributionPoint(places, None, None, None)]))
    if publishing.responders:
        found.append(
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(each)
                    )
                    for each in publishing.responders
                ]
            )
        )
    return found


def subject(organisation: str | None, name: str) -> x509.Name:
    """A name of one commonName, below an organisation when there is one; cut at 64 octets."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, _cut(name))]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, _cut(organisation)))
    return x509.Name(parts)


def _cut(text: str) -> str:
    return text.encode()[:NAME_OCTETS].decode(errors="ignore")
