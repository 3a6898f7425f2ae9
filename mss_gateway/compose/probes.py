"""What the probes and the metrics show, read from the store when they are asked for."""

from collections.abc import Awaitable, Callable

from mss_gateway.directory.revocation_survey import Survey
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import items


def of(
    gateway: Gateway, seen: Callable[[], Survey | None] = lambda: None
) -> tuple[Callable[[], Awaitable[bytes]], Callable[[], Awaitable[bool]]]:
    """What ``observability.health.build`` asks: the metrics, and whether mail is taken.

    ``seen``: what the last round of fetching saw of revocation, None before the first.
    """

    async def render() -> bytes:
        return await gateway.bridge.run(_render, gateway, seen())

    async def is_ready() -> bool:
        return await gateway.bridge.run(_is_ready, gateway)

    return render, is_ready


def _render(gateway: Gateway, revocation: Survey | None) -> bytes:
    if revocation is not None:
        metrics, passed = gateway.metrics, gateway.clock() - revocation.at
        metrics.revocation_oldest_seconds.set(revocation.oldest_seconds + max(0.0, passed))
        metrics.revocation_stale.set(revocation.stale)
        metrics.revocation_failing.set(revocation.failing)
    with gateway.database.read() as view:
        depth, oldest = items.depth(view)
    for state, count in depth.items():
        gateway.metrics.queue_depth.labels(state).set(count)
    age = 0.0 if oldest is None else max(0.0, gateway.clock() - oldest)
    gateway.metrics.queue_oldest_seconds.set(age)
    gateway.metrics.commits.set(gateway.database.commits)
    return gateway.metrics.render()


def _is_ready(gateway: Gateway) -> bool:
    """The writer stands and the store can be read."""
    if gateway.database.has_failed:
        return False
    with gateway.database.read() as view:
        items.depth(view)
    return True
