"""`mss demo`: everything on loopback with a throw-away PKI and invented people, in one directory.

A second start finds the mail of the first. Passwords and TOTP secrets are derived from the state's
root key, so that nothing but `demo.json` holds them; it is written when every port answers.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from base64 import b32encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from certs.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway import compose, config
from mss_gateway.cli import demo_message, serve
from mss_gateway.cli.demo_people import PEOPLE, ROLES
from mss_gateway.compose.service import Service
from mss_gateway.config import Config
from mss_gateway.directory import certificates, passwords, people
from mss_gateway.directory.people import NewPerson, Person
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail.clientsetup import zone
from mss_gateway.webmail.clientsetup.places import places
from mss_gateway.webmail.clientsetup.servers import endpoints
from policies.people import Role

MARKER = "made-by-mss-demo"
"""The first file of a demo's folder. Without it a folder is somebody's, and is left alone."""

MADE = ("store.db*", "root.key", "pki/*.pem", "tls/server.*")
"""What a first start makes, and may clear when it was cut."""

_CONFIG = """\
# Written by `mss demo`; the commented config.toml of the project explains every key.
[site]
operator = "Opérateur de démonstration"

[state]
directory = "."

[listen]
submission_starttls = {starttls}
submission_tls = {tls}
imap_starttls = {imap}
imap_tls = {imaps}
webmail = {webmail}
metrics = {metrics}

[identity]
# the national test identity of the example documents: in a demo only
accept_test_ins = true
"""


def run(state: Path, base_port: int) -> int:
    """Prepare the state on a first start, serve until SIGTERM; the exit code of ``serve``."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_ours(state):
        print(  # noqa: T201 - the operator's terminal
            f"mss: {state} holds something that is not a demo: give --state an empty folder",
            file=sys.stderr,
        )
        return 1
    (state / MARKER).touch()
    told = state / "demo.json"
    told.unlink(missing_ok=True)
    (state / "config.toml").write_text(_config_text(base_port), encoding="utf-8")
    settings = config.load(state / "config.toml")
    is_new = not (state / compose.STORE_FILE).exists() or not (state / "ready").exists()
    if is_new:
        _start_afresh(state)
        _prepare(settings)
        (state / "ready").touch()

    async def ready(service: Service) -> None:
        if is_new:
            await asyncio.get_running_loop().run_in_executor(
                None, _send_first_message, service.gateway
            )
        accounts = await service.gateway.bridge.run(_accounts, service.gateway)
        _tell(told, settings, accounts)
        _print_dialogue(settings, accounts)

    return serve.serve(settings, ready)


def _config_text(base: int) -> str:
    return _CONFIG.format(
        starttls=base + 87,
        tls=base + 65,
        imap=base + 43,
        imaps=base + 93,
        webmail=base + 80,
        metrics=base + 90,
    )


def _is_ours(state: Path) -> bool:
    """Whether the folder is a demo's or empty: nothing else is ever written to or cleared."""
    return (state / MARKER).exists() or not any(state.iterdir())


def _start_afresh(state: Path) -> None:
    """A first start that was cut in the middle leaves nothing that counts: clear what it made."""
    kept_by_client = state.with_name(state.name + "-client-keys")
    made = [path for name in MADE for path in state.glob(name)]
    for path in [*made, *kept_by_client.glob("account-*.*")]:
        path.unlink()


def _prepare(settings: Config) -> None:
    """Throw-away PKI, server certificate, people with their keys and credentials."""
    gateway = compose.build(settings)
    try:
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        _make_server_certificate(settings, authority)
        for new in PEOPLE:
            _add(gateway, authority, new)
    finally:
        compose.close(gateway)


def _make_server_certificate(settings: Config, authority: Authority) -> None:
    key = PrivateKey.generate("p256")
    now = datetime.now(UTC).replace(microsecond=0)
    # the names where mail programs look for their set-up: a hosts entry brings them here
    names = [
        name
        for domain in settings.site.domains
        for name in (domain, *(f"{alias}.{domain}" for alias in zone.ALIASES))
    ]
    certificate = authority.issue_server(
        ["localhost", *names], ["127.0.0.1", "::1"], key.public_key, now, 365
    )
    folder = settings.in_state(settings.tls.key).parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    export_for_client(
        key,
        (certificate, *authority.chain),
        settings.in_state(settings.tls.key),
        settings.in_state(settings.tls.certificate),
    )


def _add(gateway: Gateway, authority: Authority, new: NewPerson) -> None:
    settings = gateway.config
    key = certificates.new_key(settings.certificates.key_kind)
    password_hash = gateway.passwords.hash(_secret(settings, "password", new.address))

    def unit(tx: Transaction) -> tuple[Person, certificates.Held]:
        person = people.add(tx, new, settings.mailboxes)
        passwords.set_password(tx, person.account_id, password_hash)
        if person.role is Role.PATIENT:
            passwords.set_totp(tx, person.account_id, _totp(settings, new.address))
        held = certificates.issue(tx, authority, person, key, settings.certificates.mailbox_days)
        return person, held

    person, held = gateway.database.write(unit)
    if person.smime == "client":
        folder = _client_folder(settings)
        folder.mkdir(exist_ok=True, mode=0o700)
        name = f"account-{person.account_id}"
        export_for_client(
            key,
            (held.certificate, *authority.chain),
            folder / f"{name}.key",
            folder / f"{name}.pem",
        )


def _client_folder(settings: Config) -> Path:
    """Where the professional who keeps the keys has them: beside the state, never within."""
    return settings.base.with_name(settings.base.name + "-client-keys")


def _secret(settings: Config, kind: str, address: str) -> str:
    digest = _derived(settings, kind, address)
    return b32encode(digest)[:16].decode().lower()


def _totp(settings: Config, address: str) -> str:
    return b32encode(_derived(settings, "totp", address)[:20]).decode()


def _derived(settings: Config, kind: str, address: str) -> bytes:
    root = settings.in_state(settings.state.root_key).read_bytes()
    return hmac.digest(root, f"demo {kind} {address}".encode(), hashlib.sha256)


def _accounts(gateway: Gateway) -> list[dict[str, Any]]:
    settings = gateway.config
    with gateway.database.read() as view:
        everyone = people.everyone(view)
    known = {new.address for new in PEOPLE}
    found: list[dict[str, Any]] = []
    for person in everyone:
        if person.address not in known:
            continue
        account: dict[str, Any] = {
            "role": ROLES[person.box_type],
            "address": person.address,
            "password": _secret(settings, "password", person.address),
            "display_name": person.display_name(),
            "smime": person.smime,
        }
        if person.role is Role.PATIENT:
            account["totp_secret"] = _totp(settings, person.address)
        if person.smime == "client":
            base = _client_folder(settings) / f"account-{person.account_id}"
            account["certificate_file"] = str(base.with_suffix(".pem"))
            account["key_file"] = str(base.with_suffix(".key"))
        found.append(account)
    return found


def _send_first_message(gateway: Gateway) -> None:
    """Dr Martin writes to her patient, through the real submission port, as any client would."""
    author, patient = PEOPLE[0], next(new for new in PEOPLE if new.box_type == "PAT")
    demo_message.send(
        gateway.config,
        author=author,
        password=_secret(gateway.config, "password", author.address),
        patient=patient,
    )


def _tell(path: Path, settings: Config, accounts: list[dict[str, Any]]) -> None:
    """Write demo.json whole or not at all."""
    listen = settings.listen
    document = {
        "pid": os.getpid(),
        "config": str((settings.base / "config.toml").resolve()),
        "ca_file": str(settings.in_state(settings.certificates.anchors).resolve()),
        "submission": {
            "host": listen.host,
            "starttls": listen.submission_starttls,
            "tls": listen.submission_tls,
        },
        "imap": {"host": listen.host, "starttls": listen.imap_starttls, "tls": listen.imap_tls},
        "webmail": f"https://localhost:{listen.webmail}/",
        "metrics": f"http://{listen.host}:{listen.metrics}/metrics",
        "setup": places(endpoints(settings), accounts[0]["address"]),
        "accounts": accounts,
    }
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
    draft.replace(path)


def _print_dialogue(settings: Config, accounts: list[dict[str, Any]]) -> None:
    listen, anchors = settings.listen, settings.in_state(settings.certificates.anchors)
    doctor = accounts[0]
    patient = next(account for account in accounts if account["role"] == "patient")
    lines = [
        "",
        f"MSS Gateway demo: https://localhost:{listen.webmail}/  (state in {settings.base})",
        f"submission {listen.host}:{listen.submission_starttls} STARTTLS,"
        f" :{listen.submission_tls} TLS - IMAP :{listen.imap_starttls} STARTTLS,"
        f" :{listen.imap_tls} TLS",
        "",
    ]
    for account in accounts:
        totp = f"  TOTP {account['totp_secret']}" if "totp_secret" in account else ""
        lines.append(
            f"  {account['role']:<13}{account['display_name']:<38}"
            f"{account['address']:<38}{account['password']}{totp}"
        )
    lines += [
        "",
        "Write to the patient as Dr Martin (paste in another terminal):",
        f"  swaks --server {listen.host}:{listen.submission_starttls} --tls"
        f" --auth-user {doctor['address']} --auth-password {doctor['password']} \\",
        f"    --from {doctor['address']} --to {patient['address']}"
        " --header 'Subject: Bonjour' --body 'Vos resultats sont bons.'",
        f"Read her answers:  curl --cacert {anchors}"
        f" imaps://localhost:{listen.imap_tls}/INBOX -u {doctor['address']}:{doctor['password']}",
        "Set-up of mail programs:",
        *(f"  {url}" for url in places(endpoints(settings), doctor["address"]).values()),
        "Stop with Ctrl-C.",
        "",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201 - the operator's terminal
