"""The help is documentation: every verb has purpose, example and exit codes, and they are true."""

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mss_gateway.cli.main import application
from mss_gateway.cli.verbs import NOUNS, NOUNS_BELOW, VERBS, Verb
from mss_gateway.directory import importing

EVERY = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.words)
SERVICES = {"serve", "demo"}


def help_of(app: typer.Typer, verb: Verb) -> str:
    result = CliRunner().invoke(app, [*verb.words.split(), "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@EVERY
def test_help_has_its_sections_and_nothing_left_to_write(app: typer.Typer, verb: Verb) -> None:
    text = help_of(app, verb)
    sections = [text.index(word) for word in ("Usage: ", "Options:", "Example:", "Exit codes:")]
    assert sections == sorted(sections)
    assert verb.help.split()[0] in text
    assert re.search(r"TODO|FIXME|XXX|\btbd\b", text) is None


@EVERY
def test_exit_codes_are_told_once_each(app: typer.Typer, verb: Verb) -> None:
    told = help_of(app, verb).partition("Exit codes:")[2]
    codes = re.findall(r"^\s+([0-9])  \S", told, re.MULTILINE)
    assert codes == (["0", "1", "2", "3"] if verb.refused else ["0", "2", "3"])


@EVERY
def test_every_verb_takes_a_configuration_and_json(app: typer.Typer, verb: Verb) -> None:
    text = help_of(app, verb)
    assert ("--json" in text) == (verb.words not in SERVICES)
    assert ("--config" in text) == (verb.words != "demo")


@EVERY
def test_the_example_is_accepted_by_the_parser(app: typer.Typer, verb: Verb) -> None:
    words = shlex.split(verb.example.replace("\\\n", " "))
    assert words[: 1 + len(verb.words.split())] == ["mss", *verb.words.split()]
    command = typer.main.get_command(app)
    for name in verb.words.split():
        command = command.commands[name]  # type: ignore[attr-defined]
    files = {"people.csv", "claire.p12", "password.txt"}
    stands = dict.fromkeys(files, __file__) | {"reprise": str(Path(__file__).parent)}
    given = [stands.get(word, word) for word in words[1 + len(verb.words.split()) :]]
    with command.make_context(verb.words, given) as context:
        assert context.params


@EVERY
def test_a_sentence_begins_the_help(verb: Verb) -> None:
    first = verb.help.partition("\n")[0]
    assert first[0].isupper()
    assert first.endswith(".")
    assert not verb.done.endswith(".")


def test_every_noun_has_a_verb_and_every_verb_of_two_words_a_noun() -> None:
    assert {verb.words.split()[0] for verb in VERBS if " " in verb.words} == set(NOUNS)
    assert len({verb.words for verb in VERBS}) == len(VERBS)


@EVERY
def test_the_function_of_a_verb_exists(verb: Verb) -> None:
    module, _, function = verb.function.partition(":")
    assert callable(getattr(import_module(f"mss_gateway.cli.{module}"), function))


def test_the_help_of_import_names_every_column() -> None:
    (verb,) = (verb for verb in VERBS if verb.words == "people import")
    listed = verb.help.partition("columns: ")[2].partition(".")[0].split(", ")
    assert listed == [column.name for column in importing.COLUMNS]


@pytest.mark.parametrize("words", [[], ["--help"], ["people"], ["people", "--help"]])
def test_the_nouns_and_their_verbs_are_listed(app: typer.Typer, words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    told = result.stdout + result.stderr
    wanted = [verb.words.split()[1] for verb in VERBS if verb.words.startswith("people")]
    assert all(name in told for name in (wanted if "people" in words else [*NOUNS, "serve"]))


def test_a_noun_below_another_lists_its_verbs(app: typer.Typer) -> None:
    for words in (["certs"], ["certs", "trust"], ["certs", "trust", "--help"]):
        result = CliRunner().invoke(app, words)
        told = result.stdout + result.stderr
        wanted = ["add", "list", "remove"] if "trust" in words else ["trust", "authority-init"]
        assert all(name in told for name in wanted)
    assert {
        " ".join(verb.words.split()[:-1]) for verb in VERBS if verb.words.count(" ") > 1
    } == set(NOUNS_BELOW)


@pytest.mark.parametrize("words", [["dance"], ["people", "dance"], ["people", "list", "--dance"]])
def test_wrong_words_are_wrong_usage(app: typer.Typer, words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error:" in result.stderr


def test_a_verb_that_was_not_asked_for_is_listed_all_the_same() -> None:
    for asked in ("", "--help", "queue"):
        result = CliRunner().invoke(application(asked), ["--help"])
        assert all(name in result.stdout for name in [*NOUNS, "serve", "demo", "doctor"])


def test_help_imports_neither_store_nor_cryptography() -> None:
    script = (
        "import sys\n"
        "from mss_gateway.cli.main import main\n"
        "sys.argv = ['mss', '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    heavy = {'sqlalchemy', 'cryptography', 'uvicorn', 'lxml', 'mss_gateway.compose'}\n"
        "    found = heavy & set(sys.modules)\n"
        "    sys.exit(f'imported {found}' if found or end.code else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "people" in done.stdout
