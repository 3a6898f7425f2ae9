"""`mss certs trust`: authorities that are believed; nobody is by one slip."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from certs.certificate import Certificate, Facts, facts, from_der, from_pem
from certs.errors import DerMalformed
from certs.usage import Purpose
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Answer, Json, NotDone, listing, moment, sheet
from mss_gateway.cli.certs_desk import record
from mss_gateway.cli.desk import OPERATOR, Desk
from mss_gateway.directory import trust
from mss_gateway.directory.trust import AnchorState, KeptAnchor

For = Literal["mail", "signature", "encryption", "client", "server"]

PURPOSES: dict[str, tuple[Purpose, ...]] = {
    "mail": (Purpose.SIGNATURE, Purpose.ENCRYPTION),
    **{each.value: (each,) for each in Purpose},
}
"""What an authority is believed for; ``mail`` is signature and encryption."""

FINGERPRINT_DIGITS = 64
SHORTEST = 8
"""Digits of a fingerprint that are enough to look an anchor up; to move it, all are."""

MAX_OCTETS = 1024 * 1024
"""Largest file of an authority's certificate."""

Purposes = Annotated[For, typer.Option("--for", help="What it is believed for.")]


def add(
    desk: Desk,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", exists=True, dir_okay=False, help="Its certificate."),
    ] = None,
    confirm: Annotated[
        str, typer.Option(metavar="FINGERPRINT", help="Second step: believe what was proposed.")
    ] = "",
    purpose: Purposes = "mail",
) -> Answer:
    """Propose an authority, or believe one that was proposed."""
    if (file is None) == (not confirm):
        raise typer.BadParameter("say either a FILE, first, or --confirm FINGERPRINT, then")
    if file is None:
        return _move(desk, whole(confirm), purpose, trust.activate, "anchor believed")
    certificate = _one_of(file)

    def propose(tx: Transaction) -> list[KeptAnchor]:
        made = [trust.propose(tx, each, certificate, OPERATOR) for each in PURPOSES[purpose]]
        record(tx, f"anchor:{made[0].fingerprint}", f"anchor proposed for {purpose}")
        return made

    with desk.gateway() as gateway:
        made = gateway.database.write(propose)
    line = _line(made[0], [one.purpose for one in made])
    spaced = pairs(made[0].fingerprint)
    after = (
        "Nobody is believed yet. Compare the fingerprint with what the authority publishes by a way"
        " other than this file, then:",
        f"  mss certs trust add --confirm {made[0].fingerprint} --for {purpose}",
    )
    return Answer(line, (*sheet({**line, "fingerprint": spaced}).shown, *after))


def list_all(
    desk: Desk,
    with_removed: Annotated[
        bool, typer.Option("--all", help="Also those that were believed once.")
    ] = False,
) -> Answer:
    """Who is believed for what, and what is proposed."""
    with desk.gateway() as gateway, gateway.database.read() as view:
        kept = trust.listing(view)
        believed = {(one.purpose, one.fingerprint) for one in trust.active(view)}
        rows = [
            _configured(purpose, known)
            for purpose, known in gateway.trust.anchors(view).listing()
            if (purpose, known.fingerprint) not in believed
        ]
    rows += [
        _line(one, [one.purpose])
        for one in kept
        if with_removed or one.state is not AnchorState.REMOVED
    ]
    columns = {
        "purpose": "for",
        "state": "state",
        "subject": "authority",
        "not_after": "not after",
        "fingerprint": "SHA-256",
    }
    return listing(rows, columns, "Nobody is believed.")


def remove(
    desk: Desk,
    fingerprint: Annotated[
        str, typer.Argument(metavar="[FINGERPRINT]", help="Whole, or its first 8 digits and more.")
    ] = "",
    confirm: Annotated[
        str, typer.Option(metavar="FINGERPRINT", help="Second step: the whole fingerprint.")
    ] = "",
    purpose: Purposes = "mail",
) -> Answer:
    """Show who would be believed no more, or do it."""
    if bool(fingerprint) == bool(confirm):
        raise typer.BadParameter("say either a FINGERPRINT, first, or --confirm FINGERPRINT, then")
    if confirm:
        return _move(desk, whole(confirm), purpose, trust.remove, "anchor removed")
    beginning = plain(fingerprint)
    if len(beginning) < SHORTEST:
        raise typer.BadParameter(f"at least {SHORTEST} digits of the fingerprint")
    with desk.gateway() as gateway, gateway.database.read() as view:
        found = _standing(view, beginning, purpose)
        line = _line(found[0], [one.purpose for one in found])
    after = (
        "Nothing has changed. To believe it no more, from the next message on:",
        f"  mss certs trust remove --confirm {found[0].fingerprint} --for {purpose}",
    )
    return Answer({**line, "removed": False}, (*sheet(line).shown, *after))


def whole(text: str) -> str:
    """A fingerprint of 64 digits without its colons; wrong usage when it is a part, or none."""
    digits = plain(text)
    if len(digits) != FINGERPRINT_DIGITS or set(digits) - set("0123456789abcdef"):
        raise typer.BadParameter("the whole SHA-256 fingerprint: 64 hexadecimal digits")
    return digits


def plain(text: str) -> str:
    """Without colons, spaces and capitals."""
    return text.replace(":", "").replace(" ", "").lower()


def pairs(digits: str) -> str:
    """A fingerprint as people compare it: AB:CD:…"""
    capitals = digits.upper()
    return ":".join(capitals[at : at + 2] for at in range(0, len(capitals), 2))


def _move(
    desk: Desk,
    digits: str,
    purpose: For,
    move: Callable[[Transaction, Purpose, str, str], KeptAnchor],
    verdict: str,
) -> Answer:
    def unit(tx: Transaction) -> list[KeptAnchor]:
        moved = [move(tx, each, digits, OPERATOR) for each in PURPOSES[purpose]]
        record(tx, f"anchor:{digits}", f"{verdict} for {purpose}")
        return moved

    with desk.gateway() as gateway:
        moved = gateway.database.write(unit)
    return sheet(_line(moved[0], [one.purpose for one in moved]))


def _one_of(file: Path) -> Certificate:
    """The one certificate of a file, in PEM or DER; raises NotDone."""
    if file.stat().st_size > MAX_OCTETS:
        raise NotDone("the file is too big for an authority's certificate")
    source = file.read_bytes()
    try:
        found = from_pem(source) if b"-----BEGIN" in source else (from_der(source),)
    except DerMalformed:
        raise NotDone("no certificate in this file") from None
    if len(found) != 1:
        raise NotDone("several certificates in this file: each authority is added by itself")
    return found[0]


def _standing(view: View, beginning: str, purpose: For) -> list[KeptAnchor]:
    found = [
        one
        for one in trust.listing(view)
        if one.state is not AnchorState.REMOVED
        and one.purpose in PURPOSES[purpose]
        and one.fingerprint.startswith(beginning)
    ]
    if not found:
        raise NotDone(
            "no authority of this fingerprint was added for this purpose; what the file of"
            " certificates.anchors names is removed there"
        )
    if len({one.fingerprint for one in found}) > 1:
        raise NotDone("several authorities begin so: give more digits")
    return found


def _line(one: KeptAnchor, purposes: Sequence[Purpose]) -> dict[str, Json]:
    known = facts(one.certificate)
    return {
        "purpose": ", ".join(each.value for each in purposes),
        "state": one.state.value,
        "subject": known.subject,
        "not_after": moment(known.not_after.timestamp()),
        "fingerprint": one.fingerprint,
        "proposed_at": moment(one.proposed_at),
        "activated_at": moment(one.activated_at),
        "removed_at": moment(one.removed_at),
    }


def _configured(purpose: Purpose, known: Facts) -> dict[str, Json]:
    return {
        "purpose": purpose.value,
        "state": "configured",
        "subject": known.subject,
        "not_after": moment(known.not_after.timestamp()),
        "fingerprint": known.fingerprint,
        "proposed_at": None,
        "activated_at": None,
        "removed_at": None,
    }
