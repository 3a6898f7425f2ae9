"""XML made to hurt: a DOCTYPE is never parsed, in any encoding (reliability.md T28)."""

import socket

import pytest

from mss_gateway.dossier.errors import XmlRefused
from mss_gateway.dossier.safe_xml import parse_xml
from tests.support.xdm import CdaText, cda_document

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><a>&j;</a>"
)
_XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'

HOSTILE: dict[str, bytes] = {
    "billion-laughs": _LAUGHS.encode(),
    "quadratic": f'<!DOCTYPE a [<!ENTITY x "{"y" * 50_000}">]><a>{"&x;" * 5_000}</a>'.encode(),
    "external-file": _XXE.encode(),
    "external-dtd": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
    "public-dtd": b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://x.invalid/"><html/>',
    "parameter-entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><a/>',
    "empty-doctype": b"<!DOCTYPE a><a/>",
    "after-comment": b"<!-- c --><!DOCTYPE a><a/>",
    "after-instruction": b'<?xml version="1.0"?><?p q?><!DOCTYPE a><a/>',
    "after-many-comments": b"<!--x-->\n" * 5_000 + b"<!DOCTYPE a><a/>",
    "utf-16-le": "\ufeff".encode("utf-16-le") + _XXE.encode("utf-16-le"),
    "utf-16-be": "\ufeff".encode("utf-16-be") + _XXE.encode("utf-16-be"),
    "utf-16-without-mark": _XXE.encode("utf-16-le"),
    "latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + _XXE.encode(),
    "utf-7": b'<?xml version="1.0" encoding="UTF-7"?><a/>',
    "ebcdic": '<?xml version="1.0" encoding="IBM037"?><a/>'.encode("cp037"),
    "utf-32": "\ufeff<a/>".encode("utf-32-le"),
    "undeclared-entity": b"<a>&nbsp;</a>",
    "not-utf-8": b"<a>\xff</a>",
    "unclosed": b"<a><b></a>",
    "two-roots": b"<a/><b/>",
    "nothing": b"",
    "only-blanks": b"  \n ",
    "text": b"hello",
    "doctype-of-text-declaration": b'<?xml version="1.0" encoding="utf-8"?>\n<!doctype a><a/>',
    "deep": b"<a>" * 300 + b"</a>" * 300,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_xml_is_refused(content: bytes) -> None:
    with pytest.raises(XmlRefused):
        parse_xml(content)


def test_nothing_is_ever_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0)
        where = f"http://127.0.0.1:{canary.getsockname()[1]}/"
        for content in (
            f'<!DOCTYPE a SYSTEM "{where}"><a/>',
            f'<?xml-stylesheet type="text/xsl" href="{where}"?><a/>',
            f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{where}"/></a>',
            f'<a xmlns:x="{_XSI}" x:schemaLocation="a {where}"/>',
        ):
            try:
                parse_xml(content.encode())
            except XmlRefused:
                continue
        with pytest.raises(BlockingIOError):
            canary.accept()


@pytest.mark.parametrize(
    "content",
    [
        b"<a>\xc3\xa9</a>",
        b"\xef\xbb\xbf<a>\xc3\xa9</a>",
        b'<?xml version="1.0" encoding="utf-8" standalone="yes"?><a>\xc3\xa9</a>',
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>",
        b'<?xml version="1.0" encoding="windows-1252"?><a>\xe9</a>',
        "\ufeff<a>é</a>".encode("utf-16-le"),
        '\ufeff<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16-be"),
    ],
)
def test_usual_encodings_are_read(content: bytes) -> None:
    assert parse_xml(content).text == "é"


def test_comments_and_instructions_leave_no_trace() -> None:
    root = parse_xml(b"<!--0--><a>x<!--1-->y<?p 2?>z</a>")

    assert "".join(str(piece) for piece in root.itertext()) == "xyz"


def _attributes(count: int) -> bytes:
    return b"<a " + b" ".join(b'a%d="1"' % n for n in range(count)) + b"/>"


def test_elements_are_bounded_at_the_edge() -> None:
    assert parse_xml(b"<a>" + b"<b/>" * 499_998 + b"</a>") is not None
    with pytest.raises(XmlRefused, match="too many"):
        parse_xml(b"<a>" + b"<b/>" * 499_999 + b"</a>")


def test_attributes_are_bounded_at_the_edge() -> None:
    assert len(parse_xml(_attributes(500_000)).attrib) == 500_000
    with pytest.raises(XmlRefused, match="too many"):
        parse_xml(_attributes(500_001))


def test_the_prologue_is_bounded_at_the_edge() -> None:
    assert parse_xml(b" " * (256 << 10) + b"<a/>") is not None
    with pytest.raises(XmlRefused, match="prologue"):
        parse_xml(b" " * ((256 << 10) + 1) + b"<a/>")


def test_a_document_with_a_pdf_of_several_megabytes_is_read() -> None:
    pdf = b"%PDF-1.4" + bytes(9_000_000)

    root = parse_xml(cda_document(CdaText(pdf=pdf)))

    assert root.tag == "{urn:hl7-org:v3}ClinicalDocument"


def test_size_is_bounded_at_the_edge() -> None:
    content = b"<a>" + b"x" * 93 + b"</a>"

    assert parse_xml(content, limit=100) is not None
    with pytest.raises(XmlRefused, match="too big"):
        parse_xml(content, limit=99)


def test_depth_is_bounded_at_the_edge() -> None:
    assert parse_xml(b"<a>" * 200 + b"</a>" * 200) is not None
    with pytest.raises(XmlRefused, match="deep"):
        parse_xml(b"<a>" * 201 + b"</a>" * 201)
