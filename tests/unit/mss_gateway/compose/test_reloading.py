"""Which keys may change while the service runs, and that all of a change is taken or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mss_gateway import compose, config
from mss_gateway.compose import reloading
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.life.gateway import Gateway
from tests.support import served_state


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    path = served_state.copy_to(tmp_path)
    gateway = compose.build(config.load(path))
    yield gateway
    compose.close(gateway)


def changed(gateway: Gateway, **sections: dict[str, object]) -> Config:
    former = gateway.config
    fresh = {name: replace(getattr(former, name), **keys) for name, keys in sections.items()}
    return replace(former, **fresh)


def test_every_live_key_is_a_key() -> None:
    keys = {f"{section}.{key}" for section, own in reloading._sections(Config()) for key in own}
    assert keys >= reloading.LIVE
    assert set(reloading.ON_OR_OFF) <= reloading.LIVE


@pytest.mark.parametrize("section", ["site", "state", "listen", "identity", "oauth", "sharing"])
def test_what_was_built_at_the_start_waits_for_a_restart(section: str) -> None:
    assert not any(key.startswith(f"{section}.") for key in reloading.LIVE)


def test_live_keys_are_taken_and_the_others_wait(gateway: Gateway) -> None:
    fresh = changed(
        gateway, limits={"recipients": 7}, listen={"imap_tls": 1}, web={"idle_minutes": 3}
    )
    prepared = reloading.prepare(gateway, fresh)
    assert prepared.taken == ("limits.recipients", "web.idle_minutes")
    assert prepared.waiting == ("listen.imap_tls",)
    assert gateway.config.limits.recipients == 100
    reloading.exchange(gateway, prepared.parts)
    assert gateway.config.limits.recipients == 7
    assert gateway.config.listen.imap_tls != 1
    assert gateway.config.base == fresh.base


def test_nothing_changed_is_nothing_to_do(gateway: Gateway) -> None:
    prepared = reloading.prepare(gateway, gateway.config)
    assert (prepared.taken, prepared.waiting) == ((), ())
    assert prepared.config == gateway.config


def test_values_that_only_fit_together_with_what_waits_are_refused(gateway: Gateway) -> None:
    much = gateway.config.limits.bodies_in_flight_octets + 1
    fresh = changed(gateway, limits={"message_octets": much, "bodies_in_flight_octets": much})
    with pytest.raises(ConfigRefused, match=r"limits\.bodies_in_flight_octets"):
        reloading.prepare(gateway, fresh)


def test_clients_authorities_cannot_be_asked_for_by_a_listener_that_never_did(
    gateway: Gateway,
) -> None:
    anchors = gateway.config.certificates.anchors
    prepared = reloading.prepare(gateway, changed(gateway, tls={"client_anchors": anchors}))
    assert prepared.waiting == ("tls.client_anchors",)
    assert prepared.parts["client_trust"] is None


def test_the_gateway_is_frozen_for_everybody_else(gateway: Gateway) -> None:
    with pytest.raises(AttributeError):
        gateway.config = Config()  # type: ignore[misc]
