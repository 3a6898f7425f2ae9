"""Archive and bin: there and back, one and many, two windows, and what goes for good."""

import re

import pytest

from mailbox_store import mailboxes
from mailbox_store.database import Transaction
from mss_gateway.webmail import moving
from mss_gateway.webmail.moving import Act
from mss_gateway.webmail.reading import Box
from tests.support.asgi import Answer, Browser
from tests.support.site import Site

LINE = '<li class="letter'


@pytest.fixture
def three(camille: Browser, site: Site) -> Browser:
    """Camille, who has three messages of Dr Martin and one of Dr Bernard."""
    for author, subject in (
        (site.claire, "Un"), (site.claire, "Deux"), (site.claire, "Trois"), (site.paul, "Autre"),
    ):  # fmt: skip
        site.send(author, site.camille, site.written(author, site.camille, subject))
    site.run_queue()
    camille.get("/messages/recus")
    return camille


EVERYTHING = "recus:99 envoyes:99 archives:99 corbeille:99"


def act(browser: Browser, box: str, what: str, **chosen: str | list[str]) -> Answer:
    """Press a button of a list, which shows whatever there is unless ``vu`` says otherwise."""
    return browser.post(f"/messages/{box}/actes", {"vu": EVERYTHING, "acte": what, **chosen})


def ends(page: Answer) -> str:
    """Where the lists ended when a page was made, as its form brings it back."""
    found = re.search(r'name="vu" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def held(site: Site) -> dict[str, int]:
    """How many messages each mailbox of Camille holds."""
    with site.gateway.database.read() as view:
        found = mailboxes.list_mailboxes(view, site.camille.account_id)
    return {mailbox.name: mailbox.messages for mailbox in found if mailbox.messages}


def test_a_thread_is_archived_and_comes_back(three: Browser, site: Site) -> None:
    done = act(three, "recus", "archiver", fil="1")
    assert done.location == "/messages/recus?fait=archive"
    assert "C'est archivé." in three.get(done.location).text
    assert held(site) == {"INBOX": 1, "Archive": 3}
    assert "Dr Claire MARTIN" in three.get("/messages/archives").text
    assert "Dr Claire MARTIN" not in three.get("/messages/recus").text
    act(three, "archives", "desarchiver", fil="1")
    assert held(site) == {"INBOX": 4}


def test_a_new_message_brings_an_archived_thread_back(three: Browser, site: Site) -> None:
    act(three, "recus", "archiver", fil="1")
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "Suite"))
    assert "Suite" in three.get("/messages/recus").text
    page = three.get("/messages/fils/1").text
    assert page.index("Suite") < page.index("Trois") < page.index("Un")


def test_several_are_chosen_at_once(three: Browser, site: Site) -> None:
    act(three, "recus", "jeter", fil=["1", "2"])
    assert held(site) == {"Trash": 4}
    act(three, "corbeille", "restaurer", message=["1", "3"])
    assert held(site) == {"INBOX": 2, "Trash": 2}


def test_the_bin_takes_a_whole_exchange_and_gives_each_message_back_to_where_it_belongs(
    three: Browser, site: Site
) -> None:
    three.get("/messages/recus/1/repondre")
    three.post("/messages/recus/1/repondre", {"texte": "Merci."})
    three.get("/messages/recus")
    act(three, "recus", "archiver", message="2")
    act(three, "recus", "jeter", fil="1")
    assert held(site) == {"INBOX": 1, "Trash": 4}
    act(three, "corbeille", "restaurer", message=["1", "2", "3", "4"])
    assert held(site) == {"INBOX": 4, "Sent": 1}
    assert "Merci." in three.get("/messages/fils/1").text


def test_a_message_goes_from_its_own_page(three: Browser, site: Site) -> None:
    page = three.get("/messages/recus/2").text
    assert 'action="/messages/recus/actes"' in page and 'name="message" value="2"' in page
    act(three, "recus", "jeter", message="2")
    assert three.get("/messages/recus/2").status == 404
    assert three.get("/messages/corbeille/1").status == 200
    assert "Répondre" not in three.get("/messages/corbeille/1").text


def test_a_thread_whose_latest_message_went_stands_where_the_rest_of_it_does(
    three: Browser, site: Site
) -> None:
    site.clock.advance(60)
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "Tard"))
    text = three.get("/messages/recus").text
    assert text.index("Dr Claire MARTIN") < text.index("Dr Paul BERNARD")
    act(three, "recus", "jeter", message="5")
    text = three.get("/messages/recus").text
    assert "Tard" not in text
    assert text.index("Dr Paul BERNARD") < text.index("Dr Claire MARTIN")


def test_marked_as_unread_it_is_bold_again(three: Browser, site: Site) -> None:
    for number in (1, 2):
        three.get(f"/messages/fils/{number}")
    assert "unread" not in three.get("/messages/recus").text
    act(three, "recus", "non-lu", fil="1")
    text = three.get("/messages/recus").text
    assert text.count('class="letter unread"') == 1
    assert "Trois" in text
    again = act(three, "recus", "non-lu", fil="1")
    assert again.location == "/messages/recus?fait=nonlu"


def test_choosing_nothing_says_so(three: Browser, site: Site) -> None:
    before = site.gateway.database.commits
    for chosen in ({}, {"fil": "x"}, {"message": "²"}, {"message": "9" * 30}):
        done = act(three, "recus", "jeter", **chosen)
        assert "Choisissez d'abord des messages" in three.get(done.location).text
    assert site.gateway.database.commits - before <= 4  # visits alone
    assert held(site) == {"INBOX": 4}


@pytest.mark.parametrize(
    ("box", "what"),
    [("recus", "supprimer"), ("recus", "x"), ("envoyes", "archiver"), ("corbeille", "jeter")],
)
def test_an_act_that_the_list_does_not_offer_is_not_done(
    box: str, what: str, three: Browser, site: Site
) -> None:
    act(three, box, what, message="1")
    assert held(site) == {"INBOX": 4}


def test_a_list_that_is_not_there(three: Browser) -> None:
    assert act(three, "ailleurs", "jeter", message="1").status == 404


def test_what_another_window_moved_is_told_gently(three: Browser, site: Site) -> None:
    act(three, "recus", "archiver", fil="1")
    for chosen in ({"fil": "1"}, {"message": "1"}):
        done = act(three, "recus", "archiver", **chosen)
        assert done.status == 303
        assert "déplacés" in three.get(done.location).text
    assert held(site) == {"INBOX": 1, "Archive": 3}


def test_threads_and_messages_of_others_are_left_alone(
    three: Browser, noe: Browser, site: Site
) -> None:
    noe.get("/messages/recus")
    for chosen in ({"fil": "1"}, {"message": "1"}):
        assert act(noe, "recus", "jeter", **chosen).location == "/messages/recus?fait=ailleurs"
    assert held(site) == {"INBOX": 4}


def test_deleting_is_confirmed_and_says_what_stays(three: Browser, site: Site) -> None:
    act(three, "recus", "jeter", fil="1")
    asked = act(three, "corbeille", "supprimer", message=["1", "2"])
    assert asked.status == 200
    assert "2 messages seront effacés pour toujours." in asked.text
    assert "documents déjà rangés dans votre dossier y restent" in asked.text
    assert held(site) == {"INBOX": 1, "Trash": 3}
    done = act(three, "corbeille", "supprimer", message=["1", "2"], confirme="oui")
    assert done.location == "/messages/corbeille?fait=efface"
    assert held(site) == {"INBOX": 1, "Trash": 1}


def test_the_bin_is_emptied_in_batches_after_a_confirmation(
    three: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 2)
    act(three, "recus", "jeter", fil="1")
    assert held(site) == {"INBOX": 1, "Trash": 3}
    assert "3 messages" in three.get("/messages/corbeille/vider").text
    done = three.post("/messages/corbeille/vider", {"vu": EVERYTHING})
    assert "La corbeille est vide." in three.get(done.location).text
    assert held(site) == {"INBOX": 1}
    assert "déjà vide" in three.get("/messages/corbeille/vider").text
    again = three.post("/messages/corbeille/vider", {"vu": EVERYTHING})
    assert again.location == "/messages/corbeille?fait=ailleurs"


@pytest.mark.parametrize("page", ["/messages/recus", "/messages/fils/1"])
@pytest.mark.parametrize("what", ["jeter", "archiver"])
def test_what_came_in_after_the_page_was_shown_stays(
    what: str, page: str, three: Browser, site: Site
) -> None:
    seen = ends(three.get(page))
    site.deliver(site.claire, site.camille, site.written(site.claire, site.camille, "URGENT"))
    done = act(three, "recus", what, fil="1", vu=seen)
    told = three.get(done.location).text
    assert "est resté" in told and "URGENT" in told
    assert held(site) == {"INBOX": 2, "Trash" if what == "jeter" else "Archive": 3}


@pytest.mark.parametrize(
    "seen", ["", "recus", "recus:x", "recus:²", "ailleurs:9", "recus:" + "9" * 30]
)
def test_a_thread_of_no_page_of_ours_stays_where_it_is(
    seen: str, three: Browser, site: Site
) -> None:
    done = act(three, "recus", "jeter", fil="1", vu=seen)
    assert "Choisissez de nouveau" in three.get(done.location).text
    emptied = three.post("/messages/corbeille/vider", {"vu": seen})
    assert emptied.status == 200 and held(site) == {"INBOX": 4}


def test_what_is_binned_after_the_question_outlives_the_emptying(
    three: Browser, site: Site
) -> None:
    act(three, "recus", "jeter", message="1")
    asked = three.get("/messages/corbeille/vider")
    act(three, "recus", "jeter", message="2")
    done = three.post("/messages/corbeille/vider", {"vu": ends(asked)})
    assert "est resté" in three.get(done.location).text
    assert held(site) == {"INBOX": 2, "Trash": 1}
    unasked = three.post("/messages/corbeille/vider")
    assert "1 message sera effacé" in unasked.text and held(site)["Trash"] == 1


def test_a_document_that_was_filed_outlives_its_message(
    camille: Browser, site: Site, first_message: str
) -> None:
    camille.get("/messages/recus/1")
    filed = camille.post("/messages/recus/1/pieces/1.2/dossier", {"categorie": "DOCPAT05"})
    camille.get("/messages/recus")
    act(camille, "recus", "jeter", fil="1")
    assert camille.post("/messages/corbeille/1/pieces/1.3/dossier").status == 404
    camille.post("/messages/corbeille/vider", {"vu": EVERYTHING})
    assert held(site) == {}
    assert camille.get(filed.location).status == 200


def test_a_list_without_its_mailbox_is_empty_and_made_when_it_is_needed(
    three: Browser, site: Site
) -> None:
    def without(tx: Transaction) -> None:
        for name in ("Archive", "Trash"):
            mailboxes.delete(tx, site.camille.account_id, name)
        mailboxes.create(tx, site.camille.account_id, "Archive")  # a name, and no use

    site.gateway.database.write(without)
    for box in ("archives", "corbeille"):
        assert three.get(f"/messages/{box}").text.count(LINE) == 0
    three.get("/messages/recus")
    act(three, "recus", "archiver", fil="1")
    act(three, "recus", "jeter", fil="2")
    assert held(site) == {"Archive 2": 3, "Trash": 1}


def test_every_list_says_what_may_be_done(three: Browser) -> None:
    assert {box: moving.acts_in(box) for box in Box} == {
        Box.RECEIVED: (Act.ARCHIVE, Act.BIN, Act.UNREAD),
        Box.SENT: (Act.BIN,),
        Box.ARCHIVED: (Act.UNARCHIVE, Act.BIN, Act.UNREAD),
        Box.BINNED: (Act.RESTORE, Act.DELETE),
    }
    shown = three.get("/messages/recus").text
    for word in ("archiver", "jeter", "non-lu"):
        assert f'name="acte" value="{word}"' in shown
    assert 'value="supprimer"' not in shown
