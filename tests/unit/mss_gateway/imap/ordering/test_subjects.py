"""The base subject, RFC 5256 §2.1: each step, and subjects made to be dear."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.imap.ordering.subjects import BaseSubject, base_subject


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("", "", False),
        ("Bilan", "Bilan", False),
        # step 1
        ("Bilan \t du\r\n jour", "Bilan du jour", False),
        # step 2
        ("Bilan  ", "Bilan", False),
        ("Bilan (fwd)", "Bilan", True),
        ("Bilan(FWD) (fwd) ", "Bilan", True),
        ("(fwd)", "", True),
        ("Bilan (fwd) final", "Bilan (fwd) final", False),
        # step 3
        ("  Bilan", "Bilan", False),
        ("Re: Bilan", "Bilan", True),
        ("re:Bilan", "Bilan", True),
        ("FW: Bilan", "Bilan", True),
        ("Fwd: Bilan", "Bilan", True),
        ("RE  : Bilan", "Bilan", True),
        ("Re[2]: Bilan", "Bilan", True),
        ("Re [liste] : Bilan", "Bilan", True),
        ("[liste] Re: Bilan", "Bilan", True),
        ("[a][b] [c]Fwd[4]:Bilan", "Bilan", True),
        ("Re: Re: FW: Bilan", "Bilan", True),
        ("Re:", "", True),
        ("Re: [liste]", "[liste]", True),
        # step 4
        ("[liste] Bilan", "Bilan", False),
        ("[a] [b] Bilan", "Bilan", False),
        ("[liste]", "[liste]", False),
        ("[a] [b]", "[b]", False),
        ("[a] [b] ", "[b]", False),
        ("[] Bilan", "Bilan", False),
        # step 5
        ("[a] Re: [b] Fwd: [c] Bilan", "Bilan", True),
        # step 6
        ("[Fwd: Bilan]", "Bilan", True),
        ("[fwd: Re: [x] Bilan (fwd)]", "Bilan", True),
        ("Re: [Fwd: [Fwd: Bilan]]", "Bilan", True),
        ("[fwd:]", "", True),
        ("[a] [fwd: b]", "b", True),
        ("[fwd: a] b", "b", False),  # a blob that something follows
        ("[fwd: a", "[fwd: a", False),
        # no marks of the RFC
        ("TR: Bilan", "TR: Bilan", False),
        ("RÉ: Bilan", "RÉ: Bilan", False),
        ("Réf : Bilan", "Réf : Bilan", False),
        ("Re(2): Bilan", "Re(2): Bilan", False),
        ("Reprise: Bilan", "Reprise: Bilan", False),
        ("Re", "Re", False),
        ("Re [a][b]: Bilan", "Re [a][b]: Bilan", False),
        ("[a Bilan", "[a Bilan", False),
        ("[a[b]] Bilan", "[a[b]] Bilan", False),
        ("ʀe: Bilan", "ʀe: Bilan", False),
    ],
)
def test_the_base_of(subject: str, base: str, is_reply: bool) -> None:
    assert base_subject(subject) == BaseSubject(base, is_reply)


MANY = 200_000
"""Characters: whoever looks at each of them for each of them does not come back."""


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("[a]" * MANY, "[a]"),
        ("[a]" * MANY + "b", "b"),
        ("[" * MANY, "[" * MANY),
        ("[fwd:" * MANY + "]" * MANY, ""),
        ("[fwd:" * MANY + "x", "[fwd:" * MANY + "x"),
        ("Re: " * MANY, ""),
        ("Re[a]" * MANY, "Re[a]" * MANY),
        ("[a]re" * MANY, "re" + "[a]re" * (MANY - 1)),
        ("(fwd)" * MANY, ""),
        ("re" + "\t" * MANY, "re"),
        ("re [" + " " * MANY, "re ["),
        ("[re:" * MANY + "(fwd)" * MANY, "[re:" * MANY),
    ],
)
def test_a_hostile_subject_costs_its_length(subject: str, base: str) -> None:
    assert base_subject(subject).text == base


_WSP = r"[ \t]"
_BLOB = rf"\[[^\[\]]*\]{_WSP}*"
_LEADER = re.compile(rf"(?:{_BLOB})*(re|fwd?){_WSP}*(?:{_BLOB})?:|{_WSP}", re.IGNORECASE)


def by_the_letter(subject: str) -> tuple[str, bool]:
    """The procedure as the RFC words it, one removal at a time and a new text for each."""
    text = re.sub(r"\s+", " ", subject)
    is_reply = False
    while True:
        while trailer := re.search(rf"(?:(\(fwd\))|{_WSP})\Z", text, re.IGNORECASE):
            is_reply |= trailer[1] is not None
            text = text[: trailer.start()]
        while True:
            if leader := _LEADER.match(text):
                is_reply |= leader[1] is not None
                text = text[leader.end() :]
            elif (blob := re.match(_BLOB, text)) and text[blob.end() :]:
                text = text[blob.end() :]
            else:
                break
        if not re.fullmatch(r"\[fwd:.*\]", text, re.IGNORECASE | re.DOTALL):
            return text, is_reply
        text, is_reply = text[5:-1], True


PIECES = st.sampled_from(
    ["Re", "re", "FW", "fwd", ":", " ", "\t", "[", "]", "[fwd:", "(fwd)", "[a]", "x", "Re: "]
)


@given(st.lists(PIECES).map("".join))
def test_it_is_what_the_rfc_words(subject: str) -> None:
    assert base_subject(subject) == BaseSubject(*by_the_letter(subject))


@given(st.lists(PIECES).map("".join))
def test_a_base_subject_has_itself_as_base(subject: str) -> None:
    once = base_subject(subject).text
    assert base_subject(once) == BaseSubject(once, False)
