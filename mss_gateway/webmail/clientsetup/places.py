"""Where each format is asked for, for one address: printed by the demo, to be tried by a person."""

from urllib.parse import quote

from mss_gateway.webmail.clientsetup.outlook import POX_PATH
from mss_gateway.webmail.clientsetup.servers import Endpoints


def places(told: Endpoints, address: str) -> dict[str, str]:
    """An address of the webmail by format; each answers to a plain GET."""
    asked = quote(address)
    json_form = f"/autodiscover/autodiscover.json?Email={asked}&Protocol=AutodiscoverV1"
    return {
        "autoconfig": told.url(f"/mail/config-v1.1.xml?emailaddress={asked}"),
        "autodiscover": told.url(f"{POX_PATH}?email={asked}"),
        "autodiscover_json": told.url(json_form),
        "mobileconfig": told.url(f"/apple/mobileconfig?email={asked}"),
    }
