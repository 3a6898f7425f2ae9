"""`mss demo`: everything on loopback with a throw-away PKI and invented people, in one directory.

A second start finds the mail of the first. Beside it stands the state of a second operator of the
same trust space, to be started as a demo of its own. `demo.json` is there when every port answers.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from mss_gateway import compose, config
from mss_gateway.cli import demo_message, demo_site, demo_space, demo_told, serve
from mss_gateway.cli.demo_config import HOME, MARKER, Place, place_of
from mss_gateway.compose.service import Service
from mss_gateway.life.gateway import Gateway

MADE: Final = ("store.db*", "root.key", "pki/*.pem", "tls/server.*", "lists/*.crl")
"""What a first start makes, and may clear when it was cut."""


def run(state: Path, base_port: int | None) -> int:
    """Prepare the state on a first start, serve until SIGTERM; the exit code of ``serve``."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = place_of(state, base_port)
    for each in (place, place.neighbour):
        if not _is_ours(each.state):
            print(  # noqa: T201 - the operator's terminal
                f"mss: {each.state} holds something that is not a demo: give --state an empty"
                " folder",
                file=sys.stderr,
            )
            return 1
    told = state / "demo.json"
    told.unlink(missing_ok=True)
    is_new = _prepare(place)
    settings = demo_space.settings_of(place)

    async def ready(service: Service) -> None:
        if is_new and place.operator is HOME:
            await asyncio.get_running_loop().run_in_executor(
                None, _send_first_message, service.gateway
            )
        accounts = await service.gateway.bridge.run(demo_told.accounts_of, service.gateway, place)
        demo_told.tell(told, place, settings, accounts)
        demo_told.print_dialogue(place, settings, accounts)

    return serve.serve(settings, ready, lambda: config.load(place.config_file))


def _prepare(place: Place) -> bool:
    """Everything that is there before the service starts; whether this is its first start."""
    is_new = _begin(place)
    if not demo_space.is_joined(place):
        _begin(place.neighbour)
        _join(place)
    gateway = demo_space.build(place)
    try:
        demo_site.complete(gateway)
        demo_space.refresh(gateway, place)
    finally:
        compose.close(gateway)
    place.mark()
    return is_new


def _begin(place: Place) -> bool:
    """The state of one operator, unless it is there already; whether it was made now."""
    if (place.state / compose.STORE_FILE).exists() and (place.state / "ready").exists():
        return False
    place.mark()
    _start_afresh(place.state)
    gateway = demo_space.build(place)
    try:
        demo_site.prepare(gateway, place.operator.people)
        demo_site.complete(gateway)
    finally:
        compose.close(gateway)
    (place.state / "ready").touch()
    return True


def _join(place: Place) -> None:
    """Let this operator and its neighbour know each other."""
    one = demo_space.build(place)
    try:
        demo_site.complete(one)
        other = demo_space.build(place.neighbour)
        try:
            demo_site.complete(other)
            demo_space.refresh(other, place.neighbour)
            demo_space.join(one, other)
        finally:
            compose.close(other)
    finally:
        compose.close(one)


def _is_ours(state: Path) -> bool:
    """Whether the folder is a demo's or empty: nothing else is ever written to or cleared."""
    return (state / MARKER).exists() or not state.exists() or not any(state.iterdir())


def _start_afresh(state: Path) -> None:
    """A first start that was cut in the middle leaves nothing that counts: clear what it made."""
    kept_by_client = state.with_name(state.name + "-client-keys")
    made = [path for name in MADE for path in state.glob(name)]
    for path in [*made, *kept_by_client.glob("account-*.*")]:
        path.unlink()


def _send_first_message(gateway: Gateway) -> None:
    """Dr Martin writes to her patient, through the real submission port, as any client would."""
    author, patient = HOME.people[0], next(new for new in HOME.people if new.box_type == "PAT")
    demo_message.send(
        gateway.config,
        author=author,
        password=demo_site.secret(gateway.config, "password", author.address),
        patient=patient,
    )
