"""The store that each release left behind still opens: migrated, whole, and readable."""

import gzip
import shutil
import threading
from pathlib import Path

import pytest

from certs.book import Provenance
from certs.usage import Usage
from mailbox_store import changes, correspondences, mailboxes
from mss_gateway import compose
from mss_gateway.config import Certificates, Config, Identity, State
from mss_gateway.directory import certificates, people
from mss_gateway.dossier import catalogue, integrity
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.summary import Summary
from mss_gateway.observability import audit
from mss_gateway.queue import desk, items
from mss_gateway.queue.worker import Worker
from policies.people import Role
from tests.corpus.stores.make import SUBJECT, WAITING

STORES = Path(__file__).parents[2] / "corpus" / "stores"
SAVED = sorted(path.parent.name for path in STORES.glob("*/store.db.gz"))


def restored(name: str, folder: Path) -> Gateway:
    state = folder / "state"
    state.mkdir(mode=0o700)
    shutil.copy(STORES / name / "root.key", state / "root.key")
    (state / "root.key").chmod(0o600)
    (state / "store.db").write_bytes(gzip.decompress((STORES / name / "store.db.gz").read_bytes()))
    anchors = state / "pki" / "anchors.pem"
    anchors.parent.mkdir()
    anchors.write_bytes((STORES / name / "anchors.pem").read_bytes())
    return compose.build(
        Config(
            state=State(directory="state"),
            certificates=Certificates(key_kind="p256"),
            identity=Identity(accept_test_ins=True, password_memory_kib=8, password_rounds=1),
            base=folder,
        )
    )


def test_every_release_left_its_store() -> None:
    assert "first-release" in SAVED


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_store_is_migrated_and_read(name: str, tmp_path: Path) -> None:
    gateway = restored(name, tmp_path)
    try:
        with gateway.database.read() as view:
            patient = next(
                one
                for one in people.everyone(view)
                if one.role is Role.PATIENT and correspondences.of_patient(view, one.account_id)
            )
            inbox = mailboxes.find(view, patient.account_id, "INBOX")
            row = changes.find_row(view, patient.account_id, inbox.mailbox_id, 1)
            body = changes.read_body(view, patient.account_id, row.message_id)
            documents = catalogue.list_documents(view, patient.account_id)
            report = integrity.verify(view)
            count, broken = audit.verify(view)

        assert Summary(row.summary).subject == SUBJECT
        assert len(body) == row.size
        assert [one.title for one in documents] == ["Compte rendu d'analyses"]
        assert report.is_whole
        assert count > 0
        assert broken is None
    finally:
        compose.close(gateway)


@pytest.mark.parametrize("name", SAVED)
def test_the_certificates_of_a_saved_store_serve_as_before(name: str, tmp_path: Path) -> None:
    gateway = restored(name, tmp_path)
    try:
        certificates.complete(gateway.database)
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
            assert authority is not None
            kept = certificates.everything(view)
            assert len(kept) == len(people.everyone(view))
            for held in kept:
                known = certificates.find(view, held.fingerprint)
                assert known == certificates.find(view, held.serial) == held
                assert (held.usage, held.provenance) == (Usage.BOTH, Provenance.ISSUED_HERE)
                assert (held.state, held.use_from) == ("active", held.not_before)
                assert certificates.accounts_with_key(view, held.certificate) == [held.account_id]
                signer = gateway.cabinet.signer(view, held.account_id, held.not_before)
                assert (signer.certificate, signer.chain) == (held.certificate, authority.chain)
                opener = gateway.cabinet.openers(view, held.account_id)[0]
                assert opener[0] == held.certificate
                chosen = certificates.for_recipient(view, held.account_id, held.not_before)
                assert chosen == held.certificate
            assert certificates.duplicates(view) == []
        person = people_of(gateway)
        new = gateway.database.write(
            lambda tx: certificates.issue(tx, authority, person, certificates.new_key("p256"), 30)
        )
        assert new.certificate_id == max(held.certificate_id for held in kept) + 1
    finally:
        compose.close(gateway)


def test_what_waited_in_a_saved_queue_is_delivered_once(tmp_path: Path) -> None:
    gateway = restored("queued", tmp_path)
    try:
        worker = Worker(gateway, threading.Event())
        gateway.database.write(items.recover)
        while worker.run_batch():
            pass
        with gateway.database.read() as view:
            patient = next(one for one in people.everyone(view) if one.role is Role.PATIENT)
            inbox = mailboxes.find(view, patient.account_id, "INBOX")
            rows = changes.rows(view, patient.account_id, inbox.mailbox_id, 1, 10)
            waiting = desk.listing(view)
        assert [Summary(row.summary).subject for row in rows] == [SUBJECT, WAITING]
        assert waiting == []
    finally:
        compose.close(gateway)


def people_of(gateway: Gateway) -> people.Person:
    with gateway.database.read() as view:
        return people.everyone(view)[0]
