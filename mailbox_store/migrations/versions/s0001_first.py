"""First step: accounts, mailboxes, sealed bodies, queue, directory, dossier, audit, sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table of the first release."""
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("last_uidvalidity", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "blob_chunks",
        sa.Column("chunk_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chunk_id", name=op.f("pk_blob_chunks")),
    )
    op.create_table(
        "blobs",
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("object_id", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("chunks", sa.Integer(), nullable=False),
        sa.Column("holders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("blob_id", name=op.f("pk_blobs")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("recipient_index", sa.LargeBinary(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("message_ref", "recipient_index", name=op.f("pk_deliveries")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "expunged",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("modseq", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox_id", "modseq", "uid", name=op.f("pk_expunged")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "index_keys",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_index_keys")),
    )
    op.create_table(
        "slot_keys",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("slot", name=op.f("pk_slot_keys")),
    )
    op.create_table(
        "correspondences",
        sa.Column("patient_index", sa.LargeBinary(), nullable=False),
        sa.Column("professional_index", sa.LargeBinary(), nullable=False),
        sa.Column("patient_account", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_ref", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.Integer(), nullable=True),
        sa.Column("changed_ref", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_account"],
            ["accounts.account_id"],
            name=op.f("fk_correspondences_patient_account"),
        ),
        sa.PrimaryKeyConstraint(
            "patient_index", "professional_index", name=op.f("pk_correspondences")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_correspondences_patient_account"),
        "correspondences",
        ["patient_account"],
        unique=False,
    )
    op.create_table(
        "mailboxes",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("special_use", sa.Text(), nullable=True),
        sa.Column("uidvalidity", sa.Integer(), nullable=False),
        sa.Column("uidnext", sa.Integer(), nullable=False),
        sa.Column("highestmodseq", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("unseen", sa.Integer(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("subscribed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_mailboxes_account_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint(
            "account_id", "name_index", name=op.f("uq_mailboxes_account_id_name_index")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_messages_account_id")
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.blob_id"], name=op.f("fk_messages_blob_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_messages")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_messages_account_id_message_ref"),
        "messages",
        ["account_id", "message_ref"],
        unique=False,
    )
    op.create_table(
        "entries",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("modseq", sa.Integer(), nullable=False),
        sa.Column("internal_date", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.mailbox_id"], name=op.f("fk_entries_mailbox_id")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.message_id"], name=op.f("fk_entries_message_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "uid", name=op.f("pk_entries")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_entries_mailbox_id_modseq"), "entries", ["mailbox_id", "modseq"], unique=False
    )
    op.create_index(op.f("ix_entries_message_id"), "entries", ["message_id"], unique=False)
    op.create_table(
        "keywords",
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("bit", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.mailbox_id"], name=op.f("fk_keywords_mailbox_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "bit", name=op.f("pk_keywords")),
    )
