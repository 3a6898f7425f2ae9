"""Messages on a page of their own for paper: every text, and nothing to go elsewhere by."""

from collections.abc import Sequence

from starlette.responses import Response

from mss_gateway.webmail.headers import FRAMING_POLICY
from mss_gateway.webmail.letter import Letter
from mss_gateway.webmail.visit import Visit


def printed(
    visit: Visit, title: str, letters: Sequence[Letter], back: str, name: str = ""
) -> Response:
    """The page that a browser prints; ``back`` is where it was asked for.

    ``name``: whom the patient's own messages went to, where they do not say it.
    """
    response = visit.page("imprimer.html", title=title, letters=letters, back=back, name=name)
    response.headers["Content-Security-Policy"] = FRAMING_POLICY
    return response
