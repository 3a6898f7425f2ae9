"""Second step: what the whole of IMAP asks for, the text index, shared boxes, imports."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and tables; a subscription is now a name of its own (RFC 9051 §6.3.7)."""
    op.add_column("accounts", sa.Column("quota_octets", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("saved_at", sa.Integer(), nullable=True))
    op.add_column(
        "mailboxes", sa.Column("deleted", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE mailboxes SET deleted = (SELECT count(*) FROM entries"
        " WHERE entries.mailbox_id = mailboxes.mailbox_id AND entries.flags & 8)"
    )
    op.create_index(
        "ix_entries_deleted",
        "entries",
        ["mailbox_id", "uid"],
        unique=False,
        sqlite_where=sa.text("flags & 8"),
    )
    for table in ("messages", "documents", "queued_messages"):
        op.create_index(op.f(f"ix_{table}_blob_id"), table, ["blob_id"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_subscriptions_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "name_index", name=op.f("pk_subscriptions")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO subscriptions (account_id, name_index, name_sealed)"
        " SELECT account_id, name_index, name_sealed FROM mailboxes WHERE subscribed"
    )
    op.drop_column("mailboxes", "subscribed")
    _search()
    _sharing()
    op.create_table(
        "imported",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("source_index", sa.LargeBinary(), nullable=False),
        sa.Column("uidvalidity", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_imported_account_id")
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "source_index", "uidvalidity", "uid", name=op.f("pk_imported")
        ),
        sqlite_with_rowid=False,
    )


def _search() -> None:
    op.create_table(
        "search_segments",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("first_message", sa.Integer(), nullable=False),
        sa.Column("last_message", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_search_segments_account_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_search_segments")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_search_segments_account_id"), "search_segments", ["account_id"], unique=False
    )
    op.create_table(
        "search_progress",
        sa.Column("progress_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("progress_id", name=op.f("pk_search_progress")),
    )
    op.execute("INSERT INTO search_progress (progress_id, through) VALUES (1, 0)")


def _sharing() -> None:
    op.create_table(
        "memberships",
        sa.Column("box_account", sa.Integer(), nullable=False),
        sa.Column("person_account", sa.Integer(), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_account"], ["accounts.account_id"], name=op.f("fk_memberships_box_account")
        ),
        sa.ForeignKeyConstraint(
            ["person_account"], ["accounts.account_id"], name=op.f("fk_memberships_person_account")
        ),
        sa.PrimaryKeyConstraint("box_account", "person_account", name=op.f("pk_memberships")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_memberships_person_account"), "memberships", ["person_account"], unique=False
    )
    op.create_table(
        "mailbox_rights",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("person_account", sa.Integer(), nullable=False),
        sa.Column("rights", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "person_account", name=op.f("pk_mailbox_rights")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "personal_seen",
        sa.Column("person_account", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "person_account", "mailbox_id", "uid", name=op.f("pk_personal_seen")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_personal_seen_mailbox_id_uid"),
        "personal_seen",
        ["mailbox_id", "uid"],
        unique=False,
    )
