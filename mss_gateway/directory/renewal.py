"""Renewal without a gap: the next certificate is there before the present one ends.

Of mailboxes whose keys the gateway holds, and of certificates that its own authority issued:
others are renewed by whoever issued them or holds their keys, and ``certificates.expiring`` warns.
A new certificate has a new key. It opens from its first second on, and new messages use it a little
later; the former one stays valid until its end, and its key opens for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from certs.book import Provenance
from certs.issuing.issue import Authority
from certs.issuing.profiles import PRIVATE, Publishing
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Database, Transaction, View
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, people
from mss_gateway.directory.held import Held
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit

DAY: Final = 86_400

SETTLE_SECONDS: Final = DAY
"""A new certificate waits so long before it is used: clocks differ, and directories are copied."""

AT_ONCE: Final = 50
"""Mailboxes renewed in one turn at most: each needs keys, and an RSA key takes up to a second."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the operator wants renewal: days before the end, validity, and kind of new keys."""

    lead_days: int
    days: int
    key_kind: str
    separate_keys: bool
    publishing: Publishing = PRIVATE


@dataclass(frozen=True, slots=True)
class Due:
    """A mailbox whose certificates end soon. ``replaces``: the ids of those, the newest first."""

    account_id: AccountId
    usage: Usage
    replaces: tuple[int, ...]
    use_from: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn of renewal came to. ``failed``: mailboxes that the authority cannot serve."""

    made: tuple[Held, ...]
    failed: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """The present moment and what could be issued now; ``issuer_end`` in unix seconds."""

    now: int
    rules: Rules
    issuer_end: int

    def due(self, view: View, account_id: AccountId) -> Due | None:
        """What of a mailbox is to be renewed: one that is open, and whose keys are here."""
        person = people.by_account(view, account_id)
        if person.smime == "client" or not person.standing.receives:
            return None
        until = min(self.now + self.rules.days * DAY, self.issuer_end)
        lead_days = min(self.rules.lead_days, self.rules.days // 2)
        found = plan(certificates.of_account(view, account_id), self.now, lead_days, until)
        return found[0] if found else None


def plan(held: Iterable[Held], now: int, lead_days: int, until: int) -> list[Due]:
    """What is to be renewed among certificates of any accounts, of which all are given.

    For each usage the certificate that lasts longest counts, if its key is here and the gateway's
    own authority issued it; an imported one is left alone. So is a usage whose newest certificate
    was revoked: people replace it, not the clock. ``until`` is when a new certificate would end:
    one that lasts a day longer at most is no gain, or an authority near its own end would renew
    every hour.
    """
    by_account: dict[AccountId, list[Held]] = {}
    for one in held:
        by_account.setdefault(one.account_id, []).append(one)
    horizon = min(now + lead_days * DAY, until - DAY)
    return [
        due
        for account_id, those in by_account.items()
        if (due := _due(account_id, those, now, horizon)) is not None
    ]


def _due(account_id: AccountId, held: Sequence[Held], now: int, horizon: int) -> Due | None:
    if horizon <= now:
        return None
    usage = Usage(0)
    ending: dict[int, Held] = {}
    for each in (Usage.SIGN, Usage.ENCRYPT):
        last = _lasting(held, each)
        if last is not None and last.not_after < horizon and _is_ours(last):
            usage |= each
            ending[last.certificate_id] = last
    if not usage:
        return None
    end = min(one.not_after for one in ending.values())
    use_from = max(now, min(now + SETTLE_SECONDS, end))
    return Due(account_id, usage, tuple(sorted(ending, reverse=True)), use_from)


def _lasting(held: Sequence[Held], usage: Usage) -> Held | None:
    """Of those for a usage the one that lasts longest; None when the newest is revoked."""
    fitting = [one for one in held if usage in one.usage]
    newest = max(fitting, key=lambda one: one.certificate_id, default=None)
    if newest is None or newest.state != "active":
        return None
    return max(
        (one for one in fitting if one.state == "active"),
        key=lambda one: (one.not_after, one.certificate_id),
    )


def _is_ours(held: Held) -> bool:
    return held.has_key and held.provenance is Provenance.ISSUED_HERE


def renew(
    tx: Transaction,
    authority: Authority,
    person: Person,
    due: Due,
    keys: Mapping[Usage, PrivateKey],
    rules: Rules,
) -> list[Held]:
    """Issue what follows, with ``keys`` as :func:`new_keys` drew them, and put it on record.

    The policy that says how the holder was identified is that of the former certificate. Raises as
    ``Authority.issue_mailbox``.
    """
    former = [one for one in certificates.of_account(tx, person.account_id) if one.usage]
    ending = [one for one in former if one.certificate_id in due.replaces]
    identified = rules.publishing.identified(ending[0].certificate) if ending else None
    made = certificates.issue_all(
        tx,
        authority.stating(rules.publishing, identified),
        person,
        keys,
        rules.days,
        use_from=due.use_from,
    )
    for one in made:
        followed = [old.certificate_id for old in ending if old.usage & one.usage]
        certificates.mark_replaced(tx, followed, one)
        audit.record(
            tx,
            actor="system",
            act="certificate",
            object=f"account:{person.account_id} certificate:{one.serial}",
            verdict="renewed",
        )
    return made


def new_keys(due: Due, rules: Rules) -> dict[Usage, PrivateKey]:
    """Draw the keys that ``due`` needs; outside of any transaction, as they may take a second.

    One key for both only where the rules say so, and both are due.
    """
    if due.usage == Usage.BOTH:
        separate = rules.separate_keys or len(due.replaces) > 1
        return certificates.new_keys(rules.key_kind, separate=separate)
    return {due.usage: certificates.new_key(rules.key_kind)}


def run(database: Database, site: AccountId, rules: Rules, now: int, limit: int = AT_ONCE) -> Turn:
    """Renew what is due, at most ``limit`` mailboxes; one that cannot be is passed over.

    For a background thread: at every start, then once an hour; costs one look when nothing is due.
    Each mailbox is a unit of work of its own, which looks again whether it is still due: the
    operator may have been faster. ``site`` is the gateway's own account, that keeps the authority.
    Raises what the store raises.
    """
    horizon = now + rules.lead_days * DAY
    with database.read() as view:
        candidates = _candidates(view, horizon)
        authority = certificates.load_authority(view, site) if candidates else None
    made: list[Held] = []
    failed: list[AccountId] = []
    if authority is None:
        return Turn((), ())
    ahead = Ahead(now, rules, int(authority.issuing.not_valid_after_utc.timestamp()))
    renewed = 0
    for account_id in candidates:
        if renewed == limit:
            break
        with database.read() as view:
            due = ahead.due(view, account_id)
        if due is None:
            continue
        try:
            keys = new_keys(due, rules)
            made += database.write(
                partial(_renew_if_due, authority=authority, ahead=ahead, due=due, keys=keys)
            )
            renewed += 1
        except ValueError:
            # a name outside the authority's realm, a kind of key that cannot do it
            failed.append(account_id)
    return Turn(tuple(made), tuple(failed))


def _renew_if_due(
    tx: Transaction,
    *,
    authority: Authority,
    ahead: Ahead,
    due: Due,
    keys: Mapping[Usage, PrivateKey],
) -> list[Held]:
    if ahead.due(tx, due.account_id) != due:
        return []
    person = people.by_account(tx, due.account_id)
    return renew(tx, authority, person, due, keys, ahead.rules)


def _candidates(view: View, horizon: int) -> list[AccountId]:
    """Accounts with something that ends soon and was not followed, the most urgent first."""
    rows = view.sql(
        "SELECT account_id FROM certificates WHERE state = 'active' AND not_after < ?"
        " AND replaced_by IS NULL AND provenance = ? AND sealed_key IS NOT NULL"
        " GROUP BY account_id ORDER BY min(not_after)",
        (horizon, Provenance.ISSUED_HERE.value),
    )
    return [AccountId(row[0]) for row in rows.fetchall()]
