"""What a password may be: the edges of each rule, and what people choose."""

import pytest

from mss_gateway.directory.password_rules import LEAST_DIFFERENT, MOST_OCTETS, Weakness, weakness
from mss_gateway.directory.passwords import PASSWORD_LIMIT

HERS = ("260019999910041", "2600199999100", "Camille", "Exemple", "19600115", "15011960", "1960")


@pytest.mark.parametrize(
    "password",
    [
        "quatre mots de passe",
        "la pluie tombe sur Brest",
        "Tr0ub4dor&3xyz",
        "vache-tuile-lundi",
        "日本語のパスワードです長い",
        "Camille aime la pluie fine",
        "xkcd-9362-foin",
    ],
)
def test_these_may_be_chosen(password: str) -> None:
    assert weakness(password, HERS) is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", Weakness.SHORT),
        ("vache-tuile", Weakness.SHORT),
        ("260019999910041", Weakness.YOURS),
        ("Camille1960!!", Weakness.YOURS),
        ("camille exemple", Weakness.YOURS),
        ("Exemple15011960", Weakness.YOURS),
        ("motdepasse2024", Weakness.KNOWN),
        ("M0tDeP@sse!!", Weakness.KNOWN),
        ("Mot de passe 1", Weakness.KNOWN),
        ("azertyuiop12", Weakness.KNOWN),
        ("qsdfghjklmwx", Weakness.KNOWN),
        ("mlkjhgfdsqpo", Weakness.KNOWN),
        ("abcdefghijkl", Weakness.KNOWN),
        ("123456789012", Weakness.KNOWN),
        ("soleilsoleil1", Weakness.KNOWN),
        ("bonjourmaison", Weakness.KNOWN),
        ("passwordpassword", Weakness.KNOWN),
        ("été2024été2024", Weakness.KNOWN),
        ("aaaaaaaaaaaa", Weakness.KNOWN),
        ("83746591028347", Weakness.KNOWN),
    ],
)
def test_these_are_what_a_guesser_tries(password: str, why: Weakness) -> None:
    assert weakness(password, HERS) is why


def test_the_longest_one_is_what_can_be_hashed() -> None:
    assert MOST_OCTETS == PASSWORD_LIMIT
    long = "vache tuile lundi " * 20
    assert weakness(long[:MOST_OCTETS]) is None
    assert weakness(long[: MOST_OCTETS + 1]) is Weakness.LONG
    assert weakness("é" * (MOST_OCTETS // 2 + 1)) is Weakness.LONG


def test_so_many_different_characters_are_enough() -> None:
    few = "zqxvkzqxvkkxvqz"
    assert len(set(few)) == LEAST_DIFFERENT
    assert weakness(few) is None
    assert weakness(few.replace("k", "z")) is Weakness.KNOWN
