"""A full account: told at RCPT, never of a patient, and never to what was accepted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store import accounts, mailboxes
from mss_gateway.directory.people import Person
from mss_gateway.failures import Failure, Refused, row
from tests.support import site as made
from tests.support.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with made.opened(tmp_path / "site") as opened:
        yield opened


def limit(site: Site, person: Person, room: int) -> None:
    """Leave so many octets of room."""
    with site.gateway.database.read() as view:
        used = accounts.quota(view, person.account_id, 0).used
    site.gateway.database.write(lambda tx: accounts.set_quota(tx, person.account_id, used + room))


def received(site: Site, person: Person) -> int:
    with site.gateway.database.read() as view:
        return mailboxes.find(view, person.account_id, "INBOX").messages


def test_a_professional_whose_account_is_full_is_refused_for_now(site: Site) -> None:
    raw = site.written(site.claire, site.paul, "Avis", "Bonjour.")
    site.deliver(site.claire, site.paul, raw)
    limit(site, site.paul, 0)
    with pytest.raises(Refused) as refused:
        site.send(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "2"))
    assert refused.value.failure is Failure.MAILBOX_FULL
    entry = row(refused.value.failure)
    assert (entry.smtp, entry.enhanced, entry.retry) == (452, "4.2.2", True)
    assert received(site, site.paul) == 1


def test_where_one_octet_fits_a_message_is_taken_and_delivered_whole(site: Site) -> None:
    """The last message may go over: it was accepted, so it is never lost."""
    limit(site, site.paul, 1)
    site.deliver(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "x" * 500))
    assert received(site, site.paul) == 1
    with site.gateway.database.read() as view:
        found = accounts.quota(view, site.paul.account_id, 0)
    assert found.used > found.limit


def test_what_was_accepted_before_is_delivered_when_the_account_is_full_by_then(
    site: Site,
) -> None:
    site.send(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "Bonjour."))
    limit(site, site.paul, 0)
    site.run_queue()
    assert received(site, site.paul) == 1


def test_a_patient_is_never_refused_for_want_of_room(site: Site) -> None:
    """Nothing may tell that the space exists (threat T10)."""
    limit(site, site.camille, 0)
    raw = site.written(site.claire, site.camille, "Votre ordonnance", "Bonjour.")
    site.deliver(site.claire, site.camille, raw)
    assert received(site, site.camille) == 1


def test_who_may_not_write_is_not_told_of_the_room(site: Site) -> None:
    limit(site, site.paul, 0)
    with pytest.raises(Refused) as refused:
        site.send(site.camille, site.paul, site.written(site.camille, site.paul, "?", "?"))
    assert refused.value.failure is Failure.NOT_YET_CONTACTED


def test_the_configuration_bounds_accounts_without_a_quota_of_their_own(tmp_path: Path) -> None:
    bounded = made.Limits(account_octets=1)
    with made.opened(tmp_path / "site", limits=bounded) as site:
        site.deliver(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "1"))
        with pytest.raises(Refused):
            site.send(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "2"))
        limit(site, site.paul, 1)
        site.deliver(site.claire, site.paul, site.written(site.claire, site.paul, "Avis", "3"))
        assert received(site, site.paul) == 2
