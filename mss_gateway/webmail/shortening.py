"""As much of a long document as a page holds; the rest is read by downloading."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mss_gateway.dossier.blocks import Block, Paragraph, Run
from mss_gateway.dossier.narrative import Section

CHARACTERS: Final = 500_000
"""Of the sections of one document that a page shows: some 200 sheets of paper."""

BLOCK_COST: Final = 50
"""What a block counts beside its text: a page of empty paragraphs is long too."""


def shortened(
    sections: Iterable[Section], room: int = CHARACTERS
) -> tuple[tuple[Section, ...], bool]:
    """The first sections, and whether anything was left out."""
    shown: list[Section] = []
    for section in sections:
        room -= len(section.title) + BLOCK_COST
        if room < 0:
            return tuple(shown), True
        blocks, room, is_cut = _blocks(section.blocks, room)
        shown.append(replace(section, blocks=blocks))
        if is_cut:
            return tuple(shown), True
    return tuple(shown), False


def _blocks(blocks: tuple[Block, ...], room: int) -> tuple[tuple[Block, ...], int, bool]:
    shown: list[Block] = []
    for block in blocks:
        cost = len(block.text) + BLOCK_COST
        if cost > room:
            if isinstance(block, Paragraph) and room > BLOCK_COST:
                shown.append(Paragraph((Run(block.text[: room - BLOCK_COST]),)))
            return tuple(shown), 0, True
        room -= cost
        shown.append(block)
    return tuple(shown), room, False
