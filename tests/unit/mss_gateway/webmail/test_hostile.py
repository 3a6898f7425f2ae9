"""Stored scripts, lying names and traversal: what a message says is only ever text (T40, T44)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail import files
from mss_gateway.webmail.sanitise import ALLOWED_TAGS, STYLE_HASH, framed, sanitise
from tests.support.asgi import Browser
from tests.support.site import Site
from tests.support.webmail import photo, with_layout

VECTORS = (
    "<script>alert(1)</script>",
    "<ScRiPt/src=//x.invalid>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<form action=https://x.invalid><input name=p><button>ok</button></form>",
    "<meta http-equiv=refresh content='0;url=https://x.invalid'>",
    "<base href=https://x.invalid>",
    "<link rel=stylesheet href=https://x.invalid/a.css>",
    "<style>@import 'https://x.invalid/a.css'</style>",
    "<p style='background:url(https://x.invalid/a)'>x</p>",
    "<div style='position:fixed;inset:0'>faux</div>",
    "<object data=x></object><embed src=x>",
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<table background=https://x.invalid/a><td background=https://x.invalid/b>x",
    "<body onload=alert(1)>",
    "'\"><img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "<a href='https://x.invalid/\"onclick=alert(1) '>x</a>",
)
TAG = re.compile(r"<\s*/?\s*([a-zA-Z][^\s/>]*)([^>]*)>")


def assert_harmless(html: str) -> None:
    for name, rest in TAG.findall(html):
        assert name.lower() in ALLOWED_TAGS, html
        assert re.fullmatch(r"(?: (?:title|colspan|rowspan)=\"[^\"<>]*\")*", rest), html
        assert name.lower() == "span" or "title=" not in rest, html


@pytest.mark.parametrize("vector", VECTORS)
def test_html_comes_out_harmless(vector: str) -> None:
    assert_harmless(sanitise(vector))
    assert_harmless(sanitise(f"<p>avant {vector} après</p>"))


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([*VECTORS, "<", ">", "\0", "</p>", "&lt;", "<!", "]]>"]), max_size=6)
)
def test_no_mixture_does_harm(pieces: list[str]) -> None:
    assert_harmless(sanitise("".join(pieces)))


def test_a_letter_keeps_its_structure() -> None:
    letter = "<h2>Titre</h2><p>Un <b>mot</b><br>deux</p><ul><li>a</li></ul><hr>"
    assert sanitise(letter) == letter


def test_a_link_is_read_and_not_followed() -> None:
    assert sanitise('<a href="https://x.invalid/a?b=1&amp;c" target=_blank>plan</a>') == (
        '<span title="https://x.invalid/a?b=1&amp;c">plan</span>'
    )


def test_the_frame_lets_nothing_else_pass(camille: Browser, first_message: str) -> None:
    answer = camille.get("/messages/recus/1/forme")
    policy = answer.header("content-security-policy")
    assert policy.endswith("; sandbox") and f"style-src '{STYLE_HASH}'" in policy
    assert "frame-ancestors 'self'" in policy and "img-src" not in policy
    assert answer.header("x-frame-options") == "SAMEORIGIN"
    assert "<b>vos résultats</b>" in answer.text
    assert framed("").count("<style>") == 1


ACTIVE = (
    b"<script", b"<ScRiPt", b"onerror=alert(1)>", b"<svg", b"<math", b"<base", b"<object",
    b"<embed", b"<video", b"<iframe s", b"<style", b"<meta http", b"<form action=https",
)  # fmt: skip
"""Beginnings of what would act, had a vector reached a page as markup."""

OURS = (
    rb"<svg class=.*?</svg>|<iframe src=|<script src=\"/static/[a-z]+\.js\?v=[0-9a-f]{12}\" defer>"
)


def test_a_message_is_text_wherever_it_is_shown(camille: Browser, site: Site) -> None:
    for number, vector in enumerate(VECTORS, start=1):
        said = vector.replace("\t", " ")
        name = said.replace("/", "_")[:100] + ".jpg"
        attached = OutgoingFile(name, "image/jpeg", photo(f"#0000{number:02x}"))
        raw = site.written(site.claire, site.camille, said, vector, files=(attached,))
        site.deliver(site.claire, site.camille, with_layout(raw, vector, vector))
        base = f"/messages/recus/{number}"
        saved = camille.post(f"{base}/pieces/1.2/dossier")
        for path in ("/messages/recus", base, f"{base}/repondre", f"{base}/pieces/1.2",
                     "/dossier", saved.location):  # fmt: skip
            page = camille.get(path)
            assert page.status == 200, (path, vector)
            # what is ours: icons, the frame of a message, scripts from /static
            content = re.sub(OURS, b"", page.content)
            assert [one for one in ACTIVE if one in content] == [], (path, vector)
            assert b"<h1>49" not in content
        framed_page = camille.get(f"{base}/forme").content.decode()
        assert_harmless(framed_page.partition("<body>")[2].partition("</body>")[0])


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\x\\y.pdf", "a\0b.pdf", "....",
        "a\r\nSet-Cookie: x=1", 'a"; filename="b.exe', "\u202egpj.exe", "é" * 400 + ".pdf", "",
        "%00", "a;b=c.pdf", "\ud800.pdf",
    ],
)  # fmt: skip
def test_a_name_is_never_a_path_nor_a_field(name: str) -> None:
    written = files.disposition(name.encode("utf-8", "replace").decode())
    assert written.isascii() and written.isprintable()
    found = re.fullmatch(
        r"attachment; filename=\"([^\"]+)\"; filename\*=UTF-8''([^;\"\s]+)", written
    )
    assert found is not None
    assert not re.search(r"[/\\:]", found[1]) and "%2F" not in found[2] and "%5C" not in found[2]
    assert not found[1].startswith(".")
    assert len(found[1]) <= 150


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html><script>alert(1)</script>", "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream"),
        (b"<?xml version='1.0'?><a/>", "application/octet-stream"),
        (b"PK\x03\x04rest", "application/octet-stream"),
        (b"%PDF-1.7\n<script>alert(1)</script>", "application/pdf"),
        (b"bonjour", "text/plain; charset=utf-8"),
    ],
)
def test_a_download_never_runs(content: bytes, told: str) -> None:
    answer = files.download(content, "x.html")
    assert answer.headers["content-type"] == told
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_failure_tells_nothing_of_its_cause(
    camille: Browser, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of Camille EXEMPLE")

    monkeypatch.setattr("mss_gateway.webmail.visit.frame_of", broken)
    answer = camille.get("/messages/recus")
    assert answer.status == 500
    assert "secret" not in answer.text and "RuntimeError" not in answer.text
    assert re.search(r"Référence\s: [0-9a-v]{26}", answer.text)
    assert answer.header("cache-control") == "no-store"
