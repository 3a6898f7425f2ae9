"""What is known of a certificate, of three witnesses; nothing is asked of anybody."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from certs.certificate import Certificate, from_der, to_der
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.status.revocation import CLOCK_SKEW, Good, RevocationReason, Revoked, Status, Unknown
from certs.usage import Usage
from mailbox_store.database import Database
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, revocation_answers
from mss_gateway.directory.people import Person
from mss_gateway.directory.revocation import Kept, Revocations, gravest
from mss_gateway.directory.revocation_answers import Received
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.revocation_sources import answer_for, lists_of
from mss_gateway.queue import spooled
from tests.support.status_site import DAY, Issuer, key, moment
from tests.unit.mss_gateway.directory.conftest import NOW

AT = moment(NOW)
ROOT = Issuer.root(AT)
LEAF = from_der(to_der(ROOT.leaf(AT)))
TAKEN_BACK = Revoked(AT - DAY, RevocationReason.KEY_COMPROMISE)


@dataclass
class Witnesses:
    """The store, the folder, and what is kept."""

    database: Database
    site: AccountId
    folder: Path
    kept: Kept
    own: tuple[Certificate, ...] = ()

    def keep_list(self, der: bytes, name: str = "crl http://a/", days: float = 7) -> None:
        end = int(NOW + days * 86_400)
        received = Received("crl", name, lists_of(ROOT.certificate), der, NOW, end)
        revocation_answers.keep(self.database, self.site, received, NOW)

    def keep_answer(self, der: bytes, certificate: Certificate = LEAF) -> None:
        about = answer_for(certificate, ROOT.certificate)
        received = Received("ocsp", f"ocsp {about}", about, der, NOW, NOW + 86_400)
        revocation_answers.keep(self.database, self.site, received, NOW)

    def status(
        self,
        certificate: Certificate = LEAF,
        issuer: Certificate = ROOT.certificate,
        at: datetime = AT,
    ) -> Status:
        with self.database.read() as view:
            known = Revocations(view, self.own, Lists(self.folder), self.kept)
            return known.status(certificate, issuer, at)

    def find(self, digest: str) -> bytes | None:
        with self.database.read() as view:
            return Revocations(view, self.own, Lists(self.folder), self.kept).find(digest)


@pytest.fixture
def witnesses(database: Database, tmp_path: Path) -> Witnesses:
    folder = tmp_path / "lists"
    folder.mkdir()
    site = database.write(spooled.spool_account)
    return Witnesses(database, site, folder, Kept(site))


def test_nobody_knows_anything_at_first(witnesses: Witnesses) -> None:
    assert witnesses.status() == Unknown()


# what was kept


def test_a_kept_list_answers_for_everybody_of_its_issuer(witnesses: Witnesses) -> None:
    other = ROOT.leaf(AT)
    witnesses.keep_list(ROOT.crl(AT, [other]))
    assert witnesses.status() == Good()
    assert witnesses.status(other) == TAKEN_BACK
    stranger = Issuer.root(AT, signing=key(7))  # of the same name
    assert witnesses.status(stranger.leaf(AT), stranger.certificate) == Unknown()


def test_a_kept_answer_answers_for_one(witnesses: Witnesses) -> None:
    witnesses.keep_answer(ROOT.answer(LEAF, AT))
    assert witnesses.status() == Good()
    assert witnesses.status(ROOT.leaf(AT)) == Unknown()


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
@pytest.mark.parametrize(
    ("at", "status"),
    [
        (AT - CLOCK_SKEW - timedelta(seconds=1), Unknown()),
        (AT - CLOCK_SKEW, Good()),
        (AT + DAY, Good()),
        (AT + DAY + timedelta(seconds=1), Unknown()),
    ],
)
def test_an_answer_that_has_ended_is_none(
    witnesses: Witnesses, kind: str, at: datetime, status: Status
) -> None:
    if kind == "crl":
        witnesses.keep_list(ROOT.crl(AT, days=1), days=1)
    else:
        witnesses.keep_answer(ROOT.answer(LEAF, AT))
    assert witnesses.status(at=at) == status


def test_a_newer_list_counts_at_once(witnesses: Witnesses) -> None:
    witnesses.keep_list(ROOT.crl(AT))
    assert witnesses.status() == Good()
    witnesses.keep_list(ROOT.crl(AT, [LEAF]))
    assert witnesses.status() == TAKEN_BACK


def test_what_one_says_was_taken_back_is_taken_back(witnesses: Witnesses) -> None:
    witnesses.keep_list(ROOT.crl(AT))
    witnesses.keep_answer(ROOT.answer(LEAF, AT, revoked=True))
    assert witnesses.status() == TAKEN_BACK
    witnesses.keep_answer(ROOT.answer(LEAF, AT))
    assert witnesses.status() == Good()
    witnesses.keep_list(ROOT.crl(AT + timedelta(minutes=1), [LEAF]), "crl http://b/")
    assert isinstance(witnesses.status(), Revoked)


def test_a_kept_answer_of_who_does_not_count_is_none(witnesses: Witnesses) -> None:
    """As when an anchor was replaced since by another one of the same name."""
    stranger = Issuer.root(AT, signing=key(7))
    witnesses.keep_list(stranger.crl(AT))
    witnesses.keep_answer(stranger.answer(LEAF, AT))
    assert witnesses.status() == Unknown()


def test_a_responder_s_own_status_is_asked_of_the_kept_lists(witnesses: Witnesses) -> None:
    responder = ROOT.responder(AT, nocheck=False)
    witnesses.keep_answer(ROOT.answer(LEAF, AT, revoked=True, by=responder))
    assert witnesses.status() == Unknown()
    witnesses.keep_list(ROOT.crl(AT))
    assert witnesses.status() == TAKEN_BACK
    witnesses.keep_list(ROOT.crl(AT, [responder.certificate]), "crl http://b/")
    witnesses.keep_list(ROOT.crl(AT, [responder.certificate]))
    assert witnesses.status() == Good()  # the list says so, the responder counts no more


def test_a_list_is_read_once(witnesses: Witnesses, monkeypatch: pytest.MonkeyPatch) -> None:
    witnesses.keep_list(ROOT.crl(AT))
    loads: list[bytes] = []
    load = revocation_answers.load

    def counted(view: object, site: object, digest: bytes) -> bytes:
        loads.append(digest)
        return load(view, site, digest)  # type: ignore[arg-type]

    monkeypatch.setattr(revocation_answers, "load", counted)
    assert [witnesses.status(ROOT.leaf(AT)) for _ in range(3)] == [Good()] * 3
    assert len(loads) == 1


def test_lists_held_ready_have_a_greatest_size(witnesses: Witnesses) -> None:
    witnesses.kept = Kept(witnesses.site, octets=1_000)
    for number in range(5):
        name = f"{'Très longue ' * 3}{number}"
        issuer = Issuer.root(AT, name, signing=key(number))
        der = issuer.crl(AT)
        received = Received("crl", name, lists_of(issuer.certificate), der, NOW, NOW + 9)
        revocation_answers.keep(witnesses.database, witnesses.site, received, NOW)
        assert witnesses.status(issuer.leaf(AT), issuer.certificate) == Good()
        held = witnesses.kept._lists.values()
        assert sum(each.octets for each in held) <= 1_000
    assert 1 <= len(witnesses.kept._lists) < 5


def test_a_kept_answer_that_is_damaged_is_unknown_and_on_the_log(witnesses: Witnesses) -> None:
    witnesses.keep_list(ROOT.crl(AT))
    witnesses.database.write(lambda tx: tx.sql("DELETE FROM revocation_pieces") and None)
    with structlog.testing.capture_logs() as logged:
        assert witnesses.status() == Unknown()
    assert [line["event"] for line in logged] == ["kept answer not read"]


# what the operator says


def test_the_operator_s_folder_counts_beside_what_is_kept(witnesses: Witnesses) -> None:
    file = witnesses.folder / "1.crl"
    file.write_bytes(ROOT.crl(AT))
    assert witnesses.status() == Good()
    witnesses.keep_list(ROOT.crl(AT, [LEAF]))
    assert witnesses.status() == TAKEN_BACK
    other = ROOT.leaf(AT)
    file.write_bytes(ROOT.crl(AT, [other]))
    os.utime(file, ns=(1, 1))
    assert witnesses.status(other) == TAKEN_BACK


# what the directory says


def test_the_own_authority_s_certificates_are_known_by_the_directory(
    witnesses: Witnesses, doctor: Person
) -> None:
    own = Authority.create("La nôtre", "p256", AT - DAY, 1)
    witnesses.own = (own.root, own.issuing)
    made = PrivateKey.generate("p256")
    issued = own.issue_mailbox(doctor.address, "Dr", made.public_key, Usage.BOTH, AT, 30)
    assert witnesses.status(issued, own.issuing) == Good()
    assert witnesses.status(own.issuing, own.root) == Good()
    held = witnesses.database.write(
        lambda tx: certificates.add(tx, doctor.account_id, issued, made)
    )
    assert witnesses.status(issued, own.issuing) == Good()
    witnesses.database.write(
        lambda tx: certificates.revoke(tx, held.serial, RevocationReason.SUPERSEDED)
    )
    status = witnesses.status(issued, own.issuing)
    assert status == Revoked(AT, RevocationReason.SUPERSEDED)
    assert status.answer is not None and status.answer.kind == "directory"


# evidence


def test_what_was_relied_on_is_found_again_by_its_digest(witnesses: Witnesses) -> None:
    lying, kept, answer = ROOT.crl(AT), ROOT.crl(AT, days=6), ROOT.answer(LEAF, AT)
    (witnesses.folder / "1.crl").write_bytes(lying)
    said = witnesses.status()
    assert said.answer is not None and witnesses.find(said.answer.digest) == lying
    (witnesses.folder / "1.crl").unlink()
    assert witnesses.find(said.answer.digest) is None
    for keep, der in ((witnesses.keep_list, kept), (witnesses.keep_answer, answer)):
        witnesses.database.write(lambda tx: tx.sql("DELETE FROM revocation_answers") and None)
        keep(der)
        said = witnesses.status()
        assert said.answer is not None and witnesses.find(said.answer.digest) == der
    assert witnesses.find("") is None


def test_the_gravest_word_counts() -> None:
    assert gravest([]) == Unknown()
    assert gravest([Unknown(), Good()]) == Good()
    assert gravest([Good(), TAKEN_BACK, Unknown()]) == TAKEN_BACK
