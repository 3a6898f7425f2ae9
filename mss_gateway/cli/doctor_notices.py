"""`mss doctor` on notices by e-mail: whether they leave, and how many addresses do not work."""

from typing import Final

from mailbox_store.database import View
from mss_gateway.cli.doctor_checks import Check
from mss_gateway.compose import notifying
from mss_gateway.config import ConfigRefused
from mss_gateway.directory import contact, notice_desk
from mss_gateway.directory.contact import State
from mss_gateway.life import notices
from mss_gateway.life.gateway import Gateway

FAILING_SECONDS: Final = 3_600
"""A notice that could not leave for longer tells of a relay that does not take any."""


def examine(gateway: Gateway, view: View) -> list[Check]:
    """One line, and none is unwell where none are sent."""
    name = "notices"
    if not notices.is_on(gateway.config):
        return [Check(name, True, "none are sent (notices.host is empty)")]
    try:
        notifying.relay_of(gateway.config)
    except ConfigRefused as refused:
        return [Check(name, False, str(refused))]
    waiting = notice_desk.waiting(view)
    since = waiting.failing_since
    age = max(0, gateway.queue_clock.now() - since) if since else 0
    dead = contact.counts(view).get(State.FAILING.value, 0)
    line = f"{waiting.count} wait, {dead} addresses do not work"
    if waiting.last_failure:
        line += f"; one could not leave for {age} s: {waiting.last_failure}"
    return [Check(name, age <= FAILING_SECONDS, line)]
