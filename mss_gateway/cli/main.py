"""The entry point ``mss``: the table of verbs as a command line."""

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

import typer

from mss_gateway.cli import binding
from mss_gateway.cli.verbs import NOUNS, NOUNS_BELOW, VERBS, Verb


def application(asked: str | None = None) -> typer.Typer:
    """The command line. With ``asked``, only that first word is imported: help stays fast."""
    root = _group("MSS Gateway: the operator's commands.")
    for first, rows in _by_first_word():
        is_wanted = asked is None or asked == first
        if first not in NOUNS:
            _add(root, rows[0], first, is_wanted=is_wanted)
            continue
        root.add_typer(_noun(first, rows if is_wanted else ()), name=first)
    return root


def _noun(words: str, rows: Sequence[Verb]) -> typer.Typer:
    """The verbs of a noun, and the nouns below it."""
    noun = _group((NOUNS | NOUNS_BELOW)[words])
    for below in NOUNS_BELOW:
        if below.rpartition(" ")[0] == words:
            its_own = [verb for verb in rows if verb.words.startswith(f"{below} ")]
            noun.add_typer(_noun(below, its_own), name=below.rpartition(" ")[2])
            rows = [verb for verb in rows if verb not in its_own]
    for verb in rows:
        _add(noun, verb, verb.words.removeprefix(f"{words} "), is_wanted=True)
    return noun


def main() -> None:
    """The script ``mss``."""
    application(next(iter(sys.argv[1:]), ""))(prog_name="mss")


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def _by_first_word() -> Iterator[tuple[str, list[Verb]]]:
    groups: dict[str, list[Verb]] = {}
    for verb in VERBS:
        groups.setdefault(verb.words.partition(" ")[0], []).append(verb)
    yield from groups.items()


def _add(group: typer.Typer, verb: Verb, name: str, *, is_wanted: bool) -> None:
    if is_wanted:
        module, _, function = verb.function.partition(":")
        run = getattr(import_module(f"mss_gateway.cli.{module}"), function)
        called = binding.service(run) if verb.is_service else binding.answering(run)
    else:
        called = binding.unasked
    group.command(name, help=verb.help, epilog=verb.epilog)(called)
