"""CDA narratives become plain values that a page can escape."""

from collections.abc import Callable

import pytest

from mss_gateway.dossier.blocks import (
    Block,
    Bullets,
    Cell,
    Figure,
    Grid,
    Item,
    Mark,
    Note,
    Notes,
    Paragraph,
    Results,
    Run,
    Section,
)
from mss_gateway.dossier.errors import CdaUnreadable
from mss_gateway.dossier.narrative import MAX_CELLS, MAX_TEXT, cda_text, plain_text
from tests.support.health_documents import FAMILIES, Measure, biology, laboratory, section
from tests.support.xdm import CdaText, cda_document


def _blocks(narrative: str) -> tuple[Block, ...]:
    (one,) = cda_text(cda_document(CdaText(sections=(("Titre", narrative),))))
    return one.blocks


def _paragraph(text: str, *marks: Mark) -> Paragraph:
    return Paragraph((Run(text, marks),))


def _cell(text: str, *, is_header: bool = False, columns: int = 1, rows: int = 1) -> Cell:
    blocks = (_paragraph(text),) if text else ()
    return Cell(blocks, is_header, columns, rows)


def _item(text: str) -> Item:
    return Item((_paragraph(text),))


def test_sections_keep_their_titles_and_order() -> None:
    written = cda_document(CdaText(sections=(("Un", "a"), ("Deux", "b"))))

    assert cda_text(written) == (
        Section("Un", 1, (_paragraph("a"),)),
        Section("Deux", 1, (_paragraph("b"),)),
    )


def test_a_section_within_a_section_is_one_level_deeper() -> None:
    inner = section("Dedans", "b", "", section("Encore", "c"))
    written = cda_document(CdaText(sections=(), structured=section("Dehors", "a", "", inner)))

    assert [(one.title, one.level) for one in cda_text(written)] == [
        ("Dehors", 1),
        ("Dedans", 2),
        ("Encore", 3),
    ]


def test_a_section_without_a_title_makes_no_level_of_headings() -> None:
    inner = section("", "", "", section("Dedans", "b"))
    written = cda_document(CdaText(sections=(), structured=section("Dehors", "a", "", inner)))

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
        _paragraph("début de texte\nligne"),
        _paragraph("un"),
        _paragraph("fin"),
    )


def test_blanks_fold_across_looks_and_unbreakable_ones_stay() -> None:
    (block,) = _blocks(
        " <content styleCode='Bold'> 1\u00a0000 </content> <br/> <br/>  <sub>a</sub> b "
    )

    assert block == Paragraph(
        (Run("1\u00a0000", (Mark.STRONG,)), Run("\na", (Mark.LOWERED,)), Run(" b"))
    )


@pytest.mark.parametrize("narrative", ["", " ", "<br/><br/>", "<paragraph/>", "\u00a0"])
def test_what_holds_no_word_is_no_block(narrative: str) -> None:
    assert _blocks(narrative) == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<content styleCode='Bold'>x</content>", (Mark.STRONG,)),
        ("<content styleCode='BoldItalics'>x</content>", (Mark.STRONG, Mark.EMPHASIS)),
        ("<content styleCode='Emphasis'>x</content>", (Mark.EMPHASIS,)),
        ("<content styleCode='Underline xRed'>x</content>", (Mark.UNDERLINED,)),
        ("<content styleCode='xRed'>x</content>", ()),
        ("<paragraph styleCode='bold'>x</paragraph>", (Mark.STRONG,)),
        ("<content revised='delete'>x</content>", (Mark.DELETED,)),
        ("<content revised='insert'>x</content>", (Mark.INSERTED,)),
        ("<sup>x</sup>", (Mark.RAISED,)),
        (
            "<content styleCode='Bold'><content styleCode='Italics'>x</content></content>",
            (Mark.STRONG, Mark.EMPHASIS),
        ),
    ],
)
def test_what_a_look_means_is_kept(written: str, expected: tuple[Mark, ...]) -> None:
    assert _blocks(written) == (_paragraph("x", *expected),)


def test_lists_keep_their_caption_order_and_nesting() -> None:
    narrative = (
        '<list listType="ordered"><caption>Faire</caption><item>un</item>'
        "<item>deux<list><item>dedans</item></list></item><item/></list>"
    )

    assert _blocks(narrative) == (
        Bullets(
            (_item("un"), Item((_paragraph("deux"), Bullets((_item("dedans"),))))),
            "1",
            "Faire",
        ),
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("", ""),
        ("listType='unordered' styleCode='Disc'", ""),
        ("listType='ordered'", "1"),
        ("listType='ordered' styleCode='Arabic'", "1"),
        ("listType='ordered' styleCode='LittleAlpha'", "a"),
        ("listType='ordered' styleCode='BigAlpha'", "A"),
        ("listType='ordered' styleCode='LittleRoman'", "i"),
        ("listType='ordered' styleCode='BigRoman'", "I"),
    ],
)
def test_lists_count_as_they_were_counted(attributes: str, expected: str) -> None:
    assert _blocks(f"<list {attributes}><item>x</item></list>") == (
        Bullets((_item("x"),), expected),
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
                (_cell("Analyse", is_header=True, columns=2),),
                (_cell("Sodium\n(sang)", rows=2), _cell("140 mmol/L")),
                (_cell("x"),),
            ),
            heads=1,
        ),
    )


def test_a_foot_written_before_the_body_is_read_after_it() -> None:
    (grid,) = _blocks(
        "<table><tfoot><tr><td>pied</td></tr></tfoot><tbody><tr><td>corps</td></tr></tbody>"
        "<thead><tr><td>tête</td></tr></thead></table>"
    )

    assert isinstance(grid, Grid)
    assert [row[0].text for row in grid.rows] == ["tête", "corps", "pied"]
    assert grid.heads == 1


def test_a_header_cell_is_strong_by_itself() -> None:
    (grid,) = _blocks(
        "<table><tr><th styleCode='Bold'>a</th><td styleCode='Bold'>b</td></tr></table>"
    )

    assert isinstance(grid, Grid)
    assert grid.rows[0][0].blocks == (_paragraph("a"),)
    assert grid.rows[0][1].blocks == (_paragraph("b", Mark.STRONG),)


def test_a_cell_may_hold_a_list_and_a_table() -> None:
    narrative = (
        "<table><tbody><tr><td>a<table><tbody><tr><td>b</td><td>c</td></tr></tbody></table>"
        "</td><td><list><item>d</item></list></td></tr></tbody></table>"
    )

    (grid,) = _blocks(narrative)

    assert isinstance(grid, Grid)
    first, second = grid.rows[0]
    assert first.blocks == (_paragraph("a"), Grid("", ((_cell("b"), _cell("c")),)))
    assert second.blocks == (Bullets((_item("d"),)),)
    assert grid.text == "a\nb\tc\td"


def test_what_is_nested_past_six_levels_becomes_lines() -> None:
    deep = "<list><item>" * 8 + "x" + "</item></list>" * 8

    block = _blocks(f"{deep}")[0]
    depth = 0
    while isinstance(block, Bullets):
        block, depth = block.items[0].blocks[0], depth + 1

    assert (depth, block) == (6, _paragraph("x"))


def test_pictures_are_named_and_a_table_that_only_frames_them_is_dropped() -> None:
    written = cda_document(CdaText(sections=(), copy=b"%PDF-"))

    assert cda_text(written) == (Section("Copie du document", 1, (Figure("doc-1"),)),)


def test_a_picture_keeps_its_caption_and_its_place_in_a_table() -> None:
    figure = (
        '<renderMultiMedia referencedObject="a b"><caption>Coupe 42</caption></renderMultiMedia>'
    )

    assert _blocks(figure) == (Figure("a", "Coupe 42"), Figure("b", "Coupe 42"))
    (grid,) = _blocks(f"<table><tr><th>Image</th></tr><tr><td>{figure}</td></tr></table>")
    assert isinstance(grid, Grid)
    assert grid.rows[1][0].blocks == (Figure("a", "Coupe 42"), Figure("b", "Coupe 42"))


def test_footnotes_are_numbered_through_the_document_and_stand_after_their_section() -> None:
    first = 'a<footnote ID="f1">une <content styleCode="Bold">note</content></footnote> b'
    second = 'c<footnoteRef IDREF="f2"/><footnote ID="f2">autre</footnote><footnoteRef IDREF="?"/>'
    written = cda_document(CdaText(sections=(("Un", first), ("Deux", second))))

    one, two = cda_text(written)

    assert one.blocks == (
        Paragraph((Run("a"), Run("", note=1), Run(" b"))),
        Notes((Note(1, (Paragraph((Run("une"), Run(" note", (Mark.STRONG,)))),)),)),
    )
    assert two.blocks == (
        Paragraph((Run("c"), Run("", note=2), Run("", note=2))),
        Notes((Note(2, (_paragraph("autre"),)),)),
    )


@pytest.mark.parametrize(
    ("href", "link", "text"),
    [
        ("https://images.example/etude?id=1", True, "voir (https://images.example/etude?id=1)"),
        ("https://images.example", True, "voir (https://images.example)"),
        ("http://images.example/", False, "voir (http://images.example/)"),
        ("mailto:labo@mss.example", False, "voir (mailto:labo@mss.example)"),
        ("tel:+33100000000", False, "voir (tel:+33100000000)"),
        (
            "https://banque.example@evil.example/",
            False,
            "voir (https://banque.example@evil.example/)",
        ),
        ("https://ex\u0430mple.org/", False, "voir (https://ex\u0430mple.org/)"),
        ("javascript:alert(1)", False, "voir"),
        ("data:text/html,x", False, "voir"),
        ("file:///etc/passwd", False, "voir"),
        ("#ancre", False, "voir"),
        ("../autre.html", False, "voir"),
        ("https://" + "a" * 2_000, False, "voir"),
        ("https://a b/", False, "voir"),
        ("", False, "voir"),
    ],
)
def test_links_are_followed_only_where_they_are_safe(href: str, link: bool, text: str) -> None:
    (block,) = _blocks(f'<linkHtml href="{href}">voir</linkHtml>')

    assert isinstance(block, Paragraph)
    assert block.text == text
    assert [run.link for run in block.runs if run.link] == ([href] if link else [])


def test_a_link_without_words_shows_its_address() -> None:
    (block,) = _blocks('<linkHtml href="https://images.example/"/>')

    assert block == Paragraph((Run("https://images.example/", link="https://images.example/"),))


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
    assert not any(run.link for run in block.runs)


def test_foreign_elements_give_their_text_only() -> None:
    narrative = '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script><b>gras</b>'

    assert _blocks(narrative) == (_paragraph("alert(1)gras"),)


def test_spans_are_bounded() -> None:
    (grid,) = _blocks(
        "<table><tr><td colspan='99999999'>x</td><td colspan='-1'>y</td></tr></table>"
    )

    assert grid == Grid("", ((_cell("x", columns=100), _cell("y")),))


def test_cells_are_bounded_at_the_edge_and_a_cut_table_says_so() -> None:
    row = "<tr>" + "<td>x</td>" * 1_000 + "</tr>"
    rows = MAX_CELLS // 1_000

    (grid,) = _blocks(f"<table>{row * rows}</table>")
    cut, after = _blocks(f"<table>{row * (rows + 1)}</table><table><tr><td>y</td></tr></table>")

    assert isinstance(grid, Grid)
    assert isinstance(cut, Grid)
    assert isinstance(after, Grid)
    assert len(grid.rows) == len(cut.rows) == rows
    assert (grid.is_cut, cut.is_cut, after.is_cut) == (False, True, True)


def test_coded_results_out_of_the_norm_stand_below_the_narrative() -> None:
    blocks = [block for one in cda_text(biology()) for block in one.blocks]

    table, results, copy = blocks
    assert isinstance(table, Grid)
    assert isinstance(results, Results)
    assert isinstance(copy, Figure)
    assert not results.is_whole
    assert [(one.name, one.value) for one in results.found] == [
        ("Potassium", "6.9"),
        ("Ferritine", "12"),
    ]
    assert results.text == ""


def test_coded_results_stand_alone_where_there_is_no_narrative() -> None:
    entries = laboratory((Measure("Sodium", "140", "mmol/L", flag="N"),))
    written = cda_document(CdaText(sections=(), structured=section("Ionogramme", "", entries)))

    ((results,),) = (one.blocks for one in cda_text(written))

    assert isinstance(results, Results)
    assert results.is_whole
    assert results.text == "Sodium 140 mmol/L"


def test_all_words_of_a_document_are_found_by_a_search() -> None:
    text = plain_text(biology())

    for word in ("BIOCHIMIE", "Ionogramme", "Ferritine", "(30 - 300)", "Copie du document"):
        assert word in text


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES.keys())
def test_every_family_is_readable(make: Callable[..., bytes]) -> None:
    sections = cda_text(make())

    assert all(one.title or one.blocks for one in sections)
    assert plain_text(make()) == "\n".join(one.text for one in sections)


def test_what_is_no_cda_has_no_text() -> None:
    with pytest.raises(CdaUnreadable):
        cda_text(b"<html/>")


def test_of_an_endless_narrative_the_beginning_is_read() -> None:
    long = "<paragraph>" + "x" * (MAX_TEXT - 10) + "</paragraph><paragraph>" + "y" * 20
    content = cda_document(CdaText(sections=(("T", long + "</paragraph>"),)))

    (section,) = cda_text(content)

    assert [len(block.text) for block in section.blocks] == [MAX_TEXT - 10, 10]
