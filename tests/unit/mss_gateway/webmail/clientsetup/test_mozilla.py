"""Mozilla's autoconfig: the document of the published format, for our domains and no other."""

import re

import pytest

from mss_gateway.config import Config, Listen, Oauth, Setup, Site
from mss_gateway.webmail.clientsetup.mozilla import document
from mss_gateway.webmail.clientsetup.servers import endpoints
from mss_gateway.webmail.pages import Pages
from tests.support.asgi import Browser

ISP, WELL_KNOWN = "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"

# Written by hand after the example of the format's definition.
PUBLISHED = """\
<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="sante.example">
    <domain>sante.example</domain>
    <domain>cabinet.example</domain>
    <displayName>Santé &amp; &lt;Fils&gt;</displayName>
    <displayShortName>Santé &amp; &lt;Fils&gt;</displayShortName>
    <incomingServer type="imap">
      <hostname>imap.sante.example</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>imap.sante.example</hostname>
      <port>143</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>envoi.sante.example</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>"""


def test_the_document_is_as_published() -> None:
    config = Config(
        site=Site(operator="Santé & <Fils>", domains=("sante.example", "cabinet.example")),
        listen=Listen(submission_starttls=0),
        setup=Setup(
            imap_host="imap.sante.example",
            imap_tls=993,
            imap_starttls=143,
            submission_host="envoi.sante.example",
            submission_tls=465,
        ),
    )
    assert document(Pages(), endpoints(config)) == PUBLISHED


def test_tokens_are_the_second_way_in_where_a_provider_is_configured() -> None:
    told = endpoints(Config(oauth=Oauth(issuer="https://connexion.sante.example")))
    made = document(Pages(), told)
    incoming, _, outgoing = made.partition("<outgoingServer")
    methods = re.findall(r"<authentication>([^<]+)<", incoming)
    assert methods == ["password-cleartext", "OAuth2"] * 2
    assert "OAuth2" not in outgoing


@pytest.mark.parametrize("path", [ISP, WELL_KNOWN])
@pytest.mark.parametrize(
    "query",
    [
        "?emailaddress=claire.martin%40mss.example",
        "?emailaddress=claire.martin@mss.example",
        "?emailaddress=CLAIRE.MARTIN@MSS.EXAMPLE",
        "?EmailAddress=nobody-at-all@mss.example",
        "",
    ],
)
def test_every_address_of_a_domain_gets_the_same_answer(
    program: Browser, path: str, query: str
) -> None:
    answer = program.get(path + query)
    assert answer.status == 200
    assert answer.header("content-type") == "text/xml; charset=utf-8"
    assert answer.content == program.get(ISP).content
    assert b"<domain>mss.example</domain>" in answer.content
    assert b"%EMAILADDRESS%" in answer.content and b"artin" not in answer.content


@pytest.mark.parametrize(
    "host", ["autoconfig.mss.example", "mss.example:443", "localhost", "AUTOCONFIG.MSS.EXAMPLE"]
)
def test_without_an_address_the_host_speaks(program: Browser, host: str) -> None:
    assert program.get(WELL_KNOWN, host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["patient.mss.example", "autoconfig.patient.mss.example", "Autoconfig.Patient.MSS.example:443"],
)
def test_the_patients_domain_has_no_set_up(program: Browser, host: str) -> None:
    assert program.get(WELL_KNOWN, host=host).status == 404


def test_a_patient_a_foreigner_and_nonsense_get_one_answer(program: Browser, site: object) -> None:
    answers = {
        (answer.status, answer.headers, answer.content)
        for answer in (
            program.get(f"{ISP}?emailaddress={asked}")
            for asked in (
                "x@ailleurs.example",
                "279035121518989@patient.mss.example",
                "999999999999999@patient.mss.example",
                "%3Cscript%3E@mss.example",
                "claire%40mss.example%0d%0aSet-Cookie:%20a=b",
                "claire%00@mss.example",
                "%ff%fe@mss.example",
                "",
                "x" * 5000 + "@mss.example",
                "claire@mss.example&emailaddress=x@ailleurs.example@",
            )
        )
    }
    assert len(answers) == 2  # a parameter that is there twice is as if it were not there
    assert {status for status, _, _ in answers} == {200, 404}


def test_nothing_of_the_question_is_in_the_answer(program: Browser) -> None:
    for asked in ("%3Cscript%3Ealert(1)%3C/script%3E", "zzqx@mss.example", "zzqx@ailleurs.example"):
        answer = program.get(f"{ISP}?emailaddress={asked}")
        assert b"script>alert" not in answer.content and b"zzqx" not in answer.content
