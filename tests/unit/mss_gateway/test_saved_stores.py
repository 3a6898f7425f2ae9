"""The store that each release left behind still opens: migrated, whole, and readable."""

import gzip
import shutil
from pathlib import Path

import pytest

from mailbox_store import changes, correspondences, mailboxes
from mss_gateway import compose
from mss_gateway.config import Certificates, Config, Identity, State
from mss_gateway.directory import people
from mss_gateway.dossier import catalogue, integrity
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.summary import Summary
from mss_gateway.observability import audit
from policies.people import Role
from tests.corpus.stores.make import SUBJECT

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
