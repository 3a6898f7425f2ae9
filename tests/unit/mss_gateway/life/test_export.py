"""A copy asked for, taken and let go: on record, by its holder alone, and nothing stays behind."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from mss_gateway.compose.caretaker import Caretaker
from mss_gateway.directory import contact, notice_desk, security_events
from mss_gateway.directory.security_events import Event
from mss_gateway.dossier.exports import Export, State, Why
from mss_gateway.dossier.journal import Side
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import export, record
from mss_gateway.life.export_making import DAY
from tests.support import copies
from tests.support import site as sites
from tests.support.plain_relay import settings, telling
from tests.support.site import Site
from tests.support.webmail import pdf


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with sites.opened(tmp_path) as opened:
        yield opened


def state(site: Site) -> State | None:
    found = export.of_patient(site.gateway, site.camille)
    return None if found is None else found.state


def files(site: Site) -> list[str]:
    folder = site.gateway.config.in_state(export.FOLDER)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def verdicts(site: Site) -> list[str]:
    with site.gateway.database.read() as view:
        rows = view.sql("SELECT verdict FROM audit WHERE object LIKE '%export:%' ORDER BY seq")
        return [row[0] for row in rows.fetchall()]


def ready(site: Site) -> Export:
    copies.deposit(site, site.camille, "Note", pdf())
    return copies.make(site, site.camille)


def test_what_is_taken_is_what_was_made_and_stands_in_the_journal(site: Site) -> None:
    ready(site)
    taken = export.take(site.gateway, site.camille)
    content = b"".join(taken.pieces)
    assert len(content) == taken.export.octets
    assert copies.unpacked(content).below("documents") == [pdf()]
    acts = record.journal_of(site.gateway, site.camille, Side.OWN, None, 10)
    assert [one.act.value for one in acts] == ["exported", "deposited"]
    assert verdicts(site) == ["export asked", "export ready", "export taken"]
    with site.gateway.database.read() as view:
        (event,) = security_events.latest(view, site.camille.account_id)
    assert event.event is Event.EXPORT_ASKED


def test_there_is_nothing_to_take_before_it_is_ready_nor_of_another(site: Site) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            export.take(site.gateway, site.camille)
        assert refused.value.failure is Failure.DOCUMENT_NOT_FOUND
        export.ask(site.gateway, site.camille)
    copies.make(site, site.camille)
    with pytest.raises(Refused):
        export.take(site.gateway, site.noe)


def test_another_patient_lets_nothing_go(site: Site) -> None:
    made = ready(site)
    export.drop(site.gateway, site.noe, made.export_id)
    export.drop(site.gateway, site.camille, "0" * 32)
    assert state(site) is State.READY
    export.drop(site.gateway, site.camille, made.export_id)
    assert (state(site), files(site)) == (None, [])
    assert verdicts(site)[-1] == "export dropped"


def test_the_caretaker_wipes_what_is_too_old_key_and_file(site: Site) -> None:
    made = ready(site)
    days = site.gateway.config.dossier.export_days
    assert made.expires_at == made.ready_at + days * DAY
    caretaker = Caretaker(site.gateway)
    site.clock.advance(days * DAY - 1)
    caretaker._round(1)
    assert (state(site), len(files(site))) == (State.READY, 1)
    site.clock.advance(1)
    with pytest.raises(Refused):
        export.take(site.gateway, site.camille)
    caretaker._round(2)
    assert (state(site), files(site)) == (State.EXPIRED, [])
    with site.gateway.database.read() as view:
        assert view.sql("SELECT sealed_key FROM exports").scalar() is None


def test_a_copy_whose_file_is_gone_is_told_as_lost(site: Site) -> None:
    made = ready(site)
    export.whole(site.gateway, made).unlink()
    export.recover(site.gateway)
    found = export.of_patient(site.gateway, site.camille)
    assert found is not None
    assert (found.state, found.failure) == (State.FAILED, Why.LOST)


def test_a_copy_that_was_cut_short_is_not_begun_to_be_sent(site: Site) -> None:
    made = ready(site)
    path = export.whole(site.gateway, made)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Refused):
        export.take(site.gateway, site.camille)
    assert state(site) is State.FAILED


def test_a_start_removes_what_is_of_nobody_and_leaves_what_is_ready(site: Site) -> None:
    made = ready(site)
    folder = site.gateway.config.in_state(export.FOLDER)
    for name in ("0" * 32 + ".part", "1" * 32 + ".sealed", made.export_id + ".part"):
        (folder / name).write_bytes(b"x")
    export.recover(site.gateway)
    assert made.export_id + ".sealed" in files(site)
    assert "0" * 32 + ".part" not in files(site)
    assert "1" * 32 + ".sealed" not in files(site)
    assert state(site) is State.READY


def test_its_holder_is_told_by_a_notice_that_says_nothing(site: Site) -> None:
    site.gateway = telling(site.gateway, settings())
    place = partial(
        contact.place, account_id=site.camille.account_id, address="boite-7@courriel.example"
    )
    site.gateway.database.write(place)
    ready(site)
    with site.gateway.database.read() as view:
        assert notice_desk.waiting(view).count == 1
