"""What every answer of the webmail carries, whatever made it: the headers of T41, T44 and T45.

The strict policy is the default and is put on by an ASGI layer outside everything, so that a view
cannot forget it; a view that needs another one sets it itself, from the constants here.
"""

from typing import Literal

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""An answer for a program: nothing in it loads or runs, should a browser show it."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'; frame-src 'none'"
)
SCRIPTED_POLICY = PAGE_POLICY + "; script-src 'self'; connect-src 'self'"
"""A page that is made pleasant by a script of ours, from /static; it works without it too."""

FRAMING_POLICY = SCRIPTED_POLICY.replace("frame-src 'none'", "frame-src 'self'")
"""A page that shows a message's own layout, in a frame of ours where no script runs."""

FILE_POLICY = f"{NOTHING_POLICY}; sandbox"
"""Bytes that came with a message: nothing in them may run or load, wherever they are opened."""

STRICT: dict[str, str] = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(),"
        " browsing-topics=()"
    ),
    "X-Robots-Tag": "noindex, nofollow",
    "X-DNS-Prefetch-Control": "off",
}
"""Every answer has these; ``Cache-Control`` and the policy may be set otherwise by a view."""

FORGET_ALL = '"cache", "storage"'
"""Clear-Site-Data at sign-out: a shared computer keeps nothing. Cookies are taken away by name:
that of a known browser opens nothing and stays (``directory.known_browsers``)."""


def framed_policy(style_hash: str) -> str:
    """For the layout of a message in its frame: one style sheet of ours, nothing else at all."""
    return (
        f"default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'self'; sandbox"
    )


def give_cookie(
    response: Response,
    name: str,
    value: str,
    *,
    kept_seconds: int | None = None,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """A cookie of this origin only, out of reach of scripts; for the session unless it is kept."""
    response.set_cookie(
        name,
        value,
        max_age=kept_seconds,
        path="/",
        secure=True,
        httponly=True,
        samesite=same_site,
    )


class Headers:
    """ASGI layer: puts :data:`STRICT` on every answer that does not say otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and dress what comes back."""
        if scope["type"] != "http":
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in STRICT.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, dressed)
