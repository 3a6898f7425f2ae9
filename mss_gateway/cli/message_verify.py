"""`mss message verify REF`: a verdict reached again from what was kept when the message came in."""

from typing import Annotated

import typer

from mailbox_store.database import View
from mailbox_store.errors import BlobAltered
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway import texts
from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, cell, moment
from mss_gateway.cli.desk import OPERATOR, Desk
from mss_gateway.life import proof
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.proof import Again
from mss_gateway.message.authentication import SIGNATURES
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.observability import audit

COPIES = 100
"""Mailboxes of which the copy is judged, at most."""

HOLDS = "holds"


def verify(
    desk: Desk,
    ref: Annotated[str, typer.Argument(metavar="REF", help="The message's reference.")],
) -> Answer:
    """The copy of every mailbox that has it; no content is shown, and the act is on record."""
    message_ref = ref.strip().lower()
    with desk.gateway() as gateway:
        with gateway.database.read() as view:
            copies = _copies(view, message_ref)
            if not copies:
                raise NotDone("no mailbox has a message of this reference (any more)")
            lines = [_line(gateway, view, *copy, message_ref) for copy in copies]
        verdict = _verdict([line["holds"] for line in lines])
        gateway.database.write(
            lambda tx: audit.record(
                tx,
                actor=OPERATOR,
                act="verify",
                object=f"{len(lines)} copies",
                verdict=verdict,
                message_ref=message_ref,
            )
        )
    columns = ("account", "at", "then", "now", "content", "anchor", "holds")
    rows = tuple(tuple(cell(line[key]) for key in columns) for line in lines)
    sentences = dict.fromkeys(str(line["sentence"]) for line in lines)
    return Answer(lines, (Grid(columns, rows), *sentences), 0 if verdict == HOLDS else 1)


def _verdict(holds: list[Json]) -> str:
    """Of all copies: one that does not hold counts, one that nobody can judge here does not."""
    if False in holds:
        return "does not hold"
    return HOLDS if True in holds else "cannot be told"


def _copies(view: View, message_ref: str) -> list[tuple[AccountId, MessageId]]:
    rows = view.sql(
        "SELECT account_id, message_id FROM messages WHERE message_ref = ?"
        " ORDER BY message_id LIMIT ?",
        (message_ref, COPIES),
    )
    return [(AccountId(row[0]), MessageId(row[1])) for row in rows.fetchall()]


def _line(
    gateway: Gateway, view: View, account_id: AccountId, message_id: MessageId, message_ref: str
) -> dict[str, Json]:
    try:
        again = proof.again(gateway, view, account_id, message_id, message_ref)
    except (BlobAltered, MessageMalformed) as error:
        raise NotDone(f"the copy of account {account_id} is damaged ({error})") from None
    return {
        "account": account_id,
        "at": moment(again.at.timestamp()),
        "then": again.then or None,
        "now": again.now.value,
        "cause": again.cause or None,
        "content": _content(again),
        "anchor": None
        if again.anchor_is_believed is None
        else ("believed" if again.anchor_is_believed else "believed no more"),
        "signer": list(again.signer),
        "answers": [
            None if each is None else {"kind": each.kind, "sha256": each.digest}
            for each in again.answers
        ],
        "holds": again.holds,
        "sentence": texts.text(SIGNATURES[again.now].text),
    }


def _content(again: Again) -> str | None:
    if again.is_same_content is None:
        return None
    return "as it was signed" if again.is_same_content else "altered"
