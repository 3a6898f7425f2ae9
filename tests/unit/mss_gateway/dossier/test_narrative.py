"""CDA narratives become plain values that a page can escape."""

import pytest

from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.narrative import (
    MAX_CELLS,
    Bullets,
    Cell,
    Figure,
    Grid,
    Paragraph,
    Section,
    cda_text,
)
from tests.support.xdm import CdaText, cda_document


def _blocks(narrative: str) -> tuple[object, ...]:
    (section,) = cda_text(cda_document(CdaText(sections=(("Titre", narrative),))))
    return section.blocks


def test_sections_keep_their_titles_and_order() -> None:
    written = cda_document(CdaText(sections=(("Un", "a"), ("Deux", "b"))))

    assert cda_text(written) == (
        Section("Un", 1, (Paragraph("a"),)),
        Section("Deux", 1, (Paragraph("b"),)),
    )


def test_a_section_within_a_section_is_one_level_deeper() -> None:
    inner = (
        "</text><component><section><title>Dedans</title><text>b</text></section></component><text>"
    )
    written = cda_document(CdaText(sections=(("Dehors", "a" + inner),)))

    assert [(one.title, one.level) for one in cda_text(written)] == [("Dehors", 1), ("Dedans", 2)]


def test_sections_without_title_and_text_are_left_out() -> None:
    assert cda_text(cda_document(CdaText(sections=(("", " "), ("Titre", ""))))) == (
        Section("Titre", 1, ()),
    )


def test_an_n1_has_no_section() -> None:
    assert cda_text(cda_document(CdaText(pdf=b"%PDF-"))) == ()


def test_text_paragraphs_and_line_breaks() -> None:
    assert _blocks(
        "début <content>de</content>\n  texte<br/>ligne<paragraph>un</paragraph>fin"
    ) == (
        Paragraph("début de texte\nligne"),
        Paragraph("un"),
        Paragraph("fin"),
    )


def test_lists() -> None:
    narrative = (
        '<list listType="ordered"><caption>Faire</caption><item>un</item>'
        "<item>deux<list><item>dedans</item></list></item></list>"
    )

    assert _blocks(narrative) == (
        Paragraph("Faire"),
        Bullets(("un", "deux\ndedans"), is_ordered=True),
    )


def test_tables_keep_headers_spans_and_results() -> None:
    narrative = (
        "<table><caption>Bilan</caption><thead><tr><th colspan='2'>Analyse</th></tr></thead>"
        "<tbody><tr><td rowspan='2'>Sodium<br/>(sang)</td><td>140 <content>mmol/L</content>"
        "</td></tr><tr><td colspan='0'>x</td></tr></tbody></table>"
    )

    assert _blocks(narrative) == (
        Grid(
            "Bilan",
            (
                (Cell("Analyse", is_header=True, columns=2),),
                (Cell("Sodium\n(sang)", rows=2), Cell("140 mmol/L")),
                (Cell("x"),),
            ),
        ),
    )


def test_a_table_in_a_cell_is_that_cells_text() -> None:
    narrative = (
        "<table><tbody><tr><td>a<table><tbody><tr><td>b</td><td>c</td></tr></tbody></table>"
        "</td></tr></tbody></table>"
    )

    assert _blocks(narrative) == (Grid("", ((Cell("a\nb c"),),)),)


def test_pictures_are_named_and_a_table_that_only_frames_them_is_dropped() -> None:
    written = cda_document(CdaText(sections=(), copy=b"%PDF-"))

    assert cda_text(written) == (Section("Copie du document", 1, (Figure("doc-1"),)),)


@pytest.mark.parametrize(
    "narrative",
    [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        '<content onclick="x">&lt;img src=x onerror=alert(1)&gt;</content>',
        '<linkHtml href="javascript:alert(1)">cliquer</linkHtml>',
    ],
)
def test_markup_in_a_narrative_is_only_ever_text(narrative: str) -> None:
    (block,) = _blocks(narrative)

    assert isinstance(block, Paragraph)
    assert "javascript" not in block.text


def test_foreign_elements_give_their_text_only() -> None:
    narrative = '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script><b>gras</b>'

    assert _blocks(narrative) == (Paragraph("alert(1)gras"),)


def test_spans_are_bounded() -> None:
    (grid,) = _blocks(
        "<table><tr><td colspan='99999999'>x</td><td colspan='-1'>y</td></tr></table>"
    )

    assert grid == Grid("", ((Cell("x", columns=100), Cell("y")),))


def test_cells_are_bounded_at_the_edge() -> None:
    row = "<tr>" + "<td>x</td>" * 1_000 + "</tr>"
    rows = MAX_CELLS // 1_000

    (grid,) = _blocks(f"<table>{row * rows}</table>")
    (cut,) = _blocks(f"<table>{row * (rows + 1)}</table>")

    assert isinstance(grid, Grid)
    assert isinstance(cut, Grid)
    assert len(grid.rows) == len(cut.rows) == rows


def test_what_is_no_cda_has_no_text() -> None:
    with pytest.raises(CdaUnreadable):
        cda_text(b"<html/>")
