"""The pages say what is there: links lead somewhere, commands and stages exist."""

import re
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MAKE = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
STAGES = [
    "submission",
    "authn",
    "policy",
    "crypto",
    "policy",
    "store",
    "queue",
    "crypto",
    "deliver",
    "relay",
    "dossier",
    "receipt",
    "report",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
    named = {name for page in PAGES for name in MAKE.findall(page.read_text("utf-8"))}
    assert {"run", "test"} <= named
    assert named - targets == set()


def test_the_flow_tells_the_stages_in_order() -> None:
    flow = (ROOT / "docs" / "flow.md").read_text("utf-8")
    assert re.findall(r"^\| \d+ \| `(\w+)`", flow, re.MULTILINE) == STAGES


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for name in names:
        title = (ROOT / "docs" / "decisions" / name).read_text("utf-8").splitlines()[0]
        assert title.startswith(f"# {name[:4]}. ")
