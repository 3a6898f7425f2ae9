"""`mss certs expire`: what ends when, month by month, and what renews itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from certs.book import Provenance
from certs.certificate import from_pem
from certs.errors import DerMalformed
from certs.usage import Purpose
from mailbox_store.database import View
from mss_gateway.cli.answers import Answer, Grid, Json, moment
from mss_gateway.cli.desk import Desk
from mss_gateway.directory import authorities, certificates
from mss_gateway.directory.certificates import Held
from mss_gateway.life.gateway import Gateway

CHART_WIDTH = 40
"""Columns of the longest bar."""

FULL, LIGHT = "█", "░"
"""What somebody has to renew, and what renews itself."""


@dataclass(slots=True)
class Month:
    """One line of the forecast."""

    name: str
    by_itself: int = 0
    by_hand: int = 0

    @property
    def ending(self) -> int:
        """How many end in it."""
        return self.by_itself + self.by_hand


def forecast(
    desk: Desk,
    months: Annotated[int, typer.Option(min=1, max=120, help="Months to look ahead.")] = 12,
) -> Answer:
    """Mailboxes' certificates by month; then authorities, anchors and the server's, by date."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        today = gateway.now()
        end = _after(today, months)
        found = certificates.expiring(view, end.timestamp(), after=gateway.clock())
        lines = _by_month(found, today, months)
        foundations = _foundations(view, gateway)
    rows: list[dict[str, Json]] = [
        {
            "month": one.name,
            "ending": one.ending,
            "by_itself": one.by_itself,
            "by_hand": one.by_hand,
        }
        for one in lines
    ]
    longest = max((one.ending for one in lines), default=0)
    cells = tuple(
        (one.name, str(one.ending), str(one.by_itself), str(one.by_hand), bar(one, longest))
        for one in lines
    )
    grid = Grid(
        ("month", "end", "renew themselves", "by hand", f"{FULL} by hand {LIGHT} by itself"), cells
    )
    below = tuple((str(one["what"]), str(one["not_after"])) for one in foundations)
    return Answer(
        {"months": rows, "foundations": foundations},
        (grid, Grid(("what all of them stand on", "until"), below)),
    )


def bar(month: Month, longest: int) -> str:
    """The month as a bar: at least one column for what there is, the longest one full."""
    parts = ((month.by_hand, FULL), (month.by_itself, LIGHT))
    return "".join(
        sign * max(1, round(count * CHART_WIDTH / longest)) for count, sign in parts if count
    )


def _by_month(found: list[Held], today: datetime, months: int) -> list[Month]:
    """Those without a successor; every month has a line, also when nothing ends in it."""
    lines = {
        name: Month(name)
        for name in (_after(today, number).strftime("%Y-%m") for number in range(months))
    }
    for held in found:
        if held.replaced_by is not None:
            continue
        month = lines[datetime.fromtimestamp(held.not_after, UTC).strftime("%Y-%m")]
        if held.has_key and held.provenance is Provenance.ISSUED_HERE:
            month.by_itself += 1
        else:
            month.by_hand += 1
    return list(lines.values())


def _after(today: datetime, months: int) -> datetime:
    """The first instant of the month so many months from the present one."""
    number = today.year * 12 + today.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _foundations(view: View, gateway: Gateway) -> list[dict[str, Json]]:
    """Authorities, anchors and the server's certificate, the first to end first."""
    ends: list[tuple[str, datetime]] = []
    for number, one in enumerate(authorities.load_authorities(view, gateway.spool)):
        what = "issuing authority" if number == 0 else "former authority"
        ends.append((what, one.issuing.not_valid_after_utc))
    anchors = gateway.trust.anchors(view)
    known = dict.fromkeys(each for purpose in Purpose for each in anchors.of(purpose))
    ends += [
        (f"anchor {each.subject.rfc4514_string()}", each.not_valid_after_utc) for each in known
    ]
    ends += _server(gateway.config.in_state(gateway.config.tls.certificate))
    return [
        {"what": what, "not_after": moment(until.timestamp())}
        for what, until in sorted(ends, key=lambda pair: pair[1])
    ]


def _server(path: Path) -> list[tuple[str, datetime]]:
    try:
        return [("server certificate", from_pem(path.read_bytes())[0].not_valid_after_utc)]
    except (OSError, DerMalformed):
        return []
