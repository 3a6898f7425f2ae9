"""Certificates of mailboxes: which signs, which is encrypted to, which still opens."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from certs.book import Provenance
from certs.certificate import Certificate
from certs.errors import PrivateKeyNotFound
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.sealing import RootKey, Sealing
from certs.status.revocation import RevocationReason
from certs.usage import Usage
from mailbox_store import accounts
from mailbox_store.database import Database, Transaction
from mss_gateway.config import Mailboxes
from mss_gateway.directory import cabinet as cabinets
from mss_gateway.directory import certificates, people
from mss_gateway.directory.certificates import (
    Cabinet,
    CertificateAmbiguous,
    CertificateKept,
    CertificateRefused,
    CertificateUnknown,
    Held,
    NoSigner,
)
from mss_gateway.directory.people import NewPerson, Person, Traits
from tests.support import client_certificates
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

DAY = 24 * 3600


@cache
def authority() -> Authority:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
    return Authority.create("Autorite d'essai", "p256", made, 10)


@cache
def key(number: int = 0) -> PrivateKey:
    return PrivateKey.generate("p256")


@pytest.fixture
def cabinet() -> Cabinet:
    return Cabinet(authority().chain)


def issue(database: Database, person: Person, number: int = 0, days: int = 30) -> Held:
    return database.write(lambda tx: certificates.issue(tx, authority(), person, key(number), days))


def test_a_certificate_is_issued_for_signing_and_encryption(
    database: Database, doctor: Person
) -> None:
    held = issue(database, doctor)
    assert (held.usage, held.state, held.has_key) == (Usage.BOTH, "active", True)
    assert (held.not_before, held.not_after) == (NOW, NOW + 30 * DAY)
    assert held.account_id == doctor.account_id
    with database.read() as view:
        assert certificates.of_account(view, doctor.account_id) == [held]
        assert certificates.find(view, held.serial.upper()) == held
        assert certificates.everything(view) == [held]
        with pytest.raises(CertificateUnknown):
            certificates.find(view, "99")


@pytest.mark.parametrize(
    ("moment", "is_valid"),
    [(NOW - 1, False), (NOW, True), (NOW + 30 * DAY - 1, True), (NOW + 30 * DAY, False)],
)
def test_a_certificate_serves_within_its_dates(
    database: Database, doctor: Person, cabinet: Cabinet, moment: int, is_valid: bool
) -> None:
    held = issue(database, doctor)
    assert held.is_valid(moment) is is_valid
    with database.read() as view:
        found = certificates.for_recipient(view, doctor.account_id, moment)
        assert (found == held.certificate) is is_valid
        if is_valid:
            assert cabinet.signer(view, doctor.account_id, moment).certificate == found
        else:
            with pytest.raises(NoSigner):
                cabinet.signer(view, doctor.account_id, moment)


def test_the_newest_valid_one_signs_and_is_encrypted_to(
    database: Database, doctor: Person, cabinet: Cabinet, clock: Clock
) -> None:
    held = [issue(database, doctor, 0)]
    clock.now += DAY
    held += [issue(database, doctor, 1), issue(database, doctor, 2, days=1)]
    for moment, expected in ((NOW, 0), (NOW + DAY, 2), (NOW + 2 * DAY, 1)):
        with database.read() as view:
            signer = cabinet.signer(view, doctor.account_id, moment)
            assert signer.certificate == held[expected].certificate
            assert signer.chain == authority().chain
            assert (
                certificates.for_recipient(view, doctor.account_id, moment)
                == held[expected].certificate
            )


def test_a_revoked_one_is_not_used_and_still_opens(
    database: Database, doctor: Person, cabinet: Cabinet, clock: Clock
) -> None:
    old, new = issue(database, doctor, 0), issue(database, doctor, 1)
    with database.read() as view:
        assert cabinet.signer(view, doctor.account_id, NOW).certificate == new.certificate
    clock.now += 60
    revoked = database.write(lambda tx: certificates.revoke(tx, new.serial))
    assert revoked == replace(
        new,
        state="revoked",
        revoked_at=NOW + 60,
        revocation_reason=RevocationReason.UNSPECIFIED,
    )
    with database.read() as view:
        # it was remembered as ready for use, and is asked about all the same
        assert cabinet.signer(view, doctor.account_id, NOW).certificate == old.certificate
        assert certificates.for_recipient(view, doctor.account_id, NOW) == old.certificate
        openers = cabinet.openers(view, doctor.account_id)
        assert [one for one, _ in openers] == [new.certificate, old.certificate]
        assert [one.public_key for _, one in openers] == [key(1).public_key, key(0).public_key]


def test_a_revocation_keeps_its_first_moment_and_is_on_the_list(
    database: Database, doctor: Person, clock: Clock
) -> None:
    held, other = issue(database, doctor, 0), issue(database, doctor, 1)
    for _ in range(2):
        clock.now += 60
        database.write(lambda tx: certificates.revoke(tx, held.serial))
    with database.read() as view:
        listed = certificates.revocations(view)
    assert [(one.serial, one.at.timestamp()) for one in listed] == [
        (held.certificate.serial_number, NOW + 60)
    ]
    assert other.certificate.serial_number != listed[0].serial
    with pytest.raises(CertificateUnknown):
        database.write(lambda tx: certificates.revoke(tx, "99"))


def test_who_keeps_their_own_key_is_encrypted_to_and_does_not_sign_here(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    held = issue(database, replace(doctor, smime="client"))
    assert not held.has_key
    with database.read() as view:
        assert certificates.for_recipient(view, doctor.account_id, NOW) == held.certificate
        assert cabinet.openers(view, doctor.account_id) == []
        with pytest.raises(NoSigner):
            cabinet.signer(view, doctor.account_id, NOW)


def test_a_person_without_a_certificate_has_none(
    database: Database, doctor: Person, patient: Person, cabinet: Cabinet
) -> None:
    issue(database, doctor)
    with database.read() as view:
        assert certificates.for_recipient(view, patient.account_id, NOW) is None
        assert certificates.of_account(view, patient.account_id) == []
        with pytest.raises(NoSigner):
            cabinet.signer(view, patient.account_id, NOW)


def test_the_same_certificate_is_not_kept_twice(database: Database, doctor: Person) -> None:
    held = issue(database, doctor)
    with pytest.raises(CertificateKept):
        database.write(lambda tx: certificates.add(tx, doctor.account_id, held.certificate, None))


def test_a_signer_is_loaded_once_and_asked_for_often(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    issue(database, doctor)
    with database.read() as view:
        assert cabinet.signer(view, doctor.account_id, NOW) is cabinet.signer(
            view, doctor.account_id, NOW
        )


def test_a_signer_of_a_rolled_back_certificate_is_not_remembered(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    def rolled_back(tx: Transaction) -> None:
        certificates.issue(tx, authority(), doctor, key(0), 30)
        cabinet.signer(tx, doctor.account_id, NOW)
        raise LookupError

    with pytest.raises(LookupError):
        database.write(rolled_back)
    held = issue(database, doctor, 1)
    with database.read() as view:
        assert cabinet.signer(view, doctor.account_id, NOW).certificate == held.certificate


def test_no_more_signers_are_remembered_than_the_limit(
    database: Database,
    doctor: Person,
    patient: Person,
    cabinet: Cabinet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cabinets, "SIGNERS_LIMIT", 1)
    issue(database, doctor, 0)
    issue(database, patient, 1)
    with database.read() as view:
        first = cabinet.signer(view, doctor.account_id, NOW)
        cabinet.signer(view, patient.account_id, NOW)
        assert cabinet.signer(view, doctor.account_id, NOW) is not first


# separate keys, other issuers, time of use


@cache
def other_authority() -> Authority:
    made = datetime.fromtimestamp(NOW, UTC) - timedelta(days=30)
    return Authority.create("Une autre autorite", "p256", made, 10)


def foreign(
    address: str, number: int = 0, usage: Usage = Usage.BOTH, began: int = NOW - DAY
) -> Certificate:
    return other_authority().issue_mailbox(
        address,
        "Claire Martin",
        key(number).public_key,
        usage,
        datetime.fromtimestamp(began, UTC),
        365,
    )


def test_one_certificate_signs_and_another_is_encrypted_to(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    keys = {Usage.SIGN: key(0), Usage.ENCRYPT: key(1)}
    signing, encryption = database.write(
        lambda tx: certificates.issue_all(tx, authority(), doctor, keys, 30)
    )
    assert (signing.usage, encryption.usage) == (Usage.SIGN, Usage.ENCRYPT)
    with database.read() as view:
        assert cabinet.signer(view, doctor.account_id, NOW).certificate == signing.certificate
        assert certificates.for_recipient(view, doctor.account_id, NOW) == encryption.certificate
        assert len(cabinet.openers(view, doctor.account_id)) == 2


def test_the_keys_of_a_mailbox_are_one_or_two() -> None:
    (both,) = certificates.new_keys("p256", separate=False).items()
    assert both[0] is Usage.BOTH
    pair = certificates.new_keys("p256", separate=True)
    assert list(pair) == [Usage.SIGN, Usage.ENCRYPT]
    assert pair[Usage.SIGN].public_key != pair[Usage.ENCRYPT].public_key


@pytest.mark.parametrize(
    ("after", "expected"), [(-1, "old"), (0, "new"), (20 * DAY, "new"), (29 * DAY, "new")]
)
def test_a_certificate_is_there_before_it_is_used(
    database: Database, doctor: Person, cabinet: Cabinet, after: int, expected: str
) -> None:
    held = {"old": issue(database, doctor, 0)}
    held["new"] = database.write(
        lambda tx: certificates.issue(tx, authority(), doctor, key(1), 60, use_from=NOW + 10 * DAY)
    )
    moment = NOW + 10 * DAY + after
    with database.read() as view:
        chosen = cabinet.signer(view, doctor.account_id, moment).certificate
        assert chosen == held[expected].certificate
        assert certificates.for_recipient(view, doctor.account_id, moment) == chosen
        assert len(cabinet.openers(view, doctor.account_id)) == 2


def test_the_next_one_is_used_early_rather_than_none(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    old = issue(database, doctor, 0)
    later, sooner = (
        database.write(
            lambda tx, number=number, days=days: certificates.issue(  # type: ignore[misc]
                tx, authority(), doctor, key(number), 60, use_from=NOW + days * DAY
            )
        )
        for number, days in ((1, 20), (2, 10))
    )
    database.write(lambda tx: certificates.revoke(tx, old.serial))
    with database.read() as view:
        assert cabinet.signer(view, doctor.account_id, NOW).certificate == sooner.certificate
        assert certificates.for_recipient(view, doctor.account_id, NOW) == sooner.certificate
    assert later.use_from == NOW + 20 * DAY


def test_a_certificate_of_another_issuer_signs_with_its_own_chain(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    issue(database, doctor, 0)
    theirs, chain = foreign(doctor.address, 1), other_authority().chain
    held = database.write(lambda tx: certificates.adopt(tx, doctor, theirs, key(1), chain))
    assert (held.provenance, held.usage, held.use_from) == (Provenance.IMPORTED, Usage.BOTH, NOW)
    with database.read() as view:
        signer = cabinet.signer(view, doctor.account_id, NOW)
        assert (signer.certificate, signer.chain) == (theirs, chain)
        assert certificates.chain_of(view, held) == list(chain)
        assert certificates.known(view, theirs) == held
        assert certificates.known(view, foreign(doctor.address, 1)) is None


@pytest.mark.parametrize(
    ("address", "usage", "number", "smime", "error"),
    [
        ("paul.bernard@mss.example", Usage.BOTH, 1, "gateway", CertificateRefused),
        ("claire.martin@mss.example", Usage.BOTH, None, "gateway", CertificateRefused),
        ("claire.martin@mss.example", Usage.BOTH, 2, "gateway", PrivateKeyNotFound),
        ("claire.martin@mss.example", Usage.BOTH, 2, "client", PrivateKeyNotFound),
    ],
)
def test_a_certificate_that_is_not_the_mailbox_s_is_refused(
    database: Database,
    doctor: Person,
    address: str,
    usage: Usage,
    number: int | None,
    smime: str,
    error: type[Exception],
) -> None:
    theirs = foreign(address, 1, usage)
    private = None if number is None else key(number)
    with pytest.raises(error):
        database.write(
            lambda tx: certificates.adopt(tx, replace(doctor, smime=smime), theirs, private, ())
        )


def test_a_key_that_comes_with_a_client_s_certificate_is_not_kept(
    database: Database, doctor: Person, cabinet: Cabinet
) -> None:
    who = replace(doctor, smime="client")
    held = database.write(
        lambda tx: certificates.adopt(tx, who, foreign(doctor.address, 1), key(1), ())
    )
    assert not held.has_key
    with database.read() as view:
        assert cabinet.openers(view, doctor.account_id) == []


def test_a_server_s_certificate_is_for_no_mail(database: Database, doctor: Person) -> None:
    at = datetime.fromtimestamp(NOW, UTC)
    theirs = client_certificates.issue(other_authority(), key(1), [doctor.address], at)
    with pytest.raises(CertificateRefused, match="not for mail"):
        database.write(lambda tx: certificates.adopt(tx, doctor, theirs, key(1), ()))
    held = database.write(lambda tx: certificates.add(tx, doctor.account_id, theirs, None))
    assert held.usage == certificates.NO_USAGE
    with database.read() as view:
        assert certificates.for_recipient(view, doctor.account_id, NOW) is None


def test_two_issuers_may_give_the_same_serial_number(
    database: Database, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptography.x509.random_serial_number", lambda: 0xABC)
    own, theirs = issue(database, doctor, 0), foreign(doctor.address, 1)
    held = database.write(lambda tx: certificates.adopt(tx, doctor, theirs, key(1), ()))
    assert own.serial == held.serial == "abc"
    with database.read() as view:
        with pytest.raises(CertificateAmbiguous):
            certificates.find(view, "0ABC")
        digits = held.fingerprint.upper()
        colons = ":".join(digits[start : start + 2] for start in range(0, 64, 2))
        assert certificates.find(view, colons) == held
        assert certificates.find(view, own.fingerprint) == own
        with pytest.raises(CertificateUnknown):
            certificates.find(view, "0" * 64)
    database.write(lambda tx: certificates.revoke(tx, own.fingerprint))
    with database.read() as view:
        assert certificates.find(view, held.fingerprint).state == "active"


def test_the_authority_s_list_says_why_and_leaves_other_issuers_out(
    database: Database, doctor: Person
) -> None:
    own, theirs = issue(database, doctor, 0), foreign(doctor.address, 1)
    held = database.write(lambda tx: certificates.adopt(tx, doctor, theirs, key(1), ()))
    for name in (own.serial, held.serial):
        database.write(
            lambda tx, name=name: certificates.revoke(  # type: ignore[misc]
                tx, name, RevocationReason.KEY_COMPROMISE
            )
        )
    database.write(lambda tx: certificates.revoke(tx, own.serial, RevocationReason.SUPERSEDED))
    with database.read() as view:
        (line,) = certificates.revocations(view)
        assert certificates.find(view, held.serial).state == "revoked"
    assert line.serial == own.certificate.serial_number
    assert line.reason is RevocationReason.KEY_COMPROMISE


def test_a_key_in_two_mailboxes_is_an_alarm_and_two_certificates_of_one_are_none(
    database: Database, doctor: Person, patient: Person
) -> None:
    first, again = issue(database, doctor, 0), issue(database, doctor, 0)
    issue(database, patient, 1)
    with database.read() as view:
        assert certificates.duplicates(view) == []
    stolen = issue(database, patient, 0)
    with database.read() as view:
        (alarm,) = certificates.duplicates(view)
        assert alarm.held == (first, again, stolen)
        assert alarm.accounts == (doctor.account_id, patient.account_id)
        assert certificates.accounts_with_key(view, first.certificate) == list(alarm.accounts)


def test_what_ends_in_a_span_is_listed_in_order(
    database: Database, doctor: Person, patient: Person
) -> None:
    late, soon = issue(database, doctor, 0, days=20), issue(database, patient, 1, days=10)
    issue(database, doctor, 2, days=30)
    gone = issue(database, doctor, 3, days=5)
    database.write(lambda tx: certificates.revoke(tx, gone.serial))
    with database.read() as view:
        assert certificates.expiring(view, NOW + 30 * DAY) == [soon, late]
        assert certificates.expiring(view, NOW + 20 * DAY) == [soon]
        assert certificates.expiring(view, NOW + 30 * DAY, NOW + 10 * DAY + 1) == [late]


def test_what_an_earlier_release_kept_is_completed_once(
    database: Database, doctor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mss_gateway.directory.held._BATCH", 2)
    held = [issue(database, doctor, number) for number in range(5)]
    database.write(
        lambda tx: tx.sql(
            "UPDATE certificates SET fingerprint_index = NULL, key_index = NULL,"
            " sealed_chain = NULL"
        )
    )
    with database.read() as view:
        assert certificates.known(view, held[0].certificate) == held[0]
        assert certificates.chain_of(view, held[0], authority().chain) == list(authority().chain)
        with pytest.raises(CertificateUnknown):
            certificates.find(view, held[0].fingerprint)
    assert certificates.complete(database) == 5
    with database.read() as view:
        assert certificates.find(view, held[0].fingerprint) == held[0]
        assert certificates.accounts_with_key(view, held[1].certificate) == [doctor.account_id]
    assert certificates.complete(database) == 0


# what lies on the disk, with the real seals


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[tuple[Database, Callable[[], bytes]]]:
    root = RootKey.create(tmp_path / "root.key")
    database = Database.open(
        f"sqlite:///{tmp_path / 'sealed.db'}", Sealing(root), clock=lambda: float(NOW)
    )
    yield database, lambda: b"".join(one.read_bytes() for one in tmp_path.glob("sealed.db*"))
    database.close()


def test_no_key_and_no_name_lies_in_clear(sealed: tuple[Database, Callable[[], bytes]]) -> None:
    database, disk = sealed
    traits = Traits("Dr", "Claire", "Martin", "Cabinet des Tilleuls", "99000000003")
    new = NewPerson("claire.martin@mss.example", "PER", traits)
    doctor = database.write(lambda tx: people.add(tx, new, Mailboxes()))
    issue(database, doctor)
    spool = database.write(lambda tx: accounts.create(tx, "spool"))
    database.write(lambda tx: certificates.keep_authority(tx, spool, authority()))
    clear: list[bytes] = []
    key().sealed(lambda plain: clear.append(plain) or b"")  # type: ignore[func-returns-value]
    authority().sealed(lambda plain: clear.append(plain) or b"")  # type: ignore[func-returns-value]
    assert len(clear) == 3
    content = disk()
    for secret in (*clear, b"claire.martin", b"Martin", b"MARTIN", b"Tilleuls", b"99000000003"):
        assert secret not in content
    for pkcs8 in clear:
        # the private number itself: PKCS#8 of P-256 has a fixed beginning and ends publicly
        assert len(pkcs8) == 138
        assert pkcs8[36:68] not in content


def test_the_authority_is_kept_and_found_again(
    sealed: tuple[Database, Callable[[], bytes]],
) -> None:
    database, _ = sealed
    spool = database.write(lambda tx: accounts.create(tx, "spool"))
    with database.read() as view:
        assert certificates.load_authority(view, spool) is None
    database.write(lambda tx: certificates.keep_authority(tx, spool, authority()))
    with database.read() as view:
        loaded = certificates.load_authority(view, spool)
    assert loaded is not None
    assert (loaded.root, loaded.issuing) == (authority().root, authority().issuing)
    other = Authority.create("Autre", "p256", datetime.fromtimestamp(NOW, UTC), 1)
    database.write(lambda tx: certificates.keep_authority(tx, spool, other))
    with database.read() as view:
        newest = certificates.load_authority(view, spool)
    assert newest is not None
    assert newest.root == other.root
