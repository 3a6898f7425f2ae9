"""THE table of capabilities: what is advertised is built, and only when it can be used.

Not here, on purpose: COMPRESS (memory for each connection, and a compressed stream tells of its
content by its length), UNAUTHENTICATE, METADATA (no client asks for it); see ``docs/quirks.md``.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from mss_gateway.imap.sasl import facts_of, offered
from mss_gateway.imap.state import Session, State


class Moment(Enum):
    """When a capability is told."""

    ALWAYS = "always"
    SIGNED_IN = "signed in"


@dataclass(frozen=True, slots=True)
class Capability:
    """One word of CAPABILITY and where it is written."""

    word: bytes
    moment: Moment
    rfc: str


# fmt: off
CAPABILITIES: Final = (
    Capability(b"IMAP4rev1", Moment.ALWAYS, "RFC 3501 §7.2.1"),
    Capability(b"IMAP4rev2", Moment.ALWAYS, "RFC 9051 §6.1.1"),
    Capability(b"LITERAL+", Moment.ALWAYS, "RFC 7888 §5"),
    Capability(b"SASL-IR", Moment.ALWAYS, "RFC 4959 §3"),
    Capability(b"ID", Moment.ALWAYS, "RFC 2971 §3"),
    Capability(b"ENABLE", Moment.ALWAYS, "RFC 5161 §3.1"),
    Capability(b"IDLE", Moment.SIGNED_IN, "RFC 2177 §3"),
    Capability(b"NAMESPACE", Moment.SIGNED_IN, "RFC 2342 §5"),
    Capability(b"UIDPLUS", Moment.SIGNED_IN, "RFC 4315 §2"),
    Capability(b"MOVE", Moment.SIGNED_IN, "RFC 6851 §3"),
    Capability(b"UNSELECT", Moment.SIGNED_IN, "RFC 3691 §2"),
    Capability(b"CHILDREN", Moment.SIGNED_IN, "RFC 3348 §3"),
    Capability(b"SPECIAL-USE", Moment.SIGNED_IN, "RFC 6154 §2"),
    Capability(b"CREATE-SPECIAL-USE", Moment.SIGNED_IN, "RFC 6154 §3"),
    Capability(b"LIST-EXTENDED", Moment.SIGNED_IN, "RFC 5258 §3"),
    Capability(b"LIST-STATUS", Moment.SIGNED_IN, "RFC 5819 §2"),
    Capability(b"STATUS=SIZE", Moment.SIGNED_IN, "RFC 8438 §2"),
    Capability(b"QUOTA", Moment.SIGNED_IN, "RFC 9208 §3.1"),
    Capability(b"QUOTA=RES-STORAGE", Moment.SIGNED_IN, "RFC 9208 §3.1"),
    Capability(b"ACL", Moment.SIGNED_IN, "RFC 4314 §3"),
    Capability(b"RIGHTS=kxte", Moment.SIGNED_IN, "RFC 4314 §5.1.1"),
    Capability(b"CONDSTORE", Moment.SIGNED_IN, "RFC 7162 §3.1"),
    Capability(b"QRESYNC", Moment.SIGNED_IN, "RFC 7162 §3.2"),
    Capability(b"ESEARCH", Moment.SIGNED_IN, "RFC 4731 §3.1"),
    Capability(b"SEARCHRES", Moment.SIGNED_IN, "RFC 5182 §2.1"),
    Capability(b"SORT", Moment.SIGNED_IN, "RFC 5256 §3"),
    Capability(b"SORT=DISPLAY", Moment.SIGNED_IN, "RFC 5957 §1"),
    Capability(b"ESORT", Moment.SIGNED_IN, "RFC 5267 §3.1"),
    Capability(b"THREAD=ORDEREDSUBJECT", Moment.SIGNED_IN, "RFC 5256 §3"),
    Capability(b"THREAD=REFERENCES", Moment.SIGNED_IN, "RFC 5256 §3"),
    Capability(b"WITHIN", Moment.SIGNED_IN, "RFC 5032 §2"),
    Capability(b"MULTIAPPEND", Moment.SIGNED_IN, "RFC 3502 §3"),
    Capability(b"BINARY", Moment.SIGNED_IN, "RFC 3516 §4"),
    Capability(b"UTF8=ACCEPT", Moment.SIGNED_IN, "RFC 6855 §3"),
    Capability(b"OBJECTID", Moment.SIGNED_IN, "RFC 8474 §4"),
    Capability(b"SAVEDATE", Moment.SIGNED_IN, "RFC 8514 §4"),
    Capability(b"PREVIEW", Moment.SIGNED_IN, "RFC 8970 §3"),
)
# fmt: on


def capabilities(session: Session) -> bytes:
    """``CAPABILITY …`` for the state of the connection."""
    is_in = session.state is not State.NOT_AUTHENTICATED
    words = [row.word for row in CAPABILITIES if is_in or row.moment is Moment.ALWAYS]
    if is_in:
        words.append(b"APPENDLIMIT=%d" % session.settings.message_octets)  # RFC 7889 §3
    else:
        if not session.wire.has_tls and session.settings.tls is not None:
            words.append(b"STARTTLS")
        words += offered(facts_of(session)) or [b"LOGINDISABLED"]
    return b" ".join((b"CAPABILITY", *words))
