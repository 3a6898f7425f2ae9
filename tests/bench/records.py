"""The pages of a patient with little and with very much: record and inbox, CPU and octets of each.

In this process, without a socket: a session of the webmail on records and inboxes of growing size.
Filing: an archive of two megabytes, from its octets to its COMMIT.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mailbox_store.database import Transaction
from mss_gateway.directory.people import Person
from mss_gateway.dossier import catalogue, filing, xdm
from mss_gateway.dossier.documents import Category, Way
from mss_gateway.dossier.filing import Origin, PlainFile
from mss_gateway.dossier.sealed import SealedDocument
from mss_gateway.webmail.app import build
from tests.bench import filling
from tests.bench.measuring import spread
from tests.support import site as sites
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import signed_in
from tests.support.xdm import CdaText, archive_of, cda_document

SIZES = (10, 1_000, 100_000)
PAGES = {
    "record": "/dossier",
    "record by arrival": "/dossier?ordre=arrivee",
    "record of a category": f"/dossier?categorie={Category.BIOLOGY.value}",
    "inbox": "/messages/recus",
    "home": "/accueil",
}
IN_A_GROUP = 500
FIRST_DAY = 1_600_000_000
DAY = 86_400
AUTHORS = 40
"""Depositors of a record, whose names a page offers to choose from."""
XDM_OCTETS = 2_000_000


def rows(runs: int, share: float) -> Iterator[dict[str, Any]]:
    """Each page at each size, the cost of the largest over that of the smallest; then filing."""
    least: dict[str, float] = {}
    for size in SIZES:
        count = max(10, int(size * share))
        with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
            _fill(site, count)
            browser = signed_in(build(site.gateway), site, site.camille)
            for name, path in PAGES.items():
                figures = _page(browser, path, runs)
                median = figures["cpu_ms"]["median"]
                ratio = round(median / least.setdefault(name, median), 3)
                yield {"page": name, "holds": count, **figures, "over_the_smallest": ratio}
    yield _filing(runs)


def _page(browser: Browser, path: str, runs: int) -> dict[str, Any]:
    browser.get(path)
    taken: list[float] = []
    for _ in range(max(3, runs)):
        gc.collect()
        before = time.process_time()
        for _ in range(20):
            answer = browser.get(path)
        taken.append((time.process_time() - before) / 20 * 1000)
        assert answer.status == 200, path
    return {"cpu_ms": spread(taken), "octets": len(answer.content)}


def _fill(site: Site, count: int) -> None:
    filling.into(site.gateway, site.claire, site.camille, count)
    account = site.camille.account_id
    categories = list(Category)
    group: list[SealedDocument] = []
    with site.gateway.database.read() as view:
        for number in range(count):
            file = PlainFile(
                b"document %d\n" % number,
                f"Compte rendu numéro {number}",
                categories[number % len(categories)],
                FIRST_DAY + number * 600,
            )
            now, name = FIRST_DAY + number, f"Dr Numéro {number % AUTHORS}"
            origin = Origin(site.gateway.new_ref(), "", name, "", "", now)
            group.append(filing.prepare_file(view, account, file, origin, now, Way.DEPOSITED))
            if len(group) == IN_A_GROUP:
                site.gateway.database.write(partial(_add, group))
                group = []
    site.gateway.database.write(partial(_add, group))


def _add(group: list[SealedDocument], tx: Transaction) -> None:
    for one in group:
        catalogue.add(tx, one)


def _filing(runs: int) -> dict[str, Any]:
    taken = []
    with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
        for number in range(max(3, runs) + 1):
            noise = b"%PDF-1.7\n" + number.to_bytes(4, "big") * (XDM_OCTETS * 3 // 16)
            said = CdaText(pdf=noise, unique_id=f"1.2.{number}.1", set_id=f"1.2.{number}")
            content = archive_of(cda_document(said))
            taken.append(_timed(partial(_file, site, site.camille, content)) * 1000)
    return {"filing": "an XDM", "octets": XDM_OCTETS, "cpu_ms": spread(taken[1:])}


def _timed(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _file(site: Site, patient: Person, content: bytes) -> None:
    gateway = site.gateway
    origin = Origin(gateway.new_ref(), "1.2", "Dr Essai", "", "valid", int(gateway.clock()))
    archive = xdm.examine(content)
    with gateway.database.read() as view:
        made = filing.prepare_archive(view, patient.account_id, archive, origin, FIRST_DAY)
    gateway.database.write(lambda tx: filing.file_archive(tx, made))
