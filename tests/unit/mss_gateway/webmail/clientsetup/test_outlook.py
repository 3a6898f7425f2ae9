"""Microsoft's autodiscover: the documents as published, and a parser that opens nothing."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mss_gateway.config import Config, Listen, Setup
from mss_gateway.webmail.clientsetup import outlook
from mss_gateway.webmail.clientsetup.outlook import PoxRequest, RequestMalformed, read_request
from mss_gateway.webmail.clientsetup.servers import endpoints
from mss_gateway.webmail.pages import Pages
from tests.support.asgi import Answer, Browser
from tests.support.counting import calls

PATHS = [
    "/autodiscover/autodiscover.xml",
    "/Autodiscover/Autodiscover.xml",
    "/AutoDiscover/AutoDiscover.xml",
]
JSON = "/autodiscover/autodiscover.json"
SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
ASKING = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"

# Written by hand after the examples of MS-OXDSCLI.
PUBLISHED = """\
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>imap.sante.example</Server>
        <Port>993</Port>
        <LoginName>o&#39;neill&amp;fils@mss.example</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>envoi.sante.example</Server>
        <Port>587</Port>
        <LoginName>o&#39;neill&amp;fils@mss.example</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>TLS</Encryption>
        <AuthRequired>on</AuthRequired>
        <UsePOPAuth>on</UsePOPAuth>
        <SMTPLast>off</SMTPLast>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>"""

REFUSED = """\
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response>
    <Error Time="09:33:20.000000" Id="{server}">
      <ErrorCode>{code}</ErrorCode>
      <Message>{message}</Message>
      <DebugData />
    </Error>
  </Response>
</Autodiscover>"""


def request(address: str, schema: str = SCHEMA) -> bytes:
    """As Outlook sends it."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n'
        f'<Autodiscover xmlns="{ASKING}"><Request><EMailAddress>{address}</EMailAddress>'
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    ).encode()


def post(program: Browser, body: bytes, path: str = PATHS[0]) -> Answer:
    return program.request("POST", path, {"content-type": "text/xml"}, body)


def code_of(answer: Answer) -> str:
    """The error code of a refusal in the POX form."""
    assert answer.status == 200
    assert answer.header("content-type") == "text/xml; charset=utf-8"
    return answer.text.partition("<ErrorCode>")[2].partition("<")[0]


def test_the_document_is_as_published() -> None:
    config = Config(
        listen=Listen(submission_tls=0),
        setup=Setup(
            imap_host="imap.sante.example",
            imap_tls=993,
            submission_host="envoi.sante.example",
            submission_starttls=587,
        ),
    )
    made = outlook.settings(Pages(), endpoints(config), "o'neill&fils@mss.example")
    assert made == PUBLISHED


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("address", ["claire.martin@mss.example", "Nobody-At-All@MSS.example"])
def test_outlook_gets_the_settings_of_its_address(
    program: Browser, path: str, address: str
) -> None:
    answer = post(program, request(address), path)
    assert answer.status == 200
    assert answer.header("content-type") == "text/xml; charset=utf-8"
    assert f"<LoginName>{address.lower()}</LoginName>" in answer.text
    assert answer.content == program.get(f"{path}?EMailAddress={address}").content


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", 600, "Invalid Request"),
        (request("x@ailleurs.example"), 500, "The email address can't be found."),
        (request("x@mss.example", MOBILE), 601, "The requested schema version isn't supported."),
    ],
)
def test_a_refusal_is_as_published(program: Browser, body: bytes, code: int, message: str) -> None:
    answer = post(program, body)
    assert answer.status == 200
    server = 2_663_516_195  # CRC-32 of "localhost"
    expected = REFUSED.format(server=server, code=code, message=message.replace("'", "&#39;"))
    assert answer.content.decode() == expected
    assert answer.header("cache-control") == "no-store"


def test_a_patient_answers_as_a_foreigner_does(program: Browser) -> None:
    answers = {
        post(program, request(address)).content
        for address in (
            "x@ailleurs.example",
            "279035121518989@patient.mss.example",
            "999999999999999@patient.mss.example",
            "no address",
            "a@mss.example&#13;&#10;b",
            "&lt;script&gt;@mss.example",
        )
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + request("x@mss.example"),
        request("\n  x@mss.example\t"),
        request("x@mss.example").replace(ASKING.encode(), b"urn:other"),
        request("x@mss.example").replace(f' xmlns="{ASKING}"'.encode(), b""),
        request("x@mss.example").replace(b'<?xml version="1.0" encoding="utf-8"?>\r\n', b""),
        request("x&#64;mss.example"),
        request("x@mss.example").replace(b"<Request>", b"<Request><LegacyDN>/o=x</LegacyDN>"),
    ],
)
def test_what_clients_write_each_their_way_is_read(body: bytes) -> None:
    assert read_request(body) == PoxRequest("x@mss.example", SCHEMA)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><Autodiscover><Request><EMailAddress>&i;</EMailAddress></Request></Autodiscover>"
)
FILE = (
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    "<Autodiscover><Request><EMailAddress>&f;</EMailAddress></Request></Autodiscover>"
)

MALFORMED = {
    "nothing": b"",
    "blank": b"  \r\n",
    "text": b"hello",
    "json": b'{"EMailAddress": "x@mss.example"}',
    "form": b"EMailAddress=x%40mss.example",
    "bomb": BOMB.encode(),
    "bomb in UTF-16": BOMB.encode("utf-16"),
    "bomb in UTF-16 without its mark": BOMB.encode("utf-16-le"),
    "file": FILE.encode(),
    "file in UTF-16": FILE.encode("utf-16-be"),
    "file in UTF-7": FILE.replace("<!", "+ADwAIQ-").encode(),
    "doctype": b"<!doctype html>" + request("x@mss.example"),
    "comment": request("x@mss.example<!-- y -->"),
    "character data section": request("<![CDATA[x@mss.example]]>"),
    "unknown entity": request("&x;"),
    "half": request("x@mss.example")[:-20],
    "two roots": request("x@mss.example") + b"<a/>",
    "NUL": request("x\0@mss.example"),
    "NUL as a reference": request("x&#0;@mss.example"),
    "lone half of a pair": request("x&#xD800;@mss.example"),
    "not UTF-8": request("x@mss.example").replace(b"x@", b"\xe9@"),
    "no address": request("").replace(b"<EMailAddress></EMailAddress>", b""),
    "empty address": request("   "),
    "two addresses": request("x@mss.example</EMailAddress><EMailAddress>y@mss.example"),
    "no schema": request("x@mss.example", ""),
    "two schemas": request(
        "x@mss.example",
        f"{SCHEMA}</AcceptableResponseSchema><AcceptableResponseSchema>{MOBILE}",
    ),
    "deep": b"<a>" * 2000 + b"</a>" * 500,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_no_request_is_refused(program: Browser, what: str) -> None:
    with pytest.raises(RequestMalformed):
        read_request(MALFORMED[what])
    if len(MALFORMED[what]) <= 8192:
        assert code_of(post(program, MALFORMED[what])) == "600"


def test_a_document_that_is_as_deep_as_it_may_be_long_is_read() -> None:
    depth = (8192 - len(request("x@mss.example"))) // 7
    body = request("x@mss.example").replace(b"<Request>", b"<a>" * depth + b"<Request>")
    body = body.replace(b"</Request>", b"</Request>" + b"</a>" * depth)
    assert len(body) <= 8192 and depth > 1000
    assert read_request(body).address == "x@mss.example"


def test_an_entity_bomb_costs_nothing() -> None:
    tracemalloc.start()
    with calls() as counted, pytest.raises(RequestMalformed):
        read_request(BOMB.encode())
    assert counted.total < 1_000
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("octets", [8192, 8193])
def test_the_body_has_a_limit(program: Browser, octets: int) -> None:
    body = request("x@mss.example")
    body += b" " * (octets - len(body))
    assert post(program, body).status == (200 if octets <= 8192 else 413)


@pytest.mark.parametrize("declared", ["8193", "99999999999999999999", "1", "-1", "x"])
def test_a_declared_length_is_not_believed_beyond_the_limit(
    program: Browser, declared: str
) -> None:
    headers = {"content-type": "text/xml", "content-length": declared}
    small = program.request("POST", PATHS[0], headers, request("x@mss.example"))
    assert small.status == (413 if declared in ("8193", "9" * 20) else 200)
    assert program.request("POST", PATHS[0], headers, b"x" * 1_000_000).status == 413


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode(
    "utf-8", "surrogatepass"))))  # fmt: skip
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    body = request("x@mss.example").replace(b"x@mss.example", octets)
    for one in (octets, body):
        try:
            read = read_request(one)
        except RequestMalformed:
            continue
        assert read.schema == SCHEMA


# the JSON form


@pytest.mark.parametrize(
    "path",
    [
        f"{JSON}?Email=claire.martin@mss.example&Protocol=AutodiscoverV1",
        f"{JSON}?email=claire.martin%40mss.example&protocol=autodiscoverv1&RedirectCount=1",
        f"{JSON}/v1.0/claire.martin@mss.example?Protocol=AutodiscoverV1",
    ],
)
def test_the_json_form_leads_to_the_other(program: Browser, path: str) -> None:
    answer = program.get(path)
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert json.loads(answer.content) == {
        "Protocol": "AutodiscoverV1",
        "Url": "https://localhost:2580/autodiscover/autodiscover.xml",
    }


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?Email=x@mss.example&Protocol=ActiveSync", 400, "ProtocolNotSupported"),
        ("?Email=x@mss.example&Protocol=Ews", 400, "ProtocolNotSupported"),
        ("?Email=x@mss.example&Protocol=%3Cscript%3E", 400, "ProtocolNotSupported"),
        ("/v1.0/x@mss.example?Protocol=Rest", 400, "ProtocolNotSupported"),
        ("?Email=x@mss.example", 400, "MandatoryParameterMissing"),
        ("?Protocol=AutodiscoverV1", 400, "MandatoryParameterMissing"),
        ("?Email=&Protocol=AutodiscoverV1", 400, "MandatoryParameterMissing"),
        ("?Email=a@mss.example&email=b@mss.example&Protocol=AutodiscoverV1", 400,
         "MandatoryParameterMissing"),
        ("", 400, "MandatoryParameterMissing"),
        ("?Email=x@ailleurs.example&Protocol=AutodiscoverV1", 404, "UserNotFound"),
        ("?Email=x@ailleurs.example&Protocol=Ews", 404, "UserNotFound"),
        ("?Email=279035121518989@patient.mss.example&Protocol=AutodiscoverV1", 404,
         "UserNotFound"),
        ("?Email=%00@mss.example&Protocol=AutodiscoverV1", 404, "UserNotFound"),
        ("/v1.0/%0d%0aX?Protocol=AutodiscoverV1", 404, "UserNotFound"),
    ],
)  # fmt: skip
def test_the_json_form_refuses_with_a_code(
    program: Browser, query: str, status: int, code: str
) -> None:
    answer = program.get(JSON + query)
    assert answer.status == status
    told = json.loads(answer.content)
    assert set(told) == {"ErrorCode", "ErrorMessage"}
    assert told["ErrorCode"] == code
    assert "script" not in answer.text and "@" not in answer.text
