"""What to fetch for which certificates, and which hosts may be asked."""

from datetime import timedelta

import pytest

from mss_gateway.directory import revocation_sources
from mss_gateway.directory.revocation_sources import (
    ADDRESS_OCTETS,
    ADDRESSES,
    EXAMPLES,
    GET_OCTETS,
    LEVELS,
    Hosts,
    Needed,
    Plan,
    Planner,
    allowed_hosts,
    ocsp_address,
)
from tests.support.status_site import DAY, Issuer, key, moment
from tests.unit.mss_gateway.directory.conftest import NOW

AT = moment(NOW)
ROOT = Issuer.root(AT)
EVERY = Hosts(frozenset({"crl.example", "ocsp.example", "autre.example"}))
LIST, OTHER, ASK = "http://crl.example/a.crl", "http://autre.example/b", "http://ocsp.example/"


def plan(*others: object, hosts: Hosts = EVERY, **named: object) -> Plan:
    needed = Needed((ROOT.certificate,), others=others, **named)  # type: ignore[arg-type]
    return Planner().plan(needed, hosts, AT)


# whom we may ask


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("http://crl.example/a", True),
        ("HTTP://CRL.EXAMPLE/a", True),
        ("http://crl.example:80/a", True),
        ("https://crl.example/a", True),
        ("http://crl.example:8080/a", False),
        ("http://crl.example:443/a", False),
        ("http://own.example:8080/a", True),
        ("http://own.example/a", False),
        ("http://[::1]:8080/", True),
        ("http://[::1]/", False),
        ("http://evil.example/a", False),
        ("http://crl.example.evil.example/", False),
        ("http://crl.example@evil.example/", False),
        ("http://evil.example\\@crl.example/", False),
        ("http://somebody@crl.example/", False),
        ("http://crl.example\\.evil.example/", False),
        ("http://crl.example /", False),
        ("http://crl.example/a\r\nX: 1", False),
        ("http://crl.example/é", False),
        ("ldap://crl.example/a", False),
        ("file:///etc/passwd", False),
        ("//crl.example/a", False),
        ("http://", False),
        ("http://[/", False),
        ("http://crl.example:x/", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("", False),
    ],
)
def test_only_hosts_that_were_named_are_asked(url: str, is_allowed: bool) -> None:
    hosts = Hosts(frozenset({"crl.example", "own.example:8080", "::1:8080"}))
    assert hosts.allow(url) is is_allowed


def test_an_address_has_a_greatest_length() -> None:
    start = "http://crl.example/"
    assert EVERY.allow(start + "a" * (ADDRESS_OCTETS - len(start)))
    assert not EVERY.allow(start + "a" * (ADDRESS_OCTETS - len(start) + 1))


def test_what_a_correspondent_names_opens_no_host() -> None:
    anchor = ROOT.intermediate(AT, "Configurée", 6, lists=["http://ours.example:81/r.crl"])
    mine = anchor.leaf(AT, responders=["http://asked.example/"])
    theirs = anchor.leaf(AT, lists=["http://169.254.169.254/"], responders=["http://evil.example/"])
    offered = anchor.intermediate(AT, "Inconnue", 4, lists=["http://evil.example/x"])
    needed = Needed((anchor.certificate,), (mine,), (theirs,), (offered.certificate,))
    named = {"ours.example:81", "asked.example:80"}
    assert allowed_hosts((), needed) == Hosts(frozenset(named))
    more = allowed_hosts(("MORE.example", "[::1]:82"), needed)
    assert more == Hosts(frozenset({*named, "more.example", "::1:82"}))
    made = Planner().plan(needed, allowed_hosts((), needed), AT)
    assert [source.url for source in made.lists + made.questions] == ["http://asked.example/"]
    assert made.unserved == 2  # theirs, and the intermediate that came along


# what to fetch


def test_a_list_is_one_source_for_all_whom_it_is_about() -> None:
    first, second = ROOT.leaf(AT, lists=[LIST]), ROOT.leaf(AT, lists=[LIST, OTHER])
    made = plan(first, second)
    assert [source.url for source in made.lists] == [LIST, OTHER]
    assert [source.kind for source in made.lists] == ["crl", "crl"]
    assert made.lists[0].about == ((first, ROOT.certificate),)  # one example of an issuer is enough
    assert (made.questions, made.unserved) == ((), 0)


def test_a_list_of_several_issuers_is_tried_on_each_up_to_a_number() -> None:
    issuers = [Issuer.root(AT, signing=key(number)) for number in range(EXAMPLES + 1)]
    leaves = [issuer.leaf(AT, lists=[LIST]) for issuer in issuers]
    needed = Needed(tuple(issuer.certificate for issuer in issuers), others=tuple(leaves))
    (source,) = Planner().plan(needed, EVERY, AT).lists
    assert [leaf for leaf, _ in source.about] == leaves[:EXAMPLES]


def test_a_question_is_asked_unless_a_list_answers() -> None:
    leaf = ROOT.leaf(AT, lists=[LIST, "http://evil.example/"], responders=[ASK, OTHER])
    made = plan(leaf)
    (question,) = made.questions
    assert (question.kind, question.url, question.others) == ("ocsp", ASK, (OTHER,))
    assert question.unless == (LIST,)
    assert question.about == ((leaf, ROOT.certificate),)


def test_questions_have_a_name_each_and_lists_have_theirs() -> None:
    leaves = [ROOT.leaf(AT, lists=[LIST], responders=[ASK]) for _ in range(3)]
    made = plan(*leaves)
    names = {source.name for source in (*made.lists, *made.questions)}
    assert len(names) == 4
    assert plan(*leaves) == made


def test_an_authority_below_an_anchor_has_a_status_too() -> None:
    below = ROOT.intermediate(AT, "Dessous", 6, lists=[OTHER])
    needed = Needed((ROOT.certificate, below.certificate))
    (source,) = Planner().plan(needed, EVERY, AT).lists
    assert source.about == ((below.certificate, ROOT.certificate),)


def test_an_intermediate_that_came_along_counts_when_an_authority_vouches_for_it() -> None:
    middle = ROOT.intermediate(AT, "Milieu", 6, lists=[OTHER])
    below = middle.intermediate(AT, "Dessous", 4)
    leaf = below.leaf(AT, lists=[LIST])
    offered = (below.certificate, middle.certificate)
    assert [source.url for source in plan(leaf, offered=offered).lists] == [OTHER, LIST]
    assert plan(leaf, offered=offered[:1]).lists == ()
    assert plan(leaf, offered=(ROOT.leaf(AT), *offered[:1])).lists == ()


def test_intermediates_go_down_to_a_depth() -> None:
    issuers = [ROOT]
    for number in range(LEVELS + 1):
        issuers.append(issuers[-1].intermediate(AT, f"Niveau {number}", 6))
    leaves = [issuer.leaf(AT, lists=[f"{OTHER}{n}"]) for n, issuer in enumerate(issuers)]
    made = plan(*leaves, offered=tuple(issuer.certificate for issuer in issuers[1:]))
    assert len(made.lists) == 1 + LEVELS


def test_nobody_is_asked_about_who_is_no_business_of_ours() -> None:
    stranger = Issuer.root(AT, signing=key(7))  # of the same name
    assert plan(stranger.leaf(AT, lists=[LIST])) == Plan((), (), 0)
    own = ROOT.leaf(AT, lists=[LIST])
    assert plan(own, known=(ROOT.certificate,)) == Plan((), (), 0)
    assert plan(ROOT.leaf(AT, lists=[LIST], days=1)).lists
    needed = Needed((ROOT.certificate,), others=(ROOT.leaf(AT, lists=[LIST], days=1),))
    later = AT + DAY + timedelta(seconds=1)
    assert Planner().plan(needed, EVERY, later) == Plan((), (), 0)


def test_who_names_no_address_that_may_be_asked_is_counted() -> None:
    assert plan(ROOT.leaf(AT), ROOT.leaf(AT, lists=["http://evil.example/"])).unserved == 2


def test_addresses_lists_and_questions_have_a_greatest_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [f"http://crl.example/{number}" for number in range(ADDRESSES + 1)]
    assert len(plan(ROOT.leaf(AT, lists=many)).lists) == ADDRESSES
    (question,) = plan(ROOT.leaf(AT, responders=many)).questions
    assert len(question.others) == ADDRESSES - 1
    leaves = [ROOT.leaf(AT, lists=[url], responders=[ASK]) for url in many[:4]]
    monkeypatch.setattr(revocation_sources, "LISTS", 3)
    monkeypatch.setattr(revocation_sources, "QUESTIONS", 2)
    made = plan(*leaves, ROOT.leaf(AT, lists=[many[0]]))
    assert (len(made.lists), len(made.questions)) == (3, 2)


def test_a_planner_notices_that_others_may_vouch_now() -> None:
    other = Issuer.root(AT, "Une autre", signing=key(7))
    leaf, planner = other.leaf(AT, lists=[LIST]), Planner()
    before = Needed((ROOT.certificate,), others=(leaf,))
    assert planner.plan(before, EVERY, AT).lists == ()
    after = Needed((ROOT.certificate, other.certificate), others=(leaf,))
    assert len(planner.plan(after, EVERY, AT).lists) == 1
    assert planner.plan(before, EVERY, AT).lists == ()


def test_signatures_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []
    issuer_among = revocation_sources.issuer_among

    def counted(certificate: object, authorities: object) -> object:
        checked.append(certificate)
        return issuer_among(certificate, authorities)  # type: ignore[arg-type]

    monkeypatch.setattr(revocation_sources, "issuer_among", counted)
    planner, leaf = Planner(), ROOT.leaf(AT, lists=[LIST])
    for _ in range(3):
        planner.plan(Needed((ROOT.certificate,), others=(leaf,)), EVERY, AT)
    assert checked == [leaf]


# how to ask


@pytest.mark.parametrize("url", ["http://ocsp.example", "http://ocsp.example/"])
def test_a_short_request_goes_into_the_address(url: str) -> None:
    assert ocsp_address(url, b"\xfb\xff\xfe") == "http://ocsp.example/%2B%2F%2F%2B"


def test_a_long_one_does_not() -> None:
    longest = (GET_OCTETS - 3) // 4 * 3
    assert ocsp_address(ASK, b"x" * longest) is not None
    assert ocsp_address(ASK, b"x" * (longest + 1)) is None
    assert ocsp_address("http://ocsp.example/" + "a" * 2_000, b"x" * 30) is None
