"""Copies of spaces are no part of a backup: they would be in each one, and nobody needs them."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from certs.issuing.issue import export_for_client
from certs.receiver import new_receiver
from mss_gateway.life import export
from tests.unit.mss_gateway.cli.desk_site import Mss


def test_a_backup_leaves_the_copies_of_spaces_out(mss: Mss, tmp_path: Path) -> None:
    key, certificate = new_receiver("sauvegarde", datetime(2026, 11, 22, tzinfo=UTC), 10)
    pem, private = tmp_path / "sauvegarde.pem", tmp_path / "sauvegarde.key"
    export_for_client(key, [certificate], private, pem)
    folder = mss.folder / "state" / export.FOLDER
    folder.mkdir()
    (folder / f"{'0' * 32}.sealed").write_bytes(secrets.token_bytes(1_000_000))
    to, into = tmp_path / "backup", tmp_path / "again"
    mss.told("backup", "create", "--to", str(to), "--recipient", str(pem))
    assert sum(path.stat().st_size for path in (to / "keys").rglob("*") if path.is_file()) < 500_000
    mss.told("backup", "restore", str(to), "--into", str(into), "--key", str(private))
    assert (into / "store.db").is_file()
    assert not (into / export.FOLDER).exists()
