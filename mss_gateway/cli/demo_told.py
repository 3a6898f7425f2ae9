"""What `mss demo` tells: `demo.json` for programs, and a dialogue to paste for people."""

import json
import os
from pathlib import Path
from typing import Any

from mss_gateway.cli.demo_config import HOME, Place
from mss_gateway.cli.demo_people import ROLES
from mss_gateway.cli.demo_site import client_folder, secret, totp
from mss_gateway.config import Config
from mss_gateway.directory import people
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail.clientsetup.places import places
from mss_gateway.webmail.clientsetup.servers import endpoints
from policies.people import Role


def accounts_of(gateway: Gateway, place: Place) -> list[dict[str, Any]]:
    """Everybody of the demo, with what they sign in with."""
    settings = gateway.config
    with gateway.database.read() as view:
        everyone = people.everyone(view)
    known = {new.address for new in place.operator.people}
    found: list[dict[str, Any]] = []
    for person in everyone:
        if person.address not in known:
            continue
        account: dict[str, Any] = {
            "role": ROLES[person.box_type],
            "address": person.address,
            "password": secret(settings, "password", person.address),
            "display_name": person.display_name(),
            "smime": person.smime,
        }
        if person.role is Role.PATIENT:
            account["totp_secret"] = totp(settings, person.address)
        if person.smime == "client":
            base = client_folder(settings) / f"account-{person.account_id}"
            account["certificate_file"] = str(base.with_suffix(".pem"))
            account["key_file"] = str(base.with_suffix(".key"))
        found.append(account)
    return found


def tell(path: Path, place: Place, settings: Config, accounts: list[dict[str, Any]]) -> None:
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
        "mx": {"host": listen.host, "starttls": listen.mx, "peer": _peer(place)},
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


def print_dialogue(place: Place, settings: Config, accounts: list[dict[str, Any]]) -> None:
    """On the operator's terminal."""
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
        f"Write to a patient as {doctor['display_name']} (paste in another terminal):",
        f"  swaks --server {listen.host}:{listen.submission_starttls} --tls"
        f" --auth-user {doctor['address']} --auth-password {doctor['password']} \\",
        f"    --from {doctor['address']} --to {patient['address']}"
        " --header 'Subject: Bonjour' --body 'Vos resultats sont bons.'",
        f"Read the answers:  curl --cacert {anchors}"
        f" imaps://localhost:{listen.imap_tls}/INBOX -u {doctor['address']}:{doctor['password']}",
        *_neighbourly(place, listen.host, listen.submission_starttls, doctor),
        "Set-up of mail programs:",
        *(f"  {url}" for url in places(endpoints(settings), doctor["address"]).values()),
        "Stop with Ctrl-C.",
        "",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201 - the operator's terminal


def _peer(place: Place) -> dict[str, Any]:
    """As whom another operator's server may call the MX port: the neighbour of the demo."""
    other = place.neighbour
    return {
        "domains": list(other.operator.domains),
        "certificate_file": str((other.state / "tls" / "server.pem").resolve()),
        "key_file": str((other.state / "tls" / "server.key").resolve()),
    }


def _neighbourly(place: Place, host: str, port: int, doctor: dict[str, Any]) -> list[str]:
    """How the second operator is started and written to."""
    if place.operator is not HOME:
        return []
    other = place.neighbour
    return [
        "Another operator of the trust space, in another terminal, and a letter to a doctor there:",
        f"  mss demo --state {other.state}",
        f"  swaks --server {host}:{port} --tls --auth-user {doctor['address']}"
        f" --auth-password {doctor['password']} \\",
        f"    --from {doctor['address']} --to {other.operator.people[0].address}"
        " --header 'Subject: Avis' --body 'Merci de voir ce patient.'",
    ]
