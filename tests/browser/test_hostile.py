"""Scripts and addresses that come with what a page shows: none runs, nothing leaves (T40).

Every vector of ``vectors.py`` stands in every field. Twice: what the sanitiser makes of each, with
no policy and no sandbox around it; and whole pages as they are served. Some of the same vectors, as
they came, run in the same browser, which shows that it would have told.
"""

from collections.abc import Callable, Iterator
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from xml.sax.saxutils import escape

from mss_gateway.dossier import facets, listing
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import arrival, record
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.build import OutgoingFile
from mss_gateway.message.sniff import sniff
from mss_gateway.webmail.sanitise import framed
from mss_gateway.webmail.sessions import SESSION_COOKIE
from policies.people import Role
from policies.verdict import Permit
from tests.browser.driving import sessions_of
from tests.browser.vectors import vectors
from tests.support import xdm
from tests.support.people import patient
from tests.support.site import Site

AUTHOR = "luc.garnier@ailleurs.example"
OF_A_MESSAGE = 32
"""Vectors that one message carries in each of its fields."""

CONTROL = 11
"""Every eleventh is shown as it came, which must be noticed."""

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_there_are_enough_of_them() -> None:
    found = vectors()
    assert len(found) == len(set(found)) >= 400


def test_nothing_runs_and_nothing_leaves(site: Site, address: str, drive: Driver) -> None:
    hostile = vectors()
    messages = [hostile[at : at + OF_A_MESSAGE] for at in range(0, len(hostile), OF_A_MESSAGE)]
    for number, some in enumerate(messages):
        _write(site, some, number)
    _send_cda(site, hostile)
    record.deposit(site.gateway, site.camille, [_file(*one) for one in enumerate(hostile)])

    seen = drive(
        "hostile.mjs",
        {
            "base": address,
            "cookie": SESSION_COOKIE,
            "sessions": sessions_of(site),
            "vectors": hostile,
            "cleaned": [framed(vector) for vector in hostile],
            "control": hostile[::CONTROL],
            "messages": len(messages) + 1,
            "threads": 2,
            "documents": _shown(site),
            "groups": messages,
        },
    )

    assert len(seen["control"]) >= 10 and seen["left"] >= 3  # as they came, they do
    assert seen["pages"] >= 2 * len(messages) + 20
    assert seen["alive"] == seen["ran"] == seen["outside"] == []
    assert seen["narrative"] >= len(hostile)
    assert seen["drafts"] == 3
    assert seen["typed"] == len("\n".join(hostile).replace("\0", ""))  # all came back


def _shown(site: Site) -> list[str]:
    """The document that a message brought, and some of the patient's own."""
    with site.gateway.database.read() as view:
        account_id = site.camille.account_id
        own = listing.documents_of(view, account_id, Reader.PATIENT)
        brought = listing.documents_of(view, account_id, Reader.PATIENT, category=Category.BIOLOGY)
        filed = sum(facets.by_category(view, account_id).values())
    assert len(brought) == 1 and brought[0].cda_level
    assert filed > 400
    return [one.document_id for one in (*brought, *own[:: len(own) // 8])]


def _file(number: int, vector: str) -> PlainFile:
    """A text with the vector in its title, and inside when it is still a text then."""
    inside = f"Note {number}, relue le matin.\n{_clean(vector)}\n".encode()
    content = inside if sniff(inside) == "text/plain" else f"Note {number}.\n".encode()
    return PlainFile(content, vector.replace("\n", " "), Category.REPORT, None)


def _clean(text: str) -> str:
    """What a header field and XML can hold of a vector: no control character."""
    return "".join(one for one in text if one.isprintable())


def _write(site: Site, some: list[str], number: int) -> None:
    """One message from elsewhere with every vector of ``some`` in each of its fields."""
    joined = _clean(" ".join(some))
    message = EmailMessage(policy=SMTP)
    message["MIME-Version"] = "1.0"
    message.set_content("\n".join(some), cte="base64")
    layout = "\n".join(f"<div>{one}</div>" for one in some)
    message.add_alternative(layout, subtype="html", cte="base64")
    for order, vector in enumerate(some):
        name = _clean(vector).replace("/", "\u2215")[:120] + ".txt"
        message.add_attachment(f"Note {number} {order}.", filename=name, cte="base64")
    to = parse_address(site.camille.address)
    name = Header(joined[:600], "utf-8").encode(linesep="\r\n")
    subject = Header(joined, "utf-8").encode(linesep="\r\n")
    head = f"From: {name} <{AUTHOR}>\r\nTo: <{to}>\r\nSubject: {subject}\r\n"
    raw = head.encode() + message.as_bytes()
    sent = Arrival(parse_address(AUTHOR), (to,), raw, Role.PROFESSIONAL)
    arrival.accept(site.gateway, sent, lambda _judged, _recipients: Permit(()))
    site.run_queue()


def _send_cda(site: Site, hostile: list[str]) -> None:
    """A document whose title, author and every kind of narrative block hold the vectors."""
    who = patient(0)
    subject = xdm.Subject(
        ins=who.ins,
        birth_name=who.birth_name,
        given=who.given_name,
        birth_date=who.birth_date.replace("-", ""),
        sex=who.sex,
    )
    text = xdm.CdaText(
        subject=subject,
        sections=tuple(_sections([escape(_clean(one), {'"': "&quot;"}) for one in hostile])),
        title=_clean(hostile[0]),
        author_family=_clean(hostile[40]),
        organisation=_clean(hostile[80]),
    )
    archive = OutgoingFile("IHE_XDM.ZIP", "application/zip", xdm.archive_of(xdm.cda_document(text)))
    raw = site.written(site.claire, site.camille, "Archive", "Bonjour.", files=(archive,))
    site.deliver(site.claire, site.camille, raw)


def _sections(hostile: list[str]) -> Iterator[tuple[str, str]]:
    quarter = len(hostile) // 4
    paragraphs, items, cells, links = (
        hostile[at : at + quarter] for at in (0, quarter, 2 * quarter, 3 * quarter)
    )
    yield hostile[1], "".join(f"<paragraph>{one}</paragraph>" for one in paragraphs)
    yield hostile[2], "<list>" + "".join(f"<item>{one}</item>" for one in items) + "</list>"
    rows = "".join(f"<tr><td>{one}</td></tr>" for one in cells)
    yield hostile[3], f"<table><caption>{hostile[4]}</caption><tbody>{rows}</tbody></table>"
    spans = "".join(
        f'<paragraph><linkHtml href="{one}">{one}</linkHtml>'
        f'<content styleCode="{one}">.</content></paragraph>'
        for one in links
    )
    yield hostile[5], spans + "".join(f"<paragraph>{one}</paragraph>" for one in hostile)
