"""A patient gives an address, confirms it by the code that comes there, and is told of a message.

By the real service, its webmail over TLS and a real SMTP server: what it took holds nothing of the
message, of who wrote it or of whom it is for; switched off, none comes.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import uvloop

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mss_gateway.compose.service import Service
from mss_gateway.config import Config, Listen
from tests.support import site as sites
from tests.support.plain_relay import PlainRelay, plain_relay, settings
from tests.support.site import PASSWORD, Site
from tests.support.smtp_site import until
from tests.support.web import Browser, Page

ADDRESS = "boite-7@courriel.example"
PAGE = "/compte/notifications"
CANARIES = ("CANARI-OBJET", "CANARI-TEXTE")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def prepared(folder: Path, relay_port: int) -> tuple[Config, Site]:
    """A site with a server certificate and a relay for its notices, and its people."""
    with sites.opened(folder) as site:
        gateway, key = site.gateway, PrivateKey.generate("p256")
        made = site.authority.issue_server(
            ["localhost"], ["127.0.0.1"], key.public_key, gateway.now(), 9
        )
        tls = gateway.config.state_directory / "tls"
        tls.mkdir(exist_ok=True)
        chain = [made, *site.authority.chain]
        export_for_client(key, chain, tls / "server.key", tls / "server.pem")
        ports = Listen(
            submission_starttls=0,
            submission_tls=0,
            imap_starttls=0,
            imap_tls=0,
            webmail=free_port(),
            metrics=0,
        )
        channel = settings(relay_port, window_minutes=0)
        return replace(gateway.config, listen=ports, notices=channel), site


def signed_in(config: Config, site: Site) -> Browser:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # the site's clock stands: its certificates are not of today, and not what is tried here
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    browser = Browser(f"https://localhost:{config.listen.webmail}/", context)
    fields = {"identifiant": site.camille.address, "mot_de_passe": PASSWORD}
    page = browser.submit(browser.get("/connexion"), "/connexion", dict(fields))
    page = browser.submit(page, "/connexion/code", {"code": site.code(site.camille)})
    assert page.url.endswith("/accueil"), page.text
    return browser


def _act(browser: Browser, name: str, **fields: str | list[str]) -> Page:
    return browser.submit(browser.get(PAGE), PAGE, {"acte": name, **fields})


def _said(letter: EmailMessage) -> str:
    text: str = letter.get_content()
    return letter.as_bytes().decode() + text


async def _told_of_a_message(config: Config, site: Site, relay: PlainRelay) -> None:
    """The story, while the service runs."""

    def in_thread(work: Callable[[], object]) -> "asyncio.Future[object]":
        return asyncio.get_running_loop().run_in_executor(None, work)

    def write() -> None:
        raw = site.written(site.claire, site.camille, CANARIES[0], CANARIES[1])
        site.send(site.claire, site.camille, raw)

    async def written(count: int) -> None:
        await in_thread(write)
        await until(lambda: len(relay.taken) == count)

    browser = signed_in
    visitor = await asyncio.to_thread(browser, config, site)
    await in_thread(lambda: _act(visitor, "adresse", adresse=ADDRESS))
    await until(lambda: len(relay.taken) == 1)
    code = re.search(r"\b\d{6}\b", relay.letters[0].get_content())
    assert code is not None
    page = await asyncio.to_thread(_act, visitor, "code", code=code[0])
    assert ADDRESS in page.text
    await written(2)
    told = _said(relay.letters[1])
    assert "nouveau message" in told
    for person in (site.claire, site.camille):
        for word in (person.address, person.traits.family_name, person.traits.ins):
            assert not word or word.lower() not in told.lower()
    assert not any(word in told for word in CANARIES)
    await asyncio.to_thread(_act, visitor, "choix", avis=["document"])
    await in_thread(write)
    await asyncio.to_thread(_act, visitor, "retirer")
    await until(lambda: len(relay.taken) == 3)  # the last one says that no more will come
    assert "n'arrivent plus à cette adresse" in relay.letters[2].get_content()
    assert [each.rcpt_tos for each in relay.taken] == [[ADDRESS]] * 3


def test_a_patient_is_told_where_they_wish_and_of_what_they_wish(tmp_path: Path) -> None:
    async def run() -> None:
        async with plain_relay() as relay:
            config, site = await asyncio.to_thread(prepared, tmp_path, relay.port)
            service = await asyncio.to_thread(lambda: Service(config, clock=site.clock))
            site.gateway = service.gateway
            await service.start()
            try:
                await _told_of_a_message(config, site, relay)
            finally:
                await service.stop()

    uvloop.run(run())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for word in (ADDRESS, *CANARIES):
        assert word.encode() not in kept
