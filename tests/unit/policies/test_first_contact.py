"""The truth table of the rule of the house: every state and every event, expected by hand."""

from dataclasses import replace
from itertools import product

import pytest

from policies import decide, first_contact
from policies.facts import Exchange, ExchangeFacts
from policies.first_contact import Effect, ReplyToCandidate, Writing
from policies.people import Role, Standing
from policies.reasons import Reason
from policies.verdict import Permit, Verdict
from tests.unit.policies.samples import (
    BERNARD,
    BY_PATIENT,
    BY_PROFESSIONAL,
    LEA,
    MARTIN,
    TO_PROFESSIONAL,
)

# --- What a delivery does: state x event -------------------------------------------------------

N, O, C = Exchange.NONE, Exchange.OPEN, Exchange.CLOSED  # noqa: E741 - columns of a table

CLOSING = {"no": (False, False), "[FIN]": (True, False), "FIN": (False, True), "both": (True, True)}
REPLY_TO = {"none": (), "self": (MARTIN,), "other": (BERNARD,), "both": (MARTIN, BERNARD)}

# Martin writes to Lea. (closing, Reply-To) -> what (NONE, OPEN, CLOSED) becomes, for Martin and for
# Bernard, who wrote nothing.
BECOMES = {
    ("no", "none"): ((O, O, O), (N, O, C)),
    ("no", "self"): ((O, O, O), (N, O, C)),
    ("no", "other"): ((N, O, C), (O, O, O)),
    ("no", "both"): ((O, O, O), (O, O, O)),
    ("[FIN]", "none"): ((C, C, C), (N, O, C)),
    ("[FIN]", "self"): ((C, C, C), (N, O, C)),
    ("[FIN]", "other"): ((C, C, C), (N, O, C)),
    ("[FIN]", "both"): ((C, C, C), (N, O, C)),
    ("FIN", "none"): ((C, C, C), (N, O, C)),
    ("FIN", "self"): ((C, C, C), (N, O, C)),
    ("FIN", "other"): ((C, C, C), (N, O, C)),
    ("FIN", "both"): ((C, C, C), (N, O, C)),
    ("both", "none"): ((C, C, C), (N, O, C)),
    ("both", "self"): ((C, C, C), (N, O, C)),
    ("both", "other"): ((C, C, C), (N, O, C)),
    ("both", "both"): ((C, C, C), (N, O, C)),
}

# (author, reader) -> does a message between them count?
COUNTS = {
    (Role.PROFESSIONAL, Role.PROFESSIONAL): False,
    (Role.PROFESSIONAL, Role.ORGANISATION): False,
    (Role.PROFESSIONAL, Role.APPLICATION): False,
    (Role.PROFESSIONAL, Role.PATIENT): True,
    (Role.PROFESSIONAL, Role.SYSTEM): False,
    (Role.ORGANISATION, Role.PROFESSIONAL): False,
    (Role.ORGANISATION, Role.ORGANISATION): False,
    (Role.ORGANISATION, Role.APPLICATION): False,
    (Role.ORGANISATION, Role.PATIENT): True,
    (Role.ORGANISATION, Role.SYSTEM): False,
    (Role.APPLICATION, Role.PROFESSIONAL): False,
    (Role.APPLICATION, Role.ORGANISATION): False,
    (Role.APPLICATION, Role.APPLICATION): False,
    (Role.APPLICATION, Role.PATIENT): True,
    (Role.APPLICATION, Role.SYSTEM): False,
    (Role.PATIENT, Role.PROFESSIONAL): False,
    (Role.PATIENT, Role.ORGANISATION): False,
    (Role.PATIENT, Role.APPLICATION): False,
    (Role.PATIENT, Role.PATIENT): False,
    (Role.PATIENT, Role.SYSTEM): False,
    (Role.SYSTEM, Role.PROFESSIONAL): False,
    (Role.SYSTEM, Role.ORGANISATION): False,
    (Role.SYSTEM, Role.APPLICATION): False,
    (Role.SYSTEM, Role.PATIENT): False,
    (Role.SYSTEM, Role.SYSTEM): False,
}

# (automatic, delivered) -> does such a message count?
HAPPENED = {
    (False, True): True,
    (False, False): False,
    (True, True): False,
    (True, False): False,
}


def after(writing: Writing, before: dict[str, Exchange]) -> dict[str, Exchange]:
    effects = first_contact.effects(writing)
    assert len({effect.professional_address for effect in effects}) == len(effects)
    return before | {effect.professional_address: effect.becomes for effect in effects}


def test_the_tables_are_total() -> None:
    assert set(BECOMES) == set(product(CLOSING, REPLY_TO))
    assert set(COUNTS) == set(product(Role, Role))
    assert set(HAPPENED) == set(product([True, False], [True, False]))


@pytest.mark.parametrize(("author_role", "reader_role"), COUNTS)
def test_every_state_meets_every_event(author_role: Role, reader_role: Role) -> None:
    states = list(Exchange)
    met = 0
    for (closing, reply_to), (automatic, delivered) in product(BECOMES, HAPPENED):
        writing = Writing(
            author_role=author_role,
            author_address=MARTIN,
            recipient_role=reader_role,
            is_automatic=automatic,
            closes_by_subject=CLOSING[closing][0],
            closes_by_field=CLOSING[closing][1],
            reply_to=REPLY_TO[reply_to],
            delivered=delivered,
        )
        counts = COUNTS[author_role, reader_role] and HAPPENED[automatic, delivered]
        martin_becomes, bernard_becomes = BECOMES[closing, reply_to]
        for martin, bernard in product(states, states):
            before = {MARTIN: martin, BERNARD: bernard}
            becomes = {
                MARTIN: martin_becomes[states.index(martin)],
                BERNARD: bernard_becomes[states.index(bernard)],
            }

            assert after(writing, before) == (becomes if counts else before), writing
            met += 1

    assert met == 16 * 4 * 9


def test_an_effect_names_no_other_mailbox_than_authors_or_reply_to() -> None:
    writing = Writing(Role.PROFESSIONAL, MARTIN, Role.PATIENT, False, False, False, (), True)

    assert first_contact.effects(writing) == (Effect(MARTIN, O),)
    assert first_contact.effects(replace(writing, closes_by_field=True)) == (Effect(MARTIN, C),)
    assert first_contact.effects(replace(writing, reply_to=(BERNARD,))) == (Effect(BERNARD, O),)


# --- What a message is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("[FIN]", True),
        (" [FIN] ", True),
        ("\t[FIN]\r\n ", True),
        ("\u00a0[FIN]\u00a0", True),
        ("", False),
        ("FIN", False),
        ("[fin]", False),
        ("[Fin]", False),
        ("[ FIN ]", False),
        ("[FIN", False),
        ("[FIN]]", False),
        ("[FIN][FIN]", False),
        ("[FIN] merci", False),
        ("Re: [FIN]", False),
        ("TR: [FIN]", False),
        ("\u200b[FIN]", False),
        ("\uff3bFIN\uff3d", False),
        ("=?utf-8?q?=5BFIN=5D?=", False),
    ],
)
def test_only_the_five_characters_close(subject: str, expected: bool) -> None:
    assert first_contact.closes_by_subject(subject) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("FIN", True),
        (" FIN ", True),
        ("\tFIN\r\n ", True),
        ("", False),
        ("fin", False),
        ("Fin", False),
        ("FINI", False),
        ("[FIN]", False),
        ("FIN, FIN", False),
        ("F\u0406N", False),
    ],
)
def test_only_three_capitals_close_by_the_field(value: str, expected: bool) -> None:
    assert first_contact.closes_by_field(value) is expected


@pytest.mark.parametrize(
    ("reverse_path", "auto_submitted", "precedence", "is_report", "expected"),
    [
        (MARTIN, None, None, False, False),
        (MARTIN, "no", None, False, False),
        (MARTIN, " NO ; why=none", None, False, False),
        (MARTIN, None, "first-class", False, False),
        (MARTIN, None, "", False, False),
        (None, None, None, False, True),
        (None, "no", None, False, True),
        (MARTIN, "auto-replied", None, False, True),
        (MARTIN, "auto-generated", None, False, True),
        (MARTIN, "auto-notified; owner-email=x", None, False, True),
        (MARTIN, "", None, False, True),
        (MARTIN, "; no", None, False, True),
        (MARTIN, "no (so they say)", None, False, True),
        (MARTIN, None, "bulk", False, True),
        (MARTIN, None, " Junk ", False, True),
        (MARTIN, "no", "list", False, True),
        (MARTIN, "no", None, True, True),
    ],
)
def test_what_nobody_sat_down_to_write_is_automatic(
    reverse_path: str | None,
    auto_submitted: str | None,
    precedence: str | None,
    is_report: bool,
    expected: bool,
) -> None:
    answer = first_contact.is_automatic(reverse_path, auto_submitted, precedence, is_report)

    assert answer is expected


@pytest.mark.parametrize(
    ("role", "is_trusted", "is_granted"),
    [
        (Role.PROFESSIONAL, True, True),
        (Role.ORGANISATION, True, True),
        (Role.APPLICATION, True, True),
        (Role.PATIENT, True, False),
        (Role.SYSTEM, True, False),
        (None, True, False),
        (Role.PROFESSIONAL, False, False),
        (Role.ORGANISATION, False, False),
        (Role.APPLICATION, False, False),
        (Role.PATIENT, False, False),
        (Role.SYSTEM, False, False),
        (None, False, False),
    ],
)
def test_reply_to_grants_known_professional_mailboxes_of_the_space(
    role: Role | None, is_trusted: bool, is_granted: bool
) -> None:
    candidate = ReplyToCandidate(BERNARD, role, is_trusted)

    granted = first_contact.reply_to_mailboxes([candidate])

    assert granted == ((BERNARD,) if is_granted else ())


def test_what_reply_to_may_not_grant_is_left_out_and_the_rest_kept_once_in_order() -> None:
    named = [
        ReplyToCandidate(LEA, Role.PATIENT, True),
        ReplyToCandidate(BERNARD, Role.PROFESSIONAL, True),
        ReplyToCandidate("labo@ailleurs.example", Role.ORGANISATION, False),
        ReplyToCandidate(MARTIN, Role.PROFESSIONAL, True),
        ReplyToCandidate(BERNARD, Role.PROFESSIONAL, True),
    ]

    assert first_contact.reply_to_mailboxes(iter(named)) == (BERNARD, MARTIN)


# --- What a patient may do ---------------------------------------------------------------------

# (state, takes a first word) -> the reason, or None when the patient may write
MAY_WRITE = {
    (N, False): Reason.NOT_YET_CONTACTED,
    (N, True): None,
    (O, False): None,
    (O, True): None,
    (C, False): Reason.EXCHANGE_CLOSED,
    (C, True): Reason.EXCHANGE_CLOSED,
}

# (who holds the address, flagged) -> does the mailbox take a first word?
TAKES_FIRST_WORD = {
    (None, False): False,
    (None, True): False,
    (Role.PROFESSIONAL, False): False,
    (Role.PROFESSIONAL, True): False,
    (Role.ORGANISATION, False): False,
    (Role.ORGANISATION, True): True,
    (Role.APPLICATION, False): False,
    (Role.APPLICATION, True): False,
    (Role.PATIENT, False): False,
    (Role.PATIENT, True): False,
    (Role.SYSTEM, False): False,
    (Role.SYSTEM, True): False,
}


def reason(verdict: Verdict) -> Reason | None:
    return None if isinstance(verdict, Permit) else verdict.reason


def test_the_tables_of_what_a_patient_may_do_are_total() -> None:
    assert set(MAY_WRITE) == set(product(Exchange, [True, False]))
    assert set(TAKES_FIRST_WORD) == set(product([None, *Role], [True, False]))


@pytest.mark.parametrize(("case", "expected"), TAKES_FIRST_WORD.items())
def test_only_a_flagged_organisation_takes_a_first_word(
    case: tuple[Role | None, bool], expected: bool
) -> None:
    assert first_contact.takes_first_word(*case) is expected


@pytest.mark.parametrize(("case", "expected"), MAY_WRITE.items())
def test_a_patient_may_write_while_open_or_first_to_a_pharmacy(
    case: tuple[Exchange, bool], expected: Reason | None
) -> None:
    assert first_contact.may_write(*case) is (expected is None)


@pytest.mark.parametrize("holder", TAKES_FIRST_WORD)
@pytest.mark.parametrize("exchange", Exchange)
def test_the_answer_at_rcpt_and_at_the_commit_is_that_of_the_table(
    exchange: Exchange, holder: tuple[Role | None, bool]
) -> None:
    role, is_flagged = holder
    expected = MAY_WRITE[exchange, TAKES_FIRST_WORD[holder]]
    at_rcpt = replace(
        TO_PROFESSIONAL,
        exchange=exchange,
        recipient_role=role,
        recipient_accepts_patient_initiated=is_flagged,
    )
    at_commit = replace(BY_PATIENT, exchanges=(ExchangeFacts(MARTIN, role, exchange, is_flagged),))

    given = {first_contact.not_yet_contacted(at_rcpt), first_contact.exchange_closed(at_rcpt)}
    assert given == {None, expected}
    assert reason(decide.at_message(at_commit)) is expected


@pytest.mark.parametrize("standing", [None, *Standing])
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("exchange", Exchange)
def test_an_address_at_the_patients_domain_tells_a_patient_nothing(
    exchange: Exchange, role: Role | None, standing: Standing | None
) -> None:
    for well_formed in (True, False):
        facts = replace(
            TO_PROFESSIONAL,
            recipient_is_patient_domain=True,
            ins_is_well_formed=well_formed,
            exchange=exchange,
            recipient_role=role,
            recipient_standing=standing,
        )

        assert reason(decide.at_recipient(facts)) is Reason.PATIENT_TO_PATIENT


@pytest.mark.parametrize("standing", [None, *Standing])
@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.PATIENT)])
def test_whoever_never_wrote_answers_as_if_nobody_were_there(
    role: Role | None, standing: Standing | None
) -> None:
    facts = replace(TO_PROFESSIONAL, exchange=N, recipient_role=role, recipient_standing=standing)

    assert reason(decide.at_recipient(facts)) is Reason.NOT_YET_CONTACTED


def test_one_recipient_who_closed_meanwhile_stops_the_whole_message() -> None:
    both = (
        ExchangeFacts(MARTIN, Role.PROFESSIONAL, O, False),
        ExchangeFacts(BERNARD, Role.PROFESSIONAL, C, False),
    )
    facts = replace(BY_PATIENT, recipients=(MARTIN, BERNARD), exchanges=both)

    assert reason(decide.at_message(facts)) is Reason.EXCHANGE_CLOSED


@pytest.mark.parametrize(
    ("recipients", "covered"), [((), ()), ((MARTIN,), ()), ((MARTIN, BERNARD), (MARTIN,))]
)
def test_a_recipient_whose_exchange_was_not_read_was_never_contacted(
    recipients: tuple[str, ...], covered: tuple[str, ...]
) -> None:
    exchanges = tuple(ExchangeFacts(name, Role.PROFESSIONAL, O, False) for name in covered)
    facts = replace(BY_PATIENT, recipients=recipients, exchanges=exchanges)

    assert reason(decide.at_message(facts)) is Reason.NOT_YET_CONTACTED


def test_a_professional_needs_no_exchange_to_write() -> None:
    closed = ExchangeFacts(LEA, Role.PATIENT, C, False)

    assert reason(decide.at_message(replace(BY_PROFESSIONAL, exchanges=(closed,)))) is None
    assert reason(decide.at_message(replace(BY_PROFESSIONAL, exchanges=()))) is None
