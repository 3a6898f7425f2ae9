"""Whom to believe: an opened message becomes one verdict, with the evidence that it rests on.

A signature is shown as somebody's only when its certificate leads to an anchor, was not taken back,
and the header, the envelope and the directory name the same person (``policies.authorship``). What
cannot be known now is told as unknown, never as good. Nothing here asks a network.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from certs.capabilities import Capabilities
from certs.certificate import Certificate, common_name, fingerprint, to_der
from certs.cms.signed import VerifiedContent
from certs.errors import ChainReason, ChainRejected
from certs.status.revocation import Answer, RevocationSource, Unknown
from certs.usage import Purpose
from certs.validation.chain import Chain, validate
from mailbox_store.database import View
from mss_gateway.directory import certificates, keybook, people
from mss_gateway.directory.evidence import Evidence
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.opening import Opened
from mss_gateway.message.address import AddressMalformed, parse_author, parse_mailboxes
from mss_gateway.message.authentication import Decryption, Signature, Verdict
from mss_gateway.message.authors import others_shown
from mss_gateway.message.header import Header, field_text
from mss_gateway.message.part import Message
from mss_gateway.message.words import unfold
from mss_gateway.observability import log
from policies.authorship import AuthorshipFacts, Disagreement, disagreement
from policies.facts import SignatureStatus


@dataclass(frozen=True, slots=True)
class Judged:
    """What was opened, and what may be said of it.

    ``chain`` is the path of the signature that covers the text, None without one; of one whose
    revocation is the objection, it is there too. ``cause`` is a word for the operator: why the
    chain was refused, or who says something else.
    """

    opened: Opened
    verdict: Verdict
    at: datetime
    chain: Chain | None = None
    cause: str = ""
    signer_name: str = ""

    @property
    def message(self) -> Message:
        """What can be read of it."""
        return self.opened.message

    @property
    def status(self) -> SignatureStatus:
        """What the rules at message look at."""
        return STATUSES[self.verdict.signature]

    @property
    def signer_addresses(self) -> tuple[str, ...]:
        """Of the certificate; none unless the signature is valid."""
        return _named(self.opened.verified) if self._is_valid else ()

    @property
    def signer_fingerprint(self) -> str:
        """Of the certificate; empty unless the signature is valid."""
        verified = self.opened.verified
        return fingerprint(verified.signer_certificate) if self._is_valid and verified else ""

    @property
    def _is_valid(self) -> bool:
        return self.verdict.signature is Signature.VALID


STATUSES: Final[dict[Signature, SignatureStatus]] = {
    **dict.fromkeys(Signature, SignatureStatus.INVALID),
    Signature.VALID: SignatureStatus.VALID,
    Signature.ABSENT: SignatureStatus.ABSENT,
    Signature.PARTIAL: SignatureStatus.ABSENT,
    Signature.UNCHECKED: SignatureStatus.UNCHECKED,
    Signature.REVOCATION_UNKNOWN: SignatureStatus.UNCHECKED,
}
"""Word of a verdict → what policy calls it. A part that somebody signed is content like another."""

CHAINS: Final[dict[ChainReason, Signature]] = {
    **dict.fromkeys(ChainReason, Signature.UNTRUSTED),
    ChainReason.EXPIRED: Signature.EXPIRED,
    ChainReason.NOT_YET_VALID: Signature.EXPIRED,
    ChainReason.WRONG_PURPOSE: Signature.WRONG_USAGE,
    ChainReason.WRONG_KEY_USAGE: Signature.WRONG_USAGE,
    ChainReason.KEY_TOO_WEAK: Signature.WEAK,
    ChainReason.REVOKED: Signature.REVOKED,
    ChainReason.REVOCATION_UNKNOWN: Signature.REVOCATION_UNKNOWN,
}
"""Why a certificate is not believed → the word for it."""


def judge(
    gateway: Gateway, view: View, opened: Opened, reverse_path: str | None, at: datetime
) -> Judged:
    """The verdict at ``at`` (aware): the moment at which the message came in."""
    verified, decryption = opened.verified, opened.decryption
    if verified is None:
        return Judged(opened, Verdict(unproven(opened), decryption), at)
    try:
        chains = [believe(gateway, view, one, at) for one in (*opened.around, verified)]
    except ChainRejected as rejected:
        refused = Verdict(CHAINS[rejected.reason], decryption)
        is_revoked = rejected.reason is ChainReason.REVOKED and not opened.around
        path = _revoked(gateway, view, verified, at) if is_revoked else None
        return Judged(opened, refused, at, path, rejected.reason.value)
    facts = _authorship(gateway, view, opened, verified, reverse_path)
    objection = Disagreement.AUTHOR_IS_OTHER if opened.from_differs else disagreement(facts)
    if objection is not None:
        if objection is Disagreement.KEY_IS_SHARED:
            log.note("public key of several mailboxes", stage="crypto")
        refused = Verdict(Signature.OTHER_AUTHOR, decryption)
        return Judged(opened, refused, at, chains[-1], objection.value)
    if any(isinstance(chain.revocation, Unknown) for chain in chains):
        unknown = Verdict(Signature.REVOCATION_UNKNOWN, decryption)
        cause = ChainReason.REVOCATION_UNKNOWN.value
        return Judged(opened, unknown, at, chains[-1], cause)
    certificate, signer = verified.signer_certificate, facts.from_addresses[0]
    verdict = Verdict(
        Signature.VALID,
        decryption,
        signer,
        f"{certificate.serial_number:x}",
        certificate.issuer.rfc4514_string(),
    )
    name = _name(gateway, view, signer, certificate)
    return Judged(opened, verdict, at, chains[-1], signer_name=name)


def unproven(opened: Opened) -> Signature:
    """The word for a message whose text no signature covers."""
    if opened.from_differs:
        return Signature.OTHER_AUTHOR  # an unsigned envelope may not name another author
    if opened.around and opened.signature is Signature.ABSENT:
        return Signature.INVALID  # around an envelope, and nothing inside: it proves nothing
    return opened.signature


def _name(gateway: Gateway, view: View, signer: str, certificate: Certificate) -> str:
    """Who signed, as the directory or the certificate says; never as the message does."""
    known = people.by_address(view, signer)
    if known is not None:
        return known.display_name(gateway.config.site.name_separator)
    return common_name(certificate) or signer


def believe(gateway: Gateway, view: View, verified: VerifiedContent, at: datetime) -> Chain:
    """The path of a signer to an anchor of ours; raises ChainRejected.

    Its revocation may be Unknown, which is not good.
    """
    return _path(gateway, view, verified, at, gateway.revocations(view))


def issuers_of(gateway: Gateway, view: View, verified: VerifiedContent) -> tuple[Certificate, ...]:
    """Issuers that came along; programs often send none, and those of a mailbox here are known."""
    held = certificates.known(view, verified.signer_certificate)
    issuers = [] if held is None else certificates.chain_of(view, held, gateway.cabinet.issuers)
    return (*verified.other_certificates, *issuers)


def _path(
    gateway: Gateway,
    view: View,
    verified: VerifiedContent,
    at: datetime,
    source: RevocationSource | None,
) -> Chain:
    return validate(
        verified.signer_certificate,
        issuers_of(gateway, view, verified),
        gateway.trust.anchors(view),
        Purpose.SIGNATURE,
        at,
        source,
    )


def _revoked(gateway: Gateway, view: View, verified: VerifiedContent, at: datetime) -> Chain | None:
    """The path of a signer who was taken back, with the answers that say so: to be kept."""
    try:
        path = _path(gateway, view, verified, at, None)
    except ChainRejected:
        return None
    source = gateway.revocations(view)
    answers = [
        source.status(below, above, at).answer or Answer("none", "", at, None)
        for below, above in pairwise(path.certificates)
    ]
    return replace(path, answers=tuple(answers))


@dataclass(frozen=True, slots=True)
class Introduction:
    """A correspondent's certificate, proved by a message of theirs: for the key book."""

    address: str
    certificate: Certificate
    issuers: tuple[Certificate, ...]
    capabilities: Capabilities | None
    said_at: int | None


def introduction_of(judged: Judged) -> Introduction | None:
    """What a valid signature teaches about its author; None for any other."""
    verified, chain = judged.opened.verified, judged.chain
    if verified is None or chain is None or judged.verdict.signature is not Signature.VALID:
        return None
    said_at = verified.signing_time
    return Introduction(
        judged.verdict.signer,
        verified.signer_certificate,
        chain.certificates[1:-1],
        verified.capabilities,
        None if said_at is None else int(said_at.timestamp()),
    )


def words(judged: Judged) -> tuple[str, str]:
    """The words of a verdict, as they are kept with a message."""
    return judged.verdict.signature.value, judged.verdict.decryption.value


def evidence_of(judged: Judged) -> Evidence:
    """What is kept of a verdict, so that it can be reached again years later."""
    verified, chain = judged.opened.verified, judged.chain
    facts = {"decryption": judged.verdict.decryption.value, "cause": judged.cause}
    if verified is not None:
        facts["digest"] = verified.digest.hex()
        facts["algorithms"] = " ".join(verified.algorithms)
    return Evidence(
        judged.verdict.signature.value,
        int(judged.at.timestamp()),
        b"" if verified is None else to_der(verified.signer_certificate),
        () if chain is None else tuple(to_der(each) for each in chain.certificates[1:]),
        () if chain is None else chain.answers,
        {name: value for name, value in facts.items() if value},
    )


def _authorship(
    gateway: Gateway,
    view: View,
    opened: Opened,
    verified: VerifiedContent,
    reverse_path: str | None,
) -> AuthorshipFacts:
    header, certificate = opened.message.root.header, verified.signer_certificate
    authors, in_names = _authors(header)
    known = people.by_address(view, authors[0]) if len(authors) == 1 else None
    held = [] if known is None else certificates.of_account(view, known.account_id)
    holders = [
        holder
        for address in authors
        for holder in keybook.shared_with(view, gateway.spool, address, certificate)
    ]
    return AuthorshipFacts(
        len(header.all("from")),
        authors,
        in_names,
        _senders(header),
        reverse_path,
        frozenset(_named(verified)),
        fingerprint(certificate),
        frozenset(each.fingerprint for each in held),
        any(_is_ours(gateway, author) for author in authors),
        frozenset(holders),
    )


def _is_ours(gateway: Gateway, address: str) -> bool:
    site = gateway.config.site
    return address.rpartition("@")[2] in (*site.domains, site.patient_domain)


def _named(verified: VerifiedContent | None) -> tuple[str, ...]:
    return () if verified is None else tuple(each.lower() for each in verified.addresses)


FROM_OCTETS: Final = 2_000
"""Of a From that is looked through for what it shows; a longer one names nobody clearly."""


def _authors(header: Header) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The author of every From field, and other addresses that these fields show."""
    authors, shown = list[str](), list[str]()
    try:
        for value in header.all("from"):
            if len(value) > FROM_OCTETS:
                return (), ()
            text = unfold(field_text(value))
            author = parse_author(text).address
            authors.append(str(author))
            shown += others_shown(text, author)
    except AddressMalformed:
        return (), ()
    return tuple(authors), tuple(shown)


def _senders(header: Header) -> tuple[str, ...]:
    """The addresses of every Sender field; one that no one has where it cannot be read."""
    found: list[str] = []
    for value in header.all("sender"):
        try:
            found += [str(one.address) for one in parse_mailboxes(field_text(value))]
        except AddressMalformed:
            return ("",)
    return tuple(found)


NOTHING: Final = Verdict(Signature.ABSENT, Decryption.NOT_ENCRYPTED)
"""Of a message without any protection."""
