"""`python -m tests.browser.screens DIR [PART]`: pictures of every page, invented content, for eyes.

Not a test: whoever changes a template or the style sheet runs it and looks. PART narrows it to the
addresses that contain it. What the walk finds wrong is printed.
"""

import sys
import tempfile
from pathlib import Path

from tests.browser import content
from tests.browser.driving import run, walk_of
from tests.support import site as sites
from tests.support.webserver import serving


def main(out: Path, part: str = "") -> None:
    """Take them."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
        content.fill(site)
        with serving(site, Path(folder)) as base:
            told = {**walk_of(site, base, part), "out": str(out.resolve())}
            found = run("walk.mjs", told, 400.0)
    for kind in ("wrong", "small", "wide", "broken", "said", "outside"):
        for one in found[kind]:
            sys.stdout.write(f"{kind}: {one}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
