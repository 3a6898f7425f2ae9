"""What travels with a queued message beside its body, and what its author asked per recipient."""

import json
from dataclasses import dataclass, fields
from typing import Any

WORDS = ("NEVER", "SUCCESS", "FAILURE", "DELAY")
"""Words of NOTIFY (RFC 3461 §4.1)."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What travels with a queued message, beside its body. Addresses in normal form.

    ``author_account`` is 0 when no account here wrote the message: a report, or from elsewhere;
    ``peer`` is the operator it then came from. ``verdict`` holds the words of
    ``message.authentication`` about signature and envelope, as they were found; none for what this
    gateway signed itself. ``envelope_id`` and ``returns`` are ENVID and RET (RFC 3461 §4.3),
    ``requires_tls`` is REQUIRETLS (RFC 8689 §2).
    """

    reverse_path: str | None
    author: str
    author_account: int
    author_role: str
    channel: str
    signature: str
    signer: str
    signer_fingerprint: str
    is_automatic: bool
    closes: bool
    reply_to: tuple[str, ...]
    has_xdm: bool
    verdict: tuple[str, ...] = ()
    envelope_id: str = ""
    returns: str = ""
    requires_tls: bool = False
    peer: str = ""

    def to_bytes(self) -> bytes:
        """As it is sealed."""
        return json.dumps({name: getattr(self, name) for name in _CARRIED}).encode()

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Carried":
        """As an earlier release may have sealed it: fields that came later have their defaults."""
        opened: dict[str, Any] = json.loads(octets)
        for name in ("reply_to", "verdict"):
            opened[name] = tuple(opened.get(name, ()))
        return cls(**opened)


_CARRIED = tuple(each.name for each in fields(Carried))


def evidence(carried: Carried, received_at: int) -> bytes:
    """What was established when a message came in, as it is kept with every copy of it."""
    return json.dumps(
        {
            "signature": carried.signature,
            "signer": carried.signer,
            "signer_address": carried.author,
            "signer_fingerprint": carried.signer_fingerprint,
            "author_account": carried.author_account,
            "author_role": carried.author_role,
            "reverse_path": carried.reverse_path,
            "closes": carried.closes,
            "is_automatic": carried.is_automatic,
            "received_at": received_at,
            "verdict": list(carried.verdict),
        }
    ).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the author wants to hear of one recipient: NOTIFY and ORCPT (RFC 3461 §4.1, §4.2).

    ``notify``: :data:`WORDS`, none when nothing was said. ``original``: type and address as
    decoded from xtext, such as ``rfc822;claire@mss.example``.
    """

    notify: frozenset[str] = frozenset()
    original: str = ""

    def to_bytes(self) -> bytes | None:
        """As it is sealed; None for nothing."""
        if self == NOTHING_ASKED:
            return None
        return json.dumps({"notify": sorted(self.notify), "original": self.original}).encode()

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Asked":
        """What :meth:`to_bytes` gave."""
        opened = json.loads(octets)
        return cls(frozenset(opened["notify"]), opened["original"])


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Destined:
    """One recipient of a message on its way into the queue, and the stage that comes first."""

    address: str
    stage: str = "deliver"
    asked: Asked = NOTHING_ASKED

    @property
    def domain(self) -> str | None:
        """Where it is to be relayed to; None for what is done here."""
        return self.address.rpartition("@")[2] if self.stage == "relay" else None
