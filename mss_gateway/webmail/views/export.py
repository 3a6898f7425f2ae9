"""« Copie de mon espace »: ask for it, see how far it is, take it, let it go."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response, StreamingResponse

from mss_gateway.dossier.sealed_file import SealedFileDamaged
from mss_gateway.life import export
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import log
from mss_gateway.webmail import files
from mss_gateway.webmail.headers import FILE_POLICY
from mss_gateway.webmail.visit import Visit, go_to, require_fresh

PLACE: Final = "/compte/export"


def page(visit: Visit) -> Response:
    """Whether there is a copy, how far it is, or the button that asks for one."""
    found = export.of_patient(visit.gateway, visit.patient)
    return visit.page(
        "exporter.html",
        copy=found,
        is_ready=found is not None and found.is_ready(visit.gateway.clock()),
        days=visit.gateway.config.dossier.export_days,
    )


def ask(visit: Visit) -> Response:
    """Have one made, once a second factor was given lately."""
    require_fresh(visit, PLACE)
    export.ask(visit.gateway, visit.patient)
    return go_to(PLACE)


def file(visit: Visit) -> Response:
    """The copy itself, opened while it is sent: 1 MiB of it in memory at a time."""
    require_fresh(visit, PLACE)
    taken = export.take(visit.gateway, visit.patient)
    day = datetime.fromtimestamp(taken.export.ready_at, UTC).strftime("%Y-%m-%d")
    return StreamingResponse(
        _pulled(visit.gateway, taken.pieces),
        media_type="application/zip",
        headers={
            "Content-Length": str(taken.export.octets),
            "Content-Disposition": files.disposition(f"espace-sante-{day}.zip"),
            "Content-Security-Policy": FILE_POLICY,
        },
    )


def drop(visit: Visit) -> Response:
    """Let it go, made or not."""
    export.drop(visit.gateway, visit.patient, visit.form.get("copie"))
    return go_to(f"{PLACE}?fait=copie_supprimee")


async def _pulled(gateway: Gateway, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is opened on a thread of the pages; a damaged one cuts the answer short."""
    try:
        while piece := await gateway.bridge.run_page(next, pieces, b""):
            yield piece
    except SealedFileDamaged as error:
        log.bug("export", error, channel="webmail")
        raise
