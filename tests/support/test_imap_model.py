"""The model of a client believes what can be, and nothing else."""

from collections.abc import Sequence

import pytest

from tests.support.imap_lines import parse
from tests.support.imap_model import Asked, Saved, Told, View, take_code, take_in
from tests.support.imap_witness import Contradiction, Witness

FETCH, NOOP = Asked(b"FETCH", False), Asked(b"NOOP", True)
OPENING = (
    b"* FLAGS (\\Seen Urgent)",
    b"* 3 EXISTS",
    b"* OK [UIDVALIDITY 7] .",
    b"* OK [UIDNEXT 6] .",
    b"* OK [HIGHESTMODSEQ 9] .",
)


def _tell(view: View, lines: Sequence[bytes], command: Asked = NOOP) -> Told:
    told = Told()
    for line in lines:
        take_in(view, parse(line + b"\r\n"), told, command)
    return told


def _view(
    witness: Witness | None = None,
    *,
    uses_modseq: bool = False,
    uses_vanished: bool = False,
    opening: Sequence[bytes] = OPENING,
) -> View:
    witness = witness or Witness()
    view = View(witness, b"INBOX", witness.now(), uses_modseq, uses_vanished)
    _tell(view, opening, Asked(b"SELECT", False))
    view.opened()
    return view


def test_what_can_be_is_believed() -> None:
    view = _view()
    _tell(view, [b"* 1 FETCH (UID 2 FLAGS (\\Seen))", b"* 3 FETCH (UID 5 FLAGS (Urgent))"], FETCH)
    _tell(view, [b"* 2 EXPUNGE", b"* 4 EXISTS", b"* 3 FETCH (UID 6 FLAGS ())"])
    assert view.uids() == [2, 5, 6, None]
    assert view.message(5) is view.messages[1]
    assert view.messages[1].flags == {b"Urgent"}
    assert (view.admits(5), view.admits(9), view.admits(4)) == (True, True, False)


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ([b"* 2 EXISTS"], NOOP),
        ([b"* 4 EXPUNGE"], NOOP),
        ([b"* 0 EXPUNGE"], NOOP),
        ([b"* 1 EXPUNGE"], FETCH),
        ([b"* 1 EXPUNGE"], Asked(b"", False)),
        ([b"* 4 FETCH (FLAGS ())"], FETCH),
        ([b"* 1 FETCH (UID 2)", b"* 1 FETCH (UID 3)"], FETCH),
        ([b"* 1 FETCH (UID 2)", b"* 2 FETCH (UID 2)"], FETCH),
        ([b"* 1 FETCH (UID 3)", b"* 2 FETCH (UID 2)"], FETCH),
        ([b"* 1 FETCH (UID 6)"], FETCH),  # there at SELECT, and not below UIDNEXT
        ([b"* 4 EXISTS", b"* 4 FETCH (UID 5)"], FETCH),  # came later, and not above
        ([b"* 1 FETCH (FLAGS (Inconnu))"], FETCH),
        ([b"* 1 FETCH (FLAGS (\\Seen \\Seen))"], FETCH),
        ([b"* 1 FETCH (UID)"], FETCH),
        ([b"* 1 FETCH (MODSEQ (0))"], FETCH),
        ([b"* 1 FETCH (MODSEQ (9))", b"* 1 FETCH (MODSEQ (8))"], FETCH),
        ([b"* VANISHED 2"], NOOP),
        ([b"* 4 RECENT"], NOOP),
        ([b"* OK [UIDVALIDITY 8] ."], NOOP),
        ([b"* 3 ODDITY x"], NOOP),
    ],
)
def test_what_cannot_be_is_a_contradiction(lines: list[bytes], command: Asked) -> None:
    with pytest.raises(Contradiction):
        _tell(_view(), lines, command)


@pytest.mark.parametrize(
    "line",
    [
        b"* 1 EXPUNGE",
        b"* VANISHED 9",
        b"* 1 FETCH (FLAGS () MODSEQ (3))",
        b"* 1 FETCH (UID 2 FLAGS ())",
        b"* VANISHED (EARLIER) 2",
    ],
)
def test_what_qresync_forbids_is_a_contradiction(line: bytes) -> None:
    view = _view(uses_modseq=True, uses_vanished=True)
    with pytest.raises(Contradiction):
        _tell(view, [line])


def test_vanished_takes_a_message_whose_uid_was_never_told() -> None:
    view = _view(uses_modseq=True, uses_vanished=True)
    _tell(view, [b"* 2 FETCH (UID 3 FLAGS () MODSEQ (4))", b"* VANISHED 1,5"])
    assert view.uids() == [3]


def test_a_mailbox_is_resumed_only_if_the_difference_adds_up() -> None:
    saved = Saved(b"INBOX", 7, 5, {uid: (frozenset(), 2) for uid in (1, 2, 4)})
    for vanished, is_right in (([2], True), ([], False), ([1, 2], False)):
        view = View(Witness(), b"INBOX", 0, uses_modseq=True, uses_vanished=True)
        opening = (*OPENING, b"* 3 FETCH (UID 5 FLAGS (Urgent) MODSEQ (9))")
        _tell(view, opening, Asked(b"SELECT", False))
        if is_right:
            view.resume(saved, vanished, is_whole=True)
            assert view.uids() == [1, 4, 5]
        else:
            with pytest.raises(Contradiction):
                view.resume(saved, vanished, is_whole=True)


def test_what_one_client_was_told_binds_the_others() -> None:
    witness = Witness()
    first = _view(witness, uses_modseq=True)
    _tell(first, [b"* 1 FETCH (UID 2 FLAGS () MODSEQ (4))", b"* 3 FETCH (UID 5)"], FETCH)
    second = _view(witness, uses_modseq=True)
    with pytest.raises(Contradiction, match="one MODSEQ, two states"):
        _tell(second, [b"* 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (4))"], FETCH)
    _tell(first, [b"* 1 EXPUNGE"])
    late = _view(witness)
    with pytest.raises(Contradiction, match="a UID came back"):
        _tell(late, [b"* 1 FETCH (UID 2)"], FETCH)


@pytest.mark.parametrize("changed", [(3, b"* OK [UIDNEXT 5] ."), (4, b"* OK [HIGHESTMODSEQ 8] .")])
def test_the_numbers_of_select_never_fall(changed: tuple[int, bytes]) -> None:
    witness = Witness()
    _tell(_view(witness), [b"* 3 FETCH (UID 5)"], FETCH)
    opening = list(OPENING)
    opening[changed[0]] = changed[1]
    with pytest.raises(Contradiction):
        _view(witness, opening=opening)


def test_the_witness_knows_what_was_made_moved_and_lost() -> None:
    witness = Witness()
    before = witness.now()
    witness.was_created((7, 1), b"<1@mss.example>", before, may_go=False)
    witness.was_created((7, 2), b"<2@mss.example>", before, may_go=True)
    witness.was_copied((7, 1), (7, 3), witness.now())
    witness.settle()
    witness.compare(7, [1, 3])
    for alive in ([1, 2, 3, 4], [3]):
        with pytest.raises(Contradiction):
            witness.compare(7, alive)
    with pytest.raises(Contradiction, match="names another message"):
        witness.is_message((7, 3), b"<2@mss.example>")
    with pytest.raises(Contradiction, match="not above an older one"):
        witness.was_created((7, 0), None, witness.now(), may_go=False)
    witness.has_gone((7, 1))
    with pytest.raises(Contradiction, match="told gone"):
        witness.compare(7, [1, 2, 3])


def test_a_code_of_the_tagged_line_counts_too() -> None:
    view = _view()
    take_code(view, parse(b"t OK [HIGHESTMODSEQ 12] done\r\n").code, NOOP)
    assert view.known_until == 12
