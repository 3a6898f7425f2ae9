"""SEARCH and UID SEARCH, RFC 9051 §6.4.4, with ESEARCH answers and saved results."""

from array import array
from collections.abc import Iterator

from mss_gateway.imap.finding import find
from mss_gateway.imap.grammar.search import Returned, SearchCommand
from mss_gateway.imap.grammar.sets import printed
from mss_gateway.imap.responses import Reply, done, quoted
from mss_gateway.imap.selected import NumberAbsent, Selected
from mss_gateway.imap.state import Extension, Session


async def cmd_search(session: Session, command: SearchCommand) -> Reply:
    """The numbers ascend; a client that is gone ends the search."""
    here, request = session.here, command.request
    if request.has_modseq:
        session.enable(Extension.CONDSTORE)
    returns = request.returns
    if returns is None and session.is_rev2:
        returns = frozenset({Returned.ALL})
    is_saving = returns is not None and Returned.SAVE in returns
    found = await _found(session, command, is_saving=is_saving)
    if returns is None:
        session.send(_plain(here, found, command))
        return done("SEARCH")
    kept = _kept(found, returns)
    if Returned.SAVE in returns:
        here.saved = array("Q", [here.uids[at] for at in kept])
    if returns != {Returned.SAVE}:
        words = [*_returned(here, found, returns, command.is_uid)]
        if request.has_modseq and found:
            words.append(b"MODSEQ %d" % max(here.modseqs[at] for at in kept))
        session.send(extended(session.tag, words, command.is_uid))
    return done("SEARCH")


async def _found(session: Session, command: SearchCommand, *, is_saving: bool) -> list[int]:
    """A search that was to be saved and is answered NO leaves nothing saved, RFC 5182 §2.1."""
    here = session.here
    try:
        return await find(session, command.request.key)
    except NumberAbsent:
        raise
    except Exception:
        if is_saving:
            here.saved = array("Q")
        raise


def _plain(here: Selected, found: list[int], command: SearchCommand) -> bytes:
    """``* SEARCH``, with the highest MODSEQ where one was asked for (RFC 7162 §3.1.5)."""
    numbers = [b" %d" % _number(here, at, command.is_uid) for at in found]
    modseq = b""
    if command.request.has_modseq and found:
        modseq = b" (MODSEQ %d)" % max(here.modseqs[at] for at in found)
    return b"* SEARCH" + b"".join(numbers) + modseq + b"\r\n"


def extended(tag: bytes, words: list[bytes], is_uid: bool) -> bytes:
    """``* ESEARCH (TAG "a1") UID …``, RFC 9051 §7.3.4."""
    head = b"* ESEARCH (TAG %s)" % quoted(tag)
    return b" ".join((head + b" UID" if is_uid else head, *words)) + b"\r\n"


def _kept(found: list[int], returns: frozenset[Returned]) -> list[int]:
    """What SAVE keeps and MODSEQ is told of: MIN and MAX alone speak of those messages only.

    RFC 5182 §2.4 and RFC 7162 §3.1.10.
    """
    if returns & {Returned.ALL, Returned.COUNT} or not returns & {Returned.MIN, Returned.MAX}:
        return found
    ends = []
    if found and Returned.MIN in returns:
        ends.append(found[0])
    if found and Returned.MAX in returns and found[-1:] != ends:
        ends.append(found[-1])
    return ends


def _returned(
    here: Selected, found: list[int], returns: frozenset[Returned], is_uid: bool
) -> Iterator[bytes]:
    """Without a result only COUNT has something to say."""
    if found and Returned.MIN in returns:
        yield b"MIN %d" % _number(here, found[0], is_uid)
    if found and Returned.MAX in returns:
        yield b"MAX %d" % _number(here, found[-1], is_uid)
    if found and Returned.ALL in returns:
        yield b"ALL " + printed(_number(here, at, is_uid) for at in found)
    if Returned.COUNT in returns:
        yield b"COUNT %d" % len(found)


def _number(here: Selected, at: int, is_uid: bool) -> int:
    return here.uids[at] if is_uid else at + 1
