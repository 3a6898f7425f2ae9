"""Reports: one to the author of what failed, none about a report, nothing of the content."""

import itertools
from dataclasses import replace

import pytest

from mss_gateway.failures import Failure
from mss_gateway.life import answering, deliver, report, submission
from mss_gateway.message.dates import parse_date
from mss_gateway.message.parse import scan
from mss_gateway.message.status_report import read_status_report
from mss_gateway.queue import items, leases
from mss_gateway.queue.carried import Asked, Carried
from mss_gateway.queue.leases import Item
from policies.people import Standing
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, PATIENT, SECRETARIAT, Site, simple
from tests.unit.mss_gateway.life import elsewhere

SUBJECT = "Analyses du foie"


def bounce(site: Site, recipient: str, raw: bytes | None = None) -> str:
    """Accepted, and refused at delivery: the recipient was suspended meanwhile."""
    raw = raw or simple(subject=SUBJECT, fields=f"Thread-Topic: {SUBJECT}\r\nKeywords: foie\r\n")
    sent = site.submission(MARTIN, (recipient,), raw)
    ref = submission.accept(site.gateway, sent).message_ref
    site.stand(recipient, Standing.SUSPENDED)
    site.work()
    return ref


def test_the_author_is_told_once(site: Site) -> None:
    ref = bounce(site, DUBOIS)
    (raw,) = site.kept(MARTIN)
    assert raw.startswith(b"From: Operateur de demonstration <postmaster@mss.example>\r\n")
    assert b"Auto-Submitted: auto-replied\r\n" in raw
    assert f"Final-Recipient: rfc822; {DUBOIS}\r\n".encode() in raw
    assert b"Status: 5.2.1\r\n" in raw
    assert ref.encode() in raw
    assert site.kept(DUBOIS) == []
    assert site.acts("report") == ["recipient_unavailable"]
    assert site.counts()["queue_items"] == site.counts()["queued_messages"] == 0


def test_nothing_of_the_content_is_in_it(site: Site) -> None:
    bounce(site, DUBOIS)
    raw = site.kept(MARTIN)[0].lower()
    for word in (b"foie", b"analyses", b"bonjour", b"x-mss-nil"):
        assert word not in raw
    assert b"text/rfc822-headers" in raw
    assert f"from: dr claire martin <{MARTIN}>".encode() in raw


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.OPPOSED, Standing.CLOSED])
def test_of_a_patient_it_says_no_more_than_rcpt_would(standing: Standing, site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))
    site.stand(PATIENT, standing)
    site.work()
    (raw,) = site.kept(MARTIN)
    assert b"Status: 5.7.1\r\n" in raw
    told = scan(raw).root.children[0].text(raw)
    assert "La messagerie de cet usager n'est pas disponible." in told


def test_nothing_is_reported_about_a_report(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    site.stand(DUBOIS, Standing.SUSPENDED)
    site.stand(MARTIN, Standing.CLOSED)
    site.work()
    assert site.kept(MARTIN) == []
    assert site.counts()["queue_items"] == 0
    assert site.acts("report") == ["recipient_unavailable", "recipient_unavailable"]


def test_the_other_recipients_get_the_message_all_the_same(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS, SECRETARIAT), simple()))
    site.stand(DUBOIS, Standing.SUSPENDED)
    site.work()
    assert len(site.kept(SECRETARIAT)) == len(site.kept(MARTIN)) == 1


@pytest.mark.parametrize("octets", [800, 3_000])
def test_an_identifier_of_any_length_is_no_obstacle(octets: int, site: Site) -> None:
    bounce(site, DUBOIS, simple(fields=f"Message-ID: <{'x' * octets}@mss.example>\r\n"))
    assert len(site.kept(MARTIN)) == 1
    assert site.counts()["queue_items"] == 0


def test_who_lost_the_lease_reports_nothing(site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (lost,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    site.clock.pass_by(leases.LEASE_SECONDS + 1)
    site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    before = site.counts()
    report.give_up(site.gateway, lost, Failure.RECIPIENT_UNAVAILABLE).result()
    assert site.counts() == before
    assert site.acts("report") == []


NOTIFY: list[frozenset[str]] = [
    frozenset(),
    frozenset({"NEVER"}),
    *[
        frozenset(words)
        for count in (1, 2, 3)
        for words in itertools.combinations(("SUCCESS", "FAILURE", "DELAY"), count)
    ],
]
"""Every NOTIFY that a client can write (RFC 3461 §4.1)."""


def hears(notify: frozenset[str], word: str) -> bool:
    """What RFC 3461 §4.1 says; a delay is told to whoever said nothing."""
    return word in (notify or {"FAILURE", "DELAY"})


def sent_with(site: Site, asked: Asked, recipient: str = DUBOIS) -> str:
    sent = site.submission(MARTIN, (recipient,), simple(subject=SUBJECT))
    sent = replace(sent, asked={recipient: asked}, envelope_id="env-7", returns="FULL")
    return submission.accept(site.gateway, sent).message_ref


def actions(site: Site, address: str = MARTIN) -> list[str]:
    """What the reports in a mailbox say, in order."""
    return [
        line.removeprefix(b"Action: ").decode()
        for report in site.kept(address)
        for line in report.split(b"\r\n")
        if line.startswith(b"Action: ")
    ]


def held_up(site: Site, address: str) -> None:
    """Somebody with keys of their own has no certificate: what is for them waits."""
    site.execute(
        "UPDATE certificates SET state = 'revoked' WHERE account_id = ?",
        (site.person(address).account_id,),
    )


@pytest.mark.parametrize("notify", NOTIFY, ids=lambda one: "+".join(sorted(one)) or "absent")
def test_an_author_hears_what_they_asked_for(notify: frozenset[str], site: Site) -> None:
    asked = Asked(notify)
    sent_with(site, asked)
    site.work()
    assert actions(site) == ["delivered"] * hears(notify, "SUCCESS")

    held_up(site, BERNARD)
    sent_with(site, asked, BERNARD)
    site.work()
    before = len(site.kept(MARTIN))
    site.clock.pass_by(4 * 3600)
    for _ in range(3):
        site.work()
        site.clock.pass_by(3600)
    assert actions(site)[before:] == ["delayed"] * hears(notify, "DELAY")

    before = len(site.kept(MARTIN))
    site.clock.pass_by(24 * 3600)
    site.work()
    assert actions(site)[before:] == ["failed"] * hears(notify, "FAILURE")
    assert site.counts()["queue_items"] == site.counts()["queued_messages"] == 0


def test_a_report_names_what_its_author_named(site: Site) -> None:
    asked = Asked(frozenset({"SUCCESS"}), "rfc822;Sophie.DUBOIS@mss.example")
    came_at = site.clock.seconds
    ref = sent_with(site, asked)
    site.clock.pass_by(600)
    site.work()
    (raw,) = site.kept(MARTIN)
    report = read_status_report(scan(raw))
    assert report is not None and report.envelope_id == "env-7"
    assert b"\r\nOriginal-Recipient: rfc822; Sophie.DUBOIS@mss.example\r\n" in raw
    assert b"\r\nStatus: 2.0.0\r\n" in raw and f"\r\nFinal-Log-ID: {ref}\r\n".encode() in raw
    arrived = raw.partition(b"\r\nArrival-Date: ")[2].partition(b"\r\n")[0]
    assert parse_date(arrived.decode()) == (int(came_at), 0)
    assert site.acts("report") == ["delivered"]


def test_a_body_is_never_given_back_whatever_was_asked(site: Site) -> None:
    sent_with(site, Asked(frozenset({"SUCCESS"})))
    site.work()
    (raw,) = site.kept(MARTIN)
    assert b"message/rfc822" not in raw and b"text/rfc822-headers" in raw
    assert b"foie" not in raw.lower() and b"bonjour" not in raw.lower()


def test_a_delay_says_until_when_and_is_told_once(site: Site) -> None:
    held_up(site, BERNARD)
    sent_with(site, Asked(), BERNARD)
    site.work()
    for _ in range(6):
        site.clock.pass_by(3600)
        site.work()
    (raw,) = site.kept(MARTIN)
    until = parse_date(raw.partition(b"\r\nWill-Retry-Until: ")[2].partition(b"\r\n")[0].decode())
    assert until is not None and until[0] > site.clock.seconds + 3 * 24 * 3600
    told = scan(raw).root.children[0].text(raw)
    assert "ne le renvoyez pas" in told and "4.7.5" in raw.decode()


def test_a_delivery_run_twice_is_told_once(site: Site) -> None:
    sent_with(site, Asked(frozenset({"SUCCESS"})))
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, now))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "finish", lambda tx, item: True)  # as if the lease ran out before
        assert deliver.deliver(site.gateway, item).result() is True
        assert deliver.deliver(site.gateway, item).result() is False
    site.work()
    assert actions(site) == ["delivered"]


def test_giving_up_twice_is_told_once(site: Site) -> None:
    sent_with(site, Asked())
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, now))
    for _ in range(2):
        report.give_up(site.gateway, item, Failure.RECIPIENT_UNAVAILABLE).result()
    site.work()
    assert actions(site) == ["failed"]


def test_what_another_server_said_is_told_without_its_text(site: Site) -> None:
    there = elsewhere.beside(site)
    submission.accept(there.gateway, there.submission(MARTIN, (elsewhere.AUTHOR,), simple()))
    (item,) = elsewhere.leaving(there)
    said = "mx.voisin.example 550 5.1.1 <luc.garnier@voisin.example> traite pour le foie"
    report.give_up(there.gateway, item, Failure.RECIPIENT_UNAVAILABLE, said).result()
    there.work()
    (raw,) = there.kept(MARTIN)
    diagnostic = f"\r\nDiagnostic-Code: smtp; 550 5.1.1 {item.message_ref}\r\n"
    assert diagnostic.encode() in raw
    assert b"\r\nRemote-MTA: dns; mx.voisin.example\r\n" in raw and b"foie" not in raw


@pytest.mark.parametrize(
    ("recipient", "said", "told"),
    [
        (elsewhere.AUTHOR, "mx 550 5.1.1", "Aucune boîte ne correspond à cette adresse."),
        (elsewhere.AUTHOR, "mx 552 5.3.4", "Le message dépasse la taille permise"),
        (elsewhere.AUTHOR, "mx 550 5.7.1", "L'opérateur du destinataire a refusé le message."),
        (elsewhere.AUTHOR, "mx 554", "L'opérateur du destinataire a refusé le message."),
        (elsewhere.PATIENT_THERE, "mx 550 5.1.1", "La messagerie de cet usager n'est pas"),
        (elsewhere.PATIENT_THERE, "mx 550 5.7.1", "La messagerie de cet usager n'est pas"),
        (elsewhere.PATIENT_THERE, "mx 552 5.3.4", "Le message dépasse la taille permise"),
    ],
)
def test_what_another_server_said_is_put_in_words(
    site: Site, recipient: str, said: str, told: str
) -> None:
    there = elsewhere.beside(site)
    submission.accept(there.gateway, there.submission(MARTIN, (recipient,), simple()))
    (item,) = elsewhere.leaving(there)
    report.give_up(there.gateway, item, Failure.PEER_REFUSED, said).result()
    there.work()
    (raw,) = there.kept(MARTIN)
    assert told in scan(raw).root.children[0].text(raw)


def test_a_server_that_passes_no_request_on_is_told_of(site: Site) -> None:
    there = elsewhere.beside(site)
    for notify, expected in ((frozenset({"SUCCESS"}), ["relayed"]), (frozenset[str](), [])):
        sent = there.submission(MARTIN, (elsewhere.AUTHOR,), simple())
        sent = replace(sent, asked={elsewhere.AUTHOR: Asked(notify)})
        submission.accept(there.gateway, sent)
        (item,) = elsewhere.leaving(there)
        before = len(there.kept(MARTIN))
        with there.gateway.database.read() as view:
            told = report.on_relayed(there.gateway, view, item, "mx.voisin.example 250 2.0.0")
        there.gateway.database.write(lambda tx, told=told: report.send(there.gateway, tx, told))
        there.gateway.database.write(lambda tx, item=item: items.finish(tx, item))
        there.work()
        assert actions(there)[before:] == expected


def test_an_author_elsewhere_is_told_by_the_relay_and_it_is_signed(site: Site) -> None:
    there = elsewhere.beside(site)
    elsewhere.hand_in(there, simple(elsewhere.AUTHOR, subject=SUBJECT), DUBOIS)
    there.stand(DUBOIS, Standing.SUSPENDED)
    there.work()
    (item,) = elsewhere.leaving(there)
    assert (item.recipient, item.stage, item.asked) == (elsewhere.AUTHOR, "relay", Asked())
    message = elsewhere.body_of(there, item)
    assert message.root.media_type == "multipart/signed"
    told = read_status_report(message)
    assert told is not None and told.recipients[0].is_final_failure
    assert b"foie" not in message.raw.lower()
    # nothing is said of a report that nobody takes
    report.give_up(there.gateway, item, Failure.RECIPIENT_UNAVAILABLE).result()
    assert there.acts("report") == ["recipient_unavailable"] * 2
    assert there.counts()["queue_items"] == 0


@pytest.mark.parametrize("path", ["x@voisin.example", "x@nulle-part.example", MARTIN])
def test_who_nobody_vouches_for_is_told_nothing(path: str, site: Site) -> None:
    there = elsewhere.beside(site)
    operator = "" if path.endswith("voisin.example") else elsewhere.OPERATOR
    elsewhere.hand_in(there, simple(path), DUBOIS, path, operator)
    there.stand(DUBOIS, Standing.SUSPENDED)
    there.work()
    assert elsewhere.leaving(there) == [] and there.kept(MARTIN) == []
    assert there.acts("report") == ["recipient_unavailable"]


def test_a_thousand_forged_senders_make_no_report(site: Site) -> None:
    """Threat T11: whoever sent nothing is sent nothing."""
    there = elsewhere.beside(site)
    forged = ("nulle-part.example", "voisin.example", "mss.example", "patient.mss.example")
    item = Item(1, "ref", DUBOIS, "deliver", 1, 0, b"")
    with there.gateway.database.read() as view:
        for number in range(1_000):
            path = f"x{number}@{forged[number % 4]}"
            for peer in ("", elsewhere.OPERATOR):
                if peer and path.endswith("@voisin.example"):
                    continue  # the operator's own: it was checked at MAIL
                carried = _carried(path, peer)
                assert answering.behind(there.gateway, view, carried) is None
        assert report.about(there.gateway, view, item, report.Outcome("failed")) is None
    assert there.counts()["queue_items"] == 0


def _carried(path: str, peer: str) -> Carried:
    return Carried(
        path, path, 0, "PROFESSIONAL", "mx", "absent", "", "", False, False, (), False, peer=peer
    )


def test_a_message_that_arrived_is_never_told_undelivered(site: Site) -> None:
    sent_with(site, Asked())
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    now = site.gateway.queue_clock.now()
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, now))
    later = replace(item, stage="receipt")
    report.give_up(site.gateway, later, Failure.NO_CERTIFICATE_FOR_AUTHOR).result()
    assert site.acts("report") == ["no_certificate_for_author"]
    assert site.work() == 0 and site.kept(MARTIN) == []
