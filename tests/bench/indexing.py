"""What the text index costs for each message, apart from taking it in: nobody waits for it."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mss_gateway import compose
from mss_gateway.life.indexer import Indexer
from tests.bench import corpus, filling, serving
from tests.bench.imap_works import BODY_OCTETS
from tests.bench.measuring import spread


def rows(runs: int, count: int) -> Iterator[dict[str, Any]]:
    """CPU of this process while ``count`` letters that are stored already are indexed."""
    spent = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="mss-bench-") as folder:
            gateway = serving.prepare(serving.settings(Path(folder), 0))
            letters = (each.raw for each in corpus.letters(serving.READER, count, BODY_OCTETS))
            filling.place(gateway, serving.READER, letters)
            indexer = Indexer(gateway)
            before = time.process_time()
            indexer.run_once()
            spent.append((time.process_time() - before) / count * 1e6)
            compose.close(gateway)
    yield {"work": "indexing", "messages": count, "cpu_us": spread(spent, 1)}
