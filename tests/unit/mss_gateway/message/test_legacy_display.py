"""Fields repeated in a text for old readers, RFC 9788 §4.5.3, taken away for showing."""

import pytest

from mss_gateway.message.legacy_display import has_legacy_display, without_legacy_display
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Part


def part(kind: str, marked: bool = True) -> Part:
    mark = '; hp-legacy-display="1"' if marked else ""
    return scan(f"Content-Type: text/{kind}{mark}\r\n\r\nx".encode()).root


ELEMENT = '<div class="header-protection-legacy-display">\r\n<pre>Subject: Dîner</pre>\r\n</div>'


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("plain", "Subject: Dîner\r\n\r\nBonjour\r\n", "Bonjour\r\n"),
        ("plain", "Subject: Dîner\nFrom: a@b.fr\n suite\n\nBonjour\n", "Bonjour\n"),
        ("plain", "Bonjour,\r\n\r\nfin\r\n", "Bonjour,\r\n\r\nfin\r\n"),
        ("plain", "Subject: Dîner\r\nBonjour\r\n\r\nfin", "Subject: Dîner\r\nBonjour\r\n\r\nfin"),
        ("plain", "", ""),
        ("html", f"<html><body>{ELEMENT}<p>Bonjour</p></body></html>",
         "<html><body><p>Bonjour</p></body></html>"),
        ("html", ELEMENT.removeprefix("<div "), ELEMENT.removeprefix("<div ")),
        ("html", ELEMENT.removesuffix("</div>"), ELEMENT.removesuffix("</div>")),
        ("html", "<p>Bonjour</p>", "<p>Bonjour</p>"),
    ],
)  # fmt: skip
def test_what_is_repeated_goes_and_nothing_else(kind: str, text: str, shown: str) -> None:
    assert without_legacy_display(part(kind), text) == shown


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_unmarked_text_is_shown_whole(kind: str) -> None:
    text = f"Subject: Dîner\r\n\r\n{ELEMENT}"
    assert without_legacy_display(part(kind, marked=False), text) == text


def test_only_text_is_marked() -> None:
    assert has_legacy_display(part("plain"))
    assert not has_legacy_display(part("calendar"))
