"""Runs a script of this folder in Debian's Chromium, by playwright-core; what it printed."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mailbox_store.database import Transaction
from mss_gateway.directory import activation, passwords
from mss_gateway.directory.activation import Purpose
from mss_gateway.webmail.recognising import NEEDED
from mss_gateway.webmail.sessions import SESSION_COOKIE, Beginning, State, begin
from mss_gateway.webmail.visit import Who
from tests.browser import content
from tests.support.people import patient
from tests.support.programs import require_program
from tests.support.site import PASSWORD, Site

HERE = Path(__file__).parent
SECONDS = 420.0


def require_browser() -> None:
    """Chromium, and what drives it; without one of them the test is skipped with the reason."""
    require_program("chromium")
    require_program("node")
    for package in ("playwright-core", "axe-core"):
        if not (HERE / "node_modules" / package).is_dir():
            require_program(f"{package}, by: npm ci --prefix tests/browser")


def run(script: str, told: dict[str, object], seconds: float = SECONDS) -> dict[str, Any]:
    """What the script found; it is killed after ``seconds``."""
    done = subprocess.run(
        [require_program("node"), str(HERE / script)],
        input=json.dumps({"chromium": require_program("chromium"), **told}),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def way_in(site: Site, base: str) -> dict[str, object]:
    """What a script needs to sign the first patient in."""
    code = site.code(site.camille)
    return {"base": base, "login": patient(0).ins, "password": PASSWORD, "code": code}


def walk_of(site: Site, base: str, part: str = "") -> dict[str, object]:
    """What ``walk.mjs`` is told: every stop, and a session of each kind that routes ask for."""
    stops = [asdict(stop) for stop in content.stops(site) if part in stop.path]
    return {"base": base, "cookie": SESSION_COOKIE, "sessions": sessions_of(site), "stops": stops}


def sessions_of(site: Site) -> dict[str, str]:
    """The first patient's cookie for each kind of visitor who has a session."""
    gateway, account_id = site.gateway, site.camille.account_id
    web, now = gateway.config.web, int(gateway.clock())

    def unit(tx: Transaction) -> dict[str, str]:
        made = {}
        for who, state in NEEDED.items():
            made[who.value] = begin(tx, account_id, Beginning(state, stepped_up_at=now), web)
        activation.grant(tx, account_id, Purpose.EVERYTHING, "unused", 3600)
        passwords.offer_totp(tx, account_id)
        idle = Beginning(State.OPEN)
        made[Who.LOCKED.value] = begin(tx, account_id, idle, web)
        tx.sql(
            "UPDATE web_sessions SET seen_at = ? WHERE account_id = ? AND stepped_up_at = 0",
            (now - 60 * web.idle_minutes, account_id),
        )
        return made

    return gateway.database.write(unit)


def converse(
    script: str,
    told: dict[str, object],
    folder: Path,
    answer: Callable[[dict[str, Any]], object],
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """What the script saw, which asks as it goes (``asking.mjs``): ``answer`` is called with each
    question, and what it returns goes back. The script is killed after ``seconds``."""
    said = folder / f"{script}.json"
    said.write_text(json.dumps({"chromium": require_program("chromium"), **told}), "utf-8")
    with (
        (folder / f"{script}.log").open("w+b") as trouble,
        subprocess.Popen(
            [require_program("node"), str(HERE / script), str(said)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=trouble,
            text=True,
        ) as running,
    ):
        patience = threading.Timer(seconds, running.kill)
        patience.start()
        try:
            assert running.stdin is not None and running.stdout is not None
            for line in running.stdout:
                asked = json.loads(line)
                if "seen" in asked:
                    found = asked["seen"]
                    assert isinstance(found, dict)
                    return found
                running.stdin.write(json.dumps(answer(asked)) + "\n")
                running.stdin.flush()
            trouble.seek(0)
            raise AssertionError(trouble.read()[-4000:].decode())
        finally:
            patience.cancel()
            running.kill()
