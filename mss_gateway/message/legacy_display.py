"""Fields repeated in a text for readers that know no header protection, taken away for showing.

RFC 9788 §4.5.3. The stored bytes stay as they were signed; only who shows a text asks here, and
only for a message whose protected fields were read (``header_protection.opened``): on any other
the parameter is somebody's wish to hide the first paragraph.
"""

import re

from mss_gateway.message.part import Part

_BLANK = re.compile(r"\A(?:[!-9;-~]+:[^\r\n]*(?:\r?\n[ \t]+\S[^\r\n]*)*\r?\n)+\r?\n")
_CLASS = "header-protection-legacy-display"
_OPENING = 200
"""Characters of a start tag before its class: the element is a machine's, not a person's."""


def has_legacy_display(part: Part) -> bool:
    """Whether the text of ``part`` begins with fields repeated from the header."""
    return part.media_type in ("text/plain", "text/html") and part.parameter(
        "hp-legacy-display"
    ) in ("1", '"1"')


def without_legacy_display(part: Part, text: str) -> str:
    """``text``, the decoded text of ``part``, without the repeated fields."""
    if not has_legacy_display(part):
        return text
    if part.media_type == "text/plain":
        return _BLANK.sub("", text, count=1)
    marked = text.find(_CLASS)
    start = text.lower().rfind("<div", max(marked - _OPENING, 0), max(marked, 0))
    end = text.lower().find("</div>", marked)
    return text if start < 0 or end < 0 else text[:start] + text[end + len("</div>") :]
