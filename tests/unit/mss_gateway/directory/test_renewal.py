"""Renewal: which certificates, when, and what follows them without a gap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from certs.book import Provenance
from certs.issuing.issue import Authority
from certs.issuing.profiles import Identified, Publishing, Realm
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store import accounts
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, people, renewal
from mss_gateway.directory.certificates import Cabinet, Held
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.directory.renewal import SETTLE_SECONDS, Due, Rules
from policies.people import Standing
from tests.unit.mss_gateway.directory.conftest import NOW, Clock, add

DAY = 24 * 3600
RULES = Rules(lead_days=30, days=365, key_kind="p256", separate_keys=False)
FAR = NOW + 365 * DAY


@cache
def authority(years: int = 10) -> Authority:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
    return Authority.create("Autorité d'essai", "p256", made, years)


@cache
def key(number: int = 0) -> PrivateKey:
    return PrivateKey.generate("p256")


@cache
def any_held() -> Held:
    certificate = authority().issue_mailbox(
        "claire.martin@mss.example",
        "Claire Martin",
        key().public_key,
        Usage.BOTH,
        datetime.fromtimestamp(NOW, UTC),
        30,
    )
    return Held(
        certificate_id=1,
        account_id=AccountId(1),
        serial="1",
        usage=Usage.BOTH,
        state="active",
        provenance=Provenance.ISSUED_HERE,
        not_before=NOW - 300 * DAY,
        not_after=NOW + 10 * DAY,
        use_from=NOW - 300 * DAY,
        revoked_at=None,
        revocation_reason=None,
        replaced_by=None,
        has_key=True,
        certificate=certificate,
    )


def plan(*held: Held, lead_days: int = 30, until: int = FAR) -> list[Due]:
    return renewal.plan(held, NOW, lead_days, until)


def due(usage: Usage = Usage.BOTH, *replaces: int, use_from: int = NOW + SETTLE_SECONDS) -> Due:
    return Due(AccountId(1), usage, replaces or (1,), use_from)


@pytest.mark.parametrize(("after", "is_due"), [(-1, True), (0, False)])
def test_a_certificate_is_due_when_its_end_is_nearer_than_the_lead(
    after: int, is_due: bool
) -> None:
    one = replace(any_held(), not_after=NOW + 30 * DAY + after)
    assert plan(one) == ([due()] if is_due else [])


@pytest.mark.parametrize(
    ("end", "use_from"),
    [
        (NOW + 10 * DAY, NOW + SETTLE_SECONDS),
        (NOW + SETTLE_SECONDS, NOW + SETTLE_SECONDS),
        (NOW + 60, NOW + 60),
        (NOW, NOW),
        (NOW - 90 * DAY, NOW),
    ],
)
def test_the_next_one_is_used_after_a_while_and_never_after_the_end(
    end: int, use_from: int
) -> None:
    assert plan(replace(any_held(), not_after=end)) == [due(use_from=use_from)]


@pytest.mark.parametrize(
    "change",
    [
        {"has_key": False},
        {"provenance": Provenance.IMPORTED},
        {"state": "revoked"},
        {"usage": Usage(0)},
    ],
)
def test_what_others_hold_issued_or_took_back_is_left_alone(change: dict[str, object]) -> None:
    assert plan(replace(any_held(), **change)) == []  # type: ignore[arg-type]


def test_the_one_that_lasts_longest_counts() -> None:
    lasting = replace(any_held(), certificate_id=2, not_after=NOW + 200 * DAY)
    assert plan(any_held(), lasting) == []
    assert plan(lasting, replace(any_held(), certificate_id=3)) == []
    imported = replace(lasting, provenance=Provenance.IMPORTED, not_after=NOW + 11 * DAY)
    assert plan(any_held(), imported) == []


def test_a_revoked_successor_is_replaced_by_people() -> None:
    successor = replace(any_held(), certificate_id=2, state="revoked", not_after=FAR)
    assert plan(any_held(), successor) == []
    assert plan(any_held(), successor, replace(any_held(), certificate_id=3)) == [
        due(Usage.BOTH, 3)
    ]


def test_each_usage_is_renewed_when_its_own_time_comes() -> None:
    signing = replace(any_held(), usage=Usage.SIGN, not_after=NOW + 20 * DAY)
    encryption = replace(any_held(), certificate_id=2, usage=Usage.ENCRYPT)
    lasting = replace(encryption, not_after=NOW + 200 * DAY)
    assert plan(signing, lasting) == [due(Usage.SIGN, 1)]
    assert plan(signing, encryption) == [due(Usage.BOTH, 2, 1)]
    both = replace(any_held(), certificate_id=3, not_after=NOW + 25 * DAY)
    assert plan(signing, lasting, both) == [due(Usage.SIGN, 3)]


def test_mailboxes_are_planned_one_by_one() -> None:
    other = replace(any_held(), certificate_id=2, account_id=AccountId(2))
    assert plan(any_held(), other) == [due(), replace(due(Usage.BOTH, 2), account_id=2)]


def test_a_renewal_that_gains_no_day_is_none() -> None:
    one = any_held()
    assert plan(one, until=one.not_after + DAY) == []
    assert plan(one, until=one.not_after + DAY + 1) == [due()]
    assert plan(replace(one, not_after=NOW - DAY), until=NOW + DAY) == []
    assert plan(replace(one, not_after=NOW - DAY), until=NOW - DAY) == []


# the act


@pytest.fixture
def site(database: Database) -> AccountId:
    made = database.write(lambda tx: accounts.create(tx, "spool"))
    database.write(lambda tx: certificates.keep_authority(tx, made, authority()))
    return made


def issue(database: Database, person: Person, number: int = 0, days: int = 20) -> Held:
    return database.write(lambda tx: certificates.issue(tx, authority(), person, key(number), days))


def test_a_mailbox_is_renewed_without_a_gap(
    database: Database, site: AccountId, patient: Person, clock: Clock
) -> None:
    old, cabinet = issue(database, patient), Cabinet(authority().chain)
    (new,) = renewal.run(database, site, RULES, NOW).made
    assert (new.account_id, new.usage, new.not_after) == (patient.account_id, Usage.BOTH, FAR)
    assert new.use_from == NOW + SETTLE_SECONDS
    assert new.certificate.public_key() != old.certificate.public_key()
    for moment in range(NOW, NOW + 30 * DAY, DAY // 2):
        expected = old if moment < new.use_from else new
        with database.read() as view:
            signer = cabinet.signer(view, patient.account_id, moment)
            assert signer.certificate == expected.certificate
            assert (
                certificates.for_recipient(view, patient.account_id, moment) == expected.certificate
            )
    with database.read() as view:
        assert len(cabinet.openers(view, patient.account_id)) == 2
        kept = certificates.find(view, old.serial)
        assert (kept.state, kept.replaced_by) == ("active", new.certificate_id)
        audited = view.sql("SELECT actor, act, object, verdict FROM audit").fetchall()
    assert audited == [
        (
            "system",
            "certificate",
            f"account:{patient.account_id} certificate:{new.serial}",
            "renewed",
        )
    ]
    # asked again, now and on any day until the new one ends soon
    clock.now += 30 * DAY
    assert renewal.run(database, site, RULES, int(clock.now)) == renewal.Turn((), ())


def test_one_certificate_for_both_is_followed_by_two_where_keys_are_separate(
    database: Database, site: AccountId, doctor: Person
) -> None:
    old = issue(database, doctor)
    made = renewal.run(database, site, replace(RULES, separate_keys=True), NOW).made
    assert [one.usage for one in made] == [Usage.SIGN, Usage.ENCRYPT]
    with database.read() as view:
        assert certificates.find(view, old.serial).replaced_by == made[1].certificate_id
        assert renewal.run(database, site, RULES, NOW).made == ()


def test_only_the_usage_that_ends_is_renewed(
    database: Database, site: AccountId, doctor: Person
) -> None:
    keys = {Usage.SIGN: key(0), Usage.ENCRYPT: key(1)}
    for usage, days in ((Usage.SIGN, 20), (Usage.ENCRYPT, 200)):
        database.write(
            lambda tx, usage=usage, days=days: certificates.issue(  # type: ignore[misc]
                tx, authority(), doctor, keys[usage], days, usage=usage
            )
        )
    (made,) = renewal.run(database, site, RULES, NOW).made
    assert made.usage is Usage.SIGN


def test_how_the_holder_was_identified_goes_on(
    database: Database, site: AccountId, doctor: Person, patient: Person
) -> None:
    publishing = Publishing()
    known = authority().stating(publishing, Identified.IN_PERSON)
    database.write(lambda tx: certificates.issue(tx, known, doctor, key(), 20))
    issue(database, patient, 1)
    made = renewal.run(database, site, RULES, NOW).made
    stated = {one.account_id: publishing.identified(one.certificate) for one in made}
    assert stated == {doctor.account_id: Identified.IN_PERSON, patient.account_id: None}


@pytest.mark.parametrize(("standing", "count"), [(Standing.CREATED, 1), (Standing.CLOSED, 0)])
def test_a_mailbox_that_receives_nothing_is_not_renewed(
    database: Database, site: AccountId, patient: Person, standing: Standing, count: int
) -> None:
    issue(database, patient)
    database.write(lambda tx: people.set_standing(tx, patient.account_id, standing))
    assert len(renewal.run(database, site, RULES, NOW).made) == count


def test_keys_in_a_client_are_renewed_by_their_holder(database: Database, site: AccountId) -> None:
    traits = Traits(given_name="Paul", family_name="Bernard")
    new = NewPerson("paul.bernard@mss.example", "PER", traits, smime="client")
    holder = add(database, new)
    issue(database, holder)
    # keys that the gateway held before the holder took theirs in hand
    earlier = replace(holder, smime="gateway")
    issue(database, earlier, 1)
    assert renewal.run(database, site, RULES, NOW).made == ()


def test_a_turn_renews_so_many_and_the_next_one_the_rest(
    database: Database, site: AccountId, doctor: Person, patient: Person
) -> None:
    issue(database, doctor, 0, days=20)
    issue(database, patient, 1, days=10)
    (first,) = renewal.run(database, site, RULES, NOW, limit=1).made
    (second,) = renewal.run(database, site, RULES, NOW, limit=1).made
    assert (first.account_id, second.account_id) == (patient.account_id, doctor.account_id)


def test_a_mailbox_outside_the_authority_s_realm_stops_no_other(
    database: Database, doctor: Person, patient: Person
) -> None:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=1)
    narrow = Authority.create("Étroite", "p256", made, 10, Realm(("mss.example",)))
    site = database.write(lambda tx: accounts.create(tx, "spool"))
    database.write(lambda tx: certificates.keep_authority(tx, site, narrow))
    issue(database, patient, 1, days=10)
    issue(database, doctor, 0, days=20)
    turn = renewal.run(database, site, RULES, NOW)
    assert [one.account_id for one in turn.made] == [doctor.account_id]
    assert turn.failed == (patient.account_id,)


def test_an_authority_near_its_end_does_not_renew_for_ever(
    database: Database, doctor: Person, clock: Clock
) -> None:
    ending = authority(1)
    end = int(ending.issuing.not_valid_after_utc.timestamp())
    site = database.write(lambda tx: accounts.create(tx, "spool"))
    database.write(lambda tx: certificates.keep_authority(tx, site, ending))
    clock.now = float(end - 25 * DAY)
    issue(database, doctor, 0, days=10)
    (made,) = renewal.run(database, site, RULES, int(clock.now)).made
    assert made.not_after == end
    for days in (0, 1, 10, 24, 25, 26):
        moment = end - 25 * DAY + days * DAY
        assert renewal.run(database, site, RULES, moment) == renewal.Turn((), ())


def test_without_an_authority_nothing_is_renewed(database: Database, doctor: Person) -> None:
    site = database.write(lambda tx: accounts.create(tx, "spool"))
    issue(database, doctor)
    assert renewal.run(database, site, RULES, NOW) == renewal.Turn((), ())


def test_a_validity_shorter_than_the_lead_is_renewed_at_its_half(
    database: Database, site: AccountId, doctor: Person
) -> None:
    short = replace(RULES, days=20)
    issue(database, doctor, days=11)
    assert renewal.run(database, site, short, NOW).made == ()
    (made,) = renewal.run(database, site, short, NOW + DAY + 1).made
    assert made.account_id == doctor.account_id
