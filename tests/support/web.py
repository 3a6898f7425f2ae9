"""A browser without JavaScript: cookies, links, forms as they stand in the page."""

import re
import secrets
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any

import pyotp
from lxml import html


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: status, headers, body; the body as a tree and as text."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> Any:
        """The parsed document."""
        return html.fromstring(self.body)

    @property
    def text(self) -> str:
        """What a person reads, blanks folded."""
        return " ".join(self.tree.text_content().split())

    def links(self, part: str) -> list[str]:
        """Targets of links and pictures that contain ``part``."""
        found = self.tree.xpath("//a/@href") + self.tree.xpath("//img/@src")
        return [str(target) for target in found if part in target]


@dataclass(slots=True)
class Browser:
    """One visitor of one webmail."""

    base: str
    tls: ssl.SSLContext
    _jar: CookieJar = field(default_factory=CookieJar)

    def get(self, path: str) -> Page:
        """Follow a link."""
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)))

    def received(self) -> list[Page]:
        """The pages of the messages received, by way of their threads."""
        pages = [self.get(link) for link in self.get("/messages/recus").links("/messages/fils/")]
        links = [one for page in pages for one in page.links("/messages/recus/")]
        named = dict.fromkeys(one for one in links if re.fullmatch(r"/messages/recus/\d+", one))
        return [self.get(link) for link in named]

    def submit(
        self,
        page: Page,
        action: str,
        fields: dict[str, str | list[str]],
        files: tuple[tuple[str, str, str, bytes], ...] = (),
    ) -> Page:
        """Fill the form whose action contains ``action`` and send it, hidden fields and all."""
        form = next(one for one in page.tree.forms if action in (one.action or page.url))
        values: list[tuple[str, str]] = []
        for name, value in form.form_values():
            if name not in fields:
                values.append((name, value))
        for name, given in fields.items():
            values += [(name, one) for one in ([given] if isinstance(given, str) else given)]
        target = urllib.parse.urljoin(page.url, form.action or page.url)
        if "multipart" in (form.get("enctype") or ""):
            kind, body = _multipart(values, files)
        else:
            kind = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(values).encode()
        origin = self.base.rstrip("/")
        headers = {"Content-Type": kind, "Origin": origin, "Sec-Fetch-Site": "same-origin"}
        return self._open(urllib.request.Request(target, body, headers))

    def sign_in(self, account: dict[str, Any]) -> Page:
        """Password, then the code of the moment; waits for a fresh code when one was just used."""
        page = self.get("/connexion")
        page = self.submit(
            page,
            "/connexion",
            {"identifiant": account["address"], "mot_de_passe": account["password"]},
        )
        for _ in range(3):
            code = pyotp.TOTP(account["totp_secret"]).now()
            answer = self.submit(page, "/connexion/code", {"code": code})
            if "/connexion" not in answer.url:
                return answer
            time.sleep(30 - time.time() % 30 + 0.5)
        raise AssertionError(answer.text)

    def _open(self, request: urllib.request.Request) -> Page:
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self.tls),
            urllib.request.HTTPCookieProcessor(self._jar),
        )
        try:
            with opener.open(request, timeout=30) as answer:
                return Page(answer.url, answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Page(answer.url, answer.code, dict(answer.headers), answer.read())


def _multipart(
    values: list[tuple[str, str]], files: tuple[tuple[str, str, str, bytes], ...]
) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    pieces = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values
    ]
    for name, file_name, media_type, content in files:
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
            f"Content-Type: {media_type}\r\n\r\n"
        )
        pieces.append(head.encode() + content + b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)
