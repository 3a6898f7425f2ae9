"""A patient asks for a copy of their space, follows it, and takes it along: by the real service.

Over TLS, in a browser without JavaScript; what comes is proved by programs that we did not write.
"""

import asyncio
import re
import socket
import ssl
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mss_gateway.compose.service import Service
from mss_gateway.config import Config, Listen
from tests.support import copies
from tests.support import site as sites
from tests.support.programs import require_program
from tests.support.site import PASSWORD, Site
from tests.support.web import Browser, Page
from tests.support.xdm_witness import witness

PAGE = "/compte/export"
CANARY = "CANARI"


def _prepared(folder: Path) -> tuple[Config, Site, list[bytes]]:
    """A site with a server certificate, its people, and something in Camille's space."""
    with sites.opened(folder) as site:
        gateway, key = site.gateway, PrivateKey.generate("p256")
        made = site.authority.issue_server(
            ["localhost"], ["127.0.0.1"], key.public_key, gateway.now(), 9
        )
        tls = gateway.config.state_directory / "tls"
        tls.mkdir(exist_ok=True)
        chain = [made, *site.authority.chain]
        export_for_client(key, chain, tls / "server.key", tls / "server.pem")
        documents = copies.fill(site, site.camille)
        long_note = f"{CANARY} ".encode() * 300_000
        copies.deposit(site, site.camille, CANARY, long_note)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port: int = taken.getsockname()[1]
        ports = Listen(
            submission_starttls=0,
            submission_tls=0,
            imap_starttls=0,
            imap_tls=0,
            webmail=port,
            metrics=0,
        )
        return replace(gateway.config, listen=ports), site, [*documents, long_note]


def _signed_in(config: Config, site: Site) -> Browser:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # the site's clock stands: its certificates are not of today, and not what is tried here
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    browser = Browser(f"https://localhost:{config.listen.webmail}/", context)
    fields: dict[str, str | list[str]] = {
        "identifiant": site.camille.address,
        "mot_de_passe": PASSWORD,
    }
    page = browser.submit(browser.get("/connexion"), "/connexion", fields)
    page = browser.submit(page, "/connexion/code", {"code": site.code(site.camille)})
    assert page.url.endswith("/accueil"), page.text
    return browser


def _taken_along(config: Config, site: Site) -> Page:
    """The story, while the service runs: the file."""
    browser = _signed_in(config, site)
    page = browser.submit(browser.get(PAGE), PAGE, {})
    deadline = time.monotonic() + 120
    while "Votre copie est prête" not in page.text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        page = browser.get(PAGE)
    (link,) = page.links("/compte/export/fichier")
    return browser.get(link)


def test_a_patient_takes_a_copy_of_their_space_along(tmp_path: Path) -> None:
    unzip, sha256sum = require_program("unzip"), require_program("sha256sum")
    config, site, documents = _prepared(tmp_path / "site")

    async def run() -> Page:
        service = await asyncio.to_thread(lambda: Service(config, clock=site.clock))
        site.gateway = service.gateway
        await service.start()
        try:
            return await asyncio.to_thread(_taken_along, config, site)
        finally:
            await service.stop()

    file = uvloop.run(run())

    assert file.status == 200
    assert int(file.headers["content-length"]) == len(file.body)
    assert re.search(
        r'filename="espace-sante-[0-9-]{10}\.zip"', file.headers["content-disposition"]
    )
    held = copies.unpacked(file.body)
    assert sorted(held.below("documents")) == sorted(documents)
    assert witness(held.entries["xdm/IHE_XDM.ZIP"]).objections == []
    place = tmp_path / "emporte"
    place.mkdir()
    (place / "copie.zip").write_bytes(file.body)
    for command in (
        [unzip, "-tq", "copie.zip"],
        [unzip, "-q", "copie.zip"],
        [sha256sum, "--quiet", "--strict", "-c", "empreintes.sha256"],
    ):
        subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert CANARY.encode() not in kept
