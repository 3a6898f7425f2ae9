"""The mutator is deterministic and busy; the seeds are what the transcripts say."""

from random import Random

from tests.support import imap_seeds
from tests.support.mutation import MUTATIONS, mutant

SEEDS = (b"a LOGIN {3+}\r\nabc def\r\n", b'b FETCH 1:* (FLAGS BODY[1]<0.5> "x\\"y")\r\n')


def test_the_same_number_makes_the_same_octets() -> None:
    some = [mutant(number, SEEDS, 1_000) for number in range(500)]
    assert some == [mutant(number, SEEDS, 1_000) for number in range(500)]
    assert len(set(some)) > 400
    assert all(len(octets) <= 1_000 for octets in some)


def test_every_mutation_bears_octets_of_any_kind() -> None:
    for mutation in MUTATIONS:
        for octets in (b"", b"\0", b" ", *SEEDS, bytes(range(256))):
            for number in range(30):
                mutation(Random(number), octets, SEEDS)


def test_a_command_is_cut_into_what_the_grammar_reads() -> None:
    assert imap_seeds.parts(SEEDS[0]) == ((b"a LOGIN {3+}", b" def"), (b"abc",))
    assert imap_seeds.parts(b"a LOGIN {30}\r\nabc") == ((b"a LOGIN {30}",), ())
    said = SEEDS[0] + SEEDS[1] + b"c NOOP"
    assert list(imap_seeds.split_commands(said)) == [SEEDS[0], SEEDS[1], b"c NOOP"]


def test_the_transcripts_are_rich_in_seeds() -> None:
    assert len(imap_seeds.conversations()) > 20
    assert len(imap_seeds.commands()) > 300
    assert any(b"\0" in command for command in imap_seeds.commands())
