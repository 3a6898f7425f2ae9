"""The white list in force: taken whole or not at all, the last good one kept, its age told."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.certificate import fingerprint
from mailbox_store.database import Database, Transaction
from mss_gateway.config import Config, ConfigRefused
from mss_gateway.config import State as StateSettings
from mss_gateway.config import Whitelist as Settings
from mss_gateway.directory import whitelist, whitelist_xml
from mss_gateway.directory.whitelist import (
    FORMER,
    NO_LIST,
    Brought,
    Freshness,
    Rules,
    Whitelist,
    WhitelistCache,
    WhitelistNotTaken,
    freshness,
)
from mss_gateway.directory.whitelist_signature import WhitelistUnproved
from mss_gateway.directory.whitelist_xml import WhitelistMalformed, WhitelistRefused
from tests.support.white_lists import list_signer, signed, white_list
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

AT = datetime.fromtimestamp(NOW, UTC)
PLAIN = Rules("Operateur", {})
SIGNED = Rules("Operateur", {}, (list_signer().certificate,))


def bring(
    database: Database, document: bytes, rules: Rules = PLAIN, *, force: bool = False
) -> Brought:
    candidate = whitelist.examine(document, rules, AT)
    return database.write(lambda tx: whitelist.bring(tx, candidate, rules, force=force))


def active(database: Database, rules: Rules = PLAIN) -> Whitelist:
    with database.read() as view:
        return whitelist.load(view, rules)


def dated(day: int, *domains: str) -> bytes:
    return white_list(*domains, inside=f"<DateCreation>2026-11-{day:02}</DateCreation>")


# coming in


def test_without_a_list_nobody_is_in_the_trust_space(database: Database) -> None:
    none = active(database)
    assert none is NO_LIST
    assert not none.has("a.example")
    assert none.operator_of("a.example") is None
    assert none.domains_of("a.example") == frozenset()
    assert none.domain_above("a.example") is None


def test_a_list_is_in_force_once_it_was_brought_in(database: Database) -> None:
    brought = bring(database, dated(20, "b.example", "a.example"))
    assert brought.is_new
    assert brought.difference == whitelist.Difference(("a.example", "b.example"), (), ())
    found = active(database)
    assert found.whitelist_id == brought.whitelist_id
    assert found.domains == {"a.example": "a.example", "b.example": "b.example"}
    assert (found.imported_at, found.confirmed_at) == (NOW, NOW)
    assert found.issued_at == int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    assert found.signer == ""


def test_a_new_list_replaces_the_former_whole(database: Database) -> None:
    first = bring(database, white_list("a.example", "b.example"))
    brought = bring(database, white_list("b.example", "c.example"))
    assert brought.whitelist_id > first.whitelist_id
    assert brought.difference == whitelist.Difference(("c.example",), ("a.example",), ())
    assert set(active(database).domains) == {"b.example", "c.example"}


def test_the_same_octets_again_only_confirm(database: Database, clock: Clock) -> None:
    document = white_list("a.example")
    first = bring(database, document)
    clock.now += 86_400
    again = bring(database, document)
    assert again == Brought(first.whitelist_id, False, whitelist.Difference((), (), ()))
    found = active(database)
    assert (found.imported_at, found.confirmed_at) == (NOW, NOW + 86_400)
    with database.read() as view:
        assert view.sql("SELECT count(*) FROM whitelists").scalar_one() == 1


def test_other_octets_with_the_same_domains_are_another_list(database: Database) -> None:
    first = bring(database, white_list("a.example"))
    second = bring(database, white_list("a.example") + b"\n")
    assert second.is_new
    assert second.whitelist_id != first.whitelist_id


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", WhitelistMalformed),
        (white_list(), WhitelistMalformed),
        (white_list("a.example")[:-20], WhitelistMalformed),
        (dated(19, "a.example", "b.example", "c.example"), WhitelistNotTaken),
        (white_list("a.example", "b.example", "c.example"), WhitelistNotTaken),
        (dated(21, "c.example", "d.example"), WhitelistNotTaken),
    ],
    ids=["empty", "no domain", "cut", "older", "without a date", "drops two of three"],
)
def test_the_last_good_list_stays_whenever_another_is_refused(
    database: Database, document: bytes, why: type[Exception]
) -> None:
    bring(database, dated(20, "a.example", "b.example", "c.example"))
    before = active(database)
    with pytest.raises(why):
        bring(database, document)
    assert active(database) == before


def test_the_last_good_list_stays_when_the_swap_fails_in_the_middle(database: Database) -> None:
    bring(database, white_list("a.example"))
    before = active(database)
    candidate = whitelist.examine(white_list("a.example", "b.example"), PLAIN, AT)

    def cut_short(tx: Transaction) -> None:
        whitelist.bring(tx, candidate, PLAIN)
        raise OSError("the power went")

    with pytest.raises(OSError, match="power"):
        database.write(cut_short)
    assert active(database) == before


@pytest.mark.parametrize(("kept", "of"), [(1, 2), (2, 4), (2, 3), (50, 99)])  # half may go, no more
def test_up_to_half_of_the_domains_may_go(database: Database, kept: int, of: int) -> None:
    names = [f"d{number}.example" for number in range(of)]
    bring(database, white_list(*names))
    bring(database, white_list(*names[:kept]))
    assert len(active(database).domains) == kept


@pytest.mark.parametrize(("kept", "of"), [(1, 3), (49, 99), (49, 100)])
def test_more_than_half_of_the_domains_go_only_by_force(
    database: Database, kept: int, of: int
) -> None:
    names = [f"d{number}.example" for number in range(of)]
    bring(database, white_list(*names))
    fewer = white_list(*names[:kept], "new1.example", "new2.example")
    with pytest.raises(WhitelistNotTaken, match=f"drops {of - kept} of {of} domains"):
        bring(database, fewer)
    bring(database, fewer, force=True)
    assert len(active(database).domains) == kept + 2


def test_an_older_list_comes_back_only_by_force(database: Database) -> None:
    bring(database, dated(20, "a.example"))
    older = dated(19, "a.example", "left.example")
    with pytest.raises(WhitelistNotTaken, match="is of 2026-11-19 00:00"):
        bring(database, older)
    bring(database, older, force=True)
    assert active(database).has("left.example")
    bring(database, dated(19, "a.example"))  # of the same day is not older


def test_force_takes_nothing_that_is_not_good(database: Database) -> None:
    for document in (b"", white_list(), white_list("a.example")):
        with pytest.raises(WhitelistRefused):
            bring(database, document, SIGNED, force=True)
    assert active(database) is NO_LIST


def test_a_few_former_lists_stay_on_record(database: Database) -> None:
    for number in range(FORMER + 3):
        bring(database, white_list("a.example", f"b{number}.example"))
    with database.read() as view:
        rows = view.sql("SELECT state, document FROM whitelists ORDER BY whitelist_id").fetchall()
    assert [row[0] for row in rows] == ["replaced"] * FORMER + ["active"]
    assert f"b{FORMER + 2}.example".encode() in bytes(rows[-1][1])


# signed


def test_a_signed_list_is_read_as_it_was_signed(database: Database) -> None:
    document = signed(white_list("a.example", "nowhere", "b.example"), list_signer())
    namespace = whitelist_xml.NAMESPACE
    forged = f'<Domaine xmlns="{namespace}"><Nom>x.example</Nom></Domaine></KeyInfo>'
    document = document.replace(b"</KeyInfo>", forged.encode())
    bring(database, document, SIGNED)
    found = active(database, SIGNED)
    assert set(found.domains) == {"a.example", "b.example"}
    assert found.signer == fingerprint(list_signer().certificate)
    assert whitelist.examine(document, SIGNED, AT).parsed.passed_over[0].line == 4


def test_an_unsigned_list_is_taken_only_where_no_signer_is_named(database: Database) -> None:
    with pytest.raises(WhitelistUnproved):
        bring(database, white_list("a.example"), SIGNED)
    bring(database, white_list("a.example"))


def test_a_kept_list_outlives_the_certificate_of_its_signer(database: Database) -> None:
    bring(database, signed(white_list("a.example"), list_signer()), SIGNED)
    other = replace(SIGNED, signers=(list_signer(number=3).certificate,))
    assert active(database, other).has("a.example")


# whose a domain is


def test_the_configuration_groups_what_the_list_leaves_alone(database: Database) -> None:
    rules = Rules("Operateur", {"a.example": "Ville", "b.example": "Ville", "c.example": "Ville"})
    told = "<Domaine><Nom>c.example</Nom><Operateur>Autre</Operateur></Domaine>"
    bring(database, white_list("a.example", "b.example", told, "d.example"), rules)
    found = active(database, rules)
    assert found.operators == {
        "Ville": {"a.example", "b.example"},
        "Autre": {"c.example"},
        "d.example": {"d.example"},
    }
    assert found.operator_of("a.example") == "Ville"
    assert found.domains_of("Ville") == {"a.example", "b.example"}


def test_a_group_of_the_configuration_lets_nobody_in(database: Database) -> None:
    rules = Rules("Operateur", {"a.example": "Ville", "out.example": "Ville"})
    bring(database, white_list("a.example"), rules)
    assert not active(database, rules).has("out.example")


def test_a_domain_that_goes_to_another_operator_is_told(database: Database) -> None:
    def list_of(operator: str) -> bytes:
        return white_list(
            f"<Domaine><Nom>a.example</Nom><Operateur>{operator}</Operateur></Domaine>"
        )

    bring(database, list_of("Ville"))
    assert bring(database, list_of("Autre")).difference.moved == (("a.example", "Ville", "Autre"),)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("ville.example", "ville.example"),
        ("mx.ville.example", "ville.example"),
        ("mx1.nord.ville.example", "ville.example"),
        ("patient.ville.example", "patient.ville.example"),
        ("mx.patient.ville.example", "patient.ville.example"),
        ("devville.example", None),
        ("example", None),
        ("", None),
    ],
)
def test_a_host_is_below_the_nearest_domain(host: str, domain: str | None) -> None:
    listed = Whitelist(
        1, dict.fromkeys(["ville.example", "patient.ville.example"], "V"), 0, 0, 0, ""
    )
    assert listed.domain_above(host) == domain


# its age


@pytest.mark.parametrize(
    ("hours", "stands"),
    [
        (-1, Freshness.FRESH),  # the clock went back
        (0, Freshness.FRESH),
        (26, Freshness.FRESH),
        (26.01, Freshness.LATE),
        (72, Freshness.LATE),
        (72.01, Freshness.STALE),
        (24 * 400, Freshness.STALE),
    ],
)
def test_a_list_that_nobody_confirms_is_told_and_then_suspends(
    hours: float, stands: Freshness
) -> None:
    listed = Whitelist(1, {"a.example": "A"}, NOW, NOW, None, "")
    now = NOW + hours * 3600
    assert freshness(listed, now, Settings()) is stands
    assert listed.is_stale(now, 72) == (stands is Freshness.STALE)
    assert listed.age(now) == pytest.approx(max(0, hours * 3600))


def test_no_list_is_stale_from_the_beginning() -> None:
    assert NO_LIST.is_stale(0, 1_000_000)
    assert NO_LIST.age(NOW) is None
    assert freshness(NO_LIST, 0, Settings()) is Freshness.MISSING


# held ready


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lists were parsed."""
    counted: list[int] = []
    parse = whitelist_xml.parse

    def counting(document: bytes, element: str = "Operateur") -> whitelist_xml.Parsed:
        counted.append(len(document))
        return parse(document, element)

    monkeypatch.setattr(whitelist_xml, "parse", counting)
    return counted


def test_a_list_is_read_once_until_another_is_in_force(
    database: Database, clock: Clock, reads: list[int]
) -> None:
    cache = WhitelistCache(Config())

    def asked() -> Whitelist:
        with database.read() as view:
            return cache(view)

    assert asked() is NO_LIST
    bring(database, white_list("a.example"))
    first = asked()
    reads.clear()
    assert asked() is first
    clock.now += 60
    bring(database, white_list("a.example"))
    reads.clear()
    assert asked() == replace(first, confirmed_at=NOW + 60)
    assert reads == []
    bring(database, white_list("b.example", "a.example"))
    reads.clear()
    assert asked().has("b.example")
    assert len(reads) == 1


def test_a_view_sees_the_list_of_its_moment(database: Database) -> None:
    cache = WhitelistCache(Config())
    bring(database, white_list("a.example"))
    with database.read() as early:
        assert cache(early).has("a.example")
        bring(database, white_list("a.example", "b.example"))
        with database.read() as late:
            assert cache(late).has("b.example")
        assert not cache(early).has("b.example")


def test_readers_never_meet_half_a_list(database: Database) -> None:
    cache = WhitelistCache(Config())
    lists = [white_list(*(f"{one}{number}.example" for number in range(20))) for one in "ab"]
    bring(database, lists[0])
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            with database.read() as view:
                seen.add(frozenset(name[0] for name in cache(view).domains))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for each in readers:
        each.start()
    for _ in range(10):
        for document in reversed(lists):
            bring(database, document, force=True)
    stop.set()
    for each in readers:
        each.join()
    assert seen <= {frozenset("a"), frozenset("b")}
    assert seen


# the configuration


def configured(folder: Path, **settings: object) -> Config:
    return Config(
        state=StateSettings(directory=""),
        whitelist=Settings(**settings),
        base=folder,  # type: ignore[arg-type]
    )


def test_the_rules_are_those_of_the_configuration(tmp_path: Path) -> None:
    one, two = list_signer(), list_signer("rsa")
    (tmp_path / "signer.pem").write_bytes(one.pem + two.pem)
    rules = whitelist.rules_of(
        configured(
            tmp_path,
            signer="signer.pem",
            operators=("La ville : a.example  b.example", "Autre:c.example"),
            operator_element="Gestionnaire",
        )
    )
    assert rules.operator_element == "Gestionnaire"
    assert rules.groups == {"a.example": "La ville", "b.example": "La ville", "c.example": "Autre"}
    assert rules.signers == (one.certificate, two.certificate)


@pytest.mark.parametrize(
    "write", [lambda path: None, lambda path: path.write_text("no certificate")]
)
def test_a_signer_that_cannot_be_read_refuses_the_start(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    write(tmp_path / "signer.pem")
    with pytest.raises(ConfigRefused, match=r"whitelist\.signer .*signer\.pem"):
        WhitelistCache(configured(tmp_path, signer="signer.pem"))
