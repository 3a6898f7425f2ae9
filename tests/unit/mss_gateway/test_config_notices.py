"""[notices]: whole or not at all, apart from the trust space, never in clear on a network."""

from pathlib import Path

import pytest

from mss_gateway import config
from mss_gateway.config import Config, ConfigRefused

WHOLE = {
    "host": '"relais.example"',
    "from_address": '"avis@operateur.example"',
    "base_url": '"https://sante.operateur.example"',
}


def load(folder: Path, **changed: str) -> Config:
    lines = "\n".join(f"{key} = {value}" for key, value in {**WHOLE, **changed}.items())
    (folder / "config.toml").write_text(f"[notices]\n{lines}\n", encoding="utf-8")
    return config.load(folder / "config.toml")


def test_a_relay_and_the_rest_by_default(tmp_path: Path) -> None:
    found = load(tmp_path).notices
    assert (found.port, found.tls, found.window_minutes, found.daily) == (587, "starttls", 10, 5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tls", '"tls"'),
        ("host", '"192.0.2.25"'),
        ("return_path", '"<>"'),
        ("return_path", '"retours@operateur.example"'),
        ("base_url", '"https://sante.example:8443/espace/"'),
        ("window_minutes", "0"),
        ("window_minutes", "1440"),
        ("daily", "1"),
    ],
)
def test_what_is_taken(tmp_path: Path, key: str, value: str) -> None:
    load(tmp_path, **{key: value})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_in_clear_on_this_machine_only(tmp_path: Path, host: str) -> None:
    load(tmp_path, host=f'"{host}"', tls='"none"')


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("host", '"a b"', "notices.host"),
        ("port", "0", "notices.port"),
        ("port", "65536", "notices.port"),
        ("tls", '"ssl"', "notices.tls"),
        ("tls", '"none"', "notices.tls"),
        ("login", '"passerelle"', "notices.login"),
        ("password_file", '"x"', "notices.login"),
        ("from_address", '""', "notices.from_address"),
        ("from_address", '"avis"', "notices.from_address"),
        ("from_address", '"Avis@operateur.example"', "notices.from_address"),
        ("from_address", '"avis@mss.example"', "notices.from_address may not"),
        ("from_address", '"avis@boite.mss.example"', "notices.from_address may not"),
        ("return_path", '"avis@patient.mss.example"', "notices.return_path may not"),
        ("return_path", '"ailleurs"', "notices.return_path"),
        ("base_url", '""', "notices.base_url"),
        ("base_url", '"http://sante.example"', "notices.base_url"),
        ("base_url", '"https://qui@sante.example"', "notices.base_url"),
        ("base_url", '"https://sante.example/?suivi=1"', "notices.base_url"),
        ("window_minutes", "-1", "notices.window_minutes"),
        ("window_minutes", "1441", "notices.window_minutes"),
        ("daily", "0", "notices.daily"),
    ],
)
def test_what_is_refused_and_in_which_words(
    tmp_path: Path, key: str, value: str, said: str
) -> None:
    with pytest.raises(ConfigRefused, match=said):
        load(tmp_path, **{key: value})


def test_a_clear_relay_elsewhere_is_refused_by_address_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="on this machine"):
        load(tmp_path, host='"192.0.2.25"', tls='"none"')


def test_without_a_relay_the_rest_does_not_matter(tmp_path: Path) -> None:
    assert load(tmp_path, host='""', from_address='""', base_url='""').notices.host == ""
