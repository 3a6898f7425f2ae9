"""The side of a professional's own mail program, handing in messages (RFC 6409)."""

from collections.abc import Mapping

from mss_gateway.failures import Failure
from mss_gateway.life import policy, submission
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message.address import EmailAddress
from mss_gateway.smtp.connection import Verb
from mss_gateway.smtp.dialogue import Dialogue, HandedOver
from mss_gateway.smtp.parameters import MailArgument
from mss_gateway.smtp.signing_in import SigningIn


class SubmissionSession:
    """Who signed in, and the envelope they are writing."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._gateway = dialogue.gateway
        self._signing_in = SigningIn(dialogue)
        self._envelope: Envelope | None = None

    @property
    def channel(self) -> str:
        """As logs and metrics name it."""
        return "submission"

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """AUTH."""
        return {"AUTH": self._signing_in.auth}

    @property
    def is_known(self) -> bool:
        """Whether somebody signed in."""
        return self._signing_in.admission is not None

    def offers(self) -> list[str]:
        """AUTH, until it was done (RFC 4954 §4)."""
        return [] if self.is_known else [self._signing_in.offer()]

    def missing(self) -> Failure | None:
        """Nobody writes before they signed in."""
        return None if self.is_known else Failure.AUTH_REQUIRED

    async def begin(self, announced: MailArgument) -> None:
        """RFC 6409 §6.1: the reverse-path is the author's own, or a box's that they write for."""
        admission = self._signing_in.admission
        assert admission is not None
        self._envelope = await self._gateway.bridge.run(
            submission.begin, self._gateway, admission, announced.reverse_path, announced.size
        )

    async def admit(self, recipient: EmailAddress, so_far: int) -> None:
        """One verdict per recipient."""
        await self._gateway.bridge.run(
            policy.at_recipient, self._gateway, self._begun(), recipient, so_far
        )

    async def accept(self, handed: HandedOver) -> str:
        """The one door."""
        announced = handed.announced
        sent = Submission(
            self._begun(),
            handed.recipients,
            handed.raw,
            handed.asked,
            announced.envelope_id,
            announced.returns,
            announced.requires_tls,
            announced.is_utf8,
        )
        receipt = await self._gateway.bridge.run(submission.accept, self._gateway, sent)
        return receipt.message_ref

    def _begun(self) -> Envelope:
        assert self._envelope is not None, "the dialogue asks after MAIL only"
        return self._envelope
