"""Fourth step: a queue with a clock of its own, destinations, retries, white lists, DKIM keys."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add tables; what waits in the queue goes on waiting, its times read as queue time."""
    _queue()
    _clock()
    _destinations()
    _acceptances()
    _whitelists()
    _app_passwords()
    _dkim_keys()


def _queue() -> None:
    """Columns of the queue: queue time begins as unix time, so the times there are go on."""
    op.drop_index(op.f("ix_queue_items_state_due_at"), "queue_items")
    op.rename_table("queue_items", "queue_items_0003")
    op.create_table(
        "queue_items",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("recipient_index", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("destination_index", sa.LargeBinary(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.Integer(), nullable=False),
        sa.Column("notice_at", sa.Integer(), nullable=False),
        sa.Column("asked", sa.LargeBinary(), nullable=True),
        sa.Column("attempt", sa.LargeBinary(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_ref"],
            ["queued_messages.message_ref"],
            name=op.f("fk_queue_items_message_ref"),
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_queue_items")),
        sa.UniqueConstraint(
            "message_ref",
            "recipient_index",
            name=op.f("uq_queue_items_message_ref_recipient_index"),
        ),
        sqlite_autoincrement=True,
    )
    _move_items()


def _move_items() -> None:
    """What waits goes over, and keeps its numbers."""
    op.execute(
        "INSERT INTO queue_items (item_id, message_ref, recipient_index, recipient, stage, state,"
        " due_at, attempts, lease, last_failure, created_at, entered_at, notice_at)"
        " SELECT item_id, message_ref, recipient_index, recipient, stage, state, due_at, attempts,"
        " lease, last_failure, created_at, created_at, created_at + 14400"
        " FROM queue_items_0003 ORDER BY item_id"
    )
    # numbers are not given twice
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'queue_items'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'queue_items', seq FROM sqlite_sequence"
        " WHERE name = 'queue_items_0003'"
    )
    op.drop_table("queue_items_0003")
    op.create_index(
        op.f("ix_queue_items_destination_index_state_due_at"),
        "queue_items",
        ["destination_index", "state", "due_at"],
    )
    op.create_index(op.f("ix_queue_items_state_notice_at"), "queue_items", ["state", "notice_at"])


def _clock() -> None:
    op.create_table(
        "queue_clock",
        sa.Column("clock_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("wall", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_queue_clock")),
    )


def _destinations() -> None:
    op.create_table(
        "queue_destinations",
        sa.Column("destination_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("closed_until", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("destination_index", name=op.f("pk_queue_destinations")),
    )


def _acceptances() -> None:
    op.create_table(
        "acceptances",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_acceptances")),
    )
    op.create_index(op.f("ix_acceptances_accepted_at"), "acceptances", ["accepted_at"])


def _whitelists() -> None:
    op.create_table(
        "whitelists",
        sa.Column("whitelist_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.Integer(), nullable=True),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("whitelist_id", name=op.f("pk_whitelists")),
        sqlite_autoincrement=True,
    )


def _app_passwords() -> None:
    op.create_table(
        "app_passwords",
        sa.Column("app_password_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("secret_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_app_passwords_account_id")
        ),
        sa.PrimaryKeyConstraint("app_password_id", name=op.f("pk_app_passwords")),
        sa.UniqueConstraint("secret_index", name=op.f("uq_app_passwords_secret_index")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_app_passwords_account_id"), "app_passwords", ["account_id"])


def _dkim_keys() -> None:
    op.create_table(
        "dkim_keys",
        sa.Column("dkim_key_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("selector", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("dkim_key_id", name=op.f("pk_dkim_keys")),
        sa.UniqueConstraint("domain", "selector", name=op.f("uq_dkim_keys_domain_selector")),
        sqlite_autoincrement=True,
    )
