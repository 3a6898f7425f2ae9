"""Who claims to have signed (RFC 5652 §5.3): read from signed-data for an operator who looks.

It proves nothing: no signature is checked here, and several signers, which verification refuses,
are listed like one.
"""

from dataclasses import dataclass
from datetime import datetime

from certs import algorithms
from certs.algorithms import Kind
from certs.capabilities import Capabilities
from certs.certificate import Certificate, from_der
from certs.cms import attributes, der, identifier, oids, structure
from certs.cms.structure import SignerInfo
from certs.errors import AlgorithmRefused, DerMalformed, SignatureRejected


@dataclass(frozen=True, slots=True)
class SignerSummary:
    """What one signer says of itself; none of it is proved.

    ``identifier`` is ``serial:`` or ``ski:`` and hexadecimal digits; ``certificate`` the one it
    means among those sent along, None when there is none, several, or it cannot be read.
    ``digest`` and ``scheme`` are names of the table of algorithms, or say why they are refused.
    """

    identifier: str
    certificate: Certificate | None
    digest: str
    scheme: str
    signing_time: datetime | None
    capabilities: Capabilities | None


def read_signers(blob: bytes, max_size: int = der.MAX_OCTETS) -> tuple[SignerSummary, ...]:
    """The signers of a ContentInfo with signed-data, at most ``structure.MAX_SIGNERS``, in order.

    Raises :class:`SignatureRejected` when it cannot be read.
    """
    signed = structure.read(blob, max_size)
    return tuple(_summary(each, signed.certificates) for each in signed.signers)


def _summary(signer_info: SignerInfo, certificates: tuple[bytes, ...]) -> SignerSummary:
    said = _said(signer_info.attributes)
    return SignerSummary(
        identifier=identifier.readable(signer_info.identifier),
        certificate=_meant(signer_info.identifier, certificates),
        digest=_name(Kind.DIGEST, signer_info.digest[0]),
        scheme=_name(Kind.SIGNATURE, signer_info.algorithm[0]),
        signing_time=_time(said.get(oids.SIGNING_TIME)),
        capabilities=attributes.capabilities_of(said),
    )


def _said(encoded: bytes) -> dict[bytes, bytes]:
    try:
        return attributes.read_signed(encoded) if encoded else {}
    except (DerMalformed, SignatureRejected):
        return {}


def _meant(named: bytes, certificates: tuple[bytes, ...]) -> Certificate | None:
    try:
        found = {each for each in certificates if identifier.names(named, each)}
        return from_der(found.pop()) if len(found) == 1 else None
    except DerMalformed:
        return None


def _name(kind: Kind, oid: bytes) -> str:
    try:
        return algorithms.accepted(kind, oid).name
    except AlgorithmRefused as refused:
        return str(refused)


def _time(value: bytes | None) -> datetime | None:
    try:
        return None if value is None else der.time_of(value)
    except DerMalformed:
        return None
