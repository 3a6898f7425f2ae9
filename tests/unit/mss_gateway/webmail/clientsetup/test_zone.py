"""The lines of the zone: what RFC 6186 asks, and nothing promised that is not there."""

import re

import pytest

from mss_gateway.config import Config, Listen, Setup, Site
from mss_gateway.webmail.clientsetup.servers import endpoints
from mss_gateway.webmail.clientsetup.zone import Record, records, remarks

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
SITE = Site(domains=("sante.example", "cabinet.example"), patient_domain="patient.sante.example")
LINE = re.compile(
    r"_[a-z0-9]+\._tcp\.[a-z.]+\. 3600 IN SRV \d+ \d+ \d+ ([a-z.]+\.|\.)"
    r"|[a-z.]+\. 3600 IN CNAME [a-z.]+\."
)


def lines(config: Config, domain: str) -> list[str]:
    return [record.line for record in records(endpoints(config))[domain]]


def test_every_service_is_offered_or_said_to_be_absent() -> None:
    assert lines(Config(site=SITE, setup=PUBLIC), "cabinet.example") == [
        "_imaps._tcp.cabinet.example. 3600 IN SRV 0 0 993 imap.sante.example.",
        "_imap._tcp.cabinet.example. 3600 IN SRV 10 0 143 imap.sante.example.",
        "_submissions._tcp.cabinet.example. 3600 IN SRV 0 0 465 envoi.sante.example.",
        "_submission._tcp.cabinet.example. 3600 IN SRV 10 0 587 envoi.sante.example.",
        "_pop3s._tcp.cabinet.example. 3600 IN SRV 0 0 0 .",
        "_pop3._tcp.cabinet.example. 3600 IN SRV 0 0 0 .",
        "_autodiscover._tcp.cabinet.example. 3600 IN SRV 0 0 443 web.sante.example.",
        "autoconfig.cabinet.example. 3600 IN CNAME web.sante.example.",
        "autodiscover.cabinet.example. 3600 IN CNAME web.sante.example.",
    ]


def test_patients_have_no_mail_program() -> None:
    assert lines(Config(site=SITE, setup=PUBLIC), "patient.sante.example") == [
        f"{name}.patient.sante.example. 3600 IN SRV 0 0 0 ."
        for name in (
            "_imaps._tcp",
            "_imap._tcp",
            "_submissions._tcp",
            "_submission._tcp",
            "_pop3s._tcp",
            "_pop3._tcp",
        )
    ]


def test_a_door_that_is_shut_is_absent_and_the_other_is_first() -> None:
    config = Config(
        site=Site(hostname="mx.sante.example", domains=("sante.example",)),
        listen=Listen(imap_tls=0, submission_starttls=0, webmail=0),
    )
    assert lines(config, "sante.example") == [
        "_imaps._tcp.sante.example. 3600 IN SRV 0 0 0 .",
        "_imap._tcp.sante.example. 3600 IN SRV 0 0 2543 mx.sante.example.",
        "_submissions._tcp.sante.example. 3600 IN SRV 0 0 2565 mx.sante.example.",
        "_submission._tcp.sante.example. 3600 IN SRV 0 0 0 .",
        "_pop3s._tcp.sante.example. 3600 IN SRV 0 0 0 .",
        "_pop3._tcp.sante.example. 3600 IN SRV 0 0 0 .",
    ]
    assert remarks(endpoints(config)) == ()


def test_every_domain_is_there_and_no_name_has_two_records() -> None:
    zones = records(endpoints(Config(site=SITE, setup=PUBLIC)))
    assert list(zones) == ["sante.example", "cabinet.example", "patient.sante.example"]
    for domain, found in zones.items():
        assert len({record.name for record in found}) == len(found)
        for record in found:
            assert record.name.endswith(f".{domain}.")
            assert LINE.fullmatch(record.line), record.line


def test_a_webmail_that_bears_the_name_itself_gets_no_alias_to_itself() -> None:
    setup = Setup(web_host="autoconfig.sante.example", webmail=443)
    found = records(endpoints(Config(site=SITE, setup=setup)))["sante.example"]
    assert [record for record in found if record.kind == "CNAME"] == [
        Record("autodiscover.sante.example.", "CNAME", "autoconfig.sante.example.")
    ]


def test_nothing_says_where_mail_goes() -> None:
    zones = records(endpoints(Config(site=SITE, setup=PUBLIC)))
    assert {record.kind for found in zones.values() for record in found} == {"SRV", "CNAME"}


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (Setup(), ["localhost is no public name", "port 443 only", "autoconfig.sante.example"]),
        (PUBLIC, ["autoconfig.sante.example, autodiscover.sante.example, autoconfig.cabinet"]),
    ],
)
def test_what_else_must_be_so_is_remarked(setup: Setup, said: list[str]) -> None:
    found = remarks(endpoints(Config(site=SITE, setup=setup)))
    assert len(found) == len(said)
    assert all(part in line for part, line in zip(said, found, strict=True))
