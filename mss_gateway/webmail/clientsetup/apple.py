"""Apple's configuration profile: an account for Mail on iPhone, iPad and Mac.

Format: the payload ``com.apple.mail.managed`` of Apple's Device Management documentation. The
profile is not signed and brings no trust anchor. A signature by the server's TLS key would say no
more than the connection that brought it, with a key made for another purpose; and a root installed
by a file that came over that very root's connection would let whoever stands in between install
theirs. A device that is to believe the operator's own authority gets it by other means.
"""

import plistlib
import uuid

from starlette.exceptions import HTTPException
from starlette.responses import Response

from mss_gateway.webmail.clientsetup.asked import KEPT, Asked
from mss_gateway.webmail.clientsetup.servers import Endpoints, NotServed
from mss_gateway.webmail.pages import sentence

MEDIA_TYPE = "application/x-apple-aspen-config"


def profile_file(asked: Asked) -> Response:
    """The profile of an address as a download, or 404."""
    try:
        address = asked.told.served(asked.address("email", "emailaddress") or "")
    except NotServed:
        raise HTTPException(404) from None
    return Response(
        profile(asked.told, str(address), sentence("web.service")),
        media_type=MEDIA_TYPE,
        headers={**KEPT, "Content-Disposition": 'attachment; filename="messagerie.mobileconfig"'},
    )


def profile(told: Endpoints, address: str, title: str) -> bytes:
    """The profile: the same bytes for the same address and configuration.

    Its identifiers come from the server's name and the address (RFC 9562 §5.5), so that a second
    installation takes the place of the first.
    """
    name = f"{told.web_host}/{address}"
    account = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{name}#account")).upper()
    whole = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://{name}")).upper()
    identifier = f"{'.'.join(reversed(told.web_host.split('.')))}.setup.{whole}"
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": identifier,
            "PayloadUUID": whole,
            "PayloadDisplayName": title,
            "PayloadDescription": address,
            "PayloadOrganization": told.operator,
            "PayloadRemovalDisallowed": False,
            "PayloadContent": [
                {
                    "PayloadType": "com.apple.mail.managed",
                    "PayloadVersion": 1,
                    "PayloadIdentifier": f"{identifier}.account",
                    "PayloadUUID": account,
                    "PayloadDisplayName": title,
                    **_account(told, address, title),
                }
            ],
        },
        sort_keys=False,
    )


def _account(told: Endpoints, address: str, title: str) -> dict[str, str | int | bool]:
    """The account. TLS is on for both doors; which way it begins, the device knows by the port."""
    incoming, outgoing = told.imap[0], told.submission[0]
    return {
        "EmailAccountDescription": title,
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": address,
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerHostName": incoming.host,
        "IncomingMailServerPortNumber": incoming.port,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": address,
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": outgoing.host,
        "OutgoingMailServerPortNumber": outgoing.port,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerUsername": address,
        "OutgoingPasswordSameAsIncomingPassword": True,
        # the addresses written to hold patients' INS: they stay out of Apple's servers
        "disableMailRecentsSyncing": True,
    }
