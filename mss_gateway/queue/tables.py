"""The tables of the queue, on the store's own metadata: one transaction covers them all.

``due_at``, ``entered_at``, ``notice_at`` and ``closed_until`` are queue time (``queue.clock``);
``created_at`` is unix time, for people.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from mailbox_store.tables import metadata

queued_messages = Table(
    "queued_messages",
    metadata,
    Column("message_ref", Text, primary_key=True),
    Column("blob_id", ForeignKey("blobs.blob_id"), nullable=False),
    Column("object_key", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    Index(None, "blob_id"),  # as in mailbox_store.tables.messages
)

queue_items = Table(
    "queue_items",
    metadata,
    Column("item_id", Integer, primary_key=True),
    Column("message_ref", ForeignKey("queued_messages.message_ref"), nullable=False),
    Column("recipient_index", LargeBinary, nullable=False),
    Column("recipient", LargeBinary, nullable=False),
    # NULL for what is done here
    Column("destination_index", LargeBinary),
    Column("stage", Text, nullable=False),
    # due, leased or held
    Column("state", Text, nullable=False),
    Column("due_at", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", LargeBinary),
    Column("last_failure", Text),
    Column("created_at", Integer, nullable=False),
    Column("entered_at", Integer, nullable=False),
    # when the author is next told something: that it is late, then that it is given up
    Column("notice_at", Integer, nullable=False),
    # what the author asked for this recipient (RFC 3461), NULL for nothing
    Column("asked", LargeBinary),
    # what an attempt whose outcome nobody knows has sent, so that the next one sends the same
    Column("attempt", LargeBinary),
    # the last answer of another operator's server
    Column("reply", LargeBinary),
    UniqueConstraint("message_ref", "recipient_index"),
    Index(None, "destination_index", "state", "due_at"),
    Index(None, "state", "notice_at"),
    sqlite_autoincrement=True,
)

queue_clock = Table(
    "queue_clock",
    metadata,
    Column("clock_id", Integer, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    Column("wall", Integer, nullable=False),
)

queue_destinations = Table(
    "queue_destinations",
    metadata,
    Column("destination_index", LargeBinary, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("closed_until", Integer, nullable=False),
    Column("last_failure", Text),
    Column("changed_at", Integer, nullable=False),
)
