"""What is told: [setup] where it speaks, [site] and [listen] where it is silent."""

import pytest

from mss_gateway.config import Config, Listen, Setup, Site
from mss_gateway.webmail.clientsetup.places import places
from mss_gateway.webmail.clientsetup.servers import NotServed, Server, Socket, endpoints

PUBLIC = Setup(
    imap_host="imap.sante.example",
    imap_tls=993,
    imap_starttls=143,
    submission_host="envoi.sante.example",
    submission_tls=465,
    submission_starttls=587,
    web_host="web.sante.example",
    webmail=443,
)


def test_without_setup_the_ports_listened_on_are_told_tls_from_the_start_first() -> None:
    told = endpoints(Config(site=Site(hostname="mx.sante.example")))
    assert told.imap == (
        Server("mx.sante.example", 2593, Socket.TLS),
        Server("mx.sante.example", 2543, Socket.STARTTLS),
    )
    assert told.submission == (
        Server("mx.sante.example", 2565, Socket.TLS),
        Server("mx.sante.example", 2587, Socket.STARTTLS),
    )
    assert told.url("/x") == "https://mx.sante.example:2580/x"


def test_what_setup_says_goes_before() -> None:
    told = endpoints(Config(setup=PUBLIC))
    assert [(one.host, one.port) for one in told.imap] == [
        ("imap.sante.example", 993),
        ("imap.sante.example", 143),
    ]
    assert [(one.host, one.port) for one in told.submission] == [
        ("envoi.sante.example", 465),
        ("envoi.sante.example", 587),
    ]
    assert told.url("/x") == "https://web.sante.example/x"


def test_what_listens_nowhere_is_not_offered() -> None:
    told = endpoints(Config(listen=Listen(imap_tls=0, submission_starttls=0)))
    assert [one.socket for one in told.imap] == [Socket.STARTTLS]
    assert [one.socket for one in told.submission] == [Socket.TLS]
    assert told.is_complete


@pytest.mark.parametrize(
    "listen",
    [Listen(imap_tls=0, imap_starttls=0), Listen(submission_tls=0, submission_starttls=0)],
)
def test_half_an_account_is_none(listen: Listen) -> None:
    told = endpoints(Config(listen=listen))
    assert not told.is_complete
    with pytest.raises(NotServed):
        told.served("claire@mss.example")


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("claire.martin@mss.example", "claire.martin@mss.example"),
        ("Claire.Martin@MSS.EXAMPLE", "claire.martin@mss.example"),
        ("nobody-at-all@mss.example", "nobody-at-all@mss.example"),
        ("claire@santé.example", "claire@xn--sant-epa.example"),
        ("claire@xn--sant-epa.example", "claire@xn--sant-epa.example"),
        ("o'neill&fils@mss.example", "o'neill&fils@mss.example"),
    ],
)
def test_an_address_of_our_domains_is_served_in_its_normal_form(written: str, served: str) -> None:
    told = endpoints(Config(site=Site(domains=("mss.example", "xn--sant-epa.example"))))
    assert str(told.served(written)) == served


@pytest.mark.parametrize(
    "written",
    [
        "",
        "claire",
        "@mss.example",
        "claire@",
        "claire@ailleurs.example",
        "claire@sub.mss.example",
        "claire@mss.example.",
        "279035121518989@patient.mss.example",
        "claire@mss.example@ailleurs.example",
        "claire@ailleurs.example@mss.example",
        "claire@mss.example\r\nBcc: x@ailleurs.example",
        "claire\r\n@mss.example",
        "claire@mss.example\0",
        "<script>alert(1)</script>@mss.example",
        '"<b>"@mss.example',
        "claire%ailleurs.example@mss.example",
        "%EMAILADDRESS%@mss.example",
        "claire@ｍｓｓ.example",
        "claire\u202e@mss.example",
        "é@mss.example",
        "a" * 65 + "@mss.example",
        "claire@" + "mss.example" * 100,
    ],
)
def test_anything_else_is_not_served_whatever_it_is(written: str) -> None:
    with pytest.raises(NotServed) as refusal:
        endpoints(Config()).served(written)
    assert str(refusal.value) == ""


def test_the_places_to_ask_are_those_of_the_webmail() -> None:
    told = places(endpoints(Config(setup=PUBLIC)), "o'neill&fils@mss.example")
    asked = "o%27neill%26fils%40mss.example"
    assert told == {
        "autoconfig": f"https://web.sante.example/mail/config-v1.1.xml?emailaddress={asked}",
        "autodiscover": f"https://web.sante.example/autodiscover/autodiscover.xml?email={asked}",
        "autodiscover_json": "https://web.sante.example/autodiscover/autodiscover.json"
        f"?Email={asked}&Protocol=AutodiscoverV1",
        "mobileconfig": f"https://web.sante.example/apple/mobileconfig?email={asked}",
    }
