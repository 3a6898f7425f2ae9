"""Who somebody says they are: forged authors (T14), confusing addresses (T16), relaying (T12)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailbox_store.database import View
from tests.protocol import smtp_doors
from tests.support import peer_site, smtp_site
from tests.support.smtp_site import (
    BERNARD,
    CLOSED,
    DUBOIS,
    MARTIN,
    NO_SUCH_PATIENT,
    OPPOSED,
    PATIENT,
    SUSPENDED,
    Site,
    signed_in,
)

FORGED = {
    "two From fields": f"From: <{MARTIN}>\r\nFrom: <{BERNARD}>\r\n",
    "two From fields, the other first": f"From: <{BERNARD}>\r\nFrom: <{MARTIN}>\r\n",
    "two From fields, other case": f"From: <{MARTIN}>\r\nfROM: <{BERNARD}>\r\n",
    "a space before the colon": f"From : <{BERNARD}>\r\nFrom: <{MARTIN}>\r\n",
    "a tab before the colon": f"From\t: <{BERNARD}>\r\nFrom: <{MARTIN}>\r\n",
    "a space before the name": f" From: <{BERNARD}>\r\nFrom: <{MARTIN}>\r\n",
    "a folded name": f"From\r\n : <{BERNARD}>\r\nFrom: <{MARTIN}>\r\n",
    "another letter for F": f"\u0424rom: <{BERNARD}>\r\n",
    "two addresses": f"From: <{MARTIN}>, <{BERNARD}>\r\n",
    "two addresses without brackets": f"From: {MARTIN}, {BERNARD}\r\n",
    "two angles": f"From: <{MARTIN}> <{BERNARD}>\r\n",
    "an address as a name": f"From: {BERNARD} <{MARTIN}>\r\n",
    "a group": f"From: Docteurs: <{MARTIN}>;\r\n",
    "an empty group before": f"From: Personne:; <{MARTIN}>\r\n",
    "a route": f"From: <@ailleurs.example,@mss.example:{MARTIN}>\r\n",
    "a route through an address": f"From: <{BERNARD}:{MARTIN}>\r\n",
    "a quoted local part": f'From: <"claire.martin"@mss.example>\r\n',  # noqa: F541
    "an at in quotes": f'From: <"{BERNARD}"@mss.example>\r\n',
    "an encoded address": "From: =?utf-8?b?PGNsYWlyZS5tYXJ0aW5AbXNzLmV4YW1wbGU+?=\r\n",
    "an encoded word in the address": "From: <=?utf-8?q?claire.martin?=@mss.example>\r\n",
    "a comment in the address": "From: <claire.martin(Dr)@mss.example>\r\n",
    "a homograph": "From: <cl\u0430ire.martin@mss.example>\r\n",
    "a homograph of the domain": "From: <claire.martin@ms\u0455.example>\r\n",
    "a domain below": "From: <claire.martin@x.mss.example>\r\n",
    "a domain around": "From: <claire.martin@mss.example.org>\r\n",
    "a percent": f"From: <paul.bernard%mss.example@mss.example>\r\n",  # noqa: F541
    "a trailing dot": f"From: <{MARTIN}.>\r\n",
    "a plus": "From: <claire.martin+x@mss.example>\r\n",
    "a folded address": "From: <claire.martin@\r\n mss.example>\r\n",
    "no address": "From: Dr Claire Martin\r\n",
    "a null path": "From: <>\r\n",
    "an unclosed angle": f"From: <{MARTIN}\r\n",
    "somebody else in Sender": f"From: <{MARTIN}>\r\nSender: <{BERNARD}>\r\n",
    "two Sender fields": f"From: <{MARTIN}>\r\nSender: <{MARTIN}>\r\nSender: <{MARTIN}>\r\n",
    "two addresses in Sender": f"From: <{MARTIN}>\r\nSender: <{MARTIN}>, <{BERNARD}>\r\n",
    "a Sender that nobody can read": f"From: <{MARTIN}>\r\nSender: <{BERNARD}\r\n",
    "an empty Sender": f"From: <{MARTIN}>\r\nSender:\r\n",
    "Sender alone": f"Sender: <{MARTIN}>\r\n",
}
NORMALISED = {
    "a name that is somebody else's": f"From: Dr Paul BERNARD <{MARTIN}>\r\n",
    "a quoted name with an address": f'From: "{BERNARD}" <{MARTIN}>\r\n',
    "an encoded name with an address": (
        f"From: =?utf-8?q?paul=2Ebernard=40mss=2Eexample?= <{MARTIN}>\r\n"
    ),
    "a comment after": f"From: {MARTIN} (Dr Paul BERNARD)\r\n",
    "capitals": f"From: <{MARTIN.upper()}>\r\n",
    "oneself in Sender": f"From: <{MARTIN}>\r\nSender: <{MARTIN}>\r\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


async def test_no_forged_author_is_taken(site: Site) -> None:
    before = site.counts()
    taken = {}
    async with smtp_site.serving(site) as ports, signed_in(site, ports) as client:
        for name, fields in FORGED.items():
            answer = await client.submit(f"{fields}Subject: x\r\n\r\nx\r\n".encode(), MARTIN)
            if not answer.startswith("550 5."):
                taken[name] = answer
    assert taken == {}
    assert site.counts() == before


OF_THE_OPERATOR = {"a plus"}
"""For another mailbox of its own domains an operator vouches itself."""


def by_a_peer(fields: str) -> str:
    """The same forgery of a server of the other operator, in the name of somebody here."""
    named = fields.replace(BERNARD, "{here}").replace("claire.martin", "luc.garnier")
    return named.replace("mss.example", peer_site.DOMAIN).replace("{here}", MARTIN)


async def test_nor_is_it_from_another_operator(site: Site) -> None:
    before, taken = site.counts(), {}
    peer = peer_site.welcoming(site)
    async with peer_site.mx_serving(peer) as port, peer_site.calling(peer, port) as client:
        for name in FORGED.keys() - OF_THE_OPERATOR:
            raw = f"{by_a_peer(FORGED[name])}Subject: x\r\n\r\nx\r\n".encode()
            answer = await client.submit(raw, peer_site.GARNIER)
            if not answer.startswith("550 5."):
                taken[name] = answer
    assert taken == {}
    assert site.counts() == before


@pytest.mark.parametrize("name", NORMALISED)
async def test_a_name_is_the_directory_s_whatever_was_written(name: str, site: Site) -> None:
    async with smtp_site.serving(site) as ports, signed_in(site, ports) as client:
        raw = f"{NORMALISED[name]}\r\nx\r\n".encode()
        assert (await client.submit(raw, MARTIN)).startswith("250 ")
    site.work()
    (kept,) = site.kept(DUBOIS)
    written = [line for line in kept.split(b"\r\n") if line.lower().startswith(b"from:")]
    address = MARTIN.upper() if name == "capitals" else MARTIN
    # outside, and once more under the signature (RFC 9788)
    assert written == [f"From: Dr Claire MARTIN <{address}>".encode()] * 2


AWAY = "ailleurs.example"
RELAY_FORMS = [
    form.format(away=AWAY, ours="mss.example")
    for form in (
        "<x@{away}>", "<x%{away}@{ours}>", "<x%{away}>", "<{away}!x@{ours}>", "<{away}!x>",
        "<x@{away}@{ours}>", "<@{ours}:x@{away}>", "<@{away},@{ours}:x@{away}>",
        "<\"x@{away}\"@{ours}>", "<\"x@{away}\">", "<\"x%{away}\"@{ours}>", "<\"{away}!x\"@{ours}>",
        "<x@[127.0.0.1]>", "<x%{away}@[127.0.0.1]>", "<x@{away}@[127.0.0.1]>",
        "<@[127.0.0.1]:x@{away}>", "<x@localhost>", "<x%{away}@localhost>", "<x@127.0.0.1>",
        "<x@{away}.>", "<x@{away}.{ours}>", "<x@{ours}.{away}>", "<x@{away}%{ours}>",
        "<x@.{ours}>", "<x@{ours}..{away}>", "<x @{away}>", "<x@ {away}>", "< x@{away}>",
        "<x@{away} >", "<x@{away}", "x@{away}>", "x@{away}", "<<x@{away}>>", "<x@{away}>@{ours}",
        "<x@{away},{ours}>", "<x@{away};y@{ours}>", "<x@{away}>,<y@{ours}>", "<>", "<@>",
        "<@{ours}>", "<x@>", "<@{away}:>", "<x=40{away}@{ours}>", "<x\\@{away}@{ours}>",
        "<x\\%{away}@{ours}>",
        "<x#{away}@{ours}>", "<x+{away}@{ours}>", "<x/{away}@{ours}>", "<{ours}@{away}>",
        "<x@{ours}@{away}>", "<x%{ours}@{away}>", "<uucp!{away}!x@{ours}>", "<\"\"@{ours}>",
        "<x(c)@{ours}>", "<x@{ours}(c)>", "<x@\"{ours}\">", "<x@{ours}:25>", "<x@{away}\t>",
        "<smtp:x@{away}>", "<mailto:x@{away}>", "<x@{away}>\\r\\nx",
    )
]  # fmt: skip


@pytest.mark.parametrize("name", smtp_doors.NAMES)
async def test_no_form_of_address_is_relayed(name: str, site: Site) -> None:
    assert len(RELAY_FORMS) >= 60
    taken = {}
    async with smtp_doors.opened(name, peer_site.welcoming(site)) as door:
        for start in range(0, len(RELAY_FORMS), 8):
            async with door.session() as client:
                assert (await client.say(f"MAIL FROM:<{door.author}>")).startswith("250 ")
                for form in RELAY_FORMS[start : start + 8]:
                    answer = await client.say(f"RCPT TO:{form}")
                    if answer[:3] not in ("501", "550", "553", "555"):
                        taken[form] = answer
    assert taken == {}
    assert site.counts()["queue_items"] == 0


@pytest.mark.parametrize("domain", [peer_site.DOMAIN, peer_site.PATIENTS, peer_site.THIRD])
async def test_nothing_of_a_peer_is_relayed_within_the_trust_space_either(
    domain: str, site: Site
) -> None:
    peer, local = peer_site.welcoming(site), peer_site.REMOTE_PATIENT.partition("@")[0]
    async with peer_site.mx_serving(peer) as port, peer_site.calling(peer, port) as client:
        await client.say(f"MAIL FROM:<{peer_site.GARNIER}>")
        assert (await client.say(f"RCPT TO:<{local}@{domain}>")).startswith("550 5.7.1 ")


@pytest.mark.parametrize("form", RELAY_FORMS[:4])
async def test_nobody_unknown_is_listened_to(form: str, site: Site) -> None:
    async with smtp_site.serving(site) as ports:
        async with smtp_site.client(ports.tls, site.trusting()) as client:
            await client.reply()
            await client.say("EHLO client.example")
            assert (await client.say(f"MAIL FROM:<x@{AWAY}>")).startswith("530 5.7.0 ")
            assert (await client.say(f"RCPT TO:{form}")).startswith("530 5.7.0 ")


CONFUSING = [
    f"{'x' * 65}@mss.example",
    f"x@{'a.' * 130}example",
    f"x@{'a' * 64}.example",
    f"{PATIENT}\0",
    "279035121518989@patient.mss.example@mss.example",
    " 279035121518989@patient.mss.example",
    "279035121518989 @patient.mss.example",
    "2790351215189 89@patient.mss.example",
    "27903512151898\u0669@patient.mss.example",
    "279035121518989@patient.mss.example.",
    "279035121518989@patient..mss.example",
    "279035121518989@xn--patient-.mss.example",
    ".279035121518989@patient.mss.example",
    "279035121518989.@patient.mss.example",
    "=?utf-8?q?279035121518989?=@patient.mss.example",
    "+279035121518989@patient.mss.example",
    "279035121518989+x@patient.mss.example",
]


async def test_an_address_has_one_reading_or_none(site: Site) -> None:
    taken = {}
    async with smtp_site.serving(site) as ports:
        for address in CONFUSING:
            async with signed_in(site, ports) as client:
                await client.say(f"MAIL FROM:<{MARTIN}>")
                answer = await client.throw(f"RCPT TO:<{address}>\r\n".encode())
                if not answer.startswith("5"):
                    taken[address] = answer
    assert taken == {}


async def test_a_patient_s_address_has_no_case(site: Site) -> None:
    async with smtp_site.serving(site) as ports, signed_in(site, ports) as client:
        await client.say(f"MAIL FROM:<{MARTIN.title()}>")
        answer = await client.say("RCPT TO:<279035121518989@PATIENT.mss.Example>")
    assert answer.startswith("250 ")


async def test_an_absent_patient_is_one_answer_whatever_the_cause(site: Site) -> None:
    """Threat T10: byte for byte, and by the same look-ups."""
    answers, looked_up = set(), set()
    original = View.sql
    async with smtp_site.serving(site) as ports, signed_in(site, ports) as client:
        await client.say(f"MAIL FROM:<{MARTIN}>")
        for address in (NO_SUCH_PATIENT, OPPOSED, CLOSED, SUSPENDED):
            seen: list[str] = []

            def sql(view: View, statement: str, parameters: Sequence[Any] = ()) -> Any:
                seen.append(statement)  # noqa: B023 - called within this turn
                return original(view, statement, parameters)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(View, "sql", sql)
                answers.add(await client.say(f"RCPT TO:<{address}>"))
            looked_up.add(tuple(line for line in seen if "people" in line))
    assert len(answers) == 1
    assert len(looked_up) == 1
