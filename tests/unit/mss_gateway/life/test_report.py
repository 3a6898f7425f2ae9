"""Reports: one to the author of what failed, none about a report, nothing of the content."""

import pytest

from mss_gateway.life import submission
from mss_gateway.message.parse import scan
from mss_gateway.queue import items
from policies.people import Standing
from tests.support.smtp_site import DUBOIS, MARTIN, PATIENT, SECRETARIAT, Site, simple

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
    (report,) = site.kept(MARTIN)
    assert report.startswith(b"From: Operateur de demonstration <postmaster@mss.example>\r\n")
    assert b"Auto-Submitted: auto-replied\r\n" in report
    assert f"Final-Recipient: rfc822; {DUBOIS}\r\n".encode() in report
    assert b"Status: 5.2.1\r\n" in report
    assert ref.encode() in report
    assert site.kept(DUBOIS) == []
    assert site.acts("report") == ["recipient_unavailable"]
    assert site.counts()["queue_items"] == site.counts()["queued_messages"] == 0


def test_nothing_of_the_content_is_in_it(site: Site) -> None:
    bounce(site, DUBOIS)
    report = site.kept(MARTIN)[0].lower()
    for word in (b"foie", b"analyses", b"bonjour", b"x-mss-nil"):
        assert word not in report
    assert b"text/rfc822-headers" in report
    assert f"from: dr claire martin <{MARTIN}>".encode() in report


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.OPPOSED, Standing.CLOSED])
def test_of_a_patient_it_says_no_more_than_rcpt_would(standing: Standing, site: Site) -> None:
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), simple()))
    site.stand(PATIENT, standing)
    site.work()
    (report,) = site.kept(MARTIN)
    assert b"Status: 5.7.1\r\n" in report
    told = scan(report).root.children[0].text(report)
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
    from mss_gateway.failures import Failure
    from mss_gateway.life import report

    submission.accept(site.gateway, site.submission(MARTIN, (DUBOIS,), simple()))
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (lost,) = site.gateway.database.write(lambda tx: items.claim(tx, spool, 1))
    site.clock.pass_by(items.LEASE_SECONDS + 1)
    site.gateway.database.write(lambda tx: items.claim(tx, spool, 1))
    before = site.counts()
    report.give_up(site.gateway, lost, Failure.RECIPIENT_UNAVAILABLE).result()
    assert site.counts() == before
    assert site.acts("report") == []
