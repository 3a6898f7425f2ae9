"""What the IMAP server is given: its limits, and what its handlers use."""

import ssl
from functools import partial

from mss_gateway import texts
from mss_gateway.imap.hub import Hub
from mss_gateway.imap.state import Holder, ImapSettings, Services
from mss_gateway.life import authn
from mss_gateway.life.claims import Claim, Provider
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.room import has_room
from mss_gateway.observability import log


def settings_of(gateway: Gateway, tls: ssl.SSLContext) -> ImapSettings:
    """Its limits, as the configuration has them now."""
    limits = gateway.config.limits
    return ImapSettings(
        tls,
        limits.message_octets,
        limits.connections_per_address,
        limits.connections_per_account,
        limits.bodies_in_flight_octets,
        account_octets=limits.account_octets,
        has_personal_seen=gateway.config.sharing.seen == "personal",
    )


def services_of(gateway: Gateway, hub: Hub) -> Services:
    """What its handlers use."""
    admit, oauth = partial(authn.admit, gateway), gateway.config.oauth

    async def authenticate(claim: Claim, peer: str) -> Holder:
        """On the lane of mail, where nothing is slow; what costs a hash goes on where they wait."""
        try:
            found = await gateway.bridge.run(admit, claim, "imap", peer, may_hash=False)
        except authn.HashNeeded:
            found = await gateway.bridge.sign_in(admit, claim, "imap", peer)
        box = found.box
        return Holder(
            box.account_id, box.sent_copy == "server", found.person.account_id, found.rights
        )

    def report(command: str, error: BaseException) -> None:
        log.bug("imap command", error, channel="imap", stage=command)

    return Services(
        gateway.database,
        gateway.bridge,
        hub,
        authenticate,
        texts.ascii_line,
        report,
        gateway.new_ref,
        provider=Provider(oauth.issuer, oauth.scope) if oauth.issuer else None,
        clock=gateway.clock,
        has_room=partial(has_room, gateway),
    )
