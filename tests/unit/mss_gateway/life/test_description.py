"""X-MSS fields of a submission: computed from its archives, compared, repaired or refused."""

from dataclasses import replace

import pytest

from mss_gateway.dossier import xdm as reader
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import description, judgement, submission
from mss_gateway.life.description import ARCHIVES_LIMIT
from mss_gateway.life.judgement import Judged
from mss_gateway.life.opening import Opened
from mss_gateway.message.mss_fields import Described
from mss_gateway.message.parse import scan
from tests.support import xdm
from tests.support.smtp_messages import forwarded, signed, xdm_message
from tests.support.smtp_site import (
    BERNARD,
    DUBOIS,
    MARTIN,
    PATIENT,
    Site,
    attached,
    simple,
)
from tests.support.xdm import CdaText, Subject, cda_document

BIOLOGY = cda_document()
PRESCRIPTION = cda_document(CdaText(type_code="PRESC-BIO", unique_id="1.2.250.1.999.7.2"))
UNQUALIFIED = cda_document(CdaText(subject=Subject(birth_date=""), unique_id="1.2.250.1.999.7.3"))
ARCHIVE = xdm.archive_of(BIOLOGY)


def with_fields(raw: bytes, *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode() + raw


def described(raw: bytes, *, accept_test_ins: bool = True) -> Described:
    return description.describe(scan(raw), accept_test_ins=accept_test_ins)


def several(*archives: bytes) -> bytes:
    """A message with several archives."""
    whole = xdm_message(archives[0])
    for each in archives[1:]:
        part = xdm_message(each).rpartition(b"--limite\r\n")[2]
        whole = whole.removesuffix(b"--limite--\r\n") + b"--limite\r\n" + part
    return whole


def fields(site: Site, raw: bytes, author: str = MARTIN, to: str = DUBOIS) -> dict[str, str]:
    """The X-MSS fields of what was delivered, outside the signature; each is there once."""
    submission.accept(site.gateway, site.submission(author, (to,), raw))
    site.work()
    head = site.kept(to)[-1].partition(b"\r\n\r\n")[0].decode()
    lines = [
        line.partition(": ") for line in head.split("\r\n") if line.lower().startswith("x-mss")
    ]
    found = {name: value for name, _, value in lines}
    assert len(found) == len(lines)
    return found


def refusal(site: Site, raw: bytes, author: str = MARTIN) -> Failure:
    with pytest.raises(Refused) as caught:
        submission.accept(site.gateway, site.submission(author, (DUBOIS,), raw))
    return caught.value.failure


@pytest.fixture
def strict(site: Site) -> Site:
    """Where fields that are wrong are refused."""
    config = site.gateway.config
    config = replace(config, submission=replace(config.submission, fields="refuse"))
    return replace(site, gateway=replace(site.gateway, config=config))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The archives that were read, by their octets."""
    seen: list[int] = []
    examine = reader.examine

    def counted(content: bytes) -> reader.Archive:
        seen.append(len(content))
        return examine(content)

    monkeypatch.setattr(description.xdm, "examine", counted)
    return seen


NIL = {"X-MSS-NIL": "MSS-GATEWAY-0"}
OF_ARCHIVE = {"X-MSS-INS": "O", "X-MSS-CODECDA": "11502-2"}


# what the archives hold


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (simple(), Described()),
        (xdm_message(ARCHIVE), Described(True, ("11502-2",), True)),
        (attached("envoi.zip", ARCHIVE), Described(True, ("11502-2",), True)),
        (attached("cda.xml", BIOLOGY, media_type="text/xml"), Described()),
        (attached("lettres.zip", xdm.zip_of([("a.txt", b"Bonjour.")])), Described()),
        (xdm_message(xdm.zip_of([("a.txt", b"Bonjour.")])), Described()),
        (xdm_message(b"no zip"), Described()),
        (xdm_message(xdm.archive_of(UNQUALIFIED)), Described(True, ("11502-2",), False)),
        (
            xdm_message(xdm.archive_of(PRESCRIPTION, BIOLOGY)),
            Described(True, ("PRESC-BIO", "11502-2"), True),
        ),
        (
            several(ARCHIVE, xdm.archive_of(PRESCRIPTION)),
            Described(True, ("11502-2", "PRESC-BIO"), True),
        ),
        (several(ARCHIVE, xdm.archive_of(UNQUALIFIED)), Described(True, ("11502-2",), False)),
        (forwarded(xdm_message(ARCHIVE)), Described()),
    ],
)
def test_what_archives_hold(raw: bytes, found: Described) -> None:
    assert described(raw) == found


def test_an_ins_of_test_is_qualified_where_tests_are_accepted_only() -> None:
    assert not described(xdm_message(ARCHIVE), accept_test_ins=False).is_qualified


def test_no_more_archives_are_read_than_a_message_may_need(read: list[int]) -> None:
    described(several(*[ARCHIVE] * (ARCHIVES_LIMIT + 3)))
    assert len(read) == ARCHIVES_LIMIT


@pytest.mark.parametrize(
    "raw", [simple(), attached("a.pdf", b"%PDF-1.4\n" * 9_999), attached("IHE_XDM.ZIP", b"x" * 99)]
)
def test_without_an_archive_nothing_is_read(raw: bytes, read: list[int]) -> None:
    assert described(raw) == Described()
    assert read == []


# what a submission becomes


def test_a_message_without_documents_says_only_which_product_wrote_it(site: Site) -> None:
    assert fields(site, simple()) == NIL
    assert fields(site, with_fields(simple(), "X-MSS-NIL: DEV935997")) == {"X-MSS-NIL": "DEV935997"}
    for line in ("X-MSS-NIL:", "X-MSS-NIL: a\r\nX-MSS-NIL: b", f"X-MSS-NIL: {'x' * 65}"):
        assert fields(site, with_fields(simple(), line)) == NIL


def test_fields_that_are_missing_are_computed(site: Site) -> None:
    assert fields(site, xdm_message(ARCHIVE)) == NIL | OF_ARCHIVE
    unqualified = xdm_message(xdm.archive_of(UNQUALIFIED))
    assert fields(site, unqualified) == NIL | OF_ARCHIVE | {"X-MSS-INS": "N"}


@pytest.mark.parametrize(
    "lines",
    [
        ("X-MSS-INS: N",),
        ("X-MSS-INS: N", "X-MSS-CODECDA: 34112-3"),
        ("X-MSS-CODECDA: 34112-3", "X-MSS-CODECDA: 11502-2"),
        ("x-mss-ins: o",),
        ("X-MSS-CODECDA: " + ",".join(["11502-2"] * 100) + ",x",),
    ],
)
def test_wrong_fields_are_repaired(site: Site, lines: tuple[str, ...]) -> None:
    assert fields(site, with_fields(xdm_message(ARCHIVE), *lines)) == NIL | OF_ARCHIVE


@pytest.mark.parametrize(
    "raw", [simple(), attached("IHE_XDM.ZIP", xdm.zip_of([("a.txt", b"Bonjour.")]))]
)
def test_fields_about_no_document_are_taken_out(site: Site, raw: bytes) -> None:
    assert fields(site, with_fields(raw, "X-MSS-INS: O", "X-MSS-CODECDA: 34112-3")) == NIL


def test_right_fields_stay_as_they_were_written(site: Site) -> None:
    lines = ("X-MSS-INS: O", "X-MSS-CODECDA: PRESC-BIO, 11502-2")
    raw = with_fields(xdm_message(xdm.archive_of(BIOLOGY, PRESCRIPTION)), *lines)
    kept = {"X-MSS-INS": "O", "X-MSS-CODECDA": "PRESC-BIO, 11502-2"}
    assert fields(site, raw) == NIL | kept


def test_they_are_readable_outside_of_an_envelope(site: Site) -> None:
    head = fields(site, xdm_message(ARCHIVE), to=BERNARD)
    assert head == NIL | OF_ARCHIVE
    assert b"pkcs7-mime" in site.kept(BERNARD)[-1].partition(b"\r\n\r\n")[0]


# where it is refused


@pytest.mark.parametrize(
    "raw",
    [
        with_fields(xdm_message(ARCHIVE), "X-MSS-INS: N"),
        with_fields(xdm_message(ARCHIVE), "X-MSS-CODECDA: 34112-3"),
        with_fields(simple(), "X-MSS-INS: O"),
    ],
)
def test_wrong_fields_are_refused_where_the_operator_wants_it(strict: Site, raw: bytes) -> None:
    assert refusal(strict, raw) is Failure.FIELDS_DIFFER
    assert strict.counts()["queued_messages"] == 0


def test_what_is_missing_or_right_is_never_refused(strict: Site) -> None:
    assert fields(strict, xdm_message(ARCHIVE)) == NIL | OF_ARCHIVE
    assert fields(strict, with_fields(xdm_message(ARCHIVE), "X-MSS-INS: O")) == NIL | OF_ARCHIVE
    assert fields(strict, with_fields(simple(), "X-MSS-NIL: a\r\nX-MSS-NIL: b")) == NIL


# what its author signed


def of_bernard(site: Site, *lines: str) -> bytes:
    return signed(site, with_fields(xdm_message(ARCHIVE, BERNARD), *lines))


def test_what_its_author_signed_keeps_its_fields_and_is_noted(site: Site) -> None:
    raw = of_bernard(site, "X-MSS-INS: N", "X-MSS-NIL: DEV935997")
    assert fields(site, raw, BERNARD) == {"X-MSS-INS": "N", "X-MSS-NIL": "DEV935997"}
    (line,) = [each for each in site.logged.getvalue().splitlines() if "its author signed" in each]
    assert "X-MSS-INS, X-MSS-CODECDA" in line
    assert "message_ref" in line


def test_right_fields_of_its_author_are_not_noted(site: Site) -> None:
    raw = of_bernard(site, "X-MSS-INS: O", "X-MSS-CODECDA: 11502-2")
    assert fields(site, raw, BERNARD) == NIL | OF_ARCHIVE
    assert "its author signed" not in site.logged.getvalue()


def test_wrong_fields_of_its_author_are_refused_missing_ones_are_not(strict: Site) -> None:
    assert refusal(strict, of_bernard(strict, "X-MSS-INS: N"), BERNARD) is Failure.FIELDS_DIFFER
    assert fields(strict, of_bernard(strict), BERNARD) == NIL


def test_a_patient_s_message_names_no_product(site: Site) -> None:
    judged = Judged(Opened.plain(scan(simple(PATIENT))), judgement.NOTHING, site.gateway.now())
    config = site.gateway.config
    for address, added in ((PATIENT, ()), (MARTIN, tuple(NIL.items()))):
        mended = description.mend(config, judged, site.person(address), "ref")
        assert mended.added == added
