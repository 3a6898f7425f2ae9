"""What a client of the model does at random, and how each answer is judged.

An act is chosen by weight from a table; it makes a command that fits the view of this moment, and
a judge that knows what the answer has to hold.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.support.imap_client import Command, Connection, Judge, Outcome
from tests.support.imap_lines import ConnectionEnded, numbers, printed
from tests.support.imap_model import MESSAGE_ID, Message, Saved, View
from tests.support.imap_witness import Flags, Place, need

FLAGS: Final = (b"\\Seen", b"\\Flagged", b"\\Deleted", b"\\Answered", b"Urgent", b"$Forwarded")
MANY: Final = 40
GONE: Final = frozenset({b"TRYCREATE", b"NONEXISTENT"})
ISSUED: Final = frozenset({b"EXPUNGEISSUED"})


@dataclass(slots=True)
class Actor:
    """A client at random; ``is_alone``: only the server's own process writes into the store."""

    connection: Connection
    login: str
    password: str
    chance: random.Random
    boxes: tuple[bytes, ...]
    enables: tuple[bytes, ...] = ()
    is_alone: bool = True
    suspects: list[tuple[View, Message, Outcome]] = field(default_factory=list)
    missing: list[Place] = field(default_factory=list)
    pictures: dict[bytes, Saved] = field(default_factory=dict)
    _messages: int = 0

    # one step

    async def act(self) -> None:
        """One act, or several commands in one batch."""
        try:
            if self.connection.view is None:
                await self._without_mailbox()
            elif self.chance.random() < 0.2:
                await self._several()
            else:
                acts = list(_ACTS)
                chosen = self.chance.choices(acts, [_ACTS[act] for act in acts])[0]
                await chosen(self)
        except ConnectionEnded:
            await self.recover()

    async def enter(self) -> None:
        """Log in and select a mailbox."""
        await self.connection.open(self.login, self.password, self.enables)
        await self.select(self.chance.choice(self.boxes))

    async def select(self, name: bytes) -> tuple[Saved | None, Outcome]:
        """SELECT, with what was kept of the mailbox; the temporary one may be gone."""
        self._keep()
        saved = self.pictures.get(name) if b"QRESYNC" in self.connection.enabled else None
        outcome = await self.connection.open_mailbox(name, saved=saved, known=self._known(saved))
        if outcome.tagged.name != b"OK":
            may_be_gone = name == self.temporary and outcome.tagged.name == b"NO"
            need(may_be_gone, "SELECT was refused", name, outcome.tagged.raw)
        elif saved is not None and saved.uidvalidity == self.view.uidvalidity:
            self._judge_resumed(saved, outcome)
        return saved, outcome

    async def leave(self) -> bytes:
        """Go away for a while, politely or not; the mailbox that was selected."""
        self._keep()
        name = self.boxes[0] if self.connection.view is None else self.connection.view.name
        if self.chance.random() < 0.5:
            await self.connection.leave()
        else:
            await self.connection.close()
        return name

    async def come_back(self, name: bytes) -> tuple[Saved | None, Outcome]:
        """Log in again and select the same mailbox."""
        await self.connection.open(self.login, self.password, self.enables)
        return await self.select(name)

    # inside

    @property
    def temporary(self) -> bytes:
        """The mailbox that may go at any time."""
        return self.connection.temporary

    @property
    def view(self) -> View:
        """The selected mailbox; acts run only while there is one."""
        assert self.connection.view is not None
        return self.connection.view

    def flag(self) -> bytes:
        """Any flag."""
        return self.chance.choice(FLAGS)

    def target(self) -> bytes:
        """Any mailbox."""
        return self.chance.choice(self.boxes)

    def accepted(self, name: bytes) -> frozenset[bytes]:
        """Codes with which NO is right for a command that names this mailbox."""
        return GONE if name == self.temporary else frozenset()

    def uses_modseq(self) -> bool:
        """Whether CONDSTORE may be spoken."""
        return self.view.uses_modseq

    def some(self) -> list[int]:
        """A few sequence numbers, ascending; the mailbox is not empty."""
        count = len(self.view.messages)
        start = self.chance.randint(1, count)
        return sorted({start, *self.chance.sample(range(1, count + 1), min(count, 2))})

    def _known(self, saved: Saved | None) -> bytes:
        """Sometimes what QRESYNC may also be given: the known UIDs, RFC 7162 §3.2.5.2."""
        if saved is None or not saved.messages or self.chance.random() < 0.6:
            return b""
        return b" " + printed(sorted(saved.messages))

    def _keep(self) -> None:
        view = self.connection.view
        if view is not None and view.saved is not None:
            self.pictures[view.name] = view.saved

    def _judge_resumed(self, saved: Saved, outcome: Outcome) -> None:
        for one, told in outcome.told.fetched:
            need({b"UID", b"FLAGS", b"MODSEQ"} <= told, "a resumed message is not whole", told)
            need((one.modseq or 0) > saved.until, "told what was known", one, saved.until)

    async def recover(self) -> None:
        """The server ended the connection, which is right where its mailbox was deleted."""
        view = self.connection.view
        need(view is not None and view.name == self.temporary, "the connection was ended")
        await self.connection.close()
        await self.enter()

    async def _without_mailbox(self) -> None:
        if self.chance.random() < 0.3:
            await self.connection.run(append(self))
        await self.select(self.target())

    async def _several(self) -> None:
        """A batch: sequence numbers only before what may expunge, RFC 9051 §5.5."""
        numbered = [act for act in (fetch, store, search) if self.view.messages]
        first = [act(self) for act in self.chance.choices(numbered, k=2)] if numbered else []
        rest = [uid_fetch, uid_store, append, uid_search, status, expunge, uid_copy, noop]
        count = self.chance.randint(1, 4)
        await self.connection.batch(
            [*first, *(act(self) for act in self.chance.choices(rest, k=count))]
        )


# commands, each with its judge


def noop(actor: Actor) -> Command:
    """NOOP tells everything that anybody knew before it."""
    view = actor.view

    def judge(outcome: Outcome) -> None:
        judge_current(actor, view, outcome.since)

    return Command(actor.chance.choice([b"NOOP", b"CHECK"]), judge)


def judge_current(actor: Actor, view: View, since: int) -> None:
    """What anybody was told before ``since`` is in the view now.

    A message that is not may be moved away by a command whose answer nobody has read yet. A mailbox
    that was deleted tells nothing, and what another process did is told a moment later.
    """
    if not actor.is_alone:
        return
    witness = view.witness
    for uid in view.uids():
        if uid is not None:
            place = view.place(uid)
            is_told = view.name == actor.temporary or not witness.gone_before(place, since)
            need(is_told, "an expunge was not told", place)
    alive = witness.alive_before(view.uidvalidity, since)
    actor.missing += [view.place(uid) for uid in alive if not view.admits(uid)]


def append(actor: Actor) -> Command:
    """APPEND without waiting."""
    text, octets, judge, accepts = prepared_append(actor)
    return Command(b"%s {%d+}\r\n%s" % (text, len(octets), octets), judge, accepts)


def prepared_append(actor: Actor) -> tuple[bytes, bytes, Judge, frozenset[bytes]]:
    """The command up to its literal, the literal, its judge, what may refuse it."""
    actor._messages += 1
    name, flag = actor.target(), actor.flag()
    token = b"<%s.%d@mss.example>" % (actor.connection.who.encode(), actor._messages)
    octets = b"From: claire.martin@mss.example\r\nMessage-ID: %s\r\n\r\nBonjour.\r\n" % token
    witness = actor.connection.witness

    def judge(outcome: Outcome) -> None:
        place = place_of(outcome.tagged.code)
        may_go = flag == b"\\Deleted"
        witness.was_created(place, token, outcome.since, may_go=may_go)
        view = actor.connection.view
        if view is not None and view.uidvalidity == place[0] and not view.admits(place[1]):
            actor.missing.append(place)

    return b"APPEND %s (%s)" % (name, flag), octets, judge, actor.accepted(name)


def place_of(code: tuple[Any, ...]) -> Place:
    """Of ``APPENDUID``."""
    need(len(code) == 3 and code[0] == b"APPENDUID", "OK without APPENDUID", code)
    return int(code[1]), int(code[2])


def _will_store(actor: Actor, targets: list[Message]) -> tuple[bytes, bytes, Flags]:
    """The sign, the flag; \\Deleted only where all UIDs are known, so that all may go."""
    flag = actor.flag()
    if flag == b"\\Deleted":
        if any(one.uid is None for one in targets):
            flag = b"\\Flagged"
        else:
            view = actor.view
            view.witness.may_go |= {view.place(one.uid) for one in targets if one.uid}
    return actor.chance.choice([b"+", b"+", b"-", b""]), flag, frozenset({flag})


def _judge_told(actor: Actor, targets: list[Message], items: frozenset[bytes]) -> Judge:
    """Each message was told with these items; one that was not is gone, or it is a fault later."""
    view = actor.view

    def judge(outcome: Outcome) -> None:
        told = {id(one) for one, names in outcome.told.fetched if items <= names}
        # of two messages without a UID nobody knows which one vanishes
        named = [one for one in targets if one.uid is not None]
        actor.suspects += [(view, one, outcome) for one in named if id(one) not in told]

    return judge


def _store(actor: Actor, command: bytes, targets: list[Message]) -> Command:
    sign, flag, flags = _will_store(actor, targets)
    is_silent = actor.chance.random() < 0.3

    def begin() -> None:
        """What a silent STORE did is not told: the client takes it as done, RFC 9051 §6.4.6."""
        for one in targets:
            if one.flags is not None and is_silent:
                added = one.flags | flags if sign == b"+" else flags
                one.flags = one.flags - flags if sign == b"-" else added

    items = frozenset({b"FLAGS", b"MODSEQ"} if actor.uses_modseq() else {b"FLAGS"})
    text = b"%s %sFLAGS%s (%s)" % (command, sign, b".SILENT" if is_silent else b"", flag)
    judge = None if is_silent else _judge_told(actor, targets, items)
    return Command(text, judge, ISSUED, begin)


def store(actor: Actor) -> Command:
    """STORE by number."""
    chosen = actor.some()
    targets = [actor.view.messages[number - 1] for number in chosen]
    return _store(actor, b"STORE " + printed(chosen), targets)


def uid_store(actor: Actor) -> Command:
    """UID STORE."""
    targets = _known(actor)
    if not targets:
        return noop(actor)
    chosen = [one.uid for one in targets if one.uid is not None]
    if actor.uses_modseq() and actor.chance.random() < 0.4:
        return _unchanged_since(actor, targets)
    return _store(actor, b"UID STORE " + printed(chosen), targets)


def _unchanged_since(actor: Actor, targets: list[Message]) -> Command:
    """RFC 7162 §3.1.3: what changed since is left alone and named in MODIFIED."""
    view, chosen = actor.view, [one.uid for one in targets if one.uid is not None]
    since = actor.chance.choice([one.modseq or 1 for one in targets])
    newer = {uid for uid in chosen if view.witness.modseqs.get(view.place(uid), 0) > since}

    def judge(outcome: Outcome) -> None:
        modified: set[int] = set()
        for code in (outcome.tagged.code, *outcome.told.codes):
            if code[:1] == (b"MODIFIED",):
                modified |= set(numbers(code[1]))
        need(modified <= set(chosen), "MODIFIED names others", modified, chosen)
        left = {uid for uid in newer - modified if view.message(uid) is not None}
        actor.suspects += [(view, one, outcome) for one in targets if one.uid in left]

    text = b"UID STORE %s (UNCHANGEDSINCE %d) +FLAGS (%s)"
    return Command(text % (printed(chosen), since, b"\\Flagged"), judge, ISSUED)


def _known(actor: Actor) -> list[Message]:
    """Some messages whose UID was told."""
    known = [one for one in actor.view.messages if one.uid is not None]
    picked = actor.chance.sample(known, min(len(known), 3))
    return sorted(picked, key=lambda one: one.uid or 0)


def fetch(actor: Actor) -> Command:
    """FETCH by number."""
    view = actor.view
    chosen = actor.some()
    if actor.chance.random() < 0.3:
        chosen = list(range(chosen[0], len(view.messages) + 1))
    targets = [view.messages[number - 1] for number in chosen]
    text, items = _items(actor)
    return Command(
        b"FETCH %s %s" % (printed(chosen), text), _judge_told(actor, targets, items), ISSUED
    )


def _items(actor: Actor) -> tuple[bytes, frozenset[bytes]]:
    offered = [b"UID FLAGS", b"FLAGS UID " + MESSAGE_ID.replace(b"BODY", b"BODY.PEEK"), b"UID"]
    offered += [b"UID RFC822.SIZE INTERNALDATE", b"UID FLAGS BODY[TEXT]<0.4>", b"UID ENVELOPE"]
    if actor.uses_modseq():
        offered += [b"UID FLAGS MODSEQ", b"MODSEQ UID"]
    text = actor.chance.choice(offered)
    names = text.replace(b"BODY.PEEK", b"BODY").replace(b"<0.4>", b"<0>")
    whole = {MESSAGE_ID} if MESSAGE_ID in names else set()
    names = names.replace(MESSAGE_ID, b"")
    return b"(%s)" % text, frozenset(names.split()) | whole


def uid_fetch(actor: Actor) -> Command:
    """UID FETCH of everything, or of what changed."""
    view = actor.view
    if actor.uses_modseq() and view.saved is not None and actor.chance.random() < 0.4:
        return _changed_since(actor, view, view.saved)
    text, items = _items(actor)
    judge = _judge_told(actor, list(view.messages), items)
    return Command(b"UID FETCH 1:* %s" % text, judge, ISSUED)


def _changed_since(actor: Actor, view: View, saved: Saved) -> Command:
    """RFC 7162 §3.1.4.1 and §3.2.6: nothing that was not changed, and what vanished."""
    modifier = b" VANISHED" if view.uses_vanished and actor.chance.random() < 0.5 else b""

    def judge(outcome: Outcome) -> None:
        for one, told in outcome.told.fetched:
            is_newer = one.modseq is not None and one.modseq > saved.until
            need(is_newer or b"MODSEQ" not in told, "told what was known", one, saved.until)
        for uid in outcome.told.vanished_earlier:
            view.witness.has_gone(view.place(uid))

    text = b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d%s)" % (saved.until, modifier)
    return Command(text, judge, ISSUED)


def search(actor: Actor) -> Command:
    """SEARCH by number: numbers of this view."""
    view = actor.view

    def judge(outcome: Outcome) -> None:
        found = outcome.told.found
        need(found is not None, "no SEARCH response")
        need(len(set(found or ())) == len(found or ()), "SEARCH found a message twice", found)
        need(all(1 <= n <= len(view.messages) for n in found or ()), "SEARCH beyond EXISTS", found)

    return Command(b"SEARCH " + _key(actor), judge, ISSUED)


def uid_search(actor: Actor) -> Command:
    """UID SEARCH: UIDs of this view."""
    view = actor.view

    def judge(outcome: Outcome) -> None:
        strange = outcome.told.strange
        need(not strange, "UID SEARCH found what is not there", view.name, strange)

    return Command(b"UID SEARCH " + _key(actor), judge, ISSUED)


def _key(actor: Actor) -> bytes:
    keys = [b"ALL", b"SEEN", b"NOT DELETED", b"KEYWORD Urgent", b"SUBJECT x", b"OR SEEN FLAGGED"]
    if actor.uses_modseq() and actor.view.saved is not None:
        keys.append(b"MODSEQ %d" % actor.view.saved.until)
    return actor.chance.choice(keys)


def expunge(actor: Actor) -> Command:
    """EXPUNGE, or UID EXPUNGE of some."""
    chosen = [one.uid for one in _known(actor) if one.uid is not None]
    if chosen and actor.chance.random() < 0.5:
        return Command(b"UID EXPUNGE " + printed(chosen))
    return Command(b"EXPUNGE")


def _judge_copied(actor: Actor, view: View, sources: set[int] | None, is_move: bool) -> Judge:
    def judge(outcome: Outcome) -> None:
        codes = [code for code in (outcome.tagged.code, *outcome.told.codes) if code]
        for _, validity, old, new in (code for code in codes if code[0] == b"COPYUID"):
            pairs = list(zip(numbers(old), numbers(new), strict=True))
            need(len(set(numbers(old))) == len(pairs), "COPYUID names one twice", old)
            for source, target in pairs:
                need(sources is None or source in sources, "COPYUID names another", old, sources)
                place = view.place(source)
                view.witness.was_copied(place, (int(validity), target), outcome.since)
                if is_move:
                    view.witness.may_go.add(place)
                    view.witness.has_gone(place)
                    is_told = view.name == actor.temporary or view.message(source) is None
                    need(is_told, "a moved message is still there", place)

    return judge


def copy(actor: Actor) -> Command:
    """COPY or MOVE by number."""
    chosen = actor.some()
    targets = [actor.view.messages[number - 1] for number in chosen]
    sources = {one.uid for one in targets if one.uid is not None}
    is_whole = len(sources) == len(targets)
    return _copy(actor, b"", printed(chosen), sources if is_whole else None)


def uid_copy(actor: Actor) -> Command:
    """UID COPY or UID MOVE."""
    chosen = [one.uid for one in _known(actor) if one.uid is not None]
    return _copy(actor, b"UID ", printed(chosen), set(chosen)) if chosen else noop(actor)


def _copy(actor: Actor, prefix: bytes, chosen: bytes, sources: set[int] | None) -> Command:
    is_move = len(actor.view.messages) > MANY // 2 or actor.chance.random() < 0.5
    verb = b"MOVE" if is_move else b"COPY"
    name = actor.target()
    judge = _judge_copied(actor, actor.view, sources, is_move)
    accepts = actor.accepted(name) | ISSUED
    return Command(b"%s%s %s %s" % (prefix, verb, chosen, name), judge, accepts)


def status(actor: Actor) -> Command:
    """STATUS: UIDNEXT and HIGHESTMODSEQ never fall; who asks for the latter enables CONDSTORE."""
    name, witness = actor.target(), actor.connection.witness
    has_modseq = b"CONDSTORE" in actor.connection.capabilities
    has_modseq = has_modseq and (bool(actor.enables) or actor.chance.random() < 0.05)
    items = b"MESSAGES UNSEEN UIDNEXT UIDVALIDITY" + (b" HIGHESTMODSEQ" if has_modseq else b"")

    def judge(outcome: Outcome) -> None:
        ((told, values),) = outcome.told.statuses
        validity, since = values[b"UIDVALIDITY"], outcome.since
        need(told == name, "STATUS of another mailbox", told, name)
        need(values[b"UIDNEXT"] > witness.uid_before(validity, since), "UIDNEXT fell", values)
        need(values[b"UNSEEN"] <= values[b"MESSAGES"] < values[b"UIDNEXT"], "STATUS", values)
        reached = witness.modseq_before(validity, since)
        need(values.get(b"HIGHESTMODSEQ", reached) >= reached, "HIGHESTMODSEQ fell", values)
        witness.reached(validity, values.get(b"HIGHESTMODSEQ", 0))
        if has_modseq:
            actor.connection.uses_modseq()
        witness.is_called(name, validity, since)

    return Command(b"STATUS %s (%s)" % (name, items), judge, actor.accepted(name))


# acts


def _alone(command: Callable[[Actor], Command], *, numbered: bool = False) -> "Act":
    async def act(actor: Actor) -> None:
        if numbered and not actor.view.messages:
            await actor.connection.run(append(actor))
        else:
            await actor.connection.run(command(actor))

    return act


async def act_append_waiting(actor: Actor) -> None:
    """APPEND as clients do that do not know LITERAL+; the temporary mailbox is left out."""
    boxes, actor.boxes = actor.boxes, tuple(b for b in actor.boxes if b != actor.temporary)
    text, octets, judge, _ = prepared_append(actor)
    actor.boxes = boxes
    await actor.connection.append_waiting(text, octets, judge)


async def act_idle(actor: Actor) -> None:
    """IDLE tells everything that anybody knew before it began."""
    view = actor.view
    outcome = await actor.connection.idle(actor.chance.random() * 0.02)
    judge_current(actor, view, outcome.since)


async def act_listen(actor: Actor) -> None:
    """Nothing is asked."""
    await actor.connection.listen(0.003)


async def act_select(actor: Actor) -> None:
    """Another mailbox, or the same again."""
    await actor.select(actor.target())


async def act_close(actor: Actor) -> None:
    """CLOSE expunges without a word; UNSELECT does not."""
    actor._keep()
    await actor.connection.run(Command(actor.chance.choice([b"CLOSE", b"UNSELECT"])))


async def act_return(actor: Actor) -> None:
    """Away, and back in the same mailbox after a while."""
    name = await actor.leave()
    await asyncio.sleep(actor.chance.random() * 0.03)
    await actor.come_back(name)


async def act_remake(actor: Actor) -> None:
    """The temporary mailbox is deleted and made again; somebody else may be quicker."""
    if actor.view.name == actor.temporary:
        await actor.select(actor.boxes[0])
    both = GONE | {b"ALREADYEXISTS"}
    if actor.connection.view is not None:
        for verb in (b"DELETE ", b"CREATE "):
            await actor.connection.run(Command(verb + actor.temporary, None, both))


Act = Callable[[Actor], Awaitable[None]]

_ACTS: Final[dict[Act, int]] = {
    _alone(fetch, numbered=True): 10,
    _alone(uid_fetch): 8,
    _alone(store, numbered=True): 12,
    _alone(uid_store): 8,
    _alone(append): 9,
    act_append_waiting: 3,
    _alone(copy, numbered=True): 5,
    _alone(uid_copy): 5,
    _alone(expunge): 8,
    _alone(search, numbered=True): 4,
    _alone(uid_search): 4,
    _alone(noop): 8,
    _alone(status): 4,
    act_idle: 6,
    act_listen: 2,
    act_select: 6,
    act_close: 2,
    act_return: 3,
    act_remake: 1,
}
"""Acts of the selected state and their weights."""
