"""What clients say in the transcripts, as octets and as commands: seeds for the fuzzers.

A command that gets a transcript is fuzzed from then on, without a word more.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from tests.support import transcript
from tests.support.source_tree import ROOT

TRANSCRIPTS: Final = ROOT / "tests" / "transcripts" / "imap"
CORPUS: Final = ROOT / "tests" / "corpus" / "imap"

_ANNOUNCED: Final = re.compile(rb"~?\{([0-9]{1,10})(\+?)\}\Z")
_VARIABLE: Final = re.compile(r"\$\{\w+\}")

Parts = tuple[tuple[bytes, ...], tuple[bytes, ...]]
"""The lines of a command without CRLF, and the literals between them."""


@cache
def conversations() -> tuple[bytes, ...]:
    """All that each client of each transcript sends, in one piece."""
    found: list[bytes] = []
    for path in sorted(TRANSCRIPTS.glob("*.txt")):
        said: dict[str, bytes] = {}
        for step in transcript.load(path).steps:
            if step.who == "C" and step.kind in (":", ">"):
                text = _VARIABLE.sub("1", step.text)
                octets = text.encode() + b"\r\n" if step.kind == ":" else transcript._unescape(text)
                said[step.client] = said.get(step.client, b"") + octets
        found.extend(said.values())
    return tuple(found)


@cache
def commands() -> tuple[bytes, ...]:
    """Each of their commands with its literals and its CRLF, and what the corpus keeps."""
    found = dict.fromkeys(
        command for said in conversations() for command in split_commands(said) if command
    )
    kept = sorted(path for path in CORPUS.glob("*.txt") if path.name != "PROVENANCE.txt")
    return (*found, *(path.read_bytes() for path in kept))


def split_commands(said: bytes) -> Iterator[bytes]:
    """The commands of a conversation, each with its literals; the last may be cut short."""
    start = position = 0
    while position < len(said):
        end = said.find(b"\n", position)
        end = len(said) if end < 0 else end + 1
        announced = _ANNOUNCED.search(said[position:end].rstrip(b"\r\n"))
        if announced is not None:
            position = end + min(int(announced[1]), len(said))
        else:
            yield said[start:end]
            start = position = end
    if start < len(said):
        yield said[start:]


def parts(command: bytes) -> Parts:
    """A command as the reader hands it to the grammar; what stands behind it is left out."""
    lines: list[bytes] = []
    literals: list[bytes] = []
    position = 0
    while True:
        end = command.find(b"\n", position)
        end = len(command) if end < 0 else end
        line = command[position:end].removesuffix(b"\r")
        lines.append(line)
        announced = _ANNOUNCED.search(line)
        start = end + 1
        if announced is None or start + int(announced[1]) > len(command):
            return tuple(lines), tuple(literals)
        literals.append(command[start : start + int(announced[1])])
        position = start + int(announced[1])
