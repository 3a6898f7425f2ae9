"""Which thread a message is in: what arrives, what is sent, and what was there."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbox_store import mailboxes, messages, threads
from mailbox_store.database import Transaction
from mailbox_store.flags import SEEN
from mailbox_store.messages import Appended
from mailbox_store.threads import ThreadId
from mss_gateway.directory.people import Person
from mss_gateway.life import submission
from mss_gateway.life import threads as life_threads
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.life.threads import Parties
from mss_gateway.message.address import parse_address
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.support import site as sites
from tests.support.site import Site


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Site]:
    """A site with people."""
    with sites.opened(tmp_path) as opened:
        yield opened


def in_threads(site: Site, person: Person) -> dict[tuple[str, ...], list[str]]:
    """With whom → in which mailboxes their messages lie, in the order of their arrival."""
    found: dict[tuple[str, ...], list[str]] = {}
    with site.gateway.database.read() as view:
        rows = view.sql(
            "SELECT e.thread_id, e.mailbox_id FROM entries e JOIN messages m"
            " ON m.message_id = e.message_id WHERE m.account_id = ? ORDER BY e.message_id",
            (person.account_id,),
        ).fetchall()
        for thread_id, mailbox_id in rows:
            parties = () if thread_id is None else names(parties_of(site, person, thread_id))
            name = mailboxes.by_id(view, mailbox_id).name
            found.setdefault(parties, []).append(name)
    return found


def parties_of(site: Site, person: Person, thread_id: int) -> Parties:
    with site.gateway.database.read() as view:
        thread = threads.find(view, person.account_id, thread_id)
    assert thread is not None
    return life_threads.opened(thread.correspondents)


def names(parties: Parties) -> tuple[str, ...]:
    mark = "?" if parties.is_claimed else "!" if parties.is_system else ""
    return tuple(mark + party.name for party in parties.parties)


def answer(site: Site, patient: Person, to: Person, thread_id: ThreadId | None = None) -> None:
    raw = site.written(patient, to, "Re: Bonjour")
    envelope = Envelope(patient, parse_address(patient.address), "webmail")
    recipients = (parse_address(to.address),)
    submission.accept(site.gateway, Submission(envelope, recipients, raw, thread_id=thread_id))


def put(site: Site, person: Person, raw: bytes, mailbox: str = "INBOX") -> Appended:
    """A message of which an earlier release established nothing, settled."""
    with site.gateway.database.read() as view:
        seal = view.vault.account(view, person.account_id)
        ref = site.gateway.new_ref()
        made = messages.seal_arrival(seal, person.account_id, ref, raw, summarise(scan(raw)), b"")
        target = mailboxes.find(view, person.account_id, mailbox).mailbox_id

    def unit(tx: Transaction) -> Appended:
        placed = messages.append(tx, target, made, SEEN, tx.now)
        tx.sql("UPDATE messages SET thread_id = 0 WHERE message_id = ?", (placed.message_id,))
        return placed

    placed = site.gateway.database.write(unit)
    life_threads.settle(site.gateway.database)
    return placed


def test_what_is_exchanged_with_a_professional_is_one_thread(house: Site) -> None:
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Un"))
    answer(house, house.camille, house.claire)
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Deux"))
    found = in_threads(house, house.camille)
    assert found == {("Dr Claire MARTIN",): ["INBOX", "Sent", "INBOX"]}


def test_professionals_have_no_threads(house: Site) -> None:
    house.deliver(house.claire, house.paul, house.written(house.claire, house.paul, "Un"))
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Deux"))
    answer(house, house.camille, house.claire)
    house.run_queue()
    assert set(in_threads(house, house.paul)) == set(in_threads(house, house.claire)) == {()}


def test_two_patients_of_one_professional_cannot_be_told_by_their_threads(house: Site) -> None:
    for patient in (house.camille, house.noe):
        house.deliver(house.claire, patient, house.written(house.claire, patient, "Un"))
    with house.gateway.database.read() as view:
        rows = view.sql("SELECT correspondents_index, sealed FROM threads").fetchall()
    assert len({bytes(index) for index, _ in rows}) == 2
    assert not any(b"MARTIN" in bytes(sealed) for _, sealed in rows)


def test_an_answer_stays_in_the_thread_it_answers(house: Site) -> None:
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Un"))
    house.deliver(house.paul, house.camille, house.written(house.paul, house.camille, "Deux"))
    with house.gateway.database.read() as view:
        index = life_threads.with_one(view, house.camille.account_id, house.claire.address)
        numbers = threads.numbered(view, house.camille.account_id, [index])
    answer(house, house.camille, house.paul, numbers[index])
    assert in_threads(house, house.camille)[("Dr Claire MARTIN",)] == ["INBOX", "Sent"]


def test_a_thread_of_somebody_else_is_not_continued(house: Site) -> None:
    for patient in (house.noe, house.camille):
        house.deliver(house.claire, patient, house.written(house.claire, patient, "Un"))
    with house.gateway.database.read() as view:
        index = life_threads.with_one(view, house.noe.account_id, house.claire.address)
        (number,) = threads.numbered(view, house.noe.account_id, [index]).values()
    answer(house, house.camille, house.claire, number)
    assert in_threads(house, house.camille) == {("Dr Claire MARTIN",): ["INBOX", "Sent"]}
    assert in_threads(house, house.noe) == {("Dr Claire MARTIN",): ["INBOX"]}


def test_a_message_to_several_is_a_thread_of_the_group(house: Site) -> None:
    with house.gateway.database.read() as view:
        account = house.camille.account_id
        both = [house.paul.address, house.claire.address]
        one = life_threads.of_sent(view, account, both)
        assert life_threads.of_sent(view, account, reversed(both)).index == one.index
        assert life_threads.of_sent(view, account, both[:1]).index != one.index


def test_what_the_gateway_writes_has_a_thread_of_its_own(house: Site) -> None:
    with house.gateway.database.read() as view:
        account = house.camille.account_id
        author = life_threads.Party(house.claire.address, "Le service")
        system = life_threads.of_received(view, account, "SYSTEM", "absent", author)
        other = life_threads.of_received(view, account, "SYSTEM", "absent", author)
        known = life_threads.of_received(view, account, "PROFESSIONAL", "valid", author)
    assert system.index == other.index != known.index


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # whoever it says it is from, nobody vouches for it
        (b"From: Dr Claire MARTIN <claire.martin@mss.example>\r\n\r\nx\r\n", ("?",)),
        (b"Subject: rien\r\n\r\nx\r\n", ("?",)),
        (b"From: a@b.example, c@d.example\r\n\r\nx\r\n", ("?",)),
    ],
)
def test_what_nobody_vouches_for_is_never_in_the_thread_of_whom_it_names(
    raw: bytes, expected: tuple[str, ...], house: Site
) -> None:
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Un"))
    put(house, house.camille, raw)
    found = in_threads(house, house.camille)
    assert found == {("Dr Claire MARTIN",): ["INBOX"], expected: ["INBOX"]}


def test_an_own_copy_of_an_earlier_release_is_in_the_thread_of_its_recipients(house: Site) -> None:
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Un"))
    put(house, house.camille, house.written(house.camille, house.claire, "Re: Un"), "Sent")
    found = in_threads(house, house.camille)
    assert found == {("Dr Claire MARTIN",): ["INBOX", "Sent"]}


def test_what_an_earlier_release_kept_is_settled_in_batches(
    house: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.deliver(house.claire, house.camille, house.written(house.claire, house.camille, "Un"))
    answer(house, house.camille, house.claire)
    put(house, house.camille, b"From: <claire.martin@mss.example>\r\n\r\nx\r\n")
    house.deliver(house.paul, house.noe, house.written(house.paul, house.noe, "Deux"))
    before = [in_threads(house, person) for person in (house.camille, house.noe)]

    def as_it_was(tx: Transaction) -> None:
        tx.sql("UPDATE messages SET thread_id = 0 WHERE thread_id IS NOT NULL")
        tx.sql("UPDATE entries SET thread_id = NULL")
        tx.sql("DELETE FROM threads")

    house.gateway.database.write(as_it_was)
    monkeypatch.setattr(life_threads, "BATCH", 2)
    told: list[int] = []
    assert life_threads.settle(house.gateway.database, told.append) == 4
    assert told == [2, 4]
    assert [in_threads(house, person) for person in (house.camille, house.noe)] == before
    assert life_threads.settle(house.gateway.database) == 0


def test_evidence_of_the_first_release_is_enough(house: Site) -> None:
    """It did not say which account wrote: then what was established of the author decides."""
    placed = put(house, house.camille, b"From: <claire.martin@mss.example>\r\n\r\nx\r\n")
    noted = {
        "signature": "valid",
        "signer": "Dr Claire MARTIN",
        "signer_address": house.claire.address,
        "author_role": "PROFESSIONAL",
    }

    def earlier(tx: Transaction) -> None:
        seal = tx.vault.account(tx, house.camille.account_id)
        (ref,) = tx.sql(
            "SELECT message_ref FROM messages WHERE message_id = ?", (placed.message_id,)
        ).one()
        sealed = seal.seal(json.dumps(noted).encode(), messages.evidence_context(ref))
        tx.sql("UPDATE messages SET evidence = ?, thread_id = 0", (sealed,))

    house.gateway.database.write(earlier)
    assert life_threads.settle(house.gateway.database) == 1
    assert in_threads(house, house.camille) == {("Dr Claire MARTIN",): ["INBOX"]}
