"""config.toml: what is not understood refuses the start, and each line says which key."""

import dataclasses
from pathlib import Path

import pytest

from mss_gateway import config
from mss_gateway.config import Config, ConfigRefused

PROJECT = Path(__file__).parents[3]
PROVIDER = 'issuer = "https://a.example"\naudience = "a"\n'


def load(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Config(base=tmp_path)


def test_the_projects_own_file_names_every_key_and_its_default() -> None:
    loaded = config.load(PROJECT / "config.toml")
    text = (PROJECT / "config.toml").read_text("utf-8")
    for section in dataclasses.fields(Config):
        if section.name == "base":
            continue
        assert f"[{section.name}]" in text
        for key in dataclasses.fields(getattr(loaded, section.name)):
            assert f"\n{key.name} = " in text


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [site]
        domains = ["a.example", "b.example"]
        operator = "Opérateur"
        [limits]
        recipients = 7
        [identity]
        accept_test_ins = true
        """,
    )
    assert loaded.site.domains == ("a.example", "b.example")
    assert loaded.site.operator == "Opérateur"
    assert loaded.limits.recipients == 7
    assert loaded.identity.accept_test_ins is True
    assert loaded.site.patient_domain == Config().site.patient_domain


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[state]\ndirectory = "state"')
    assert loaded.state_directory == tmp_path / "state"
    assert loaded.in_state("root.key") == tmp_path / "state" / "root.key"
    assert loaded.in_state("/etc/x") == Path("/etc/x")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("colour = 1", "colour"),
        ("base = 'x'", "base"),
        ("[site]\ncolour = 1", "site.colour"),
        ("[site]\ndomain = 'a.example'", "site.domain"),
        ("[Site]", "Site"),
        ("[limits.more]", "limits.more"),
    ],
)
def test_an_unknown_key_is_refused_and_the_known_ones_are_told(
    tmp_path: Path, text: str, key: str
) -> None:
    with pytest.raises(ConfigRefused, match=f"unknown key {key}; known here: "):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site = 1", r"site is a table: write it as \[site\]"),
        ("[[site]]", "site is a table"),
        ("[site]\noperator = 1", "site.operator is str, not int"),
        ("[site]\ndomains = 'a.example'", "site.domains is a list of texts"),
        ("[site]\ndomains = [1]", "site.domains is a list of texts"),
        ("[listen]\nwebmail = '2580'", "listen.webmail is int, not str"),
        ("[listen]\nwebmail = true", "listen.webmail is int, not bool"),
        ("[listen]\nwebmail = 1.0", "listen.webmail is int, not float"),
        ("[identity]\naccept_test_ins = 1", "identity.accept_test_ins is bool, not int"),
        ("[identity]\naccept_test_ins = 'no'", "identity.accept_test_ins is bool, not str"),
    ],
)
def test_a_wrong_type_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigRefused, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("section", "line", "key"),
    [
        ("site", "domains = []", "site.domains"),
        ("site", 'domains = ["MSS.Example"]', "site.domains"),
        ("site", 'domains = ["a b.example"]', "site.domains"),
        ("site", 'domains = ["a..example"]', "site.domains"),
        ("site", 'domains = ["-a.example"]', "site.domains"),
        ("site", 'domains = ["a-.example"]', "site.domains"),
        ("site", 'domains = ["x@a.example"]', "site.domains"),
        ("site", 'domains = ["é.example"]', "site.domains"),
        ("site", 'domains = [""]', "site.domains"),
        ("site", f'domains = ["{"a" * 64}.example"]', "site.domains"),
        ("site", f'domains = ["{"a." * 125}abcd"]', "site.domains"),
        ("site", 'patient_domain = "Patient.mss.example"', "site.patient_domain"),
        ("site", 'patient_domain = "mss.example"', "site.patient_domain"),
        ("site", 'hostname = "my host"', "site.hostname"),
        ("site", 'operator = ""', "site.operator"),
        ("site", 'operator = "a\\r\\nBcc: x"', "site.operator"),
        ("site", 'product_number = "a\\u0000"', "site.product_number"),
        ("state", 'directory = ""', "state.directory"),
        ("listen", "imap_tls = -1", "listen.imap_tls"),
        ("listen", "imap_tls = 65536", "listen.imap_tls"),
        ("listen", "imap_tls = 2580", "listen.imap_tls|listen.webmail"),
        ("limits", "recipients = 0", "limits.recipients"),
        ("limits", "message_octets = 1000", "limits.patient_message_octets"),
        ("limits", "patient_message_octets = 41943041", "limits.patient_message_octets"),
        ("limits", "bodies_in_flight_octets = 41943039", "limits.bodies_in_flight_octets"),
        ("certificates", 'key_kind = "rsa-1024"', "certificates.key_kind"),
        ("certificates", "mailbox_days = 0", "certificates.mailbox_days"),
        ("identity", "password_memory_kib = 7", "identity.password_memory_kib"),
        ("identity", "password_rounds = 0", "identity.password_rounds"),
        ("identity", "remembered_login_seconds = -1", "identity.remembered_login_seconds"),
        ("identity", "remembered_login_seconds = 301", "identity.remembered_login_seconds"),
        ("oauth", 'issuer = "https://a.example"', "oauth.audience"),
        ("oauth", 'issuer = "https://a.example"\naudience = "a"', "oauth.jwks"),
        ("oauth", f'{PROVIDER}jwks = "http://a.example/keys"', "oauth.jwks"),
        ("oauth", f'{PROVIDER}jwks = "https://a.example/keys"', "oauth.ca_file"),
        ("oauth", 'address_claim = ""', "oauth.address_claim"),
        ("oauth", "refresh_minutes = 0", "oauth.refresh_minutes"),
        ("tls", 'client_lists = "lists"', "tls.client_lists"),
        ("web", "idle_minutes = 0", "web.idle_minutes"),
        ("web", "idle_minutes = 481", "web.absolute_minutes"),
        ("dossier", "export_days = 0", "dossier.export_days"),
        ("dossier", "export_days = 31", "dossier.export_days is at most 30"),
        ("sharing", 'seen = "Personal"', "sharing.seen"),
        ("sharing", 'seen = ""', "sharing.seen"),
        ("mailboxes", 'sent = "inbox"', "mailboxes"),
        ("mailboxes", 'sent = "drafts"', "mailboxes"),
        ("mailboxes", 'sent = ""', "mailboxes.sent"),
        ("mailboxes", 'sent = "Envoyés*"', "mailboxes.sent"),
        ("mailboxes", 'sent = "100 %"', "mailboxes.sent"),
        ("mailboxes", 'sent = "a//b"', "mailboxes.sent"),
        ("mailboxes", 'sent = "/a"', "mailboxes.sent"),
        ("mailboxes", 'sent = "a/"', "mailboxes.sent"),
        ("mailboxes", 'sent = "Envoye\u0301s"', "mailboxes.sent"),
        ("mailboxes", f'sent = "{"a" * 256}"', "mailboxes.sent"),
        ("limits", "account_octets = 41943039", "limits.account_octets"),
        ("setup", 'imap_host = "Imap.example"', "setup.imap_host"),
        ("setup", 'submission_host = "a b"', "setup.submission_host"),
        ("setup", 'web_host = "x.example\\r\\n"', "setup.web_host"),
        ("setup", "imap_tls = 65536", "setup.imap_tls"),
        ("setup", "webmail = -1", "setup.webmail"),
    ],
)
def test_what_cannot_work_is_refused_and_its_key_named(
    tmp_path: Path, section: str, line: str, key: str
) -> None:
    with pytest.raises(ConfigRefused, match=key):
        load(tmp_path, f"[{section}]\n{line}")


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("site", f'domains = ["{"a" * 63}.example"]'),
        ("site", 'domains = ["xn--caf-dma.example", "a-b.example"]'),
        ("listen", "imap_tls = 65535\nimap_starttls = 0\nwebmail = 0\nmetrics = 0"),
        ("limits", "recipients = 1"),
        ("limits", "patient_message_octets = 41943040"),
        ("limits", "bodies_in_flight_octets = 41943040"),
        ("certificates", 'key_kind = "p256"\nmailbox_days = 1'),
        ("identity", "password_memory_kib = 8\npassword_rounds = 1"),
        ("identity", "remembered_login_seconds = 0"),
        ("oauth", f'{PROVIDER}jwks = "jwks.json"'),
        ("oauth", f'{PROVIDER}jwks = "https://a.example/keys"\nca_file = "ca.pem"'),
        ("tls", 'client_anchors = "clients.pem"\nclient_lists = "lists"'),
        ("web", "idle_minutes = 480"),
        ("dossier", "export_days = 1"),
        ("dossier", "export_days = 30"),
        ("sharing", 'seen = "personal"'),
        ("mailboxes", 'sent = "Envoyés"'),
        ("mailboxes", f'sent = "Courrier/{"é" * 246}"'),
        ("limits", "account_octets = 41943040"),
        ("setup", 'imap_host = ""\nweb_host = "web.example"'),
        ("setup", "imap_tls = 443\nwebmail = 443\nsubmission_tls = 65535"),
        ("health", "drain_seconds = 10"),
        ("health", "drain_seconds = 300"),
        ("queue", "expiry_hours = 1\nnotice_hours = 1"),
        ("queue", "expiry_hours = 160"),
        ("whitelist", "alarm_hours = 72\nstale_hours = 72"),
        ("whitelist", 'operators = ["Ville: ville.example patient.ville.example", "B: b.example"]'),
        ("whitelist", 'signer = ""\noperator_element = "Operateur-1"'),
        ("relay", 'routes = ["ville.example mx.ville.example:25", "* 192.0.2.1:65535"]'),
        ("relay", 'routes = ["ville.example [::1]:25"]\nresolvers = ["192.0.2.53", "::1"]'),
        ("relay", 'dkim_selector = "mss-2026.a"\nport = 65535'),
        ("relay", "verify_dkim = true\ndns = true"),
        ("submission", 'fields = "refuse"'),
    ],
)
def test_what_is_just_possible_is_accepted(tmp_path: Path, section: str, line: str) -> None:
    assert load(tmp_path, f"[{section}]\n{line}")


@pytest.mark.parametrize("text", ["[site\n", "site = \n", "a = 1\na = 2\n"])
def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigRefused, match=r"config\.toml: .*line"):
        load(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match="no such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigRefused, match=str(tmp_path)):
        config.load(tmp_path)
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigRefused, match=r"config\.toml"):
        config.load(tmp_path / "config.toml")


def test_every_limit_is_at_least_one(tmp_path: Path) -> None:
    for key in dataclasses.fields(config.Limits):
        with pytest.raises(ConfigRefused, match=r"limits\."):
            load(tmp_path, f"[limits]\n{key.name} = 0")


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().site.operator = "x"  # type: ignore[misc]
