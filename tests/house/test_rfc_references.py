"""Where it is written, in one exact form that a reader can search for, and in an index."""

import re
from collections.abc import Iterator

import pytest

from tests.support.source_tree import ROOT, Module, module, product, words

# RFC822 and rfc822 are names of IMAP items, a media type and a certificate field.
MENTION = re.compile(r"\bRFCs?(?![a-z0-9]*822)(?=\d|\b|[-_])", re.IGNORECASE)
EXACT = re.compile(
    r"RFC (?P<number>[1-9]\d{0,4})(?![\w/])"
    r"(?: §(?:\d++|[A-Z](?![a-zA-Z]))(?:\.\d++)*+(?!\w))?+"
    r"(?! ?§)(?!,? (?:[Ss]ection|[Ss]ec\b|[Aa]ppendix|chapter))"
)
INDEXED = re.compile(r"^\| RFC (\d+) \|", re.MULTILINE)

ARGUMENTS_NAMED_RFC = re.compile(r"^rfc$")
"""A table's column may be called rfc; a string that is only this word cites nothing."""


def mentions(one: Module) -> Iterator[tuple[int, str, re.Match[str] | None]]:
    """Line, excerpt and exact form (None when it is not) of each mention in ``one``."""
    for line, text in words(one):
        if ARGUMENTS_NAMED_RFC.match(text):
            continue
        for match in MENTION.finditer(text):
            yield line, text[match.start() :][:40], EXACT.match(text, match.start())


def test_every_mention_has_the_exact_form() -> None:
    wrong = [
        f"{one.path}:{line}: {excerpt!r}"
        for one in product()
        for line, excerpt, exact in mentions(one)
        if exact is None
    ]
    assert wrong == []


def test_every_cited_rfc_is_in_the_index() -> None:
    cited: dict[str, str] = {}
    for one in product():
        for _, _, exact in mentions(one):
            if exact is not None:
                cited.setdefault(exact["number"], one.path)
    assert len(cited) > 20
    indexed = INDEXED.findall((ROOT / "docs" / "specifications.md").read_text("utf-8"))
    assert {number: path for number, path in cited.items() if number not in indexed} == {}
    assert len(indexed) == len(set(indexed)), "an RFC stands twice in the index"


@pytest.mark.parametrize(
    "text",
    [
        "RFC5321",
        "rfc 5321",
        "RFC-5321",
        "RFC 5321 section 4",
        "RFC 5321, section 4.5",
        "RFC 5321 § 4.5",
        "RFC 5321§4.5",
        "RFC 5083/5084",
        "the RFCs",
        "the RFC says",
        "RFC 5321 §4.5x",
        "RFC 05321",
    ],
)
def test_another_form_is_caught(text: str) -> None:
    found = [exact for _, _, exact in mentions(module("certs.x", f"# see {text}, there\n"))]
    assert found == [None]


@pytest.mark.parametrize(
    "text",
    [
        "RFC 5321",
        "RFC 5321 §4.5.3.1.8",
        "RFC 5321 §4.5, where",
        "(RFC 5280 §4.2.1.3)",
        "RFC 5652 §A.1",
        "RFC 5652 §B",
    ],
)
def test_the_exact_form_passes(text: str) -> None:
    found = [exact for _, _, exact in mentions(module("certs.x", f'"""See {text}."""\n'))]
    assert [exact is not None for exact in found] == [True]


def test_names_with_822_cite_nothing() -> None:
    text = '"""RFC822.SIZE, message/rfc822, rfc822Name."""\n'
    assert list(mentions(module("certs.x", text))) == []
