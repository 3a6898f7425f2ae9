"""Clients at random on the same mailboxes: numbers never lie, and at a checkpoint all agree.

Each client keeps its mailbox as the responses tell it and fails the moment one contradicts what it,
or any other client, was told (tests/support/imap_model.py). ``MSS_MODEL_SEEDS=500-900`` runs other
seeds, one seed alone again by ``417-417``.
"""

import asyncio
import os
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mailbox_store import changes, flags, mailboxes
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain, serving
from tests.support.imap_actor import Actor, noop
from tests.support.imap_client import Command, Connection, Log, Outcome
from tests.support.imap_lines import ConnectionEnded
from tests.support.imap_model import Saved, View
from tests.support.imap_witness import Contradiction, Flags, Place, Witness, need
from tests.support.other_process import Other, beside
from tests.support.store_observer import observing

ROUNDS, ACTS_A_ROUND, TRAVELLER = 3, 25, 3
LINES = int(os.environ.get("MSS_MODEL_LINES", "80"))
"""How much of the dialogue a failure shows."""

OTHERS_SECONDS = 2.0
"""What another process committed is known to every session so much later."""

BOXES, TEMPORARY = (b"INBOX", b"Trash", b"Passage"), b"Passage"
CHARACTERS: Sequence[tuple[bytes, ...]] = (
    (),
    (),
    (b"CONDSTORE",),
    (b"QRESYNC",),
    (b"QRESYNC",),
    (b"IMAP4rev2",),
)
"""What each client enables, where the server advertises it."""


def seeds() -> list[int]:
    """The seeds of this run."""
    first, _, last = os.environ.get("MSS_MODEL_SEEDS", "1-3").partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.mark.parametrize("seed", seeds())
async def test_clients_at_random_agree_at_every_checkpoint(site: Site, seed: int) -> None:
    async with _troupe(site, seed) as actors:
        for _ in range(ROUNDS):
            traveller = actors[TRAVELLER]
            name = await traveller.leave()
            others = [actor for actor in actors if actor is not traveller]
            await asyncio.gather(*(_round(actor) for actor in others))
            _judge_difference(site, name, *await traveller.come_back(name))
            await _checkpoint(site, actors)


@pytest.mark.parametrize("seed", seeds()[:1])
async def test_clients_agree_when_another_process_writes_too(site: Site, seed: int) -> None:
    async with _troupe(site, seed) as actors, beside(site) as other:
        for actor in actors:
            actor.is_alone = False
        for _ in range(2):
            writing = asyncio.create_task(_meddle(site, other, actors, random.Random(seed)))
            await asyncio.gather(*(_round(actor) for actor in actors))
            for place in await writing:
                actors[0].connection.witness.was_created(place, None, 0, may_go=True)
            await asyncio.sleep(OTHERS_SECONDS)
            await _checkpoint(site, actors)


async def test_what_another_process_does_reaches_idle_within_a_moment(site: Site) -> None:
    for number in range(2):
        site.put(plain(number), flags=flags.DELETED)
    log: Log = deque(maxlen=400)
    deeds: list[tuple[bytes, str, dict[str, Any]]] = [
        (b"EXISTS", "append", {"number": 9}),
        (b"FETCH", "flags", {"uids": [2], "add": flags.FLAGGED}),
        (b"EXPUNGE", "expunge", {"uids": [2]}),
    ]
    async with serving(site) as port, beside(site) as other:
        connections = [Connection(who, port, Witness(), log, TEMPORARY) for who in "abc"]
        for connection in connections:
            await connection.open(LOGIN, PASSWORD)
            await connection.open_mailbox(b"INBOX")
            await connection.run(Command(b"FETCH 1:* (UID FLAGS)"))
        for name, deed, more in deeds:
            told = [asyncio.create_task(connection.idle_once()) for connection in connections]
            await asyncio.sleep(0.1)
            await other.ask(deed, "INBOX", **more)
            responses = await asyncio.wait_for(asyncio.gather(*told), OTHERS_SECONDS)
            assert [response.name for response in responses] == [name] * len(connections)
        for connection in connections:
            await connection.close()


@asynccontextmanager
async def _troupe(site: Site, seed: int) -> AsyncIterator[list[Actor]]:
    """Six clients that have selected something; a contradiction comes out with its dialogue."""
    site.database.write(lambda tx: mailboxes.create(tx, site.account_id, TEMPORARY.decode()))
    witness, log = Witness(), deque[tuple[str, bytes]](maxlen=max(LINES, 400))
    for number in range(5):
        uid = site.put(plain(number))
        token = b"<%d@mss.example>" % number
        witness.was_created((_stored(site, b"INBOX")[0], uid), token, 0, may_go=False)
    async with serving(site) as port:
        actors = [
            _actor(number, port, witness, log, seed, enables)
            for number, enables in enumerate(CHARACTERS)
        ]
        try:
            with observing(site.database):
                for actor in actors:
                    await actor.enter()
                yield actors
        except Contradiction as contradiction:
            raise AssertionError(_story(seed, contradiction, log)) from contradiction
        finally:
            for actor in actors:
                await actor.connection.close()


def _actor(
    number: int, port: int, witness: Witness, log: Log, seed: int, enables: tuple[bytes, ...]
) -> Actor:
    connection = Connection("abcdefgh"[number], port, witness, log, TEMPORARY)
    chance = random.Random(seed * 100 + number)
    return Actor(connection, LOGIN, PASSWORD, chance, BOXES, enables)


async def _meddle(
    site: Site, other: Other, actors: list[Actor], chance: random.Random
) -> list[Place]:
    """What the operator may do meanwhile in two mailboxes; the messages that came."""
    made: list[Place] = []
    witness = actors[0].connection.witness
    for number in range(25):
        box = chance.choice(["INBOX", "Trash"])
        validity, stored, _ = _stored(site, box.encode())
        some = chance.sample(sorted(stored), min(len(stored), 3))
        deed = chance.choice(["append", "flags", "delete", "expunge"])
        if deed == "append":
            made.append((validity, await other.ask("append", box, number=1_000 + number)))
        elif deed == "flags":
            await other.ask("flags", box, uids=some, add=flags.FLAGGED)
        elif deed == "delete":
            witness.may_go |= {(validity, uid) for uid in some}
            await other.ask("flags", box, uids=some, add=flags.DELETED)
        else:
            await other.ask("expunge", box, uids=some)
    return made


async def _checkpoint(site: Site, actors: list[Actor]) -> None:
    for actor in actors:
        await _settle(site, actor)
    for box in BOXES:
        _compare(site, actors, box)
    for actor in actors:
        actor.missing.clear()


async def _round(actor: Actor) -> None:
    for _ in range(ACTS_A_ROUND):
        await actor.act()


async def _settle(site: Site, actor: Actor) -> None:
    """Nobody does anything; whose mailbox was deleted meanwhile selects another one."""
    while True:
        try:
            while actor.connection.view is None:
                await actor.select(actor.target())
            return await _agrees(site, actor)
        except ConnectionEnded:
            await actor.recover()


async def _agrees(site: Site, actor: Actor) -> None:
    """What the client believes is what FETCH says and what is stored."""
    connection, view = actor.connection, actor.view
    await connection.run(noop(actor))
    if view.name == actor.temporary:
        await connection.listen(0.1)  # the BYE of a mailbox that was deleted follows the answer
    believed = [(one.uid, one.flags) for one in view.messages]
    if view.messages:
        await connection.run(Command(b"FETCH 1:* (UID FLAGS)"))
    for one, (uid, known) in zip(view.messages, believed, strict=True):
        need(uid in (None, one.uid), "another UID than believed", uid, one)
        need(known in (None, one.flags), "other flags than believed", known, one)
    validity, stored, modseqs = _stored(site, view.name)
    seen = {one.uid: one.flags for one in view.messages}
    need((validity, stored) == (view.uidvalidity, seen), "the store differs", stored, seen)
    await _search_agrees(connection, view)
    if view.uses_modseq and view.messages:
        for one in view.messages:
            need(one.modseq in (None, modseqs[one.uid or 0]), "a MODSEQ was not told", one, modseqs)
        await connection.run(Command(b"UID FETCH 1:* (MODSEQ)"))
        need({one.uid: one.modseq for one in view.messages} == modseqs, "MODSEQ differs", modseqs)
    actor.suspects = [pair for pair in actor.suspects if pair[0] is view]
    for _, one, outcome in actor.suspects:
        need(one not in view.messages, "left out, and still there", one, outcome)
    actor.suspects.clear()


async def _search_agrees(connection: Connection, view: View) -> None:
    for flag, key in (
        (b"\\Seen", b"SEEN"),
        (b"\\Deleted", b"DELETED"),
        (b"Urgent", b"KEYWORD Urgent"),
    ):
        outcome = await connection.run(Command(b"UID SEARCH " + key))
        expected = [one.uid for one in view.messages if flag in (one.flags or ())]
        need(sorted(outcome.told.found or []) == expected, "SEARCH differs", key, expected)


def _compare(site: Site, actors: list[Actor], name: bytes) -> None:
    witness = actors[0].connection.witness
    witness.settle()
    validity, stored, _ = _stored(site, name)
    for actor in actors:
        untold = [place for place in actor.missing if place not in witness.may_go]
        need(all(place[0] != validity for place in untold), "a message was not told", untold)
    witness.compare(validity, sorted(stored))


def _judge_difference(site: Site, name: bytes, saved: Saved | None, outcome: Outcome) -> None:
    """After days away QRESYNC tells what happened, and nothing else."""
    validity, stored, modseqs = _stored(site, name)
    if saved is None or saved.uidvalidity != validity:
        return
    with site.database.read() as view:
        box = mailboxes.find(view, site.account_id, name.decode())
        gone = changes.changes_since(view, box.mailbox_id, saved.until, box.uidnext).expunged
    told = {one.uid: one.flags for one, _ in outcome.told.fetched}
    newer = {uid: flags for uid, flags in stored.items() if modseqs[uid] > saved.until}
    known = newer.keys() & saved.messages.keys()  # what is new may be left out if these were named
    need(told.items() <= newer.items(), "QRESYNC told what was not", told, newer)
    need(known <= told.keys(), "QRESYNC left out a change", told, newer)
    is_whole = outcome.text.endswith(b"(%d %d))" % (validity, saved.until))
    need(told == newer or not is_whole, "QRESYNC left out what is new", told, newer)
    vanished = set(outcome.told.vanished_earlier)
    need(vanished <= set(gone), "told gone what is not, or was before", vanished, gone)
    need(set(gone) & set(saved.messages) <= vanished, "an expunge was not told", vanished, gone)


def _stored(site: Site, name: bytes) -> tuple[int, dict[int, Flags], dict[int, int]]:
    """UIDVALIDITY, flags and MODSEQ by UID, as the store has them."""
    with site.database.read() as view:
        box = mailboxes.find(view, site.account_id, name.decode())
        found = changes.snapshot(view, box.mailbox_id)
    need(box.messages == len(found.uids), "the store miscounts", box)
    named = [
        frozenset(word.encode() for word in flags.names(value, found.keywords))
        for value in found.flags
    ]
    return (
        box.uidvalidity,
        dict(zip(found.uids, named, strict=True)),
        dict(zip(found.uids, found.modseqs, strict=True)),
    )


def _story(seed: int, contradiction: Contradiction, log: Log) -> str:
    """What was said last, of all clients."""
    lines = [f"{who:3} {octets[:300]!r}" for who, octets in list(log)[-LINES:]]
    return "\n".join([f"MSS_MODEL_SEEDS={seed}-{seed}", *lines, str(contradiction)])
