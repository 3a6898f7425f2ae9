"""The key book: who is learned, which certificate serves, what its holder reads."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from certs.book import Provenance
from certs.capabilities import Capabilities
from certs.certificate import Certificate
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.sealing import RootKey, Sealing
from certs.usage import Usage
from mailbox_store import accounts
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, keybook
from mss_gateway.directory.keybook import Learned, NotForAddress
from mss_gateway.directory.people import Person
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

DAY = 24 * 3600
PAUL = "paul.bernard@ailleurs.example"
SOPHIE = "sophie.laurent@ailleurs.example"
GCM = Capabilities(frozenset({"aes-256-gcm", "rsa-oaep"}))
CBC = Capabilities(frozenset({"aes-256-cbc"}))


@cache
def authority() -> Authority:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=300)
    return Authority.create("Autorité d'ailleurs", "p256", made, 10)


@cache
def key(number: int = 0) -> PrivateKey:
    return PrivateKey.generate("p256")


def certificate(
    address: str = PAUL,
    number: int = 0,
    usage: Usage = Usage.BOTH,
    began: int = NOW - DAY,
    days: int = 365,
) -> Certificate:
    return authority().issue_mailbox(
        address,
        "Paul Bernard",
        key(number).public_key,
        usage,
        datetime.fromtimestamp(began, UTC),
        days,
    )


@pytest.fixture
def site(database: Database) -> AccountId:
    """The gateway's own account."""
    return database.write(lambda tx: accounts.create(tx, "spool"))


def learn(
    database: Database,
    site: AccountId,
    one: Certificate,
    said: Capabilities | None = None,
    address: str = PAUL,
    provenance: Provenance = Provenance.SIGNED_MESSAGE,
    said_at: int | None = None,
) -> Learned:
    return database.write(
        lambda tx: keybook.learn(
            tx, site, address, one, said, provenance, chain=authority().chain, said_at=said_at
        )
    )


def test_who_was_learned_is_encrypted_to_with_what_they_read(
    database: Database, site: AccountId
) -> None:
    one = certificate()
    assert learn(database, site, one, GCM) == Learned(True, False, ())
    with database.read() as view:
        best = keybook.best(view, site, PAUL, NOW)
        assert best == keybook.Best(one, authority().chain, GCM)
        assert keybook.best(view, site, SOPHIE, NOW) is None
        assert keybook.capabilities_of(view, site, PAUL) == GCM
        assert keybook.capabilities_of(view, site, SOPHIE) is None


def test_a_certificate_enters_only_for_an_address_that_it_names(
    database: Database, site: AccountId
) -> None:
    with pytest.raises(NotForAddress):
        learn(database, site, certificate(SOPHIE))
    with database.read() as view:
        assert keybook.everyone(view, site) == []


def test_the_newest_of_the_right_usage_that_is_valid_serves(
    database: Database, site: AccountId
) -> None:
    signing = certificate(number=0, usage=Usage.SIGN, began=NOW - DAY)
    old = certificate(number=1, usage=Usage.ENCRYPT, began=NOW - 90 * DAY)
    new = certificate(number=2, usage=Usage.ENCRYPT, began=NOW - 30 * DAY, days=60)
    for one in (signing, new, old):
        learn(database, site, one)
    with database.read() as view:
        for moment, usage, expected in (
            (NOW, Usage.ENCRYPT, new),
            (NOW, Usage.SIGN, signing),
            (NOW + 31 * DAY, Usage.ENCRYPT, old),
        ):
            found = keybook.best(view, site, PAUL, moment, usage)
            assert found is not None
            assert found.certificate == expected
        assert keybook.best(view, site, PAUL, NOW + 400 * DAY) is None


def test_what_the_operator_entered_stands_first_and_all_that_may_serve_follow(
    database: Database, site: AccountId
) -> None:
    of_message = certificate(number=1, began=NOW - DAY)
    older = certificate(number=2, began=NOW - 2 * DAY)
    of_operator = certificate(number=3, began=NOW - 90 * DAY)
    for one in (of_message, older):
        learn(database, site, one)
    learn(database, site, of_operator, GCM, provenance=Provenance.OPERATOR)
    learn(database, site, certificate(number=4, began=NOW + DAY))
    with database.read() as view:
        found = keybook.ranked(view, site, PAUL, NOW)
        assert [one.certificate for one in found] == [of_operator, of_message, older]
        assert {one.capabilities for one in found} == {GCM}
        assert keybook.ranked(view, site, SOPHIE, NOW) == []


def test_what_a_signing_certificate_said_counts_for_the_encryption_certificate(
    database: Database, site: AccountId
) -> None:
    encryption = certificate(number=1, usage=Usage.ENCRYPT)
    learn(database, site, certificate(number=0, usage=Usage.SIGN), GCM)
    learn(database, site, encryption, None)
    with database.read() as view:
        best = keybook.best(view, site, PAUL, NOW)
    assert best is not None
    assert (best.certificate, best.capabilities) == (encryption, GCM)


@pytest.mark.parametrize(
    ("said_at", "expected"), [(NOW - 1, GCM), (NOW, CBC), (NOW + 10 * DAY, CBC)]
)
def test_an_old_message_shown_again_lowers_nothing(
    database: Database, site: AccountId, clock: Clock, said_at: int, expected: Capabilities
) -> None:
    learn(database, site, certificate(), GCM)
    clock.now += DAY
    again = learn(database, site, certificate(number=1), CBC, said_at=said_at)
    assert again.is_new
    with database.read() as view:
        assert keybook.capabilities_of(view, site, PAUL) == expected


def test_what_is_said_of_the_future_counts_for_today(database: Database, site: AccountId) -> None:
    learn(database, site, certificate(), CBC, said_at=NOW + 1000 * DAY)
    learn(database, site, certificate(number=1), GCM)
    with database.read() as view:
        assert keybook.capabilities_of(view, site, PAUL) == GCM


def test_a_certificate_seen_again_is_one_entry(
    database: Database, site: AccountId, clock: Clock
) -> None:
    one = certificate()
    learn(database, site, one, GCM, provenance=Provenance.OPERATOR)
    clock.now += DAY
    assert learn(database, site, one) == Learned(False, False, ())
    with database.read() as view:
        (kept,) = keybook.of_address(view, site, PAUL)
    assert (kept.first_seen, kept.last_seen) == (NOW, NOW + DAY)
    assert (kept.provenance, kept.capabilities) == (Provenance.OPERATOR, GCM)
    learn(database, site, one, CBC, provenance=Provenance.DIRECTORY)
    with database.read() as view:
        (kept,) = keybook.everyone(view, site)
    assert (kept.provenance, kept.capabilities) == (Provenance.OPERATOR, CBC)


def test_one_key_for_two_addresses_is_an_alarm(
    database: Database, site: AccountId, doctor: Person
) -> None:
    learn(database, site, certificate(PAUL, 0))
    assert learn(database, site, certificate(PAUL, 0, began=NOW)).shared_with == ()
    assert learn(database, site, certificate(SOPHIE, 0), address=SOPHIE).shared_with == (PAUL,)
    own = certificate(doctor.address, 0)
    database.write(lambda tx: certificates.add(tx, doctor.account_id, own, None))
    alarm = learn(database, site, certificate(PAUL, 0)).shared_with
    assert alarm == (SOPHIE, doctor.address)
    assert learn(database, site, own, address=doctor.address).shared_with == (PAUL, SOPHIE)


def test_a_refused_certificate_is_not_used_and_not_learned_again(
    database: Database, site: AccountId
) -> None:
    one, other = certificate(number=0, began=NOW), certificate(number=1)
    learn(database, site, one, GCM)
    learn(database, site, other)
    with database.read() as view:
        mark = keybook.of_address(view, site, PAUL)[1].fingerprint
    assert database.write(lambda tx: keybook.refuse(tx, PAUL, mark.upper()))
    assert not database.write(lambda tx: keybook.refuse(tx, SOPHIE, mark))
    assert learn(database, site, one, GCM).is_refused
    with database.read() as view:
        best = keybook.best(view, site, PAUL, NOW)
        assert keybook.capabilities_of(view, site, PAUL) is None
    assert best is not None
    assert (best.certificate, best.capabilities) == (other, None)


def test_the_operator_takes_entries_out(database: Database, site: AccountId) -> None:
    for number in range(3):
        learn(database, site, certificate(number=number))
    learn(database, site, certificate(SOPHIE, 3), address=SOPHIE)
    with database.read() as view:
        mark = keybook.of_address(view, site, PAUL)[0].fingerprint
    assert database.write(lambda tx: keybook.forget(tx, PAUL, mark)) == 1
    assert database.write(lambda tx: keybook.forget(tx, PAUL, mark)) == 0
    assert database.write(lambda tx: keybook.forget(tx, PAUL)) == 2
    with database.read() as view:
        assert [one.address for one in keybook.everyone(view, site)] == [SOPHIE]


def test_an_address_has_so_many_certificates_and_no_more(
    database: Database, site: AccountId, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keybook, "PER_ADDRESS", 2)
    eldest, second, third = (certificate(number=number) for number in range(3))
    for one in (eldest, second):
        learn(database, site, one)
    clock.now += 60
    learn(database, site, eldest)
    learn(database, site, third)
    with database.read() as view:
        kept = [one.certificate for one in keybook.of_address(view, site, PAUL)]
    assert kept == [third, eldest]


def test_no_correspondent_lies_in_clear(tmp_path: Path) -> None:
    path = tmp_path / "sealed.db"
    sealing = Sealing(RootKey.create(tmp_path / "root.key"))
    database = Database.open(f"sqlite:///{path}", sealing, clock=lambda: float(NOW))
    try:
        site = database.write(lambda tx: accounts.create(tx, "spool"))
        learn(database, site, certificate(), GCM)
        with database.read() as view:
            (kept,) = keybook.everyone(view, site)
        content = b"".join(one.read_bytes() for one in tmp_path.glob("sealed.db*"))
    finally:
        database.close()
    mark = kept.fingerprint
    for secret in (PAUL.encode(), b"Bernard", b"ailleurs", mark.encode(), bytes.fromhex(mark)):
        assert secret not in content
