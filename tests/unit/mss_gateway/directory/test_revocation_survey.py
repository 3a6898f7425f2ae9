"""How fresh the kept answers are, as the operator sees it."""

import pytest

from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import revocation_answers
from mss_gateway.directory.revocation_answers import Received
from mss_gateway.directory.revocation_sources import Hosts, Needed, lists_of
from mss_gateway.directory.revocation_survey import Survey, survey
from mss_gateway.queue import spooled
from tests.support.status_site import Issuer, moment
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

AT = moment(NOW)
ROOT = Issuer.root(AT)
HOSTS = Hosts(frozenset({"crl.example", "ocsp.example"}))
LIST, ASK = "http://crl.example/a.crl", "http://ocsp.example/"
LEAF = ROOT.leaf(AT, lists=[LIST], responders=[ASK])
NEEDED = Needed((ROOT.certificate,), others=(LEAF, ROOT.leaf(AT)))


@pytest.fixture
def site(database: Database) -> AccountId:
    return database.write(spooled.spool_account)


def seen(database: Database, at: float = NOW) -> Survey:
    with database.read() as view:
        return survey(view, NEEDED, HOSTS, at)


def keep(database: Database, site: AccountId, seconds: int) -> None:
    about = lists_of(ROOT.certificate)
    received = Received("crl", f"crl {LIST}", about, b"list", NOW, NOW + seconds)
    revocation_answers.keep(database, site, received, NOW + seconds // 2)


def test_at_first_nothing_is_there_and_all_is_due(database: Database) -> None:
    found = seen(database)
    assert [(line.source.url, line.state, line.trouble) for line in found.lines] == [
        (LIST, "never", ""),
        (ASK, "never", ""),
    ]
    assert (found.stale, found.failing, found.unserved) == (2, 0, 1)
    assert (found.oldest_seconds, found.due_at) == (0, 0)
    assert found.lines[0].issuer == "CN=Autorité qui publie"


def test_a_fresh_list_needs_no_questions(database: Database, site: AccountId) -> None:
    keep(database, site, 3_600)
    found = seen(database, NOW + 100)
    assert [(line.source.kind, line.state) for line in found.lines] == [("crl", "fresh")]
    assert (found.stale, found.oldest_seconds, found.due_at) == (0, 100, NOW + 1_800)
    record = found.lines[0].record
    assert record is not None and (record.this_update, record.next_update) == (NOW, NOW + 3_600)


def test_a_list_that_has_ended_is_stale(database: Database, site: AccountId) -> None:
    keep(database, site, 3_600)
    found = seen(database, NOW + 3_601)
    assert [line.state for line in found.lines] == ["stale", "never"]
    assert (found.stale, found.oldest_seconds) == (2, 3_601)


def test_a_failure_says_why(database: Database, site: AccountId, clock: Clock) -> None:
    keep(database, site, 3_600)
    name, about = f"crl {LIST}", lists_of(ROOT.certificate)
    database.write(
        lambda tx: revocation_answers.fail(tx, "crl", name, about, "unreachable", NOW + 60)
    )
    found = seen(database)
    assert (found.failing, found.stale, found.due_at) == (1, 0, NOW + 60)
    assert (found.lines[0].state, found.lines[0].trouble) == ("fresh", "unreachable")


def test_nothing_needed_is_nothing_due(database: Database) -> None:
    with database.read() as view:
        found = survey(view, Needed((ROOT.certificate,)), HOSTS, NOW)
    assert (found.lines, found.stale, found.oldest_seconds) == ((), 0, 0)
    assert found.due_at == float("inf")
