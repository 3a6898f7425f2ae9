"""Apple's profile: the payload as published, the same bytes each time, nothing of anybody's."""

import plistlib
from dataclasses import replace

import pytest

from mss_gateway.config import Config, Setup, Site
from mss_gateway.webmail.clientsetup.apple import profile
from mss_gateway.webmail.clientsetup.servers import endpoints
from tests.support.asgi import Browser

PATH = "/apple/mobileconfig"
CONFIG = Config(
    site=Site(operator="Santé & <Fils>"),
    setup=Setup(
        imap_host="imap.sante.example",
        imap_tls=993,
        submission_host="envoi.sante.example",
        submission_tls=465,
        web_host="web.sante.example",
        webmail=443,
    ),
)


def test_the_profile_is_as_published() -> None:
    made = plistlib.loads(profile(endpoints(CONFIG), "claire@mss.example", "Messagerie de santé"))
    (account,) = made.pop("PayloadContent")
    whole, part = made.pop("PayloadUUID"), account.pop("PayloadUUID")
    assert made == {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"example.sante.web.setup.{whole}",
        "PayloadDisplayName": "Messagerie de santé",
        "PayloadDescription": "claire@mss.example",
        "PayloadOrganization": "Santé & <Fils>",
        "PayloadRemovalDisallowed": False,
    }
    assert account == {
        "PayloadType": "com.apple.mail.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"example.sante.web.setup.{whole}.account",
        "PayloadDisplayName": "Messagerie de santé",
        "EmailAccountDescription": "Messagerie de santé",
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": "claire@mss.example",
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerHostName": "imap.sante.example",
        "IncomingMailServerPortNumber": 993,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": "claire@mss.example",
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": "envoi.sante.example",
        "OutgoingMailServerPortNumber": 465,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerUsername": "claire@mss.example",
        "OutgoingPasswordSameAsIncomingPassword": True,
        "disableMailRecentsSyncing": True,
    }
    assert whole != part
    assert whole == "BFEAAB93-4ABA-5EB6-907E-FE1110DFA899"  # of https://web.sante.example/…


def test_a_second_profile_takes_the_place_of_the_first_and_of_no_other() -> None:
    told = endpoints(CONFIG)
    first = profile(told, "claire@mss.example", "Messagerie")
    assert profile(told, "claire@mss.example", "Messagerie") == first
    others = [
        profile(told, "paul@mss.example", "Messagerie"),
        profile(replace(told, web_host="autre.sante.example"), "claire@mss.example", "Messagerie"),
    ]
    marks = {plistlib.loads(one)["PayloadUUID"] for one in (first, *others)}
    assert len(marks) == 3


@pytest.mark.parametrize("name", ["email", "Email", "emailaddress"])
def test_it_is_a_download(program: Browser, name: str) -> None:
    answer = program.get(f"{PATH}?{name}=Claire.Martin@MSS.example")
    assert answer.status == 200
    assert answer.header("content-type") == "application/x-apple-aspen-config"
    assert answer.header("content-disposition") == 'attachment; filename="messagerie.mobileconfig"'
    (account,) = plistlib.loads(answer.content)["PayloadContent"]
    assert account["EmailAddress"] == "claire.martin@mss.example"


def test_markup_in_an_address_is_text() -> None:
    made = profile(endpoints(CONFIG), "o'neill&fils@mss.example", "Messagerie")
    assert b"o'neill&amp;fils@mss.example" in made
    assert plistlib.loads(made)["PayloadDescription"] == "o'neill&fils@mss.example"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?email=",
        "?email=x@ailleurs.example",
        "?email=279035121518989@patient.mss.example",
        "?email=%3Cdict%3E@mss.example",
        "?email=x@mss.example%0d%0aX-Y:z",
        "?email=x%00@mss.example",
        "?email=a@mss.example&email=b@mss.example",
    ],
)
def test_for_anybody_else_there_is_no_such_page(program: Browser, query: str) -> None:
    answer = program.get(PATH + query)
    assert answer.status == 404
    assert "Cette page n'existe pas." in answer.text
    assert answer.content == program.get("/nulle-part").content
