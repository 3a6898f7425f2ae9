"""A mail program that asks, on a site whose people it does not know."""

import pytest
from starlette.applications import Starlette

from tests.support.asgi import Browser


@pytest.fixture
def program(app: Starlette) -> Browser:
    """No cookie, no Sec-Fetch-Site: not a browser."""
    return Browser(app, fetch_site=None)
