"""The schema of mail, as SQLAlchemy Core tables on one ``metadata`` for the whole gateway.

The queue, the dossier catalogue, the audit and the directory put their tables on the same
``metadata``, because one transaction covers them all. In clear: ids, sizes, UID, MODSEQ, flags,
times (unix seconds), states. ``*_index`` columns are keyed HMACs; ``sealed``, ``summary`` and
``evidence`` are AEAD under the account's key; chunks under the body's own key.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

slot_keys = Table(
    "slot_keys",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)

index_keys = Table(
    "index_keys",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("slot", Integer, nullable=False),
    # NULL only between insert and update of one transaction, and after erasure
    Column("wrapped_key", LargeBinary),
    Column("last_uidvalidity", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    # NULL: what the configuration says
    Column("quota_octets", Integer),
    sqlite_autoincrement=True,
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("mailbox_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("name_index", LargeBinary, nullable=False),
    Column("special_use", Text),
    Column("uidvalidity", Integer, nullable=False),
    Column("uidnext", Integer, nullable=False),
    Column("highestmodseq", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("unseen", Integer, nullable=False),
    Column("octets", Integer, nullable=False),
    Column("deleted", Integer, nullable=False, server_default="0"),
    UniqueConstraint("account_id", "name_index"),
    sqlite_autoincrement=True,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("name_index", LargeBinary, nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "name_index"),
    sqlite_with_rowid=False,
)

keywords = Table(
    "keywords",
    metadata,
    Column("mailbox_id", ForeignKey("mailboxes.mailbox_id"), nullable=False),
    Column("bit", Integer, nullable=False),
    # clients make keywords of what people type as labels: sealed like the names of mailboxes
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("mailbox_id", "bit"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("blob_id", Integer, primary_key=True),
    Column("object_id", LargeBinary, nullable=False),
    Column("octets", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("holders", Integer, nullable=False),
    sqlite_autoincrement=True,
)

blob_chunks = Table(
    "blob_chunks",
    metadata,
    # blob_id * 65,536 + position: one B-tree, written at its end
    Column("chunk_id", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("message_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("message_ref", Text, nullable=False),
    Column("blob_id", ForeignKey("blobs.blob_id"), nullable=False),
    Column("object_key", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    # of a patient's; NULL: in none. 0: of an earlier release, not settled yet (life.threads)
    Column("thread_id", Integer),
    Index(None, "account_id", "message_ref"),
    # who deletes a body looks for rows that refer to it: SQLite itself does, for the foreign key
    Index(None, "blob_id"),
    Index("ix_messages_unsettled", "message_id", sqlite_where=text("thread_id = 0")),
    sqlite_autoincrement=True,
)

entries = Table(
    "entries",
    metadata,
    Column("mailbox_id", ForeignKey("mailboxes.mailbox_id"), nullable=False),
    Column("uid", Integer, nullable=False),
    Column("message_id", ForeignKey("messages.message_id"), nullable=False),
    Column("flags", Integer, nullable=False),
    Column("modseq", Integer, nullable=False),
    Column("internal_date", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    # when it came into this mailbox, RFC 8514 §3; NULL for what earlier releases placed
    Column("saved_at", Integer),
    # its message's own, here too so that a thread is a range of an index
    Column("thread_id", Integer),
    PrimaryKeyConstraint("mailbox_id", "uid"),
    Index(None, "mailbox_id", "modseq"),
    Index(None, "message_id"),
    # \Deleted: EXPUNGE looks at nothing else
    Index("ix_entries_deleted", "mailbox_id", "uid", sqlite_where=text("flags & 8")),
    # of patients alone: nobody else's entry is in them
    Index(
        "ix_entries_thread",
        "mailbox_id",
        "thread_id",
        "internal_date",
        "uid",
        sqlite_where=text("thread_id IS NOT NULL"),
    ),
    Index(
        "ix_entries_thread_unseen",
        "mailbox_id",
        "thread_id",
        "uid",
        sqlite_where=text("thread_id IS NOT NULL AND NOT flags & 1"),
    ),
    sqlite_with_rowid=False,
)

threads = Table(
    "threads",
    metadata,
    Column("thread_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("correspondents_index", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("latest_at", Integer, nullable=False),
    UniqueConstraint("account_id", "correspondents_index"),
    Index(None, "account_id", "latest_at"),
    sqlite_autoincrement=True,
)

expunged = Table(
    "expunged",
    metadata,
    Column("mailbox_id", Integer, nullable=False),
    Column("modseq", Integer, nullable=False),
    Column("uid", Integer, nullable=False),
    PrimaryKeyConstraint("mailbox_id", "modseq", "uid"),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_ref", Text, nullable=False),
    Column("recipient_index", LargeBinary, nullable=False),
    Column("mailbox_id", Integer, nullable=False),
    Column("uid", Integer, nullable=False),
    Column("delivered_at", Integer, nullable=False),
    PrimaryKeyConstraint("message_ref", "recipient_index"),
    sqlite_with_rowid=False,
)

correspondences = Table(
    "correspondences",
    metadata,
    Column("patient_index", LargeBinary, nullable=False),
    Column("professional_index", LargeBinary, nullable=False),
    Column("patient_account", ForeignKey("accounts.account_id")),
    Column("sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_ref", Text),
    Column("opened_at", Integer),
    Column("changed_ref", Text, nullable=False),
    Column("changed_at", Integer, nullable=False),
    PrimaryKeyConstraint("patient_index", "professional_index"),
    Index(None, "patient_account"),
    sqlite_with_rowid=False,
)

search_segments = Table(
    "search_segments",
    metadata,
    Column("segment_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("first_message", Integer, nullable=False),
    Column("last_message", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id"),
    sqlite_autoincrement=True,
)

search_progress = Table(
    "search_progress",
    metadata,
    Column("progress_id", Integer, primary_key=True, autoincrement=False),
    Column("through", Integer, nullable=False),
)

mailbox_rights = Table(
    "mailbox_rights",
    metadata,
    Column("mailbox_id", Integer, nullable=False),
    Column("person_account", Integer, nullable=False),
    Column("rights", Text, nullable=False),
    PrimaryKeyConstraint("mailbox_id", "person_account"),
    sqlite_with_rowid=False,
)

personal_seen = Table(
    "personal_seen",
    metadata,
    Column("person_account", Integer, nullable=False),
    Column("mailbox_id", Integer, nullable=False),
    Column("uid", Integer, nullable=False),
    PrimaryKeyConstraint("person_account", "mailbox_id", "uid"),
    Index(None, "mailbox_id", "uid"),
    sqlite_with_rowid=False,
)

memberships = Table(
    "memberships",
    metadata,
    Column("box_account", ForeignKey("accounts.account_id"), nullable=False),
    Column("person_account", ForeignKey("accounts.account_id"), nullable=False),
    Column("rights", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    PrimaryKeyConstraint("box_account", "person_account"),
    Index(None, "person_account"),
    sqlite_with_rowid=False,
)

imported = Table(
    "imported",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("source_index", LargeBinary, nullable=False),
    Column("uidvalidity", Integer, nullable=False),
    Column("uid", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "source_index", "uidvalidity", "uid"),
    sqlite_with_rowid=False,
)
