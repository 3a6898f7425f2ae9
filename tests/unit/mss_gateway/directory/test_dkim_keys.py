"""DKIM keys are kept sealed, sign for their domain, and are never given again."""

from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import dkim_keys
from mss_gateway.directory.dkim_keys import DkimKey, SelectorTaken
from mss_gateway.message import dkim
from mss_gateway.queue import spooled
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

DOMAIN = "mss.example"
RAW = b"From: claire.martin@mss.example\r\n\r\nBonjour.\r\n"


@pytest.fixture
def spool(database: Database) -> AccountId:
    return AccountId(database.write(spooled.spool_account))


def make(database: Database, spool: AccountId, selector: str = "s1") -> DkimKey:
    return database.write(lambda tx: dkim_keys.make(tx, spool, DOMAIN, selector))


def test_what_the_signer_signs_is_verified_by_the_record(
    database: Database, spool: AccountId
) -> None:
    made = make(database, spool)
    assert (made.name, made.created_at) == ("s1._domainkey.mss.example", NOW)
    with database.read() as view:
        signer = dkim_keys.signer_for(view, spool, DOMAIN, "s1")
    assert signer is not None
    signed = dkim.sign(RAW, DOMAIN, "s1", signer, NOW) + RAW
    (result,) = dkim.verify(signed, {made.name: made.record.encode()}.get, NOW)
    assert (result.word, result.domain, result.selector) == ("pass", DOMAIN, "s1")


def test_each_domain_has_its_own_keys(database: Database, spool: AccountId) -> None:
    first = make(database, spool)
    other = database.write(lambda tx: dkim_keys.make(tx, spool, "patient.mss.example", "s1"))
    assert first.record != other.record
    with database.read() as view:
        assert dkim_keys.everything(view, spool) == [first, other]
        assert dkim_keys.signer_for(view, spool, "other.example", "s1") is None
        assert dkim_keys.signer_for(view, spool, DOMAIN, "s2") is None


def test_a_retired_key_signs_no_more_and_its_selector_stays_taken(
    database: Database, spool: AccountId, clock: Clock
) -> None:
    made = make(database, spool)
    clock.now += 60
    assert database.write(lambda tx: dkim_keys.retire(tx, DOMAIN, "s1"))
    clock.now += 60
    assert database.write(lambda tx: dkim_keys.retire(tx, DOMAIN, "s1"))
    with database.read() as view:
        assert dkim_keys.signer_for(view, spool, DOMAIN, "s1") is None
        ((kept),) = dkim_keys.everything(view, spool)
    assert (kept.retired_at, kept.record) == (NOW + 60, made.record)
    with pytest.raises(SelectorTaken):
        make(database, spool)
    assert not database.write(lambda tx: dkim_keys.retire(tx, DOMAIN, "s2"))


@pytest.mark.parametrize(
    ("domain", "selector"), [("MSS.example", "s1"), (DOMAIN, "S1"), (DOMAIN, ""), ("é.fr", "s1")]
)
def test_names_that_no_zone_can_have_are_refused(
    database: Database, spool: AccountId, domain: str, selector: str
) -> None:
    with pytest.raises(ValueError, match="neither"):
        database.write(lambda tx: dkim_keys.make(tx, spool, domain, selector))
    with database.read() as view:
        assert dkim_keys.everything(view, spool) == []


def test_the_key_is_not_in_the_file(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sealed.db"
    root = RootKey.create(tmp_path / "root.key")
    opened = Database.open(f"sqlite:///{path}", Sealing(root), clock=clock)
    spool = AccountId(opened.write(spooled.spool_account))
    make(opened, spool)
    with opened.read() as view:
        sealed = bytes(view.sql("SELECT sealed_key FROM dkim_keys").scalar_one())
        clear = view.vault.account(view, spool).open(sealed, b"dkim-key s1 mss.example")
    opened.close()
    content = path.read_bytes()
    assert b"dkim_keys" in content
    pieces = [clear[start : start + 32] for start in range(64, len(clear) - 32, 32)]
    assert len(pieces) > 30
    assert [piece for piece in pieces if piece in content] == []
