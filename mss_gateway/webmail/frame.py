"""What stands around every page of a patient: how much is unread, and what they must hear of.

A constant cost: three look-ups by index, whatever the mailbox or the record holds.
"""

from dataclasses import dataclass
from typing import Final

from mailbox_store import mailboxes
from mailbox_store.database import View
from mss_gateway.directory import security_events
from mss_gateway.directory.security_events import Event, Happened
from mss_gateway.dossier import facets
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail.sessions import Session

SHOWN: Final = 99
"""A badge counts no further."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``event``: what happened to the means of access, while it must be told."""

    unseen: int
    documents: int
    event: Happened | None

    @property
    def badge(self) -> str:
        """« 3 », « 99+ »; empty when everything was read."""
        if self.unseen > SHOWN:
            return f"{SHOWN}+"
        return str(self.unseen) if self.unseen else ""


def frame_of(gateway: Gateway, session: Session, *, tells: bool) -> Frame:
    """The frame of a page that is shown now.

    ``tells``: of events too. One leaves a page to settle them, and what answers a form may be shown
    but once.
    """
    with gateway.database.read() as view:
        return Frame(
            mailboxes.find(view, session.account_id, "INBOX").unseen,
            facets.totals(view, [session.account_id]).get(session.account_id, 0),
            _told(view, session, gateway.clock()) if tells else None,
        )


def _told(view: View, session: Session, now: float) -> Happened | None:
    """The newest that was not settled; this browser is not told of its own arrival."""
    for one in security_events.told(view, session.account_id, now):
        if one.event is not Event.NEW_BROWSER or one.at != session.created_at:
            return one
    return None
