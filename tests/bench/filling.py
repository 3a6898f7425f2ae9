"""Messages put straight into the store: what the pages of the webmail are measured on."""

from collections.abc import Iterable, Iterator
from functools import partial

from mailbox_store import mailboxes, messages
from mailbox_store.database import Transaction
from mailbox_store.messages import Arrival
from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.life import crypto
from mss_gateway.life.gateway import Gateway
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from mss_gateway.queue.carried import Carried, evidence
from tests.bench.letters import letter, plain_letter
from tests.bench.serving import AUTHORS, READER

TEMPLATES = 10
IN_A_GROUP = 200
FIRST_DAY = 1_780_000_000

_EVIDENCE = evidence(
    Carried(
        reverse_path=AUTHORS[0],
        author=AUTHORS[0],
        author_account=0,
        author_role="PROFESSIONAL",
        channel="submission",
        signature="valid",
        signer="Dr Claire MARTIN",
        signer_fingerprint="",
        is_automatic=False,
        closes=False,
        reply_to=(),
        has_xdm=False,
    ),
    FIRST_DAY,
)


def fill(gateway: Gateway, address: str, count: int, octets: int) -> None:
    """``count`` signed messages of about ``octets`` into the INBOX of ``address``.

    A few are signed; the others differ from them in subject, date and Message-ID, outside of what
    is signed, because signing ten thousand would only warm the room.
    """
    place(gateway, address, _letters(gateway, count, octets))


def into(gateway: Gateway, author: Person, reader: Person, count: int) -> None:
    """``count`` small letters of ``author``, unsigned, into the INBOX of ``reader``."""
    raw = plain_letter(author.address, reader.address, 1000, 3000)
    place(
        gateway,
        reader.address,
        (raw.replace(b"1000", b"%d" % (100_000 + number)) for number in range(count)),
    )


def place(gateway: Gateway, address: str, letters: Iterable[bytes]) -> None:
    """These messages into the INBOX of ``address``, in their order."""
    with gateway.database.read() as view:
        person = people.by_address(view, address)
        assert person is not None
        inbox = mailboxes.find(view, person.account_id, "INBOX")
        seal = view.vault.account(view, person.account_id)

    def unit(group: list[tuple[int, Arrival]], tx: Transaction) -> None:
        for number, arrival in group:
            messages.append(tx, inbox.mailbox_id, arrival, number % 4 and 1, FIRST_DAY + number)

    group: list[tuple[int, Arrival]] = []
    for number, raw in enumerate(letters):
        summary = summarise(scan(raw))
        ref = gateway.new_ref()
        arrival = messages.seal_arrival(seal, person.account_id, ref, raw, summary, _EVIDENCE)
        group.append((number, arrival))
        if len(group) == IN_A_GROUP:
            gateway.database.write(partial(unit, group))
            group = []
    gateway.database.write(partial(unit, group))


def _letters(gateway: Gateway, count: int, octets: int) -> Iterator[bytes]:
    signed = []
    with gateway.database.read() as view:
        author = people.by_address(view, AUTHORS[0])
        assert author is not None
    signer = crypto.signer_of(gateway, author)
    overhead = len(crypto.sign(gateway, signer, letter(AUTHORS[0], READER, 1000, 2000))) - 2000
    for number in range(TEMPLATES):
        raw = letter(AUTHORS[0], READER, 1000 + number, max(3000, octets - overhead))
        signed.append((number, crypto.sign(gateway, signer, raw)))
    for number in range(count):
        own, raw = signed[number % TEMPLATES]
        head, blank, body = raw.partition(b"\r\n\r\n")
        yield head.replace(b"%d" % (1000 + own), b"%d" % (100_000 + number)) + blank + body
