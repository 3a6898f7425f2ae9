"""The first address of a field, read back from the ENVELOPE that the message got at delivery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering.addresses import (
    FirstAddress,
    Place,
    first_address,
    sort_display,
    sort_mailbox,
)
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import Summary, summarise

NOBODY = FirstAddress(None, None, None)


def envelope(*fields: str) -> bytes:
    """The stored ENVELOPE of a message with these header fields."""
    raw = "".join(f"{field}\r\n" for field in fields) + "\r\nBonjour.\r\n"
    return Summary(summarise(scan(raw.encode()))).envelope


@pytest.mark.parametrize("place", [Place.FROM, Place.TO, Place.CC])
@pytest.mark.parametrize(
    ("value", "mailbox", "display"),
    [
        ("a@x.example", "a", "a@x.example"),
        ("Claire Martin <Claire.Martin@x.example>", "Claire.Martin", "Claire Martin"),
        ('"Martin, Claire" <cm@x.example>, z@x.example', "cm", "Martin, Claire"),
        ('"a\\"b\\\\c" <q@x.example>', "q", 'a"b\\c'),
        ("=?utf-8?Q?Zo=C3=A9?= <z@x.example>", "z", "Zoé"),
        ("Zoé <z@x.example>", "z", "Zoé"),  # 8 bits: a literal in the envelope
        ("=?utf-8?Q?_?= <z@x.example>", "z", " "),
        ("=?utf-8?Q??= <z@x.example>", "z", "z@x.example"),  # a name of nothing is none
        ("Groupe: g@x.example, h@x.example;", "Groupe", "Groupe"),
        ("undisclosed-recipients:;", "undisclosed-recipients", "undisclosed-recipients"),
        ('"Le, groupe": g@x.example;', "Le, groupe", "Le, groupe"),
        ("c@x.example (Claire)", "c", "c@x.example"),  # a comment is no name
        ("pas une adresse", "invalid-address", "pas une adresse"),
        ("", "", ""),
    ],
)
def test_what_a_field_is_sorted_by(place: Place, value: str, mailbox: str, display: str) -> None:
    name = {Place.FROM: "From", Place.TO: "To", Place.CC: "Cc"}[place]
    found = first_address(envelope(f"{name}: {value}"), place)
    assert (sort_mailbox(found), sort_display(found)) == (mailbox, display)


def test_a_field_that_is_absent_has_nobody() -> None:
    octets = envelope("Subject: x")
    assert [first_address(octets, place) for place in Place] == [NOBODY] * 3


def test_each_field_is_found_behind_long_and_strange_ones() -> None:
    crowd = ", ".join(f'"Nom, ({n}) NIL" <a{n}@x.example>' for n in range(500))
    octets = envelope(
        'Subject: ((("NIL" NIL "f" "f")) {3} \\" =?utf-8?Q?=C3=A9?=',
        f'From: é )(" <\r\n {crowd}',
        f"Sender: {crowd}",
        f"To: Équipe <equipe@x.example>, {crowd}",
        'Cc: "))" <copie@x.example>',
    )
    assert first_address(octets, Place.TO) == FirstAddress("Équipe", "equipe", "x.example")
    assert first_address(octets, Place.CC) == FirstAddress("))", "copie", "x.example")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), max_size=4))
def test_no_name_leads_astray(names: list[str]) -> None:
    escaped = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
    people = ", ".join(f'"{name}" <p{n}@x.example>' for n, name in enumerate(escaped))
    octets = envelope(f"From: {people}", f"To: {people}", "Cc: fin@x.example")
    assert first_address(octets, Place.CC).mailbox == "fin"
    assert sort_mailbox(first_address(octets, Place.TO)) == ("p0" if names else "")
