"""What a plain file is taken to be when nobody says: by its name, its bytes and its text."""

from datetime import UTC, datetime, time
from typing import Final

from mss_gateway.dossier import proposing, text
from mss_gateway.dossier.documents import Category, title_of_file
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.dossier.proposing import Hints
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.sniff import sniff

READ_SECONDS: Final = 2.0
"""For the text of one file: somebody waits."""


def described(
    gateway: Gateway,
    name: str,
    content: bytes,
    category: Category | None,
    *,
    subject: str = "",
    dated: int | None = None,
) -> PlainFile:
    """A file with the title, the category and the date that are proposed for it.

    ``category`` is the patient's own word, where they said it: then their file keeps its name.
    ``dated``: when it came, where it says nothing of a date.
    """
    if category is not None:
        return PlainFile(content, title_of_file(name), category, dated)
    kind = sniff(content)
    reading = text.read_text(gateway.renderer, content, kind, READ_SECONDS)
    today = gateway.now().date()
    found = proposing.propose(Hints(name, kind, subject, reading.text), today)
    moment = dated
    if found.date is not None:  # noon: the same day in Paris
        moment = int(datetime.combine(found.date, time(12), UTC).timestamp())
    return PlainFile(content, found.title, found.category, moment)
