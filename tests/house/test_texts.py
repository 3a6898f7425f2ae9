"""Every key that the code names has its French sentence, and every sentence is said somewhere."""

import ast
import re
from collections.abc import Iterator

import pytest

from mss_gateway import failures, texts
from tests.support.source_tree import ROOT, product

SAYING = frozenset({"text", "ascii_line", "fields", "t"})
IN_TEMPLATES = re.compile(r"""\b(?:text|t)\(\s*["']([a-z_0-9]+\.[a-z_0-9.]+)["'](?!\s*~)""")
KEY = re.compile(r"[a-z_0-9]+\.[a-z_0-9]+")

NOT_YET_SAID = {
    "avis.acces_urgence": "the emergency access of a professional: a later issue",
    "avis.consultation": "professionals do not read in the webmail yet: a later issue",
}
"""Sentences that may wait for their code, and why."""


def templates() -> list[str]:
    """The text of every template of the product."""
    return [path.read_text("utf-8") for path in sorted((ROOT / "mss_gateway").rglob("*.html"))]


def named() -> Iterator[tuple[str, str]]:
    """Where and which key, for each key given as a literal to a function that says it."""
    for one in product():
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Call) and node.args:
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ""
                name = called.id if isinstance(called, ast.Name) else name
                first = node.args[0]
                key = first.value if isinstance(first, ast.Constant) else None
                if name in SAYING and isinstance(key, str) and KEY.fullmatch(key):
                    yield f"{one.path}:{node.lineno}", key
    for template in templates():
        for key in IN_TEMPLATES.findall(template):
            yield "a template", key


def said() -> tuple[set[str], set[str]]:
    """Keys that stand as literals anywhere, and literal beginnings of keys made at run time."""
    whole, beginnings = {key for _, key in named()}, set()
    for one in product():
        for node in ast.walk(one.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginnings.add(str(node.values[0].value))
    for template in templates():
        whole |= set(re.findall(r"""["']([a-z_0-9]+\.[a-z_0-9]+)["']""", template))
        beginnings |= set(re.findall(r"""["']([a-z_0-9]+\.[a-z_0-9]*)["']\s*~""", template))
    return whole, {one for one in beginnings if re.fullmatch(r"[a-z_0-9]+\.[a-z_0-9]*", one)}


def every_key() -> list[str]:
    return [key for section in texts.keys().values() for key in section]


def test_every_named_key_has_a_sentence() -> None:
    known = set(every_key())
    rows = [("failures.py", failures.row(one).text) for one in failures.Failure]
    wanted = [*rows, *named()]
    assert len(wanted) >= 40
    assert [one for one in wanted if one[1] not in known] == []


def test_every_sentence_is_said_somewhere_or_waits_for_its_code() -> None:
    whole, beginnings = said()
    unsaid = [
        key
        for key in every_key()
        if key not in whole and not any(key.startswith(beginning) for beginning in beginnings)
    ]
    assert sorted(unsaid) == sorted(NOT_YET_SAID)


@pytest.mark.parametrize("key", every_key())
def test_a_sentence_is_clean(key: str) -> None:
    filled = texts.text(key, **dict.fromkeys(texts.fields(key), "x"))
    assert filled == filled.strip()
    assert "  " not in filled
    assert filled.isprintable()
    assert len(filled) <= 300


def test_an_unknown_key_raises_at_once() -> None:
    with pytest.raises(KeyError):
        texts.text("refus.nulle_part")


@pytest.mark.parametrize("values", [{}, {"date": "x"}, {"date": "x", "nom": "y", "ins": "z"}])
def test_fields_are_given_exactly(values: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        texts.text("avis.consultation", **values)


def test_fields_are_filled() -> None:
    assert "le 3 mai par Claire" in texts.text("avis.consultation", date="3 mai", nom="Claire")


def test_an_ascii_line_loses_accents_and_typography_only() -> None:
    assert texts.ascii_line("courriel.non_remis", motif="« œuvre… d’été » —\u202fÉ") == (
        "Votre message n'a pas pu etre remis au destinataire ci-dessous. \" oeuvre... d'ete \" - E"
    )


@pytest.mark.parametrize("value", ["α", "a\r\nb", "a\tb"])
def test_what_has_no_ascii_form_or_breaks_the_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        texts.ascii_line("courriel.non_remis", motif=value)
