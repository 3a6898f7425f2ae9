"""The store that the release of the patient's record left behind: all of it is there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mailbox_store import changes, mailboxes, segments
from mailbox_store.flags import ANSWERED, SEEN
from mss_gateway import compose
from mss_gateway.directory import contact, passkeys, people
from mss_gateway.dossier import catalogue, facets, journal, listing, record_segments
from mss_gateway.dossier.documents import Way
from mss_gateway.dossier.journal import Act, Side
from mss_gateway.dossier.listing import Reader
from mss_gateway.life import record_search
from mss_gateway.life.gateway import Gateway
from mss_gateway.webmail import kept_forms
from tests.corpus.stores import of_record
from tests.corpus.stores.make import TOLD
from tests.support.authenticator import Authenticator, octets
from tests.support.people import patient
from tests.unit.mss_gateway.test_saved_stores import STORES, restored


@contextmanager
def recorded(folder: Path) -> Iterator[tuple[Gateway, people.Person, dict[str, Any]]]:
    """The store of the record as it was left, at its own time, its patient, and what is told."""
    gateway = restored("record", folder)
    try:
        told = json.loads((STORES / "record" / TOLD).read_text("utf-8"))["record"]
        with gateway.database.read() as view:
            noe = people.by_address(view, patient(1).address)
        assert noe is not None
        yield replace(gateway, clock=lambda: told["at"]), noe, told
    finally:
        compose.close(gateway)


def test_every_document_of_a_saved_record_is_as_it_was_left(tmp_path: Path) -> None:
    with recorded(tmp_path) as (gateway, noe, _), gateway.database.read() as view:
        documents = listing.documents_of(view, noe.account_id, Reader.PATIENT)
        ways = {one.title: (one.way, one.revision, one.is_masked) for one in documents}
        assert ways == {
            of_record.ARCHIVED: (Way.MESSAGE, 0, False),
            of_record.SAVED: (Way.SAVED, 0, False),
            of_record.EDITED: (Way.DEPOSITED, 1, False),
            of_record.MASKED: (Way.DEPOSITED, 0, True),
            of_record.IMPORTED: (Way.IMPORTED, 0, False),
        }
        for one in documents:
            kept = catalogue.read_bytes(view, noe.account_id, one.document_id)
            assert hashlib.sha256(kept).hexdigest() == one.digest
        assert sum(facets.by_category(view, noe.account_id).values()) == len(documents)
        found = record_search.search(gateway, noe.account_id, of_record.WORD)
        assert [one.title for one in documents if one.document_id in found.document_ids] == [
            of_record.SAVED
        ]
        assert record_segments.lag(view) == 0


def test_the_journal_of_a_saved_record_tells_what_was_done(tmp_path: Path) -> None:
    with recorded(tmp_path) as (gateway, noe, _), gateway.database.read() as view:
        told = {
            side: [
                (entry.act, entry.title)
                for entry in journal.every_entry(view, noe.account_id, side)
            ]
            for side in Side
        }
        assert {act for act, _ in told[Side.OWN]} >= {
            *(Act.DEPOSITED, Act.EDITED, Act.MASKED, Act.REMOVED, Act.READ)
        }
        assert (Act.REMOVED, of_record.REMOVED) in told[Side.OWN]
        assert {title for _, title in told[Side.OTHERS]} >= {of_record.ARCHIVED, of_record.IMPORTED}


def test_the_messages_of_a_saved_space_are_read_unread_and_answered_as_before(
    tmp_path: Path,
) -> None:
    with recorded(tmp_path) as (gateway, noe, told), gateway.database.read() as view:
        inbox = mailboxes.find(view, noe.account_id, "INBOX")
        rows = changes.rows(view, noe.account_id, inbox.mailbox_id, 1, 10)
        flags = [(bool(row.flags & SEEN), bool(row.flags & ANSWERED)) for row in rows]
        assert flags == [(True, False), (False, True), (False, False)]
        sent = mailboxes.find_special(view, noe.account_id, "\\Sent")
        assert sent is not None
        assert len(list(changes.rows(view, noe.account_id, sent.mailbox_id, 1, 10))) == 1
        kept = kept_forms.latest(view, noe.account_id, told["at"])
        assert kept is not None and kept.fields["texte"] == (of_record.KEPT_TEXT,)
        assert contact.confirmed(view, noe.account_id) == of_record.CONTACT
        assert segments.lag(view) == 0


def test_a_passkey_of_a_saved_space_still_opens_it(tmp_path: Path) -> None:
    with recorded(tmp_path) as (gateway, noe, told):
        held, challenge = told["passkey"], b"d" * 32
        key = load_der_private_key(octets(held["key"]), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        device = Authenticator(
            of_record.SITE.origin,
            held["counter"],
            key=key,
            credential_id=octets(held["credential"]),
            handle=octets(held["handle"]),
            host=of_record.SITE.host,
        )
        answer = device.show(json.loads(passkeys.recognition_options(of_record.SITE, challenge)))
        shown = gateway.database.write(
            lambda tx: passkeys.recognise(tx, answer, of_record.SITE, challenge)
        )
        assert (shown.account_id, shown.name) == (noe.account_id, of_record.PASSKEY)
