"""Whose revocation is to be known: our mailboxes', our correspondents', their authorities'.

What our own authority issued wants none: the directory knows. What was refused or has ended wants
none either.
"""

from collections.abc import Callable
from typing import Any

from certs.certificate import Certificate
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, keybook
from mss_gateway.directory.held import COLUMNS, read
from mss_gateway.directory.revocation_sources import Needed


class Needs:
    """Gathers them from the store, anew when something was added or taken away."""

    def __init__(
        self,
        site: AccountId,
        authorities: Callable[[View], tuple[Certificate, ...]],
        own: Callable[[View], tuple[Certificate, ...]] = lambda view: (),
    ) -> None:
        """``site``: the gateway's own account. ``authorities``: anchors, and intermediates that the
        operator configured. ``own``: the certificates of the gateway's own authorities."""
        self._site = site
        self._authorities = authorities
        self._own = own
        self._seen: tuple[Any, ...] = ()
        self._needed = Needed(())

    def gather(self, view: View) -> Needed:
        """What is needed now; costs one opening for each certificate when something changed."""
        authorities, own = self._authorities(view), self._own(view)
        seen = (authorities, own, *_marks(view))
        if seen != self._seen:
            self._needed = self._gathered(view, authorities, own)
            self._seen = seen
        return self._needed

    def _gathered(
        self, view: View, authorities: tuple[Certificate, ...], own: tuple[Certificate, ...]
    ) -> Needed:
        ours = read(
            view,
            view.sql(
                f"SELECT {COLUMNS} FROM certificates"
                " WHERE provenance <> 'issued_here' AND state = 'active' ORDER BY certificate_id"
            ),
        )
        others = [one for one in keybook.everyone(view, self._site) if not one.is_refused]
        came_along = [
            *(each for held in ours for each in certificates.chain_of(view, held)),
            *(each for one in others for each in one.chain),
        ]
        return Needed(
            authorities,
            tuple(held.certificate for held in ours),
            tuple(one.certificate for one in others),
            tuple(dict.fromkeys(came_along)),
            own,
        )


def _marks(view: View) -> tuple[Any, ...]:
    """Other numbers whenever a certificate was added, refused or taken away."""
    ours = view.sql(
        "SELECT count(*), max(certificate_id) FROM certificates"
        " WHERE provenance <> 'issued_here' AND state = 'active'"
    ).one()
    others = view.sql(
        "SELECT count(*), max(correspondent_id),"
        " count(CASE WHEN state = 'refused' THEN 1 END) FROM correspondents"
    ).one()
    return (*ours, *others)
