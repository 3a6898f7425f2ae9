"""Submission beside Postfix does what it says; its figures are nobody's business here."""

import os
from pathlib import Path

import pytest

from tests.bench import flushes, imap_works, peers, postfix, serving, smtp_bench, smtp_peers
from tests.bench.imap_client import Target
from tests.bench.letters import Mould, letter
from tests.bench.served import Site
from tests.bench.smtp_bench import PEOPLE, SHAPES, Shape, Submitted

TINY = (
    Shape("kept", 2_048, 2, 4, 0.7),
    Shape("one each", 2_048, 2, 4, 0.7, one_each=True),
    Shape("filter", 2_048, 2, 4, 1 / 15, is_filtered=True, rate_goal=10.0),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("smtp"), is_cheap=True)


def test_both_servers_place_every_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_works, "AFTER_SECONDS", 0.0)
    try:
        postfix.check()
    except postfix.CannotRun as reason:
        if os.environ.get("MSS_CI"):
            pytest.fail(f"{reason}, and MSS_CI is set: see .ci/run")
        pytest.skip(str(reason))

    with (
        smtp_bench.ours(site) as (own, server),
        postfix.serve(PEOPLE, serving.PASSWORD, *site.tls_files()) as peer,
    ):
        before, rows = smtp_bench.entries(server.state), []
        for shape in TINY:
            name = smtp_peers.FILTERED if shape.is_filtered else smtp_peers.POSTFIX
            port = peer.filtered_port if shape.is_filtered else peer.port
            target = Target(name, port, site.ca_file(), serving.PASSWORD, peer.meter)
            beside = Submitted(target, peer.placed)
            rows += smtp_peers.compared(shape, own, beside, 1, 1.0)
        sent = sum(shape.count + shape.connections for shape in TINY)
        own_count, peer_count = smtp_bench.entries(server.state) - before, peer.placed()
        texts = [path.read_bytes() for path in peer.homes.glob("*/Maildir/new/*")]

    assert (own_count, peer_count) == (sent, sent)
    assert sum(b"smime-type=enveloped-data" in text for text in texts) == 6
    lines = smtp_peers.table(rows).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["kept", "one", "filter"]
    assert "of 10:" in lines[-1]


def test_a_postfix_that_is_not_there_is_said_and_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    code = peers.main(["--quick", "--protocol", "smtp"])

    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert "postfix is not installed" in told.err


def test_every_goal_of_the_issue_has_its_row() -> None:
    goals = {(shape.octets, shape.connections, shape.one_each): shape.goal for shape in SHAPES}

    assert all(goals[10_240, number, False] is not None for number in (1, 32))
    assert all(goals[204_800, number, False] == 0.8 for number in (1, 8, 32))
    assert all(goals[10_240, number, True] == 0.7 for number in (1, 8, 32))
    (filtered,) = (shape for shape in SHAPES if shape.is_filtered)
    assert (filtered.goal, filtered.rate_goal) == (1 / 15, 10.0)


def test_no_two_letters_of_a_mould_are_the_same() -> None:
    raw = letter(PEOPLE[0], PEOPLE[1], 1, 10_240).replace(b"Bonjour", b".Bonjour")
    mould, other = Mould(raw), Mould(raw)

    cast = {mould.cast(PEOPLE[1], number) for number in range(3)} | {other.cast(PEOPLE[1], 1)}

    assert len(cast) == 4
    assert all(each.endswith(b"\r\n.\r\n") and b"\r\n..Bonjour" in each for each in cast)
    assert all(each.count(b"Message-ID:") == each.count(b"\r\nTo: ") == 1 for each in cast)
    assert all(abs(len(each) - len(raw)) < 120 for each in cast)


def test_flushes_are_read_from_what_strace_prints(tmp_path: Path) -> None:
    table = (
        "% time     seconds  usecs/call     calls    errors syscall\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        " 98.75    0.002055         342         6           fdatasync\n"
        "  1.25    0.000026          26         1         1 fsync\n"
        "------ ----------- ----------- --------- --------- ----------------\n"
        "100.00    0.002081         297         7         1 total\n"
    )

    assert flushes.counted(table) == 7
    assert flushes.counted("") == 0
