"""`mss` on a site of its own: three people, cheap hashes, P-256 keys; copied for each test."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import structlog
import typer
from typer import testing

from mss_gateway.cli.main import application
from tests.unit.mss_gateway.cli.desk_site import (
    DOCTOR,
    PATIENT,
    PHARMACY,
    SETTINGS,
    Mss,
    add_patient,
)


@pytest.fixture(autouse=True)
def _log_is_ours() -> Iterator[None]:
    """The command line sends the log to the standard error of its runner, which is closed."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def app() -> Iterator[typer.Typer]:
    """The command line; its parsers are built once, which is two thirds of what a verb costs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(testing, "_get_command", cache(testing._get_command))
        yield application()


@pytest.fixture
def fresh(tmp_path: Path, app: typer.Typer) -> Mss:
    """A configuration, and nothing kept yet."""
    (tmp_path / "config.toml").write_text(SETTINGS, encoding="utf-8")
    return Mss(tmp_path, app)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, app: typer.Typer) -> Path:
    folder = tmp_path_factory.mktemp("site")
    (folder / "config.toml").write_text(SETTINGS, encoding="utf-8")
    made = Mss(folder, app)
    made.told(
        *("people", "add", "--address", DOCTOR.address, "--title", DOCTOR.title),
        *("--given-name", DOCTOR.given_name, "--family-name", DOCTOR.family_name),
        *("--rpps", DOCTOR.rpps),
    )
    made.told(*add_patient(PATIENT))
    made.told(
        *("people", "add", "--type", "ORG", "--address", PHARMACY),
        *("--entity", "Pharmacie de la Gare", "--accepts-patient-initiated"),
    )
    structlog.reset_defaults()
    return folder


@pytest.fixture
def mss(template: Path, tmp_path: Path, app: typer.Typer) -> Mss:
    """A site with a doctor, a patient and a pharmacy that accepts patients' first messages."""
    folder = tmp_path / "site"
    shutil.copytree(template, folder)
    return Mss(folder, app)
