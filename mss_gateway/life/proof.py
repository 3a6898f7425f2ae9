"""A verdict reached again, years later, from what was kept with the message.

Nothing of today counts but the anchors, and they are named: the content is digested again, the
signature verified again, the path built again from the certificates of then, at the moment of then,
with the answers about revocation of then.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from certs import ocsp
from certs.anchors import Anchors
from certs.certificate import Certificate, from_der
from certs.chain import Chain, validate
from certs.cms.signed import VerifiedContent
from certs.errors import CertsError, ChainRejected
from certs.revocation import Answer, CrlSource, RevocationSource, Status, Unknown
from certs.usage import Purpose
from mailbox_store import changes
from mailbox_store.database import View
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway.directory import evidence, revocation_answers
from mss_gateway.directory.evidence import Evidence
from mss_gateway.directory.revocation import gravest
from mss_gateway.directory.revocation_answers import AnswerMissing
from mss_gateway.life import judgement, opening
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.authentication import Signature
from mss_gateway.message.explanation import ORIGINAL_NAME
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message


@dataclass(frozen=True, slots=True)
class Again:
    """A verdict of then, and what comes out of the same evidence now.

    ``then`` is empty for what the gateway signed itself. ``cause`` says why ``now`` is not valid.
    ``is_same_content``: None where there was no signature to compare. ``anchor_is_believed``: None
    without a path; False when the authority at its end is believed no more.
    """

    at: datetime
    then: str
    now: Signature
    cause: str
    signer: tuple[str, ...]
    is_same_content: bool | None
    anchor_is_believed: bool | None
    answers: tuple[Answer | None, ...]


def exhibits(gateway: Gateway, view: View, proof: Evidence) -> Mapping[str, bytes]:
    """The answers that a verdict rests on and that are not kept yet, by their digest."""
    found: dict[str, bytes] = {}
    for digest in evidence.missing(view, proof.digests()):
        der = gateway.lists.find(digest)
        if der is None:
            try:
                der = revocation_answers.load(view, gateway.spool, bytes.fromhex(digest))
            except AnswerMissing:
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
    moment = noted.get("received_at", 0) if kept is None else kept.at
    at = datetime.fromtimestamp(moment, UTC)
    opened = opening.open_message(
        _original(message), lambda: gateway.cabinet.openers(view, account_id)
    )
    verified, then = opened.verified, "" if kept is None else kept.verdict
    if verified is None:
        same = None if kept is None or "digest" not in kept.facts else False
        return Again(at, then, opened.signature, "", (), same, None, ())
    named = tuple(each.lower() for each in verified.addresses)
    same = kept is None or kept.facts.get("digest", "") == verified.digest.hex()
    try:
        chain = _path(gateway, view, verified, kept, at)
    except ChainRejected as rejected:
        word = judgement.CHAINS[rejected.reason]
        return Again(at, then, word, rejected.reason.value, named, same, None, ())
    word = Signature.VALID
    if isinstance(chain.revocation, Unknown):
        word = Signature.REVOCATION_UNKNOWN
    elif kept is not None and kept.verdict in _NOT_ABOUT_THE_PATH:
        word = Signature(kept.verdict)
    anchors = gateway.trust.anchors(view).of(Purpose.SIGNATURE)
    believed = chain.certificates[-1] in anchors
    return Again(at, then, word, "", named, same, believed, chain.answers)


_NOT_ABOUT_THE_PATH = (Signature.OTHER_AUTHOR.value, Signature.OTHER_RECIPIENT.value)
"""What the envelope and the directory of then said: kept, not to be found out again."""


def _original(message: Message) -> Message:
    """The message that came in: what is attached to an explanation, else the message itself."""
    for part in message.root.children:
        if part.filename == ORIGINAL_NAME:
            try:
                return scan(part.decoded(message.raw))
            except MessageMalformed:
                return message
    return message


def _path(
    gateway: Gateway, view: View, verified: VerifiedContent, kept: Evidence | None, at: datetime
) -> Chain:
    if kept is None or not kept.chain:
        return judgement.believe(gateway, view, verified, at)
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
        """As ``certs.revocation.RevocationSource``."""
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
