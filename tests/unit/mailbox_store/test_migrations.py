"""The schema: from nothing, again, interrupted, raced for, and equal to what the tables say."""

import importlib
import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from mailbox_store import engine
from mailbox_store.database import Database
from mailbox_store.errors import StoreFailed
from mailbox_store.migrations import migrate
from mailbox_store.tables import metadata
from tests.support.nulls import NullSealing

DECLARING = (
    "mailbox_store.acceptances",
    "mailbox_store.tables",
    "mss_gateway.directory.dkim_keys",
    "mss_gateway.directory.people",
    "mss_gateway.directory.passwords",
    "mss_gateway.directory.activation",
    "mss_gateway.directory.app_passwords",
    "mss_gateway.directory.contact",
    "mss_gateway.directory.notices",
    "mss_gateway.directory.authorities",
    "mss_gateway.directory.enrolment",
    "mss_gateway.directory.evidence",
    "mss_gateway.directory.held",
    "mss_gateway.directory.keybook",
    "mss_gateway.directory.passkeys",
    "mss_gateway.directory.revocation_answers",
    "mss_gateway.directory.security_events",
    "mss_gateway.directory.trust",
    "mss_gateway.directory.whitelist",
    "mss_gateway.queue.tables",
    "mss_gateway.dossier.exports",
    "mss_gateway.dossier.tables",
    "mss_gateway.dossier.record_segments",
    "mss_gateway.observability.audit",
    "mss_gateway.webmail.kept_forms",
    "mss_gateway.webmail.sessions",
)
"""Every module that puts a table on the one metadata."""

# runs in a process of its own, which the kill then ends for good
KILLED = """
import os, sys
from alembic import op
from mailbox_store import engine
from mailbox_store.migrations import migrate
made, real = [], op.create_table
def create_table(*args, **named):
    if len(made) == 7:
        os._exit(9)
    made.append(real(*args, **named))
op.create_table = create_table
migrate(engine.make(sys.argv[1], is_read_only=False))
"""

OPENED = """
import sys
from mailbox_store.database import Database
from tests.support.nulls import NullSealing
database = Database.open(sys.argv[1], NullSealing())
with database.read() as view:
    print(view.sql("SELECT count(*) FROM slot_keys").scalar_one())
database.close()
"""


def schema(url: str) -> dict[str, list[str]]:
    """Name → the parts of the statement that made it; constraints have no order of their own."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = {name: _parts(sql) for name, sql in rows}
    connection.close()
    return found


def _parts(sql: str) -> list[str]:
    return sorted(part.strip() for part in " ".join(sql.strip().rstrip(")").split()).split(", "))


def test_a_new_store_gets_every_table(url: str) -> None:
    assert migrate(engine.make(url, is_read_only=False)) == "0006"
    found = schema(url)
    assert {"accounts", "messages", "entries", "audit", "queue_items", "people"} <= found.keys()


def test_a_second_start_changes_nothing(url: str) -> None:
    migrate(engine.make(url, is_read_only=False))
    before = schema(url)
    assert migrate(engine.make(url, is_read_only=False)) == "0006"
    assert schema(url) == before


def test_every_module_that_declares_tables_is_known_here() -> None:
    root = Path(__file__).parents[3]
    names = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for package in ("mailbox_store", "mss_gateway")
        for path in (root / package).rglob("*.py")
        if "migrations" not in path.parts and " = Table(\n" in path.read_text("utf-8")
    }
    assert names == set(DECLARING)


def test_the_steps_make_what_the_tables_say(url: str, tmp_path: Path) -> None:
    for name in DECLARING:
        importlib.import_module(name)
    migrating = engine.make(url, is_read_only=False)
    migrate(migrating)
    with migrating.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    # alembic does not look at WITHOUT ROWID and AUTOINCREMENT: the statements themselves do
    told = f"sqlite:///{tmp_path / 'told.db'}"
    metadata.create_all(create_engine(told))
    made, expected = schema(url), schema(told)
    del made["alembic_version"]
    assert made == expected


def test_a_step_that_fails_leaves_the_schema_as_it_was(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    real = op.create_table

    def create_table(name: str, *columns: object, **options: object) -> None:
        if len(made) == 7:
            raise OSError("the disk went away")
        made.append(name)
        real(name, *columns, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_table", create_table)
        with pytest.raises(OSError, match="went away"):
            migrate(engine.make(url, is_read_only=False))
    assert len(made) == 7
    assert schema(url) == {}
    assert migrate(engine.make(url, is_read_only=False)) == "0006"


def test_a_start_that_is_killed_in_a_step_is_begun_again(url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, url], check=False)
    assert killed.returncode == 9
    assert schema(url) == {}
    Database.open(url, NullSealing()).close()


def test_two_first_starts_at_once_make_one_store(url: str) -> None:
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", OPENED, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0, 0], answers
    assert [answer[0].strip() for answer in answers] == [b"1024", b"1024"]


def test_a_store_of_a_newer_release_is_refused_and_left_alone(url: str) -> None:
    migrate(engine.make(url, is_read_only=False))
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    before = schema(url)
    with pytest.raises(StoreFailed, match="newer release"):
        Database.open(url, NullSealing())
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    connection.close()
    assert schema(url) == before
