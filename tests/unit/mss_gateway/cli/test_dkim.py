"""`mss certs dkim-key`, `dkim-keys`, `dkim-retire`, and the lines in `mss config dns`."""

import re

from mss_gateway.directory import dkim_keys
from tests.unit.mss_gateway.cli.desk_site import Mss

LINE = re.compile(
    r's2026\._domainkey\.mss\.example\. 3600 IN TXT "v=DKIM1; k=rsa; [^"]{200,255}" "[^"]+"\n'
)


def make(mss: Mss, domain: str = "mss.example", selector: str = "s2026") -> str:
    return mss("certs", "dkim-key", "--domain", domain, "--selector", selector).stdout


def test_the_zone_line_is_printed_and_the_key_signs(mss: Mss) -> None:
    shown = make(mss)
    assert LINE.match(shown)
    assert 'once relay.dkim_selector is "s2026"' in shown
    with mss.gateway() as gateway, gateway.database.read() as view:
        signer = dkim_keys.signer_for(view, gateway.spool, "mss.example", "s2026")
    assert signer is not None and len(signer(b"octets")) == 256
    assert ("certificate", "dkim:s2026 mss.example", "made") in mss.acts()


def test_keys_are_listed_with_their_records(mss: Mss) -> None:
    assert mss("certs", "dkim-keys").stdout == "No DKIM key: what leaves is not signed so.\n"
    make(mss)
    (told,) = mss.told("certs", "dkim-keys")
    assert told["name"] == "s2026._domainkey.mss.example."
    assert told["txt"].startswith("v=DKIM1; k=rsa; h=sha256; s=email; p=MII")
    assert told["retired_at"] is None


def test_a_retired_key_is_told_as_such_and_its_line_stays(mss: Mss) -> None:
    make(mss)
    words = ("certs", "dkim-retire", "--domain", "mss.example", "--selector")
    assert "Leave its line in the zone" in mss(*words, "s2026").stdout
    (told,) = mss.told("certs", "dkim-keys")
    assert told["retired_at"] is not None
    assert ("certificate", "dkim:s2026 mss.example", "retired") in mss.acts()
    assert LINE.search(mss("config", "dns").stdout)
    assert "no such key" in mss.refused(*words, "s2025")


def test_a_selector_is_given_once(mss: Mss) -> None:
    make(mss)
    words = ("certs", "dkim-key", "--domain", "mss.example", "--selector", "s2026")
    assert "choose another --selector" in mss.refused(*words)
    assert len(mss.told("certs", "dkim-keys")) == 1


def test_only_the_domains_here_have_keys(mss: Mss) -> None:
    words = ("certs", "dkim-key", "--selector", "s2026", "--domain")
    assert "not a domain of this gateway" in mss.refused(*words, "evil.example")
    assert mss(*words, "patient.mss.example").exit_code == 0


def test_a_selector_is_a_name_of_the_zone(mss: Mss) -> None:
    words = ("certs", "dkim-key", "--domain", "mss.example", "--selector")
    assert mss(*words, "a b").exit_code == 2
    assert mss(*words[:-1]).exit_code == 2


def test_the_selector_of_the_configuration_is_meant_and_what_lacks_it_is_told(mss: Mss) -> None:
    with mss.config_file.open("a", encoding="utf-8") as file:
        file.write('[relay]\ndkim_selector = "s2026"\n')
    remark = "; what leaves mss.example is not signed: `mss certs dkim-key --domain mss.example`\n"
    assert remark in mss("config", "dns").stdout
    shown = mss("certs", "dkim-key", "--domain", "mss.example").stdout
    assert LINE.match(shown)
    assert "once relay.dkim_selector" not in shown
    printed = mss("config", "dns").stdout
    assert LINE.search(printed)
    assert remark not in printed
    assert "what leaves patient.mss.example is not signed" in printed
    records = mss.told("config", "dns")["records"]
    assert [one["name"] for one in records if one["type"] == "TXT"] == [
        "s2026._domainkey.mss.example."
    ]
