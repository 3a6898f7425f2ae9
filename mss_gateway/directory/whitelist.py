"""The white list that is in force: the domains of the trust space, and whose each of them is.

A list comes in whole or not at all (:func:`examine`, then :func:`bring` in one transaction): until
the new one stands, and whenever it is refused, the last good one governs. In clear: the list is
public. A few former ones stay on record, as they came and with their signatures.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import Final

from sqlalchemy import Column, Integer, LargeBinary, Table, Text

from certs.certificate import Certificate, from_pem
from certs.errors import DerMalformed
from mailbox_store.database import Transaction, View
from mailbox_store.tables import metadata
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.config import Whitelist as Settings
from mss_gateway.directory import whitelist_signature, whitelist_xml
from mss_gateway.directory.whitelist_xml import Parsed, WhitelistRefused

whitelists = Table(
    "whitelists",
    metadata,
    Column("whitelist_id", Integer, primary_key=True),
    # as it came, signature included
    Column("document", LargeBinary, nullable=False),
    # SHA-256 of the document, in hexadecimal
    Column("digest", Text, nullable=False),
    Column("imported_at", Integer, nullable=False),
    # when the same octets came last
    Column("confirmed_at", Integer, nullable=False),
    # what the list says of itself
    Column("issued_at", Integer),
    # SHA-256 of the certificate that signed it; empty: nobody was asked to
    Column("signer", Text, nullable=False),
    # active or replaced
    Column("state", Text, nullable=False),
    sqlite_autoincrement=True,
)

FORMER: Final = 5
"""Former lists that stay on record."""

HOUR: Final = 3600


class WhitelistNotTaken(WhitelistRefused):
    """A good list, but not one that should follow the active one unless it is forced."""


@dataclass(frozen=True)
class Whitelist:
    """A list in force. ``domains``: whose each domain is. Times in unix seconds.

    ``whitelist_id`` 0 is the empty list of a site where none was imported.
    """

    whitelist_id: int
    domains: Mapping[str, str]
    imported_at: int
    confirmed_at: int
    issued_at: int | None
    signer: str

    @cached_property
    def operators(self) -> Mapping[str, frozenset[str]]:
        """Every operator and its domains."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for domain, operator in self.domains.items():
            found[operator].add(domain)
        return {operator: frozenset(domains) for operator, domains in found.items()}

    def has(self, domain: str) -> bool:
        """Whether the domain, in its normal form, is of the trust space."""
        return domain in self.domains

    def operator_of(self, domain: str) -> str | None:
        """Whose the domain is; None outside of the trust space."""
        return self.domains.get(domain)

    def domains_of(self, operator: str) -> frozenset[str]:
        """The domains of an operator; none of one that is not in the list."""
        return self.operators.get(operator, frozenset())

    def domain_above(self, host: str) -> str | None:
        """The listed domain that the host is, or is below; of several, the nearest."""
        while host:
            if host in self.domains:
                return host
            _, _, host = host.partition(".")
        return None

    def age(self, now: float) -> float | None:
        """Seconds since the list came, or came again; None when there is none."""
        return max(0.0, now - self.confirmed_at) if self.whitelist_id else None

    def is_stale(self, now: float, hours: int) -> bool:
        """Whether nobody confirmed it for longer than ``hours``; no list at all is stale too."""
        age = self.age(now)
        return age is None or age > hours * HOUR


NO_LIST: Final = Whitelist(0, {}, 0, 0, None, "")


class Freshness(Enum):
    """How the list stands, for `mss doctor` and metrics."""

    MISSING = "missing"
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"


def freshness(whitelist: Whitelist, now: float, settings: Settings) -> Freshness:
    """LATE after ``alarm_hours``: told. STALE after ``stale_hours``: exchanges are suspended."""
    if not whitelist.whitelist_id:
        return Freshness.MISSING
    if whitelist.is_stale(now, settings.stale_hours):
        return Freshness.STALE
    return Freshness.LATE if whitelist.is_stale(now, settings.alarm_hours) else Freshness.FRESH


@dataclass(frozen=True, slots=True)
class Rules:
    """How lists are read here. ``groups``: operators by domain, where a list does not say."""

    operator_element: str
    groups: Mapping[str, str]
    signers: tuple[Certificate, ...] = ()


def rules_of(config: Config) -> Rules:
    """The rules of the configuration; raises ConfigRefused when the signer cannot be read."""
    settings = config.whitelist
    groups = {}
    for line in settings.operators:
        name, _, domains = line.partition(":")
        groups.update(dict.fromkeys(domains.split(), name.strip()))
    signers: tuple[Certificate, ...] = ()
    if settings.signer:
        path = config.in_state(settings.signer)
        try:
            signers = from_pem(path.read_bytes())
        except (OSError, DerMalformed) as error:
            raise ConfigRefused(f"whitelist.signer {path} cannot be used ({error})") from None
    return Rules(settings.operator_element, groups, signers)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A list that was found good in itself: well formed, and signed when it must be."""

    document: bytes
    digest: str
    parsed: Parsed
    signer: str
    domains: Mapping[str, str]


def examine(document: bytes, rules: Rules, at: datetime) -> Candidate:
    """Read a list, and check its signature at ``at`` (aware) when ``rules`` name signers.

    Needs no store, and takes a second for the largest list: not for a transaction. Raises
    :class:`WhitelistRefused`.
    """
    parsed = whitelist_xml.parse(document, rules.operator_element)
    signer = ""
    if rules.signers:
        signed = whitelist_signature.verify(document, rules.signers, at)
        # what was signed counts; the lines are those of the file that people look at
        told = parsed.passed_over
        parsed = replace(
            whitelist_xml.parse(signed.content, rules.operator_element), passed_over=told
        )
        signer = signed.fingerprint
    digest = hashlib.sha256(document).hexdigest()
    return Candidate(document, digest, parsed, signer, _grouped(parsed.domains, rules.groups))


def _grouped(domains: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """What the list says of operators, else what the configuration says."""
    return {
        domain: groups.get(domain, domain) if operator == domain else operator
        for domain, operator in domains.items()
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """From one list to another; ``moved`` are (domain, former operator, new operator)."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[tuple[str, str, str], ...]


def diff(old: Mapping[str, str], new: Mapping[str, str]) -> Difference:
    """What changes between the ``domains`` of two lists, each in order."""
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        moved=tuple(
            (domain, old[domain], new[domain])
            for domain in sorted(old.keys() & new.keys())
            if old[domain] != new[domain]
        ),
    )


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of a list: its number, and whether it replaced another or only confirmed it."""

    whitelist_id: int
    is_new: bool
    difference: Difference


def bring(tx: Transaction, candidate: Candidate, rules: Rules, *, force: bool = False) -> Brought:
    """Put a list in force; the same octets again only confirm the one that is.

    Raises :class:`WhitelistNotTaken` for a list older than the active one (or without a date, when
    that has one) and for one that drops more than half of its domains, unless ``force`` is said.
    """
    active = load(tx, rules)
    difference = diff(active.domains, candidate.domains)
    known = tx.sql("SELECT digest FROM whitelists WHERE state = 'active'").first()
    if known is not None and known[0] == candidate.digest:
        tx.sql(
            "UPDATE whitelists SET confirmed_at = ?, signer = ? WHERE whitelist_id = ?",
            (tx.now, candidate.signer, active.whitelist_id),
        )
        return Brought(active.whitelist_id, False, difference)
    if not force:
        _check_follows(active, candidate, difference)
    tx.sql("UPDATE whitelists SET state = 'replaced' WHERE state = 'active'")
    parsed = candidate.parsed
    row = (candidate.document, candidate.digest, tx.now, tx.now, parsed.issued_at, candidate.signer)
    made = tx.sql(
        "INSERT INTO whitelists (document, digest, imported_at, confirmed_at, issued_at, signer,"
        " state) VALUES (?, ?, ?, ?, ?, ?, 'active') RETURNING whitelist_id",
        row,
    ).scalar_one()
    tx.sql(
        "DELETE FROM whitelists WHERE state = 'replaced' AND whitelist_id NOT IN"
        " (SELECT whitelist_id FROM whitelists WHERE state = 'replaced'"
        " ORDER BY whitelist_id DESC LIMIT ?)",
        (FORMER,),
    )
    return Brought(made, True, difference)


def _check_follows(active: Whitelist, candidate: Candidate, difference: Difference) -> None:
    issued = candidate.parsed.issued_at
    if active.issued_at is not None and (issued is None or issued < active.issued_at):
        said = "has no date" if issued is None else f"is of {_day(issued)}"
        raise WhitelistNotTaken(
            f"it {said}, the list in force is of {_day(active.issued_at)}: an old list would let"
            " in again who left"
        )
    gone, count = len(difference.removed), len(active.domains)
    if 2 * gone > count:
        raise WhitelistNotTaken(f"it drops {gone} of {count} domains, more than half")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def load(view: View, rules: Rules) -> Whitelist:
    """The list in force; :data:`NO_LIST` when none was imported.

    Its signature was checked when it came in, and is not again: its signer's certificate may have
    ended since. Raises :class:`WhitelistRefused` when it cannot be read as ``rules`` say.
    """
    row = view.sql(
        "SELECT whitelist_id, document, imported_at, confirmed_at, issued_at, signer"
        " FROM whitelists WHERE state = 'active'"
    ).first()
    if row is None:
        return NO_LIST
    number, document, imported_at, confirmed_at, issued_at, signer = row
    content = bytes(document)
    if signer:
        content = whitelist_signature.content_of(content)
    parsed = whitelist_xml.parse(content, rules.operator_element)
    domains = _grouped(parsed.domains, rules.groups)
    return Whitelist(number, domains, imported_at, confirmed_at, issued_at, signer)


class WhitelistCache:
    """The list in force, read again only when another one is; asking costs one small statement."""

    def __init__(self, config: Config) -> None:
        """Raises ConfigRefused."""
        self.rules = rules_of(config)
        self._turn = threading.Lock()
        self._kept = NO_LIST

    def __call__(self, view: View) -> Whitelist:
        """The list as ``view`` sees it."""
        row = view.sql(
            "SELECT whitelist_id, confirmed_at FROM whitelists WHERE state = 'active'"
        ).first()
        number, confirmed_at = (0, 0) if row is None else (row[0], row[1])
        with self._turn:
            if number != self._kept.whitelist_id:
                self._kept = load(view, self.rules)
            elif confirmed_at != self._kept.confirmed_at:
                self._kept = replace(self._kept, confirmed_at=confirmed_at)
            return self._kept
