"""Numbered steps of the schema, forward only, run with alembic's operations at every start.

A step is an explicit list of operations, never "create what the tables say now": a database saved
by an earlier release must find the same steps for ever. All steps that are missing run in one
transaction: a start that is killed leaves the schema as it was.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from mailbox_store.errors import StoreFailed


def migrate(engine: Engine) -> str:
    """Bring the schema to the newest step; the step it stands at.

    Raises StoreFailed when the schema stands at a step that this release does not know.
    """
    directory = ScriptDirectory(str(Path(__file__).parent))
    steps = {step.revision: step for step in reversed(list(directory.walk_revisions()))}
    oldest_first = list(steps)
    with engine.connect() as connection:
        # the operator's CLI and the server may start together: the write lock decides who migrates
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            current = _current(connection)
            if current is not None and current not in steps:
                raise StoreFailed(f"the store was written by a newer release (step {current})")
            done = 0 if current is None else oldest_first.index(current) + 1
            for revision in oldest_first[done:]:
                with Operations.context(MigrationContext.configure(connection)):
                    steps[revision].module.upgrade()
                connection.exec_driver_sql("DELETE FROM alembic_version")
                connection.exec_driver_sql(
                    "INSERT INTO alembic_version (version_num) VALUES (?)", (revision,)
                )
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
    return oldest_first[-1]


def _current(connection: Connection) -> str | None:
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"
    )
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
