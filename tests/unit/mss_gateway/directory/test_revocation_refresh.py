"""Rounds of fetching, against servers on loopback: what is kept, and what leaves the last good."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from certs.certificate import Certificate
from certs.cms import der
from certs.status.ocsp import MAX_OCTETS
from certs.status.revocation import Good, Revoked, Status, Unknown
from mailbox_store.database import Database
from mailbox_store.errors import StoreFailed
from mailbox_store.vault import AccountId
from mss_gateway.directory import (
    fetching,
    revocation_answers,
    revocation_asking,
    revocation_refresh,
)
from mss_gateway.directory.revocation import Kept
from mss_gateway.directory.revocation_refresh import AT_ONCE, PATIENCE, Refresh, Timing
from mss_gateway.directory.revocation_sources import Needed
from mss_gateway.directory.revocation_survey import Survey
from mss_gateway.queue import spooled
from tests.support.nulls import NullSealing
from tests.support.status_site import (
    DAY,
    SHA256,
    Asked,
    Issuer,
    Reply,
    StatusSite,
    key,
    moment,
    refusal,
    serving,
)
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

AT = moment(NOW)
ROOT = Issuer.root(AT)
TIMING = Timing(refresh=3_600, least=60, most=900, jitter=0)

BIG_LIST_ENTRIES = int(os.environ.get("MSS_BIG_LIST_ENTRIES", "20000"))
"""Of the big list; 1,500,000 entries have some 52 MB, which takes a minute."""


@dataclass
class Site:
    """A gateway's answers, and a server that publishes."""

    database: Database
    account_id: AccountId
    server: StatusSite
    clock: Clock
    needed: Needed = field(default_factory=lambda: Needed((ROOT.certificate,)))
    hosts: tuple[str, ...] = ()
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    kept: Kept = field(init=False)
    refresh: Refresh = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, timing: Timing = TIMING) -> None:
        """As a process that has just started: nothing is remembered but what is in the store."""
        self.kept = Kept(self.account_id)
        self.refresh = Refresh(
            self.database,
            self.kept,
            lambda view: self.needed,
            hosts=self.hosts or (self.server.host,),
            timing=timing,
            clock=self.clock,
            tell=lambda kind, outcome: self.outcomes.append((kind, outcome)),
        )

    def need(self, *certificates: Certificate, issuer: Issuer = ROOT) -> None:
        self.needed = Needed((issuer.certificate,), others=certificates)

    def run(self) -> Survey:
        """One round; the outcomes are those of this round."""
        self.outcomes.clear()
        return self.refresh.run_once()

    def wait(self, seconds: float) -> Survey:
        self.clock.now += seconds
        return self.run()

    def status(self, certificate: Certificate, issuer: Issuer = ROOT) -> Status:
        with self.database.read() as view:
            at = moment(self.clock())
            return self.kept.status(view, certificate, issuer.certificate, at)


@pytest.fixture
def server() -> Iterator[StatusSite]:
    with serving() as served:
        yield served


@pytest.fixture
def site(database: Database, server: StatusSite, clock: Clock) -> Iterator[Site]:
    made = Site(database, database.write(spooled.spool_account), server, clock)
    yield made
    made.refresh.close()


@pytest.fixture
def leaf(server: StatusSite) -> Certificate:
    """Whose list is at the server."""
    return ROOT.leaf(AT, lists=[f"{server.url}/a.crl"])


@pytest.fixture
def asked_leaf(server: StatusSite) -> Certificate:
    """Who has a responder only."""
    return ROOT.leaf(AT, responders=[f"{server.url}/ocsp"])


def trouble(survey: Survey) -> list[str]:
    return [line.trouble for line in survey.lines]


# lists that are good


def test_a_list_is_fetched_once_and_answers(site: Site, leaf: Certificate) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT))
    survey = site.run()
    assert site.outcomes == [("crl", "kept")]
    assert (survey.stale, survey.failing, survey.oldest_seconds) == (0, 0, 0)
    assert site.status(leaf) == Good()
    site.run()
    assert (site.outcomes, len(site.server.asked)) == ([], 1)


def test_it_is_asked_for_again_well_before_it_ends(site: Site, leaf: Certificate) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT, days=1 / 24))
    assert site.run().due_at == NOW + 1_800
    site.wait(1_799)
    assert site.outcomes == []
    survey = site.wait(1)
    assert site.outcomes == [("crl", "unchanged")]
    assert survey.due_at == NOW + 1_800 + 900


def test_a_list_that_lasts_is_asked_for_every_hour(site: Site, leaf: Certificate) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT, days=30))
    assert site.run().due_at == NOW + 3_600
    taken_back = ROOT.crl(AT + timedelta(minutes=30), [leaf], days=30)
    site.server.publish(taken_back)
    site.wait(3_600)
    assert isinstance(site.status(leaf), Revoked)


def test_what_has_not_changed_is_only_confirmed(site: Site, leaf: Certificate) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT), ETag='"7"')
    site.run()
    site.server.fail(304)
    survey = site.wait(3_600)
    assert site.outcomes == [("crl", "unchanged")]
    assert site.server.asked[-1].headers["If-None-Match"] == '"7"'
    assert (survey.oldest_seconds, survey.failing) == (0, 0)
    assert site.status(leaf) == Good()


def test_a_list_that_has_ended_is_asked_for_whole(site: Site, leaf: Certificate) -> None:
    """A server that says that an ended list is current gets no chance to say so."""
    site.need(leaf)
    site.server.publish(ROOT.crl(AT), ETag='"7"')
    site.run()
    site.server.fail(304)
    survey = site.wait(8 * 86_400)
    assert "If-None-Match" not in site.server.asked[-1].headers
    assert (site.outcomes, trouble(survey)) == ([("crl", "failed")], ["answered 304"])
    assert site.status(leaf) == Unknown()


def test_a_big_list_is_taken(site: Site, leaf: Certificate) -> None:
    """Its size at a trusted authority is set by MSS_BIG_LIST_ENTRIES."""
    site.need(leaf)
    other = ROOT.leaf(AT)
    site.server.publish(big_list(BIG_LIST_ENTRIES, other))
    site.run()
    assert site.outcomes == [("crl", "kept")]
    assert site.status(leaf) == Good()
    assert isinstance(site.status(other), Revoked)


def big_list(entries: int, revoked: Certificate) -> bytes:
    """A list put together by hand: the library takes a minute for a hundred thousand lines."""
    outer = der.Reader(ROOT.crl(AT, [revoked])).enter(der.SEQUENCE)
    parts, inner = [], outer.enter(der.SEQUENCE)
    algorithm = outer.element()
    while inner.peek() >= 0:
        parts.append(inner.element())
    line, time = der.Reader(parts[5]).content(der.SEQUENCE), der.time(AT - DAY)
    serials = (der.integer((1 << 126) + number) for number in range(entries))
    lines = b"".join(der.tlv(der.SEQUENCE, serial, time) for serial in serials)
    parts[5] = der.tlv(der.SEQUENCE, lines, line)
    signed = der.tlv(der.SEQUENCE, *parts)
    signature = key().sign(signed, ec.ECDSA(SHA256))
    return der.tlv(der.SEQUENCE, signed, algorithm, der.tlv(der.BIT_STRING, b"\x00", signature))


# what leaves the last good one


DELTA = (x509.DeltaCRLIndicator(1), True)
STRANGE = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
ONLY_AUTHORITIES = (
    x509.IssuingDistributionPoint(None, None, False, True, None, False, False),
    True,
)

BAD_LISTS = {
    "stale": (lambda: ROOT.crl(AT - 3 * DAY, days=1), "stale"),
    "of a time to come": (lambda: ROOT.crl(AT + DAY), "of a time to come"),
    "wrong signer": (
        lambda: Issuer.root(AT, signing=key(7)).crl(AT),
        "not signed by the issuer",
    ),
    "of another issuer": (
        lambda: Issuer.root(AT, "Une autre").crl(AT),
        "not signed by the issuer",
    ),
    "delta": (
        lambda: ROOT.crl(AT, extensions=[DELTA]),
        "a delta list where a complete one is needed",
    ),
    "unknown extension": (
        lambda: ROOT.crl(AT, extensions=[STRANGE]),
        "a list with a critical extension that we do not know",
    ),
    "partial": (
        lambda: ROOT.crl(AT, extensions=[ONLY_AUTHORITIES]),
        "a list about other certificates",
    ),
    "altered": (lambda: ROOT.crl(AT)[:-1] + b"\x00", "not signed by the issuer"),
    "html": (lambda: b"<html>Captive portal</html>", "not a revocation list"),
    "empty": (lambda: b"", "not a revocation list"),
    "cut": (lambda: ROOT.crl(AT)[:-5], "not a revocation list"),
    "pem": (lambda: b"-----BEGIN X509 CRL-----\n", "not a revocation list"),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_list_that_is_not_good_is_not_kept(site: Site, leaf: Certificate, name: str) -> None:
    made, words = BAD_LISTS[name]
    site.need(leaf)
    site.server.publish(made())
    survey = site.run()
    assert (site.outcomes, trouble(survey)) == ([("crl", "refused")], [words])
    assert (survey.stale, survey.failing) == (1, 1)
    assert site.status(leaf) == Unknown()


@pytest.mark.parametrize("name", BAD_LISTS)
def test_and_it_does_not_take_the_place_of_a_good_one(
    site: Site, leaf: Certificate, name: str
) -> None:
    made, _ = BAD_LISTS[name]
    site.need(leaf)
    site.server.publish(ROOT.crl(AT - DAY))
    site.run()
    site.server.publish(made())
    survey = site.wait(3_600)
    assert (survey.stale, survey.failing, survey.oldest_seconds) == (0, 1, 3_600)
    assert site.outcomes[0][1] == "refused"
    assert site.status(leaf) == Good()


def test_time_does_not_go_back_to_a_list_before_the_revocation(
    site: Site, leaf: Certificate
) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT, [leaf]))
    site.run()
    site.server.publish(ROOT.crl(AT - timedelta(hours=1)))  # signed, and still fresh
    survey = site.wait(3_600)
    assert site.outcomes == [("crl", "refused")]
    assert trouble(survey) == ["older than the one that is kept"]
    assert isinstance(site.status(leaf), Revoked)


def unreachable(site: Site) -> str:
    """A port of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_server_that_is_away_is_a_failure(site: Site) -> None:
    host = unreachable(site)
    site.hosts = (host,)
    site.begin()
    leaf = ROOT.leaf(AT, lists=[f"http://{host}/"])
    site.need(leaf)
    survey = site.run()
    assert (site.outcomes, trouble(survey)) == ([("crl", "failed")], ["unreachable"])
    assert site.status(leaf) == Unknown()


def test_a_server_that_is_slow_is_let_go(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_asking, "LIST_SECONDS", 0.2)
    site.need(leaf)
    whole = ROOT.crl(AT)
    site.server.answer = lambda asked: Reply(
        whole[:50], announce=len(whole), wait=threading.Event()
    )
    assert trouble(site.run()) == ["too slow"]


def test_a_list_that_is_too_big_is_let_go(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ROOT.crl(AT)
    site.need(leaf)
    site.server.publish(whole)
    monkeypatch.setattr(revocation_asking, "LIST_OCTETS", len(whole) - 1)
    assert trouble(site.run()) == ["too big"]
    monkeypatch.setattr(revocation_asking, "LIST_OCTETS", len(whole))
    site.wait(60)
    assert site.outcomes == [("crl", "kept")]


def test_a_server_that_sends_us_elsewhere_is_not_obeyed(site: Site, leaf: Certificate) -> None:
    with serving() as elsewhere:
        elsewhere.publish(ROOT.crl(AT))
        by_name = elsewhere.url.replace("127.0.0.1", "localhost")
        site.need(leaf)
        site.server.answer = lambda asked: Reply(status=302, headers={"Location": by_name})
        assert trouble(site.run()) == ["redirected elsewhere"]
        assert elsewhere.asked == []


def test_a_host_that_only_a_correspondent_names_is_never_asked(site: Site) -> None:
    with serving() as elsewhere:
        site.need(ROOT.leaf(AT, lists=[elsewhere.url], responders=[elsewhere.url]))
        survey = site.run()
        assert (elsewhere.asked, survey.lines, survey.unserved) == ([], (), 1)


# how often


def test_failures_are_tried_again_less_and_less_often(site: Site, leaf: Certificate) -> None:
    site.need(leaf)
    site.server.fail(503)
    waits = []
    for _ in range(7):
        survey = site.run()
        waits.append(survey.due_at - site.clock.now)
        site.clock.now = survey.due_at
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    site.server.publish(ROOT.crl(AT))
    assert (site.run().failing, site.outcomes) == (0, [("crl", "kept")])


@pytest.mark.parametrize(
    ("next_update", "chance", "wait"),
    [
        (NOW + 100_000, 0, 3_600),
        (NOW + 100_000, 1, 2_880),
        (NOW + 1_000, 0, 500),
        (NOW + 1_000, 0.5, 450),
        (NOW + 10, 0, 60),
        (NOW - 10, 1, 48),
    ],
)
def test_chance_takes_off_a_part_of_each_wait(next_update: int, chance: float, wait: int) -> None:
    assert Timing().after_answer(NOW, next_update, chance) == NOW + wait


def test_a_host_that_is_away_is_left_alone_for_the_round(site: Site) -> None:
    leaves = [ROOT.leaf(AT, lists=[f"{site.server.url}/{n}"]) for n in range(3 * PATIENCE)]
    site.need(*leaves)
    site.server.fail(500)
    site.run()
    # those under way when patience ended come to their end
    assert PATIENCE <= len(site.server.asked) < PATIENCE + AT_ONCE
    before = len(site.server.asked)
    site.run()
    assert len(site.server.asked) > before  # the others have their turn


def test_a_round_asks_a_limited_number_and_those_due_first_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation_refresh, "IN_ONE_ROUND", 2)
    leaves = [ROOT.leaf(AT, lists=[f"{site.server.url}/{n}"]) for n in range(5)]
    site.need(*leaves)
    site.server.publish(ROOT.crl(AT))
    for stale in (3, 1, 0, 0):
        assert site.run().stale == stale
    assert len({asked.path for asked in site.server.asked}) == 5


def test_few_fetches_are_under_way_together(site: Site) -> None:
    leaves = [ROOT.leaf(AT, lists=[f"{site.server.url}/{n}"]) for n in range(8)]
    site.need(*leaves)
    lock, under_way, most = threading.Lock(), 0, 0
    crl = ROOT.crl(AT)

    def answer(asked: Asked) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.02)
        with lock:
            under_way -= 1
        return Reply(crl)

    site.server.answer = answer
    site.run()
    assert (len(site.server.asked), most <= AT_ONCE) == (8, True)


# answers about one certificate


def answering(issuer: Issuer = ROOT, **how: object) -> object:
    """A responder that answers what it is asked, about certificates that it is told of."""

    def answer(asked: Asked) -> Reply:
        question = asked.question
        certificate = how["about"]
        naming = question.hash_algorithm
        others = {name: value for name, value in how.items() if name != "about"}
        return Reply(issuer.answer(certificate, AT, naming=naming, **others))  # type: ignore[arg-type]

    return answer


def test_a_responder_is_asked_by_get(site: Site, asked_leaf: Certificate) -> None:
    site.need(asked_leaf)
    site.server.answer = answering(about=asked_leaf)  # type: ignore[assignment]
    survey = site.run()
    assert site.outcomes == [("ocsp", "kept")]
    (asked,) = site.server.asked
    assert (asked.method, asked.question.serial_number) == ("GET", asked_leaf.serial_number)
    assert asked.headers["Accept"] == "application/ocsp-response"
    assert (site.status(asked_leaf), survey.stale) == (Good(), 0)
    assert survey.due_at == NOW + 3_600


def test_a_responder_that_takes_posts_only_gets_one(site: Site, asked_leaf: Certificate) -> None:
    site.need(asked_leaf)
    good = answering(about=asked_leaf)

    def answer(asked: Asked) -> Reply:
        return Reply(status=405) if asked.method == "GET" else good(asked)  # type: ignore[operator, no-any-return]

    site.server.answer = answer
    site.run()
    assert site.outcomes == [("ocsp", "kept")]
    assert site.server.asked[1].headers["Content-Type"] == "application/ocsp-request"


@pytest.mark.parametrize(
    "status", [ocsp.OCSPResponseStatus.UNAUTHORIZED, ocsp.OCSPResponseStatus.MALFORMED_REQUEST]
)
def test_a_responder_that_knows_sha_1_only_is_asked_so(
    site: Site, asked_leaf: Certificate, status: ocsp.OCSPResponseStatus
) -> None:
    site.need(asked_leaf)
    good = answering(about=asked_leaf)

    def answer(asked: Asked) -> Reply:
        if asked.question.hash_algorithm.name != "sha1":
            return Reply(refusal(status))
        return good(asked)  # type: ignore[operator, no-any-return]

    site.server.answer = answer
    site.run()
    assert (site.outcomes, len(site.server.asked)) == ([("ocsp", "kept")], 2)


BAD_ANSWERS: dict[str, tuple[dict[str, object], str]] = {
    "unknown": ({"unknown": True}, "status_unknown"),
    "stale": ({"days": -0.5}, "stale"),
    "wrong signer": ({"by": Issuer.root(AT, signing=key(7))}, "responder_not_authorised"),
    "another's responder": (
        {"by": Issuer.root(AT, signing=key(7)).responder(AT)},
        "signature_wrong",
    ),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_that_is_not_good_leaves_the_last_good_one(
    site: Site, asked_leaf: Certificate, name: str
) -> None:
    how, word = BAD_ANSWERS[name]
    site.need(asked_leaf)
    site.server.answer = answering(about=asked_leaf, **how)  # type: ignore[assignment]
    survey = site.run()
    assert (site.outcomes, trouble(survey)) == ([("ocsp", "refused")], [word])
    assert site.status(asked_leaf) == Unknown()
    site.server.answer = answering(about=asked_leaf)  # type: ignore[assignment]
    site.wait(60)
    site.server.answer = answering(about=asked_leaf, **how)  # type: ignore[assignment]
    survey = site.wait(3_600)
    assert (survey.failing, survey.stale) == (1, 0)
    assert site.status(asked_leaf) == Good()


def test_an_answer_that_is_too_big_is_none(site: Site, asked_leaf: Certificate) -> None:
    site.need(asked_leaf)
    site.server.publish(bytes(MAX_OCTETS + 1))
    assert trouble(site.run()) == ["too big"]
    site.server.publish(bytes(MAX_OCTETS))
    assert trouble(site.wait(60)) == ["malformed"]


def test_a_revoked_certificate_is_revoked_from_the_next_round_on(
    site: Site, asked_leaf: Certificate
) -> None:
    site.need(asked_leaf)
    site.server.answer = answering(about=asked_leaf)  # type: ignore[assignment]
    site.run()
    taken_back = ROOT.answer(asked_leaf, AT + timedelta(minutes=5), revoked=True)
    site.server.publish(taken_back)
    site.wait(3_600)
    assert isinstance(site.status(asked_leaf), Revoked)
    site.server.publish(ROOT.answer(asked_leaf, AT))  # of before, and fresh still
    assert trouble(site.wait(3_600)) == ["older than the one that is kept"]
    assert isinstance(site.status(asked_leaf), Revoked)


def test_another_responder_is_asked_when_the_first_is_away(site: Site) -> None:
    away = unreachable(site)
    site.hosts = (away, site.server.host)
    site.begin()
    leaf = ROOT.leaf(AT, responders=[f"http://{away}/", f"{site.server.url}/b"])
    site.need(leaf)
    site.server.answer = answering(about=leaf)  # type: ignore[assignment]
    assert (site.run().stale, site.status(leaf)) == (0, Good())
    site.server.fail(500)
    assert trouble(site.wait(3_600)) == ["unreachable"]  # what the first one came to


def test_nobody_is_asked_about_a_certificate_that_a_list_covers(site: Site) -> None:
    leaf = ROOT.leaf(AT, lists=[f"{site.server.url}/a.crl"], responders=[f"{site.server.url}/ocsp"])
    site.need(leaf)
    good, crl, has_list = answering(about=leaf), ROOT.crl(AT, days=1), True

    def answer(asked: Asked) -> Reply:
        if asked.path == "/a.crl":
            return Reply(crl) if has_list else Reply(status=500)
        return good(asked)  # type: ignore[operator, no-any-return]

    site.server.answer = answer
    assert len(site.run().lines) == 1
    assert [asked.path for asked in site.server.asked] == ["/a.crl"]
    has_list = False
    survey = site.wait(86_000)
    assert (len(survey.lines), site.outcomes) == (1, [("crl", "failed")])
    survey = site.wait(401)  # the list has ended
    assert [line.source.kind for line in survey.lines] == ["crl", "ocsp"]
    assert ("ocsp", "refused") in site.outcomes  # that answer has ended too
    assert site.status(leaf) == Unknown()


# what lasts


def test_answers_survive_a_restart(site: Site, leaf: Certificate, asked_leaf: Certificate) -> None:
    site.need(leaf, asked_leaf)
    crl, good = ROOT.crl(AT), answering(about=asked_leaf)
    site.server.answer = lambda asked: (
        Reply(crl) if asked.path == "/a.crl" else good(asked)  # type: ignore[operator]
    )
    site.run()
    before = len(site.server.asked)
    assert before == 2
    path = site.database.url
    site.database.close()
    site.database = Database.open(path, NullSealing(), clock=site.clock)
    try:
        site.begin()
        assert (site.status(leaf), site.status(asked_leaf)) == (Good(), Good())
        survey = site.run()
        assert (survey.stale, len(site.server.asked)) == (0, before)  # and nobody asks too soon
    finally:
        site.database.close()


def test_who_is_not_needed_any_more_is_forgotten_when_the_answer_ends(
    site: Site, leaf: Certificate
) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT, days=1))
    site.run()
    site.need()
    assert site.run().lines == ()
    assert site.status(leaf) == Good()
    site.wait(86_401)
    with site.database.read() as view:
        for table in ("revocation_answers", "revocation_pieces"):
            assert view.sql(f"SELECT count(*) FROM {table}").scalar_one() == 0
    assert len(site.server.asked) == 1


def test_a_list_is_ready_before_a_message_asks(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT))
    site.run()
    monkeypatch.setattr(revocation_answers, "load", None)  # reading would fail
    assert site.status(leaf) == Good()


def test_after_a_restart_lists_are_ready_before_anybody_is_asked(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT))
    site.run()
    site.begin()
    ready: list[int] = []
    fetch = site.refresh._fetch_due
    monkeypatch.setattr(
        site.refresh,
        "_fetch_due",
        lambda sources: (ready.append(len(site.kept._lists)), fetch(sources)),
    )
    site.run()
    assert ready == [1, 1]


def test_no_socket_is_opened_to_answer(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.need(leaf)
    site.server.publish(ROOT.crl(AT))
    site.run()
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setattr(fetching.Fetcher, "fetch", None)
    assert site.status(leaf) == Good()
    assert site.status(ROOT.leaf(AT, lists=[f"{site.server.url}/other"])) == Good()
    stranger = Issuer.root(AT, "Une autre")
    assert site.status(stranger.leaf(AT, lists=[site.server.url]), stranger) == Unknown()


# what goes wrong on our side


def test_a_bug_about_one_source_is_no_end_of_the_others(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ROOT.leaf(AT, lists=[f"{site.server.url}/b.crl"])
    site.need(leaf, other)
    site.server.publish(ROOT.crl(AT))
    dates = revocation_asking._dates_of_list

    def broken(der: bytes, source: object, at: object) -> object:
        if getattr(source, "url", "").endswith("/a.crl"):
            raise ZeroDivisionError
        return dates(der, source, at)  # type: ignore[arg-type]

    monkeypatch.setattr(revocation_asking, "_dates_of_list", broken)
    with structlog.testing.capture_logs() as logged:
        survey = site.run()
    assert sorted(site.outcomes) == [("crl", "kept"), ("crl", "refused")]
    assert sorted(trouble(survey)) == ["", "ZeroDivisionError"]
    assert [line["log_level"] for line in logged] == ["error", "info"]


def test_a_store_that_takes_nothing_ends_the_round(
    site: Site, leaf: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(work: object) -> None:
        raise StoreFailed("the disk is gone")

    site.need(leaf)
    site.server.publish(ROOT.crl(AT))
    monkeypatch.setattr(site.database, "write", refuse)
    with pytest.raises(StoreFailed):
        site.run()


def test_closing_ends_what_is_under_way_and_puts_no_failure_on_record(
    site: Site, leaf: Certificate
) -> None:
    begun = threading.Event()

    def stall(asked: Asked) -> Reply:
        begun.set()
        return Reply(b"x", announce=8, wait=threading.Event())

    site.need(leaf)
    site.server.answer = stall
    thread = threading.Thread(target=site.run)
    thread.start()
    assert begun.wait(10)
    site.refresh.close()
    thread.join(10)
    assert not thread.is_alive()
    with site.database.read() as view:
        assert view.sql("SELECT count(*) FROM revocation_answers").scalar_one() == 0


def test_the_log_names_no_host_and_nobody(site: Site, leaf: Certificate, tmp_path: Path) -> None:
    site.need(leaf)
    site.server.fail(500)
    with structlog.testing.capture_logs() as logged:
        site.run()
    assert logged == [
        {
            "event": "revocation answer not taken",
            "log_level": "info",
            "stage": "crl",
            "failure": "answered 500",
        }
    ]
