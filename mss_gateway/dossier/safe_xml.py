"""The one door to lxml: hardened, and closed to any DOCTYPE.

A document that declares a DOCTYPE is never parsed at all, so entities, external subsets and their
network do not exist here. The text is decoded by us and scanned up to the root element, then given
to the parser as UTF-8: parser and scan cannot disagree about where the prologue ends.
"""

import re
from typing import Final

from lxml import etree

from mss_gateway.dossier.errors import XmlRefused

MAX_BYTES: Final = 48 << 20  # a mail to a patient holds 25 MB, deflated base64 a third more
_ORDINARY: Final = 10_000_000  # libxml2's own bound of one text node
_MAX_DEPTH: Final = 200
_MAX_PROLOGUE: Final = 256 << 10
_MAX_MARKS: Final = 500_000  # of tags, and of attributes: what parsing costs (half a second)
_BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_DECLARED = re.compile(rb"\A<\?xml\s[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_ROOT = re.compile(r"<[^\W\d]")


def parse_xml(content: bytes, limit: int = MAX_BYTES) -> etree._Element:
    """The root element of ``content``, comments and instructions dropped; raises XmlRefused.

    libxml2's generous mode is used only for a document that is longer than the strict mode's
    longest text node (an 8 MB PDF in base64); without a DOCTYPE what it relaxes is the length of
    texts and the depth, and both are bounded here.
    """
    if len(content) > limit:
        raise XmlRefused("document too big")
    text = _decode(content)
    _scan_prologue(text)
    if text.count("<") > _MAX_MARKS or text.count("=") > _MAX_MARKS:
        raise XmlRefused("too many elements or attributes")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=len(text) > _ORDINARY,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError, UnicodeEncodeError) as error:
        raise XmlRefused("malformed XML") from error
    _check_depth(root)
    return root


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace; "" for what is not an element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _decode(content: bytes) -> str:
    encoding = "utf-8"
    for bom, name in _BOMS:
        if content.startswith(bom):
            content, encoding = content[len(bom) :], name
            break
    else:
        declared = _DECLARED.match(content)
        if declared:
            asked = declared.group(1).decode("ascii").lower()
            if asked not in _ENCODINGS:
                raise XmlRefused("unknown encoding")
            encoding = _ENCODINGS[asked]
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise XmlRefused("bytes do not fit the encoding") from error


def _scan_prologue(text: str) -> None:
    at = 0
    while skipped := _SKIPPED.match(text, at):
        at = skipped.end()
        if at > _MAX_PROLOGUE:
            raise XmlRefused("prologue too long")
    if not _ROOT.match(text, at):
        raise XmlRefused("DOCTYPE, or no element")


def _check_depth(root: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            raise XmlRefused("nested too deep")
