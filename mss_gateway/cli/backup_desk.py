"""What the verbs of `mss backup` share: for whom, by which key, where, and a bar of progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from certs.certificate import Certificate, from_pem
from certs.errors import AlgorithmRefused, DerMalformed, PrivateKeyNotFound
from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from certs.receiver import new_receiver
from mss_gateway.backup import folder, opening, retention
from mss_gateway.backup.errors import BackupRefused, Damaged
from mss_gateway.backup.folder import Folder
from mss_gateway.backup.opening import Opener
from mss_gateway.cli.answers import NotDone
from mss_gateway.cli.certs_desk import password_in
from mss_gateway.cli.desk import Desk
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.life.gateway import Gateway

RECIPIENTS: Final = "backup"
"""Folder of the state directory with the certificates that backups are for (``*.pem``)."""

OWN_KEY: Final = "recipient.key"
OWN_CERTIFICATE: Final = "recipient.pem"
OWN_YEARS: Final = 30


def certificates(files: list[Path]) -> list[Certificate]:
    """The first certificate of each file; raises NotDone for a file without."""
    found: list[Certificate] = []
    for file in files:
        try:
            found.append(from_pem(file.read_bytes())[0])
        except DerMalformed:
            raise NotDone(f"{file}: no certificate in PEM") from None
    return found


def own_recipients(own: Path, settings: Config, now: datetime) -> list[Certificate]:
    """Those of the state directory; with none there, a pair is made, to be moved away."""
    files = sorted(own.glob("*.pem"))
    if not files:
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
        key, certificate = new_receiver(f"backup {settings.site.hostname}", now, OWN_YEARS)
        files = [own / OWN_CERTIFICATE]
        export_for_client(key, [certificate], own / OWN_KEY, files[0])
    return certificates(files)


def own_key(desk: Desk) -> Path:
    """The key that a create without recipients made, where it has not been moved away."""
    try:
        path = desk.config().in_state(RECIPIENTS) / OWN_KEY
    except ConfigRefused:
        path = None
    if path is None or not path.exists():
        raise typer.BadParameter("needed: a recipient's private key", param_hint="--key")
    return path


def opener(place: Folder, key: Path, password_file: Path | None) -> Opener:
    """What opens the backup with the private key of a file; raises NotDone."""
    pem = key.read_bytes()
    try:
        if password_file is None:
            found = PrivateKey.load_pem(pem)
        else:
            found = PrivateKey.load_encrypted_pem(pem, password_in(password_file).encode())
    except PrivateKeyNotFound as error:
        raise NotDone(f"{key}: {error} (--key-password-file for one under a password)") from None
    return opening.opener(place, found, pem)


def there(where: Path, keys_in: Path | None) -> Folder:
    """A folder that holds a backup; raises NotDone when it does not."""
    place = Folder.at(where, keys_in)
    if not place.is_backup and not place.snapshots():
        raise NotDone(f"{where} holds no backup")
    return place


def entries(place: Folder, name: str) -> Iterator[folder.Entry]:
    """The files of a snapshot; raises BackupRefused for a list that was altered."""
    try:
        yield from place.entries(name)
    except Damaged as error:
        raise BackupRefused(f"snapshots/{name}.list: {error}; run `mss backup verify`") from None


def octets(place: Folder) -> int:
    """What a bar of progress ends at: octets of units, each once."""
    with retention.seen() as seen:
        try:
            return sum(
                entry.octets
                for name in place.snapshots()
                for entry in place.entries(name)
                if seen.add(entry.unit)
            )
        except Damaged:
            return 0


def store_octets(gateway: Gateway) -> int:
    """What a bar of progress of a create ends at: the size of the database."""
    with gateway.database.read() as view:
        pages: int = view.sql("PRAGMA page_count").scalar_one()
        octets: int = view.sql("PRAGMA page_size").scalar_one()
    return pages * octets


@contextmanager
def told() -> Iterator[None]:
    """Refusals of the backup in the words of the command line."""
    try:
        yield
    except BackupRefused as error:
        raise NotDone(str(error)) from None
    except Damaged as error:
        raise NotDone(f"the backup is damaged ({error}): run `mss backup verify`") from None
    except AlgorithmRefused as error:
        raise NotDone(f"a recipient's certificate cannot receive: {error}") from None


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar of octets, on a terminal only."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(what, total=total or None)
        yield lambda octets: progress.advance(task, octets)
