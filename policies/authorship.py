"""May a verified signature be shown as that of the person the message names? All must agree.

The certificate, the fields of the header, the envelope and the directory each say who wrote; one
that says something else is enough to show no signature at all (Müller et al., "Johnny, you are
fired", 2019). Each function is one objection; :data:`RULES` is their order, and what is told.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Disagreement(Enum):
    """Who says something else: a closed list, kept with the message."""

    AUTHORS_UNCLEAR = "authors_unclear"
    AUTHOR_IS_OTHER = "author_is_other"
    SENDER_IS_OTHER = "sender_is_other"
    NAME_IS_OTHER = "name_is_other"
    REVERSE_PATH_IS_OTHER = "reverse_path_is_other"
    CERTIFICATE_IS_OTHER = "certificate_is_other"
    KEY_IS_SHARED = "key_is_shared"


@dataclass(frozen=True, slots=True)
class AuthorshipFacts:
    """What each of the witnesses says. Addresses in their one normal form.

    ``from_addresses`` are those of all From fields, empty when one cannot be read;
    ``addresses_in_names`` those that stand in their display names. ``reverse_path`` is None for a
    null one and where there was no envelope. ``directory_fingerprints``: the certificates that the
    directory has for the author, none when it does not know them; ``author_is_ours``: the author's
    domain is one of this operator's, for which the directory alone vouches. ``holders_of_key``: the
    addresses under which the signer's public key is known.
    """

    from_field_count: int
    from_addresses: tuple[str, ...]
    addresses_in_names: tuple[str, ...]
    sender_addresses: tuple[str, ...]
    reverse_path: str | None
    signer_addresses: frozenset[str]
    signer_fingerprint: str
    directory_fingerprints: frozenset[str]
    author_is_ours: bool
    holders_of_key: frozenset[str]


def unclear_authors(facts: AuthorshipFacts) -> bool:
    """There is not exactly one From with exactly one address."""
    return facts.from_field_count != 1 or len(facts.from_addresses) != 1


def other_author(facts: AuthorshipFacts) -> bool:
    """The certificate does not name the author (RFC 8550 §3)."""
    return not facts.signer_addresses.issuperset(facts.from_addresses)


def other_sender(facts: AuthorshipFacts) -> bool:
    """Sender names somebody whom the certificate does not: some readers show it before From."""
    return not facts.signer_addresses.issuperset(facts.sender_addresses)


def other_name(facts: AuthorshipFacts) -> bool:
    """The display name of From holds an address that is not the author's."""
    return not facts.signer_addresses.issuperset(facts.addresses_in_names)


def other_reverse_path(facts: AuthorshipFacts) -> bool:
    """The envelope came from somebody else; a null reverse-path says nothing."""
    return facts.reverse_path is not None and facts.reverse_path not in facts.signer_addresses


def other_certificate(facts: AuthorshipFacts) -> bool:
    """The directory knows the author by other certificates than this one, or ought to know them."""
    known = facts.directory_fingerprints
    is_expected = bool(known) or facts.author_is_ours
    return is_expected and facts.signer_fingerprint not in known


def shared_key(facts: AuthorshipFacts) -> bool:
    """The same key is known for somebody whom the certificate does not name."""
    return not facts.signer_addresses.issuperset(facts.holders_of_key)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: when it objects, the signature is not shown, for that reason."""

    objects: Callable[[AuthorshipFacts], bool]
    disagreement: Disagreement
    sentence: str


RULES: tuple[Rule, ...] = (
    Rule(unclear_authors, Disagreement.AUTHORS_UNCLEAR, "From names one author."),
    Rule(other_author, Disagreement.AUTHOR_IS_OTHER, "The certificate names the author."),
    Rule(other_sender, Disagreement.SENDER_IS_OTHER, "The certificate names the Sender."),
    Rule(other_name, Disagreement.NAME_IS_OTHER, "No display name holds another address."),
    Rule(
        other_reverse_path,
        Disagreement.REVERSE_PATH_IS_OTHER,
        "The reverse-path is the author's, or null.",
    ),
    Rule(
        other_certificate,
        Disagreement.CERTIFICATE_IS_OTHER,
        "The certificate is one that the directory has for the author.",
    ),
    Rule(shared_key, Disagreement.KEY_IS_SHARED, "The key is known for nobody else."),
)
"""THE rules of authorship, in the order in which they are told."""


def disagreement(facts: AuthorshipFacts) -> Disagreement | None:
    """The first witness who says something else; None when all agree."""
    return next((rule.disagreement for rule in RULES if rule.objects(facts)), None)
