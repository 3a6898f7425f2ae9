"""The import against a server with bad days: each message once, none lost without a word."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from mailbox_store import changes, flags, imports, mailboxes, messages, subscriptions
from mailbox_store.database import Transaction
from mss_gateway.config import Limits
from mss_gateway.directory.people import Person
from mss_gateway.imap.upstream import fetching, placing
from mss_gateway.imap.upstream.conversation import Account
from mss_gateway.imap.upstream.errors import RemoteLost, RemoteRefused
from mss_gateway.imap.upstream.folders import FolderUnknown, Wishes
from mss_gateway.imap.upstream.importing import Choices, Import
from mss_gateway.imap.upstream.link import Link
from mss_gateway.imap.upstream.tally import Tally
from mss_gateway.life.gateway import Gateway
from mss_gateway.observability import audit
from tests.support.foreign_imap import (
    LOGIN,
    PASSWORD,
    Folder,
    ForeignServer,
    Message,
    letters,
)
from tests.support.site import Site

ALL = Choices()


def account(former: ForeignServer) -> Account:
    return Account("127.0.0.1", former.port, LOGIN, PASSWORD, tls=None)


async def brought(
    ours: Site,
    former: ForeignServer,
    choices: Choices = ALL,
    *,
    gateway: Gateway | None = None,
    patience: float = 30.0,
) -> Tally:
    """The tally of one whole run into Claire's mailbox."""
    tally = Tally()
    link = Link(replace(account(former), patience=patience), pauses=(0.0,) * 4)
    work = Import(gateway or ours.gateway, ours.claire, link, choices, tally, lambda: None)
    await work.run()
    return tally


@dataclass(frozen=True)
class Kept:
    """One message as our store has it."""

    raw: bytes
    flags: frozenset[str]
    moment: int


def kept(ours: Site, name: str, person: Person | None = None) -> list[Kept]:
    """The messages of a mailbox in the order of their UIDs."""
    account_id = (person or ours.claire).account_id
    with ours.gateway.database.read() as view:
        box = mailboxes.find(view, account_id, name)
        known = flags.keywords(view, box.mailbox_id)
        rows = list(changes.rows(view, account_id, box.mailbox_id, 1, messages.LARGEST_UID))
        return [
            Kept(
                changes.read_body(view, account_id, row.message_id),
                frozenset(flags.names(row.flags, known)),
                row.internal_date,
            )
            for row in rows
        ]


def raws(folder: Folder) -> list[bytes]:
    return [one.raw for _, one in sorted(folder.messages.items())]


def on_record(ours: Site) -> list[str]:
    with ours.gateway.database.read() as view:
        return [row.verdict for row in audit.tail(view, 100) if row.verdict.startswith("import")]


def when(name: str, words: str, does: Callable[[Any], None], times: int = 1_000) -> Any:
    """A fault: the first ``times`` commands ``name`` whose words fit ``words``."""
    left = [times]

    def fault(session: Any, command: str, given: str) -> bool:
        if command != name or not re.search(words, given) or not left[0]:
            return False
        left[0] -= 1
        does(session)
        return True

    return fault


async def test_everything_comes_with_flags_and_dates(ours: Site, former: ForeignServer) -> None:
    tally = await brought(ours, former)
    assert (tally.brought, tally.missing, tally.is_whole) == (8, 8, True)
    inbox = kept(ours, "INBOX")
    assert [one.raw for one in inbox] == raws(former.folders[b"INBOX"])
    assert inbox[0].flags == {"\\Seen"}
    assert inbox[1].flags == {"\\Flagged", "$Forwarded"}
    assert inbox[0].moment == 1_583_139_600 + 60
    assert [one.raw for one in kept(ours, "Zut＊ alors")] == raws(former.folders[b"Zut* alors"])


async def test_the_remote_mailbox_is_only_read(ours: Site, former: ForeignServer) -> None:
    await brought(ours, former)
    verbs = {one.split()[0] for one in former.commands}
    assert verbs <= {"CAPABILITY", "LOGIN", "NAMESPACE", "LIST", "EXAMINE", "UID", "LOGOUT"}
    asked = " ".join(former.said("UID FETCH"))
    assert "BODY.PEEK[]" in asked and "BODY[]" not in asked
    assert former.commands[-1] == "LOGOUT"


async def test_a_second_run_asks_for_nothing_that_is_here(
    ours: Site, former: ForeignServer
) -> None:
    await brought(ours, former)
    former.commands.clear()
    tally = await brought(ours, former)
    assert (tally.brought, tally.missing, tally.is_whole) == (0, 0, True)
    assert former.said("UID FETCH") == []
    assert set(former.said("UID SEARCH")) == {"UID SEARCH UID 6:*", "UID SEARCH UID 4:*"}


async def test_a_second_run_brings_what_is_new_and_what_fell_in_a_gap(
    ours: Site, former: ForeignServer
) -> None:
    inbox = former.folders[b"INBOX"]
    gap = inbox.messages.pop(3)
    await brought(ours, former)
    inbox.messages |= {3: gap, **letters(2, first=9)}
    former.commands.clear()
    tally = await brought(ours, former)
    assert tally.brought == 3
    assert former.said("UID FETCH")[0].startswith("UID FETCH 3,9:10 ")
    assert sorted(one.raw for one in kept(ours, "INBOX")) == sorted(raws(inbox))


async def test_what_its_owner_expunged_does_not_come_back(
    ours: Site, former: ForeignServer
) -> None:
    await brought(ours, former)

    def emptied(tx: Transaction) -> None:
        box = mailboxes.find(tx, ours.claire.account_id, "INBOX")
        messages.set_flags(tx, box.mailbox_id, range(1, 6), 0, flags.DELETED)
        messages.expunge(tx, box.mailbox_id)

    ours.gateway.database.write(emptied)
    assert (await brought(ours, former)).brought == 0
    assert kept(ours, "INBOX") == []


async def test_a_stop_between_two_portions_neither_loses_nor_doubles(
    ours: Site, former: ForeignServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PORTION_MESSAGES", 2)
    place, placed = placing.place, []

    def stopped(tx: Transaction, **words: Any) -> placing.Placed:
        placed.append(place(tx, **words))
        if len(placed) == 2:
            raise KeyError("the power goes, after the rows and before the COMMIT")
        return placed[-1]

    monkeypatch.setattr(placing, "place", stopped)
    with pytest.raises(KeyError):
        await brought(ours, former)
    assert len(kept(ours, "INBOX")) == 2
    assert on_record(ours)[-1].startswith("import stopped: 0 of 2 folders, 2 messages")
    monkeypatch.setattr(placing, "place", place)
    assert (await brought(ours, former)).brought == 6
    assert [one.raw for one in kept(ours, "INBOX")] == raws(former.folders[b"INBOX"])


async def test_two_imports_at_once_do_not_double(ours: Site, former: ForeignServer) -> None:
    with ours.gateway.database.read() as view:
        source = account(former).source(b"INBOX")
        origin = imports.origin(view, ours.claire.account_id, source, 1_600_000_000)

    def one_meanwhile(session: Any) -> None:
        ours.gateway.database.write(lambda tx: imports.mark(tx, origin, 4))
        session.do_UID_FETCH("1:5 (UID BODY.PEEK[])")

    former.faults.append(when("UID FETCH", "1:5 .*BODY", one_meanwhile, times=1))
    tally = await brought(ours, former)
    assert tally.folders[0].brought == 4
    assert len(kept(ours, "INBOX")) == 4


async def test_a_folder_numbered_anew_stops_alone_until_it_is_wanted_again(
    ours: Site, former: ForeignServer
) -> None:
    await brought(ours, former)
    former.folders[b"INBOX"].uidvalidity += 1
    former.folders[b"Zut* alors"].messages |= letters(1, first=9)
    tally = await brought(ours, former)
    stopped, other = tally.folders
    assert (stopped.state, stopped.brought, other.state, other.brought) == ("stopped", 0, "done", 1)
    assert "--again" in stopped.why
    assert not tally.is_whole
    again = await brought(ours, former, Choices(again=True))
    assert (again.brought, again.is_whole) == (5, True)
    assert len(kept(ours, "INBOX")) == 10
    assert (await brought(ours, former)).brought == 0


async def test_a_folder_made_anew_and_still_empty_is_no_matter(
    ours: Site, former: ForeignServer
) -> None:
    await brought(ours, former)
    former.folders[b"INBOX"] = Folder({}, 1_700_000_000)
    assert (await brought(ours, former)).is_whole


async def test_a_dry_run_counts_and_changes_nothing(ours: Site, former: ForeignServer) -> None:
    before = on_record(ours)
    tally = await brought(ours, former, Choices(is_dry=True))
    assert [(one.name, one.there, one.missing) for one in tally.folders] == [
        ("INBOX", 5, 5),
        ("Zut* alors", 3, 3),
    ]
    assert (tally.brought, on_record(ours), kept(ours, "INBOX")) == (0, before, [])
    with ours.gateway.database.read() as view:
        names = {one.name for one in mailboxes.list_mailboxes(view, ours.claire.account_id)}
    assert "Zut＊ alors" not in names
    assert former.said("UID FETCH") == []


async def test_only_what_arrived_since_a_day_and_the_rest_later(
    ours: Site, former: ForeignServer
) -> None:
    former.folders[b"INBOX"].messages[5].date = "05-Mar-2020 00:10:00 +0100"
    tally = await brought(ours, former, Choices(since=date(2020, 3, 5)))
    assert [one.brought for one in tally.folders] == [1, 0]
    assert former.said("UID SEARCH")[0] == "UID SEARCH UID 1:* SINCE 5-Mar-2020"
    assert (await brought(ours, former)).brought == 7


async def test_deleted_messages_come_unless_they_are_left(
    ours: Site, former: ForeignServer
) -> None:
    former.folders[b"INBOX"].messages[2].flags = "\\DELETED \\Recent"
    tally = await brought(ours, former, Choices(skips_deleted=True))
    assert (tally.folders[0].brought, tally.folders[0].deleted, tally.is_whole) == (4, {2}, True)
    await brought(ours, former)
    assert kept(ours, "INBOX")[-1].flags == {"\\Deleted"}


async def test_a_message_at_the_limit_comes_and_a_larger_one_is_told(
    ours: Site, former: ForeignServer
) -> None:
    inbox = former.folders[b"INBOX"].messages
    exact = b"Subject: x\r\n\r\n" + b"x" * 986
    inbox[1].raw, inbox[2].raw, inbox[3].raw = exact, exact + b"x", exact + b"x"
    inbox[3].size = 10  # a server that does not know its own sizes
    limits = Limits(message_octets=1_000, patient_message_octets=1_000)
    gateway = replace(ours.gateway, config=replace(ours.gateway.config, limits=limits))
    tally = await brought(ours, former, gateway=gateway)
    assert tally.folders[0].too_large == {2, 3}
    assert [uid for uid, _ in tally.folders[0].left()] == [2, 3]
    assert not tally.is_whole
    assert kept(ours, "INBOX")[0].raw == exact
    assert len(kept(ours, "INBOX")) == 3
    assert (await brought(ours, former)).brought == 2


async def test_a_literal_without_end_is_let_go(ours: Site, former: ForeignServer) -> None:
    def flood(session: Any) -> None:
        size = 48 * 1024 * 1024
        session.say(b"* 2 FETCH (UID 2 BODY[] {%d}\r\n" % size + b"x" * size + b")")
        session.done()

    former.faults.append(when("UID FETCH", "^2 .*BODY|^1:5 .*BODY", flood, times=2))
    tally = await brought(ours, former)
    assert tally.folders[0].too_large == {2}
    assert tally.folders[0].brought == 4


async def test_what_cannot_be_read_comes_attached_and_old_line_ends_are_mended(
    ours: Site, former: ForeignServer
) -> None:
    inbox = former.folders[b"INBOX"].messages
    inbox[1].raw = b"Subject: a\n\nb\n"
    inbox[2].raw = b"Subject: a\r\n\r\n\0"
    inbox[3].raw = b""
    tally = await brought(ours, former)
    folder = tally.folders[0]
    assert (folder.mended, folder.wrapped, tally.is_whole) == (1, 2, True)
    found = kept(ours, "INBOX")
    assert found[0].raw == b"Subject: a\r\n\r\nb\r\n"
    assert b"message-original.eml" in found[1].raw
    assert found[1].moment == 1_583_139_600 + 120
    assert found[1].flags == {"\\Flagged", "$Forwarded"}


async def test_a_message_without_a_date_of_arrival_has_its_authors_or_now(
    ours: Site, former: ForeignServer
) -> None:
    inbox = former.folders[b"INBOX"].messages
    inbox[1] = Message(b"Date: Mon, 02 Mar 2020 10:00:00 +0000\r\n\r\nx", date="never")
    inbox[2] = Message(b"Subject: x\r\n\r\nx", date="99-Mar-2020 10:00:00 +0000")
    tally = await brought(ours, former)
    assert tally.folders[0].undated == 2
    assert [one.moment for one in kept(ours, "INBOX")][:2] == [1_583_143_200, int(ours.clock())]


async def test_more_keywords_than_a_mailbox_has_are_dropped_and_counted(
    ours: Site, former: ForeignServer
) -> None:
    inbox = former.folders[b"INBOX"].messages
    inbox[1].flags = " ".join(f"k{n}" for n in range(40))
    inbox[2].flags = " ".join(f"K{n}" for n in range(60)) + " " + "x" * 65
    tally = await brought(ours, former)
    found = kept(ours, "INBOX")
    assert len(found[0].flags) == 40
    # 58 and not one more: left are two of the second message's, its long one, and the fourth's
    words = {word for one in found for word in one.flags if not word.startswith("\\")}
    assert len({word.lower() for word in words}) == 58
    missing = 40 + 61 + 1 - sum(len({w for w in one.flags if w[0] != "\\"}) for one in found)
    assert tally.folders[0].keywords_dropped == missing > 0


async def test_special_folders_meet_and_subscriptions_are_kept(
    ours: Site, former: ForeignServer
) -> None:
    former.folders = {
        b"Gesendet": Folder(letters(1), 1, "\\Sent"),
        b"Gesendet/2019": Folder(letters(1), 2, is_subscribed=False),
        b"vide": Folder({}, 3),
    }
    tally = await brought(ours, former)
    assert [(one.local, one.brought) for one in tally.folders] == [
        ("Sent", 1),
        ("Sent/2019", 1),
        ("vide", 0),
    ]
    assert len(kept(ours, "Sent")) == 1
    with ours.gateway.database.read() as view:
        subscribed = subscriptions.names(view, ours.claire.account_id)
        assert mailboxes.find_special(view, ours.claire.account_id, "\\Sent").name == "Sent"  # type: ignore[union-attr]
    assert {"Sent", "vide"} <= subscribed
    assert "Sent/2019" not in subscribed


async def test_our_own_choice_of_subscription_stands(ours: Site, former: ForeignServer) -> None:
    await brought(ours, former)
    mine = ours.claire.account_id
    ours.gateway.database.write(lambda tx: subscriptions.remove(tx, mine, "Zut＊ alors"))
    await brought(ours, former)
    with ours.gateway.database.read() as view:
        assert "Zut＊ alors" not in subscriptions.names(view, mine)


async def test_a_use_without_a_folder_here_makes_one_with_that_use(
    ours: Site, former: ForeignServer
) -> None:
    mine = ours.claire.account_id
    ours.gateway.database.write(lambda tx: mailboxes.delete(tx, mine, "Sent"))
    former.folders = {b"Gesendet": Folder(letters(1), 1, "\\Sent")}
    await brought(ours, former)
    with ours.gateway.database.read() as view:
        found = mailboxes.find_special(view, mine, "\\Sent")
    assert found is not None
    assert (found.name, found.messages) == ("Gesendet", 1)


@pytest.mark.parametrize("at", ["LIST", "EXAMINE", "UID SEARCH", "UID FETCH"])
async def test_a_lost_connection_is_made_again(ours: Site, former: ForeignServer, at: str) -> None:
    former.faults.append(when(at, "", lambda session: session.cut(), times=2))
    tally = await brought(ours, former)
    assert (tally.brought, tally.is_whole) == (8, True)
    assert former.connections == 3
    assert [one.raw for one in kept(ours, "INBOX")] == raws(former.folders[b"INBOX"])


@pytest.mark.parametrize(
    "says", [b"* BYE tired", b"* LIST", b"* LIST (((", b"zzz OK who?", b"* 1 FETCH (UID 0)"]
)
async def test_nonsense_is_a_lost_connection(
    ours: Site, former: ForeignServer, says: bytes
) -> None:
    def nonsense(session: Any) -> None:
        session.say(says)
        session.done()

    name = "UID FETCH" if b"FETCH" in says else "LIST"
    former.faults.append(when(name, "", nonsense, times=1))
    tally = await brought(ours, former)
    assert (tally.brought, former.connections) == (8, 2)


async def test_a_silent_server_is_not_waited_for(ours: Site, former: ForeignServer) -> None:
    former.faults.append(when("UID FETCH", "", lambda session: None, times=1))
    tally = await brought(ours, former, patience=0.5)
    assert (tally.brought, former.connections) == (8, 2)


async def test_a_server_that_stays_away_is_given_up_and_everything_so_far_is_kept(
    ours: Site, former: ForeignServer
) -> None:
    def away_after_inbox(session: Any, command: str, words: str) -> bool:
        is_away = bool(former.said("UID FETCH")) and command == "EXAMINE" and "Zut" in words
        if is_away:
            session.cut()
        return is_away

    former.faults.append(away_after_inbox)
    with pytest.raises(RemoteLost):
        await brought(ours, former)
    assert former.connections == 1 + 4
    assert len(kept(ours, "INBOX")) == 5
    assert on_record(ours)[-1] == "import stopped: 1 of 2 folders, 5 messages brought"
    former.faults.clear()
    assert (await brought(ours, former)).brought == 3


async def test_the_first_connection_is_tried_once(ours: Site, former: ForeignServer) -> None:
    former.greeting = "* BYE full"
    with pytest.raises(RemoteLost, match="full"):
        await brought(ours, former)
    assert former.connections == 1


async def test_one_poisonous_message_does_not_stop_those_behind_it(
    ours: Site, former: ForeignServer
) -> None:
    former.faults.append(when("UID FETCH", "^(3|1:5|3:5) .*BODY", lambda session: session.cut()))
    tally = await brought(ours, former)
    assert tally.folders[0].unreadable == {3}
    assert (tally.folders[0].brought, tally.folders[0].state) == (4, "done")
    assert len(kept(ours, "INBOX")) == 4
    former.faults.clear()
    assert (await brought(ours, former)).brought == 1


async def test_a_message_that_is_refused_is_told_and_the_others_come(
    ours: Site, former: ForeignServer
) -> None:
    refused = when("UID FETCH", "^(3|1:5) .*BODY", lambda session: session.done("NO cannot"))
    former.faults.append(refused)
    tally = await brought(ours, former)
    assert (tally.folders[0].unreadable, tally.folders[0].brought) == ({3}, 4)


async def test_a_message_that_goes_meanwhile_is_told(ours: Site, former: ForeignServer) -> None:
    def gone(session: Any) -> None:
        del former.folders[b"INBOX"].messages[4]
        session.do_UID_FETCH("1:5 (UID BODY.PEEK[])")

    former.faults.append(when("UID FETCH", "1:5 .*BODY", gone, times=1))
    tally = await brought(ours, former)
    assert (tally.folders[0].gone, tally.folders[0].brought) == ({4}, 4)


async def test_a_folder_that_may_not_be_opened_fails_alone(
    ours: Site, former: ForeignServer
) -> None:
    former.faults.append(when("EXAMINE", "Zut", lambda session: session.done("NO [NOPERM] no")))
    tally = await brought(ours, former)
    assert [(one.state, one.brought) for one in tally.folders] == [("done", 5), ("failed", 0)]
    assert "[NOPERM] no" in tally.folders[1].why


async def test_a_folder_whose_name_cannot_be_asked_for_fails_alone(
    ours: Site, former: ForeignServer
) -> None:
    former.folders[b"caf\xe9"] = Folder(letters(1))
    tally = await brought(ours, former)
    assert [one.state for one in tally.folders] == ["done", "done", "failed"]


async def test_a_search_that_finds_the_whole_world_is_not_believed(
    ours: Site, former: ForeignServer
) -> None:
    def lies(session: Any) -> None:
        session.say("* ESEARCH (TAG x) UID ALL 1:4294967295")
        session.done()

    former.faults.append(when("UID SEARCH", "", lies, times=1))
    tally = await brought(ours, former)
    assert (tally.brought, former.connections) == (8, 2)


async def test_wishes_choose_and_rename(ours: Site, former: ForeignServer) -> None:
    wishes = Wishes(only=("Zut* alors",), renamed=(("Zut* alors", "Reprise/Zut"),))
    tally = await brought(ours, former, Choices(wishes))
    assert [(one.local, one.brought) for one in tally.folders] == [("Reprise/Zut", 3)]
    assert (await brought(ours, former)).brought == 5
    with pytest.raises(FolderUnknown):
        await brought(ours, former, Choices(Wishes(only=("Zut",))))


async def test_begin_and_end_are_on_record_in_counts(ours: Site, former: ForeignServer) -> None:
    await brought(ours, former)
    assert on_record(ours) == [
        "import begun: 2 folders, 8 messages to bring",
        "import ended: 2 of 2 folders, 8 messages brought",
    ]


@pytest.mark.parametrize("verb", ["LIST", "CAPABILITY"])
async def test_a_server_that_tells_nothing_is_left(
    ours: Site, former: ForeignServer, verb: str
) -> None:
    former.faults.append(when(verb, "", lambda session: session.done("NO [NOPERM] no")))
    with pytest.raises(RemoteRefused, match="NOPERM"):
        await brought(ours, former)
    assert former.connections == 1


async def test_what_is_imported_opens_no_correspondence_and_files_nothing(
    ours: Site, former: ForeignServer
) -> None:
    await brought(ours, former)
    with ours.gateway.database.read() as view:
        for table in ("correspondences", "deliveries", "documents"):
            assert view.sql(f"SELECT count(*) FROM {table}").scalar_one() == 0


async def test_an_old_server_without_any_extension(ours: Site, former: ForeignServer) -> None:
    former.capabilities = "IMAP4rev1"
    former.folders[b"Zut* alors"].is_subscribed = False
    tally = await brought(ours, former)
    assert tally.is_whole
    assert former.said("NAMESPACE") == []
    assert former.said("LSUB") == ['LSUB "" "*"']
    with ours.gateway.database.read() as view:
        assert "Zut＊ alors" not in subscriptions.names(view, ours.claire.account_id)


async def test_a_server_that_knows_no_subscriptions(ours: Site, former: ForeignServer) -> None:
    former.capabilities = "IMAP4rev1"
    former.faults.append(when("LSUB", "", lambda session: session.done("BAD what?")))
    assert (await brought(ours, former)).is_whole
