"""A report from elsewhere: what a message opened that never arrived is withdrawn, nothing else."""

import contextlib
from collections.abc import Callable

import pytest

from mailbox_store import correspondences
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import arrival, submission, withdrawals
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.withdrawals import Withdrawal
from mss_gateway.message.address import EmailAddress, parse_address
from mss_gateway.message.parse import scan
from mss_gateway.message.smime import wrap_signed
from mss_gateway.queue import items
from policies.people import Role
from policies.reasons import Reason
from policies.verdict import Permit, Refuse
from tests.support.smtp_site import MARTIN, Site, simple
from tests.unit.mss_gateway.life import elsewhere
from tests.unit.mss_gateway.life.elsewhere import OPERATOR, PATIENT_THERE

REF = "0" * 26
OTHER = "secretariat@mss.example"


@pytest.fixture
def there(site: Site) -> Site:
    """In a trust space of two operators."""
    return elsewhere.beside(site)


def report(
    *,
    author: str = "<postmaster@voisin.example>",
    envelope_id: str = "",
    trace: str = f"by mss.example with ESMTPSA\r\n\tid {REF}; Sun, 22 Nov 2026 08:00:00 +0000",
    recipient: str = PATIENT_THERE,
    action: str = "failed",
    status: str = "5.2.1",
) -> bytes:
    """As the other operator writes it."""
    named = f"Original-Envelope-Id: {envelope_id}\r\n" if envelope_id else ""
    return (
        f"From: {author}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNon remis.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\n{named}"
        f"Reporting-MTA: dns; mx.voisin.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n\r\n--b\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nReceived: {trace}\r\n"
        "Message-ID: <1@mss.example>\r\n\r\n--b--\r\n"
    ).encode()


def reported(
    site: Site,
    raw: bytes,
    path: EmailAddress | None = None,
    operator: str = OPERATOR,
) -> tuple[Withdrawal, ...]:
    with site.gateway.database.read() as view:
        return withdrawals.reported(site.gateway, view, path, operator, scan(raw))


def opened(site: Site, ref: str = REF, state: str = "OPEN", professional: str = MARTIN) -> None:
    """What the relay's commit records of a message to a patient elsewhere."""
    site.gateway.database.write(
        lambda tx: correspondences.record(
            tx, PATIENT_THERE, site.gateway.spool, professional, "", state, ref
        )
    )


def state(site: Site, professional: str = MARTIN) -> str | None:
    with site.gateway.database.read() as view:
        return correspondences.state(view, PATIENT_THERE, professional)


def take(site: Site, raw: bytes) -> int:
    """The report comes in."""
    found = reported(site, raw)
    return site.gateway.database.write(lambda tx: withdrawals.apply(tx, found))


def hostname(site: Site) -> str:
    return site.gateway.config.site.hostname


def test_what_one_message_opened_is_withdrawn_once(there: Site) -> None:
    opened(there)
    opened(there, professional=OTHER)
    raw = report(envelope_id=REF)
    assert take(there, raw) == 2
    assert state(there) is None and state(there, OTHER) is None
    assert take(there, raw) == 0
    assert there.acts("correspondence") == ["withdrawn"]


def test_our_own_trace_names_the_message_too(there: Site) -> None:
    opened(there)
    trace = f"by {hostname(there)} with ESMTPSA\r\n\tid {REF}; Sun, 22 Nov 2026 08:00:00 +0000"
    assert take(there, report(envelope_id="the author's own", trace=trace)) == 1


def test_a_server_calls_itself_in_two_ways(there: Site) -> None:
    raw = report(envelope_id=REF, author="Mail Delivery System <MAILER-DAEMON@voisin.example>")
    assert reported(there, raw) == (Withdrawal(PATIENT_THERE, REF),)


def test_a_trace_that_its_author_wrote_names_no_other_message(there: Site) -> None:
    """Whoever had a copy knows the reference; the newest line of ours is the one that we wrote."""
    by = f"by {hostname(there)} with ESMTPSA\r\n\tid"
    day = "; Sun, 22 Nov 2026 08:00:00 +0000"
    mine, forged = "1" + REF[1:], f"{by} {REF}{day}"
    raw = report(trace=f"{by} {mine}{day}\r\nReceived: {forged}")
    assert reported(there, raw) == (Withdrawal(PATIENT_THERE, mine),)


def test_a_signed_report_counts_as_well(there: Site) -> None:
    opened(there)
    assert take(there, wrap_signed(report(envelope_id=REF), lambda _: b"DER")) == 1


@pytest.mark.parametrize(
    "before",
    [
        lambda site: opened(site, "1" + REF[1:]),
        lambda site: (opened(site), opened(site, "1" + REF[1:])),
        lambda site: (opened(site), opened(site, "1" + REF[1:], "CLOSED")),
        lambda site: opened(site, REF, "CLOSED"),
    ],
    ids=["another message", "a second message", "closed since", "it closed"],
)
def test_a_relation_with_another_ground_stays(
    before: Callable[[Site], object], there: Site
) -> None:
    before(there)
    known = state(there)
    assert take(there, report(envelope_id=REF)) == 0
    assert state(there) == known is not None
    assert "withdrawn" not in there.acts("correspondence")


@pytest.mark.parametrize(
    "raw",
    [
        report(envelope_id=REF, action="delayed", status="4.4.7"),
        report(envelope_id=REF, action="delivered", status="2.0.0"),
        report(envelope_id=REF, status="4.4.7"),
        report(envelope_id="x" * 26),
        report(envelope_id=REF[:-1]),
        report(trace=f"by mx.voisin.example with ESMTPS\r\n\tid {REF}; x"),
        report(envelope_id=REF, recipient="279035121518989@patient.tiers.example"),
        report(envelope_id=REF, recipient="279035121518989@patient.mss.example"),
        report(envelope_id=REF, author="<luc.garnier@voisin.example>"),
        report(envelope_id=REF, author='"postmaster@voisin.example" <l.garnier@voisin.example>'),
        report(envelope_id=REF, author="<postmaster@voisin.example>, <l.garnier@voisin.example>"),
        report(envelope_id=REF, author="<x@voisin.example>\r\nFrom: <postmaster@voisin.example>"),
        b"From: <x@voisin.example>\r\n\r\nx",
    ],
)
def test_everything_else_withdraws_nothing(raw: bytes, there: Site) -> None:
    assert reported(there, raw) == ()


def test_a_report_has_no_sender(there: Site) -> None:
    raw = report(envelope_id=REF)
    assert reported(there, raw, parse_address("postmaster@voisin.example")) == ()
    assert reported(there, raw) == (Withdrawal(PATIENT_THERE, REF),)


@pytest.mark.parametrize("operator", ["tiers", "", "unknown"])
def test_only_who_owns_the_domain_may_say_so(operator: str, there: Site) -> None:
    assert reported(there, report(envelope_id=REF), None, operator) == ()


def test_a_report_that_overtakes_the_answer_comes_again(there: Site) -> None:
    """The other side took the message and failed before our own commit knew that it was taken."""
    sent = there.submission(MARTIN, (PATIENT_THERE,), simple())
    ref = submission.accept(there.gateway, sent).message_ref
    (item,) = elsewhere.leaving(there)
    with pytest.raises(Refused) as refused:
        reported(there, report(envelope_id=ref))
    assert refused.value.failure is Failure.SERVICE_BUSY
    there.gateway.database.write(lambda tx: items.finish(tx, item))
    assert reported(there, report(envelope_id=ref)) == (Withdrawal(PATIENT_THERE, ref),)


def test_the_report_and_what_it_takes_back_stand_in_one_commit(there: Site) -> None:
    opened(there)
    raw = report(envelope_id=REF)
    for verdict in (Refuse(Reason.SENDER_NOT_YOURS, ()), Permit(())):
        arriving = Arrival(
            None, (parse_address(MARTIN),), raw, Role.PROFESSIONAL, operator=OPERATOR
        )
        again = withdrawals.taking(
            there.gateway, None, OPERATOR, scan(raw), lambda _tx, verdict=verdict: verdict
        )
        with contextlib.suppress(Refused):
            arrival.accept(there.gateway, arriving, lambda _judged, _to: Permit(()), again)
        there.work()
        is_taken = isinstance(verdict, Permit)
        assert (state(there) is None) is is_taken
        assert len(there.kept(MARTIN)) == is_taken


def test_of_anything_else_the_rules_alone_are_asked(there: Site) -> None:
    assert withdrawals.taking(there.gateway, None, OPERATOR, scan(simple()), None) is None
