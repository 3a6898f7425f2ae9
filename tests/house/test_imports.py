"""Who may import whom: the rules 1 to 4 of the house, enforced on the syntax trees.

The rule and this test change together.
"""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.support.source_tree import PACKAGES, Module, module, product

LEAVES = {
    "policies": frozenset[str](),
    "certs": frozenset({"cryptography"}),
    "mailbox_store": frozenset({"sqlalchemy", "alembic"}),
}
"""The leaf packages and the third parties that each may import. Nothing else of ours."""

LINES = (
    ("cli", "__main__"),
    ("compose",),
    ("smtp", "imap", "webmail", "queue.worker"),
    ("life", "backup"),
    ("dossier", "directory", "queue"),
    ("ports",),
    ("message", "observability"),
    ("failures", "texts", "config", "config_rules", "bridge"),
)
"""Inside mss_gateway, from top to bottom: a line imports lower lines, never a neighbour."""

ONE_COMPONENT = {"__main__": "cli", "config_rules": "config"}
"""`python -m mss_gateway` is the command line; the rules of the values are the configuration."""

DOORS = {
    "aiosmtpd": ("smtp",),
    "jinja2": ("webmail", "message.build"),
    "markupsafe": ("webmail",),  # the type of what a template may print as it is
    "dkim": ("message.dkim",),
    "cryptography": ("compose",),  # TLS contexts; elsewhere it is certs
    "sqlalchemy": (
        "dossier.tables",
        "dossier.exports",
        "dossier.record_segments",
        "queue.tables",
        "observability.audit",
        "directory",
        "webmail.sessions",
        "webmail.kept_forms",
    ),
    "aioimaplib": ("imap.upstream.conversation",),
    "starlette": ("webmail",),
    "uvicorn": ("webmail",),
    "nh3": ("webmail",),
    "python_multipart": ("webmail",),
    "lxml": ("dossier", "directory.whitelist_signature"),
    "pypdfium2": ("dossier",),
    "PIL": ("dossier",),
    "argon2": ("directory",),
    "pyotp": ("directory",),
    "webauthn": ("directory",),
    "joserfc": ("directory",),
    "segno": ("webmail",),  # the picture of a TOTP secret
    "aiosmtplib": ("smtp.client", "smtp.conversation", "smtp.plain"),
    "dns": ("smtp.routes",),
    "structlog": ("observability",),
    "prometheus_client": ("observability",),
    "typer": ("cli",),
    "rich": ("cli",),
    "uvloop": ("cli", "compose"),
    "_typeshed": ("config",),  # types only, known to type checkers and never imported
}
"""Inside mss_gateway, the one door of each third party. What is not here is not imported."""

FORBIDDEN_IN_POLICIES = frozenset(
    [
        "asyncio",
        "http",
        "io",
        "locale",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    ]
)
"""Time and state arrive as facts. Of datetime the types may be used, the clock may not."""

CLOCK_CALLS = frozenset({"now", "utcnow", "today"})
BUILTIN_IO = frozenset({"open", "print", "input"})

SYNCHRONOUS = ("message", "life", "dossier", "directory", "queue")
"""The core does not know that asyncio exists (the leaves neither); queue.worker is above it."""


def imported(one: Module) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, module and imported names of every import, wherever it stands; relative resolved."""
    package = one.name if one.is_package else one.name.rpartition(".")[0]
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")
                root = ".".join(up[: len(up) - node.level + 1])
                base = f"{root}.{base}" if base else root
            yield node.lineno, base, tuple(alias.name for alias in node.names)


def component(name: str) -> str | None:
    """The entry of LINES that ``name`` (a dotted name below mss_gateway) belongs to."""
    entries = [entry for line in LINES for entry in line if _below(name, entry)]
    found = max(entries, key=len, default=None)
    return ONE_COMPONENT.get(found, found) if found else None


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def line_of(entry: str) -> int:
    """The number of the line where ``entry`` stands, 0 being the top."""
    return next(number for number, line in enumerate(LINES) if entry in line)


def violations(one: Module) -> list[str]:
    """Every rule that ``one`` breaks, as ``path:line: what``."""
    top, _, rest = one.name.partition(".")
    found = [
        f"{one.path}:{line}: {complaint}"
        for line, base, names in imported(one)
        for complaint in _complaints(top, rest, base, names)
    ]
    if top == "mss_gateway" and rest and component(rest) is None:
        found.append(f"{one.path}:1: {rest} has no line in the order of the house")
    if top == "policies":
        found += [f"{one.path}:{line}: {what}" for line, what in _impurities(one.tree)]
    return found


def _complaints(top: str, rest: str, base: str, names: tuple[str, ...]) -> Iterator[str]:
    target = base.partition(".")[0]
    if target in sys.stdlib_module_names:
        if top == "policies" and target in FORBIDDEN_IN_POLICIES:
            yield f"policies may not import {target}: it arrives as a fact"
        leaf_or_core = top in LEAVES or component(rest) in SYNCHRONOUS
        if target == "asyncio" and leaf_or_core:
            yield "the core does not know asyncio: sessions reach it by bridge.run"
    elif target in PACKAGES:
        yield from _own(top, rest, base, names)
    elif top in LEAVES:
        if target not in LEAVES[top]:
            yield f"{top} may not import {target}"
    elif not any(_below(rest, door) for door in DOORS.get(target, ())):
        yield f"{target} is not imported here, its door is {DOORS.get(target, 'nowhere')}"


def _own(top: str, rest: str, base: str, names: tuple[str, ...]) -> Iterator[str]:
    target, _, below = base.partition(".")
    if target != top:
        if top in LEAVES:
            yield f"{top} may not import {target}: leaves know only themselves"
        return
    if top in LEAVES:
        return
    # `from mss_gateway import failures` and `from mss_gateway.queue import worker` name modules.
    wanted = [f"{below}.{name}".strip(".") for name in names] or [below]
    own = component(rest)
    for name in wanted:
        other = component(name)
        if own is None or other is None or other == own:
            continue
        if line_of(other) == line_of(own):
            yield f"{own} and {other} are neighbours"
        elif line_of(other) < line_of(own):
            yield f"{other} stands above {own}"


def _impurities(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
            yield node.lineno, f".{node.attr} reads a clock: time arrives as a fact"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) in BUILTIN_IO:
            yield node.lineno, f"{ast.unparse(node.func)}() is I/O"


def test_the_whole_product_is_walked() -> None:
    walked = [one.name for one in product()]
    assert len(walked) > 60
    for package in PACKAGES:
        assert package in walked


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_obeys_the_house(package: str) -> None:
    ours = [one for one in product() if _below(one.name, package)]
    assert [complaint for one in ours for complaint in violations(one)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("policies.rules", "import certs"),
        ("policies.rules", "from mss_gateway.failures import Failure"),
        ("policies.rules", "import cryptography"),
        ("policies.rules", "def f():\n    from os import path"),
        ("policies.rules", "import logging"),
        ("policies.rules", "from datetime import datetime\nx = datetime.now()"),
        ("policies.rules", "from datetime import date\nx = date.today()"),
        ("policies.rules", "x = open('facts')"),
        ("certs.cms.signed", "import sqlalchemy"),
        ("certs.cms.signed", "from mailbox_store import errors"),
        ("certs.cms.signed", "import asyncio"),
        ("mailbox_store.messages", "from cryptography import x509"),
        ("mailbox_store.messages", "from policies.people import Party"),
        ("mss_gateway.life.store", "from mss_gateway.smtp import replies"),
        ("mss_gateway.life.store", "from ..smtp import replies"),
        ("mss_gateway.life.store", "from mss_gateway import compose"),
        ("mss_gateway.life.store", "if TYPE_CHECKING:\n    from mss_gateway.cli.main import main"),
        ("mss_gateway.life.store", "import asyncio"),
        ("mss_gateway.smtp.dialogue", "from mss_gateway.imap import server"),
        ("mss_gateway.smtp.dialogue", "import mss_gateway.webmail.app"),
        ("mss_gateway.smtp.dialogue", "from mss_gateway.queue import worker"),
        ("mss_gateway.queue.items", "from mss_gateway.queue.worker import Worker"),
        ("mss_gateway.queue.items", "from .worker import Worker"),
        ("mss_gateway.queue.schedule", "import sqlalchemy"),
        ("mss_gateway.dossier.filing", "from mss_gateway.directory import people"),
        ("mss_gateway.dossier.filing", "import sqlalchemy"),
        ("mss_gateway.message.parse", "import jinja2"),
        ("mss_gateway.message.parse", "from mss_gateway.observability import log"),
        ("mss_gateway.texts", "from mss_gateway import config"),
        ("mss_gateway.webmail.app", "from cryptography import x509"),
        ("mss_gateway.webmail.app", "import requests"),
        ("mss_gateway.webmail.app", "import tests.support"),
        ("mss_gateway.odds", "x = 1"),
    ],
)
def test_a_breach_is_caught(name: str, text: str) -> None:
    assert len(violations(module(name, text))) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "policies.rules",
            "import dataclasses\nfrom datetime import datetime\nfrom . import facts",
        ),
        (
            "certs.cms.signed",
            "from cryptography import x509\nfrom certs.errors import ChainRejected",
        ),
        ("mailbox_store.messages", "import sqlalchemy\nfrom mailbox_store import vault"),
        ("mss_gateway.queue.worker", "import asyncio\nfrom mss_gateway import life, queue"),
        ("mss_gateway.queue.tables", "import sqlalchemy\nfrom . import schedule"),
        ("mss_gateway.life.store", "import certs, policies, mailbox_store, mss_gateway.failures"),
        (
            "mss_gateway.compose",
            "from cryptography import x509\nfrom mss_gateway.imap import server",
        ),
        ("mss_gateway.__main__", "from mss_gateway.cli.main import main"),
        ("mss_gateway.message.build", "import jinja2\nfrom .address import EmailAddress"),
    ],
)
def test_what_the_house_allows_passes(name: str, text: str) -> None:
    assert violations(module(name, text)) == []


def test_a_relative_import_in_a_package_starts_at_the_package() -> None:
    one = module("mss_gateway.life", "from .gateway import Gateway", is_package=True)
    assert list(imported(one)) == [(1, "mss_gateway.life.gateway", ("Gateway",))]
