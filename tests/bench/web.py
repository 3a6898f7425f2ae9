"""The webmail under load: the patient signs in once, and the session's cookie serves every client.

(A code of the second factor works once, so thirty-two sign-ins would take sixteen minutes.)
"""

import ssl
from collections.abc import Iterator
from typing import Any

from tests.bench import serving
from tests.bench.measuring import per_second
from tests.bench.served import Server, Site
from tests.support.web import Browser

PAGES = {
    "inbox page": "/messages/recus",
    "home page": "/accueil",
    "one message": "/messages/recus/{uid}",
}


def pages(
    site: Site, runs: int, count: int, connections: tuple[int, ...]
) -> Iterator[dict[str, Any]]:
    """Each page at so many connections, kept open; the style sheet is cached by any browser."""
    with site.serve() as server:
        cookie = sign_in(server)
        for name, path in PAGES.items():
            for number in connections:
                done = [
                    server.load(
                        work="run",
                        protocol="webmail",
                        path=path.format(uid=serving.PATIENT_LETTERS),
                        cookie=cookie,
                        connections=number,
                        operations=count,
                        warm_up=1,
                    )
                    for _ in range(runs)
                ]
                yield {"page": name, "connections": number} | per_second(done)


def sign_in(server: Server) -> str:
    """Password, then code: the Cookie field of the open session."""
    context = ssl.create_default_context(cafile=server.ca_file)
    browser = Browser(f"https://localhost:{server.ports['webmail']}/", context)
    browser.sign_in(
        {
            "address": serving.PATIENT,
            "password": serving.PASSWORD,
            "totp_secret": serving.TOTP_SECRET,
        }
    )
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser._jar)
