"""Scripts that a message carries, in a real browser: none runs, nothing leaves (T40)."""

from collections.abc import Callable
from typing import Any

from mss_gateway.message.build import OutgoingFile
from tests.support.people import patient
from tests.support.site import PASSWORD, Site
from tests.support.webmail import photo, with_layout

VECTORS = (
    "<script>globalThis.ran=true;alert(1)</script>",
    "<img src=x onerror=globalThis.ran=true;alert(1)>",
    "<svg onload=globalThis.ran=true;alert(1)>",
    "<iframe srcdoc='<script>parent.ran=true;alert(1)</script>'></iframe>",
    "<details open ontoggle=globalThis.ran=true;alert(1)>x</details>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<link rel=stylesheet href=https://outside.invalid/a.css>",
    "<img src=https://outside.invalid/pixel>",
    "<p style='background:url(https://outside.invalid/b)'>x</p>",
    "<meta http-equiv=refresh content='0;url=https://outside.invalid/'>",
    "<body background=https://outside.invalid/c onload=alert(1)>",
)

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_nothing_runs_and_nothing_leaves(site: Site, address: str, drive: Driver) -> None:
    for number, vector in enumerate(VECTORS, start=1):
        name = vector.replace("/", "_")[:90] + ".jpg"
        attached = OutgoingFile(name, "image/jpeg", photo(f"#0000{number:02x}"))
        raw = site.written(site.claire, site.camille, vector, vector, files=(attached,))
        site.deliver(site.claire, site.camille, with_layout(raw, vector, vector))
    numbers = range(1, len(VECTORS) + 1)

    seen = drive(
        "hostile.mjs",
        {
            "base": address,
            "login": patient(0).ins,
            "password": PASSWORD,
            "code": site.code(site.camille),
            "paths": ["/messages/recus", *[f"/messages/recus/{number}" for number in numbers]],
            "layouts": [f"/messages/recus/{number}/forme" for number in numbers],
        },
    )

    assert seen["ran"] == []
    assert seen["outside"] == []
