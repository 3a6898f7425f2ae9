"""What a browser says it is, for its holder to tell one session from another: family and system.

Only words of the two tables come out; nothing of the field itself is kept (RFC 9110 §10.1.5).
"""

_FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""In this order: most say that they are Chrome or Safari too."""

_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def family(user_agent: str) -> str:
    """« Firefox »; empty when it says nothing that is known."""
    return _first(_FAMILIES, user_agent)


def system(user_agent: str) -> str:
    """« Android »; empty when it says nothing that is known."""
    return _first(_SYSTEMS, user_agent)


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    shown = user_agent[:500]
    return next((name for sign, name in table if sign in shown), "")
