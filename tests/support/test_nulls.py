"""The null sealing refuses what the real one refuses, so that it hides no mistake of the store."""

import pytest

from tests.support.nulls import CHUNK, CannotOpenNull, NullAccountSeal, NullSealing


def account(number: int) -> NullAccountSeal:
    sealing = NullSealing()
    slot_key = sealing.new_slot_key(7)
    return sealing.account(7, slot_key, sealing.new_account_key(7, slot_key, number), number)


def test_what_was_sealed_opens_again() -> None:
    assert account(1).open(account(1).seal(b"x", b"context"), b"context") == b"x"


@pytest.mark.parametrize(("number", "context"), [(2, b"context"), (1, b"other")])
def test_another_account_or_context_does_not_open(number: int, context: bytes) -> None:
    sealed = account(1).seal(b"x", b"context")
    with pytest.raises(CannotOpenNull):
        account(number).open(sealed, context)


def test_chunks_open_in_their_place_only() -> None:
    seal, wrapped = account(1).new_object(b"body")
    chunks = seal.seal_chunks(b"a" * CHUNK + b"b")
    again = account(1).object(b"body", wrapped)
    assert len(chunks) == 2
    assert again.open_chunk(1, True, chunks[1]) == b"b"
    for index, is_last in ((0, False), (0, True), (1, False)):
        with pytest.raises(CannotOpenNull):
            again.open_chunk(index, is_last, chunks[1])


def test_an_empty_body_is_one_chunk() -> None:
    seal, _ = account(1).new_object(b"body")
    assert [seal.open_chunk(0, True, chunk) for chunk in seal.seal_chunks(b"")] == [b""]


def test_a_shared_body_opens_for_the_other_account_and_nobody_else() -> None:
    seal, _ = account(1).new_object(b"body")
    shared = account(2).share(b"body", seal)
    assert account(2).object(b"body", shared) == seal
    with pytest.raises(CannotOpenNull):
        account(1).object(b"body", shared)


def test_the_key_of_another_account_is_refused() -> None:
    sealing = NullSealing()
    slot_key = sealing.new_slot_key(7)
    with pytest.raises(CannotOpenNull):
        sealing.account(7, slot_key, sealing.new_account_key(7, slot_key, 1), 2)


def test_kinds_of_the_blind_index_do_not_meet() -> None:
    index = NullSealing().index(NullSealing().new_index_key())
    assert index.of("patient", "x") == index.of("patient", "x")
    assert index.of("patient", "x") != index.of("address", "x")
