"""`mss backup`: the state copied, proved and brought back, for keys that need not be here."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from mailbox_store.database import Transaction
from mss_gateway.backup import create as creating
from mss_gateway.backup import folder, retention
from mss_gateway.backup import restore as restoring
from mss_gateway.backup import verify as verifying
from mss_gateway.backup.create import Kept, Source
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.keytable import Beside
from mss_gateway.backup.proof import Restored
from mss_gateway.backup.units import Made
from mss_gateway.cli.answers import Answer, Grid, Json, listing, moment, sheet
from mss_gateway.cli.backup_desk import (
    OWN_KEY,
    RECIPIENTS,
    certificates,
    entries,
    octets,
    opener,
    own_key,
    own_recipients,
    progress,
    store_octets,
    there,
    told,
)
from mss_gateway.cli.desk import OPERATOR, Desk
from mss_gateway.life import export
from mss_gateway.observability import audit

KeysIn = Annotated[
    Path | None,
    typer.Option("--keys-in", metavar="DIR", help="Where key tables lie, if not in it."),
]
Key = Annotated[
    Path | None,
    typer.Option("--key", metavar="KEY.pem", help="A recipient's private key, PEM."),
]
KeyPassword = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Its first line is the key's password."),
]
Where = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]


def create(
    desk: Desk,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the backup.")],
    recipient: Annotated[
        list[Path] | None,
        typer.Option(metavar="CERT.pem", help="Whose key opens it; several are fine."),
    ] = None,
    keys_in: KeysIn = None,
    keep: Annotated[int, typer.Option(min=0, help="Snapshots that stay; 0: all.")] = 0,
    keep_keys: Annotated[int, typer.Option(min=1, help="Days that a key table stays.")] = 35,
) -> Answer:
    """Take a snapshot beside a server that may be running."""
    with desk.gateway() as gateway, told():
        settings = gateway.config
        recipients = certificates(recipient or [])
        own = settings.in_state(RECIPIENTS)
        if not recipients:
            recipients = own_recipients(own, settings, gateway.now())
        place = Folder.at(to, keys_in)
        beside = Beside(
            settings.state_directory,
            settings.in_state(settings.state.root_key),
            desk.config_file,
            (
                *(to, place.keys, own / OWN_KEY, settings.in_state(export.FOLDER)),
                *settings.state_directory.glob("store.db*"),
            ),
        )
        source = Source(gateway.database, beside, version("mss-gateway"))
        with progress("snapshot", store_octets(gateway)) as advance:
            made = creating.create(
                source, place, recipients, gateway.clock(), Kept(keep, keep_keys), advance
            )
        gateway.database.write(lambda tx: _record(tx, made))
    return _made(made, own / OWN_KEY)


def verify(
    desk: Desk,
    where: Where,
    key: Key = None,
    key_password_file: KeyPassword = None,
    keys_in: KeysIn = None,
) -> Answer:
    """Every file of every snapshot; with the key, every frame opened."""
    del desk
    place = there(where, keys_in)
    with told(), folder.held(place, alone=False):
        by = None if key is None else opener(place, key, key_password_file)
        with progress("verify", octets(place)) as advance:
            report = verifying.verify(place, by, advance)
    value: dict[str, Json] = {
        "whole": report.is_whole,
        "opened": report.opened,
        "snapshots": list(report.snapshots),
        "without_key_table": list(report.without_keys),
        "units": report.units,
        "octets": report.octets,
        "damaged": [{"file": each.file, "what": each.what} for each in report.complaints],
    }
    lines = ["The backup is whole." if report.is_whole else "The backup is damaged."]
    if not report.opened:
        lines.append("Looked at without a key: what was forged on purpose needs --key to be found.")
    if report.without_keys:
        lines.append(
            "No key table for these snapshots, whose data alone cannot be restored: "
            + ", ".join(report.without_keys)
        )
    found = tuple((each.file, each.what) for each in report.complaints)
    shown = (Grid(("file", "what"), found),) if found else ()
    return Answer(value, (*lines, *shown), 0 if report.is_whole else 1)


def restore(
    desk: Desk,
    where: Where,
    into: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="An empty folder: the state directory.")
    ],
    key: Key = None,
    key_password_file: KeyPassword = None,
    snapshot: Annotated[str, typer.Option(metavar="NAME", help="Else the newest.")] = "",
    key_table: Annotated[
        str, typer.Option(metavar="NAME", help="By the key table of another snapshot.")
    ] = "",
    keys_in: KeysIn = None,
) -> Answer:
    """Bring a snapshot back, proved."""
    place = there(where, keys_in)
    with told():
        chosen = restoring.choose(place, snapshot, key_table)
        by = opener(place, key or own_key(desk), key_password_file)
        total = sum(entry.octets for entry in place.entries(chosen.snapshot))
        with progress("restore", total) as advance:
            restored = restoring.restore(place, chosen, into, by, advance)
    return _brought_back(restored, into)


def list_all(desk: Desk, where: Where, keys_in: KeysIn = None) -> Answer:
    """Snapshots, oldest first; needs no key."""
    del desk
    place = there(where, keys_in)
    kept = place.key_tables()
    rows: list[dict[str, Json]] = []
    with told(), retention.seen() as seen:
        for name in place.snapshots():
            listed = list(entries(place, name))
            own = sum(entry.octets for entry in listed if seen.add(entry.unit))
            rows.append(
                {
                    "snapshot": name,
                    "taken_at": moment(folder.moment_of(name).timestamp()),
                    "units": len(listed),
                    "octets": sum(entry.octets for entry in listed),
                    "added_octets": own,
                    "key_table": name in kept,
                    "restorable": any(each >= name for each in kept),
                }
            )
    columns = {
        "snapshot": "SNAPSHOT",
        "octets": "OCTETS",
        "added_octets": "ADDED",
        "units": "UNITS",
        "key_table": "KEY TABLE",
        "restorable": "RESTORABLE",
    }
    return listing(rows, columns, "No snapshot here.")


# --- what is said --------------------------------------------------------------------------------


def _made(made: Made, own_key: Path) -> Answer:
    lines = [f"Snapshot {made.snapshot} of site {made.site} is made."]
    if made.missing:
        lines.append(
            f"{made.missing} chunks of bodies were missing in the store: run `mss store verify`."
        )
    if own_key.exists():
        lines.append(
            f"The key that opens it is still here, in {own_key}: move it to another place, offline."
            " Without it nobody restores, and with it beside the store it protects nothing."
        )
    value: dict[str, Json] = {
        "snapshot": made.snapshot,
        "site": made.site,
        "bodies": made.bodies,
        "rows": made.rows,
        "units": made.units,
        "written_units": made.written_units,
        "written_octets": made.written_octets,
        "key_table_octets": made.key_octets,
        "missing_chunks": made.missing,
        "removed": list(made.removed),
        "removed_key_tables": list(made.removed_key_tables),
    }
    return sheet(value, *lines)


def _brought_back(restored: Restored, into: Path) -> Answer:
    # a body of an account that was erased does not open: that is what erasure is
    is_whole = not restored.faults and (not restored.unopened or restored.closed > 0)
    lines = [f"Snapshot {restored.snapshot} is restored into {into}, by the keys of"
             f" {restored.key_table}."]  # fmt: skip
    if restored.closed:
        lines.append(
            f"{restored.closed} accounts have no key in this key table (erased since, when it is"
            f" newer than the snapshot); {restored.unopened} bodies are unreadable for it."
        )
    elif restored.unopened:
        lines.append(f"{restored.unopened} bodies do not open: run `mss store verify --open`.")
    if restored.faults:
        lines.append(f"Not whole, as in the snapshot: {', '.join(restored.faults)}.")
    value: dict[str, Json] = {
        "snapshot": restored.snapshot,
        "key_table": restored.key_table,
        "site": restored.site,
        "into": str(into),
        "accounts": restored.accounts,
        "messages": restored.messages,
        "documents": restored.documents,
        "bodies": restored.bodies,
        "octets": restored.octets,
        "files": restored.files,
        "closed_accounts": restored.closed,
        "unopened_bodies": restored.unopened,
        "faults": list(restored.faults),
        "whole": is_whole,
    }
    return sheet(value, *lines, code=0 if is_whole else 1)


def _record(tx: Transaction, made: Made) -> None:
    what = f"snapshot:{made.snapshot} site:{made.site}"
    audit.record(tx, actor=OPERATOR, act="backup", object=what, verdict="made")
