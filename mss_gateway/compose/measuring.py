"""What is measured when it is asked for: the queue, the disk, certificates, the process itself."""

import math
import os
import threading
from typing import Final

from certs.certificate import from_pem
from certs.errors import CertsError
from mailbox_store.database import View
from mailbox_store.vault import AccountId
from mss_gateway.config import Config
from mss_gateway.directory import certificates, people
from mss_gateway.directory.revocation_survey import Survey
from mss_gateway.life import own_certificate
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import space
from mss_gateway.queue import desk

HOUR: Final = 3_600
DAY: Final = 86_400
LASTING_DAYS: Final = 30
"""A certificate that ends sooner wants somebody to look."""

SOON_DAYS: Final = 7
"""A certificate of the server that ends sooner degrades the service."""


def oldest_seconds(gateway: Gateway, view: View) -> int:
    """Age in queue time of the oldest item that nobody holds back; 0 for an empty queue."""
    oldest = [each.oldest for each in desk.depths(view) if each.state != "held"]
    return max(0, gateway.queue_clock.now() - min(oldest)) if oldest else 0


def without_lasting(view: View, now: float) -> list[AccountId]:
    """Holders who receive mail and have no certificate for ``LASTING_DAYS`` more."""
    limit = now + LASTING_DAYS * DAY
    lasting = {
        held.account_id
        for held in certificates.everything(view)
        if held.is_valid(now) and held.not_after > limit
    }
    return [
        person.account_id
        for person in people.everyone(view)
        if person.standing.receives and person.account_id not in lasting
    ]


def server_certificate_end(config: Config) -> float:
    """When the certificate of the listeners ends, in unix seconds; raises OSError, CertsError."""
    first = from_pem(config.in_state(config.tls.certificate).read_bytes())[0]
    return first.not_valid_after_utc.timestamp()


def certificate_seconds(gateway: Gateway) -> float:
    """Until the server's certificate ends; negative afterwards, NaN when it cannot be read."""
    try:
        return server_certificate_end(gateway.config) - gateway.clock()
    except (OSError, CertsError, IndexError):
        return math.nan


def is_certificate_refused(gateway: Gateway, view: View) -> bool:
    """Whether the server's certificate has ended or is revoked, so that nothing leaves by it."""
    try:
        shown = from_pem(gateway.config.in_state(gateway.config.tls.certificate).read_bytes())[0]
    except (OSError, CertsError, IndexError):
        return False  # whether it can be read, ``certificate_days`` says
    return own_certificate.fault(gateway, view, shown) is not None


def disk(config: Config) -> tuple[int, int]:
    """Octets free where the state directory is, and how many must stay so; raises OSError."""
    limits = config.limits
    wanted = space.floor(limits.free_octets, limits.message_octets)
    return space.free(config.state_directory), wanted


def is_whitelist_stale(gateway: Gateway, view: View) -> bool:
    """Whether exchanges with other operators wait for a newer list, where there are any."""
    if gateway.peer_trust is None:
        return False
    hours = gateway.config.whitelist.stale_hours
    return gateway.whitelist(view).is_stale(gateway.clock(), hours)


def fill(gateway: Gateway, view: View) -> None:
    """Put what the store and the machine say into the gateway's gauges."""
    metrics = gateway.metrics
    for gauge in (metrics.queue_depth, metrics.queue_oldest_seconds):
        gauge.clear()  # what nobody waits in any more is not told for ever
    now = gateway.queue_clock.now()
    for each in desk.depths(view):
        metrics.queue_depth.labels(each.state, each.stage).set(each.count)
        age = max(0, now - each.oldest)
        metrics.queue_oldest_seconds.labels(each.state, each.stage).set(age)
    metrics.commits.set(gateway.database.commits)
    metrics.failed_commits.set(gateway.database.failed_commits)
    metrics.store_failed.set(gateway.database.has_failed)
    free, wanted = disk(gateway.config)
    metrics.disk_free.set(free)
    metrics.disk_floor.set(wanted)
    metrics.certificate_days.set(certificate_seconds(gateway) / DAY)
    metrics.certificate_refused.set(is_certificate_refused(gateway, view))
    since = gateway.whitelist(view).age(gateway.clock())
    metrics.whitelist_age_hours.set(-1 if since is None else since / HOUR)
    metrics.whitelist_stale.set(is_whitelist_stale(gateway, view))
    metrics.open_files.set(len(os.listdir("/proc/self/fd")))
    metrics.threads.set(threading.active_count())


def fill_revocation(gateway: Gateway, seen: Survey | None) -> None:
    """What the last round of fetching saw; nothing before the first."""
    if seen is None:
        return
    metrics, passed = gateway.metrics, gateway.clock() - seen.at
    metrics.revocation_oldest_seconds.set(seen.oldest_seconds + max(0.0, passed))
    metrics.revocation_stale.set(seen.stale)
    metrics.revocation_failing.set(seen.failing)
