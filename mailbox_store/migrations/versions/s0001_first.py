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
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_message_ref"), "audit", ["message_ref"], unique=False)
    op.create_table(
        "authorities",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("authority_id", name=op.f("pk_authorities")),
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
        "certificates",
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", sa.Integer(), nullable=False),
        sa.Column("not_after", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.Integer(), nullable=True),
        sa.Column("sealed_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_certificates_account_id")
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificates_serial")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_certificates_account_id_state"),
        "certificates",
        ["account_id", "state"],
        unique=False,
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
        "credentials",
        sa.Column("credential_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_credentials_account_id")
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_credentials")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_credentials_account_id_kind"), "credentials", ["account_id", "kind"], unique=False
    )
    op.create_table(
        "documents",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("category_index", sa.LargeBinary(), nullable=False),
        sa.Column("author_index", sa.LargeBinary(), nullable=False),
        sa.Column("digest_index", sa.LargeBinary(), nullable=False),
        sa.Column("source_index", sa.LargeBinary(), nullable=True),
        sa.Column("lineage_index", sa.LargeBinary(), nullable=True),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("entry_index", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", sa.Integer(), nullable=False),
        sa.Column("document_date", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_documents_account_id")
        ),
        sa.ForeignKeyConstraint(["blob_id"], ["blobs.blob_id"], name=op.f("fk_documents_blob_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_documents")),
        sa.UniqueConstraint(
            "account_id", "digest_index", name=op.f("uq_documents_account_id_digest_index")
        ),
        sa.UniqueConstraint(
            "account_id",
            "message_ref",
            "part",
            "entry_index",
            name=op.f("uq_documents_account_id_message_ref_part_entry_index"),
        ),
    )
    op.create_index(
        op.f("ix_documents_account_id_category_index_document_date"),
        "documents",
        ["account_id", "category_index", "document_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix_documents_account_id_document_date"),
        "documents",
        ["account_id", "document_date"],
        unique=False,
    )
    op.create_index(
        op.f("ix_documents_account_id_lineage_index"),
        "documents",
        ["account_id", "lineage_index"],
        unique=False,
    )
    op.create_index(
        op.f("ix_documents_account_id_source_index"),
        "documents",
        ["account_id", "source_index"],
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
        "people",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("box_type", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("smime", sa.Text(), nullable=False),
        sa.Column("sent_copy", sa.Text(), nullable=False),
        sa.Column("accepts_patient_initiated", sa.Integer(), nullable=False),
        sa.Column("is_unlisted", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_people_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_people")),
        sa.UniqueConstraint("address_index", name=op.f("uq_people_address_index")),
    )
    op.create_table(
        "queued_messages",
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("blob_id", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_id"], ["blobs.blob_id"], name=op.f("fk_queued_messages_blob_id")
        ),
        sa.PrimaryKeyConstraint("message_ref", name=op.f("pk_queued_messages")),
    )
    op.create_table(
        "web_sessions",
        sa.Column("session_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_web_sessions_account_id")
        ),
        sa.PrimaryKeyConstraint("session_index", name=op.f("pk_web_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_web_sessions_account_id"), "web_sessions", ["account_id"], unique=False
    )
    op.create_table(
        "document_copies",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest_index", sa.LargeBinary(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_document_copies_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_document_copies_document_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "digest_index", name=op.f("pk_document_copies")),
        sqlite_with_rowid=False,
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
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailbox_id"], ["mailboxes.mailbox_id"], name=op.f("fk_keywords_mailbox_id")
        ),
        sa.PrimaryKeyConstraint("mailbox_id", "bit", name=op.f("pk_keywords")),
    )
    op.create_table(
        "queue_items",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("recipient_index", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
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
    op.create_index(
        op.f("ix_queue_items_state_due_at"), "queue_items", ["state", "due_at"], unique=False
    )
