"""What a verdict rests on: kept once, found again, let go with its message."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from certs.certificate import to_der
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.sealing import RootKey, Sealing
from certs.status.revocation import Answer
from certs.usage import Usage
from mailbox_store import accounts
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import evidence
from mss_gateway.directory.evidence import UNUSED_SECONDS, Evidence
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

AT = datetime.fromtimestamp(NOW, UTC)
REF = "01J000000000000000000000AA"


@cache
def authority() -> Authority:
    return Authority.create("Autorité d'essai", "p256", AT - timedelta(days=30), 10)


@cache
def lists() -> tuple[bytes, bytes]:
    until = AT + timedelta(days=7)
    return authority().crl([], AT, until), authority().root_crl([], AT, until)


def digest_of(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def exhibits() -> dict[str, bytes]:
    return {digest_of(der): der for der in lists()}


@cache
def sample() -> Evidence:
    signer = authority().issue_mailbox(
        "paul.bernard@ailleurs.example",
        "Paul Bernard",
        PrivateKey.generate("p256").public_key,
        Usage.BOTH,
        AT,
        30,
    )
    answers = (
        Answer("crl", digest_of(lists()[0]), AT, AT + timedelta(days=7), ("ab" * 32,)),
        Answer("crl", digest_of(lists()[1]), AT, None),
        None,
    )
    chain = (to_der(authority().issuing), to_der(authority().root))
    return Evidence("valide", NOW, to_der(signer), chain, answers, {"digest": "00ff"})


@pytest.fixture
def site(database: Database) -> AccountId:
    return database.write(lambda tx: accounts.create(tx, "spool"))


def keep(
    database: Database,
    site: AccountId,
    account_id: AccountId,
    kept: Evidence,
    given: dict[str, bytes],
    message_ref: str = REF,
) -> None:
    database.write(lambda tx: evidence.keep(tx, site, account_id, message_ref, kept, given))


def exhibit_count(database: Database) -> int:
    with database.read() as view:
        count: int = view.sql("SELECT count(*) FROM evidence_exhibits").scalar_one()
    return count


def test_a_verdict_is_found_again_with_all_that_it_rests_on(
    database: Database, site: AccountId, doctor: Person
) -> None:
    keep(database, site, doctor.account_id, sample(), exhibits())
    with database.read() as view:
        assert evidence.read(view, site, doctor.account_id, REF) == sample()
        for digest, der in exhibits().items():
            assert evidence.exhibit(view, site, digest) == der
        assert evidence.exhibit(view, site, "ab" * 32) is None
        assert evidence.read(view, site, doctor.account_id, "ANOTHER") is None
        assert evidence.read(view, site, site, REF) is None


def test_a_verdict_may_rest_on_nothing(database: Database, site: AccountId, doctor: Person) -> None:
    nothing = Evidence("absente", NOW)
    keep(database, site, doctor.account_id, nothing, {})
    with database.read() as view:
        assert evidence.read(view, site, doctor.account_id, REF) == nothing
    assert exhibit_count(database) == 0


def test_what_many_messages_rest_on_is_kept_once_and_asked_for_once(
    database: Database, site: AccountId, doctor: Person, patient: Person
) -> None:
    with database.read() as view:
        assert evidence.missing(view, sample().digests()) == {*exhibits(), "ab" * 32}
    keep(database, site, doctor.account_id, sample(), exhibits())
    with database.read() as view:
        assert evidence.missing(view, sample().digests()) == {"ab" * 32}
    for number in range(3):
        keep(database, site, patient.account_id, sample(), {}, f"REF{number}")
    assert exhibit_count(database) == 4
    with database.read() as view:
        assert evidence.read(view, site, patient.account_id, "REF2") == sample()


def test_an_exhibit_is_what_its_digest_says_and_not_too_long(
    database: Database, site: AccountId, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = exhibits()
    monkeypatch.setattr(evidence, "EXHIBIT_OCTETS", len(lists()[0]))
    padded = lists()[0] + b"\x00"
    longer = replace(sample(), answers=(Answer("crl", digest_of(padded), AT, None),))
    keep(database, site, doctor.account_id, sample(), {first: lists()[0], second: b"other"})
    keep(database, site, doctor.account_id, longer, {digest_of(padded): padded}, "LONGER")
    with database.read() as view:
        assert evidence.exhibit(view, site, first) == lists()[0]
        assert evidence.exhibit(view, site, second) is None
        assert evidence.exhibit(view, site, digest_of(padded)) is None


def test_a_later_verdict_replaces_the_earlier(
    database: Database, site: AccountId, doctor: Person
) -> None:
    keep(database, site, doctor.account_id, replace(sample(), answers=()), {})
    keep(database, site, doctor.account_id, sample(), exhibits())
    with database.read() as view:
        assert evidence.read(view, site, doctor.account_id, REF) == sample()


def test_exhibits_go_a_while_after_the_last_message_that_rests_on_them(
    database: Database, site: AccountId, doctor: Person, clock: Clock
) -> None:
    keep(database, site, doctor.account_id, sample(), exhibits(), "ONE")
    keep(database, site, doctor.account_id, sample(), {}, "TWO")
    database.write(lambda tx: evidence.forget(tx, doctor.account_id, "ONE"))
    for _ in range(2):
        assert database.write(evidence.drop_unused) == 0
        clock.now += UNUSED_SECONDS
    database.write(lambda tx: evidence.forget(tx, doctor.account_id, "TWO"))
    assert database.write(evidence.drop_unused) == 0
    clock.now += UNUSED_SECONDS - 1
    assert database.write(evidence.drop_unused) == 0
    clock.now += 1
    assert database.write(evidence.drop_unused) == 4
    assert exhibit_count(database) == 0


def test_a_message_that_is_being_prepared_loses_no_exhibit(
    database: Database, site: AccountId, doctor: Person, clock: Clock
) -> None:
    keep(database, site, doctor.account_id, sample(), exhibits(), "ONE")
    database.write(lambda tx: evidence.forget(tx, doctor.account_id, "ONE"))
    database.write(evidence.drop_unused)
    clock.now += UNUSED_SECONDS
    with database.read() as view:
        assert evidence.missing(view, exhibits()) == set(exhibits())
        ready = evidence.prepare(view, site, doctor.account_id, "TWO", sample(), exhibits())
    assert database.write(evidence.drop_unused) == 4
    database.write(lambda tx: evidence.store(tx, ready))
    with database.read() as view:
        assert evidence.read(view, site, doctor.account_id, "TWO") == sample()
        assert evidence.missing(view, exhibits()) == set()


def test_an_exhibit_that_is_used_again_stays(
    database: Database, site: AccountId, doctor: Person, clock: Clock
) -> None:
    keep(database, site, doctor.account_id, sample(), exhibits(), "ONE")
    database.write(lambda tx: evidence.forget(tx, doctor.account_id, "ONE"))
    database.write(evidence.drop_unused)
    keep(database, site, doctor.account_id, sample(), exhibits(), "TWO")
    clock.now += UNUSED_SECONDS
    assert database.write(evidence.drop_unused) == 0
    assert exhibit_count(database) == 4
    with database.read() as view:
        assert evidence.missing(view, exhibits()) == set()


def test_a_sweep_leaves_what_is_young_and_what_is_still_here(
    database: Database, site: AccountId, doctor: Person, patient: Person, clock: Clock
) -> None:
    for account_id in (doctor.account_id, patient.account_id):
        for name in ("GONE", "MAIL", "FILE"):
            keep(database, site, account_id, sample(), {}, name)
    clock.now += 60
    keep(database, site, doctor.account_id, sample(), {}, "YOUNG")

    def still_here(tx) -> None:  # type: ignore[no-untyped-def]
        tx.sql("INSERT INTO blobs (object_id, octets, chunks, holders) VALUES (x'00', 0, 1, 1)")
        tx.sql(
            "INSERT INTO messages (account_id, message_ref, blob_id, object_key, size, summary,"
            " evidence) VALUES (?, 'MAIL', 1, x'', 0, x'', x'')",
            (doctor.account_id,),
        )
        tx.sql(
            "INSERT INTO documents (document_id, account_id, blob_id, object_key, size, sealed,"
            " category_index, author_index, digest_index, message_ref, part, entry_index, filed_at,"
            " document_date, state) VALUES ('D', ?, 1, x'', 0, x'', x'', x'', x'', 'FILE', '',"
            " x'', 0, 0, 'current')",
            (doctor.account_id,),
        )

    database.write(still_here)
    assert database.write(lambda tx: evidence.sweep(tx, doctor.account_id, NOW + 60)) == 1
    with database.read() as view:
        rows = view.sql("SELECT account_id, message_ref FROM verdict_evidence").fetchall()
    assert {row[1] for row in rows if row[0] == doctor.account_id} == {"MAIL", "FILE", "YOUNG"}
    assert len([row for row in rows if row[0] == patient.account_id]) == 3


def test_no_signer_and_no_answer_lies_in_clear(tmp_path: Path) -> None:
    path = tmp_path / "sealed.db"
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{path}", sealing, clock=lambda: float(NOW))
    try:
        site = database.write(lambda tx: accounts.create(tx, "spool"))
        account_id = database.write(lambda tx: accounts.create(tx, "patient"))
        keep(database, site, account_id, sample(), exhibits())
        with database.read() as view:
            assert evidence.read(view, site, account_id, REF) == sample()
        content = b"".join(one.read_bytes() for one in tmp_path.glob("sealed.db*"))
    finally:
        database.close()
    for secret in (b"bernard", b"Bernard", "Autorité".encode(), *lists(), sample().signer):
        assert secret not in content
    for digest in exhibits():
        assert digest.encode() not in content
        assert bytes.fromhex(digest) not in content
