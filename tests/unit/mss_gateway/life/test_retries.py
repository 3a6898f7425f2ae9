"""A message that is handed over twice: the same octets, author, reverse-path and recipient."""

import pytest

from mailbox_store import acceptances
from mss_gateway.life import retries, submission
from mss_gateway.message.parse import scan
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, PATIENT, Site, simple

NAMED = simple(fields="Message-ID: <un@mss.example>\r\n")


def send(site: Site, raw: bytes, *recipients: str, author: str = MARTIN) -> str:
    sent = site.submission(author, recipients or (DUBOIS,), raw)
    return submission.accept(site.gateway, sent).message_ref


def collapsed(site: Site) -> float:
    value: float = site.gateway.metrics.collapsed.labels("submission")._value.get()
    return value


def test_a_retry_stores_nothing_and_is_told_the_first_reference(site: Site) -> None:
    first = send(site, NAMED, DUBOIS, PATIENT)
    before = site.counts()
    assert send(site, NAMED, DUBOIS, PATIENT) == first
    assert site.counts() == before
    assert collapsed(site) == 1
    assert site.acts("store")[-1] == "retry collapsed"


@pytest.mark.parametrize(
    ("fields", "is_named"),
    [
        ("Message-ID: <un@mss.example>\r\n", True),
        ("Date: Sun, 22 Nov 2026 08:05:09 +0100\r\n", True),
        ("X-Mss: un\r\n", False),
    ],
)
def test_a_message_without_a_name_or_time_of_its_own_is_meant_each_time(
    fields: str, is_named: bool, site: Site
) -> None:
    raw = simple(fields=fields)
    assert retries.is_named(scan(raw)) is is_named
    assert (send(site, raw) == send(site, raw)) is is_named


def test_a_message_id_alone_makes_no_retry(site: Site) -> None:
    other = simple(fields="Message-ID: <un@mss.example>\r\n", body="Autre chose.")
    assert send(site, NAMED) != send(site, other)
    site.work()
    assert len(site.kept(DUBOIS)) == 2


def test_of_a_partial_retry_only_the_new_recipients_get_it(site: Site) -> None:
    first = send(site, NAMED, DUBOIS)
    both = send(site, NAMED, DUBOIS, PATIENT)
    assert both != first
    assert send(site, NAMED, PATIENT) == both
    assert send(site, NAMED, DUBOIS, PATIENT) == first
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, PATIENT)] == [1, 1]


def test_a_retry_with_several_forms_is_one_all_the_same(site: Site) -> None:
    """A blind recipient and one with keys of their own: three forms, one receipt."""
    first = send(site, NAMED, DUBOIS, PATIENT, BERNARD)
    assert send(site, NAMED, BERNARD, PATIENT, DUBOIS) == first
    assert send(site, NAMED, PATIENT) == first
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, PATIENT, BERNARD)] == [1, 1, 1]


def test_the_author_s_own_copy_is_not_filed_twice(site: Site) -> None:
    raw = simple(DUBOIS, fields="Message-ID: <un@mss.example>\r\n")
    first = send(site, raw, MARTIN, author=DUBOIS)
    assert send(site, raw, MARTIN, author=DUBOIS) == first
    assert len(site.kept(DUBOIS, "Sent")) == 1


def test_what_is_too_old_is_forgotten_and_swept(site: Site) -> None:
    first = send(site, NAMED)
    site.clock.pass_by(acceptances.KEPT_SECONDS + 1)
    assert retries.forget(site.gateway) == 1
    assert send(site, NAMED) != first
    assert retries.forget(site.gateway) == 0


def test_a_fingerprint_tells_nothing_and_differs_in_each_of_its_parts(site: Site) -> None:
    index = site.gateway.database.vault.index
    same = retries.handed("account:1", MARTIN, NAMED)
    others = [
        retries.handed("account:2", MARTIN, NAMED),
        retries.handed("account:1", BERNARD, NAMED),
        retries.handed("account:1", None, NAMED),
        retries.handed("account:1", MARTIN, NAMED + b"\r\n"),
    ]
    marks = {each.fingerprint(index, DUBOIS) for each in (same, *others)}
    marks.add(same.fingerprint(index, PATIENT))
    assert len(marks) == 6
    assert {len(mark) for mark in marks} == {16}
