"""AUTH (RFC 4954): who somebody is, before they may write.

The mechanisms are those of ``life.mechanisms``, and LOGIN, which is no standard but what Outlook
knows. What cannot be used on this connection is not offered.
"""

import base64
from functools import partial
from typing import Final

from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn, mechanisms
from mss_gateway.life.authn import Admission, HashNeeded
from mss_gateway.life.claims import Claim
from mss_gateway.life.mechanisms import (
    MAX_LINE,
    MECHANISMS,
    Facts,
    NotText,
    Unreadable,
    password_claim,
)
from mss_gateway.smtp import replies, sasl
from mss_gateway.smtp.dialogue import Dialogue
from mss_gateway.smtp.lines import COMMAND_OCTETS, LineRefused, LineTooLong
from mss_gateway.smtp.replies import Said

FAILED_SIGN_INS: Final = 5
"""Wrong passwords in one connection before it is closed (threat T9)."""

_LOGIN: Final = "LOGIN"


class _NotOffered(Exception):
    """A mechanism that nobody knows, or that cannot be used here."""


class SigningIn:
    """The attempts of one connection; ``admission``: who it was, and for whom they sign in."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.admission: Admission | None = None
        self._failed = 0

    def offer(self) -> str:
        """The line of EHLO, over TLS. From here on a line of AUTH may be as long as a token is."""
        self._dialogue.allow_lines(MAX_LINE)
        first, *others = (name.decode("ascii") for name in mechanisms.offered(self._facts()))
        return " ".join(("AUTH", first, _LOGIN, *others))

    async def auth(self, argument: str) -> None:
        """RFC 4954 §4: after TLS only, once."""
        dialogue = self._dialogue
        if not dialogue.is_secure:
            await dialogue.refuse(Failure.TLS_REQUIRED)
            return
        if not dialogue.is_greeted:
            await dialogue.mistake(Said.EHLO_FIRST)
            return
        if self.admission is not None:
            await dialogue.mistake(Said.AUTH_MISPLACED)
            return
        name, _, initial = argument.partition(" ")
        try:
            await self._exchange(name.upper(), initial.strip(" "))
        except _NotOffered:
            await dialogue.mistake(Said.MECHANISM_UNKNOWN)
        except sasl.Cancelled:
            await dialogue.say(Said.SIGN_IN_CANCELLED)
        except LineTooLong:
            await dialogue.mistake(Said.RESPONSE_TOO_LONG)
        except (sasl.NotBase64, LineRefused):
            await dialogue.mistake(Said.NOT_BASE64)
        except (Unreadable, NotText):
            await self._fail(Refused(Failure.BAD_CREDENTIALS))

    async def _exchange(self, name: str, initial: str) -> None:
        if name == _LOGIN:
            login = await self._response(b"Username:", initial)
            password = await self._response(b"Password:")
            await self._sign_in(password_claim(b"", login, password), b"")
            return
        facts = self._facts()
        mechanism = MECHANISMS.get(name.encode())
        if mechanism is None or not mechanism.is_offered(facts):
            raise _NotOffered
        claim = mechanism.read(await self._response(b"", initial), facts)
        await self._sign_in(claim, mechanism.last_word(facts))

    async def _sign_in(self, claim: Claim, last_word: bytes) -> None:
        """``last_word``: what a client is told, and answers, before it hears that it failed."""
        dialogue = self._dialogue
        try:
            self.admission = await self._admitted(claim)
        except Refused as refused:
            if last_word:
                # whatever it answers, ^A, nothing or the token once more: it has failed
                await self._asked(last_word)
            await self._fail(refused)
            return
        dialogue.allow_lines(COMMAND_OCTETS)
        dialogue.believe()
        await dialogue.say(Said.SIGNED_IN)

    async def _admitted(self, claim: Claim) -> Admission:
        """On the lane of mail, where nothing is slow; what costs a hash goes on where they wait."""
        gateway, peer = self._dialogue.gateway, self._dialogue.peer_address
        admit = partial(authn.admit, gateway, claim, "submission", peer)
        try:
            return await gateway.bridge.run(admit, may_hash=False)
        except HashNeeded:
            return await gateway.bridge.sign_in(admit)

    async def _response(self, prompt: bytes, initial: str = "") -> bytes:
        """What came with AUTH, or else what the client answers to a prompt."""
        return sasl.decode(initial or await self._asked(prompt))

    async def _asked(self, prompt: bytes) -> str:
        await self._dialogue.write(b"334 " + base64.b64encode(prompt))
        return await self._dialogue.hear()

    async def _fail(self, refused: Refused) -> None:
        self._failed += 1
        await self._dialogue.write(replies.refusal(refused))
        if self._failed >= FAILED_SIGN_INS:
            self._dialogue.end()

    def _facts(self) -> Facts:
        provider = mechanisms.provider_of(self._dialogue.gateway.config)
        return Facts(self._dialogue.is_secure, provider, self._certificate())

    def _certificate(self) -> bytes | None:
        """The certificate (DER) that the client showed in the TLS handshake, if it showed one."""
        if not self._dialogue.is_secure or self._dialogue.gateway.client_trust is None:
            return None
        transport = self._dialogue.transport
        assert transport is not None, "it is spoken over TLS"
        shown: bytes | None = transport.get_extra_info("ssl_object").getpeercert(True)
        return shown
