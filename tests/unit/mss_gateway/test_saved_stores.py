"""The store that each release left behind still opens: migrated, whole, and readable."""

import gzip
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certs.book import Provenance
from certs.usage import Usage
from mailbox_store import changes, correspondences, mailboxes
from mss_gateway import compose
from mss_gateway.config import Certificates, Config, Identity, State
from mss_gateway.directory import app_passwords, certificates, dkim_keys, keybook, people
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.dossier import facets, integrity, listing
from mss_gateway.dossier.documents import Way
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import outbound, relay
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.summary import Summary
from mss_gateway.observability import audit
from mss_gateway.queue import desk, destinations, leases
from mss_gateway.queue.worker import Worker
from policies.people import Role
from tests.corpus.stores.make import ELSEWHERE, SELECTOR, SUBJECT, THERE, TOLD, WAITING
from tests.support.people import DOMAIN, professional

STORES = Path(__file__).parents[2] / "corpus" / "stores"
SAVED = sorted(path.parent.name for path in STORES.glob("*/store.db.gz"))


def restored(name: str, folder: Path) -> Gateway:
    state = folder / "state"
    state.mkdir(mode=0o700)
    shutil.copy(STORES / name / "root.key", state / "root.key")
    (state / "root.key").chmod(0o600)
    (state / "store.db").write_bytes(gzip.decompress((STORES / name / "store.db.gz").read_bytes()))
    anchors = state / "pki" / "anchors.pem"
    anchors.parent.mkdir()
    anchors.write_bytes((STORES / name / "anchors.pem").read_bytes())
    return compose.build(
        Config(
            state=State(directory="state"),
            certificates=Certificates(key_kind="p256"),
            identity=Identity(accept_test_ins=True, password_memory_kib=8, password_rounds=1),
            base=folder,
        )
    )


def test_every_release_left_its_store() -> None:
    assert set(SAVED) >= {"first-release", "imap-whole", "smime", "queued", "transport", "record"}


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_store_is_migrated_and_read(name: str, tmp_path: Path) -> None:
    gateway = restored(name, tmp_path)
    try:
        with gateway.database.read() as view:
            patient = next(
                one
                for one in people.everyone(view)
                if one.role is Role.PATIENT and correspondences.of_patient(view, one.account_id)
            )
            inbox = mailboxes.find(view, patient.account_id, "INBOX")
            row = changes.find_row(view, patient.account_id, inbox.mailbox_id, 1)
            body = changes.read_body(view, patient.account_id, row.message_id)
            documents = listing.documents_of(view, patient.account_id, Reader.PATIENT)
            authors = facets.by_author(view, patient.account_id)
            report = integrity.verify(view)
            count, broken = audit.verify(view)

        assert Summary(row.summary).subject == SUBJECT
        assert len(body) == row.size
        assert [one.title for one in documents] == ["Compte rendu d'analyses"]
        assert [(one.way, one.revision) for one in documents] == [(Way.MESSAGE, 0)]
        assert authors == {documents[0].author: 1}
        assert report.is_whole
        assert count > 0
        assert broken is None
    finally:
        compose.close(gateway)


@pytest.mark.parametrize("name", SAVED)
def test_the_certificates_of_a_saved_store_serve_as_before(name: str, tmp_path: Path) -> None:
    gateway = restored(name, tmp_path)
    try:
        certificates.complete(gateway.database)
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
            assert authority is not None
            kept = certificates.everything(view)
            assert len(kept) == len(people.everyone(view))
            for held in kept:
                known = certificates.find(view, held.fingerprint)
                assert known == certificates.find(view, held.serial) == held
                assert (held.usage, held.provenance) == (Usage.BOTH, Provenance.ISSUED_HERE)
                assert (held.state, held.use_from) == ("active", held.not_before)
                assert certificates.accounts_with_key(view, held.certificate) == [held.account_id]
                signer = gateway.cabinet.signer(view, held.account_id, held.not_before)
                assert (signer.certificate, signer.chain) == (held.certificate, authority.chain)
                opener = gateway.cabinet.openers(view, held.account_id)[0]
                assert opener[0] == held.certificate
                chosen = certificates.for_recipient(view, held.account_id, held.not_before)
                assert chosen == held.certificate
            assert certificates.duplicates(view) == []
        person = people_of(gateway)
        new = gateway.database.write(
            lambda tx: certificates.issue(tx, authority, person, certificates.new_key("p256"), 30)
        )
        assert new.certificate_id == max(held.certificate_id for held in kept) + 1
    finally:
        compose.close(gateway)


def test_what_waited_in_a_saved_queue_is_delivered_once(tmp_path: Path) -> None:
    gateway = restored("queued", tmp_path)
    try:
        worker = Worker(gateway, threading.Event())
        gateway.database.write(leases.recover)
        while worker.run_batch():
            pass
        with gateway.database.read() as view:
            patient = next(one for one in people.everyone(view) if one.role is Role.PATIENT)
            inbox = mailboxes.find(view, patient.account_id, "INBOX")
            rows = changes.rows(view, patient.account_id, inbox.mailbox_id, 1, 10)
            waiting = desk.listing(view)
        assert [Summary(row.summary).subject for row in rows] == [SUBJECT, WAITING]
        assert waiting == []
    finally:
        compose.close(gateway)


@contextmanager
def exchanging(folder: Path) -> Iterator[tuple[Gateway, dict[str, Any]]]:
    """The store of transport as it was left, at its own time, and what is told of it."""
    gateway = restored("transport", folder)
    try:
        told = json.loads((STORES / "transport" / TOLD).read_text("utf-8"))
        with gateway.database.read() as view:
            authority = certificates.load_authority(view, gateway.spool)
        assert authority is not None
        relaying = replace(gateway.config.relay, dkim_selector=SELECTOR)
        yield (
            replace(
                gateway,
                config=replace(gateway.config, relay=relaying),
                clock=lambda: told["at"],
                peer_trust=PeerTrust((authority.root,), None, None, gateway.lists),
            ),
            told,
        )
    finally:
        compose.close(gateway)


def test_what_waited_for_another_operator_waits_as_it_did(tmp_path: Path) -> None:
    with exchanging(tmp_path) as (gateway, _), gateway.database.read() as view:
        lines = [line for line in desk.listing(view) if line.stage == "relay"]
        assert [(line.state, line.attempts, line.last_failure) for line in lines] == [
            ("due", 0, None),
            ("held", 0, None),
            ("due", 1, "peer_unreachable"),
        ]
        spool = view.vault.account(view, gateway.spool)
        replies = [desk.reply_of(view, spool, line.item_id) for line in lines]
        assert replies == ["", "", "mx1.ville.example 421"]
        (there,) = destinations.listing(view, spool)
        assert (there.domain, there.failures, there.last_failure) == (THERE, 1, "peer_unreachable")
        assert there.closed_until > gateway.queue_clock.now() - 600


def test_what_was_in_doubt_leaves_in_the_same_octets_and_the_rest_with_it(tmp_path: Path) -> None:
    with exchanging(tmp_path) as (gateway, told):
        with gateway.database.read() as view:
            for line in desk.listing(view):
                gateway.database.write(lambda tx, one=line.item_id: desk.retry_now(tx, one))
        (there,) = outbound.due(gateway)
        found = [claimed.item for claimed in outbound.claim(gateway, there.index, 9)]
        made = [relay.prepare(gateway, item) for item in found]
        assert [item.attempt is not None for item in found] == [False, True]
        assert all(one is not None and one.kept.result() for one in made)
        raw = [one.outgoing.raw for one in made if one is not None]
        assert hashlib.sha256(raw[1]).hexdigest() == told["in_doubt"]
        assert all(b"DKIM-Signature:" in one and b"Bonjour." not in one for one in raw)


def test_the_list_the_keys_and_the_passwords_of_a_saved_exchange_serve_as_before(
    tmp_path: Path,
) -> None:
    with exchanging(tmp_path) as (gateway, told), gateway.database.read() as view:
        listed = gateway.whitelist(view)
        assert listed.operator_of(THERE) == THERE
        assert not listed.is_stale(gateway.clock(), 72)
        (key,) = dkim_keys.everything(view, gateway.spool)
        assert (key.domain, key.selector, key.retired_at) == (DOMAIN, SELECTOR, None)
        assert dkim_keys.signer_for(view, gateway.spool, DOMAIN, SELECTOR) is not None
        found = app_passwords.shown(view, told["app_password"])
        assert found is not None
        holder = people.by_account(view, found.account_id)
        assert holder.address == professional(0).address
        (book,) = keybook.of_address(view, gateway.spool, ELSEWHERE)
        assert book.address == ELSEWHERE


def people_of(gateway: Gateway) -> people.Person:
    with gateway.database.read() as view:
        return people.everyone(view)[0]
