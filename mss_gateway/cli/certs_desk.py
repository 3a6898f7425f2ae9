"""What the verbs of `mss certs` share: one certificate as a line, the audit, files, a bar."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from certs.certificate import Certificate
from certs.errors import CertsError
from certs.usage import Usage
from mailbox_store.database import Transaction, View
from mss_gateway.cli.answers import Json, NotDone, moment
from mss_gateway.cli.desk import OPERATOR
from mss_gateway.directory import certificates, people
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.people import Person
from mss_gateway.observability import audit

DAY = 86_400

Serial = Annotated[
    str,
    typer.Argument(metavar="SERIAL", help="Serial number or SHA-256 fingerprint, hexadecimal."),
]

USAGES = {
    Usage.SIGN: "sign",
    Usage.ENCRYPT: "encrypt",
    Usage.BOTH: "both",
    Usage(0): "sign-in",
}
"""What a certificate is used for, as people read it; ``sign-in`` is not for mail."""

_Item = TypeVar("_Item")


def certificate_line(held: Held, address: str, now: float) -> dict[str, Json]:
    """A certificate as one line of an answer."""
    reason = held.revocation_reason
    return {
        "serial": held.serial,
        "account": held.account_id,
        "address": address,
        "state": state_of(held, now),
        "usage": USAGES[held.usage],
        "key": "gateway" if held.has_key else "client",
        "provenance": held.provenance.value,
        "not_before": moment(held.not_before),
        "not_after": moment(held.not_after),
        "use_from": moment(held.use_from),
        "replaced": held.replaced_by is not None,
        "revoked_at": moment(held.revoked_at),
        "reason": None if reason is None else reason.value,
    }


def state_of(held: Held, now: float) -> str:
    """``active``, ``revoked``, ``expired`` or ``not yet valid``."""
    if held.state != "active" or held.is_valid(now):
        return held.state
    return "expired" if held.not_after <= now else "not yet valid"


def address_of_held(view: View, held: Held) -> str:
    """The address of the holder."""
    return people.by_account(view, held.account_id).address


def refuse_shared(view: View, certificate: Certificate, person: Person) -> None:
    """Raise NotDone for a key that another mailbox has: one could sign for, and read, the other."""
    others = [
        account_id
        for account_id in certificates.accounts_with_key(view, certificate)
        if account_id != person.account_id
    ]
    if others:
        raise NotDone(
            f"account {others[0]} has this key already: a key belongs to one mailbox; have another"
            " one drawn, and find out how both came by it"
        )


def record(tx: Transaction, what: str, verdict: str) -> None:
    """Put an act of the operator about certificates on record; ``what`` names nobody."""
    audit.record(tx, actor=OPERATOR, act="certificate", object=what, verdict=verdict)


def named(held: Held) -> str:
    """A certificate as the audit names it."""
    return f"account:{held.account_id} certificate:{held.serial}"


def write_whole(path: Path, content: bytes) -> None:
    """Whoever fetches the file sees the former one or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_bytes(content)
    draft.replace(path)


def write_new(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Make a file; raises FileExistsError rather than overwrite one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def password_in(file: Path) -> str:
    """The first line of a file: what follows it, and the end of the line, do not count."""
    with file.open(encoding="utf-8") as lines:
        return lines.readline().rstrip("\r\n")


def in_words(error: CertsError) -> str:
    """What a reason of ``certs`` means, as one line without its class."""
    return str(error).replace("_", " ")


def watched(items: Iterable[_Item], total: int, what: str) -> Iterator[_Item]:
    """The items, with a bar on standard error that shows on a terminal only."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)
