"""What goes wrong inside: nothing is half-done, nothing of ours told, the client may try again."""

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import uvloop

from mailbox_store.database import Database, Transaction
from mss_gateway.life import forms, policy, store, submission
from mss_gateway.queue import items
from policies.people import Standing
from tests.support import smtp_site
from tests.support.smtp_messages import of_size
from tests.support.smtp_site import (
    DUBOIS,
    MARTIN,
    PASSWORD,
    PATIENT,
    Ports,
    Site,
    serving,
    signed_in,
    simple,
    until,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


def _fails(*_: object, **__: object) -> Any:
    raise RuntimeError("secret: ce texte ne sort pas")


async def test_a_full_disk_is_told_as_temporary_and_keeps_nothing(site: Site) -> None:
    def fill(tx: Transaction) -> None:
        pages = tx.sql("PRAGMA page_count").scalar_one()
        tx.sql(f"PRAGMA max_page_count = {pages}")

    before = site.counts()
    async with serving(site) as ports, signed_in(site, ports) as session:
        site.gateway.database.write(fill)
        answer = await session.submit(of_size(50_000))
        assert answer.startswith("451 4.3.0 Service momentanement indisponible.")
        assert len(answer.rpartition(" ")[2]) == 26
        site.execute("PRAGMA max_page_count = 1000000")
        assert site.counts() == before
        assert (await session.submit(of_size(50_000))).startswith("250 ")


async def test_a_store_that_failed_for_good_takes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        monkeypatch.setattr(site.gateway.database, "_failed", True)
        answer = await session.throw(simple() + b".\r\n")
        assert answer.startswith("451 4.3.0 ")
    monkeypatch.undo()
    assert site.counts()["queued_messages"] == 0


@pytest.mark.parametrize(
    ("where", "what"),
    [(submission, "scan"), (forms, "summarise"), (store, "commit"), (items, "enqueue")],
)
async def test_a_bug_while_a_message_is_taken_keeps_nothing_and_says_nothing(
    where: Any, what: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site.counts()
    async with serving(site) as ports, signed_in(site, ports) as session:
        with monkeypatch.context() as patch:
            patch.setattr(where, what, _fails)
            answer = await session.submit(simple())
        assert answer.startswith("451 4.3.0 Une erreur inattendue s'est produite.")
        assert "secret" not in answer
        message_ref = answer.rpartition(" ")[2]
        assert f'"message_ref": "{message_ref}"' in site.logged.getvalue()
        assert site.counts() == before
        assert (await session.submit(simple())).startswith("250 ")
    assert '"error": "RuntimeError"' in site.logged.getvalue()
    assert site.acts("submission") == ["bug"]


async def test_a_bug_in_a_command_leaves_the_dialogue_going(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        with monkeypatch.context() as patch:
            patch.setattr(policy, "at_sender", _fails)
            answer = await session.say(f"MAIL FROM:<{MARTIN}>")
        assert answer.startswith("451 4.3.0 Une erreur inattendue s'est produite.")
        assert (await session.say(f"RCPT TO:<{DUBOIS}>")).startswith("503 ")
        assert (await session.submit(simple())).startswith("250 ")


async def test_who_leaves_while_a_message_is_taken_leaves_it_whole_or_absent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, may_go_on = threading.Event(), threading.Event()
    original = Database.write

    def write(database: Database, work: Any) -> Any:
        entered.set()
        assert may_go_on.wait(10)
        return original(database, work)

    async with serving(site) as ports:
        async with signed_in(site, ports) as session:
            await session.begin(MARTIN, DUBOIS)
            monkeypatch.setattr(Database, "write", write)
            session.writer.write(simple() + b".\r\n")
            await asyncio.get_running_loop().run_in_executor(None, entered.wait, 10)
            session.writer.transport.abort()
            await until(lambda: not ports.server._sessions)
            assert ports.server.budget.free == smtp_site.LIMITS.bodies_in_flight_octets
            may_go_on.set()
        monkeypatch.undo()
        site.gateway.bridge.close()
    assert site.counts()["queued_messages"] == site.counts()["queue_items"] == 1
    assert site.work() == 1
    assert len(site.kept(DUBOIS)) == 1


async def test_whoever_is_suspended_during_the_session_is_refused_at_mail(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        site.stand(MARTIN, Standing.SUSPENDED)
        assert (await session.say(f"MAIL FROM:<{MARTIN}>")).startswith("535 5.7.8 ")


async def test_whoever_is_suspended_before_the_commit_is_refused_there(site: Site) -> None:
    async with serving(site) as ports, signed_in(site, ports) as session:
        await session.begin(MARTIN, DUBOIS)
        site.stand(MARTIN, Standing.SUSPENDED)
        assert (await session.throw(simple() + b".\r\n")).startswith("535 5.7.8 ")
    assert site.counts()["queued_messages"] == 0


async def test_an_author_without_a_valid_certificate_is_told_to_try_again(site: Site) -> None:
    site.execute("UPDATE certificates SET state = 'revoked'")
    async with serving(site) as ports, signed_in(site, ports) as session:
        answer = await session.submit(simple())
        assert answer.startswith("451 4.7.5 Impossible de signer pour l'instant")
    assert site.counts()["queued_messages"] == 0


# clients that we did not write


def _with_smtplib(site: Site, ports: Ports) -> None:
    message = EmailMessage()
    message["From"], message["To"] = MARTIN, f"{DUBOIS}, {PATIENT}"
    message["Subject"], message["Bcc"] = "Essai d'été", PATIENT
    message.set_content("Bonjour.\n.\n..\nà bientôt\n")
    message.add_attachment(b"%PDF-1.4\n", maintype="application", subtype="pdf", filename="a.pdf")
    with smtplib.SMTP("127.0.0.1", ports.starttls, timeout=20) as client:
        client.starttls(context=site.trusting())
        client.login(MARTIN, PASSWORD)
        assert client.send_message(message) == {}
    with smtplib.SMTP_SSL("localhost", ports.tls, timeout=20, context=site.trusting()) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
            client.login(MARTIN, "autre chose")
        assert wrong.value.smtp_code == 535
        client.login(MARTIN, PASSWORD)
        assert list(client.sendmail(MARTIN, [DUBOIS, "x@mss.example"], simple())) == [
            "x@mss.example"
        ]


def test_the_standard_library_s_client_works_on_the_product_s_loop(site: Site) -> None:
    async def talk() -> None:
        async with serving(site) as ports:
            await asyncio.to_thread(_with_smtplib, site, ports)

    uvloop.run(talk())
    site.work()
    kept = site.kept(DUBOIS)
    assert len(kept) == 2 and len(site.kept(PATIENT)) == 1
    assert b"bcc:" not in kept[0].lower()
