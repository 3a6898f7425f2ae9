"""Certificates shown in a TLS handshake, judged by authorities of the operator's own choice.

Whoever uses this says for which purpose. The handshake proved that the other side has the key; here
the path is validated again, with revocation, each time it matters, because a resumed session
repeats no validation. Intermediates that the other side sends are not looked at, because a resumed
session has none. No answer about revocation is a refusal. Nothing is fetched here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from certs.anchors import Anchors
from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.usage import Purpose
from certs.validation import chain
from mailbox_store.database import View
from mss_gateway.directory.revocation import Kept, Revocations
from mss_gateway.directory.revocation_folder import Lists


class TlsTrust:
    """Authorities of a file: the self-signed ones are anchors, the others intermediates.

    ``authorities`` are for the TLS context: those of the file, and those of the own authority.
    """

    def __init__(
        self,
        authorities: Sequence[Certificate],
        purposes: Iterable[Purpose],
        own: Authority | None,
        lists: Lists,
        kept: Kept | None = None,
    ) -> None:
        """Raises ValueError when no authority is self-signed: no path would have an end."""
        roots = tuple(each for each in authorities if each.subject == each.issuer)
        if not roots:
            raise ValueError("no self-signed authority")
        self.authorities = (*authorities, *(() if own is None else own.chain))
        below = tuple(each for each in self.authorities if each not in roots)
        self._anchors = Anchors(dict.fromkeys(purposes, roots), below)
        self._own = () if own is None else (own.root, own.issuing)
        self._lists = lists
        self._kept = kept

    def judge(self, view: View, certificate: Certificate, purpose: Purpose, at: datetime) -> None:
        """Whether the certificate is believed for ``purpose`` at ``at`` (aware).

        Raises ``ChainRejected``.
        """
        source = Revocations(view, self._own, self._lists, self._kept)
        chain.validate(certificate, (), self._anchors, purpose, at, source)
