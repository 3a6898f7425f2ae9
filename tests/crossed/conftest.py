"""The judges, each started once for all the tests that ask it."""

from collections.abc import Iterator

import pytest

from tests.support import bouncycastle as bouncycastle_
from tests.support import gpgsm as gpgsm_
from tests.support.bouncycastle import BouncyCastle
from tests.support.gpgsm import Gpgsm
from tests.support.judging import Circle
from tests.support.nss import Nss
from tests.support.openssl import OpenSsl


@pytest.fixture(scope="session")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Circle:
    """People of every kind of key, drawn at first use."""
    return Circle(tmp_path_factory.mktemp("circle"))


@pytest.fixture(scope="session")
def openssl(circle: Circle, tmp_path_factory: pytest.TempPathFactory) -> OpenSsl:
    return OpenSsl(circle, tmp_path_factory.mktemp("openssl"))


@pytest.fixture(scope="session")
def nss(circle: Circle, tmp_path_factory: pytest.TempPathFactory) -> Nss:
    return Nss(circle, tmp_path_factory.mktemp("nss"))


@pytest.fixture(scope="session")
def gpgsm(circle: Circle) -> Iterator[Gpgsm]:
    with gpgsm_.judging(circle) as judge:
        yield judge


@pytest.fixture(scope="session")
def bouncycastle(
    circle: Circle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BouncyCastle]:
    with bouncycastle_.judging(circle, tmp_path_factory.mktemp("bouncycastle")) as judge:
        yield judge
