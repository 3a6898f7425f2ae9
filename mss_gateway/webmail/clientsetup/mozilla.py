"""Mozilla's autoconfig, version 1.1: Thunderbird, Evolution, KMail, K-9 and others read it.

Format: https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat. A program asks
``autoconfig.<domain>`` and ``<domain>/.well-known/``, each with or without the address; the answer
writes ``%EMAILADDRESS%`` where the address belongs, so that it is the same for everybody. Where
IMAP takes access tokens, OAuth2 stands as the second way, as the format asks: programs know the
providers that are built into them, and pass over it for the others.
"""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from mss_gateway.webmail.clientsetup.asked import KEPT, Asked
from mss_gateway.webmail.clientsetup.servers import Endpoints, NotServed, Socket
from mss_gateway.webmail.pages import Pages

SOCKET_TYPES = {Socket.TLS: "SSL", Socket.STARTTLS: "STARTTLS"}


def config_file(asked: Asked) -> Response:
    """The document, or 404."""
    if not _is_served(asked):
        raise HTTPException(404)
    return Response(document(asked.pages, asked.told), media_type="text/xml", headers=KEPT)


def document(pages: Pages, told: Endpoints) -> str:
    """``clientConfig`` for the domains told."""
    return pages.filled("config-v1.1.xml", {"told": told, "socket_types": SOCKET_TYPES})


def _is_served(asked: Asked) -> bool:
    """By the address; without one by the domain of Host, any name but the patients' being ours."""
    told, address = asked.told, asked.address("emailaddress")
    if address is None:
        host = asked.host.partition(":")[0].lower().removeprefix("autoconfig.")
        return told.serves(told.domains[0]) and host != told.patient_domain
    try:
        told.served(address)
    except NotServed:
        return False
    return True
