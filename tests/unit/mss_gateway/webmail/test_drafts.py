"""Drafts: kept with their files, saved again, in two windows; sent once; joined from the record."""

import json
import re

import pytest

from mailbox_store import changes, mailboxes, threads
from mailbox_store.changes import Row
from mailbox_store.flags import DRAFT, SEEN
from mss_gateway.dossier.examination import ExaminationSettings
from mss_gateway.life import bringing, drafts
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message
from mss_gateway.webmail import posting, write_page
from mss_gateway.webmail.drafting import TEXT_LIMIT
from mss_gateway.webmail.forms import FILES_LIMIT
from mss_gateway.webmail.headers import SCRIPTED_POLICY
from mss_gateway.webmail.posting import upload_limit
from mss_gateway.webmail.views.drafts import PAGE
from policies.records import HIDDEN_FROM_PATIENT
from tests.support import xdm
from tests.support.asgi import Answer, Browser
from tests.support.site import Site
from tests.support.webmail import locked, pdf, photo
from tests.unit.mss_gateway.webmail.test_dossier import subject_of
from tests.unit.mss_gateway.webmail.test_locking import unlock
from tests.unit.mss_gateway.webmail.test_record import acts, bring
from tests.unit.mss_gateway.webmail.test_writing import inbox, token_for

NEW, ANSWER, DRAFTS = "/messages/nouveau", "/messages/recus/1/repondre", "/messages/brouillons"
SENT = "/messages/envoyes?fait=envoye"


def kept(site: Site) -> list[tuple[Row, Message]]:
    """Camille's drafts as any mail program reads them, the oldest first."""
    with site.gateway.database.read() as view:
        account_id = site.camille.account_id
        mailbox = mailboxes.find_special(view, account_id, "\\Drafts")
        assert mailbox is not None
        rows = list(changes.rows(view, account_id, mailbox.mailbox_id, 1, 1 << 31))
        return [(row, scan(changes.read_body(view, account_id, row.message_id))) for row in rows]


def save(
    browser: Browser, path: str = NEW, *files: tuple[str, bytes], **fields: str | list[str]
) -> str:
    """Press « Enregistrer le brouillon »; where the draft then is."""
    answer = browser.post(path, {"acte": "brouillon", **fields}, files=files)
    assert answer.status == 303, answer.text
    assert answer.location.endswith("?fait=garde")
    return answer.location.partition("?")[0]


def identity(page: Answer) -> str:
    """What the form of a page is known by."""
    found = re.search(r'name="brouillon" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def hidden(page: Answer, name: str) -> str:
    """What a form brings back unseen."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def texts(site: Site) -> list[str]:
    """The texts that Dr Martin received."""
    site.run_queue()
    return [(body_text(each).plain or "").strip() for each in inbox(site, site.claire)]


def thread_of(site: Site, name: str) -> int | None:
    """The thread of the first message in one of Camille's mailboxes."""
    account_id = site.camille.account_id
    with site.gateway.database.read() as view:
        mailbox = mailboxes.find(view, account_id, name)
        row = changes.find_row(view, account_id, mailbox.mailbox_id, 1)
        return threads.of_message(view, account_id, row.message_id)


def test_a_draft_is_an_ordinary_message_with_its_recipients_and_files(
    camille: Browser, site: Site, first_message: str
) -> None:
    chosen = token_for(site, site.camille, site.claire)
    path = save(
        camille,
        NEW,
        ("été.jpg", photo("red")),
        destinataire=chosen,
        objet="Ma « question »",
        texte="Bonjour,\r\n\r\nvoici l'été. ",
    )
    ((row, message),) = kept(site)
    assert row.flags & (DRAFT | SEEN) == DRAFT | SEEN
    assert message.header.text("to").endswith(f"<{site.claire.address}>")
    assert message.header.text("subject") == "Ma « question »"
    assert (body_text(message).plain or "") == "Bonjour,\r\n\r\nvoici l'été. "
    (file,) = attachments(message)
    assert (file.claimed_name, file.content()) == ("été.jpg", photo("red"))

    page = camille.get(path)

    assert page.header("content-security-policy") == SCRIPTED_POLICY
    assert 'value="Ma « question »"' in page.text and "voici l'été. </textarea>" in page.text
    assert re.search(rf'value="{chosen}" checked', page.text)
    assert "été.jpg" in page.text and 'name="retirer" value="0"' in page.text
    listed = camille.get(DRAFTS).text
    assert "Ma « question »" in listed and "Dr Claire MARTIN" in listed and path in listed
    assert "@" not in re.sub(r"<[^>]*>", "", listed)


def test_saving_again_replaces_it_and_takes_files_out(
    camille: Browser, site: Site, first_message: str
) -> None:
    first = save(camille, NEW, ("a.jpg", photo()), ("b.pdf", pdf()), texte="Un.")
    second = save(camille, first, ("c.jpg", photo("red")), texte="Deux.", retirer="0")
    third = save(camille, second, texte="Trois.")
    assert len({first, second, third}) == 3
    ((_, message),) = kept(site)
    assert (body_text(message).plain or "").strip() == "Trois."
    assert [file.claimed_name for file in attachments(message)] == ["b.pdf", "c.jpg"]
    assert camille.get(first).status == camille.get(second).status == 404


def test_a_draft_of_an_answer_is_sent_once_whole_and_in_its_thread(
    camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, ANSWER, ("photo.jpg", photo()), texte="Merci,", citer="oui")
    (draft,) = [message for _, message in kept(site)]
    page = camille.get(path)
    assert "Re: Vos résultats" in page.text and "Merci," in page.text
    assert re.search(r'name="citer"[^>]*checked', page.text)

    sent = camille.post(path, {"texte": "Merci, docteur.", "citer": "oui", "acte": "envoyer"})
    shown = {name: hidden(page, name) for name in ("brouillon", "reponse", "garde")}
    fields = {"texte": "Merci, docteur.", "citer": "oui", "acte": "envoyer"}
    again = camille.post(path, {**shown, **fields})

    assert sent.location == again.location == SENT
    assert kept(site) == []
    site.run_queue()
    (arrived,) = inbox(site, site.claire)
    header = arrived.header
    assert header.unfolded("message-id") == draft.header.unfolded("message-id")
    assert header.unfolded("in-reply-to") == draft.header.unfolded("in-reply-to") != ""
    assert header.first("x-mss-draft") is None and draft.header.first("x-mss-draft") is not None
    text = (body_text(arrived).plain or "").replace("\r\n", "\n")
    assert text.startswith("Merci, docteur.\n\nDr Claire MARTIN a écrit le ")
    assert [file.content() for file in attachments(arrived)] == [photo()]
    answered = thread_of(site, "INBOX")
    assert answered is not None
    assert thread_of(site, site.gateway.config.mailboxes.sent) == answered


def test_a_crash_right_after_sending_leaves_a_draft_that_is_not_sent_again(
    camille: Browser, site: Site, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(camille, ANSWER, texte="Merci.")
    with monkeypatch.context() as crashed:
        crashed.setattr(posting, "_settle", lambda *_: None)
        camille.post(path, {"texte": "Merci.", "acte": "envoyer"})
    assert len(kept(site)) == 1
    assert camille.post(path, {"texte": "Merci.", "acte": "envoyer"}).location == SENT
    assert kept(site) == []
    site.run_queue()
    assert len(inbox(site, site.claire)) == 1


@pytest.mark.parametrize("path", [NEW, ANSWER])
def test_a_form_that_is_sent_twice_is_sent_once(
    path: str, camille: Browser, site: Site, first_message: str
) -> None:
    fields = {
        "brouillon": identity(camille.get(path)),
        "destinataire": token_for(site, site.camille, site.claire),
        "texte": "Une seule fois.",
    }
    answers = [camille.post(path, {**fields, "acte": act}) for act in ("envoyer", "envoyer", "")]
    assert [answer.location for answer in answers] == [SENT] * 3
    site.run_queue()
    assert len(inbox(site, site.claire)) == 1


def test_another_message_in_a_form_that_was_sent_is_never_taken_for_it(
    camille: Browser, site: Site, first_message: str
) -> None:
    form = {
        "brouillon": identity(camille.get(NEW)),
        "destinataire": token_for(site, site.camille, site.claire),
    }
    camille.post(NEW, {**form, "texte": "Un.", "acte": "envoyer"})

    told = camille.post(NEW, {**form, "texte": "Deux.", "acte": "envoyer"}, files=(("p", photo()),))

    assert told.status == 409 and "déjà parti" in told.text and "Deux.</textarea>" in told.text
    assert "Choisissez de nouveau" not in told.text
    ((row, message),) = kept(site)
    assert [file.content() for file in attachments(message)] == [photo()]
    assert identity(told) != form["brouillon"]
    path = f"{DRAFTS}/{row.uid}"
    assert f'action="{path}"' in told.text
    again = {**form, "brouillon": identity(told), "texte": "Deux.", "acte": "envoyer"}
    assert camille.post(path, again).location == SENT
    assert texts(site) == ["Un.", "Deux."] and kept(site) == []


@pytest.mark.parametrize("more", ["destinataire", "objet", "fichier"])
def test_whom_what_about_and_files_make_another_message_too(
    more: str, camille: Browser, site: Site, first_message: str
) -> None:
    site.deliver(site.paul, site.camille, site.written(site.paul, site.camille, "Paul"))
    one, two = (token_for(site, site.camille, person) for person in (site.claire, site.paul))
    form: dict[str, str | list[str]] = {
        "brouillon": identity(camille.get(NEW)),
        "destinataire": one,
        "objet": "Objet",
        "texte": "Un.",
        "acte": "envoyer",
    }
    camille.post(NEW, form)
    other = {"destinataire": {"destinataire": [one, two]}, "objet": {"objet": "Autre"}}.get(
        more, {}
    )
    files = (("a.jpg", photo()),) if more == "fichier" else ()
    assert camille.post(NEW, {**form, **other}, files=files).status == 409
    assert len(kept(site)) == 1 and texts(site) == ["Un."]


def test_another_text_in_the_window_of_a_draft_that_was_sent_is_kept(
    camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, ANSWER, ("photo.jpg", photo()), texte="Un.")
    page = camille.get(path)
    shown = {name: hidden(page, name) for name in ("brouillon", "reponse", "garde")}
    form = {**shown, "texte": "Un.", "acte": "envoyer"}
    assert camille.post(path, form).location == SENT
    for other in ({"texte": "Deux."}, {"retirer": "0"}):
        told = camille.post(path, {**form, **other})
        assert told.status == 409 and "a été envoyé" in told.text
        assert "Choisissez de nouveau vos fichiers" in told.text
        assert f'action="{ANSWER}"' in told.text  # it is an answer still
    assert camille.post(path, form).location == SENT
    assert texts(site) == ["Un."]


def test_what_is_saved_after_sending_is_the_draft_of_another_message(
    camille: Browser, site: Site, first_message: str
) -> None:
    ident = identity(camille.get(ANSWER))
    camille.post(ANSWER, {"brouillon": ident, "texte": "Un.", "acte": "envoyer"})
    late = camille.post(ANSWER, {"brouillon": ident, "texte": "Un, et plus.", "acte": "auto"})
    path = json.loads(late.text)["action"]
    assert identity(camille.get(path)) != ident
    sent = camille.post(path, {"brouillon": ident, "texte": "Un, et plus.", "acte": "envoyer"})
    assert sent.location == SENT
    assert texts(site) == ["Un.", "Un, et plus."]


def test_an_older_window_sends_nothing_over_a_newer_draft(
    camille: Browser, site: Site, first_message: str
) -> None:
    ident = identity(camille.get(ANSWER))
    form = {"brouillon": ident, "acte": "envoyer"}
    first = save(camille, ANSWER, texte="Court.", brouillon=ident)
    newer = save(camille, first, ("radio.pdf", pdf()), texte="Bien plus long.", brouillon=ident)
    told = camille.post(ANSWER, {**form, "texte": "Court."})
    assert told.status == 409 and "Bien plus long." in told.text
    # the same words, and a file that this window never showed
    unseen = camille.post(ANSWER, {**form, "texte": "Bien plus long."})
    assert unseen.status == 409 and "radio.pdf" in unseen.text
    assert len(kept(site)) == 1 and texts(site) == []
    digests = hidden(camille.get(newer), "garde")
    whole = camille.post(ANSWER, {**form, "texte": "Bien plus long.", "garde": digests})
    assert whole.location == SENT and kept(site) == []
    assert texts(site) == ["Bien plus long."]


def test_a_button_pressed_twice_makes_one_draft_with_each_file_once(
    camille: Browser, site: Site, first_message: str
) -> None:
    fields = {"brouillon": identity(camille.get(NEW)), "texte": "Un.", "acte": "brouillon"}
    files = (("a.jpg", photo()), ("b.jpg", photo("red")))
    answers = [camille.post(NEW, fields, files=files) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    ((_, message),) = kept(site)
    assert [file.claimed_name for file in attachments(message)] == ["a.jpg", "b.jpg"]


def test_a_second_window_is_told_and_both_texts_are_there(
    camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, NEW, texte="Départ.", objet="Objet")
    form = {"brouillon": identity(camille.get(path)), "objet": "Objet", "acte": "brouillon"}
    saved = save(camille, path, texte="Première fenêtre.", objet="Objet")

    told = camille.post(path, {**form, "texte": "Seconde fenêtre."}, files=(("a.jpg", photo()),))

    assert told.status == 409
    assert "Première fenêtre." in told.text and "Seconde fenêtre.</textarea>" in told.text
    assert "dans une autre fenêtre" in told.text and f'action="{saved}"' in told.text
    assert "Choisissez de nouveau vos fichiers" in told.text
    assert [(body_text(message).plain or "").strip() for _, message in kept(site)] == [
        "Première fenêtre."
    ]
    save(camille, saved, texte="Les deux.", objet="Objet")
    same = camille.post(path, {**form, "texte": "Les deux."})
    assert same.status == 303 and len(kept(site)) == 1


@pytest.mark.parametrize("how", ["envoyé", "supprimé"])
def test_a_window_whose_draft_is_gone_keeps_its_text(
    how: str, camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, ANSWER, texte="Départ.")
    form = {"brouillon": identity(camille.get(path)), "acte": "brouillon"}
    if how == "envoyé":
        camille.post(path, {"texte": "Parti.", "acte": "envoyer"})
    else:
        assert "Supprimer ce brouillon" in camille.get(f"{path}/supprimer").text
        gone = camille.post(f"{path}/supprimer")
        assert gone.location == f"{DRAFTS}?fait=brouillon_supprime"
    told = camille.post(path, {**form, "texte": "Ma suite."})
    assert told.status == 409
    assert f"a été {how}" in told.text and "Ma suite.</textarea>" in told.text
    assert f'action="{NEW}"' in told.text and kept(site) == []


def test_a_draft_of_somebody_else_does_not_exist(
    camille: Browser, noe: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, NEW, texte="Secret.")
    form = {"texte": "x", "acte": "brouillon"}
    stolen = {**form, "brouillon": identity(camille.get(path))}
    for answer in (noe.get(path), noe.post(path, form), noe.post(f"{path}/supprimer")):
        assert answer.status == 404
    told = noe.post(path, stolen)
    assert told.status == 409 and "Secret." not in told.text
    assert "Secret." not in noe.get(DRAFTS).text and len(kept(site)) == 1


def test_drafts_are_bounded_and_listed_page_by_page(
    camille: Browser, site: Site, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "DRAFTS_LIMIT", PAGE + 1)
    for number in range(PAGE + 1):
        last = save(camille, NEW, texte=f"Brouillon {number:02d}.")
    full = camille.post(NEW, {"texte": "Un de trop.", "acte": "brouillon"})
    assert full.status == 507
    assert "Envoyez ou supprimez des brouillons" in full.text
    assert "Un de trop.</textarea>" in full.text and len(kept(site)) == PAGE + 1
    save(camille, last, texte="Celui-ci peut changer.")
    first = camille.get(DRAFTS).text
    assert "Celui-ci peut changer." in first and "Brouillon 00." not in first
    older = re.search(r'href="([^"]+avant=\d+)"', first)
    assert older is not None and "Brouillon 00." in camille.get(older[1]).text


def test_files_of_a_draft_add_up_to_the_limits_of_one_message(
    camille: Browser, site: Site, first_message: str
) -> None:
    room = upload_limit(site.gateway.config.limits.patient_message_octets)
    half = room // 2
    path = save(camille, NEW, ("a.txt", b"a" * half), texte="x")
    over = camille.post(
        path, {"acte": "brouillon", "texte": "y"}, files=(("b.txt", b"b" * (room - half + 1)),)
    )
    assert over.status == 413
    assert "trop lourds ensemble" in over.text and "y</textarea>" in over.text
    path = save(camille, path, ("b.txt", b"b" * (room - half)), texte="y")
    ((row, message),) = kept(site)
    assert sum(file.size for file in attachments(message)) == room
    assert row.size <= site.gateway.config.limits.patient_message_octets


def test_files_of_a_draft_are_counted_together(
    camille: Browser, site: Site, first_message: str
) -> None:
    files = tuple((f"{number}.txt", b"bonjour") for number in range(FILES_LIMIT))
    path = save(camille, NEW, *files, texte="x")
    another = ("une de plus.txt", b"bonjour")
    one_more = camille.post(path, {"acte": "brouillon", "texte": "x"}, files=(another,))
    assert one_more.status == 413 and "10 fichiers au plus" in one_more.text
    save(camille, path, another, texte="x", retirer="3")


@pytest.mark.parametrize("text", ["x" * TEXT_LIMIT, "x" * (TEXT_LIMIT + 1)])
def test_a_text_is_as_long_as_one_that_can_be_sent(
    text: str, camille: Browser, site: Site, first_message: str
) -> None:
    answer = camille.post(NEW, {"acte": "brouillon", "texte": text}, files=())
    if len(text) > TEXT_LIMIT:
        assert answer.status == 422 and text in answer.text and kept(site) == []
    else:
        assert answer.status == 303 and text in camille.get(answer.location).text


def test_nothing_is_no_draft_and_a_stranger_is_not_kept(
    camille: Browser, site: Site, first_message: str
) -> None:
    empty = camille.post(NEW, {"acte": "brouillon", "texte": " \n"})
    assert empty.status == 422 and "Écrivez un message" in empty.text
    for forged in (site.paul.address, token_for(site, site.camille, site.paul)):
        refused = camille.post(NEW, {"acte": "brouillon", "texte": "x", "destinataire": forged})
        assert refused.status == 403 and "dès qu'il vous aura adressé" in refused.text
    assert kept(site) == []


def test_a_draft_for_somebody_who_closed_the_exchange_is_kept_and_not_sent(
    camille: Browser, site: Site, first_message: str
) -> None:
    chosen = token_for(site, site.camille, site.claire)
    new = save(camille, NEW, texte="Encore un mot.", destinataire=chosen, objet="Suite")
    answer = save(camille, ANSWER, texte="Ma réponse.")
    site.clock.advance(60)
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "[FIN]"))

    for path, text in ((new, "Encore un mot."), (answer, "Ma réponse.")):
        page = camille.get(path).text
        assert "a mis fin à cet échange" in page and f"{text}</textarea>" in page
        assert "Vous ne pouvez pas envoyer ce message pour le moment" in page
        refused = camille.post(path, {"texte": text, "destinataire": chosen, "acte": "envoyer"})
        assert refused.status == 403 and f"{text}</textarea>" in refused.text
        moved = save(camille, path, texte=f"{text} Suite.", destinataire=chosen)
        assert ('value="envoyer" disabled' in camille.get(moved).text) is (path == answer)
    assert len(kept(site)) == 2
    closed = camille.get(ANSWER).text
    assert "disabled" in closed and "a mis fin à cet échange" in closed
    site.run_queue()
    assert inbox(site, site.claire) == []


def test_the_script_saves_the_text_and_leaves_files_alone(
    camille: Browser, site: Site, first_message: str
) -> None:
    auto = {"acte": "auto", "brouillon": identity(camille.get(ANSWER))}
    nothing = camille.post(ANSWER, {**auto, "texte": ""})
    assert json.loads(nothing.content) == {"action": ANSWER, "said": ""} and kept(site) == []
    first = json.loads(camille.post(ANSWER, {**auto, "texte": "Un"}).content)
    assert re.fullmatch(r"Brouillon enregistré à \d+\sh\s\d\d", first["said"])
    with_file = save(camille, first["action"], ("a.jpg", photo()), texte="Un deux")
    second = camille.post(with_file, {**auto, "texte": "Un deux trois", "retirer": "0"})
    ((_, message),) = kept(site)
    assert [file.claimed_name for file in attachments(message)] == ["a.jpg"]
    assert (body_text(message).plain or "").strip() == "Un deux trois"
    lost = camille.post(with_file, {**auto, "texte": "Un deux trois quatre"})
    assert lost.status == 409 and "dans une autre fenêtre" in json.loads(lost.content)["said"]
    long = camille.post(
        json.loads(second.content)["action"], {**auto, "texte": "x" * (TEXT_LIMIT + 1)}, files=()
    )
    assert long.status == 422 and "trop long" in json.loads(long.content)["said"]


def test_a_heavy_draft_is_saved_less_often(camille: Browser, first_message: str) -> None:
    light = save(camille, NEW, ("a.txt", b"a" * 1000), texte="x")
    heavy = save(camille, NEW, ("a.txt", b"a" * (write_page.HEAVY_OCTETS + 1)), texte="x")
    assert f'data-draft="{write_page.AUTOSAVE_SECONDS}"' in camille.get(light).text
    assert f'data-draft="{write_page.HEAVY_SECONDS}"' in camille.get(heavy).text
    assert camille.get("/static/brouillon.js").header("content-type").startswith("text/javascript")


def test_what_was_written_over_a_lock_can_be_saved_where_it_belongs(
    camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, NEW, ("a.jpg", photo()), texte="Départ.")
    known = identity(camille.get(path))
    browser = locked(camille, site)
    browser.post(path, {"texte": "Suite.", "brouillon": known, "acte": "auto"}, files=())
    back = unlock(browser).location
    assert back.startswith(f"{path}?reprendre=1")
    page = browser.get(back).text
    assert "Suite.</textarea>" in page and "a.jpg" in page
    assert "Enregistrez-le comme brouillon" in page
    again = save(browser, path, texte="Suite.", brouillon=known)
    assert "Suite.</textarea>" in browser.get(again).text and len(kept(site)) == 1


def test_what_was_written_over_a_lock_is_shown_beside_what_replaced_it(
    camille: Browser, site: Site, first_message: str
) -> None:
    path = save(camille, NEW, texte="Départ.")
    known = identity(camille.get(path))
    save(camille, path, texte="Ailleurs.")
    browser = locked(camille, site)
    browser.post(path, {"texte": "Ici.", "brouillon": known, "acte": "envoyer"}, files=())
    page = browser.get(unlock(browser).location)
    assert page.status == 409
    assert "Ici.</textarea>" in page.text and "Ailleurs." in page.text
    assert len(kept(site)) == 1 and inbox(site, site.claire) == []


def test_documents_of_the_record_go_out_byte_for_byte_and_on_record(
    camille: Browser, site: Site, first_message: str
) -> None:
    bring(camille, ("Radio.pdf", pdf("red")))
    bring(camille, ("Ordonnance.pdf", pdf("blue")))
    chosen = token_for(site, site.camille, site.claire)
    written = {"texte": "Voici.", "destinataire": chosen, "objet": "Radio"}
    page = camille.post(NEW, {**written, "acte": "dossier"}, files=(("a.jpg", photo()),))
    assert page.status == 303 and page.location.endswith("/documents")
    offered = camille.get(page.location).text
    assert "Radio" in offered and "Ordonnance" in offered
    narrowed = camille.get(f"{page.location}?mots=radio").text
    assert "Radio" in narrowed and "Ordonnance" not in narrowed
    (document_id,) = re.findall(r'name="document" value="([^"]+)"', narrowed)
    nothing = camille.post(page.location)
    assert nothing.status == 422 and "Choisissez au moins un document." in nothing.text

    joined = camille.post(page.location, {"document": [document_id, document_id]})

    assert joined.location.endswith("?fait=joint")
    assert "Radio.pdf" in camille.get(joined.location).text
    path = joined.location.partition("?")[0]
    assert camille.post(path, {**written, "acte": "envoyer"}).location == SENT
    site.run_queue()
    (arrived,) = inbox(site, site.claire)
    assert [
        (file.claimed_name, file.claimed_type, file.content()) for file in attachments(arrived)
    ] == [
        ("a.jpg", "image/jpeg", photo()),
        ("Radio.pdf", "application/pdf", pdf("red")),
    ]
    assert acts(camille)[:2] == ["Envoi à un professionnel", "Lecture"]


def test_a_hidden_document_is_neither_offered_nor_joined(
    camille: Browser, noe: Browser, site: Site, first_message: str
) -> None:
    codes = ("N", HIDDEN_FROM_PATIENT)
    announced = xdm.CdaText(subject=subject_of(0), title="Annonce", confidentiality=codes)
    content = xdm.cda_document(announced)
    bringing.bring(
        site.gateway,
        site.camille,
        "A.ZIP",
        xdm.archive_of(content),
        ExaminationSettings(accept_test_ins=True),
    )
    bring(noe, ("Secret.pdf", pdf("green")))
    with site.gateway.database.read() as view:
        other = view.sql("SELECT document_id FROM documents").fetchall()
    assert len(other) == 2
    path = save(camille, NEW, texte="x")
    for forged in (*(row[0] for row in other), "0" * 32, "x"):
        assert camille.post(f"{path}/documents", {"document": forged}).status == 404
    assert (
        "Votre dossier ne contient pas encore de document." in camille.get(f"{path}/documents").text
    )
    ((_, message),) = kept(site)
    assert attachments(message) == ()

    # the same bytes from somewhere else go out, and nothing tells that the record has them
    written = {"texte": "x", "destinataire": token_for(site, site.camille, site.claire)}
    camille.post(path, {**written, "acte": "envoyer"}, files=(("a.xml", content),))
    site.run_queue()
    (arrived,) = inbox(site, site.claire)
    assert [file.content() for file in attachments(arrived)] == [content]
    assert "Envoi à un professionnel" not in acts(camille)


def test_documents_that_do_not_fit_are_told_with_what_is_left(
    camille: Browser, site: Site, first_message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(camille, ("Radio.pdf", pdf("red")))
    page = camille.post(NEW, {"texte": "x", "acte": "dossier"}).location
    (document_id,) = re.findall(r'name="document" value="([^"]+)"', camille.get(page).text)
    monkeypatch.setattr("mss_gateway.webmail.posting.room_of", lambda visit: len(pdf("red")) - 1)
    refused = camille.post(page, {"document": document_id})
    assert refused.status == 413 and "Ces documents font" in refused.text
    monkeypatch.setattr("mss_gateway.webmail.posting.room_of", lambda visit: len(pdf("red")))
    assert camille.post(page, {"document": document_id}).status == 303


def test_an_answer_to_all_reaches_only_whom_the_rules_let_it_reach(
    camille: Browser, site: Site, first_message: str
) -> None:
    site.clock.advance(60)
    others = [site.paul.address, site.pharmacy.address, site.noe.address, site.camille.address]
    raw = site.written(site.claire, site.camille, "Réunion", fields=(("Cc", ", ".join(others)),))
    site.deliver(site.claire, site.camille, raw)
    page = camille.get("/messages/recus/2/repondre").text
    assert 'name="a_tous" value="oui"' in page and "Pharmacie de la Gare" in page
    left_out = page.partition("Ne recevront pas votre réponse")[2].partition("</ul>")[0]
    assert "<s>Dr Paul BERNARD</s>" in left_out and "dès qu'il vous aura adressé" in left_out
    assert "<s>Un autre usager</s>" in left_out and "Noé" not in page

    path = save(camille, "/messages/recus/2/repondre", texte="À tous.", a_tous="oui")
    assert re.search(r'value="oui" checked', camille.get(path).text)
    camille.post(path, {"texte": "À tous.", "a_tous": "oui", "acte": "envoyer"})
    camille.post("/messages/recus/2/repondre", {"texte": "À l'auteur.", "a_tous": "non"})

    site.run_queue()
    assert len(inbox(site, site.claire)) == 2 and len(inbox(site, site.pharmacy)) == 1
    assert inbox(site, site.paul) == inbox(site, site.noe) == []


def test_a_draft_of_a_mail_program_is_gone_on_with(
    camille: Browser, site: Site, first_message: str
) -> None:
    raw = (
        f"From: {site.camille.address}\r\nTo: {site.claire.address}, {site.paul.address}\r\n"
        "Subject: Essai\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        "<style>p{}</style><p>Bonjour &amp; merci,</p><p>ligne deux</p>\r\n"
    ).encode()
    uid = drafts.save(site.gateway, site.camille, raw, None)
    listed = camille.get(DRAFTS).text
    assert "Dr Claire MARTIN, Dr Paul BERNARD" in listed
    page = camille.get(f"{DRAFTS}/{uid}").text
    assert "Bonjour & merci,\nligne deux</textarea>" in page
    assert "<s" in page and "dès qu'il vous aura adressé" in page  # Paul never wrote
    assert site.claire.address not in page and site.paul.address not in page
    both = [token_for(site, site.camille, one) for one in (site.claire, site.paul)]
    moved = save(camille, f"{DRAFTS}/{uid}", texte="Suite.", destinataire=both)
    refused = camille.post(moved, {"texte": "Suite.", "destinataire": both, "acte": "envoyer"})
    assert refused.status == 403 and len(kept(site)) == 1
    sent = camille.post(moved, {"texte": "Suite.", "destinataire": both[:1], "acte": "envoyer"})
    assert sent.location == SENT and kept(site) == []


@pytest.mark.parametrize("place", ["envoyes/1", "corbeille/1", "ailleurs/1", "recus/99", "recus/x"])
def test_only_what_was_received_is_answered(
    place: str, camille: Browser, first_message: str
) -> None:
    assert camille.get(f"/messages/{place}/repondre").status == 404
    assert camille.post(f"/messages/{place}/repondre", {"texte": "x"}).status == 404
