"""One export made, from its beginning to its end: content sealed on the disk, then the row.

What is not whole is removed on every way out; what a kill leaves is removed by the next start.
"""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from mailbox_store.database import Transaction
from mss_gateway.directory import people
from mss_gateway.directory.notice_kinds import Kind
from mss_gateway.directory.people import Person
from mss_gateway.dossier import exports, sealed_file
from mss_gateway.dossier.exports import MOST_ATTEMPTS, Export, Why
from mss_gateway.failures import Refused
from mss_gateway.life import export_writing, notices, record
from mss_gateway.life.export import note, partial_file, whole
from mss_gateway.life.export_listing import Content, take_stock
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import space
from policies.facts import RecordAction

DAY: Final = 86_400
TOLD: Final = 50
"""How often an export tells how far it is, at most: each time is a commit."""

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SPARE: Final = 16 * 1024 * 1024  # directory of the zip, descriptions, what sealing adds


class NoRoom(Exception):
    """Less would be free than the store needs."""


class Dropped(Exception):
    """Its patient wants it no more."""


def make(gateway: Gateway, export: Export, pace: Callable[[], None]) -> bool:
    """Make one copy from its beginning; whether it is ready. ``pace`` is called after each thing.

    What can be told to the patient is in the row afterwards. What ``pace`` raises, and StoreError,
    come out: then the row stands as it was begun.
    """
    try:
        why = _made(gateway, export, pace)
    except Dropped:
        _remove(gateway, export)
        return False
    except BaseException:
        _remove(gateway, export)
        raise
    if why is None:
        return True
    _remove(gateway, export)
    gateway.database.write(partial(exports.fail, export=export, why=why))
    gateway.metrics.exports.labels(why.value).inc()
    return False


def _made(gateway: Gateway, export: Export, pace: Callable[[], None]) -> Why | None:
    if export.attempts >= MOST_ATTEMPTS:
        return Why.FAULT
    with gateway.database.read() as view:
        patient = people.by_account(view, export.account_id)
    try:
        record.permit(gateway, patient, patient.account_id, RecordAction.EXPORT)
    except Refused:
        return Why.NOT_ALLOWED
    key = gateway.database.write(lambda tx: exports.begin(tx, export))
    if key is None:
        raise Dropped
    content = take_stock(gateway.database, patient)
    try:
        _leave_room(gateway, content.octets + _SPARE)
        octets = _written(gateway, patient, export, content, key, pace)
    except NoRoom:
        return Why.NO_ROOM
    except OSError as error:
        if error.errno in _NO_ROOM:
            return Why.NO_ROOM
        raise
    _settle(gateway, patient, export, octets)
    return None


def _written(
    gateway: Gateway,
    patient: Person,
    export: Export,
    content: Content,
    key: bytes,
    pace: Callable[[], None],
) -> int:
    """The file, whole and durable; its length in clear."""
    path = partial_file(gateway, export)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    step = _steps(gateway, export, export_writing.steps_of(content), pace)
    job = export_writing.Writing(gateway, patient, content, step)
    name = bytes.fromhex(export.export_id)
    with sealed_file.Writing(path, name, key, lambda more: _leave_room(gateway, more)) as target:
        export_writing.write(job, target)  # type: ignore[arg-type]  # all that a zip asks of a file
        octets = target.end()
    try:
        path.rename(whole(gateway, export))
    except FileNotFoundError:  # whoever dropped it has tidied up
        raise Dropped from None
    _flush(path.parent)
    return octets


def _steps(
    gateway: Gateway, export: Export, total: int, pace: Callable[[], None]
) -> Callable[[], None]:
    """What is called after each thing: rests, and now and then says how far it is."""
    done, between = 0, max(1, -(-total // TOLD))

    def step() -> None:
        nonlocal done
        pace()
        done += 1
        if done % between == 0:
            told = partial(exports.tell, export=export, done=done, total=total)
            if not gateway.database.write(told):
                raise Dropped

    return step


def _settle(gateway: Gateway, patient: Person, export: Export, octets: int) -> None:
    lasts = gateway.config.dossier.export_days * DAY

    def unit(tx: Transaction) -> bool:
        is_wanted = exports.finish(tx, export, octets, lasts)
        if is_wanted:
            notices.announce(gateway, tx, patient.account_id, Kind.EXPORT)
            note(tx, patient, export, "export ready", actor="system")
        return is_wanted

    if not gateway.database.write(unit):
        raise Dropped
    gateway.metrics.exports.labels("ready").inc()


def _leave_room(gateway: Gateway, more: int) -> None:
    """Raise NoRoom unless the store keeps what it needs when so many octets more are written."""
    limits = gateway.config.limits
    floor = space.floor(limits.free_octets, limits.message_octets)
    if space.free(gateway.config.state_directory) < floor + more:
        raise NoRoom


def _remove(gateway: Gateway, export: Export) -> None:
    for path in (partial_file(gateway, export), whole(gateway, export)):
        path.unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
