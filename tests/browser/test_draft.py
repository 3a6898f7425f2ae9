"""A draft that saves itself, in Chromium: what was typed is there, whatever happens to the page."""

from collections.abc import Callable
from typing import Any

import pytest

from mailbox_store import changes, mailboxes
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing import PlainFile
from mss_gateway.life import record
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.parse import scan
from mss_gateway.webmail import write_page
from tests.browser.driving import way_in
from tests.support.site import Site
from tests.support.webmail import pdf

Driver = Callable[[str, dict[str, object]], dict[str, Any]]


def test_a_draft_saves_itself_and_is_sent(
    site: Site, address: str, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_page, "AUTOSAVE_SECONDS", 1)
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "Bonjour"))
    record.deposit(site.gateway, site.camille, [PlainFile(pdf(), "Radio", Category.IMAGING, None)])

    found = drive("draft.mjs", way_in(site, address))

    assert found["thrown"] == [] and found["wrong"] == []
    assert not found["quiet"] and found["said"].startswith("Brouillon enregistré à ")
    assert len(set(found["places"])) == 2 and found["loads"] == 0
    assert found["trouble"].startswith("Le brouillon n'a pas pu être enregistré.")
    assert found["both"][0] == "Cette fenêtre." and "Autre fenêtre." in found["both"][1]
    assert found["joined"] == ["Radio.pdf"] and found["left"] == 0
    site.run_queue()
    with site.gateway.database.read() as view:
        account_id = site.claire.account_id
        box = mailboxes.find(view, account_id, "INBOX")
        (row,) = changes.rows(view, account_id, box.mailbox_id, 1, 1 << 31)
        arrived = scan(changes.read_body(view, account_id, row.message_id))
    assert (body_text(arrived).plain or "").strip() == "Cette fenêtre."
    assert [file.content() for file in attachments(arrived)] == [pdf()]
