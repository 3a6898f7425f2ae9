"""Sizes, as taste with a number: past it somebody says why, here."""

import ast
from collections.abc import Iterator

from tests.support.source_tree import Module, module, product

MODULE_LINES = 500
FUNCTION_LINES = 60

LONG_MODULES: dict[str, str] = {"mss_gateway/cli/verbs.py": "a table"}
"""Path of a module that may be longer, with the reason."""

LONG_FUNCTIONS: dict[str, str] = {
    "mailbox_store/migrations/versions/s0001_first.py:upgrade": "a table of tables",
    "mss_gateway/observability/metrics.py:build": "a table",
}
"""``path:function`` that may be longer, with the reason."""


def lines_of(one: Module) -> int:
    """How many lines the file has."""
    return one.text.count("\n")


def functions(one: Module) -> Iterator[tuple[str, int]]:
    """``path:name`` and length in lines of every function, nested ones too."""
    for node in ast.walk(one.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{one.path}:{node.name}", node.end_lineno - node.lineno + 1


def test_modules_have_one_subject() -> None:
    long = {one.path for one in product() if lines_of(one) > MODULE_LINES}
    assert sorted(long - LONG_MODULES.keys()) == []
    assert sorted(LONG_MODULES.keys() - long) == [], "no longer long: take it off the table"


def test_functions_fit_a_screen() -> None:
    lengths = [pair for one in product() for pair in functions(one)]
    assert len(lengths) > 300
    long = {name for name, length in lengths if length > FUNCTION_LINES}
    assert sorted(long - LONG_FUNCTIONS.keys()) == []
    assert sorted(LONG_FUNCTIONS.keys() - long) == [], "no longer long: take it off the table"


def test_every_exception_has_a_reason() -> None:
    assert all((LONG_MODULES | LONG_FUNCTIONS).values())


def test_lengths_are_counted_to_the_last_line() -> None:
    body = "    x = 1\n" * 60
    one = module("certs.x", f"def f():\n{body}\nclass C:\n    async def g(self):\n        ...\n")
    assert dict(functions(one)) == {"certs/x.py:f": 61, "certs/x.py:g": 2}
