"""Keys of requests wait sealed, are found by the certificate that answers, and can be let go."""

import sqlite3
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.issuing.requests import key_fingerprint
from certs.keyring import PrivateKey, Signer
from certs.sealing import RootKey, Sealing
from certs.usage import Usage
from mailbox_store.database import Database
from mss_gateway.directory import enrolment
from mss_gateway.directory.enrolment import RequestUnknown
from mss_gateway.directory.held import NO_USAGE
from mss_gateway.directory.people import Person
from mss_gateway.queue import spooled
from tests.unit.mss_gateway.directory.conftest import NOW, Clock


@cache
def authority() -> Authority:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
    return Authority.create("Autorité nationale", "p256", made, 10)


@cache
def key(_number: int = 0) -> PrivateKey:
    return PrivateKey.generate("p256")


def answer(to: PrivateKey) -> Certificate:
    at = datetime.fromtimestamp(NOW, UTC)
    return authority().issue_mailbox(
        "claire.martin@mss.example", "Claire Martin", to.public_key, Usage.BOTH, at, 90
    )


def test_a_key_waits_for_its_certificate(database: Database, doctor: Person) -> None:
    kept = database.write(lambda tx: enrolment.keep(tx, doctor.account_id, key(), Usage.SIGN))
    assert (kept.account_id, kept.usage, kept.created_at) == (doctor.account_id, Usage.SIGN, NOW)
    assert not kept.is_for_server
    with database.read() as view:
        assert enrolment.waiting(view) == [kept]


def test_the_certificate_finds_the_key(database: Database, doctor: Person) -> None:
    first, second = (
        database.write(lambda tx, one=one: enrolment.keep(tx, doctor.account_id, one, Usage.BOTH))
        for one in (key(0), key(1))
    )
    with database.read() as view:
        for asked, kept in ((key(0), first), (key(1), second)):
            found = enrolment.answered_by(view, answer(asked))
            assert found is not None
            assert found[0] == kept
            Signer(found[1], answer(asked))
        assert enrolment.answered_by(view, answer(key(2))) is None


def test_a_request_of_the_server_is_no_mailboxs(database: Database, doctor: Person) -> None:
    kept = database.write(lambda tx: enrolment.keep(tx, doctor.account_id, key(), NO_USAGE))
    assert kept.is_for_server


def test_a_forgotten_request_is_gone(database: Database, doctor: Person) -> None:
    kept = database.write(lambda tx: enrolment.keep(tx, doctor.account_id, key(), Usage.BOTH))
    assert database.write(lambda tx: enrolment.forget(tx, kept.request_id)) == kept
    with database.read() as view:
        assert enrolment.waiting(view) == []
        assert enrolment.answered_by(view, answer(key())) is None
    with pytest.raises(RequestUnknown):
        database.write(lambda tx: enrolment.forget(tx, kept.request_id))


def test_one_key_is_asked_for_once(database: Database, doctor: Person) -> None:
    database.write(lambda tx: enrolment.keep(tx, doctor.account_id, key(), Usage.SIGN))
    with pytest.raises(sqlite3.IntegrityError, match="key_index"):
        database.write(lambda tx: enrolment.keep(tx, doctor.account_id, key(), Usage.ENCRYPT))


def test_neither_key_nor_fingerprint_is_in_the_file(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sealed.db"
    root = RootKey.create(tmp_path / "root.key")
    opened = Database.open(f"sqlite:///{path}", Sealing(root), clock=clock)
    account = opened.write(spooled.spool_account)
    opened.write(lambda tx: enrolment.keep(tx, account, key(), Usage.BOTH))
    opened.close()
    content = path.read_bytes()
    clear = key().sealed(lambda pkcs8: pkcs8)
    assert content.count(b"certificate_requests") > 0
    # the private number stands in PKCS #8 after the header of its OCTET STRING
    scalar = clear[clear.index(b"\x04\x20") + 2 :][:32]
    assert len(scalar) == 32
    assert scalar not in content
    assert bytes.fromhex(key_fingerprint(key().public_key)) not in content
