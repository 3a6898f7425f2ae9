"""The white list as it is written: what is read, what is passed over, what is refused whole."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mss_gateway.directory import whitelist_xml
from mss_gateway.directory.whitelist_xml import (
    ATTRIBUTES,
    DEPTH,
    DOCUMENT_OCTETS,
    NAME_CHARACTERS,
    NAMESPACES,
    OPERATOR_CHARACTERS,
    PassedOver,
    WhitelistMalformed,
    parse,
)
from tests.support.white_lists import NAMESPACE, white_list


def domains(*entries: str, element: str = "Operateur") -> dict[str, str]:
    return dict(parse(white_list(*entries), element).domains)


def refused(document: bytes) -> str:
    with pytest.raises(WhitelistMalformed) as caught:
        parse(document)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# names


def test_each_domain_stands_alone_when_the_list_does_not_group_them() -> None:
    assert domains("medecin.example", "patient.ville.example") == {
        "medecin.example": "medecin.example",
        "patient.ville.example": "patient.ville.example",
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" \n\tmedecin.example\n ", "medecin.example"),
        ("\u00a0medecin.example\u00a0", "medecin.example"),
        ("MEDECIN.Example", "medecin.example"),
        ("hôpital.example", "xn--hpital-ixa.example"),
        ("HÔPITAL.example", "xn--hpital-ixa.example"),
        ("xn--hpital-ixa.example", "xn--hpital-ixa.example"),
        ("m&#233;decin.example", "xn--mdecin-bva.example"),
        ("m<![CDATA[edecin]]>.example", "medecin.example"),
        ("medecin<!-- b -->.example", "medecin.example"),
    ],
)
def test_a_name_is_trimmed_and_in_normal_form(written: str, read: str) -> None:
    assert list(domains(written)) == [read]


def test_what_comes_twice_is_merged() -> None:
    assert list(domains("hôpital.example", "xn--hpital-ixa.example", "HÔPITAL.EXAMPLE")) == [
        "xn--hpital-ixa.example"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        "medecin",
        "medecin..example",
        "a b.example",
        "-a.example",
        "a@b.example",
        "straße.example",
        "a\u200bb.example",
        "192.0.2.1",
        "*.medecin.example",
        "medecin.example.",
    ],
)
def test_what_is_no_domain_is_passed_over_and_told_with_its_line(name: str) -> None:
    parsed = parse(white_list("medecin.example", name, "autre.example"))
    assert list(parsed.domains) == ["medecin.example", "autre.example"]
    (told,) = parsed.passed_over
    assert told.line == 4
    assert told.name == name.strip().replace("\u200b", "")


def test_what_is_told_cannot_mislead_a_terminal() -> None:
    parsed = parse(white_list("medecin.example", "\u202eexample.\tx" + "y" * 200))
    (told,) = parsed.passed_over
    assert told == PassedOver(4, ("example. x" + "y" * 200)[:80])


def test_other_names_of_a_list_are_no_domains() -> None:
    other = '<Domaine xmlns="urn:autre"><Nom>autre.example</Nom></Domaine>'
    deeper = "<Domaine><Contact><Nom>Claire Martin</Nom></Contact><Nom>a.example</Nom></Domaine>"
    assert domains(other, "<Nom>seul.example</Nom>", deeper) == {"a.example": "a.example"}


def test_domains_are_found_at_any_depth_with_any_prefix() -> None:
    document = (
        f'<l:L xmlns:l="{NAMESPACE}"><x><l:Domaine><l:Nom>a.example</l:Nom></l:Domaine></x></l:L>'
    )
    assert list(parse(document.encode()).domains) == ["a.example"]


# operators


def test_an_operator_may_stand_inside_of_a_domain() -> None:
    assert domains(
        "<Domaine><Nom>a.example</Nom><Operateur> Ville \n de  A </Operateur></Domaine>",
        "<Domaine><Operateur><Nom>Ville de A</Nom></Operateur><Nom>b.example</Nom></Domaine>",
        '<Domaine><Operateur nom="Autre"/><Nom>c.example</Nom><Nom>d.example</Nom></Domaine>',
    ) == {
        "a.example": "Ville de A",
        "b.example": "Ville de A",
        "c.example": "Autre",
        "d.example": "Autre",
    }


@pytest.mark.parametrize(
    "group",
    [
        '<Operateur nom="Ville">{}</Operateur>',
        "<Operateur><Nom>Ville</Nom>{}</Operateur>",
        "<Operateur>{}<Nom>Ville</Nom></Operateur>",
        "<Operateur><Nom>Ville</Nom><Domaines>{}</Domaines></Operateur>",
    ],
)
def test_an_operator_may_stand_around_its_domains(group: str) -> None:
    two = "<Domaine><Nom>a.example</Nom></Domaine><Domaine><Nom>b.example</Nom></Domaine>"
    assert domains(group.format(two), "c.example") == {
        "a.example": "Ville",
        "b.example": "Ville",
        "c.example": "c.example",
    }


def test_a_group_without_a_name_is_a_group_all_the_same() -> None:
    two = "<Domaine><Nom>A.example</Nom></Domaine><Domaine><Nom>b.example</Nom></Domaine>"
    found = domains(f"<Operateur>{two}</Operateur>")
    assert found["a.example"] == found["b.example"]


def test_the_element_of_operators_is_the_one_of_the_configuration() -> None:
    entry = "<Domaine><Nom>a.example</Nom><Gestionnaire>Ville</Gestionnaire></Domaine>"
    assert domains(entry) == {"a.example": "a.example"}
    assert domains(entry, element="Gestionnaire") == {"a.example": "Ville"}


def test_a_domain_of_two_operators_is_nobody_s_and_the_list_is_refused() -> None:
    def entry(operator: str) -> str:
        return f"<Domaine><Nom>a.example</Nom><Operateur>{operator}</Operateur></Domaine>"

    assert refused(white_list(entry("Ville"), entry("Autre"))) == (
        "line 4: a.example is given to two operators"
    )
    # said once is enough
    assert domains("a.example", entry("Ville"), "a.example") == {"a.example": "Ville"}


def test_the_name_of_an_operator_has_a_greatest_length() -> None:
    def entry(length: int) -> str:
        return f"<Domaine><Nom>a.example</Nom><Operateur>{'V' * length}</Operateur></Domaine>"

    assert domains(entry(OPERATOR_CHARACTERS)) == {"a.example": "V" * OPERATOR_CHARACTERS}
    assert "name of an operator" in refused(white_list(entry(OPERATOR_CHARACTERS + 1)))


# the date


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-20T08:30:00Z", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00+01:00", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20T08:30:00", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        (" 2026-11-20 ", datetime(2026, 11, 20, tzinfo=UTC)),
        ("20/11/2026", datetime(2026, 11, 20, tzinfo=UTC)),
        ("20/11/2026 08:30:00", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("hier", None),
        ("2026-13-20", None),
        ("", None),
    ],
)
def test_a_list_is_dated_by_its_root_or_a_child_of_it(written: str, read: datetime | None) -> None:
    expected = None if read is None else int(read.timestamp())
    inside = white_list("a.example", inside=f"<DateCreation>{written}</DateCreation>")
    assert parse(inside).issued_at == expected
    around = white_list("a.example", root=f' dateGeneration="{written}"')
    assert parse(around).issued_at == expected


def test_other_dates_are_not_the_date_of_the_list() -> None:
    entry = "<Domaine><Nom>a.example</Nom><Date>2026-11-20</Date></Domaine>"
    assert parse(white_list(entry, inside="<DateFin>2026-11-20</DateFin>")).issued_at is None


# refused whole


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"", "line 1: not well-formed XML"),
        (b"medecin.example\n", "line 1: not well-formed XML"),
        (white_list("a.example")[:-5], "not well-formed XML"),
        (white_list("a.example") + b"<x/>", "not well-formed XML"),
        (white_list("&eacute;.example"), "line 3: not well-formed XML"),
        (white_list("a\0.example"), "line 3: not well-formed XML"),
        (b"<!DOCTYPE L><L/>", "line 1: a DOCTYPE is refused"),
        (b'<!-- x -->\n<!DOCTYPE L SYSTEM "file:///etc/passwd"><L/>', "line 2: a DOCTYPE"),
        (b'<!DOCTYPE L [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><L>&b;</L>', "a DOCTYPE"),
        (b'<?xml version="1.0" encoding="utf-7"?><L/>', "the encoding utf-7"),
        (b'<?xml version="1.0" encoding="cp037"?><L/>', "the encoding cp037"),
        (b"<L>\n\xe9</L>", "line 2: octets that are not utf-8"),
        (white_list("a.example").decode().encode("utf-16"), "octets that are not utf-8"),
    ],
)
def test_what_is_no_white_list_is_refused_with_its_line(document: bytes, why: str) -> None:
    assert why in refused(document)


@pytest.mark.parametrize(
    "document",
    [white_list(), white_list("", "medecin"), b"<ListeBlanche><Domaine><Nom>a.example</Nom>"
     b"</Domaine></ListeBlanche>"],
    ids=["nothing", "no domain", "another namespace"],
)  # fmt: skip
def test_a_list_that_cuts_everybody_off_is_refused(document: bytes) -> None:
    assert "cut everybody off" in refused(document)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("ISO-8859-1", "latin-1"), ("windows-1252", "cp1252"), ("UTF-8", "utf-8-sig")],
)
def test_the_encodings_of_the_west_are_read(name: str, codec: str) -> None:
    document = white_list("hôpital.example").decode().replace("UTF-8", name).encode(codec)
    assert list(parse(document).domains) == ["xn--hpital-ixa.example"]


def _sized(octets: int) -> bytes:
    document = white_list("a.example")
    return document + b" " * (octets - len(document))


def _nested(depth: int) -> bytes:
    inside = "<Domaine><Nom>a.example</Nom></Domaine>"
    return white_list("<x>" * (depth - 3) + inside + "</x>" * (depth - 3))


def _attributes(count: int) -> bytes:
    return white_list("a.example", root="".join(f' a{each}="1"' for each in range(count)))


def _scopes(count: int) -> bytes:
    # the root's own is one of them; a namespace that went out of scope does not count
    more = "".join(f' xmlns:a{each}="urn:a{each}"' for each in range(count - 2))
    return white_list("a.example", *(['<x xmlns:b="urn:b"/>'] * 3), root=more)


def _name(characters: int) -> bytes:
    return white_list("a.example", "b.example" + " " * (characters - 9))


@pytest.mark.parametrize(
    ("made", "most", "why"),
    [
        (_sized, DOCUMENT_OCTETS, "octets"),
        (_nested, DEPTH, "inside each other"),
        (_attributes, ATTRIBUTES, "attributes of one element"),
        (_scopes, NAMESPACES, "namespaces in scope"),
    ],
)
def test_every_limit_holds_at_its_edge(made: Callable[[int], bytes], most: int, why: str) -> None:
    assert list(parse(made(most)).domains) == ["a.example"]
    assert why in refused(made(most + 1))


def test_the_number_of_names_holds_at_its_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    assert whitelist_xml.NAMES == 100_000
    monkeypatch.setattr(whitelist_xml, "NAMES", 3)
    assert len(domains("a.example", "b.example", "c.example")) == 3
    assert "more than 3 names" in refused(white_list("a.example", "a.example", "c.example", ""))


def test_the_number_of_elements_and_attributes_holds_at_its_edge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert whitelist_xml.MARKS == 1_000_000
    monkeypatch.setattr(whitelist_xml, "MARKS", 5)
    assert domains('<Domaine a="1"><Nom>a.example</Nom></Domaine><x/>')
    assert "more than 5 elements" in refused(white_list('<x b="1"/>', "a.example", "<x/>"))


def test_a_name_that_has_no_end_is_no_domain() -> None:
    assert list(parse(_name(NAME_CHARACTERS)).domains) == ["a.example", "b.example"]
    endless = parse(white_list("a.example", "b" * 4 * NAME_CHARACTERS))
    assert [each.line for each in endless.passed_over] == [4]
