"""Certificates of TLS clients: which are believed today, and whose boxes they open."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import structlog
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.certificate import Certificate, to_pem
from certs.errors import ChainReason, ChainRejected, DerMalformed
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from mailbox_store.database import Database
from mss_gateway.directory import certificates, client_trust, people, revocation_answers
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_answers import Received
from mss_gateway.directory.revocation_folder import LIST_OCTETS, LISTS, Lists
from mss_gateway.directory.revocation_sources import lists_of
from mss_gateway.queue import spooled
from policies.people import Standing
from tests.support.client_certificates import issue, lists
from tests.unit.mss_gateway.directory.conftest import NOW, add

AT = datetime.fromtimestamp(NOW, UTC)
PROGRAM = "laboratoire@mss.example"


@cache
def authority(name: str) -> Authority:
    return Authority.create(name, "p256", AT - timedelta(days=100), 10)


@cache
def key() -> PrivateKey:
    return PrivateKey.generate("p256")


OUTSIDE, STRANGER, OWN = "Autorité nationale d'essai", "Une autre", "La nôtre"


@pytest.fixture
def program(database: Database) -> Person:
    return add(database, NewPerson(PROGRAM, "APP", Traits(entity="Laboratoire")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "lists"
    made.mkdir()
    write(made, lists(authority(OUTSIDE), [], AT))
    return made


def write(folder: Path, ders: Sequence[bytes]) -> None:
    for number, der in enumerate(ders):
        (folder / f"{number}.crl").write_bytes(der)


def trust(folder: Path | None, own: Authority | None = None) -> ClientTrust:
    outside = authority(OUTSIDE)
    return ClientTrust((outside.root, outside.issuing), own, Lists(folder))


def check(
    database: Database, believed: ClientTrust, certificate: Certificate, at: datetime = AT
) -> ChainReason | None:
    with database.read() as view:
        try:
            believed.check(view, certificate, at)
        except ChainRejected as rejected:
            return rejected.reason
    return None


def owners(database: Database, certificate: Certificate) -> list[str]:
    with database.read() as view:
        return [one.address for one in client_trust.owners(view, certificate)]


# whom we believe


def test_a_certificate_of_the_authority_is_believed(database: Database, folder: Path) -> None:
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    assert check(database, trust(folder), shown) is None


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (-1, ChainReason.NOT_YET_VALID),
        (29, ChainReason.REVOCATION_UNKNOWN),  # valid still, but its list is of last month
        (31, ChainReason.EXPIRED),
    ],
)
def test_time_counts_for_the_certificate_and_for_its_list(
    database: Database, folder: Path, days: int, why: ChainReason
) -> None:
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    assert check(database, trust(folder), shown, AT + timedelta(days=days)) is why


def test_a_certificate_of_another_authority_is_not_believed(
    database: Database, folder: Path
) -> None:
    shown = issue(authority(STRANGER), key(), [PROGRAM], AT)
    assert check(database, trust(folder), shown) is ChainReason.NO_PATH


@pytest.mark.parametrize(
    "usage", [ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.SERVER_AUTH]
)
def test_a_certificate_for_another_purpose_is_not_believed(
    database: Database, folder: Path, usage: ExtendedKeyUsageOID
) -> None:
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT, usage=usage)  # type: ignore[arg-type]
    assert check(database, trust(folder), shown) is ChainReason.WRONG_PURPOSE


def test_what_was_taken_back_is_refused_from_the_next_sign_in_on(
    database: Database, folder: Path
) -> None:
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    believed = trust(folder)
    assert check(database, believed, shown) is None
    write(folder, lists(authority(OUTSIDE), [shown], AT + timedelta(seconds=1)))
    assert check(database, believed, shown, AT + timedelta(seconds=2)) is ChainReason.REVOKED


def test_without_lists_nobody_of_another_authority_is_believed(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    for nowhere in (None, tmp_path / "absent"):
        assert check(database, trust(nowhere), shown) is ChainReason.REVOCATION_UNKNOWN
    (folder / "1.crl").unlink()  # that of the root: is the intermediate still good?
    assert check(database, trust(folder), shown) is ChainReason.REVOCATION_UNKNOWN


def test_lists_that_were_fetched_count_like_those_of_the_folder(database: Database) -> None:
    outside, site = authority(OUTSIDE), database.write(spooled.spool_account)
    believed = ClientTrust((outside.root, outside.issuing), None, Lists(None), Kept(site))
    shown = issue(outside, key(), [PROGRAM], AT)
    assert check(database, believed, shown) is ChainReason.REVOCATION_UNKNOWN
    for revoked, why in (([], None), ([shown], ChainReason.REVOKED)):
        for number, der in enumerate(lists(outside, revoked, AT)):
            about = lists_of((outside.issuing, outside.root)[number])
            got = Received("crl", f"crl {number}", about, der, NOW, NOW + 7 * 86_400)
            revocation_answers.keep(database, site, got, NOW)
        assert check(database, believed, shown) is why
    # held until it ends, whether or not anybody can be asked
    assert check(database, believed, shown, AT + timedelta(days=8)) is (
        ChainReason.REVOCATION_UNKNOWN
    )


def test_the_own_authority_needs_no_list_the_directory_knows(
    database: Database, program: Person
) -> None:
    own = authority(OWN)
    believed = ClientTrust((own.root,), own, Lists(None))
    shown = issue(own, key(), [PROGRAM], AT)
    assert check(database, believed, shown) is None
    held = database.write(lambda tx: certificates.add(tx, program.account_id, shown, None))
    assert check(database, believed, shown) is None
    database.write(lambda tx: certificates.revoke(tx, held.serial))
    assert check(database, believed, shown) is ChainReason.REVOKED


def test_the_own_authority_is_believed_only_when_it_is_named(
    database: Database, folder: Path
) -> None:
    shown = issue(authority(OWN), key(), [PROGRAM], AT)
    assert check(database, trust(folder, authority(OWN)), shown) is ChainReason.NO_PATH


def test_authorities_are_read_from_a_file(database: Database, folder: Path) -> None:
    outside, file = authority(OUTSIDE), folder.parent / "anchors.pem"
    file.write_bytes(to_pem(outside.issuing, outside.root))
    believed = ClientTrust.load(file, authority(OWN), folder)
    assert check(database, believed, issue(outside, key(), [PROGRAM], AT)) is None
    assert believed.authorities == (outside.issuing, outside.root, authority(OWN).issuing)


def test_a_file_of_authorities_that_cannot_work_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    with pytest.raises(OSError, match=r"anchors\.pem"):
        ClientTrust.load(file, None, None)
    file.write_bytes(b"no certificate")
    with pytest.raises(DerMalformed):
        ClientTrust.load(file, None, None)
    file.write_bytes(to_pem(authority(OUTSIDE).issuing))
    with pytest.raises(ValueError, match="self-signed"):
        ClientTrust.load(file, None, None)


# lists


def test_lists_are_read_again_when_a_file_changes_and_only_then(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    kept = Lists(folder)
    first = kept.source()
    assert kept.source() is first
    assert reads == ["0.crl", "1.crl"]
    os.utime(folder / "0.crl", ns=(1, 1))
    assert kept.source() is not first
    assert len(reads) == 4


def test_a_file_that_is_no_list_harms_no_other(database: Database, folder: Path) -> None:
    (folder / "readme.txt").write_text("nothing")
    (folder / "empty.crl").touch()
    (folder / "below").mkdir()
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    with structlog.testing.capture_logs() as logged:
        believed = trust(folder)
        assert [check(database, believed, shown) for _ in range(3)] == [None] * 3
    assert [line["event"] for line in logged] == ["revocation list not read"] * 2


def test_a_list_has_a_greatest_size_and_number(folder: Path) -> None:
    big = folder / "z.crl"
    big.touch()
    os.truncate(big, LIST_OCTETS + 1)
    assert [path.name for path, _ in Lists(folder)._files(folder)] == ["0.crl", "1.crl"]
    os.truncate(big, LIST_OCTETS)
    assert len(Lists(folder)._files(folder)) == 3
    for number in range(LISTS):
        (folder / f"{number}.more").touch()
    assert len(Lists(folder)._files(folder)) == LISTS


# whose it is


def test_a_program_s_address_in_the_certificate_opens_its_box(
    database: Database, program: Person
) -> None:
    outside = authority(OUTSIDE)
    assert owners(database, issue(outside, key(), [PROGRAM.upper()], AT)) == [PROGRAM]
    assert owners(database, issue(outside, key(), [PROGRAM, PROGRAM], AT)) == [PROGRAM]
    assert owners(database, issue(outside, key(), [], AT)) == []
    assert owners(database, issue(outside, key(), ["inconnu@mss.example", "x"], AT)) == []


def test_a_certificate_may_speak_for_several_boxes(database: Database, program: Person) -> None:
    box = add(database, NewPerson("pharmacie@mss.example", "ORG", Traits(entity="Pharmacie")))
    shown = issue(authority(OUTSIDE), key(), [PROGRAM, box.address], AT)
    assert owners(database, shown) == [PROGRAM, box.address]


def test_no_person_s_box_is_opened(database: Database, doctor: Person, patient: Person) -> None:
    shown = issue(authority(OUTSIDE), key(), [doctor.address, patient.address], AT)
    assert owners(database, shown) == []
    database.write(lambda tx: certificates.add(tx, doctor.account_id, shown, None))
    assert owners(database, shown) == []


def test_what_the_directory_knows_decides_over_what_is_written(
    database: Database, program: Person
) -> None:
    other = add(database, NewPerson("automate@mss.example", "APP", Traits(entity="Automate")))
    shown = issue(authority(OUTSIDE), key(), [PROGRAM], AT)
    held = database.write(lambda tx: certificates.add(tx, other.account_id, shown, None))
    assert owners(database, shown) == [other.address]
    database.write(lambda tx: certificates.revoke(tx, held.serial))
    assert owners(database, shown) == []


def test_another_certificate_of_the_same_number_is_another(
    database: Database, program: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certs.issuing.issue.x509.random_serial_number", lambda: 4711)
    other = add(database, NewPerson("automate@mss.example", "APP", Traits(entity="Automate")))
    held = issue(authority(OWN), key(), [other.address], AT)
    database.write(lambda tx: certificates.add(tx, other.account_id, held, None))
    assert owners(database, issue(authority(OUTSIDE), key(), [PROGRAM], AT)) == [PROGRAM]


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
def test_a_box_that_is_closed_is_not_opened(
    database: Database, program: Person, standing: Standing
) -> None:
    database.write(lambda tx: people.set_standing(tx, program.account_id, standing))
    assert owners(database, issue(authority(OUTSIDE), key(), [PROGRAM], AT)) == []
