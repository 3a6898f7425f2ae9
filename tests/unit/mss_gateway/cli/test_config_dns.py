"""`mss config dns`: zone lines that may be pasted as they are, and the same for a program."""

from tests.unit.mss_gateway.cli.desk_site import Mss


def test_the_lines_are_a_zone_file(fresh: Mss) -> None:
    shown = fresh("config", "dns").stdout
    assert "_imaps._tcp.mss.example. 3600 IN SRV 0 0 2593 localhost.\n" in shown
    assert "_pop3._tcp.mss.example. 3600 IN SRV 0 0 0 .\n" in shown
    records = [line for line in shown.splitlines() if line and not line.startswith(";")]
    assert all(line.split()[1:3] == ["3600", "IN"] for line in records)
    assert len(records) == 15
    assert "; localhost is no public name" in shown


def test_json_has_each_record_and_the_remarks(fresh: Mss) -> None:
    told = fresh.told("config", "dns")
    assert set(told) == {"records", "remarks"}
    assert told["records"][0] == {
        "domain": "mss.example",
        "name": "_imaps._tcp.mss.example.",
        "ttl": 3600,
        "type": "SRV",
        "value": "0 0 2593 localhost.",
    }
    assert len(told["records"]) == 15 and len(told["remarks"]) == 3


def test_what_setup_says_is_printed_and_no_store_is_made(fresh: Mss) -> None:
    with fresh.config_file.open("a", encoding="utf-8") as file:
        file.write('[setup]\nimap_host = "imap.mss.example"\nimap_tls = 993\n')
    assert "SRV 0 0 993 imap.mss.example.\n" in fresh("config", "dns").stdout
    assert not (fresh.folder / "state").exists()


def test_a_configuration_that_cannot_be_used_is_the_systems_failure(fresh: Mss) -> None:
    fresh.config_file.write_text('[setup]\nimap_host = "Imap Host"\n', encoding="utf-8")
    assert "setup.imap_host" in fresh.refused("config", "dns", code=3)
