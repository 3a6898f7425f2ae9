"""Numbered steps of the schema, forward only, run by alembic at every start.

A step is an explicit list of operations, never "create what the tables say now": a database saved
by an earlier release must find the same steps for ever.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def migrate(engine: Engine) -> str:
    """Bring the schema to the newest step, in one transaction per step; the step it stands at."""
    directory = ScriptDirectory(str(Path(__file__).parent))
    with engine.connect() as connection:
        # the operator's CLI and the server may start together: the write lock decides who migrates
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        current = context.get_current_revision()
        head = directory.get_current_head()
        if head is None:
            raise RuntimeError("no migration steps found")
        steps = list(directory.walk_revisions("base", head))
        done = {step.revision for step in directory.walk_revisions("base", current or "base")}
        if current is None:
            context._ensure_version_table()
            done = set()
        for step in reversed(steps):
            if step.revision in done:
                continue
            with Operations.context(context):
                step.module.upgrade()
            connection.exec_driver_sql("DELETE FROM alembic_version")
            connection.exec_driver_sql(
                "INSERT INTO alembic_version (version_num) VALUES (?)", (step.revision,)
            )
        connection.exec_driver_sql("COMMIT")
    return head
