"""`mss doctor` on mail between operators: what it rests on, and what somebody held back."""

from certs.certificate import Certificate, from_pem, host_names
from certs.errors import CertsError, ChainReason
from certs.usage import PURPOSES, Purpose, extended_usages
from mailbox_store.database import View
from mss_gateway.cli.doctor_checks import Check, until
from mss_gateway.directory import dkim_keys
from mss_gateway.directory.whitelist import Freshness, freshness
from mss_gateway.life import own_certificate
from mss_gateway.life.gateway import Gateway
from mss_gateway.queue import desk as waiting
from mss_gateway.queue import stumbles

HELD_SECONDS = 3 * 86_400
"""Items that somebody held back for longer were forgotten."""

_FRESHNESS = {
    Freshness.MISSING: "none, and so no exchange with other operators: `mss whitelist import`",
    Freshness.FRESH: "confirmed {hours} h ago, {domains} domains",
    Freshness.LATE: "confirmed {hours} h ago: import it again before {limit} h, or exchanges stop",
    Freshness.STALE: "confirmed {hours} h ago: exchanges with other operators have stopped",
}


def examine(gateway: Gateway, view: View) -> list[Check]:
    """Every check; those of exchanges with other operators only where there are any."""
    checks = [_names(gateway), _held(gateway, view)]
    if gateway.peer_trust is None:
        return [*checks, Check("other operators", True, "no exchange (tls.peer_anchors is empty)")]
    return [
        *checks,
        _white_list(gateway, view),
        _authorities(gateway),
        _both_sides(gateway, view),
        _routes(gateway),
        _dkim(gateway, view),
    ]


def _names(gateway: Gateway) -> Check:
    """Clients look for the name that they were told."""
    name, hostname = "server name", gateway.config.site.hostname
    try:
        named = host_names(_certificate(gateway))
    except (OSError, CertsError) as error:
        return Check(name, False, f"the certificate of the listeners cannot be read ({error})")
    if hostname in named:
        return Check(name, True, f"the certificate names {hostname}")
    return Check(
        name, False, f"the certificate does not name site.hostname ({hostname}): issue another one"
    )


def _held(gateway: Gateway, view: View) -> Check:
    held = [each for each in waiting.depths(view) if each.state == "held"]
    count, now = sum(each.count for each in held), gateway.queue_clock.now()
    if not held:
        return Check("held items", True, "none")
    unreported = stumbles.held(view)
    if unreported:
        line = f"{count}, of which {unreported} could not be reported: `mss queue list`, then"
        return Check("held items", False, f"{line} mend what the log says (`item held`), `release`")
    age = max(0, now - min(each.oldest for each in held))
    line = f"{count}, the oldest for {age // 3600} h: `mss queue list`, `release` or `drop`"
    return Check("held items", age <= HELD_SECONDS, line)


def _white_list(gateway: Gateway, view: View) -> Check:
    found, settings, now = gateway.whitelist(view), gateway.config.whitelist, gateway.clock()
    state = freshness(found, now, settings)
    line = _FRESHNESS[state].format(
        hours=int((found.age(now) or 0) // 3600),
        limit=settings.stale_hours,
        domains=len(found.domains),
    )
    return Check("white list", state is Freshness.FRESH, line)


def _authorities(gateway: Gateway) -> Check:
    """Those of the file: the own authority has its line already."""
    path = gateway.config.in_state(gateway.config.tls.peer_anchors)
    try:
        ends = [each.not_valid_after_utc.timestamp() for each in from_pem(path.read_bytes())]
    except (OSError, CertsError) as error:
        return Check("peer anchors", False, f"tls.peer_anchors {path} cannot be read ({error})")
    is_well, line = until(min(ends), gateway.clock())
    return Check("peer anchors", is_well, f"{len(ends)}, {line}")


def _both_sides(gateway: Gateway, view: View) -> Check:
    """The same certificate is shown when we call: it must be good for that too."""
    name = "certificate as a client"
    try:
        certificate = _certificate(gateway)
        usages = extended_usages(certificate)
    except (OSError, CertsError) as error:
        return Check(name, False, f"cannot be read ({error})")
    if PURPOSES[Purpose.CLIENT].extended not in usages:
        return Check(name, False, "is for servers only: peers will refuse it")
    fault = own_certificate.fault(gateway, view, certificate)
    if fault is not None:
        what = "is revoked" if fault is ChainReason.REVOKED else "has ended"
        line = f"{what}: what leaves waits; issue another one, then SIGHUP"
        return Check(name, False, line)
    return Check(name, True, "may call other operators")


def _routes(gateway: Gateway) -> Check:
    """Their form was checked with the configuration; here, whether anything can be reached."""
    relay = gateway.config.relay
    if relay.routes or relay.dns:
        asked = "and the DNS" if relay.dns else "and nothing else"
        return Check("routes", True, f"{len(relay.routes)} of the configuration, {asked}")
    return Check("routes", False, "relay.routes is empty and relay.dns is off: nobody is reached")


def _dkim(gateway: Gateway, view: View) -> Check:
    selector = gateway.config.relay.dkim_selector
    if not selector:
        return Check("DKIM", True, "not signed (relay.dkim_selector is empty)")
    standing = {
        key.domain
        for key in dkim_keys.everything(view, gateway.spool)
        if key.selector == selector and key.retired_at is None
    }
    site = gateway.config.site
    missing = [each for each in (*site.domains, site.patient_domain) if each not in standing]
    if missing:
        line = f"no key {selector} for {', '.join(missing)}: `mss certs dkim-key`"
        return Check("DKIM", False, line)
    return Check("DKIM", True, f"a key {selector} for each domain")


def _certificate(gateway: Gateway) -> Certificate:
    path = gateway.config.in_state(gateway.config.tls.certificate)
    return from_pem(path.read_bytes())[0]
