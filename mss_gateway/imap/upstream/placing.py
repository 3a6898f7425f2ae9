"""Messages of a remote folder into a mailbox of ours, each with the row that says it is here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mailbox_store import accounts, flags, imports, mailboxes, messages, subscriptions
from mailbox_store.database import MailboxId, Transaction
from mailbox_store.errors import MailboxNotFound
from mailbox_store.imports import Origin
from mailbox_store.messages import Arrival
from mss_gateway.directory.people import Person
from mss_gateway.imap.responses import MAX_KEYWORDS
from mss_gateway.imap.upstream import letters
from mss_gateway.imap.upstream.folders import Target
from mss_gateway.imap.upstream.letters import Explanation
from mss_gateway.imap.upstream.responses import Fetched
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.summary import Summary
from mss_gateway.message.trace import new_message_id
from mss_gateway.observability import audit


@dataclass(frozen=True, slots=True)
class Ready:
    """A message sealed for our account; ``moment`` None: neither server nor author dates it."""

    uid: int
    arrival: Arrival
    system: int
    keywords: tuple[str, ...]
    keywords_dropped: int
    moment: int | None
    is_dated: bool
    is_mended: bool
    is_wrapped: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """What a transaction added to the tally of its folder."""

    brought: int = 0
    octets: int = 0
    mended: int = 0
    wrapped: int = 0
    undated: int = 0
    keywords_dropped: int = 0


def ready(gateway: Gateway, person: Person, marks: Fetched, raw: bytes) -> Ready:
    """Make a message fit and seal it; before the transaction, on a thread of the core."""
    message_ref = gateway.new_ref()
    site = gateway.config.site
    received = gateway.now() if marks.moment is None else _aware(marks.moment)
    letter = letters.fit(
        raw,
        Explanation(
            Mailbox(site.operator, parse_address(f"postmaster@{site.domains[0]}")),
            Mailbox(person.display_name(site.name_separator), parse_address(person.address)),
            new_message_id(site.domains[0], message_ref),
            received,
        ),
    )
    with gateway.database.read() as view:
        seal = view.vault.account(view, person.account_id)
    arrival = messages.seal_arrival(
        seal, person.account_id, message_ref, letter.raw, letter.summary, b""
    )
    kept, dropped = letters.keywords(marks.flags or ())
    moment = Summary(letter.summary).sent_date if marks.moment is None else marks.moment
    return Ready(
        marks.uid,
        arrival,
        letters.system_flags(marks.flags or ()),
        tuple(kept),
        dropped,
        moment,
        marks.moment is not None,
        letter.is_mended,
        letter.is_wrapped,
    )


def _aware(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def open_mailbox(tx: Transaction, person: Person, target: Target) -> MailboxId:
    """The mailbox for a remote folder; one that is made is subscribed as the remote one is."""
    try:
        return mailboxes.find(tx, person.account_id, target.local).mailbox_id
    except MailboxNotFound:
        is_taken = target.special_use is not None and (
            mailboxes.find_special(tx, person.account_id, target.special_use) is not None
        )
        use = None if is_taken else target.special_use
        made = mailboxes.create(tx, person.account_id, target.local, use)
    if not target.is_subscribed:
        subscriptions.remove(tx, person.account_id, target.local)
    return made.mailbox_id


def place(
    tx: Transaction,
    mailbox_id: MailboxId,
    origin: Origin,
    portion: Iterable[Ready],
    quota_octets: int,
) -> Placed:
    """Append every message that is not here yet; all of them, or with the transaction none.

    ``quota_octets`` is what an account without a quota of its own may hold. Raises OverQuota, and
    MailboxNotFound when the mailbox was deleted meanwhile.
    """
    new = [one for one in portion if imports.mark(tx, origin, one.uid)]
    octets = sum(one.arrival.size for one in new)
    accounts.check_quota(tx, origin.account_id, octets, quota_octets)
    masks = _masks(tx, mailbox_id, new)
    dropped = 0
    for one in new:
        known = [masks[word.lower()] for word in one.keywords if word.lower() in masks]
        dropped += one.keywords_dropped + len(one.keywords) - len(known)
        value = one.system
        for mask in known:
            value |= mask
        moment = tx.now if one.moment is None else one.moment
        messages.append(tx, mailbox_id, one.arrival, value, moment)
    return Placed(
        brought=len(new),
        octets=octets,
        mended=sum(one.is_mended for one in new),
        wrapped=sum(one.is_wrapped for one in new),
        undated=sum(not one.is_dated for one in new),
        keywords_dropped=dropped,
    )


def _masks(tx: Transaction, mailbox_id: MailboxId, portion: Iterable[Ready]) -> dict[str, int]:
    """The bit of each keyword of the portion, by its name in lower case, while there is room."""
    wanted = {word.lower(): word for one in portion for word in one.keywords}
    if not wanted:
        return {}
    known = {name.lower() for name in flags.keywords(tx, mailbox_id).values()}
    new = [word for lower, word in wanted.items() if lower not in known]
    flags.mask(tx, mailbox_id, new[: MAX_KEYWORDS - len(known)])
    return {name.lower(): mask for mask, name in flags.keywords(tx, mailbox_id).items()}


def note(tx: Transaction, person: Person, verdict: str) -> None:
    """Put the import on record: whose account, and counts; never a name."""
    audit.record(
        tx,
        actor="operator",
        act="people",
        object=f"account:{person.account_id}",
        verdict=verdict,
    )
