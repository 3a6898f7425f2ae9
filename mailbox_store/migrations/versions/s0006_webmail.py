"""Sixth step: the webmail whole. Threads of messages, exports of a space, versions of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add columns and tables; what stands stays as it is."""
    _exports()
    _security_events()
    _versions()
    _filing_rules()
    _threads()


def _security_events() -> None:
    """Whether the holder of an account said of an event that it was them."""
    op.add_column(
        "security_events",
        sa.Column("dismissed", sa.Integer(), nullable=False, server_default="0"),
    )


def _versions() -> None:
    """Which documents replace which. Of those filed before it stands under their seals: the start
    that migrates reads it from there (``dossier.settling``).
    """
    op.add_column("documents", sa.Column("replaced_by", sa.Text(), nullable=True))
    op.add_column(
        "documents", sa.Column("linked", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_index(
        "ix_documents_unlinked",
        "documents",
        ["linked", "document_id"],
        sqlite_where=sa.text("linked < 2"),
    )
    op.create_index(
        op.f("ix_documents_account_id_way_document_date"),
        "documents",
        ["account_id", "way", "document_date"],
    )
    op.create_index(
        op.f("ix_documents_account_id_replaced_by"),
        "documents",
        ["account_id", "replaced_by"],
        sqlite_where=sa.text("replaced_by IS NOT NULL"),
    )
    op.create_table(
        "document_names",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_document_names_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_document_names_document_id")
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "name_index", "relation", "document_id", name=op.f("pk_document_names")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_document_names_document_id"), "document_names", ["document_id"])
    op.create_index(
        op.f("ix_removed_documents_account_id_digest_index"),
        "removed_documents",
        ["account_id", "digest_index"],
    )
    _companions()


def _companions() -> None:
    op.create_table(
        "document_companions",
        sa.Column("companion_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("digest_index", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_document_companions_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.document_id"],
            name=op.f("fk_document_companions_document_id"),
        ),
        sa.PrimaryKeyConstraint("companion_id", name=op.f("pk_document_companions")),
        sa.UniqueConstraint(
            "document_id",
            "digest_index",
            name=op.f("uq_document_companions_document_id_digest_index"),
        ),
        sqlite_autoincrement=True,
    )


def _filing_rules() -> None:
    """What a patient wants filed without a click of theirs."""
    op.create_table(
        "filing_rules",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_filing_rules_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_filing_rules")),
    )
    op.create_table(
        "filing_rule_correspondents",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("correspondent_index", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.account_id"],
            name=op.f("fk_filing_rule_correspondents_account_id"),
        ),
        sa.PrimaryKeyConstraint(
            "account_id",
            "correspondent_index",
            name=op.f("pk_filing_rule_correspondents"),
        ),
        sqlite_with_rowid=False,
    )


def _threads() -> None:
    """Everything exchanged with a correspondent. Who that is stands under the seals of messages:
    those of patients are marked here, and the start that migrates reads it (``life.threads``).
    """
    op.create_table(
        "threads",
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("correspondents_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("latest_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_threads_account_id")
        ),
        sa.PrimaryKeyConstraint("thread_id", name=op.f("pk_threads")),
        sa.UniqueConstraint(
            "account_id",
            "correspondents_index",
            name=op.f("uq_threads_account_id_correspondents_index"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_threads_account_id_latest_at"), "threads", ["account_id", "latest_at"])
    op.add_column("messages", sa.Column("thread_id", sa.Integer(), nullable=True))
    op.add_column("entries", sa.Column("thread_id", sa.Integer(), nullable=True))
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["message_id"],
        sqlite_where=sa.text("thread_id = 0"),
    )
    op.create_index(
        "ix_entries_thread",
        "entries",
        ["mailbox_id", "thread_id", "internal_date", "uid"],
        sqlite_where=sa.text("thread_id IS NOT NULL"),
    )
    op.create_index(
        "ix_entries_thread_unseen",
        "entries",
        ["mailbox_id", "thread_id", "uid"],
        sqlite_where=sa.text("thread_id IS NOT NULL AND NOT flags & 1"),
    )
    op.execute(
        "UPDATE messages SET thread_id = 0"
        " WHERE account_id IN (SELECT account_id FROM accounts WHERE kind = 'patient')"
    )


def _exports() -> None:
    """Copies of a whole space, one per account."""
    op.create_table(
        "exports",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("export_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("asked_at", "attempts", "done", "total", "octets", "ready_at")
        ),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_exports_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_state_asked_at"), "exports", ["state", "asked_at"])
