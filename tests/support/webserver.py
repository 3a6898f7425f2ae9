"""The webmail of a site behind uvicorn with TLS, on a loopback port and a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mss_gateway.webmail.app import build
from tests.support.site import Site


@contextmanager
def serving(site: Site, folder: Path) -> Iterator[str]:
    """``https://127.0.0.1:PORT`` while it lasts; the certificate is the site's own authority's."""
    key = PrivateKey.generate("p256")
    today = datetime.now(UTC).replace(microsecond=0)
    certificate = site.authority.issue_server(
        ["localhost"], ["127.0.0.1"], key.public_key, today, 30
    )
    key_file, chain_file = folder / "web.key", folder / "web.pem"
    export_for_client(key, (certificate, *site.authority.chain), key_file, chain_file)
    server = uvicorn.Server(
        uvicorn.Config(
            build(site.gateway),
            host="127.0.0.1",
            port=0,
            ssl_certfile=str(chain_file),
            ssl_keyfile=str(key_file),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,  # a page that still listens is not waited for
        )
    )
    is_up = threading.Event()
    startup = server.startup

    async def started(sockets: object = None) -> None:
        await startup()
        is_up.set()

    server.startup = started  # type: ignore[method-assign, assignment]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert is_up.wait(20) and server.servers, "the webmail did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"https://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
