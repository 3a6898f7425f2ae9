"""What a patient wants filed into their record without a click of theirs; by default nothing.

Whose attachments stands in the table as keyed indexes, under which category sealed: the table says
neither who writes to whom nor about what.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mailbox_store.database import Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.dossier.documents import Category


class From(Enum):
    """Whose attachments are filed."""

    NOBODY = "nobody"
    ANYONE = "anyone"
    """Everyone who may write to the patient."""
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Rule:
    """One patient's rule. ``category`` None: the one that is proposed for each document."""

    of: From = From.NOBODY
    category: Category | None = None


NOTHING = Rule()


def read(view: View, account_id: int) -> Rule:
    """The rule of an account."""
    row = view.sql("SELECT sealed FROM filing_rules WHERE account_id = ?", (account_id,)).first()
    if row is None:
        return NOTHING
    said = json.loads(
        view.vault.account(view, AccountId(account_id)).open(bytes(row[0]), _context(account_id))
    )
    return Rule(From(said["of"]), Category(said["category"]) if said["category"] else None)


def is_chosen(view: View, account_id: int, correspondent: str) -> bool:
    """Whether the patient chose this correspondent, by their address in normal form."""
    row = view.sql(
        "SELECT 1 FROM filing_rule_correspondents WHERE account_id = ? AND correspondent_index = ?",
        (account_id, _index(view, account_id, correspondent)),
    ).first()
    return row is not None


def keep(tx: Transaction, account_id: int, rule: Rule, chosen: Iterable[str] = ()) -> None:
    """Put a rule in place of the one before; ``chosen`` are addresses in normal form."""
    tx.sql("DELETE FROM filing_rules WHERE account_id = ?", (account_id,))
    tx.sql("DELETE FROM filing_rule_correspondents WHERE account_id = ?", (account_id,))
    if rule.of is From.NOBODY:
        return
    said = {"of": rule.of.value, "category": rule.category.value if rule.category else ""}
    sealed = tx.vault.account(tx, AccountId(account_id)).seal(
        json.dumps(said).encode(), _context(account_id)
    )
    tx.sql(
        "INSERT INTO filing_rules (account_id, changed_at, sealed) VALUES (?, ?, ?)",
        (account_id, tx.now, sealed),
    )
    if rule.of is From.CHOSEN:
        tx.many(
            "INSERT INTO filing_rule_correspondents (account_id, correspondent_index)"
            " VALUES (?, ?)",
            [(account_id, _index(tx, account_id, one)) for one in dict.fromkeys(chosen)],
        )


def applies(view: View, account_id: int, author: str) -> Rule | None:
    """The rule, when attachments of this author are filed; else None."""
    rule = read(view, account_id)
    if rule.of is From.NOBODY:
        return None
    if rule.of is From.CHOSEN and not is_chosen(view, account_id, author):
        return None
    return rule


def _index(view: View, account_id: int, correspondent: str) -> bytes:
    return view.vault.index.of("filing-rule", f"{account_id}|{correspondent}")


def _context(account_id: int) -> bytes:
    return b"filing rule %d" % account_id
