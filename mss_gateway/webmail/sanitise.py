"""A message's HTML made harmless: structure and words stay, nothing acts, nothing is fetched.

nh3 (ammonia) parses as a browser does and writes anew what is on the list below. No style, class,
id, picture or form passes. A link becomes its words followed by where it led, to be read and not
clicked. What comes out is shown in a sandboxed frame under a policy of its own all the same (T40).
"""

import base64
import hashlib
import re

import nh3

_LETTER = (
    "a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol p pre"
    " q s small span strong sub sup table tbody td tfoot th thead tr u ul"
)
ALLOWED_TAGS = frozenset(_LETTER.split())
"""What a letter is made of."""

_ACTIVE = (
    "applet audio base button canvas datalist embed frame frameset head iframe input link map math"
    " meta noembed noframes noscript object option script select style svg template textarea title"
    " video xmp"
)
DROPPED_WHOLE = frozenset(_ACTIVE.split())
"""Elements that go with everything inside them: their content is not words of the letter."""

_LINK = re.compile(r'<a href="([^"]*)">')
_STYLE = (
    "body{margin:1rem;font:1.125rem/1.6 system-ui,sans-serif;color:#17262b;background:#fff;"
    "overflow-wrap:anywhere}"
    "table{border-collapse:collapse;max-width:100%}td,th{padding:.3rem .6rem;border:1px solid "
    "#c5d2d3;text-align:left;vertical-align:top}blockquote{margin:.5rem 0;padding-left:1rem;"
    "border-left:3px solid #c5d2d3}pre{white-space:pre-wrap}"
    "span[title]::after{content:' (' attr(title) ')';color:#47595d}"
    "@media(prefers-color-scheme:dark){body{color:#e4edee;background:#152327}"
    "span[title]::after{color:#a9bcbf}td,th,blockquote{border-color:#3c5257}}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
"""The one style sheet that the frame's policy lets pass."""


def sanitise(html: str) -> str:
    """The harmless fragment that stands for ``html``."""
    cleaned = nh3.clean(
        html,
        tags=set(ALLOWED_TAGS),
        clean_content_tags=set(DROPPED_WHOLE),
        attributes={
            "*": set(),  # without it, nh3 lets lang and title pass everywhere
            "a": {"href"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan"},
        },
        strip_comments=True,
        link_rel=None,
        url_schemes={"http", "https", "mailto", "tel"},
        url_relative="deny",
    )
    return (
        _LINK.sub(r'<span title="\1">', cleaned).replace("<a>", "<span>").replace("</a>", "</span>")
    )


def framed(html: str) -> str:
    """A whole document for the frame, around the harmless fragment."""
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Message</title>'
        f"<style>{_STYLE}</style></head><body>{sanitise(html)}</body></html>"
    )
