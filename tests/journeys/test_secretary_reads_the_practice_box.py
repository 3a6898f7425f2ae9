"""A box of an organisation with two readers: what the secretary has read, the doctor has not.

The whole service with the real directory, over TLS, and a mail program that we did not write.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from certs.issuing.issue import export_for_client
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway.compose.service import Service
from mss_gateway.config import Config, Listen, Sharing
from mss_gateway.directory import members
from mss_gateway.directory.people import NewPerson, Person, Traits
from tests.support.site import PASSWORD, Clock, opened

SECRETARY = "nadia.petit@mss.example"
SUBJECT = "Compte rendu de Monsieur X"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _prepared(folder: Path) -> tuple[Config, Person, Person, Person]:
    """One message in the practice's box; the practice, its doctor and its secretary."""
    with opened(folder) as site:
        gateway = site.gateway
        secretary = site.add(NewPerson(SECRETARY, "PER", Traits("", "Nadia", "Petit")))
        practice, doctor = site.pharmacy, site.claire

        def share(tx: Transaction) -> None:
            members.grant(tx, practice.account_id, doctor.account_id, members.RIGHTS)
            members.grant(tx, practice.account_id, secretary.account_id, "lrsi")

        gateway.database.write(share)
        site.deliver(site.paul, practice, site.written(site.paul, practice, SUBJECT))
        key, state = PrivateKey.generate("p256"), gateway.config.state_directory
        chain = site.authority.issue_server(
            ["localhost"], ["127.0.0.1"], key.public_key, gateway.now(), 9
        )
        (state / "tls").mkdir(exist_ok=True)
        files = state / "tls/server.key", state / "tls/server.pem"
        export_for_client(key, [chain, *site.authority.chain], *files)
        ports = Listen(
            submission_starttls=0,
            submission_tls=0,
            imap_starttls=0,
            imap_tls=_free_port(),
            webmail=0,
            metrics=0,
        )
        config = replace(gateway.config, listen=ports, sharing=Sharing("personal"))
        return config, practice, doctor, secretary


def _served(config: Config, talk: Callable[[Service], None]) -> list[tuple[str, str, str]]:
    """Run the service while ``talk`` runs in a thread; what is on record of mailboxes then."""

    async def run() -> list[tuple[str, str, str]]:
        service = Service(config, clock=Clock())
        await service.start()
        try:
            await asyncio.to_thread(talk, service)
            with service.gateway.database.read() as view:
                rows = view.sql(
                    "SELECT actor, object, verdict FROM audit WHERE act = 'mailbox' ORDER BY seq"
                ).fetchall()
            return [(row[0], row[1], row[2]) for row in rows]
        finally:
            await service.stop()

    return uvloop.run(run())


@contextmanager
def _client(config: Config, person: Person, box: Person) -> Iterator[IMAPClient]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # the site's clock stands: its certificates are not of today, and not what is tried here
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with IMAPClient("localhost", config.listen.imap_tls, ssl_context=context, timeout=10) as client:
        client.plain_login(person.address, PASSWORD, box.address)
        yield client


def test_each_reads_the_box_with_their_own_seen(tmp_path: Path) -> None:
    config, practice, doctor, secretary = _prepared(tmp_path)

    def talk(service: Service) -> None:
        with _client(config, secretary, practice) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 1
            assert client.search("UNSEEN") == [1]
            subject = client.fetch([1], ["ENVELOPE"])[1][b"ENVELOPE"].subject
            assert subject == SUBJECT.encode()
            client.fetch([1], ["BODY[]"])
            assert client.search("UNSEEN") == []
            with pytest.raises(IMAPClientError, match="NOPERM"):
                client.delete_messages([1])
            with pytest.raises(IMAPClientError, match="NOPERM"):
                client.setacl("INBOX", secretary.address, "lrswipkxtea")
        with _client(config, doctor, practice) as client:
            assert client.folder_status("INBOX", ["UNSEEN"])[b"UNSEEN"] == 1
            client.select_folder("INBOX")
            assert client.search("UNSEEN") == [1]
            assert dict(client.getacl("INBOX"))[SECRETARY.encode()] == b"lrsi"
            client.setacl("INBOX", SECRETARY, "lrs")
        with _client(config, practice, practice) as client:
            assert client.folder_status("INBOX", ["UNSEEN"])[b"UNSEEN"] == 1
        with _client(config, secretary, practice) as client:
            client.select_folder("INBOX")
            assert client.search("SEEN") == [1]
            ended = service.gateway.database.write(
                lambda tx: members.revoke(tx, practice.account_id, secretary.account_id)
            )
            assert ended
            with pytest.raises(IMAPClientError):
                client.noop()
        with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
            with _client(config, secretary, practice):
                pass

    records = _served(config, talk)
    inbox = records[0][1]
    box, reader = f"account:{practice.account_id} mailbox:", f"account:{secretary.account_id}"
    assert inbox.startswith(box)
    assert records == [
        (reader, inbox, "opened"),
        (f"account:{doctor.account_id}", inbox, "opened"),
        (f"account:{doctor.account_id}", f"{inbox} member {reader}", "rights lrs"),
        (reader, inbox, "opened"),
    ]
