"""The product's own source, read once: what the tests of the house walk."""

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("policies", "certs", "mailbox_store", "mss_gateway")


@dataclass(frozen=True, slots=True)
class Module:
    """One file of Python: its dotted name, where it is below the root, its text and its tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether this is an ``__init__.py``, from which a relative import starts lower."""
        return self.path.endswith("__init__.py")


def module(name: str, text: str, *, is_package: bool = False) -> Module:
    """A module of this name and text, as if it stood in the tree."""
    path = name.replace(".", "/") + ("/__init__.py" if is_package else ".py")
    return Module(name, path, text, ast.parse(text))


@cache
def product() -> tuple[Module, ...]:
    """Every module of the four packages, those found on disk at the first call."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found.append(module(name, path.read_text("utf-8"), is_package=is_package))
    return tuple(found)


@cache
def kept_files() -> tuple[str, ...]:
    """The files that git keeps or would keep (not ignored), below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = listed.stdout.decode().split("\0")
    return tuple(name for name in names if name and (ROOT / name).is_file())


def words(one: Module) -> Iterator[tuple[int, str]]:
    """Line and text of every comment and every string, docstrings among them."""
    for token in tokenize.generate_tokens(io.StringIO(one.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
