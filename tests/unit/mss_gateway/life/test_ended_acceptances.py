"""What was given up is a new message when it comes again: its 250 would be a lie otherwise."""

from collections.abc import Callable

import pytest

from mss_gateway.failures import Failure
from mss_gateway.life import arrival, report, submission
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.queue import desk
from policies.people import Role
from policies.verdict import Permit
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, PATIENT, Site, simple

NAMED = simple(fields="Message-ID: <un@mss.example>\r\n")
THERE = "luc.garnier@ville.example"


def send(site: Site, *recipients: str) -> str:
    return submission.accept(site.gateway, site.submission(MARTIN, recipients, NAMED)).message_ref


def hand_over(site: Site, *recipients: str) -> str:
    """The same by another operator's server."""
    arriving = Arrival(
        parse_address(THERE),
        tuple(map(parse_address, recipients)),
        simple(THERE),
        Role.PROFESSIONAL,
        operator="Operateur de la ville",
    )
    return arrival.accept(site.gateway, arriving, lambda _judged, _to: Permit(())).message_ref


def give_up(site: Site, ref: str) -> None:
    gateway = site.gateway
    with gateway.database.read() as view:
        spool = gateway.database.vault.account(view, gateway.spool)
        lines = desk.lines_of(view, ref)
    assert lines
    for line in lines:
        item = gateway.database.write(
            lambda tx, line=line: desk.taken(tx, spool, line.item_id, line.due_at + 99)  # type: ignore[misc]
        )
        assert item is not None
        report.give_up(gateway, item, Failure.DROPPED).result()


@pytest.mark.parametrize("door", [send, hand_over])
def test_what_was_given_up_is_new_when_it_comes_again(
    door: Callable[[Site, str], str], site: Site
) -> None:
    first = door(site, DUBOIS)
    assert door(site, DUBOIS) == first
    give_up(site, first)
    again = door(site, DUBOIS)
    assert again != first
    assert door(site, DUBOIS) == again
    site.work()
    assert len(site.kept(DUBOIS)) == 1


@pytest.mark.parametrize("order", [0, 1, 2])
def test_whoever_else_has_it_does_not_get_it_twice(order: int, site: Site) -> None:
    """Three forms: one in clear, one for a blind recipient, one for keys in a client."""
    everybody = (DUBOIS, PATIENT, BERNARD)
    first = send(site, *everybody)
    with site.gateway.database.read() as view:
        waiting = desk.listing(view)
        spool = site.gateway.database.vault.account(view, site.gateway.spool)
    item = site.gateway.database.write(
        lambda tx: desk.taken(tx, spool, waiting[order].item_id, waiting[order].due_at + 99)
    )
    assert item is not None
    report.give_up(site.gateway, item, Failure.DROPPED).result()
    assert send(site, *everybody) != first
    site.work()
    assert [len(site.kept(one)) for one in everybody] == [1, 1, 1]


def test_what_was_delivered_stays_known_whatever_failed_after(site: Site) -> None:
    """A stage that follows delivery may give up: the message is in its mailbox."""
    first = send(site, DUBOIS)
    site.execute("UPDATE queue_items SET stage = 'dossier'")
    give_up(site, first)
    assert send(site, DUBOIS) == first
