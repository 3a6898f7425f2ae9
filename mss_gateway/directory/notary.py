"""The gateway's own signature, for what it writes itself: reports and explanations.

An envelope that proves nothing of its content (CBC) holds a signed message, always. What others
wrote is never signed here. The certificate, postmaster's, is made on the first need and lives as
long as the process: nothing depends on it afterwards, because it goes along.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from certs.issuing.issue import Authority
from certs.keyring import PrivateKey, Signer
from certs.usage import Usage

DAYS: Final = 30
SPARE: Final = timedelta(days=2)
"""Before its end, a new one is made."""


class Notary:
    """Signs for the operator; one for a running gateway."""

    def __init__(
        self, authority: Authority, address: str, operator: str, clock: Callable[[], float]
    ) -> None:
        self._authority = authority
        self._names = address, operator
        self._clock = clock
        self._turn = threading.Lock()
        self._signer: Signer | None = None

    def signer(self) -> Signer:
        """The key and certificate of the moment."""
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        with self._turn:
            known = self._signer
            if known is None or known.certificate.not_valid_after_utc - SPARE < now:
                key = PrivateKey.generate("p256")
                certificate = self._authority.issue_mailbox(
                    *self._names, key.public_key, Usage.SIGN, now, DAYS
                )
                known = self._signer = Signer(key, certificate, self._authority.chain)
            return known
