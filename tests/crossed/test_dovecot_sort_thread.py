"""Another implementation agrees: Dovecot sorts and threads the same messages as we do.

Both servers are filled with the same messages and asked the same; where we answer differently on
purpose, the last test says so and why.
"""

import asyncio
import imaplib
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.protocol import imap_site
from tests.support import dovecot

Filled = list[tuple[bytes, int]]
"""Messages and when they arrived, in unix seconds."""

Asked = tuple[str, str, str, str]
"""A command, its first argument, charset and search keys."""

KEYS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]
ALGORITHMS = ("REFERENCES", "ORDEREDSUBJECT")
ARRIVED = 1_700_000_000

SUBJECTS = (
    r"""
Re: x|re[1]: x|Re [a]: x|RE :x|Fwd: x|FW: x|fwd[9] : x|[list] Re: x|[list] x|[a][b] x|[only]
[a][b]|Re: [a]|x (fwd)|x (FWD) (fwd)|[Fwd: x]|[fwd: Re: x]|[Fwd: [Fwd: x]]|Re: [Fwd: x (fwd)]
[Fwd: x|[fwd:]|Re:|Re: Re: Fwd:||TR: x|Réf : x|RÉ: x|=?utf-8?Q?Re:_x?=|=?utf-8?B?UmU6IMOpdMOp?=
été|ETE|Été|ÊTRE|etre|œuvre|Œuvre|straße|STRASSE|ß|ﬁn|fin|Ⅸ|IX|ı|i|İ|I|Ångström|angstrom|日本|한국
ÀÉÎ|àéî|x  y|re:x|Re(2): x|re: [x] re: y|y|[x] y|[x]y|[x y|x] y|Re: [x] (fwd)|(fwd)|[fwd: x] y
Fwd:[fwd: x]|[fwd: a][fwd: b]|[a] [fwd: b]|[fwd: b] [c]|a(fwd)|re : x|rex: y|[]x|[] Re: x|[[x]] y
re:[fwd:]|𝒳|X|ⓧ|²|2|ŉ|ʼn|ŉa|Σ|ς|σ|é|=?utf-8?Q?a?= =?utf-8?Q?b?=|ab|a b|=?utf-8?Q?a?=~ =?utf-8?Q?b?=
=?iso-8859-1?Q?=E9t=E9?=|=?windows-1252?Q?=80?=|€|x=?utf-8?Q?y?=z|xyz|=?utf-8?Q?a_b?=|a~	b
=?utf-8?Q?_Re:_a?=|=?koi8-r?B?8NLJ18XU?=|Привет|=?utf-8?X?a?=|=?utf-8?Q?a|R=?utf-8?Q?e:?= a
""".strip()
    .replace("\n", "|")
    .split("|")
)
"""``~`` is a fold."""

ADDRESSES = (
    r"""
a@x.example|B@x.example|b@x.example|"Martin, Claire" <claire.martin@x.example>
Zoe <abc@x.example>|<abd@x.example>|Groupe: g1@x.example, g2@x.example;|undisclosed-recipients:;
=?utf-8?Q?Zo=C3=A9_d=27=C3=89t=C3=A9?= <zz@x.example>|Éric <eric@x.example>|eric <zric@x.example>
"=?utf-8?Q?pas_d=C3=A9cod=C3=A9?=" <q@x.example>|(avant) d@x.example|Z <Z@x.example>
a.b+c@x.example, z@x.example|z <y@x.example>|"a\"b" <esc@x.example>|"Gr, oupe": h@x.example;
A  B <ab@x.example>|A B <ab2@x.example>|=?utf-8?Q?_?= <vide@x.example>|
""".strip()
    .replace("\n", "|")
    .split("|")
)

DATES = (
    """
Tue, 22 Sep 2026 10:00:00 +0200|Tue, 22 Sep 2026 08:00:00 +0000|Tue, 22 Sep 2026 08:00:00 GMT
Tue, 22 Sep 2026 04:00:00 EDT|22 Sep 2026 10:00 +0200|Tue, 22 Sep 26 10:00:00 +0200
Tue, 22 Sep 99 10:00:00 +0200|hier|Tue, 32 Sep 2026 10:00:00 +0200|Fri, 31 Dec 9999 23:59:59 +0000
Tue, 22 Sep 2026 25:00:00 +0200|Tue, 22 Sep 2026 10:00:00 Foo|Tue,22 Sep 2026 10:00:00 -0000 (c)
Thu, 1 Jan 1970 00:00:01 +0000|Tue, 22 Sep 2026|22 Sep 2026 10:00:00
""".strip()
    .replace("\n", "|")
    .split("|")
)


def letter(**fields: str | None) -> bytes:
    """A message with these header fields (``message_id`` is Message-ID), None for no such field."""
    shown = {
        "From": "Claire <claire@mss.example>",
        "To": "Paul <paul@mss.example>",
        "Date": "Tue, 22 Sep 2026 10:00:00 +0200",
    }
    given = {name.replace("_", "-").title(): value for name, value in fields.items()}
    lines = [f"{name}: {value}\r\n" for name, value in (shown | given).items() if value is not None]
    return ("".join(lines) + "\r\nBonjour.\r\n").encode()


def odd_letters() -> Filled:
    """Every subject, address and date above, and messages without them."""
    written = [letter(subject=subject.replace("~", "\r\n")) for subject in SUBJECTS]
    for number, address in enumerate(ADDRESSES):
        written.append(letter(**{"from": address}, to=f"t{99 - number}@x.example"))
        written.append(letter(to=address, subject="s"))
        written.append(letter(cc=address, subject="t"))
    written += [letter(date=date, subject=f"d{n * 7 % 20}") for n, date in enumerate(DATES)]
    written += [letter(**{absent: None}) for absent in ("from", "to", "date")]
    assert len(written) > 180
    return [(raw, ARRIVED + number * 7919 % 1009) for number, raw in enumerate(written)]


def contradicting_letters(seed: int, count: int, identifiers: int) -> Filled:
    """Messages that claim at random whom they answer: loops, doubles, parents that are away."""
    odd = random.Random(seed)

    def someone() -> str:
        return f"<{odd.randrange(identifiers)}@x.example>"

    found: Filled = []
    for _ in range(count):
        references = " ".join(someone() for _ in range(odd.choice([0, 0, 1, 1, 2, 3, 5])))
        subject = odd.choice(["a", "b", "c", "d", "é", "", None, "f", "g", "h"])
        mark = odd.choice(["", "Re: ", "Fwd: ", "[x] Re: ", "Re: Re: "])
        minute = f"{odd.randrange(1, 28)} Sep 2026 10:{odd.randrange(60):02d}:00 +0200"
        raw = letter(
            references=references or None,
            in_reply_to=someone() if odd.random() < 0.3 else None,
            message_id=someone() if odd.random() < 0.8 else None,
            subject=None if subject is None else mark + subject,
            date=minute if odd.random() < 0.9 else None,
        )
        found.append((raw, ARRIVED + odd.randrange(10_000_000)))
    return found


def naming_letters() -> Filled:
    """Pairs of a message and an answer, for each way in which identifiers are written."""
    ways = [
        ("<{}@x>", "<{}@x>", None),
        ("<{}@x>", "<z@z>,<{}@x>", None),
        ("<{}@x>", None, "Message de Paul <{}@x>"),
        ('<"{}"@x>', "<{}@x>", None),
        ("<{}@x>", '<"{}"@x>', None),
        ("<{}@[192.0.2.1]>", "<{}@[192.0.2.1]>", None),
        ("{}@x", "<{}@x>", None),
        ("<{}@x> (note)", "<{}@x>", None),
        ("<{}@x>", "<{}@x>\r\n\t<q@x>", None),
        ("<{}@X>", "<{}@x>", None),
        ("<{}>", "<{}>", None),
        ("<{}@x> <other@x>", "<{}@x>", None),
        ("<{}@x>", "<{}@x><q{}@x>", None),
        ("<{}@x>", "<{}@x> <>", None),
        ("<{}@x>", "<p{}>", "<{}@x>"),
    ]
    found: Filled = []
    for number, way in enumerate(ways):
        own, references, in_reply_to = (
            None if text is None else text.format(number, number) for text in way
        )
        parent = letter(message_id=own, subject=f"p{number}")
        child = letter(references=references, in_reply_to=in_reply_to, subject=f"c{number}")
        found += [(parent, ARRIVED), (child, ARRIVED)]
    return found


def _answers(port: int, login: str, password: str, asked: list[Asked], fill: Filled) -> list[str]:
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(login, password)
        for raw, moment in fill:
            client.append("INBOX", "", imaplib.Time2Internaldate(moment), raw)
        client.select("INBOX")
        found: list[str] = []
        for verb, argument, charset, keys in asked:
            ask = client.sort if verb == "SORT" else client.thread
            status, told = ask(argument, charset, keys)
            assert status == "OK"
            found.append(b"".join(told).decode())
        return found


async def both(folder: Path, filled: Filled, asked: list[Asked]) -> tuple[list[str], list[str]]:
    """Our answers and Dovecot's."""
    with dovecot.serving() as peer:
        theirs = await asyncio.to_thread(
            _answers, peer.port, dovecot.LOGIN, dovecot.PASSWORD, asked, filled
        )
    settings = replace(imap_site.SETTINGS, message_octets=1 << 20)
    with imap_site.open_site(folder) as site:
        for raw, moment in filled:
            site.put(raw, moment=moment)
        async with imap_site.serving(site, settings) as port:
            ours = await asyncio.to_thread(
                _answers, port, imap_site.LOGIN, imap_site.PASSWORD, asked, []
            )
        assert site.reported == []
    return ours, theirs


async def test_odd_messages_are_sorted_and_threaded_alike(tmp_path: Path) -> None:
    asked: list[Asked] = [
        ("SORT", f"({reverse}{key})", "UTF-8", "ALL")
        for key in KEYS
        for reverse in ("", "REVERSE ")
    ]
    asked.append(("SORT", "(DISPLAYFROM REVERSE SUBJECT TO)", "UTF-8", "NOT 7:20"))
    asked += [("THREAD", algorithm, "UTF-8", "ALL") for algorithm in ALGORITHMS]
    filled = odd_letters()
    ours, theirs = await both(tmp_path, filled, asked)
    assert all(len(answer.split()) == len(filled) for answer in theirs[: 2 * len(KEYS)])
    for question, our, their in zip(asked, ours, theirs, strict=True):
        assert our == their, question


@pytest.mark.parametrize(
    ("seed", "count", "identifiers"), [(1, 200, 60), (2, 150, 12), (3, 60, 90)]
)
async def test_contradicting_messages_are_threaded_alike(
    tmp_path: Path, seed: int, count: int, identifiers: int
) -> None:
    asked: list[Asked] = [
        ("THREAD", algorithm, "UTF-8", keys)
        for algorithm in ALGORITHMS
        for keys in ("ALL", "NOT 10:30", 'NOT SUBJECT "Re"')
    ]
    ours, theirs = await both(tmp_path, contradicting_letters(seed, count, identifiers), asked)
    assert theirs[0].count("(") > 20
    for question, our, their in zip(asked, ours, theirs, strict=True):
        assert our == their, question


async def test_identifiers_are_read_alike(tmp_path: Path) -> None:
    ours, theirs = await both(
        tmp_path, naming_letters(), [("THREAD", "REFERENCES", "UTF-8", "ALL")]
    )
    assert ours == theirs


async def test_where_we_differ_we_keep_to_the_specification(tmp_path: Path) -> None:
    """Pairs: what we put first, what Dovecot puts first, by which key, and why."""
    pairs = [
        # RFC 5256 §2.2: a date is a date; Dovecot takes what is before 1970 for none
        (
            letter(date="Mon, 1 Jan 1900 00:00:00 +0000"),
            letter(date="2 Jan 1970 00:00 +0000"),
            "DATE",
        ),
        # RFC 5051 §2, its own example: U+01C4 is D, z, caron
        (letter(subject="\u01c4"), letter(subject="e"), "SUBJECT"),
        # RFC 9051 §7.5.2: addr-name is the phrase of a mailbox, a comment is none
        (
            letter(**{"from": "c@x.example (Zoé)"}),
            letter(**{"from": "d@x.example"}),
            "DISPLAYFROM",
        ),
        # RFC 2047 §5: no comma in an encoded word of a phrase; nobody guesses an address from it
        (
            letter(**{"from": "a@x.example"}),
            letter(**{"from": "=?utf-8?Q?Dupont,_Jean?= <jd@x.example>"}),
            "FROM",
        ),
        # a charset that is not known is read as if it were; Dovecot shows a replacement character
        (letter(subject="=?x-inconnu?Q?a?="), letter(subject="b"), "SUBJECT"),
        # subjects are compared as they are shown: what nobody sees does not count
        (letter(subject="\u202eab"), letter(subject="ac"), "SUBJECT"),
    ]
    filled = [(raw, ARRIVED) for first, second, _ in pairs for raw in (first, second)]
    asked: list[Asked] = [
        ("SORT", f"({key})", "UTF-8", f"{2 * number + 1}:{2 * number + 2}")
        for number, (_, _, key) in enumerate(pairs)
    ]
    ours, theirs = await both(tmp_path, filled, asked)
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        first, second = 2 * number + 1, 2 * number + 2
        assert (our, their) == (f"{first} {second}", f"{second} {first}")
