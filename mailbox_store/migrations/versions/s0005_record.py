"""Fifth step: the record whole. Masks, the patient's own documents, who looked at what."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add columns and tables; what was filed before stays as it is."""
    _documents()
    _removed_documents()
    _record_facets()
    _record_journal()
    _record_imports()
    _document_segments()
    _notices()
    _sign_in()


def _documents() -> None:
    """Who may not be shown a document stands under its seal, which no step can open: NULL is not
    known yet. The start that migrates reads it from there (``dossier.settling``).
    """
    for column in (
        sa.Column("way", sa.Text(), nullable=False, server_default="message"),
        sa.Column("hidden_from", sa.Integer(), nullable=True),
        sa.Column("masked", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("edited", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("documents", column)
    for columns in (["account_id", "filed_at"], ["account_id", "author_index", "document_date"]):
        op.create_index(op.f(f"ix_documents_{'_'.join(columns)}"), "documents", columns)
    op.create_index(
        "ix_documents_unsettled",
        "documents",
        ["document_id"],
        sqlite_where=sa.text("hidden_from IS NULL"),
    )


def _removed_documents() -> None:
    op.create_table(
        "removed_documents",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("digest_index", sa.LargeBinary(), nullable=False),
        sa.Column("removed_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_removed_documents_account_id")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_removed_documents")),
    )


def _record_facets() -> None:
    op.create_table(
        "record_facets",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_record_facets_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "kind", "value_index", name=op.f("pk_record_facets")),
        sqlite_with_rowid=False,
    )


def _record_journal() -> None:
    op.create_table(
        "record_journal",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_record_journal_account_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_record_journal")),
        sqlite_autoincrement=True,
    )
    for columns in (["account_id", "side", "entry_id"], ["account_id", "document_id", "entry_id"]):
        op.create_index(op.f(f"ix_record_journal_{'_'.join(columns)}"), "record_journal", columns)


def _document_segments() -> None:
    """The index of what is in the records; what was filed before is the first to be indexed."""
    op.create_table(
        "document_numbers",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_document_numbers_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.document_id"], name=op.f("fk_document_numbers_document_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_document_numbers")),
        sa.UniqueConstraint("document_id", name=op.f("uq_document_numbers_document_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_document_numbers_account_id_number"), "document_numbers", ["account_id", "number"]
    )
    op.create_table(
        "document_segments",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("first_number", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("wants", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_document_segments_account_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_document_segments")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_document_segments_account_id_first_number"),
        "document_segments",
        ["account_id", "first_number"],
    )
    op.create_index(
        "ix_document_segments_wants",
        "document_segments",
        ["account_id"],
        sqlite_where=sa.text("wants"),
    )
    op.execute("INSERT INTO search_progress (progress_id, through) VALUES (2, 0)")
    op.execute(
        "INSERT INTO document_numbers (account_id, document_id)"
        " SELECT account_id, document_id FROM documents ORDER BY filed_at, document_id"
    )


def _notices() -> None:
    """Personal addresses, what waits to be told there, and what nobody wants to be told of."""
    op.create_table(
        "contacts",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_at", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("day_at", sa.Integer(), nullable=False),
        sa.Column("day_codes", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_contacts_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "notices",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind_index", sa.LargeBinary(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=True),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("entered_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("day_at", sa.Integer(), nullable=False),
        sa.Column("day_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_notices_account_id")
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "account_id", "kind_index", name=op.f("uq_notices_account_id_kind_index")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notices_due_at"), "notices", ["due_at"])
    op.create_table(
        "notice_choices",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind_index", sa.LargeBinary(), nullable=False),
        sa.Column("chosen_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_notice_choices_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "kind_index", name=op.f("pk_notice_choices")),
    )


def _sign_in() -> None:
    """Codes of operators, passkeys, what happened to means of access, forms kept for later."""
    op.add_column(
        "web_sessions",
        sa.Column("stepped_up_at", sa.Integer(), nullable=False, server_default="0"),
    )
    op.add_column("web_sessions", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.create_table(
        "access_codes",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_access_codes_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_access_codes")),
    )
    op.create_table(
        "kept_forms",
        sa.Column("session_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kept_at", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_kept_forms_account_id")
        ),
        sa.PrimaryKeyConstraint("session_index", name=op.f("pk_kept_forms")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_kept_forms_account_id"), "kept_forms", ["account_id"])
    _means_of_access()


def _means_of_access() -> None:
    """Passkeys, and what happened to what opens an account."""
    op.create_table(
        "passkeys",
        sa.Column("passkey_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("credential_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_passkeys_account_id")
        ),
        sa.PrimaryKeyConstraint("passkey_id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_index", name=op.f("uq_passkeys_credential_index")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_passkeys_account_id"), "passkeys", ["account_id"])
    op.create_table(
        "security_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_security_events_account_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_security_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_security_events_account_id_event_id"),
        "security_events",
        ["account_id", "event_id"],
    )


def _record_imports() -> None:
    op.create_table(
        "record_imports",
        sa.Column("file_index", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.Column("filed", sa.Integer(), nullable=False),
        sa.Column("there", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_record_imports_account_id")
        ),
        sa.PrimaryKeyConstraint("file_index", name=op.f("pk_record_imports")),
        sqlite_with_rowid=False,
    )
