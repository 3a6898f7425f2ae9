"""`mss audit`: the last acts of the journal, and the proof that its chain holds."""

from typing import Annotated

import typer

from mss_gateway.cli.answers import Answer, Json, listing, moment
from mss_gateway.cli.desk import Desk
from mss_gateway.observability import audit

TAIL = 20


def tail(
    desk: Desk,
    count: Annotated[int, typer.Option("-n", min=1, help="How many acts.")] = TAIL,
) -> Answer:
    """The last acts, oldest first."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        acts = audit.tail(view, count)
    rows = [
        {
            "seq": row.seq,
            "at": moment(row.at),
            "actor": row.actor,
            "act": row.act,
            "object": row.object,
            "verdict": row.verdict,
            "message_ref": row.message_ref,
        }
        for row in acts
    ]
    return listing(rows, {key: key for key in rows[0]} if rows else {}, "Nothing was done yet.")


def verify(
    desk: Desk,
    kept: Annotated[
        str, typer.Option("--head", help="A head kept from an earlier day: SEQ:HASH.")
    ] = "",
) -> Answer:
    """The whole chain. A cut tail shows only against a head that was kept elsewhere."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        count, broken = audit.verify(view, _head(kept) if kept else None)
        head = audit.head(view)
    written = f"{head.seq}:{head.hash.hex()}"
    value: dict[str, Json] = {
        "rows": count,
        "head": written,
        "holds": broken is None,
        "broken_at": None if broken is None else broken.seq,
        "why": None if broken is None else broken.why,
    }
    if broken is None:
        return Answer(value, (f"The chain of {count} acts holds.", f"Its head: {written}"))
    return Answer(value, (f"The chain breaks at act {broken.seq}: {broken.why}.",), 1)


def _head(text: str) -> audit.Head:
    seq, _, digest = text.partition(":")
    try:
        return audit.Head(int(seq), bytes.fromhex(digest))
    except ValueError:
        raise typer.BadParameter("a head is SEQ:HASH, as `mss audit verify` prints it") from None
