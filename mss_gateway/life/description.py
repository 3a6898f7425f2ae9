"""X-MSS-INS and X-MSS-CODECDA as the archives of a message warrant them, and X-MSS-NIL.

What an author's program wrote there is compared with the documents (domain CIT-18 to CIT-20). What
the gateway signs is made right, or refused, as the configuration says. What the author signed keeps
the fields that it has: a difference is refused or noted, a product that is not named is added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mss_gateway.config import Config
from mss_gateway.directory.people import Person
from mss_gateway.dossier import xdm
from mss_gateway.dossier.errors import XdmHashMismatch, XdmUnreadable
from mss_gateway.dossier.examination import cda_codes, headers_of, is_ins_qualified
from mss_gateway.dossier.identity import accepted_oids
from mss_gateway.dossier.xdm import Archive
from mss_gateway.failures import Failure, Refused
from mss_gateway.life.judgement import Judged
from mss_gateway.message import attachments, mss_fields
from mss_gateway.message.mss_fields import Comparison, Described
from mss_gateway.message.part import Message
from mss_gateway.observability import log
from policies.facts import SignatureStatus
from policies.people import Role

ARCHIVES_LIMIT: Final = 8
"""Archives of one message that are read for this; a message concerns one person (domain CIT-16)."""

_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Mending:
    """What becomes of a header: fields to take out, by names in lower case, and fields to add."""

    removed: frozenset[str]
    added: tuple[tuple[str, str], ...]


def mend(config: Config, judged: Judged, author: Person, message_ref: str) -> Mending:
    """The fields that this submission must lose and get; raises Refused(FIELDS_DIFFER).

    Where an archive cannot be read nothing is known to be in it.
    """
    header = judged.message.header
    described = describe(judged.message, accept_test_ins=config.identity.accept_test_ins)
    found = mss_fields.compare(header, described)
    is_own = judged.status is not SignatureStatus.ABSENT
    removed, added = set[str](), dict[str, str]()
    if found.wrong or (is_own and found.missing):
        _object(config, found, message_ref, is_own=is_own)
    if not is_own:
        names = {*found.wrong, *found.missing}
        removed |= {name.lower() for name in found.wrong}
        wanted = mss_fields.expected(described)
        added |= {name: value for name, value in wanted.items() if name in names}
    if author.role is not Role.PATIENT and not mss_fields.has_product(header):
        if not is_own:
            removed.add(mss_fields.NIL.lower())
        if not is_own or header.first(mss_fields.NIL.lower()) is None:
            added[mss_fields.NIL] = config.site.product_number
    return Mending(frozenset(removed), tuple(added.items()))


def describe(message: Message, *, accept_test_ins: bool) -> Described:
    """What the message's IHE_XDM archives hold, together."""
    oids = accepted_oids(accept_test_ins=accept_test_ins)
    codes, qualified = dict[str, None](), list[bool]()
    for archive in _archives(message):
        headers = headers_of(archive)
        if headers:
            codes |= dict.fromkeys(cda_codes(headers))
            qualified.append(is_ins_qualified(headers, oids))
    return Described(bool(codes), tuple(codes), bool(qualified) and all(qualified))


def _archives(message: Message) -> Iterator[Archive]:
    """Those that can be read; of what is no zip only the first octets are decoded."""
    left = ARCHIVES_LIMIT
    for attachment in attachments.attachments(message):
        if attachment.part.message is not None or not left:
            continue
        if not attachment.part.decoded_head(message.raw, len(_ZIP)).startswith(_ZIP):
            continue
        packed = attachment.content()
        if not xdm.is_xdm_name(attachment.claimed_name) and not xdm.looks_like_xdm(packed):
            continue
        left -= 1
        try:
            yield xdm.examine(packed)
        except (XdmUnreadable, XdmHashMismatch):
            continue


def _object(config: Config, found: Comparison, message_ref: str, *, is_own: bool) -> None:
    """Refuse where the configuration says so; what is only missing is never a reason to."""
    if found.wrong and config.submission.fields == "refuse":
        raise Refused(Failure.FIELDS_DIFFER, ", ".join(found.wrong))
    if is_own:
        names = ", ".join((*found.wrong, *found.missing))
        log.note(
            "fields of what its author signed say something else than its documents",
            stage="submission",
            message_ref=message_ref,
            failure=names,
        )
