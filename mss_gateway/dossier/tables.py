"""The tables of the record, on the store's schema.

In clear: ids, sizes, times, states. Sealed under the patient's key: all that describes a document
or an act. Keyed HMAC, always together with the account so that nothing can be compared across
patients: category, author, digest, identifiers, place.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mailbox_store.tables import metadata

documents = Table(
    "documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("blob_id", ForeignKey("blobs.blob_id"), nullable=False),
    Column("object_key", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("category_index", LargeBinary, nullable=False),
    Column("author_index", LargeBinary, nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    # NULL for what is not a CDA: it has no identifier of its own
    Column("source_index", LargeBinary),
    Column("lineage_index", LargeBinary),
    Column("message_ref", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("entry_index", LargeBinary, nullable=False),
    Column("filed_at", Integer, nullable=False),
    # the document's own date, or when it was filed
    Column("document_date", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("way", Text, nullable=False, server_default="message"),
    # bits of documents.Hidden; NULL until it was read from the description (settling)
    Column("hidden_from", Integer),
    Column("masked", Integer, nullable=False, server_default="0"),
    # how often the patient has changed what stands in ``edited``
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("edited", LargeBinary),
    # the newer version that stands in its place, once it is superseded
    Column("replaced_by", Text),
    # how far its row knows other versions: 2 for whole, less for what settling has to do
    Column("linked", Integer, nullable=False, server_default="0"),
    UniqueConstraint("account_id", "message_ref", "part", "entry_index"),
    UniqueConstraint("account_id", "digest_index"),
    Index(None, "account_id", "document_date"),
    Index(None, "account_id", "filed_at"),
    Index(None, "account_id", "author_index", "document_date"),
    Index(None, "account_id", "category_index", "document_date"),
    Index(None, "account_id", "way", "document_date"),
    Index(None, "account_id", "source_index"),
    Index(None, "account_id", "lineage_index"),
    Index(None, "blob_id"),  # as in mailbox_store.tables.messages
    Index("ix_documents_unsettled", "document_id", sqlite_where=text("hidden_from IS NULL")),
    Index("ix_documents_unlinked", "linked", "document_id", sqlite_where=text("linked < 2")),
    Index(None, "account_id", "replaced_by", sqlite_where=text("replaced_by IS NOT NULL")),
)

# by which other documents know one: its entry UUIDs; and what each says that it replaces, so that
# it holds too when the replaced one arrives last
document_names = Table(
    "document_names",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("name_index", LargeBinary, nullable=False),
    # own or replaces
    Column("relation", Text, nullable=False),
    Column("document_id", ForeignKey("documents.document_id"), nullable=False),
    PrimaryKeyConstraint("account_id", "name_index", "relation", "document_id"),
    Index(None, "document_id"),
    sqlite_with_rowid=False,
)

# what came with documents and is none: their signatures, the sheet they are shown by, a PDF copy
document_companions = Table(
    "document_companions",
    metadata,
    Column("companion_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("document_id", ForeignKey("documents.document_id"), nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("document_id", "digest_index"),
    sqlite_autoincrement=True,
)

# the PDF that a CDA carries may also be attached beside it: the same document, listed once
document_copies = Table(
    "document_copies",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    Column("document_id", ForeignKey("documents.document_id"), nullable=False),
    PrimaryKeyConstraint("account_id", "digest_index"),
    sqlite_with_rowid=False,
)

# a document that its patient removed: its bytes, their key and its description are gone
removed_documents = Table(
    "removed_documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("digest_index", LargeBinary, nullable=False),
    Column("removed_at", Integer, nullable=False),
    Index(None, "account_id", "digest_index"),
)

# how many documents each category and each author has, so that no page counts them
record_facets = Table(
    "record_facets",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value_index", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "value_index"),
    sqlite_with_rowid=False,
)

record_journal = Table(
    "record_journal",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("at", Integer, nullable=False),
    Column("side", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("document_id", Text),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id", "side", "entry_id"),
    Index(None, "account_id", "document_id", "entry_id"),
    sqlite_autoincrement=True,
)

# files that an import has dealt with, so that another run goes on where the first was killed
record_imports = Table(
    "record_imports",
    metadata,
    Column("file_index", LargeBinary, primary_key=True),
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("at", Integer, nullable=False),
    Column("filed", Integer, nullable=False),
    Column("there", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# what a patient wants filed without a click of theirs; no row: nothing
filing_rules = Table(
    "filing_rules",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), primary_key=True, autoincrement=False),
    Column("changed_at", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

# the correspondents whose attachments are filed, where the patient chose some
filing_rule_correspondents = Table(
    "filing_rule_correspondents",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("correspondent_index", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "correspondent_index"),
    sqlite_with_rowid=False,
)
