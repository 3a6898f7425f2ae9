"""What a verdict on a message rests on, kept so that it can be reached again years later.

For each message of an account: the verdict, its moment, the signer's certificate with its issuers
up to the anchor, and for each of them the answer about revocation that was used. The bytes of
issuers and answers are exhibits: many messages rest on the same list, which is kept once. All of
it is sealed, what names the signer under the account's own key, exhibits under the gateway's.
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

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
)

from certs.status.revocation import Answer
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mailbox_store.vault import AccountId

verdict_evidence = Table(
    "verdict_evidence",
    metadata,
    Column("account_id", ForeignKey("accounts.account_id"), nullable=False),
    Column("message_ref", Text, nullable=False),
    Column("kept_at", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "message_ref"),
)

evidence_exhibits = Table(
    "evidence_exhibits",
    metadata,
    Column("exhibit_id", Integer, primary_key=True),
    Column("digest_index", LargeBinary, nullable=False),
    # seen without a message that rests on it: to be deleted, and counted as not kept
    Column("unused_since", Integer),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("digest_index"),
    sqlite_autoincrement=True,
)

evidence_uses = Table(
    "evidence_uses",
    metadata,
    Column("exhibit_id", ForeignKey("evidence_exhibits.exhibit_id"), nullable=False),
    Column("account_id", Integer, nullable=False),
    Column("message_ref", Text, nullable=False),
    PrimaryKeyConstraint("exhibit_id", "account_id", "message_ref"),
    Index(None, "account_id", "message_ref"),
    sqlite_with_rowid=False,
)

EXHIBIT_OCTETS: Final = 64 * 1024 * 1024
"""A longer answer is known by its digest only."""

UNUSED_SECONDS: Final = 3_600
"""So long an exhibit must have been seen unused before it goes: longer than a message takes from
:func:`prepare` to :func:`store`."""

_FORM: Final = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verdict and what it rests on.

    ``verdict`` is a word of the closed list that the reader sees too; ``at`` the moment that was
    judged, in unix seconds. ``signer`` is a certificate in DER, empty when there is none; ``chain``
    its issuers in DER, the anchor last. ``answers`` has one for each certificate below the anchor,
    the signer's first, or None where nobody answered. ``facts`` are short texts, such as the
    digest of what was signed.
    """

    verdict: str
    at: int
    signer: bytes = b""
    chain: tuple[bytes, ...] = ()
    answers: tuple[Answer | None, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def digests(self) -> tuple[str, ...]:
        """The answers that it rests on, by their SHA-256 in hexadecimal, each once."""
        found: dict[str, None] = {}
        for answer in self.answers:
            if answer is not None and answer.digest:
                found |= dict.fromkeys((answer.digest, *answer.others))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Evidence sealed for one message: ``marks`` of its exhibits, and those not yet kept."""

    account_id: AccountId
    message_ref: str
    sealed: bytes
    marks: tuple[bytes, ...]
    new: tuple[tuple[bytes, bytes], ...]


def missing(view: View, digests: Iterable[str]) -> set[str]:
    """Those of these answers whose bytes are not kept yet: to be given to :func:`keep`."""
    marks = {_mark(view, digest): digest for digest in digests}
    if not marks:
        return set()
    rows = view.sql(
        "SELECT digest_index FROM evidence_exhibits WHERE unused_since IS NULL"
        f" AND digest_index IN ({_places(marks)})",
        tuple(marks),
    )
    return set(marks.values()) - {marks[bytes(row[0])] for row in rows.fetchall()}


def prepare(
    view: View,
    site: AccountId,
    account_id: AccountId,
    message_ref: str,
    evidence: Evidence,
    exhibits: Mapping[str, bytes],
) -> Prepared:
    """Seal the evidence for a message of an account: what costs time, before the transaction.

    ``site`` is the gateway's own account. ``exhibits`` are answers in DER by their SHA-256 in
    hexadecimal; those that :func:`missing` did not name may be left out, and one that is not its
    digest's, or longer than :data:`EXHIBIT_OCTETS`, is not kept.
    """
    issuers = {hashlib.sha256(der).hexdigest(): der for der in evidence.chain}
    given = dict(exhibits) | issuers
    wanted = {*evidence.digests(), *issuers}
    sealed = view.vault.account(view, account_id).seal(
        json.dumps(_packed(evidence, list(issuers))).encode(), _context(message_ref)
    )
    new = [
        (_mark(view, digest), _sealed(view, site, digest, given[digest]))
        for digest in missing(view, wanted)
        if digest in given and _is_keepable(digest, given[digest])
    ]
    marks = tuple(_mark(view, digest) for digest in wanted)
    return Prepared(account_id, message_ref, sealed, marks, tuple(new))


def store(tx: Transaction, prepared: Prepared) -> None:
    """Keep what was prepared; what was kept for the message before is replaced.

    What an earlier verdict rested on stays, until the message goes.
    """
    name = (prepared.account_id, prepared.message_ref)
    tx.sql(
        "INSERT OR REPLACE INTO verdict_evidence (account_id, message_ref, kept_at, sealed)"
        " VALUES (?, ?, ?, ?)",
        (*name, tx.now, prepared.sealed),
    )
    if prepared.new:
        tx.many(
            "INSERT OR IGNORE INTO evidence_exhibits (digest_index, sealed) VALUES (?, ?)",
            prepared.new,
        )
    if prepared.marks:
        tx.sql(
            "INSERT OR IGNORE INTO evidence_uses (account_id, message_ref, exhibit_id)"
            " SELECT ?, ?, exhibit_id FROM evidence_exhibits"
            f" WHERE digest_index IN ({_places(prepared.marks)})",
            (*name, *prepared.marks),
        )


def keep(
    tx: Transaction,
    site: AccountId,
    account_id: AccountId,
    message_ref: str,
    evidence: Evidence,
    exhibits: Mapping[str, bytes],
) -> None:
    """:func:`prepare` and :func:`store` in one."""
    store(tx, prepare(tx, site, account_id, message_ref, evidence, exhibits))


def read(view: View, site: AccountId, account_id: AccountId, message_ref: str) -> Evidence | None:
    """The evidence for a message of an account, or None; raises ``CannotOpen``."""
    row = view.sql(
        "SELECT sealed FROM verdict_evidence WHERE account_id = ? AND message_ref = ?",
        (account_id, message_ref),
    ).first()
    if row is None:
        return None
    opened = view.vault.account(view, account_id).open(bytes(row[0]), _context(message_ref))
    return _unpacked(view, site, json.loads(opened))


def exhibit(view: View, site: AccountId, digest: str) -> bytes | None:
    """The bytes of an answer, or of an issuer, by their SHA-256 in hexadecimal; None if not kept.

    Raises ``CannotOpen``.
    """
    row = view.sql(
        "SELECT sealed FROM evidence_exhibits WHERE digest_index = ?", (_mark(view, digest),)
    ).first()
    if row is None:
        return None
    return view.vault.account(view, site).open(bytes(row[0]), _exhibit_context(digest))


def forget(tx: Transaction, account_id: AccountId, message_ref: str) -> None:
    """Let go of what was kept for a message; :func:`drop_unused` then finds the exhibits."""
    for table in ("evidence_uses", "verdict_evidence"):
        tx.sql(
            f"DELETE FROM {table} WHERE account_id = ? AND message_ref = ?",
            (account_id, message_ref),
        )


def sweep(tx: Transaction, account_id: AccountId, before: int) -> int:
    """Let go of evidence kept before ``before`` for messages that the account has no more.

    A document that was filed from a message keeps its evidence. How many there were.
    """
    gone = tx.sql(
        "SELECT message_ref FROM verdict_evidence AS kept WHERE account_id = ? AND kept_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM messages WHERE account_id = kept.account_id"
        " AND message_ref = kept.message_ref)"
        " AND NOT EXISTS (SELECT 1 FROM documents WHERE account_id = kept.account_id"
        " AND message_ref = kept.message_ref)",
        (account_id, before),
    ).fetchall()
    for row in gone:
        forget(tx, account_id, row[0])
    return len(gone)


def drop_unused(tx: Transaction) -> int:
    """Delete exhibits that no message rests on any more; how many there were.

    They must have been seen so :data:`UNUSED_SECONDS` ago. Until then :func:`missing` names them,
    so that a message that is being prepared brings its own. For the background, once a day.
    """
    is_used = (
        "EXISTS (SELECT 1 FROM evidence_uses"
        " WHERE evidence_uses.exhibit_id = evidence_exhibits.exhibit_id)"
    )
    gone = tx.sql(
        f"DELETE FROM evidence_exhibits WHERE unused_since <= ? AND NOT {is_used}"
        " RETURNING exhibit_id",
        (tx.now - UNUSED_SECONDS,),
    ).fetchall()
    tx.sql(
        "UPDATE evidence_exhibits SET unused_since = NULL"
        f" WHERE unused_since IS NOT NULL AND {is_used}"
    )
    tx.sql(
        "UPDATE evidence_exhibits SET unused_since = ?"
        f" WHERE unused_since IS NULL AND NOT {is_used}",
        (tx.now,),
    )
    return len(gone)


def _is_keepable(digest: str, der: bytes) -> bool:
    return len(der) <= EXHIBIT_OCTETS and hashlib.sha256(der).hexdigest() == digest


def _sealed(view: View, site: AccountId, digest: str, der: bytes) -> bytes:
    return view.vault.account(view, site).seal(der, _exhibit_context(digest))


def _places(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _mark(view: View, digest: str) -> bytes:
    return view.vault.index.of("exhibit", digest)


def _context(message_ref: str) -> bytes:
    return f"verdict evidence {message_ref}".encode()


def _exhibit_context(digest: str) -> bytes:
    return f"exhibit {digest}".encode()


def _packed(evidence: Evidence, issuers: list[str]) -> dict[str, Any]:
    return {
        "form": _FORM,
        "verdict": evidence.verdict,
        "at": evidence.at,
        "signer": base64.b64encode(evidence.signer).decode(),
        "chain": issuers,
        "answers": [None if each is None else _packed_answer(each) for each in evidence.answers],
        "facts": dict(evidence.facts),
    }


def _packed_answer(answer: Answer) -> dict[str, Any]:
    until = answer.next_update
    return {
        "kind": answer.kind,
        "digest": answer.digest,
        "this_update": answer.this_update.timestamp(),
        "next_update": None if until is None else until.timestamp(),
        "others": list(answer.others),
    }


def _unpacked(view: View, site: AccountId, packed: dict[str, Any]) -> Evidence:
    issuers = [exhibit(view, site, digest) for digest in packed["chain"]]
    return Evidence(
        packed["verdict"],
        packed["at"],
        base64.b64decode(packed["signer"]),
        tuple(der for der in issuers if der is not None),
        tuple(None if each is None else _unpacked_answer(each) for each in packed["answers"]),
        packed["facts"],
    )


def _unpacked_answer(packed: dict[str, Any]) -> Answer:
    until = packed["next_update"]
    return Answer(
        packed["kind"],
        packed["digest"],
        datetime.fromtimestamp(packed["this_update"], UTC),
        None if until is None else datetime.fromtimestamp(until, UTC),
        tuple(packed["others"]),
    )
