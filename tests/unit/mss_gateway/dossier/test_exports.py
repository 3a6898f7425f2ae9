"""The rows of copies: one for an account, each state by its way, a key only while it is of use."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mailbox_store.database import Transaction
from mss_gateway.dossier import exports
from mss_gateway.dossier.exports import Export, State, Why
from tests.support import site as sites
from tests.support.site import Site

DAY = 86_400


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites.opened(tmp_path) as opened:
        yield opened


def asked(site: Site, *, new: bool = True) -> Export:
    export, is_new = site.gateway.database.write(
        partial(exports.ask, account_id=site.camille.account_id)
    )
    assert is_new is new
    return export


def now(site: Site) -> Export:
    with site.gateway.database.read() as view:
        found = exports.of_account(view, site.camille.account_id)
    assert found is not None
    return found


def key(site: Site, export: Export) -> bytes | None:
    with site.gateway.database.read() as view:
        return exports.key_of(view, export)


def made_ready(site: Site) -> Export:
    def unit(tx: Transaction) -> None:
        export, _ = exports.ask(tx, site.camille.account_id)
        assert exports.begin(tx, export) is not None
        assert exports.tell(tx, export, 3, 7)
        assert exports.finish(tx, export, 1_000, DAY)

    site.gateway.database.write(unit)
    return now(site)


def test_asking_again_gives_what_is_there_until_its_time_is_over(site: Site) -> None:
    first = asked(site)
    assert asked(site, new=False) == first
    ready = made_ready(site)
    assert ready.export_id == first.export_id
    assert (ready.done, ready.total, ready.octets) == (7, 7, 1_000)
    site.clock.advance(DAY - 1)
    assert asked(site, new=False) == ready
    site.clock.advance(1)
    assert not ready.is_ready(site.clock())
    assert asked(site).export_id != first.export_id


def test_each_beginning_has_a_key_of_its_own(site: Site) -> None:
    export = asked(site)
    assert key(site, export) is None
    keys = [site.gateway.database.write(partial(exports.begin, export=export)) for _ in range(2)]
    assert keys[0] != keys[1] == key(site, export)
    assert now(site).attempts == 2


@pytest.mark.parametrize("ending", ["fail", "expire", "drop"])
def test_the_key_goes_with_what_it_opens(site: Site, ending: str) -> None:
    export = made_ready(site)
    assert key(site, export) is not None
    site.clock.advance(DAY)

    def unit(tx: Transaction) -> None:
        if ending == "fail":
            exports.fail(tx, export, Why.LOST)
        elif ending == "expire":
            assert exports.has_old(tx, tx.now)
            assert exports.expire(tx) == 1
        else:
            assert exports.drop(tx, export.account_id, export.export_id)

    site.gateway.database.write(unit)
    assert key(site, export) is None
    with site.gateway.database.read() as view:
        assert exports.living(view) == []
        assert exports.next_waiting(view) is None
        assert not exports.has_old(view, int(site.clock()))


def test_what_was_dropped_takes_no_more_steps(site: Site) -> None:
    export = asked(site)

    def unit(tx: Transaction) -> list[object]:
        assert exports.drop(tx, export.account_id, export.export_id)
        return [
            exports.begin(tx, export),
            exports.tell(tx, export, 1, 2),
            exports.finish(tx, export, 1, 1),
            exports.drop(tx, export.account_id, export.export_id),
        ]

    assert site.gateway.database.write(unit) == [None, False, False, False]


def test_what_a_dead_process_was_making_is_asked_for_again(site: Site) -> None:
    export = asked(site)
    site.gateway.database.write(partial(exports.begin, export=export))
    assert now(site).state is State.RUNNING
    assert site.gateway.database.write(exports.ask_again) == 1
    assert now(site).state is State.ASKED


def test_who_asked_first_comes_first(site: Site) -> None:
    site.gateway.database.write(partial(exports.ask, account_id=site.noe.account_id))
    site.clock.advance(1)
    asked(site)
    with site.gateway.database.read() as view:
        first = exports.next_waiting(view)
    assert first is not None
    assert first.account_id == site.noe.account_id
