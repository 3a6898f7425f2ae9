"""What lies on the disk says nothing: the raw files, searched for everything that was stored."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.sealing import RootKey, Sealing
from mailbox_store import accounts, correspondences, deliveries, flags, mailboxes, messages
from mailbox_store.database import Database

SECRETS = (
    "claire.martin@mss.example",
    "279035121518989@patient.mss.example",
    "279035121518989",
    "Dr Claire MARTIN",
    "Suivi de grossesse",
    "Oncologie",
    "Chimiotherapie-en-cours",
    "Resultats de la mammographie",
    "Madame, votre examen est normal",
    "compte-rendu.pdf",
    "signature valide du docteur",
)


def spellings(secret: str) -> Iterator[bytes]:
    """Plain, UTF-16, and base64 at each of the three places where it may begin."""
    plain = secret.encode()
    for raw in (plain, secret.encode("utf-16-le"), secret.encode("utf-16-be")):
        yield raw
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw)
            # what depends on the neighbours is cut off at both ends
            yield coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which every secret was kept, closed; its write-ahead log is left in place."""
    database = Database.open(
        f"sqlite:///{tmp_path / 'store.db'}", Sealing(RootKey.create(tmp_path / "root.key"))
    )
    patient = database.write(lambda tx: accounts.create(tx, "patient"))
    for name in ("INBOX", SECRETS[4], SECRETS[5]):
        database.write(lambda tx, name=name: mailboxes.create(tx, patient, name))  # type: ignore[misc]
    raw = "\r\n".join(SECRETS).encode() * 2000  # several chunks
    with database.read() as view:
        seal = view.vault.account(view, patient)
        inbox = mailboxes.find(view, patient, "INBOX")
    arrival = messages.seal_arrival(
        seal, patient, "ref1", raw, SECRETS[7].encode(), SECRETS[10].encode()
    )
    database.write(lambda tx: deliveries.deliver(tx, SECRETS[1], inbox.mailbox_id, arrival))
    database.write(
        lambda tx: messages.set_flags(
            tx, inbox.mailbox_id, [1], -1, flags.mask(tx, inbox.mailbox_id, [SECRETS[6]])
        )
    )
    database.write(
        lambda tx: correspondences.record(
            tx, SECRETS[1], patient, SECRETS[0], SECRETS[3], "OPEN", "ref1"
        )
    )
    # SQLite takes the log away when the last connection closes: what the disk saw is kept
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (tmp_path / f"{name}.seen").write_bytes((tmp_path / name).read_bytes())
    database.close()
    return tmp_path


def test_no_file_of_the_store_holds_a_secret_in_any_spelling(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.name != "root.key"]
    assert {"store.db", "store.db.seen", "store.db-wal.seen"} <= {path.name for path in files}
    content = b"\0".join(path.read_bytes() for path in files)
    assert len(content) > 500_000
    found = [
        (secret, spelling)
        for secret in SECRETS
        for spelling in spellings(secret)
        if spelling in content
    ]
    assert found == []


@pytest.mark.parametrize("secret", SECRETS)
def test_the_search_would_find_them(secret: str) -> None:
    for shift in range(3):
        around = b"\0" * shift + secret.encode() + b"\r\nmore"
        assert any(spelling in base64.b64encode(around) for spelling in spellings(secret))
    assert any(spelling in f"<{secret}>".encode("utf-16-le") for spelling in spellings(secret))
