"""Third step: separate and renewed certificates, the key book, trust anchors, kept evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add tables; a serial number is unique with its issuer only, so the certificates move."""
    _certificates()
    _correspondents()
    _trust_anchors()
    _revocation()
    _evidence()
    _requests()


def _certificates() -> None:
    """SQLite cannot drop a constraint: a table made anew takes the rows.

    Fingerprint and public key stay NULL: they are under seals, which no step can open.
    """
    op.drop_index(op.f("ix_certificates_account_id_state"), "certificates")
    op.rename_table("certificates", "certificates_0002")
    op.create_table(
        "certificates",
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("fingerprint_index", sa.LargeBinary(), nullable=True),
        sa.Column("key_index", sa.LargeBinary(), nullable=True),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("not_before", sa.Integer(), nullable=False),
        sa.Column("not_after", sa.Integer(), nullable=False),
        sa.Column("use_from", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.Integer(), nullable=True),
        sa.Column("revocation_reason", sa.Text(), nullable=True),
        sa.Column("replaced_by", sa.Integer(), nullable=True),
        sa.Column("sealed_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_chain", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_certificates_account_id")
        ),
        sa.PrimaryKeyConstraint("certificate_id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("fingerprint_index", name=op.f("uq_certificates_fingerprint_index")),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO certificates (certificate_id, account_id, serial, usage, state, provenance,"
        " not_before, not_after, use_from, revoked_at, revocation_reason, sealed_certificate,"
        " sealed_key) SELECT certificate_id, account_id, serial, usage, state, 'issued_here',"
        " not_before, not_after, not_before, revoked_at,"
        " CASE WHEN revoked_at IS NOT NULL THEN 'unspecified' END, sealed_certificate, sealed_key"
        " FROM certificates_0002 ORDER BY certificate_id"
    )
    op.drop_table("certificates_0002")
    for columns in (
        ["account_id", "state"],
        ["serial"],
        ["key_index", "account_id"],
        ["state", "not_after"],
    ):
        name = op.f(f"ix_certificates_{'_'.join(columns)}")
        op.create_index(name, "certificates", columns, unique=False)


def _correspondents() -> None:
    op.create_table(
        "correspondents",
        sa.Column("correspondent_id", sa.Integer(), nullable=False),
        sa.Column("address_index", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint_index", sa.LargeBinary(), nullable=False),
        sa.Column("key_index", sa.LargeBinary(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_before", sa.Integer(), nullable=False),
        sa.Column("not_after", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.Integer(), nullable=False),
        sa.Column("last_seen", sa.Integer(), nullable=False),
        sa.Column("capabilities_at", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("correspondent_id", name=op.f("pk_correspondents")),
        sa.UniqueConstraint(
            "address_index",
            "fingerprint_index",
            name=op.f("uq_correspondents_address_index_fingerprint_index"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_correspondents_key_index"), "correspondents", ["key_index"], unique=False
    )


def _trust_anchors() -> None:
    op.create_table(
        "trust_anchors",
        sa.Column("anchor_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.Integer(), nullable=True),
        sa.Column("activated_by", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.Integer(), nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("anchor_id", name=op.f("pk_trust_anchors")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_trust_anchors_state"), "trust_anchors", ["state"], unique=False)


def _revocation() -> None:
    op.create_table(
        "revocation_answers",
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_index", sa.LargeBinary(), nullable=False),
        sa.Column("about_index", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("octets", sa.Integer(), nullable=True),
        sa.Column("this_update", sa.Integer(), nullable=True),
        sa.Column("next_update", sa.Integer(), nullable=True),
        sa.Column("fetched_at", sa.Integer(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_revocation_answers")),
        sa.UniqueConstraint("source_index", name=op.f("uq_revocation_answers_source_index")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_revocation_answers_about_index"),
        "revocation_answers",
        ["about_index"],
        unique=False,
    )
    op.create_table(
        "revocation_pieces",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "number", name=op.f("pk_revocation_pieces")),
    )


def _evidence() -> None:
    op.create_table(
        "verdict_evidence",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_verdict_evidence_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "message_ref", name=op.f("pk_verdict_evidence")),
    )
    op.create_table(
        "evidence_exhibits",
        sa.Column("exhibit_id", sa.Integer(), nullable=False),
        sa.Column("digest_index", sa.LargeBinary(), nullable=False),
        sa.Column("unused_since", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("exhibit_id", name=op.f("pk_evidence_exhibits")),
        sa.UniqueConstraint("digest_index", name=op.f("uq_evidence_exhibits_digest_index")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "evidence_uses",
        sa.Column("exhibit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("message_ref", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exhibit_id"],
            ["evidence_exhibits.exhibit_id"],
            name=op.f("fk_evidence_uses_exhibit_id"),
        ),
        sa.PrimaryKeyConstraint(
            "exhibit_id", "account_id", "message_ref", name=op.f("pk_evidence_uses")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_evidence_uses_account_id_message_ref"),
        "evidence_uses",
        ["account_id", "message_ref"],
        unique=False,
    )


def _requests() -> None:
    op.create_table(
        "certificate_requests",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key_index", sa.LargeBinary(), nullable=False),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.account_id"],
            name=op.f("fk_certificate_requests_account_id"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_certificate_requests")),
        sa.UniqueConstraint("key_index", name=op.f("uq_certificate_requests_key_index")),
        sqlite_autoincrement=True,
    )
