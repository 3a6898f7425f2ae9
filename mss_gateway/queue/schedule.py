"""When an attempt is tried again: pure arithmetic on seconds of queue time."""

EXPIRY_SECONDS = 5 * 24 * 3600
"""An item is given up after five days (RFC 5321 §4.5.4.1), where the configuration says nothing."""

CERTIFICATE_SECONDS = 24 * 3600
"""What waits for a certificate, or for news of its revocation, is given up after a day: its author
must learn that nobody has read it."""

_DELAYS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400)


def next_attempt(
    attempts: int, entered_at: int, now: int, spread: float, patience: int = EXPIRY_SECONDS
) -> int | None:
    """When to try again after ``attempts`` failures, or None when ``patience`` seconds are up.

    ``spread`` in [0, 1) moves the moment by up to a fifth, so that many items that failed together
    do not come back together.
    """
    if now - entered_at >= patience:
        return None
    delay = _DELAYS[min(attempts, len(_DELAYS)) - 1] if attempts else 0
    return now + int(delay * (1.0 + spread / 5.0))


def closed_for(failures: int, spread: float) -> int:
    """Seconds for which a destination is left in peace after ``failures`` vain tries in a row.

    Shorter than an item's own delays: one probe in its interval costs next to nothing, and many
    wait for it.
    """
    delay = _PROBES[min(max(failures, 1), len(_PROBES)) - 1]
    return int(delay * (1.0 + spread / 5.0))


_PROBES = (5, 15, 30, 60, 120, 300, 600)
