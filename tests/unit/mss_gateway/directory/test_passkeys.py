"""Passkeys: what a software authenticator makes and shows, and each lie of it."""

import json
from typing import Any

import pytest

from mailbox_store.database import Database
from mss_gateway.directory import passkeys
from mss_gateway.directory.passkeys import (
    ACTIVE_LIMIT,
    CHALLENGE_SECONDS,
    Challenges,
    CounterWentBack,
    Passkey,
    PasskeyRefused,
    Relying,
    TooManyPasskeys,
    normal_name,
)
from mss_gateway.directory.people import Person
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, octets, text
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

SITE = Relying("Opérateur d'essai", "mss.example", "https://mss.example")
CHALLENGE = b"c" * 32


@pytest.fixture
def device() -> Authenticator:
    return Authenticator(SITE.origin)


def making(database: Database, person: Person) -> dict[str, Any]:
    with database.read() as view:
        said = passkeys.registration_options(view, person.account_id, "Camille", SITE, CHALLENGE)
    options: dict[str, Any] = json.loads(said)
    return options


def showing(challenge: bytes = CHALLENGE) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(passkeys.recognition_options(SITE, challenge))
    return options


def registered(
    database: Database, person: Person, device: Authenticator, name: str = "Téléphone"
) -> Passkey:
    answer = device.make(making(database, person))
    return database.write(
        lambda tx: passkeys.register(tx, person.account_id, answer, name, SITE, CHALLENGE)
    )


def recognised(database: Database, answer: str, challenge: bytes = CHALLENGE) -> Passkey:
    return database.write(lambda tx: passkeys.recognise(tx, answer, SITE, challenge))


def test_one_that_was_made_is_recognised_and_its_use_is_on_record(
    database: Database, patient: Person, device: Authenticator, clock: Clock
) -> None:
    made = registered(database, patient, device)
    assert (made.name, made.created_at, made.last_used_at) == ("Téléphone", NOW, None)
    clock.now += 60
    shown = recognised(database, device.show(showing()))
    assert (shown.account_id, shown.passkey_id) == (patient.account_id, made.passkey_id)
    with database.read() as view:
        (kept,) = passkeys.of_account(view, patient.account_id)
    assert (kept.sign_count, kept.last_used_at) == (1, NOW + 60)


def test_a_discoverable_credential_with_verification_is_asked_for(
    database: Database, patient: Person, device: Authenticator
) -> None:
    options = making(database, patient)
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert showing()["userVerification"] == "required"
    assert showing().get("allowCredentials", []) == []
    registered(database, patient, device)
    held = making(database, patient)["excludeCredentials"]
    assert [octets(one["id"]) for one in held] == [device.credential_id]


def test_nothing_that_names_the_holder_leaves(database: Database, patient: Person) -> None:
    said = json.dumps(making(database, patient))
    assert patient.traits.ins not in said
    assert patient.traits.family_name not in said


def test_nothing_of_it_is_in_clear(
    database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    with database.read() as view:
        row = view.sql("SELECT credential_index FROM passkeys").one()
    assert device.credential_id not in bytes(row[0])
    assert len(row[0]) == 16


@pytest.mark.parametrize("flags", [VERIFIED, PRESENT, 0])
def test_a_holder_who_was_not_verified_is_refused(
    flags: int, database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    device.flags = flags
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing()))
    other = Authenticator(SITE.origin, flags=flags)
    with pytest.raises(PasskeyRefused):
        registered(database, patient, other)


@pytest.mark.parametrize("origin", ["https://mss.example.evil", "http://mss.example", "null", ""])
def test_another_origin_is_refused(
    origin: str, database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    device.origin = origin
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing()))
    with pytest.raises(PasskeyRefused):
        registered(database, patient, Authenticator(origin))


def test_another_site_or_challenge_is_refused(
    database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing(b"d" * 32)))
    device.host = "ailleurs.example"
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing()))


@pytest.mark.parametrize(
    "lie", [{"signature": b"x" * 70}, {"signed": b"autre chose"}, {"handle": b"h" * 16}]
)
def test_what_is_forged_is_refused(
    lie: dict[str, bytes], database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing(), **lie))


@pytest.mark.parametrize(
    "answer",
    [
        *("", "x", "[]", "{}", "null", "[" * 5_000, '{"id": 5}', '{"id": "é"}', "9" * 20_001),
        '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}',
        '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": null}',
    ],
)
def test_what_is_no_answer_is_refused(
    answer: str, database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    known = json.dumps({"id": text(device.credential_id)})
    for tried in (answer, answer.replace("AAAA", text(device.credential_id)), known):
        with pytest.raises(PasskeyRefused):
            recognised(database, tried)
    with pytest.raises(PasskeyRefused):
        database.write(
            lambda tx: passkeys.register(tx, patient.account_id, answer, "", SITE, CHALLENGE)
        )


@pytest.mark.parametrize(("kept", "shown", "is_copy"), [(5, 5, True), (5, 4, True), (5, 0, True)])
def test_a_counter_that_does_not_grow_tells_of_a_copy(
    kept: int, shown: int, is_copy: bool, database: Database, patient: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    device.counter, device.step = kept, 0
    recognised(database, device.show(showing()))
    device.counter = shown
    with pytest.raises(CounterWentBack) as suspect:
        recognised(database, device.show(showing()))
    assert suspect.value.account_id == patient.account_id
    with database.read() as view:
        assert passkeys.of_account(view, patient.account_id)[0].sign_count == kept


def test_an_authenticator_that_does_not_count_stays_at_nought(
    database: Database, patient: Person, device: Authenticator
) -> None:
    device.step = 0
    registered(database, patient, device)
    for _ in range(2):
        assert recognised(database, device.show(showing())).sign_count == 0


def test_a_credential_is_registered_once(
    database: Database, patient: Person, doctor: Person, device: Authenticator
) -> None:
    registered(database, patient, device)
    with pytest.raises(PasskeyRefused):
        registered(database, doctor, device)


def test_it_is_removed_by_its_owner_alone(
    database: Database, patient: Person, doctor: Person, device: Authenticator
) -> None:
    made = registered(database, patient, device)

    def removed(person: Person) -> bool:
        return database.write(lambda tx: passkeys.remove(tx, person.account_id, made.passkey_id))

    assert [removed(doctor), removed(patient), removed(patient)] == [False, True, False]
    with pytest.raises(PasskeyRefused):
        recognised(database, device.show(showing()))


def test_an_account_has_so_many(database: Database, patient: Person) -> None:
    for _ in range(ACTIVE_LIMIT):
        registered(database, patient, Authenticator(SITE.origin))
    with pytest.raises(TooManyPasskeys):
        registered(database, patient, Authenticator(SITE.origin))
    database.write(lambda tx: passkeys.remove_all(tx, patient.account_id))
    with database.read() as view:
        assert not passkeys.has_any(view, patient.account_id)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("  Mon\n téléphone ", "Mon téléphone"), ("", "–"), ("\u202e\0", "–"), ("x" * 99, "x" * 60)],
)
def test_a_name_is_one_line(given: str, kept: str) -> None:
    assert normal_name(given) == kept


def test_a_challenge_is_for_one_browser_and_one_answer() -> None:
    challenges = Challenges()
    first, second = challenges.draw("a", NOW), challenges.draw("b", NOW)
    assert first != second
    assert challenges.take("a", NOW + 1) == first
    with pytest.raises(PasskeyRefused):
        challenges.take("a", NOW + 1)
    assert challenges.take("b", NOW + CHALLENGE_SECONDS - 1) == second
    challenges.draw("b", NOW)
    with pytest.raises(PasskeyRefused):
        challenges.take("b", NOW + CHALLENGE_SECONDS)


def test_challenges_are_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "CHALLENGES_LIMIT", 2)
    challenges = Challenges()
    for browser in "abc":
        challenges.draw(browser, NOW)
    with pytest.raises(PasskeyRefused):
        challenges.take("a", NOW)
    assert challenges.take("c", NOW)
