"""What can happen in an invented world: its people, their letters, and how letters are disguised.

Every disguise stands beside what a reader of the national rules says it means; nothing here asks
``policies``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hypothesis import strategies as st

PROFESSIONALS = ("martin", "bernard", "labo", "logiciel", "pharmacie", "durand")
PATIENTS = ("lea", "noe")
GATEWAY = "passerelle"

ROLES = {
    "martin": "PROFESSIONAL",
    "bernard": "PROFESSIONAL",
    "labo": "ORGANISATION",
    "logiciel": "APPLICATION",
    "pharmacie": "ORGANISATION",
    "durand": "PROFESSIONAL",
    "lea": "PATIENT",
    "noe": "PATIENT",
    GATEWAY: "SYSTEM",
}

# "durand" is flagged by mistake: only an organisation's mailbox takes a patient's first word.
FLAGGED = frozenset({"pharmacie", "durand"})
TAKES_FIRST_WORD = frozenset({"pharmacie"})

# Addresses that nobody holds.
NOBODY = "nobody"
UNKNOWN_PATIENT = "inconnue"
MALFORMED_PATIENT = "mal-formee"
OUTSIDE = "ailleurs"

AT_PATIENT_DOMAIN = frozenset({*PATIENTS, UNKNOWN_PATIENT, MALFORMED_PATIENT})

RECIPIENT_LIMIT = 2


def address(name: str) -> str:
    if name == OUTSIDE:
        return "quelqu.un@ailleurs.example"
    return f"{name}@patient.test" if name in AT_PATIENT_DOMAIN else f"{name}@mss.test"


# Disguise -> does it close?
SUBJECTS = {
    "Votre compte rendu": False,
    "[FIN]": True,
    " [FIN] ": True,
    "[FIN]\r\n ": True,
    "Re: [FIN]": False,
    "[fin]": False,
    "[FIN] merci": False,
    "[F IN]": False,
    "[FIN]\u200b": False,
    "FIN": False,
}
FIELDS = {
    None: False,
    "FIN": True,
    " FIN ": True,
    "FIN\r\n ": True,
    "fin": False,
    "FIN, FIN": False,
    "FINI": False,
    "": False,
}

# Disguise -> (Auto-Submitted, Precedence, is a report), did nobody sit down to write it?
NATURES = {
    "plain": ((None, None, False), False),
    "says no": (("no", None, False), False),
    "says No, at length": ((" No ; why=asked", "first-class", False), False),
    "out of office": (("auto-replied", None, False), True),
    "generated": (("Auto-Generated; origin=agenda", None, False), True),
    "says nothing": (("", None, False), True),
    "says nonsense": (("nope", None, False), True),
    "bulk": ((None, "bulk", False), True),
    "junk": (("no", "junk", False), True),
    "list": ((None, " List ", False), True),
    "report": (("no", None, True), True),
}

# Disguise -> what Reply-To names; None stands for the author, "reader" for the recipient.
REPLY_TO: dict[str, tuple[str | None, ...]] = {
    "absent": (),
    "self": (None,),
    "secretary": ("labo",),
    "self and colleague": (None, "bernard"),
    "reader": ("reader",),
    "other patient": ("noe",),
    "nobody": (NOBODY,),
    "outside": (OUTSIDE,),
    "gateway": (GATEWAY,),
    "secretary, reader, outside, nobody": ("labo", "reader", OUTSIDE, NOBODY),
    "secretary twice": ("labo", "labo"),
}
# ... and whom it grants; empty: the author is granted.
GRANTED: dict[str, tuple[str | None, ...]] = {
    "absent": (),
    "self": (None,),
    "secretary": ("labo",),
    "self and colleague": (None, "bernard"),
    "reader": (),
    "other patient": (),
    "nobody": (),
    "outside": (),
    "gateway": (),
    "secretary, reader, outside, nobody": ("labo",),
    "secretary twice": ("labo",),
}

# How the author claims to be: (reverse-path, From fields, From, Sender) in names; None is null.
ME = "me"
FORGED = "forged"
CLAIMS: dict[str, tuple[str | None, int, tuple[str, ...], tuple[str, ...]]] = {
    "own": (ME, 1, (ME,), ()),
    "own, with Sender": (ME, 1, (ME,), (ME,)),
    "null reverse-path": (None, 1, (ME,), ()),
    "forged reverse-path": (FORGED, 1, (ME,), ()),
    "forged From": (ME, 1, (FORGED,), ()),
    "two authors": (ME, 1, (ME, FORGED), ()),
    "the same author twice": (ME, 1, (ME, ME), ()),
    "two From fields": (ME, 2, (ME,), ()),
    "no From": (ME, 0, (), ()),
    "forged Sender": (ME, 1, (ME,), (FORGED,)),
    "two Senders": (ME, 1, (ME,), (ME, ME)),
}
FORGED_REVERSE_PATH = frozenset({"forged reverse-path"})
MALFORMED_CLAIMS = frozenset(
    {"two authors", "the same author twice", "two From fields", "no From", "two Senders"}
)
FORGED_CLAIMS = frozenset({"forged From", "forged Sender"})

# Standing -> does the account receive, and may it write?
STANDINGS = {
    "CREATED": True,
    "ACTIVE": True,
    "SUSPENDED": False,
    "OPPOSED": False,
    "CLOSED": False,
}


def forged_name(author: str) -> str:
    """Whom ``author`` pretends to be."""
    return "bernard" if author == "martin" else "martin"


@dataclass(frozen=True, slots=True)
class Change:
    """An account changes its standing."""

    who: str
    standing: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. ``meanwhile`` happens between the answers at RCPT and the commit.

    ``asked_at_rcpt`` False: a forged form that goes straight to the commit.
    ``forgets``: the stage gathers the exchanges of all recipients but the last.
    """

    author: str
    recipients: tuple[str, ...]
    claim: str = "own"
    subject: str = "Votre compte rendu"
    field: str | None = None
    nature: str = "plain"
    reply_to: str = "absent"
    arrives: bool = True
    asked_at_rcpt: bool = True
    forgets: bool = False
    meanwhile: Change | Letter | None = None


Event = Change | Letter


# Everything that may happen, made once, the ordinary first: a history draws from these, because to
# draw a letter field by field takes ten times as long.

_TO_READERS = (
    *product(PROFESSIONALS, [("lea",), ("noe",)]),
    *product(["martin", "labo"], [("lea", "bernard"), ("noe", "lea", "labo"), ("bernard",)]),
    *product(["martin"], [(UNKNOWN_PATIENT,), (MALFORMED_PATIENT,), (NOBODY,), (OUTSIDE, "lea")]),
    *product([GATEWAY], [("lea",), ("martin",)]),
)
_TO_PROFESSIONALS = (
    *product(["lea", "noe"], [(name,) for name in PROFESSIONALS]),
    *product(["lea"], [("martin", "bernard"), ("bernard", "martin", "labo")]),
    *product(["lea"], [("pharmacie", "martin"), ("martin", "pharmacie")]),
)
_ASTRAY = tuple(
    product(
        ["lea"],
        [("noe",), ("martin", "lea"), (UNKNOWN_PATIENT,), (NOBODY,), (OUTSIDE,), (GATEWAY,)],
    )
)

_CLOSING: tuple[dict[str, str], ...] = ({"subject": "[FIN]"}, {"field": "FIN"})
_LIKE_CLOSING: tuple[dict[str, object], ...] = (
    *({"subject": subject} for subject in SUBJECTS),
    *({"field": field} for field in FIELDS),
)
_ANSWER_ELSEWHERE = tuple({"reply_to": reply_to} for reply_to in REPLY_TO)
_UNUSUAL: tuple[dict[str, object], ...] = (
    *({"nature": nature} for nature in NATURES),
    *({"claim": claim} for claim in CLAIMS),
    {"arrives": False},
)
_DOUBLY_UNUSUAL: tuple[dict[str, object], ...] = (
    *({**fin, "reply_to": reply_to} for fin, reply_to in product(_CLOSING, REPLY_TO)),
    *({**fin, "nature": nature} for fin, nature in product(_CLOSING, NATURES)),
    *({**fin, "claim": claim} for fin, claim in product(_CLOSING, CLAIMS)),
    *({**fin, "arrives": False} for fin in _CLOSING),
    *({"nature": n, "reply_to": r} for n, r in product(NATURES, REPLY_TO)),
    *({"arrives": False, "reply_to": reply_to} for reply_to in REPLY_TO),
)
_OF_PATIENTS: tuple[dict[str, object], ...] = (
    *({"claim": claim} for claim in CLAIMS),
    *_CLOSING,
    {"reply_to": "secretary"},
    {"nature": "out of office"},
    {"arrives": False},
    {"forgets": True},
)
_STRAIGHT_TO_COMMIT: tuple[dict[str, object], ...] = (
    *({"asked_at_rcpt": False, "claim": claim} for claim in CLAIMS),
    *({"asked_at_rcpt": False, "forgets": forgets} for forgets in (True, True, False, False)),
)

_openings = [Letter(*route) for route in _TO_READERS]
_closings = [Letter(*route, **fin) for route, fin in product(_TO_READERS, _CLOSING)]
_like_closing = [Letter(*route, **how) for route, how in product(_TO_READERS, _LIKE_CLOSING)]
_elsewhere = [Letter(*route, **how) for route, how in product(_TO_READERS, _ANSWER_ELSEWHERE)]
_unusual = [Letter(*route, **how) for route, how in product(_TO_READERS, _UNUSUAL)]
_doubly = [Letter(*route, **how) for route, how in product(_TO_READERS, _DOUBLY_UNUSUAL)]
_answers = [Letter(*route) for route in _TO_PROFESSIONALS]
_odd_answers = [Letter(*route, **how) for route, how in product(_TO_PROFESSIONALS, _OF_PATIENTS)]
_straight = [
    Letter(*route, **how) for route, how in product(_TO_PROFESSIONALS, _STRAIGHT_TO_COMMIT)
]
_straight_to_several = [
    Letter("lea", readers, asked_at_rcpt=False)
    for readers in [("martin", "bernard"), ("bernard", "martin", "labo"), ("pharmacie", "martin")]
]
_astray = [
    Letter(*route, asked_at_rcpt=asked)
    for route, asked in product((*_ASTRAY, ("lea", ("durand",))), [True, False])
]
_changes = [
    *(Change(who, "ACTIVE") for who in [*PROFESSIONALS, *PATIENTS] for _ in range(8)),
    *(Change(who, standing) for who in [*PROFESSIONALS, *PATIENTS] for standing in STANDINGS),
]
_races: list[Letter] = [
    Letter(author, readers, meanwhile=meanwhile)
    for author, readers in _TO_PROFESSIONALS
    for meanwhile in (
        *(Letter(reader, (author,), **fin) for reader, fin in product(readers, _CLOSING)),
        Letter(readers[0], (author,), arrives=False),
        Change(author, "SUSPENDED"),
        Change(readers[0], "SUSPENDED"),
    )
]

# Each kind is drawn as often as any other, however many it has.
_ordinary = (_openings, _closings, _answers)
_rare = (
    *(_like_closing, _elsewhere, _unusual, _doubly),
    *(_odd_answers, _straight, _straight_to_several, _astray, _races, _changes),
)

histories = st.lists(
    st.one_of(*map(st.sampled_from, (*_ordinary, *_rare))), min_size=6, max_size=20
)
