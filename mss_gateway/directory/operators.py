"""Operators of the trust space: which of them a TLS certificate speaks for, and whom we believe.

The certificate is the operator's word (threat T5): a server of theirs shows it when it calls us,
and when we call it. A dNSName that is a domain of the white list, or a host below one, speaks for
the operator of that domain; the commonName never counts (RFC 6125 §6.4.4), nor does what a server
says in EHLO.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from certs.certificate import Certificate, from_pem, host_names, is_authority
from certs.errors import ChainReason, ChainRejected, DerMalformed
from certs.issuing.issue import Authority
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.tls_trust import TlsTrust
from mss_gateway.directory.whitelist import Whitelist
from mss_gateway.directory.whitelist_xml import normal_domain
from mss_gateway.message.address import AddressMalformed


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of the white list, and the domains that are its own."""

    name: str
    domains: frozenset[str]


class Unidentified(Enum):
    """Why a certificate speaks for no operator."""

    MALFORMED = "malformed"
    NO_NAME = "no_name"
    WILDCARD = "wildcard"
    OUTSIDE = "outside"
    SEVERAL = "several"


class OperatorUnknown(Exception):
    """The certificate speaks for no operator; ``reason`` says why, and names nobody."""

    def __init__(self, reason: Unidentified) -> None:
        super().__init__(reason.value)
        self.reason = reason


class PeerTrust(TlsTrust):
    """Whom we believe about the servers of other operators, in both directions."""

    def __init__(
        self,
        authorities: Sequence[Certificate],
        own: Authority | None,
        kept: Kept | None,
        lists: Lists,
    ) -> None:
        """Raises ValueError when no authority is self-signed: no path would have an end."""
        super().__init__(authorities, (Purpose.CLIENT, Purpose.SERVER), own, lists, kept)

    @classmethod
    def load(
        cls, path: Path, own: Authority | None, kept: Kept | None, lists: Lists
    ) -> "PeerTrust":
        """Read the authorities of a PEM file; raises OSError, DerMalformed, ValueError."""
        return cls(from_pem(path.read_bytes()), own, kept, lists)

    def check(self, view: View, certificate: Certificate, purpose: Purpose, at: datetime) -> None:
        """Whether the certificate is believed at ``at`` (aware).

        ``purpose``: CLIENT of who calls us, SERVER of whom we call. Whose certificate it is,
        :func:`identify` says. An authority's own certificate is no server's, whatever it says of
        its use. Raises ``ChainRejected``.
        """
        self.judge(view, certificate, purpose, at)
        try:
            may_issue = is_authority(certificate)
        except DerMalformed as error:
            raise ChainRejected(ChainReason.NO_PATH, str(error)) from None
        if may_issue:
            raise ChainRejected(ChainReason.WRONG_PURPOSE, "the certificate of an authority")


def operator_of(whitelist: Whitelist, certificate: Certificate) -> Operator | None:
    """The operator that the certificate speaks for; None when it speaks for none."""
    try:
        return identify(whitelist, certificate)
    except OperatorUnknown:
        return None


def identify(whitelist: Whitelist, certificate: Certificate) -> Operator:
    """The operator that the certificate speaks for; raises :class:`OperatorUnknown`.

    Names outside of the trust space are passed over. A wildcard speaks for nobody, nor does what
    stands beside it: it would be a host of every operator below it. Names of two operators are
    a certificate that either could use in the other's name.
    """
    try:
        names = host_names(certificate)
    except DerMalformed:
        raise OperatorUnknown(Unidentified.MALFORMED) from None
    if not names:
        raise OperatorUnknown(Unidentified.NO_NAME)
    if any("*" in name for name in names):
        raise OperatorUnknown(Unidentified.WILDCARD)
    found = {whitelist.domains[domain] for name in names if (domain := _domain(whitelist, name))}
    if len(found) > 1:
        raise OperatorUnknown(Unidentified.SEVERAL)
    for operator in found:
        return Operator(operator, whitelist.domains_of(operator))
    raise OperatorUnknown(Unidentified.OUTSIDE)


def _domain(whitelist: Whitelist, name: str) -> str | None:
    """The listed domain of a host; None outside, and for what is no name of a host."""
    try:
        return whitelist.domain_above(normal_domain(name))
    except AddressMalformed:
        return None
