"""Whether there is room for anything new: asked before a message comes in, by every door."""

from mss_gateway.failures import Failure, Refused
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import space


def demand(gateway: Gateway, channel: str) -> None:
    """Raise Refused with DISK_FULL while less is free than the configuration wants.

    It is counted and not put on record: that would take of the room that is left.
    """
    if has_room(gateway):
        return
    gateway.metrics.refused.labels(Failure.DISK_FULL.value, channel).inc()
    raise Refused(Failure.DISK_FULL)


def has_room(gateway: Gateway) -> bool:
    """Whether new mail may come in as far as the disk is concerned.

    A file system that does not answer is left to the store, which says so when it writes.
    """
    limits = gateway.config.limits
    try:
        free = space.free(gateway.config.state_directory)
    except OSError:
        return True
    return free >= space.floor(limits.free_octets, limits.message_octets)
