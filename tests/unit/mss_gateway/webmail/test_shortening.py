"""What a page shows of a long document: the beginning, and it says so."""

from mss_gateway.dossier.blocks import Paragraph, Run
from mss_gateway.dossier.narrative import Section
from mss_gateway.webmail.shortening import BLOCK_COST, shortened


def section(*texts: str) -> Section:
    return Section("", 2, tuple(Paragraph((Run(one),)) for one in texts))


def test_what_fits_is_shown_as_it_is() -> None:
    whole = (section("un", "deux"), section("trois"))
    cost = len("undeuxtrois") + 5 * BLOCK_COST

    assert shortened(whole, cost) == (whole, False)
    assert shortened(whole, cost - 1) == ((whole[0], section("troi")), True)


def test_a_section_of_which_nothing_fits_is_left_out() -> None:
    whole = (section("un"), section("deux"))

    assert shortened(whole, 2 * BLOCK_COST + len("un")) == (whole[:1], True)


def test_one_endless_paragraph_is_cut_within() -> None:
    (shown,), is_cut = shortened([section("x" * 10_000)], 1_000)

    assert is_cut
    assert len(shown.text) == 1_000 - 2 * BLOCK_COST
