"""The pages of a patient with little and with very much: CPU and octets of each, and filing.

In this process, without a socket: sessions of the webmail on records and mailboxes of growing size,
measured in turn, so that a busy machine is busy for all of them. Half of the messages are with one
correspondent, the others with forty. Filing: an archive of two megabytes, from its octets to its
COMMIT, into the smallest and into the largest record.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from mailbox_store import mailboxes, messages
from mailbox_store.database import MailboxId, Transaction, View
from mailbox_store.flags import SEEN
from mailbox_store.messages import Arrival
from mailbox_store.threads import Correspondents
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, filing, xdm
from mss_gateway.dossier.documents import Category, Way
from mss_gateway.dossier.filing import Origin, PlainFile
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.life import index, record_index, threads
from mss_gateway.life.threads import Party
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue.carried import Carried, evidence
from mss_gateway.webmail import reading, thread_reading
from mss_gateway.webmail.app import build
from mss_gateway.webmail.views import dossier as records_view
from mss_gateway.webmail.views import message_search as search_view
from policies.people import Role
from tests.bench.measuring import spread
from tests.support import site as sites
from tests.support.asgi import Browser
from tests.support.people import DOMAIN as MSS_DOMAIN
from tests.support.site import Site
from tests.support.webmail import signed_in
from tests.support.xdm import CdaText, archive_of, cda_document

SIZES = (10, 1_000, 100_000)
PAGES = {
    "record": "/dossier",
    "record by arrival": "/dossier?ordre=arrivee",
    "record of a category": f"/dossier?categorie={Category.BIOLOGY.value}",
    "search of the record, a word of all": "/dossier?mots=compte",
    "search of the record, a word of one": "/dossier?mots=aiguille",
    "inbox": "/messages/recus",
    "thread": "/messages/fils/{thread}",
    "message": "/messages/recus/{uid}",
    "search of messages, a word of all": "/messages/recherche?q=bonjour",
    "search of messages, a word of one": "/messages/recherche?q=aiguille",
    "home": "/accueil",
}
FULL, TEN = "full pages", "ten lines a page"
LINES = ((reading, "PAGE"), (thread_reading, "PAGE"), (records_view, "PAGE"),
         (records_view, "FOUND"), (search_view, "PAGE"))  # fmt: skip
"""How many lines the pages have. A page of ten lines costs less than one of fifty: whether what is
not shown costs anything is seen with ten lines at every size."""
PAGES_A_RUN = 20
IN_A_GROUP = 500
IN_THE_FIRST = 10
"""Messages in the first thread besides: it fills ten lines at every size."""
FIRST_DAY = 1_600_000_000
AUTHORS = 40
"""Depositors of a record, whose names a page offers to choose from, and correspondents."""
XDM_OCTETS = 2_000_000

Made = Callable[[Transaction], None]


@dataclass(frozen=True, slots=True)
class Held:
    """A patient who holds so many documents and messages, signed in."""

    count: int
    site: Site
    browser: Browser
    thread: int

    def visit(self, path: str) -> int:
        """Octets of a page."""
        path = path.format(thread=self.thread, uid=self.count)
        answer = self.browser.get(path)
        assert answer.status == 200, path
        return len(answer.content)


def rows(runs: int, share: float) -> Iterator[dict[str, Any]]:
    """Each page at each size, the cost of each size over that of the smallest; then filing."""
    with ExitStack() as stack:
        held = []
        for size in SIZES:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            site = stack.enter_context(sites.opened(folder))
            started = time.perf_counter()
            held.append(_held(site, max(10, int(size * share))))
            yield {"filled": held[-1].count, "seconds": round(time.perf_counter() - started, 1)}
        for name, path in PAGES.items():
            for row in _page(name, path, held, max(5, runs)):
                yield row | {"lines": FULL}
            with _lines(10):
                for row in _page(name, path, held, max(5, runs)):
                    yield row | {"lines": TEN}
        yield from _filing([held[0], held[-1]], max(5, runs))


@contextmanager
def _lines(count: int) -> Iterator[None]:
    shipped = [getattr(module, name) for module, name in LINES]
    for module, name in LINES:
        setattr(module, name, count)
    try:
        yield
    finally:
        for (module, name), number in zip(LINES, shipped, strict=True):
            setattr(module, name, number)


def _page(name: str, path: str, held: list[Held], runs: int) -> Iterator[dict[str, Any]]:
    octets = [one.visit(path) for one in held]
    taken: list[list[float]] = [[] for _ in held]
    for _ in range(runs):
        for one, times in zip(held, taken, strict=True):
            gc.collect()
            before = time.process_time()
            for _ in range(PAGES_A_RUN):
                one.visit(path)
            times.append((time.process_time() - before) / PAGES_A_RUN * 1000)
    for one, times, size in zip(held, taken, octets, strict=True):
        # the least of each: what others do on the machine only ever adds
        ratio = round(min(times) / min(taken[0]), 3)
        figures = {"cpu_ms": spread(times), "octets": size, "over_the_smallest": ratio}
        yield {"page": name, "holds": one.count} | figures


def _filing(held: list[Held], runs: int) -> Iterator[dict[str, Any]]:
    for one in held:
        taken = []
        for number in range(runs + 1):
            noise = b"%PDF-1.7\n" + Random(number).randbytes(XDM_OCTETS * 3 // 4)
            said = CdaText(pdf=noise, unique_id=f"1.2.{number}.1", set_id=f"1.2.{number}")
            content = archive_of(cda_document(said))
            before = time.process_time()
            _file(one.site, one.site.camille, content)
            taken.append((time.process_time() - before) * 1000)
        yield {
            "filing": "an XDM",
            "octets": len(content),
            "holds": one.count,
            "cpu_ms": spread(taken[1:]),
        }


def _file(site: Site, patient: Person, content: bytes) -> None:
    gateway = site.gateway
    origin = Origin(gateway.new_ref(), "1.2", "Dr Essai", "", "valid", int(gateway.clock()))
    archive = xdm.examine(content)
    with gateway.database.read() as view:
        made = filing.prepare_archive(view, patient.account_id, archive, origin, FIRST_DAY)
    gateway.database.write(lambda tx: filing.file_archive(tx, made))


def _held(site: Site, count: int) -> Held:
    _put(site, count, partial(_documents, site))
    _put(site, count + IN_THE_FIRST, partial(_messages, site, _correspondents(site)))
    database = site.gateway.database
    while index.index_batch(database, _at_once).messages:
        index.tidy(database, site.camille.account_id, _at_once, is_thorough=False)
    while record_index.index_batch(database, site.gateway.renderer, _at_once).documents:
        record_index.tidy(database, site.gateway.renderer, site.camille.account_id, _at_once)
    with database.read() as view:
        thread = view.sql(
            "SELECT min(thread_id) FROM threads WHERE account_id = ?", (site.camille.account_id,)
        ).scalar_one()
    return Held(count, site, signed_in(build(site.gateway), site, site.camille), thread)


def _at_once() -> None:
    """Nobody else is here."""


def _put(site: Site, count: int, made: Callable[[range], list[Made]]) -> None:
    """Write ``count`` of something, so many in a transaction."""
    for first in range(0, count, IN_A_GROUP):
        units = made(range(first, min(count, first + IN_A_GROUP)))
        site.gateway.database.write(partial(_each, units))


def _each(units: list[Made], tx: Transaction) -> None:
    for unit in units:
        unit(tx)


def _documents(site: Site, numbers: range) -> list[Made]:
    with site.gateway.database.read() as view:
        return [partial(_add, _document(site, view, number)) for number in numbers]


def _document(site: Site, view: View, number: int) -> SealedDocument:
    categories = list(Category)
    file = PlainFile(
        b"document %d\n" % number,
        f"Compte rendu numéro {number}" if number else "Aiguille",
        categories[number % len(categories)],
        FIRST_DAY + number * 600,
    )
    now, name = FIRST_DAY + number, f"Dr Numéro {number % AUTHORS}"
    origin = Origin(site.gateway.new_ref(), "", name, "", "", now)
    account = site.camille.account_id
    return filing.prepare_file(view, account, file, origin, now, Way.DEPOSITED)


def _add(made: SealedDocument, tx: Transaction) -> None:
    catalogue.add(tx, made)


def _correspondents(site: Site) -> list[tuple[Correspondents, bytes]]:
    """Threads, and what was established of the messages in them."""
    found = []
    account = site.camille.account_id
    with site.gateway.database.read() as view:
        for number in range(AUTHORS):
            one = Party(f"docteur{number}@{MSS_DOMAIN}", f"Dr Numéro {number}")
            thread = threads.of_received(view, account, Role.PROFESSIONAL.name, "valid", one)
            found.append((thread, evidence(_carried(one), FIRST_DAY)))
    return found


def _correspondent(number: int) -> int:
    """Ten messages in the first thread, then one in each, then half of them in the first."""
    if number < IN_THE_FIRST or (number >= IN_THE_FIRST + AUTHORS and number % 2):
        return 0
    return number % AUTHORS


def _carried(author: Party) -> Carried:
    return Carried(
        reverse_path=author.address,
        author=author.address,
        author_account=0,
        author_role=Role.PROFESSIONAL.name,
        channel="submission",
        signature="valid",
        signer=author.name,
        signer_fingerprint="",
        is_automatic=False,
        closes=False,
        reply_to=(),
        has_xdm=False,
    )


def _messages(
    site: Site, correspondents: list[tuple[Correspondents, bytes]], numbers: range
) -> list[Made]:
    account = site.camille.account_id
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, account, "INBOX").mailbox_id
        seal = view.vault.account(view, account)
    units: list[Made] = []
    for number in numbers:
        who = _correspondent(number)
        thread, established = correspondents[who]
        raw = _letter(who, number, site.camille.address)
        sealed = messages.seal_arrival(
            seal, account, site.gateway.new_ref(), raw, summarise(scan(raw)), established
        )
        units.append(partial(_append, inbox, replace(sealed, thread=thread), number))
    return units


def _append(inbox: MailboxId, arrival: Arrival, number: int, tx: Transaction) -> None:
    messages.append(tx, inbox, arrival, number % 4 and SEEN, FIRST_DAY + number * 600)


def _letter(who: int, number: int, to: str) -> bytes:
    rare = "aiguille" if not number else f"mesure{number}"
    return (
        f"From: Dr <docteur{who}@{MSS_DOMAIN}>\r\nTo: <{to}>\r\nSubject: Bilan {number}\r\n"
        f"Date: Sun, 22 Nov 2026 08:00:00 +0100\r\nMessage-ID: <{number}@bench.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
        f"Bonjour,\r\n\r\nvoici les résultats de l'examen, {rare}, à lire ensemble.\r\n"
    ).encode()
