import copy
import hashlib
import os
import pickle
import stat
import threading

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from certs.errors import AlreadySealed, CannotOpen, OpenReason, RootKeyRefused
from certs.sealing import CHUNK_OCTETS, OVERHEAD_OCTETS, ObjectSeal, RootKey, Sealing

OBJECT = b"object-id-0000-1"


class Counter:
    """A source of octets that never repeats and is the same in every run."""

    def __init__(self):
        self.calls = 0

    def __call__(self, octets):
        self.calls += 1
        return hashlib.shake_128(b"essai%d" % self.calls).digest(octets)


def make_sealing(random=os.urandom):
    return Sealing(RootKey(bytes(range(32))), random)


def make_account(sealing=None, slot=5, account_id=42):
    sealing = sealing or make_sealing()
    wrapped_slot = sealing.new_slot_key(slot)
    wrapped = sealing.new_account_key(slot, wrapped_slot, account_id)
    return sealing.account(slot, wrapped_slot, wrapped, account_id)


@pytest.fixture(scope="module")
def account():
    return make_account()


def expect_closed(attempt):
    with pytest.raises(CannotOpen) as caught:
        attempt()
    assert caught.value.reason is OpenReason.ALTERED


# --- root key ------------------------------------------------------------------------------------


def test_a_root_key_is_written_for_its_owner_only_and_read_back(tmp_path):
    path = tmp_path / "root.key"
    wrapped = Sealing(RootKey.create(path)).new_slot_key(1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Sealing(RootKey.load(path)).new_account_key(1, wrapped, 1)


def test_a_root_key_is_never_overwritten(tmp_path):
    path = tmp_path / "root.key"
    RootKey.create(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        RootKey.create(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602, 0o601])
def test_a_root_key_that_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "root.key"
    RootKey.create(path)
    path.chmod(mode)
    with pytest.raises(RootKeyRefused):
        RootKey.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mss-root-key:1:",
        "mss-root-key:1:" + "ab" * 31 + "\n",
        "mss-root-key:1:" + "ab" * 33 + "\n",
        "mss-root-key:1:" + "zz" * 32 + "\n",
        "mss-root-key:2:" + "ab" * 32 + "\n",
        "ab" * 32 + "\n",
    ],
)
def test_what_is_not_a_root_key_is_refused(tmp_path, text):
    path = tmp_path / "root.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(RootKeyRefused):
        RootKey.load(path)


def test_a_missing_root_key_is_not_made_up(tmp_path):
    with pytest.raises(FileNotFoundError):
        RootKey.load(tmp_path / "absent")


# --- values --------------------------------------------------------------------------------------


def test_known_answer_of_a_value():
    random = Counter()
    expected = Counter()
    account = make_account(make_sealing(random))
    _, _, account_key, _ = (expected(32), expected(12), expected(32), expected(12))
    sealed = account.seal(b"Compte rendu", b"subject")
    nonce = expected(12)
    aad = b"mss\x01value\x00" + (42).to_bytes(8, "big") + b"subject"
    assert sealed == b"\x01" + nonce + AESGCM(account_key).encrypt(nonce, b"Compte rendu", aad)


def test_known_answer_of_a_body():
    seal = ObjectSeal(OBJECT, b"k" * 32, fresh=True)
    plain = b"a" * CHUNK_OCTETS + b"b"
    aead, aad = AESGCM(b"k" * 32), b"mss\x01chunk\x00" + OBJECT
    assert seal.seal_chunks(plain) == [
        b"\x01" + aead.encrypt(bytes(7) + b"\0\0\0\0" + b"\0", plain[:CHUNK_OCTETS], aad),
        b"\x01" + aead.encrypt(bytes(7) + b"\0\0\0\1" + b"\1", b"b", aad),
    ]


@given(plain=st.binary(max_size=300), context=st.binary(max_size=40))
def test_a_value_comes_back(account, plain, context):
    sealed = account.seal(plain, context)
    assert sealed[:1] == b"\x01"
    assert len(sealed) == len(plain) + OVERHEAD_OCTETS
    assert account.open(sealed, context) == plain


def test_the_same_value_is_never_sealed_the_same(account):
    assert account.seal(b"x", b"c") != account.seal(b"x", b"c")


def test_a_value_does_not_open_elsewhere(account):
    sealing = make_sealing()
    first, second = make_account(sealing), make_account(sealing, account_id=43)
    sealed = first.seal(b"Compte rendu", b"subject")
    expect_closed(lambda: first.open(sealed, b"filename"))
    expect_closed(lambda: second.open(sealed, b"subject"))
    expect_closed(lambda: account.open(sealed, b"subject"))


@given(position=st.integers(0, 40), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(account, position, bit):
    sealed = bytearray(account.seal(b"Compte rendu", b"subject"))
    sealed[position] ^= 1 << bit
    expect_closed(lambda: account.open(bytes(sealed), b"subject"))


def test_cut_and_prolonged_values_are_noticed(account):
    sealed = account.seal(b"", b"c")
    for wrong in (b"", b"\x01", sealed[:-1], sealed[:28], sealed + b"\0", b"\x02" + sealed[1:]):
        expect_closed(lambda wrong=wrong: account.open(wrong, b"c"))


# --- keys ----------------------------------------------------------------------------------------


def test_wrapped_keys_open_only_where_they_belong():
    sealing = make_sealing()
    slot = sealing.new_slot_key(5)
    wrapped = sealing.new_account_key(5, slot, 42)
    sealing.account(5, slot, wrapped, 42)
    expect_closed(lambda: sealing.account(6, slot, wrapped, 42))
    expect_closed(lambda: sealing.account(5, slot, wrapped, 43))
    expect_closed(lambda: sealing.account(5, sealing.new_slot_key(5), wrapped, 42))
    expect_closed(lambda: sealing.account(5, wrapped, slot, 42))
    expect_closed(lambda: sealing.index(slot))
    expect_closed(lambda: sealing.new_account_key(5, sealing.new_index_key(), 42))
    other = Sealing(RootKey(bytes(32)))
    expect_closed(lambda: other.account(5, slot, wrapped, 42))


def test_a_wrapped_key_is_no_value_and_a_value_no_key(account):
    _, wrapped = account.new_object(OBJECT)
    expect_closed(lambda: account.open(wrapped, OBJECT))
    sealed = account.seal(b"k" * 32, OBJECT)
    expect_closed(lambda: account.object(OBJECT, sealed))


def test_nothing_that_holds_a_key_is_pickled_copied_or_printed(account):
    root, sealing = RootKey(b"k" * 32), make_sealing()
    seal, _ = account.new_object(OBJECT)
    for holder in (root, account, seal, sealing.index(sealing.new_index_key())):
        with pytest.raises(TypeError, match="does not leave"):
            pickle.dumps(holder)
        with pytest.raises(TypeError, match="does not leave"):
            copy.copy(holder)
        assert repr(holder) == f"<{type(holder).__name__}>"


# --- bodies --------------------------------------------------------------------------------------


def opened(seal, chunks):
    last = len(chunks) - 1
    return b"".join(seal.open_chunk(i, i == last, each) for i, each in enumerate(chunks))


@pytest.mark.parametrize(
    ("octets", "chunks"),
    [
        (0, 1),
        (1, 1),
        (CHUNK_OCTETS - 1, 1),
        (CHUNK_OCTETS, 1),
        (CHUNK_OCTETS + 1, 2),
        (3 * CHUNK_OCTETS, 3),
    ],
)
def test_a_body_comes_back_in_chunks(account, octets, chunks):
    plain = (b"0123456789" * (octets // 10 + 1))[:octets]
    seal, wrapped = account.new_object(OBJECT)
    sealed = seal.seal_chunks(plain)
    assert len(sealed) == chunks
    assert sum(map(len, sealed)) == octets + 17 * chunks
    assert opened(seal, sealed) == plain
    assert opened(account.object(OBJECT, wrapped), sealed) == plain


@pytest.fixture(scope="module")
def body(account):
    seal, wrapped = account.new_object(OBJECT)
    return account.object(OBJECT, wrapped), seal.seal_chunks(os.urandom(3 * CHUNK_OCTETS))


def test_swapped_chunks_are_noticed(body):
    seal, (first, second, _) = body
    expect_closed(lambda: seal.open_chunk(0, False, second))
    expect_closed(lambda: seal.open_chunk(1, False, first))


def test_a_body_cut_at_a_chunk_is_noticed(body):
    seal, chunks = body
    expect_closed(lambda: opened(seal, chunks[:2]))
    expect_closed(lambda: opened(seal, chunks[1:]))


def test_a_body_made_longer_is_noticed(body):
    seal, chunks = body
    expect_closed(lambda: opened(seal, [*chunks, chunks[2]]))
    expect_closed(lambda: seal.open_chunk(2, False, chunks[2]))


def test_an_altered_chunk_is_noticed(body):
    seal, (first, *_) = body
    for wrong in (first[:-1], first + b"\0", b"\x02" + first[1:], first[:1], b""):
        expect_closed(lambda wrong=wrong: seal.open_chunk(0, False, wrong))
    altered = bytearray(first)
    altered[1000] ^= 1
    expect_closed(lambda: seal.open_chunk(0, False, bytes(altered)))


@pytest.mark.parametrize("index", [-1, 1 << 32])
def test_a_place_beyond_the_counter_is_refused(body, index):
    seal, chunks = body
    expect_closed(lambda: seal.open_chunk(index, False, chunks[0]))


def test_chunks_of_another_object_are_noticed(account, body):
    _, chunks = body
    other, _ = account.new_object(OBJECT)
    expect_closed(lambda: other.open_chunk(0, False, chunks[0]))
    same_key_other_name = ObjectSeal(b"another", b"k" * 32, fresh=False)
    mine = ObjectSeal(OBJECT, b"k" * 32, fresh=True).seal_chunks(b"x")
    expect_closed(lambda: same_key_other_name.open_chunk(0, True, mine[0]))


def test_an_object_key_seals_once(account):
    seal, wrapped = account.new_object(OBJECT)
    seal.seal_chunks(b"one")
    with pytest.raises(AlreadySealed):
        seal.seal_chunks(b"two")
    with pytest.raises(AlreadySealed):
        account.object(OBJECT, wrapped).seal_chunks(b"two")


def test_a_shared_body_opens_for_both_accounts_and_for_no_third():
    sealing = make_sealing()
    first, second, third = (make_account(sealing, account_id=each) for each in (1, 2, 3))
    seal, _ = first.new_object(OBJECT)
    chunks = seal.seal_chunks(b"bonjour")
    shared = second.share(OBJECT, seal)
    assert opened(second.object(OBJECT, shared), chunks) == b"bonjour"
    expect_closed(lambda: third.object(OBJECT, shared))
    expect_closed(lambda: second.object(b"another", shared))


def test_only_the_seal_of_that_object_is_shared(account):
    seal, _ = account.new_object(OBJECT)
    with pytest.raises(TypeError):
        account.share(b"another", seal)
    with pytest.raises(TypeError):
        account.share(OBJECT, object())


def test_sealers_may_be_used_by_several_threads(account):
    failures = []

    def work(name):
        for number in range(300):
            value = f"{name}-{number}".encode()
            if account.open(account.seal(value, name.encode()), name.encode()) != value:
                failures.append(value)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


# --- blind index ---------------------------------------------------------------------------------


def test_the_index_is_stable_short_and_separate_by_kind():
    sealing = make_sealing()
    wrapped = sealing.new_index_key()
    index, again = sealing.index(wrapped), sealing.index(wrapped)
    assert index.of("ins", "279035121518989") == again.of("ins", "279035121518989")
    assert len(index.of("ins", "")) == 16
    assert index.of("ins", "x") != index.of("address", "x")
    assert index.of("a", "bc") != index.of("ab", "c")
    assert index.of("ins", "x") != sealing.index(sealing.new_index_key()).of("ins", "x")


def test_known_answer_of_the_index():
    import hmac

    random = Counter()
    sealing = make_sealing(random)
    index = sealing.index(sealing.new_index_key())
    key = Counter()(32)
    assert index.of("ins", "é") == hmac.digest(key, "ins\x00é".encode(), "sha256")[:16]
