"""Private keys of mailboxes ready for use: who signs now, and everything that ever opened."""

from collections.abc import Sequence

from certs.certificate import Certificate, from_der, from_pem
from certs.keyring import PrivateKey, Signer
from mailbox_store.database import View
from mailbox_store.vault import AccountId, AccountSeal

CERTIFICATE, CHAIN, KEY = b"certificate", b"chain", b"private-key"
"""What a sealed value of a certificate's row is: bound to it, so that none stands for another."""

NEWEST_IN_USE = "ORDER BY use_from > ?, abs(use_from - ?), certificate_id DESC LIMIT 1"
"""Of those that are valid: the newest whose time of use has come; else the one that is next.

Both parameters are the present. Next is better than none: it is valid, and holders of the other
half have it already.
"""

SIGNERS_LIMIT = 10_000
"""Signers remembered at most; past it all are let go, and loaded again when they are asked for."""


class NoSigner(Exception):
    """The account has no valid certificate whose key the gateway holds."""


class Cabinet:
    """Signers ready for use, remembered; whether one is valid is asked of the store each time.

    ``issuers`` go with certificates that were kept without their own chain, by earlier releases.
    """

    def __init__(self, issuers: Sequence[Certificate]) -> None:
        self.issuers = tuple(issuers)
        self._signers: dict[int, Signer] = {}

    def signer(self, view: View, account_id: AccountId, now: float) -> Signer:
        """The newest valid signer of an account; raises :class:`NoSigner`."""
        row = view.sql(
            "SELECT certificate_id FROM certificates WHERE account_id = ? AND state = 'active'"
            " AND usage IN ('SIGN', 'BOTH') AND not_before <= ? AND not_after > ?"
            f" AND sealed_key IS NOT NULL {NEWEST_IN_USE}",
            (account_id, now, now, now, now),
        ).first()
        if row is None:
            raise NoSigner(account_id)
        known = self._signers.get(row[0])
        if known is None:
            known = self._load(view, account_id, row[0])
            # a certificate made in a transaction that rolls back gives its number to another one
            if not view.writes:
                if len(self._signers) >= SIGNERS_LIMIT:
                    self._signers.clear()
                self._signers[row[0]] = known
        return known

    def openers(self, view: View, account_id: AccountId) -> list[tuple[Certificate, PrivateKey]]:
        """Every key that the gateway holds for an account, whatever its state: for reading.

        The newest first. None is ever deleted: what was encrypted to it stays readable.
        """
        seal = view.vault.account(view, account_id)
        rows = view.sql(
            "SELECT sealed_certificate, sealed_key FROM certificates WHERE account_id = ?"
            " AND sealed_key IS NOT NULL ORDER BY certificate_id DESC",
            (account_id,),
        ).fetchall()
        return [_pair(seal, bytes(row[0]), bytes(row[1])) for row in rows]

    def _load(self, view: View, account_id: AccountId, certificate_id: int) -> Signer:
        row = view.sql(
            "SELECT sealed_certificate, sealed_key, sealed_chain FROM certificates"
            " WHERE certificate_id = ?",
            (certificate_id,),
        ).one()
        seal = view.vault.account(view, account_id)
        certificate, key = _pair(seal, bytes(row[0]), bytes(row[1]))
        return Signer(key, certificate, opened_chain(seal, row[2], self.issuers))


def opened_chain(
    seal: AccountSeal, sealed: bytes | None, issuers: tuple[Certificate, ...]
) -> tuple[Certificate, ...]:
    """The issuers kept with a certificate; ``issuers`` when it was kept without."""
    if sealed is None:
        return issuers
    pem = seal.open(bytes(sealed), CHAIN)
    return from_pem(pem) if pem else ()


def _pair(seal: AccountSeal, certificate: bytes, key: bytes) -> tuple[Certificate, PrivateKey]:
    return from_der(seal.open(certificate, CERTIFICATE)), PrivateKey.unsealed(
        key, lambda sealed: seal.open(sealed, KEY)
    )
