"""French and English say the same: key for key, field for field; and no page says anything else."""

import re
from pathlib import Path

import pytest

from mss_gateway import texts
from mss_gateway.dossier.documents import Category
from mss_gateway.texts import FRENCH_ONLY, Language
from tests.support.source_tree import ROOT

TEMPLATES = sorted((ROOT / "mss_gateway" / "webmail" / "templates").glob("*.html"))
SCRIPTS = sorted((ROOT / "mss_gateway" / "webmail" / "static").glob("*.js"))

_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_SAID_BY_ATTRIBUTE = re.compile(r"""\b(?:alt|title|placeholder|aria-label|label)="([^"]*)\"""")
_UNREAD = re.compile(r"\{% block place %\}.*?\{% endblock %\}|\{% macro narrowed.*?endmacro %\}")
"""What is no sentence between tags: the class of the body, and the addresses of a list."""
_WORD = re.compile(r"[^\W\d_]{2,}")

_SCRIPT_TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?\*/
    | (?<=[(,=:\[!&|?{};]) \s* /(?![/*]) (?: \\. | \[ (?: \\. | [^\]\\\n] )* \] | [^/\\\n] )+ /
    | (?P<literal> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*` )""",
    re.VERBOSE | re.DOTALL,
)
"""A comment, a regular expression or a literal: what is none of the last is stepped over."""
_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{2,6})\}?|\\x([0-9a-fA-F]{2})")
_SENTENCE = re.compile(r"[^\W\d_][\W\d_]*\s[\W\d_]*[^\W\d_]")
DIRECTIVE = "use strict"


def sentences_of(script: str) -> list[str]:
    """The literals of a script that a person could read: two words, or a letter with an accent."""
    literals = [one["literal"] for one in _SCRIPT_TOKEN.finditer(script) if one["literal"]]
    plain = [_ESCAPE.sub(lambda at: chr(int(at[1] or at[2], 16)), one)[1:-1] for one in literals]
    return [
        one
        for one in plain
        if one != DIRECTIVE
        and (_SENTENCE.search(one) or any(sign.isalpha() and not sign.isascii() for sign in one))
    ]


def shown_in_both() -> list[str]:
    return [
        key
        for section, names in texts.keys(Language.FRENCH).items()
        if section not in FRENCH_ONLY
        for key in names
    ]


def words_of(template: str) -> list[str]:
    """The words of a template that no sentence gave: between its tags, or read out by one."""
    bare = _JINJA.sub(" ", _UNREAD.sub(" ", template))
    between = re.sub(r"&[a-z]+;", " ", _TAG.sub(" ", bare))
    return _WORD.findall(" ".join([between, *_SAID_BY_ATTRIBUTE.findall(bare)]))


def test_both_languages_have_the_same_keys() -> None:
    english = {key for names in texts.keys(Language.ENGLISH).values() for key in names}

    assert sorted(set(shown_in_both()) - english) == []
    assert sorted(english - set(shown_in_both())) == []


@pytest.mark.parametrize("key", shown_in_both())
def test_a_sentence_wants_the_same_fields_in_both(key: str) -> None:
    assert texts.fields(key, Language.ENGLISH) == texts.fields(key, Language.FRENCH)
    filled = dict.fromkeys(texts.fields(key), "x")
    english = texts.text(key, language=Language.ENGLISH, **filled)
    assert english == english.strip() and "  " not in english
    assert english.isprintable() and len(english) <= 300
    assert not re.search(r" [;:?!»]", english)  # the blank before a sign is a French one


def test_what_goes_on_the_wire_is_french_whoever_asks() -> None:
    for section in FRENCH_ONLY:
        key = texts.keys()[section][0]
        filled = dict.fromkeys(texts.fields(key), "x")
        assert texts.text(key, language=Language.ENGLISH, **filled) == texts.text(key, **filled)


@pytest.mark.parametrize("category", Category)
def test_a_category_is_called_as_its_table_calls_it(category: Category) -> None:
    assert texts.text(f"web.categorie_{category.value.lower()}") == category.label


@pytest.mark.parametrize("template", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_a_template_says_nothing_by_itself(template: Path) -> None:
    assert words_of(template.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "careless", ["<p>Bonjour</p>", '<img alt="Une image">', '<input placeholder="Chercher">']
)
def test_a_careless_template_is_noticed(careless: str) -> None:
    assert words_of(careless) != []


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_a_script_says_nothing_by_itself(script: Path) -> None:
    """Its sentences come by data-*, in the language of the page."""
    assert sentences_of(script.read_text("utf-8")) == []


def test_there_are_scripts_and_literals_to_look_at() -> None:
    whole = "".join(path.read_text("utf-8") for path in SCRIPTS)
    assert len(SCRIPTS) >= 3
    assert sum(1 for one in _SCRIPT_TOKEN.finditer(whole) if one["literal"]) >= 50


@pytest.mark.parametrize(
    ("careless", "found"),
    [
        ('said.textContent = "Brouillon enregistré";', ["Brouillon enregistré"]),
        ("tell('Something came');", ["Something came"]),
        ("tell(`Encore ${n} messages`);", ["Encore ${n} messages"]),
        ('tell("Envoyé");', ["Envoyé"]),
        ('tell("plus 3 autres");', ["plus 3 autres"]),
        (r'tell("Envoy\u00e9");', ["Envoyé"]),
        ('x = a.replace(/"/g, "&"); tell("Not now");', ["Not now"]),
        ("/* it's */ tell('Not now');", ["Not now"]),
        ('// "one of ours"\nlink.href = "/messages/recus";', []),
        ('"use strict"; paragraph.append(text + " — ", link);', []),
    ],
)
def test_a_careless_script_is_noticed(careless: str, found: list[str]) -> None:
    assert sentences_of(careless) == found
