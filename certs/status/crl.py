"""One certificate revocation list (RFC 5280 §5), read once: what it covers, until when, who is in.

A list may have a million entries in 50 MB: it stays the octets that were given, no object is made
per entry, and a serial number is sought in the octets before the entries are looked at.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from certs import reading
from certs.cms import der
from certs.cms.der import Reader
from certs.errors import AlgorithmRefused, DerMalformed
from certs.memory import Memory
from certs.status.distribution import Scope, scope_of
from certs.validation import vouching
from certs.validation.link import CLOCK_SKEW, Link
from certs.validation.names import Name, normal

KEPT_ENTRIES: Final = 1024
"""Answers of one list that are remembered."""

MAX_OID_OCTETS: Final = 127
"""Names of extensions that are longer have another form of length; nobody has one."""

_TIMES: Final = (bytes((der.UTC_TIME,)), bytes((der.GENERALIZED_TIME,)))

_CRITICAL: Final = b"\x01\x01\xff"
"""The BOOLEAN TRUE that says critical; it follows the name of its extension."""

_KNOWN_EXTENSIONS: Final = frozenset(
    [
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.DELTA_CRL_INDICATOR,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    ]
)
_KNOWN_ENTRY_EXTENSIONS: Final = frozenset(
    [
        CRLEntryExtensionOID.CRL_REASON,
        CRLEntryExtensionOID.INVALIDITY_DATE,
        CRLEntryExtensionOID.CERTIFICATE_ISSUER,
    ]
)
"""What may be critical (RFC 5280 §5.2, §5.3): each is judged, or says nothing to judge."""

_KNOWN_OCTETS: Final = tuple(
    der.oid(each.dotted_string) for each in _KNOWN_EXTENSIONS | _KNOWN_ENTRY_EXTENSIONS
)
_CERTIFICATE_ISSUER: Final = der.oid(CRLEntryExtensionOID.CERTIFICATE_ISSUER.dotted_string)


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate of a list; ``at`` is the invalidity date where that is earlier."""

    at: datetime
    reason: x509.ReasonFlags


class RevocationList:
    """A list as it was signed. ``base`` is the number of the list that a delta list amends."""

    __slots__ = (
        "_answers",
        "_crl",
        "_encoded",
        "_is_about_others",
        "_signers",
        "authority_identifier",
        "base",
        "digest",
        "is_usable",
        "issuer",
        "next_update",
        "number",
        "scope",
        "this_update",
    )

    def __init__(self, encoded: bytes) -> None:
        """Raises :class:`DerMalformed` for what is no list.

        A list with a critical extension that we do not know, in any entry too, is not usable: it
        must not be used for any certificate (RFC 5280 §5.2, §5.3).
        """
        self._encoded = encoded
        self._crl = reading.revocation_list(encoded)
        try:
            with reading.quietly():
                self.issuer: Name = normal(self._crl.issuer)
                found = {each.oid: each for each in self._crl.extensions}
        except reading.UNREADABLE:
            raise DerMalformed("extensions of a revocation list") from None
        is_known = all(oid in _KNOWN_EXTENSIONS for oid, each in found.items() if each.critical)
        self.is_usable = is_known and self._is_known_throughout()
        self.this_update = self._crl.last_update_utc
        self.next_update = self._crl.next_update_utc
        values = [each.value for each in found.values()]
        self.number = next((v.crl_number for v in values if isinstance(v, x509.CRLNumber)), None)
        self.base = next(
            (v.crl_number for v in values if isinstance(v, x509.DeltaCRLIndicator)), None
        )
        self.scope: Scope = scope_of(
            next((v for v in values if isinstance(v, x509.IssuingDistributionPoint)), None),
            self.issuer,
        )
        self.authority_identifier = next(
            (v.key_identifier for v in values if isinstance(v, x509.AuthorityKeyIdentifier)), None
        )
        self.digest = hashlib.sha256(encoded).hexdigest()
        self._is_about_others = _CERTIFICATE_ISSUER in encoded
        self._signers: Memory[bytes, bool] = Memory(8)
        self._answers: Memory[tuple[int, Name], tuple[Entry | None]] = Memory(KEPT_ENTRIES)

    def _is_known_throughout(self) -> bool:
        """Whether no entry has an unknown critical extension.

        No entry is looked at unless some octets could be one: an OBJECT IDENTIFIER that we do not
        know, the mark "critical", an OCTET STRING.
        """
        position = self._encoded.find(_CRITICAL)
        while position >= 0:
            if not self._encoded.endswith(_KNOWN_OCTETS, 0, position) and _is_mark(
                self._encoded, position
            ):
                break
            position = self._encoded.find(_CRITICAL, position + 1)
        else:
            return True
        try:
            with reading.quietly():
                return all(
                    each.oid in _KNOWN_ENTRY_EXTENSIONS
                    for entry in self._crl
                    for each in entry.extensions
                    if each.critical
                )
        except reading.UNREADABLE:
            return False

    def has_begun(self, at: datetime) -> bool:
        """Whether it was there at that time, as clocks go."""
        return self.this_update - CLOCK_SKEW <= at

    def is_fresh(self, at: datetime) -> bool:
        """Whether it speaks for that time; a list without next update never does."""
        until = self.next_update
        return until is not None and self.has_begun(at) and at <= until

    def is_signed_by(self, signer: Link) -> bool:
        """Whether the key of ``signer``, which may sign lists, made the signature."""
        if self.issuer != signer.subject or not signer.may_sign_lists:
            return False
        known = self._signers.get(signer.key_octets)
        if known is None:
            known = self._verify(signer)
            self._signers.keep(signer.key_octets, known)
        return known

    def _verify(self, signer: Link) -> bool:
        """The signed part is checked where it lies: the library would write it anew."""
        whole = Reader(self._encoded).enter(der.SEQUENCE)
        whole.enter(der.SEQUENCE)
        rest = len(whole.element(der.SEQUENCE)) + len(whole.element(der.BIT_STRING))
        head = 2 if self._encoded[1] < 0x80 else 2 + (self._encoded[1] & 0x7F)
        lying = memoryview(self._encoded)[head : len(self._encoded) - rest]
        signed = cast("bytes", lying)  # any buffer will do, and a copy would be of 50 MB
        try:
            scheme = self._crl.signature_algorithm_parameters
            digest = self._crl.signature_hash_algorithm
            vouching.verify(signer, vouching.Signature(self._crl.signature, scheme, digest), signed)
        except (AlgorithmRefused, InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True

    def entry(self, serial: int, issuer: Name) -> Entry | None:
        """The entry of the certificate that ``issuer`` signed, or None.

        Raises :class:`DerMalformed` where the entry cannot be read: it must not pass for absent.
        """
        known = self._answers.get((serial, issuer))
        if known is None:
            known = (self._seek(serial, issuer),)
            self._answers.keep((serial, issuer), known)
        return known[0]

    def _seek(self, serial: int, issuer: Name) -> Entry | None:
        if not self._may_hold(serial):
            return None
        try:
            if self._is_about_others:
                with reading.quietly():
                    return next(self._of(serial, issuer), None)
            found = self._crl.get_revoked_certificate_by_serial_number(serial)
            return None if found is None or issuer != self.issuer else _entry(found)
        except reading.UNREADABLE:
            raise DerMalformed("an entry of a revocation list") from None

    def _may_hold(self, serial: int) -> bool:
        """Whether some octets could be its entry: at the head of a SEQUENCE, before a Time."""
        octets = serial.to_bytes(serial.bit_length() // 8 + 1, "big", signed=True)
        encoded, sought = self._encoded, der.tlv(der.INTEGER, octets)
        position = encoded.find(sought)
        while position >= 0:
            after = encoded[position + len(sought) : position + len(sought) + 1]
            if after in _TIMES and der.SEQUENCE in encoded[max(position - 5, 0) : position]:
                return True
            position = encoded.find(sought, position + 1)
        return False

    def _of(self, serial: int, issuer: Name) -> Iterator[Entry]:
        """Entries of an indirect list; each is about the issuer last named (RFC 5280 §5.3.3)."""
        named = frozenset([self.issuer])
        for each in self._crl:
            for extension in each.extensions:
                if isinstance(extension.value, x509.CertificateIssuer):
                    directories = extension.value.get_values_for_type(x509.DirectoryName)
                    named = frozenset(normal(name) for name in directories)
            if each.serial_number == serial and issuer in named:
                yield _entry(each)


def _is_mark(encoded: bytes, position: int) -> bool:
    """Whether what stands before is an OBJECT IDENTIFIER, and what follows an OCTET STRING."""
    if encoded[position + 3 : position + 4] != b"\x04":
        return False
    return any(
        position >= size + 2
        and encoded[position - size - 2] == der.OID
        and encoded[position - size - 1] == size
        for size in range(1, MAX_OID_OCTETS + 1)
    )


def _entry(found: x509.RevokedCertificate) -> Entry:
    at, reason = found.revocation_date_utc, x509.ReasonFlags.unspecified
    for each in found.extensions:
        if isinstance(each.value, x509.CRLReason):
            reason = each.value.reason
        elif isinstance(each.value, x509.InvalidityDate):
            at = min(at, each.value.invalidity_date_utc)
    return Entry(at, reason)
