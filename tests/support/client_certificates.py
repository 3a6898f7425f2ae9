"""Certificates of TLS clients, of a throw-away authority: for applications that sign in by one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.status.revocation import Revocation


def issue(
    authority: Authority,
    key: PrivateKey,
    addresses: Sequence[str],
    now: datetime,
    days: int = 30,
    usage: ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Certificate:
    """A certificate that names mailboxes, for client authentication unless said otherwise."""
    alternatives: list[x509.GeneralName] = [x509.RFC822Name(address) for address in addresses]
    return authority._issue(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Automate")]),
        key.public_key,
        [
            x509.KeyUsage(True, False, False, False, False, False, False, False, False),
            x509.ExtendedKeyUsage([usage]),
        ],
        alternatives or [x509.DNSName("automate.example")],
        (now, days),
    )


def lists(authority: Authority, revoked: Sequence[Certificate], now: datetime) -> list[bytes]:
    """The lists of both levels of an authority, fresh for a week from ``now``."""
    until = now + timedelta(days=7)
    lines = [Revocation(each.serial_number, now - timedelta(minutes=1)) for each in revoked]
    return [authority.crl(lines, now, until), authority.root_crl([], now, until)]
