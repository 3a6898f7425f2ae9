"""An export written: documents, messages, archives for software, what is said of it all.

What was removed since the list was taken is passed over, and said; so is what does not open any
more. One document or message is in memory at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import IO, Final

from mailbox_store import flags, takeout
from mailbox_store.errors import BlobAltered, MessageNotFound
from mailbox_store.messages import MessageId
from mss_gateway import texts
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, naming, xdm_writing
from mss_gateway.dossier.documents import Document
from mss_gateway.dossier.errors import DocumentNotFound
from mss_gateway.dossier.sealed import digest_of
from mss_gateway.life import export_description, export_xdm, record
from mss_gateway.life.export_description import iso, line
from mss_gateway.life.export_listing import Box, Content, document_path, message_path
from mss_gateway.life.export_package import Gathered, Package
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.summary import Summary

README: Final = "LISEZ-MOI.txt"
DESCRIPTION: Final = "espace.json"


class Lost(Enum):
    """Why something that was in the list is not in the archive."""

    REMOVED = "removed"
    DAMAGED = "damaged"


@dataclass(slots=True)
class Writing:
    """One export being written. ``step`` is called after each thing, and may raise to give up."""

    gateway: Gateway
    patient: Person
    content: Content
    step: Callable[[], None]
    documents: Gathered = field(default_factory=Gathered)
    messages: Gathered = field(default_factory=Gathered)
    left_out: Gathered = field(default_factory=Gathered)
    lost: dict[Lost, int] = field(default_factory=lambda: dict.fromkeys(Lost, 0))
    outside: int = 0
    """Documents in no archive for software: too big for one, or nothing says whose they are."""
    archives: int = 0


def steps_of(content: Content) -> int:
    """How often ``step`` is called: each document is written twice."""
    return 2 * len(content.documents) + content.messages


def write(job: Writing, target: IO[bytes]) -> None:
    """The whole archive."""
    now = int(job.gateway.clock())
    with Package(target) as package:
        _documents(job, package)
        for box in job.content.boxes:
            _messages(job, package, box)
        _archives(job, package, now)
        gathered = (
            ("documents", job.documents.pieces()),
            ("messages", job.messages.pieces()),
            ("left_out", job.left_out.pieces()),
        )
        with package.open(DESCRIPTION, now) as said:
            export_description.write(job.gateway, job.patient, said, gathered)
        package.put(README, readme(job, now).encode(), now)
        package.end(now)


def readme(job: Writing, now: int) -> str:
    """What a person is told who opens the archive, in French."""
    say = texts.text
    day = datetime.fromtimestamp(now, UTC).strftime("%d/%m/%Y")
    name, operator = job.patient.display_name(), job.gateway.config.site.operator
    lines = [
        say("copie.titre", nom=name),
        say("copie.faite", date=day, operateur=operator),
        "",
        say("copie.documents", nombre=str(len(job.content.documents))),
        say("copie.messages", nombre=str(job.content.messages)),
        say("copie.archives") if job.archives else say("copie.sans_archive"),
        say("copie.description"),
        say("copie.empreintes"),
        "",
        say("copie.date_de_la_liste"),
    ]
    for key, count in (
        ("copie.retires", job.lost[Lost.REMOVED]),
        ("copie.abimes", job.lost[Lost.DAMAGED]),
        ("copie.hors_archive", job.outside if job.archives else 0),
    ):
        if count:
            lines.append(say(key, nombre=str(count)))
    lines += ["", say("copie.prudence"), ""]
    return "\r\n".join(lines)


def _documents(job: Writing, package: Package) -> None:
    for number, (document_id, _) in enumerate(job.content.documents, 1):
        _put_document(job, package, document_id, number)
        job.step()


def _put_document(job: Writing, package: Package, document_id: str, number: int) -> None:
    """One document. A function of its own: nothing of it is held while the next one is read."""
    found = _document(job, document_id)
    if isinstance(found, Lost):
        _leave_out(job, found, {"kind": "document", "id": document_id})
        return
    document, content = found
    path = document_path(document, number, job.patient)
    package.put(path, content, catalogue.dated(document))
    job.documents.add(line(export_description.document_fields(document, path)))


def _leave_out(job: Writing, why: Lost, fields: dict[str, object]) -> None:
    job.lost[why] += 1
    job.left_out.add(line(fields | {"why": why.value}))


def _document(job: Writing, document_id: str) -> "tuple[Document, bytes] | Lost":
    account_id = job.patient.account_id
    try:
        with job.gateway.database.read() as view:
            document = catalogue.find(view, account_id, document_id)
            if not record.visible(job.patient, [document]):
                return Lost.REMOVED
            content = catalogue.read_bytes(view, account_id, document_id)
    except DocumentNotFound:
        return Lost.REMOVED
    except BlobAltered:
        return Lost.DAMAGED
    return (document, content) if digest_of(content) == document.digest else Lost.DAMAGED


def _messages(job: Writing, package: Package, box: Box) -> None:
    listed, database = box.listed, job.gateway.database
    with database.read() as view:
        known = flags.keywords(view, listed.mailbox.mailbox_id)
    columns = zip(listed.uids, listed.message_ids, listed.moments, listed.flags, strict=True)
    for uid, message_id, moment, bits in columns:
        fields: dict[str, object] = {"mailbox": listed.mailbox.name, "uid": uid}
        try:
            with database.read() as view:
                taken = takeout.take(view, job.patient.account_id, MessageId(message_id))
        except (MessageNotFound, BlobAltered) as error:
            why = Lost.REMOVED if isinstance(error, MessageNotFound) else Lost.DAMAGED
            _leave_out(job, why, {"kind": "message", **fields})
        else:
            subject = naming.shown_subject(Summary(taken.summary).subject)
            path = message_path(box, uid, moment, subject)
            digest = package.put(path, taken.octets, moment)
            job.messages.add(
                line(
                    fields
                    | {
                        "file": path,
                        "sha256": digest,
                        "octets": len(taken.octets),
                        "received_at": iso(moment),
                        "flags": flags.names(bits, known),
                    }
                )
            )
        job.step()


def _archives(job: Writing, package: Package, now: int) -> None:
    """The documents again, with their metadata, in as many archives as they need."""
    listed, owner = job.content.documents, export_xdm.owner_of(job.patient)
    shared = xdm_writing.in_archives(size for _, size in listed) if owner is not None else []
    within = sum(map(len, shared))
    job.outside = len(listed) - within
    title = texts.text("copie.archive_titre", nom=job.patient.display_name())
    for path, positions in zip(export_xdm.paths(len(shared)), shared, strict=True):
        found = export_xdm.first_and_rest(_found(job, positions))
        if found is None or owner is None:
            continue
        moment = datetime.fromtimestamp(now, UTC)
        with package.open(path, now) as target:
            export_xdm.write(target, found, owner, title, moment, job.gateway.config.site.hostname)
        job.archives += 1
    for _ in range(job.outside):
        job.step()


def _found(job: Writing, positions: range) -> Iterator[tuple[Document, bytes]]:
    """Those that are still there; what is not was counted when the documents were written."""
    for position in positions:
        found = _document(job, job.content.documents[position][0])
        if not isinstance(found, Lost):
            yield found
        del found  # nothing of it is held while the next one is read
        job.step()
