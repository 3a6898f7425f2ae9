"""Threat T2: what people write never becomes two messages, however lenient the next server is.

The twelve ends of ``tests/protocol/test_smtp_smuggling.py`` with a whole SMTP transaction behind
them, in every place where an author's octets may stand, through our relay into Debian's Postfix
and Exim. What they made of it is read from their queues.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.issuing.issue import export_for_client
from mss_gateway.failures import Refused
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.build import Outgoing, OutgoingFile, compose
from tests.protocol.test_smtp_smuggling import SEQUENCES
from tests.support import next_hop, relay_site, smtp_messages
from tests.support.next_hop import NextHop
from tests.support.peer_site import DOMAIN, GARNIER, HOST
from tests.support.relay_site import RelaySite
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, Site, attached, simple

BEHIND = (
    f"MAIL FROM:<{MARTIN}>\r\nRCPT TO:<{GARNIER}>\r\nDATA\r\n"
    f"From: <{MARTIN}>\r\nMessage-ID: <two@mss.example>\r\n\r\nDeux\r\n.\r\nQUIT\r\n"
).encode()


@pytest.fixture(scope="module", params=next_hop.NAMES)
def hop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NextHop]:
    """One of the servers, with a certificate of the other operator."""
    next_hop.require(request.param)
    folder = tmp_path_factory.mktemp("hop")
    who = relay_site.serving(HOST)
    key, chain = folder / "hop.key", folder / "hop.pem"
    export_for_client(who.key, [who.certificate, who.issuer.issuing], key, chain)
    with next_hop.running(request.param, chain, key) as found:
        yield found


@pytest.fixture
def here(hop: NextHop, tmp_path: Path) -> Iterator[RelaySite]:
    """Our gateway, with a route there."""
    hop.forget()
    with relay_site.relay_site(tmp_path / "state") as found:
        yield found.routed(f"{DOMAIN} 127.0.0.1:{hop.port}")


def in_the_text(_site: Site, octets: bytes) -> bytes:
    return simple() + octets + b"\r\n"


def in_eight_bits(_site: Site, octets: bytes) -> bytes:
    fields = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    return simple(fields=fields, body="Élève") + octets + b"\r\n"


def in_base64(_site: Site, octets: bytes) -> bytes:
    return attached("avis.txt", octets)


def in_quoted_printable(_site: Site, octets: bytes) -> bytes:
    quoted = b"".join(b"=%02X" % octet for octet in octets)
    lines = b"=\r\n".join(quoted[at : at + 72] for at in range(0, len(quoted), 72))
    return simple(fields="Content-Transfer-Encoding: quoted-printable\r\n", body="") + lines


def in_the_subject(_site: Site, octets: bytes) -> bytes:
    quoted = "".join(f"={octet:02X}" for octet in octets[:18])
    return simple(subject=f"=?utf-8?Q?Un{quoted}?=")


def in_a_file_name(_site: Site, octets: bytes) -> bytes:
    name = "".join(f"%{octet:02X}" for octet in octets[:18])
    made = attached("NOM", b"avis")
    return made.replace(b'filename="NOM"', f"filename*=utf-8''{name}".encode())


def signed_by_the_author(site: Site, octets: bytes) -> bytes:
    return smtp_messages.signed(site, attached("avis.txt", octets, BERNARD))


def inside_of_a_signature(site: Site, octets: bytes) -> bytes:
    raw = simple(BERNARD)[:-2] + octets + b"\r\n"
    return smtp_messages.signed_opaque(site, raw)


def in_an_envelope(site: Site, octets: bytes) -> bytes:
    """Closed for somebody here too: the gateway opens it, and closes it for who is there."""
    signed = smtp_messages.signed(site, attached("avis.txt", octets, BERNARD))
    return smtp_messages.enveloped(site, signed, DUBOIS)


def in_the_form_of_the_webmail(_site: Site, octets: bytes) -> bytes:
    return compose(
        Outgoing(
            author=Mailbox("Dr Martin", parse_address(MARTIN)),
            recipients=(Mailbox("", parse_address(GARNIER)),),
            subject="Essai",
            text="Un" + octets.decode("latin-1"),
            message_id="",
            moment=datetime(2026, 9, 21, tzinfo=UTC),
            files=(OutgoingFile("avis.txt", "text/plain", octets),),
        )
    ).replace(b"Message-ID: \r\n", b"")


PLACES: list[Callable[[Site, bytes], bytes]] = [
    in_the_text,
    in_eight_bits,
    in_base64,
    in_quoted_printable,
    in_the_subject,
    in_a_file_name,
    signed_by_the_author,
    inside_of_a_signature,
    in_an_envelope,
    in_the_form_of_the_webmail,
]
BY_BERNARD = {signed_by_the_author, inside_of_a_signature, in_an_envelope}
"""What somebody with keys of their own wrote."""

REFUSED = {in_the_text, in_eight_bits, inside_of_a_signature}
"""Where every one of the twelve is refused before anything is kept."""


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.__name__)
async def test_nothing_that_an_author_writes_becomes_two(
    hop: NextHop, here: RelaySite, place: Callable[[Site, bytes], bytes]
) -> None:
    author = BERNARD if place in BY_BERNARD else MARTIN
    to = (GARNIER, DUBOIS) if place is in_an_envelope else (GARNIER,)
    taken = []
    for sequence in SEQUENCES:
        raw = place(here.site, b"Un" + sequence + BEHIND)
        with suppress(Refused):
            taken.append(here.submit(*to, raw=raw, author=author))
    await here.carry()

    assert len(taken) == (0 if place in REFUSED else len(SEQUENCES))
    assert here.lines() == []
    assert sorted(hop.identifiers()) == sorted(f"{ref}@mss.example" for ref in taken)


def test_postfix_at_least_is_lenient_indeed(hop: NextHop) -> None:
    """Said to it as they are, some of the twelve end a message: what is shown above could fail.

    Debian's Exim takes none of them any more, and has no setting that would let it.
    """
    hop.forget()
    for sequence in SEQUENCES:
        _say_as_it_is(hop.port, sequence)
    found = hop.identifiers()
    assert "one@mss.example" in found
    assert ("two@mss.example" in found) is (hop.name == "postfix")


def _say_as_it_is(port: int, sequence: bytes) -> None:
    head = f"MAIL FROM:<{MARTIN}>\r\nRCPT TO:<{GARNIER}>\r\nDATA\r\n".encode()
    first = f"From: <{MARTIN}>\r\nMessage-ID: <one@mss.example>\r\n\r\nUn".encode()
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        answers = plain.makefile("rb")
        answers.readline()
        for line in (b"HELO x\r\n", *head.splitlines(keepends=True)):
            plain.sendall(line)
            answers.readline()
        plain.sendall(first + sequence + BEHIND + b"\r\n.\r\nQUIT\r\n")
        plain.shutdown(socket.SHUT_WR)
        answers.read()
