"""`mss doctor`: one line for each thing that must be well, and the exit code for a timer."""

import time
from collections.abc import Callable, Iterator

from certs.certificate import from_pem
from certs.errors import CertsError
from certs.sealing import RootKey
from certs.usage import Purpose
from mailbox_store import integrity, segments
from mailbox_store.database import View
from mss_gateway.cli import doctor_notices, doctor_transport, errors
from mss_gateway.cli.answers import Answer, Grid, Json
from mss_gateway.cli.desk import Desk, has_store
from mss_gateway.cli.doctor_checks import Check, until
from mss_gateway.compose import measuring
from mss_gateway.compose.tls import server_tls
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.directory import certificates
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import desk as waiting

QUEUE_SECONDS = 900
"""Age of the oldest due item above which something keeps it from leaving."""

INDEX_LAG = 20_000
"""Messages that may wait for the text index: some minutes of its work."""

FREE_OCTETS = 1024**3
"""Room that the disk should have, and never less than twice what mail is refused for."""


def examine(desk: Desk) -> Answer:
    """Everything, even after something was found; nothing is made or mended."""
    settings = desk.config()
    checks = [*_files(settings)]
    if has_store(settings):
        checks += _inside(desk)
    else:
        checks.append(Check("store", False, "none yet: `mss people add` or `mss serve` makes it"))
    is_healthy = all(check.is_well for check in checks)
    lines: list[dict[str, Json]] = [
        {"check": check.name, "well": check.is_well, "line": check.line} for check in checks
    ]
    rows = tuple(
        ("well" if check.is_well else "NOT WELL", check.name, check.line) for check in checks
    )
    verdict = "Healthy." if is_healthy else "Not healthy."
    value: dict[str, Json] = {"healthy": is_healthy, "checks": lines}
    return Answer(value, (Grid(("", "", ""), rows), verdict), 0 if is_healthy else 1)


def _files(settings: Config) -> Iterator[Check]:
    """What can be seen without opening the store."""
    yield _guarded("state directory", lambda: _state_directory(settings))
    yield _guarded("root key", lambda: _root_key(settings))
    yield _guarded("server certificate", lambda: _server_certificate(settings))
    yield _guarded("disk", lambda: _disk(settings))


def _inside(desk: Desk) -> list[Check]:
    """What the store says; one line when it does not open."""
    try:
        with desk.gateway() as gateway, gateway.database.read() as view:
            return [
                Check("store", True, "opens"),
                _schema(view),
                _trust(gateway, view),
                _mailbox_certificates(gateway, view),
                _shared_keys(view),
                _revocation(gateway, view),
                _queue(gateway, view),
                _text_index(view),
                *doctor_transport.examine(gateway, view),
                *doctor_notices.examine(gateway, view),
            ]
    except Exception as error:
        return [Check("store", False, errors.explain(error)[1])]


def _guarded(name: str, look: Callable[[], tuple[bool, str]]) -> Check:
    try:
        is_well, line = look()
    except (OSError, CertsError, ConfigRefused) as error:
        is_well, line = False, errors.explain(error)[1]
    return Check(name, is_well, line)


def _state_directory(settings: Config) -> tuple[bool, str]:
    mode = settings.state_directory.stat().st_mode & 0o777
    if mode & 0o077:
        return False, f"{settings.state_directory} is open to others ({mode:o}): chmod 700"
    return True, str(settings.state_directory)


def _root_key(settings: Config) -> tuple[bool, str]:
    path = settings.in_state(settings.state.root_key)
    RootKey.load(path)
    return True, f"{path} can be read, by its owner only"


def _server_certificate(settings: Config) -> tuple[bool, str]:
    server_tls(settings)
    first = from_pem(settings.in_state(settings.tls.certificate).read_bytes())[0]
    return until(first.not_valid_after_utc.timestamp(), time.time())


def _disk(settings: Config) -> tuple[bool, str]:
    free, floor = measuring.disk(settings)
    mebioctet = 1024**2
    line = f"{free // mebioctet} MiB free; below {floor // mebioctet} MiB new mail is told to wait"
    return free >= max(FREE_OCTETS, 2 * floor), line


def _schema(view: View) -> Check:
    current, newest = integrity.schema(view)
    return Check("schema", current == newest, f"at step {current}, newest {newest}")


def _trust(gateway: Gateway, view: View) -> Check:
    anchors = gateway.trust.anchors(view).of(Purpose.SIGNATURE)
    if not anchors:
        return Check("trust anchors", False, "none: nothing that is signed can be believed")
    authority = certificates.load_authority(view, gateway.spool)
    ends = [one.not_valid_after_utc.timestamp() for one in anchors]
    if authority is not None:
        if authority.root not in anchors:
            return Check("trust anchors", False, "the gateway's own authority is not among them")
        ends.append(authority.issuing.not_valid_after_utc.timestamp())
    is_well, line = until(min(ends), gateway.clock())
    return Check("trust anchors", is_well, f"{len(anchors)}, {line}")


def _revocation(gateway: Gateway, view: View) -> Check:
    """Fresh answers for whatever may be asked about; without them mail waits, or is not green."""
    from mss_gateway.compose import refresher

    seen = refresher.freshness(gateway, view, gateway.own)
    if not seen.lines and not seen.unserved:
        return Check("revocation", True, "nobody else's answers are needed")
    line = f"{len(seen.lines)} sources, {seen.stale} stale, {seen.failing} failing"
    return Check("revocation", not seen.stale, line)


def _shared_keys(view: View) -> Check:
    """No two mailboxes have the same key: each could read, and sign, for the other."""
    shared = certificates.duplicates(view)
    if not shared:
        return Check("keys", True, "none stands in certificates of two mailboxes")
    accounts = ", ".join(
        "+".join(str(account_id) for account_id in each.accounts) for each in shared
    )
    return Check("keys", False, f"the same in several mailboxes (accounts {accounts}): renew them")


def _mailbox_certificates(gateway: Gateway, view: View) -> Check:
    """Every holder who receives has a certificate that lasts."""
    missing = measuring.without_lasting(view, gateway.clock())
    days = measuring.LASTING_DAYS
    if not missing:
        return Check("mailbox certificates", True, f"every holder has one for {days} days")
    named = ", ".join(str(account_id) for account_id in missing[:10])
    return Check(
        "mailbox certificates",
        False,
        f"{len(missing)} holders without one for {days} days (accounts {named}): `mss certs issue`",
    )


def _queue(gateway: Gateway, view: View) -> Check:
    """Time that the service did not run makes nothing old: it is the queue's own."""
    count = sum(each.count for each in waiting.depths(view))
    age = measuring.oldest_seconds(gateway, view)
    return Check("queue", age <= QUEUE_SECONDS, f"{count} items, the oldest is {age} s old")


def _text_index(view: View) -> Check:
    """Far behind, or with segments that do not open, searches read instead: right, but slow."""
    totals = segments.totals(view)
    is_well = totals.lag <= INDEX_LAG and not totals.damaged
    line = f"{totals.lag} messages behind, {totals.damaged} of {totals.segments} segments damaged"
    return Check("text index", is_well, line)
