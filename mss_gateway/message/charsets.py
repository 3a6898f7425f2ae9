"""From bytes and a claimed charset to text, without ever failing.

Only charsets of this table reach Python's codecs: the registry also holds things that are no
charsets (``zip``, ``unicode_escape``) or that hide ASCII in other bytes (``utf-7``).
"""

_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "ansi_x3.4-1968": "ascii",
    "latin1": "cp1252",
    "iso-8859-1": "cp1252",  # what is labelled Latin-1 is Windows-1252 in practice
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "iso-2022-jp": "iso2022_jp",
    "shift_jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "macintosh": "mac_roman",
    **{f"iso-8859-{n}": f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258)},
}


def codec_for(charset: str) -> str | None:
    """The Python codec of a charset name in any case, or None for one that is not in the table."""
    return _CODECS.get(charset.strip().strip("\"'").lower())


def decode_text(octets: bytes, charset: str = "us-ascii") -> str:
    """Text of ``octets``; a wrong label falls back to UTF-8, then to Windows-1252. Never raises."""
    for codec in (codec_for(charset), "utf-8"):
        if codec is None:
            continue
        try:
            return octets.decode(codec)
        except UnicodeDecodeError:
            continue
    return octets.decode("cp1252", "replace")
