"""What a narrative becomes on a page: elements that mean what it meant, nothing that runs."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from mss_gateway.dossier import cda
from mss_gateway.dossier.blocks import Cell, Grid, Section
from mss_gateway.dossier.heading import heading_of
from mss_gateway.dossier.narrative import cda_text
from mss_gateway.webmail.pages import Pages
from mss_gateway.webmail.showing import Showing
from tests.support.health_documents import FAMILIES, biology, discharge, imaging
from tests.support.xdm import CdaText, cda_document

PAGES = Pages()
VOID = {"br", "img"}
TEXT = {"p", "strong", "em", "u", "sub", "sup", "del", "ins", "a", "br", "span"}
LISTS = {"dl", "dt", "dd", "ul", "ol", "li"}
TABLES = {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
ELEMENTS = TEXT | LISTS | TABLES | {"figure", "img", "figcaption"}
SPANS = {"scope", "colspan", "rowspan"}
ATTRIBUTES = SPANS | {"class", "id", "href", "rel", "target", "type", "value", "tabindex", "role"}
ATTRIBUTES |= {"aria-label", "src", "alt", "loading"}


class Seen(HTMLParser):
    """The elements of a page with their attributes; objects to what is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def finish(self) -> None:
        self.close()
        assert self._open == []


def _seen(content: bytes) -> Seen:
    sections = cda_text(content)
    figures = tuple(one.object_id for one in cda.media(content))
    showing = Showing(sections=sections, figures=figures, heading=heading_of(content))
    seen = Seen()
    seen.feed(PAGES.filled("entete.html", {"showing": showing}))
    for section in sections:
        for block in section.blocks:
            values = {"block": block, "section": section, "showing": showing, "base": "/dossier/1"}
            seen.feed(PAGES.filled("recit.html", values))
    seen.finish()
    return seen


def _narrated(narrative: str) -> Seen:
    return _seen(cda_document(CdaText(sections=(("Titre", narrative),))))


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES.keys())
def test_every_family_makes_a_page_of_known_elements(make: Callable[..., bytes]) -> None:
    seen = _seen(make())

    assert {name for name, _ in seen.elements} <= ELEMENTS
    assert {name for _, given in seen.elements for name in given} <= ATTRIBUTES


def test_a_table_has_head_scopes_caption_and_can_be_scrolled_by_keys() -> None:
    seen = _seen(biology())

    (around, _) = seen.all("div")
    assert around == {
        "class": "wide",
        "tabindex": "0",
        "role": "group",
        "aria-label": "Ionogramme",
    }
    assert [one.get("scope") for one in seen.all("th")[:3]] == ["col"] * 3
    assert len(seen.all("thead")) == 2


def test_critical_results_are_said_in_words_and_not_by_colour_alone() -> None:
    seen = _seen(biology())

    assert {"class": "critical"} in seen.all("tr")
    assert "Très élevé, à signaler à un médecin" in seen.text
    assert "4.4 mmol/L (1er mars 2026)" in seen.text
    assert "Bas" in seen.text


def test_an_empty_header_is_no_header() -> None:
    seen = _narrated("<table><thead><tr><th/><th>a</th></tr></thead></table>")

    assert len(seen.all("th")) == 1
    assert len(seen.all("td")) == 1


def test_lists_count_as_they_did() -> None:
    seen = _seen(discharge())

    assert seen.all("ol") == [{"type": "a"}]
    assert "Suites" in seen.text


def test_looks_become_elements_that_mean_the_same() -> None:
    seen = _seen(imaging())

    names = [name for name, _ in seen.elements]
    for wanted in ("del", "ins", "strong", "sup"):
        assert wanted in names
    assert {"id": "note-1", "value": "1", "class": "lines"} in seen.all("li")
    assert {"href": "#note-1", "aria-label": "note 1"} in seen.all("a")


def test_a_link_is_its_words_and_where_it_led_and_leads_nowhere() -> None:
    seen = _seen(imaging())

    assert all(one["href"] == "#note-1" for one in seen.all("a"))
    assert "(https://images.invalid/etude?id=1)" in seen.text


@pytest.mark.parametrize(
    "narrative",
    [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;img src=x onerror=alert(1)&gt;",
        '<linkHtml href="javascript:alert(1)">x</linkHtml>',
        '<linkHtml href="https://a.example/&quot;onmouseover=alert(1)">x</linkHtml>',
        "<table><caption>&lt;/caption&gt;&lt;script&gt;</caption><tr><td>x</td></tr></table>",
        '<list styleCode="&quot;&gt;&lt;script&gt;" listType="ordered"><item>x</item></list>',
        '<renderMultiMedia referencedObject="x&quot;&gt;"><caption>&lt;b&gt;</caption>'
        "</renderMultiMedia>",
        '<footnote ID="&quot;&gt;">&lt;script&gt;</footnote>',
        "<content styleCode='Bold&quot;&gt;&lt;script&gt;'>x</content>",
    ],
)
def test_markup_in_a_narrative_stays_text(narrative: str) -> None:
    seen = _narrated(narrative)

    names = {name for name, _ in seen.elements}
    assert not names & {"script", "img", "b"}
    attributes = [given for _, given in seen.elements]
    assert not any(name.startswith("on") for given in attributes for name in given)
    assert not any("javascript" in (given.get("href") or "") for given in attributes)


def test_a_file_that_cannot_be_drawn_says_so() -> None:
    seen = _narrated(
        '<renderMultiMedia referencedObject="none"><caption>Coupe</caption></renderMultiMedia>'
    )

    assert seen.all("img") == []
    assert "Coupe : Ce fichier joint au document ne peut pas être affiché ici." in " ".join(
        seen.text.split()
    )


def test_a_table_that_was_cut_says_so() -> None:
    block = Grid("", ((Cell(()),),), is_cut=True)
    values = {"block": block, "section": Section("", 1, (block,)), "showing": Showing(), "base": ""}

    assert "Tableau coupé" in PAGES.filled("recit.html", values)


def test_the_heading_names_people_and_the_version() -> None:
    seen = _seen(cda_document(CdaText(version="2", replaces="1.2.3")))

    for wanted in (
        "DOMINIQUE PAT-TROIS",
        "28/03/1979",
        "Dr Claire FICTIVE, Médecin, Laboratoire des Essais",
        "19 novembre 2026",
        "version 2, qui remplace la précédente",
    ):
        assert wanted in seen.text
