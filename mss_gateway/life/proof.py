"""A verdict reached again, years later, from what was kept with the message.

Nothing of today counts but the anchors, and they are named: the content is digested again, the
signature verified again, the path built again from the certificates of then, at the moment of then,
with the answers about revocation of then.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from certs.anchors import Anchors
from certs.certificate import Certificate, from_der
from certs.cms.signed import VerifiedContent
from certs.errors import CertsError, ChainReason, ChainRejected
from certs.status import ocsp
from certs.status.revocation import Answer, CrlSource, RevocationSource, Status, Unknown
from certs.usage import Purpose
from certs.validation.chain import Chain, validate
from mailbox_store import changes
from mailbox_store.database import View
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway.directory import domain_keys, evidence, people, revocation_answers
from mss_gateway.directory.evidence import Evidence
from mss_gateway.directory.revocation import gravest
from mss_gateway.directory.revocation_answers import AnswerMissing
from mss_gateway.life import judgement, opening
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.opening import Opened
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.explanation import ORIGINAL_NAME
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from policies.people import Role


@dataclass(frozen=True, slots=True)
class Again:
    """A verdict of then, and what comes out of the same evidence now.

    ``then`` is empty for what nobody judged, such as a draft. ``cause`` says why ``now`` is not
    valid. ``is_same_content``: None where there was no signature to compare.
    ``anchor_is_believed``: None without a path; False when the authority at its end is believed no
    more. ``has_client_keys``: only the reader's own program opens what is sealed for this mailbox.
    """

    at: datetime
    then: str
    now: Signature
    cause: str = ""
    signer: tuple[str, ...] = ()
    is_same_content: bool | None = None
    anchor_is_believed: bool | None = None
    answers: tuple[Answer | None, ...] = ()
    has_client_keys: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the verdict of then comes out; None where nobody can tell here."""
        if self.then == self.now.value and self.is_same_content is not False:
            return True
        return None if self.has_client_keys or not self.then else False


def exhibits(gateway: Gateway, view: View, proof: Evidence) -> Mapping[str, bytes]:
    """The answers that a verdict rests on and that are not kept yet, by their digest."""
    found: dict[str, bytes] = {}
    for digest in evidence.missing(view, proof.digests()):
        der = gateway.lists.find(digest)
        if der is None:
            try:
                der = revocation_answers.load(view, gateway.spool, bytes.fromhex(digest))
            except (AnswerMissing, CertsError):
                continue
        found[digest] = der
    return found


def again(
    gateway: Gateway, view: View, account_id: AccountId, message_id: MessageId, message_ref: str
) -> Again:
    """Judge a kept message of an account again, as of the moment when it came in.

    Raises MessageNotFound of the store, MessageMalformed, ``CannotOpen`` of a damaged store.
    """
    message = scan(changes.read_body(view, account_id, message_id))
    kept = evidence.read(view, gateway.spool, account_id, message_ref)
    noted = json.loads(changes.read_evidence(view, account_id, message_id) or b"{}")
    moment = noted.get("received_at", gateway.clock()) if kept is None else kept.at
    opened = opening.open_message(
        _original(message, noted), lambda: domain_keys.openers_of(view, gateway.cabinet, account_id)
    )
    keys_are_away = people.by_account(view, account_id).smime == "client"
    found = Again(
        datetime.fromtimestamp(moment, UTC),
        _then(kept, noted),
        opened.signature if opened.verified is not None else judgement.unproven(opened),
        has_client_keys=keys_are_away,
    )
    digest = None if kept is None else kept.facts.get("digest")
    verified = opened.verified
    if verified is None:
        is_sealed = keys_are_away and opened.decryption is Decryption.NO_KEY
        return replace(found, is_same_content=None if digest is None or is_sealed else False)
    same = None if digest is None else digest == verified.digest.hex()
    found = replace(
        found,
        signer=tuple(each.lower() for each in verified.addresses),
        is_same_content=True if kept is None else same,
    )
    try:
        chain = _path(gateway, view, opened, verified, kept, found.at)
    except ChainRejected as rejected:
        word = judgement.CHAINS[rejected.reason]
        return replace(found, now=word, cause=rejected.reason.value)
    anchors = gateway.trust.anchors(view).of(Purpose.SIGNATURE)
    return replace(
        found,
        now=_word(chain, kept),
        anchor_is_believed=chain.certificates[-1] in anchors,
        answers=chain.answers,
    )


def _then(kept: Evidence | None, noted: Mapping[str, Any]) -> str:
    """The word of then; of what the gateway wrote or signed itself there is no other evidence."""
    if kept is not None:
        return kept.verdict
    if noted.get("verdict"):
        return str(noted["verdict"][0])
    own = {"valid": Signature.VALID.value, "absent": Signature.ABSENT.value}
    return own.get(noted.get("signature", ""), "")


_NOT_FOUND_AGAIN = (
    Signature.OTHER_AUTHOR.value,
    Signature.OTHER_RECIPIENT.value,
    Signature.REVOCATION_UNKNOWN.value,
)
"""What the envelope and the directory of then said, and what nobody knew: it stays so."""


def _word(chain: Chain, kept: Evidence | None) -> Signature:
    if isinstance(chain.revocation, Unknown):
        return Signature.REVOCATION_UNKNOWN
    if kept is not None and kept.verdict in _NOT_FOUND_AGAIN:
        return Signature(kept.verdict)
    return Signature.VALID


def _original(message: Message, noted: Mapping[str, Any]) -> Message:
    """The message that came in: what is attached to an explanation of ours, else itself.

    Anybody may attach a file of that name: who wrote the message is on record.
    """
    if noted.get("author_role") != Role.SYSTEM.name:
        return message
    for part in message.root.children:
        if part.filename == ORIGINAL_NAME:
            try:
                return scan(part.decoded(message.raw))
            except MessageMalformed:
                return message
    return message


def _path(
    gateway: Gateway,
    view: View,
    opened: Opened,
    verified: VerifiedContent,
    kept: Evidence | None,
    at: datetime,
) -> Chain:
    """The path of then; without one, as the message would be judged at that moment."""
    if kept is None or not (kept.chain or kept.answers):
        chains = [judgement.believe(gateway, view, one, at) for one in (*opened.around, verified)]
        return next((one for one in chains if isinstance(one.revocation, Unknown)), chains[-1])
    if len(kept.chain) < len(kept.answers):
        raise ChainRejected(ChainReason.NO_PATH, "an issuer is not kept any more")
    issuers = [from_der(der) for der in kept.chain]
    return validate(
        verified.signer_certificate,
        issuers[:-1],
        Anchors({Purpose.SIGNATURE: (issuers[-1],)}),
        Purpose.SIGNATURE,
        at,
        _Kept(gateway, view, kept),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """The answers of then; the directory still knows what our own authority took back, and when."""

    gateway: Gateway
    view: View
    proof: Evidence

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        """As ``certs.status.revocation.RevocationSource``."""
        return gravest(
            [self._said(answer, certificate, issuer, at) for answer in self.proof.answers]
        )

    def _said(
        self, answer: Answer | None, certificate: Certificate, issuer: Certificate, at: datetime
    ) -> Status:
        if answer is None or answer.kind == "none":
            return Unknown()
        if answer.kind == "directory":
            source: RevocationSource = self.gateway.revocations(self.view)
            return source.status(certificate, issuer, at)
        digests = (answer.digest, *answer.others)
        found = [evidence.exhibit(self.view, self.gateway.spool, each) for each in digests]
        ders = [der for der in found if der is not None]
        try:
            if answer.kind == "crl":
                return CrlSource(ders).status(certificate, issuer, at)
            return gravest([ocsp.read_answer(der, certificate, issuer, at) for der in ders])
        except CertsError:
            return Unknown()
