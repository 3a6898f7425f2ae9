"""`mss people import-mailbox`: a mailbox at another operator's, brought into one of ours."""

import asyncio
import ssl
import stat
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from mailbox_store.errors import MailboxNameRefused, OverQuota
from mailbox_store.names import normal_name
from mss_gateway.cli.answers import Answer, NotDone, complain
from mss_gateway.cli.desk import Desk, person_of
from mss_gateway.cli.errors import REFUSED, SYSTEM
from mss_gateway.cli.import_report import bar, report
from mss_gateway.cli.people import Who
from mss_gateway.directory.people import Person
from mss_gateway.imap.upstream.conversation import Account
from mss_gateway.imap.upstream.errors import RemoteLost, RemoteRefused
from mss_gateway.imap.upstream.folders import FolderUnknown, Wishes
from mss_gateway.imap.upstream.importing import Choices, Import
from mss_gateway.imap.upstream.link import Link
from mss_gateway.imap.upstream.tally import Tally
from mss_gateway.life.gateway import Gateway
from policies.people import Role, Standing

TLS_PORT, CLEAR_PORT = 993, 143

AGAIN = "run the same command again: it goes on where it stopped"


Host = Annotated[str, typer.Option(help="The other operator's IMAP server.")]
Login = Annotated[str, typer.Option(help="The login there.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its password, mode 0600; without it, asked for."),
]
Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="993 with TLS, else 143.")]
Starttls = Annotated[
    bool, typer.Option("--starttls/--tls", help="TLS after or before the greeting.")
]
CaFile = Annotated[
    Path | None, typer.Option(metavar="PEM", help="Authorities to believe, not the system's.")
]
InsecureLoopback = Annotated[
    bool, typer.Option("--insecure-loopback", help="No TLS, to this machine only; for trials.")
]
Only = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only this one; may be repeated.")
]
Excluded = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Not this one; may be repeated.")
]
Renamed = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="REMOTE=LOCAL", help="Where one goes; may be repeated."),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only what arrived there on that day or later."),
]
SkipDeleted = Annotated[
    bool, typer.Option("--skip-deleted", help="Leave what is flagged as deleted.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Also folders that were numbered anew; this doubles.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would come.")]


def bring(
    desk: Desk,
    who: Who,
    host: Host,
    login: Login,
    password_file: PasswordFile = None,
    port: Port = None,
    is_starttls: Starttls = False,
    ca_file: CaFile = None,
    insecure_loopback: InsecureLoopback = False,
    folder: Only = None,
    exclude: Excluded = None,
    renamed: Renamed = None,
    since: Since = None,
    skip_deleted: SkipDeleted = False,
    again: Again = False,
    dry_run: DryRun = False,
) -> Answer:
    """Bring what is not here yet, folder by folder."""
    wishes = Wishes(tuple(folder or ()), tuple(exclude or ()), _renamed(renamed or []))
    choices = Choices(wishes, since.date() if since else None, skip_deleted, again, dry_run)
    if insecure_loopback and (is_starttls or ca_file is not None):
        raise typer.BadParameter("--insecure-loopback is the contrary of --starttls and --ca-file")
    tls = None if insecure_loopback else _trust(ca_file)
    with desk.gateway() as gateway:
        person = _receiver(gateway, who)
        account = Account(
            host=_one_word(host, "--host"),
            port=port or (CLEAR_PORT if is_starttls or insecure_loopback else TLS_PORT),
            login=_one_line(login, "--login"),
            password=_password(password_file),
            tls=tls,
            is_starttls=is_starttls,
        )
        return _run(gateway, person, account, choices)


def _run(gateway: Gateway, person: Person, account: Account, choices: Choices) -> Answer:
    tally = Tally()
    code, error = 0, ""
    with bar(tally) as watch:
        work = Import(gateway, person, Link(account), choices, tally, watch)
        try:
            asyncio.run(work.run())
        except FolderUnknown as unknown:
            raise NotDone(
                f"there is no remote folder {unknown}; --dry-run lists those there are"
            ) from None
        except RemoteRefused as refusal:
            raise NotDone(f"{account.host}: {refusal}") from None
        except RemoteLost as lost:
            code, error = SYSTEM, f"{account.host}: {lost}"
        except KeyboardInterrupt:
            code, error = REFUSED, "interrupted"
        except OverQuota:
            code, error = REFUSED, "the mailbox here is full; `mss people quota` gives it room"
    if error:
        complain(f"{error}; {AGAIN}")
    elif not tally.is_whole and not choices.is_dry:
        code = REFUSED
    return report(person, tally, code, error, is_dry=choices.is_dry)


def _receiver(gateway: Gateway, who: str) -> Person:
    """Whose mailbox it becomes; NotDone for those that take no old messages."""
    with gateway.database.read() as view:
        person = person_of(view, who, gateway.config)
    if person.role is Role.PATIENT:
        raise NotDone("a patient's mailbox holds what was delivered here, nothing else")
    if person.standing in (Standing.CLOSED, Standing.OPPOSED):
        raise NotDone(f"the account is {person.standing.value}, and stays so")
    return person


def _renamed(pairs: list[str]) -> tuple[tuple[str, str], ...]:
    """``Remote=Local``; the last ``=`` divides, because ours are the names that can be chosen."""
    found = []
    for pair in pairs:
        remote, sign, local = pair.rpartition("=")
        if not sign or not remote or "%" in local or "*" in local:
            raise typer.BadParameter("--map wants REMOTE=LOCAL, without % or * in LOCAL")
        try:
            found.append((remote, normal_name(local)))
        except MailboxNameRefused:
            raise typer.BadParameter(f"--map: no folder can be called {local!r}") from None
    return tuple(found)


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates and names are always verified; by the system's authorities or the file's."""
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except FileNotFoundError:
        raise NotDone(f"{ca_file}: no such file") from None
    except ssl.SSLError:
        raise NotDone(f"{ca_file}: no certificate in it; it is to be in PEM") from None


def _password(file: Path | None) -> str:
    if file is None:
        if not sys.stdin.isatty():
            raise typer.BadParameter("--password-file is needed where nobody can be asked")
        return _one_line(typer.prompt("Password there", hide_input=True, err=True), "the password")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise NotDone(f"{file}: others may read it; chmod 600 first")
    try:
        written = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise NotDone(f"{file}: not UTF-8") from None
    return _one_line(written.removesuffix("\n").removesuffix("\r"), str(file))


def _one_line(text: str, what: str) -> str:
    is_said = text.encode("utf-8", "ignore").decode() == text
    if not text or not is_said or any(sign in text for sign in "\r\n\0"):
        raise NotDone(f"{what}: one line of UTF-8, and not an empty one")
    return text


def _one_word(text: str, what: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise typer.BadParameter(f"{what} is the name or address of one server")
    return text
