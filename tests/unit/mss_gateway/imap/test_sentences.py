"""The keys of IMAP's own sentences: all declared, none declared for nothing."""

import re
from pathlib import Path

from mss_gateway import imap
from mss_gateway.imap.responses import SENTENCES


def test_the_code_says_exactly_the_declared_keys() -> None:
    folder = Path(str(imap.__file__)).parent
    sources = [path.read_text() for path in folder.rglob("*.py") if path.name != "responses.py"]
    said = {key for text in sources for key in re.findall(r'"(imap\.[a-z_0-9]+)"', text)}
    assert said == SENTENCES
