"""Every word of the store has its reply."""

import pytest

from mailbox_store import errors
from mss_gateway.failures import Failure, Refused
from mss_gateway.imap import refusals, responses
from mss_gateway.imap.contents import Undecodable
from mss_gateway.imap.finding import SearchTooBroad
from mss_gateway.imap.responses import Status
from mss_gateway.imap.selected import NumberAbsent

LOUD = {errors.StoreError, errors.BlobAltered}
"""No reply of their own: the base class, and what must be reported as a bug."""

RAISED = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, errors.StoreError)
]


def test_there_is_something_to_translate() -> None:
    assert len(RAISED) > 8


@pytest.mark.parametrize("error", RAISED, ids=lambda error: str(error.__name__))
def test_what_the_store_raises_is_told_or_reported(error: type[Exception]) -> None:
    reply = refusals.reply_for(str, error())
    if error in LOUD:
        assert reply is None
    else:
        assert reply is not None
        assert reply.status is Status.NO
        assert reply.code


def test_a_refusal_of_a_stage_is_told_by_its_row() -> None:
    reply = refusals.reply_for(str, Refused(Failure.MESSAGE_TOO_BIG, "a cause", "REF"))
    assert reply is not None
    assert reply.line(b"a") == b"a NO [TOOBIG] refus.taille (REF)\r\n"


def test_an_absent_number_is_bad() -> None:
    reply = refusals.reply_for(str, NumberAbsent())
    assert reply is not None
    assert reply.status is Status.BAD


def test_every_own_sentence_is_declared() -> None:
    spoken: set[str] = set()

    def say(key: str) -> str:
        spoken.add(key)
        return key

    for error in (*RAISED, NumberAbsent, Undecodable, SearchTooBroad):
        refusals.reply_for(say, error())
    own = {key for key in spoken if key.startswith("imap.")}
    assert own
    assert own <= responses.SENTENCES
