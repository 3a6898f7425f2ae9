"""Microsoft's autodiscover: the POX form, and the JSON form that leads to it.

Formats: MS-OXDSCLI (POX, error codes in its section 2.2.4.1.1.3.1) and what Exchange answers on
``autodiscover.json``. Outlook posts a small XML document that names the address and the schema that
it wants back; refusals are documents too, with status 200. A client that wants Exchange itself
(ActiveSync, EWS) is told that it is not here.
"""

import zlib
from dataclasses import dataclass
from enum import Enum
from xml.etree import ElementTree

from starlette.responses import JSONResponse, Response

from mss_gateway.webmail.clientsetup.asked import KEPT, Asked
from mss_gateway.webmail.clientsetup.servers import Endpoints, NotServed, Socket
from mss_gateway.webmail.headers import NOTHING_POLICY
from mss_gateway.webmail.pages import Pages

SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
POX_PATH = "/autodiscover/autodiscover.xml"
ENCRYPTION = {Socket.TLS: "SSL", Socket.STARTTLS: "TLS"}
"""``Encryption`` overrides ``SSL``, which stays ``on`` for readers that know it alone."""


class PoxError(Enum):
    """Error codes of the POX form, with the words that Exchange sends."""

    ADDRESS = (500, "The email address can't be found.")
    REQUEST = (600, "Invalid Request")
    SCHEMA = (601, "The requested schema version isn't supported.")


class RequestMalformed(ValueError):
    """No request of the POX form: not small plain XML with one address and one schema."""


@dataclass(frozen=True, slots=True)
class PoxRequest:
    """What was asked: an address as it was written, and the schema of the answer."""

    address: str
    schema: str


def posted(asked: Asked) -> Response:
    """Outlook's own question."""
    try:
        request = read_request(asked.body)
    except RequestMalformed:
        return _refusal(asked, PoxError.REQUEST)
    if request.schema != SCHEMA:
        return _refusal(asked, PoxError.SCHEMA)
    return _settings(asked, request.address)


def tried(asked: Asked) -> Response:
    """The same by a plain GET, for whoever looks whether it works."""
    address = asked.address("emailaddress", "email")
    return _refusal(asked, PoxError.REQUEST) if address is None else _settings(asked, address)


def located(asked: Asked) -> Response:
    """The JSON form: where the POX form is."""
    protocol = asked.query.get("protocol")
    address = asked.path.get("address", asked.address("email", "emailaddress"))
    if not protocol or not address:
        missing = "Email" if protocol else "Protocol"
        said = f"A valid value must be provided for the query parameter '{missing}'."
        return _json_refusal(400, "MandatoryParameterMissing", said)
    try:
        asked.told.served(address)
    except NotServed:
        return _json_refusal(404, "UserNotFound", "The given user is not found.")
    if protocol.lower() != "autodiscoverv1":
        said = "The given protocol is not supported. Supported values are 'AutodiscoverV1'."
        return _json_refusal(400, "ProtocolNotSupported", said)
    found = {"Protocol": "AutodiscoverV1", "Url": asked.told.url(POX_PATH)}
    return JSONResponse(found, headers=KEPT)


def read_request(body: bytes) -> PoxRequest:
    """The request in ``body``; its namespaces are not looked at, clients differ there.

    Raises RequestMalformed. UTF-8 alone is read, so that the declarations that XML lets a document
    begin with are seen for what they are and refused before the parser runs: no entity is defined,
    none can grow, none names a file.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestMalformed("not UTF-8") from None
    if "<!" in text:
        raise RequestMalformed("a declaration")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - bounded, and without declarations
    except (ElementTree.ParseError, ValueError):
        raise RequestMalformed("not XML") from None
    return PoxRequest(_only(root, "EMailAddress"), _only(root, "AcceptableResponseSchema"))


def settings(pages: Pages, told: Endpoints, address: str) -> str:
    """The document that tells the servers: of each kind the preferred one alone."""
    values = {
        "schema": SCHEMA,
        "address": address,
        "protocols": (("IMAP", told.imap[0]), ("SMTP", told.submission[0])),
        "encryption": ENCRYPTION,
    }
    return pages.filled("autodiscover.xml", values)


def _only(root: ElementTree.Element, name: str) -> str:
    found = [one for one in root.iter() if one.tag.rpartition("}")[2] == name]
    if len(found) != 1 or not (found[0].text or "").strip():
        raise RequestMalformed(f"not one {name}")
    return (found[0].text or "").strip()


def _settings(asked: Asked, address: str) -> Response:
    try:
        found = asked.told.served(address)
    except NotServed:
        return _refusal(asked, PoxError.ADDRESS)
    document = settings(asked.pages, asked.told, str(found))
    return Response(document, media_type="text/xml", headers=KEPT)


def _refusal(asked: Asked, error: PoxError) -> Response:
    code, message = error.value
    values = {
        "time": asked.moment.strftime("%H:%M:%S.%f"),
        "server_id": zlib.crc32(asked.told.web_host.encode()),
        "code": code,
        "message": message,
    }
    document = asked.pages.filled("autodiscover-error.xml", values)
    headers = {"Content-Security-Policy": NOTHING_POLICY}
    return Response(document, media_type="text/xml", headers=headers)


def _json_refusal(status: int, code: str, message: str) -> Response:
    refusal = {"ErrorCode": code, "ErrorMessage": message}
    return JSONResponse(refusal, status, headers={"Content-Security-Policy": NOTHING_POLICY})
