"""Where an automatic answer goes: to a reverse-path that somebody vouched for, or nowhere.

What came through a door here has the address of whoever signed in; what another operator's server
handed in has a reverse-path that was checked to be that operator's own. Anything else may be the
address of somebody who sent nothing, who is not to be written to (threat T11).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from mailbox_store.database import View
from mss_gateway.directory import people
from mss_gateway.life import peers
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.peers import Outside
from mss_gateway.message import mdn
from mss_gateway.message.envelope import ReversePath
from mss_gateway.message.header import Header
from mss_gateway.queue.carried import NOTHING_ASKED, Asked, Carried, Destined

EVERYTHING: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})
"""What Return-Receipt-To asks for: what is told to everybody, and that it arrived."""


def behind(gateway: Gateway, view: View, carried: Carried) -> Destined | None:
    """Who is behind the reverse-path of a queued message; None when nobody is to be told."""
    is_from_peer = carried.channel == "mx"
    if is_from_peer and not carried.peer:
        return None
    return back_to(gateway, view, carried.reverse_path, is_from_peer=is_from_peer)


def back_to(
    gateway: Gateway, view: View, reverse_path: str | None, *, is_from_peer: bool
) -> Destined | None:
    """The way back to a reverse-path, by delivery here or by relaying; None for the null one.

    An address of ours on what a peer handed in is a forgery; one from elsewhere counts only there,
    and while its domain is in the trust space.
    """
    if reverse_path is None:
        return None
    if gateway.config.site.serves(reverse_path):
        is_known = not is_from_peer and people.by_address(view, reverse_path) is not None
        return Destined(reverse_path, "deliver") if is_known else None
    domain = reverse_path.rpartition("@")[2]
    if not is_from_peer or peers.standing_of(gateway, view, domain) is Outside.UNKNOWN:
        return None
    return Destined(reverse_path, "relay")


def asked(
    said: Mapping[str, Asked], recipients: Iterable[str], header: Header, reverse_path: ReversePath
) -> Mapping[str, Asked]:
    """What the author of a submission wants to hear, by recipient.

    Return-Receipt-To, of no standard and in wide use (domain OP-26), is NOTIFY=SUCCESS for those of
    whom NOTIFY said nothing; the envelope wins over it (RFC 3461 §4.1).
    """
    if not mdn.asks_for_delivery(header, reverse_path):
        return said
    known = {one: said.get(one, NOTHING_ASKED) for one in recipients}
    return {
        one: asked if asked.notify else replace(asked, notify=EVERYTHING)
        for one, asked in known.items()
    }
