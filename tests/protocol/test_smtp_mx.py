"""The MX: who may hand over what for whom (threats T5, T10 to T14), exactly once (P3)."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from mailbox_store import correspondences
from mailbox_store.database import View
from mss_gateway.directory import domain_keys
from mss_gateway.smtp.connection import PATIENCE
from mss_gateway.smtp.dkim_reading import DkimReading
from mss_gateway.smtp.tarpit import REFUSED_PER_HOUR
from policies.people import Standing
from tests.support import peer_site, smtp_site
from tests.support.peer_site import (
    DOMAIN,
    GARNIER,
    HOST,
    MOREL,
    OUTSIDE,
    PATIENTS,
    REMOTE_PATIENT,
    THIRD,
    calling,
    mx_serving,
    shown,
)
from tests.support.people import DOMAIN as OURS
from tests.support.smtp_site import (
    BERNARD,
    CLOSED,
    DUBOIS,
    LIMITS,
    MARTIN,
    NO_SUCH_PATIENT,
    OPPOSED,
    PATIENT,
    PHARMACY,
    SUSPENDED,
    Client,
    Clock,
    Site,
    simple,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield peer_site.welcoming(opened)


def letter(author: str = GARNIER, **rest: str) -> bytes:
    return simple(author, **rest)


async def first(site: Site, *names: str, path: str = GARNIER, **made: Any) -> str:
    """What a server whose certificate is for these names is answered at MAIL."""
    async with mx_serving(site) as port:
        async with calling(site, port, shown(*names, **made).tls(site)) as client:
            return await client.say(f"MAIL FROM:<{path}>")


def refusals(site: Site) -> list[str]:
    """What was put on record; nobody waits for that, but it comes in order."""
    site.gateway.database.write(lambda tx: None)
    return site.acts("policy")


# who speaks


async def test_a_letter_of_a_colleague_elsewhere_is_delivered_with_its_trace(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        answer = await client.submit(letter(), GARNIER, DUBOIS)
    assert answer.startswith("250 2.0.0 ")
    site.work()
    (kept,) = site.kept(DUBOIS)
    assert kept.startswith(f"Return-Path: <{GARNIER}>\r\n".encode())
    trace = f"Received: from {HOST} by localhost with ESMTPS\r\n\tid {answer[10:]};"
    assert trace.encode() in kept


async def test_nothing_is_taken_without_tls_and_nobody_signs_in(site: Site) -> None:
    async with mx_serving(site) as port:
        async with smtp_site.client(port.number) as client:
            await client.reply()
            assert "REQUIRETLS" not in await client.say("EHLO x")
            assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("530 5.7.0 ")
        async with calling(site, port) as client:
            offered = (await client.say("EHLO x")).split("\n")
            assert offered[1:] == [
                "250-PIPELINING",
                f"250-SIZE {LIMITS.message_octets}",
                "250-8BITMIME",
                "250-ENHANCEDSTATUSCODES",
                "250-DSN",
                "250 REQUIRETLS",
            ]
            assert (await client.say("AUTH PLAIN AA==")).startswith("500 5.5.1 ")


async def test_a_server_without_a_certificate_is_told_so(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port, site.trusting()) as client:
        answer = await client.say(f"MAIL FROM:<{GARNIER}>")
    assert answer.startswith("550 5.7.1 Votre serveur n'a pas presente de certificat valide")
    assert refusals(site) == ["peer_unproved"]


async def test_strangers_do_not_fill_the_journal(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port, site.trusting()) as client:
        for _ in range(20):
            assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("550 5.7.1 ")
    assert refusals(site) == ["peer_unproved"]
    counted = site.gateway.metrics.refused.labels("peer_unproved", "mx")
    assert counted._value.get() == 20


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        ((HOST,), "250 2.1.0 "),
        ((DOMAIN,), "250 2.1.0 "),
        (("ailleurs.example", HOST), "250 2.1.0 "),
        ((f"mx.{OUTSIDE}",), "550 5.7.1 Le certificat de votre serveur ne designe"),
        ((f"{DOMAIN}.{OUTSIDE}",), "550 5.7.1 "),
        ((f"x{DOMAIN}",), "550 5.7.1 "),
        ((f"*.{DOMAIN}",), "550 5.7.1 "),
        ((HOST, f"mx.{THIRD}"), "550 5.7.1 "),
        ((OURS,), "550 5.7.1 "),
        ((f"mx.{THIRD}",), "553 5.7.1 Le domaine de l'expediteur"),
    ],
)
async def test_the_names_of_a_certificate_say_for_whom_it_speaks(
    names: tuple[str, ...], answer: str, site: Site
) -> None:
    assert (await first(site, *names)).startswith(answer)


async def test_the_certificate_of_a_mailbox_calls_nobody(site: Site) -> None:
    try:
        answer = await first(site, GARNIER)
    except ConnectionError:
        return  # TLS itself has refused it
    assert answer.startswith("550 5.7.1 ")


@pytest.mark.parametrize("made", [{"issuer": "Une autre autorite"}, {"days": 1}])
async def test_tls_ends_for_an_unknown_authority_and_for_what_has_expired(
    made: dict[str, Any], site: Site
) -> None:
    with pytest.raises((ConnectionError, OSError)):
        await first(site, HOST, **made)
    assert site.counts()["queued_messages"] == 0


async def test_a_certificate_is_judged_again_at_each_mail_of_a_connection(site: Site) -> None:
    gateway = site.gateway
    async with mx_serving(site) as port, calling(site, port) as client:
        assert (await client.submit(letter(), GARNIER, DUBOIS)).startswith("250 ")
        peer_site.publish(gateway.config, gateway.now(), shown(HOST).certificate)
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("550 5.7.1 ")
        peer_site.publish(gateway.config, gateway.now())
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("250 ")
        await client.say("RSET")
        site.clock.pass_by((peer_site.DAYS + 1) * 86_400)
        peer_site.bring_list(site, DOMAIN, PATIENTS)
        unknown = await client.say(f"MAIL FROM:<{GARNIER}>")
    assert unknown.startswith("451 4.7.5 La revocation du certificat de votre serveur")
    assert refusals(site) == ["peer_unproved", "peer_unchecked"]


async def test_a_domain_taken_off_the_list_in_the_middle_of_a_message_is_refused_at_its_end(
    site: Site,
) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        for line in (f"MAIL FROM:<{GARNIER}>", f"RCPT TO:<{DUBOIS}>"):
            assert (await client.say(line)).startswith("250 ")
        assert (await client.say("DATA")).startswith("354 ")
        peer_site.bring_list(site, THIRD)
        refused = await client.throw(letter() + b".\r\n")
        assert refused.startswith("550 5.7.1 ")
        peer_site.bring_list(site, DOMAIN)
        assert (await client.submit(letter(), GARNIER, DUBOIS)).startswith("250 ")
    site.work()
    assert len(site.kept(DUBOIS)) == 1
    assert refusals(site) == ["peer_outside"]


async def test_the_white_list_governs_at_once_and_only_while_it_is_fresh(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        peer_site.bring_list(site, THIRD)
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("550 5.7.1 ")
        peer_site.bring_list(site, DOMAIN)
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("250 ")
        await client.say("RSET")
        site.clock.pass_by(72 * 3600 - 60)
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("250 ")
        await client.say("RSET")
        site.clock.pass_by(61)
        assert (await client.say(f"MAIL FROM:<{GARNIER}>")).startswith("451 4.3.5 ")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("", "250 "),
        (GARNIER.upper(), "250 "),
        (REMOTE_PATIENT, "250 "),
        (f"x@mx1.{DOMAIN}", "553 5.7.1 "),
        (MARTIN, "553 5.7.1 "),
        (f"x@{THIRD}", "553 5.7.1 "),
        (f"x@{OUTSIDE}", "553 5.7.1 "),
        (f"x%{DOMAIN}@{THIRD}", "553 5.1.3 "),
        (f"@{DOMAIN}:x@{THIRD}", "553 5.1.3 "),
    ],
)
async def test_the_reverse_path_is_of_the_operator_s_domains_or_null(
    path: str, answer: str, site: Site
) -> None:
    assert (await first(site, HOST, path=path)).startswith(answer)


def test_the_product_s_loop_knows_the_certificate_too(site: Site) -> None:
    async def talk() -> str:
        async with mx_serving(site) as port, calling(site, port) as client:
            return await client.submit(letter(), GARNIER, DUBOIS)

    assert uvloop.run(talk()).startswith("250 ")


async def test_without_room_on_the_disk_nothing_new_comes_in(site: Site) -> None:
    limits = replace(site.gateway.config.limits, free_octets=1 << 60)
    full = replace(site.gateway, config=replace(site.gateway.config, limits=limits))
    answer = await first(replace(site, gateway=full), HOST)
    assert answer.startswith("452 4.3.1 ")


# for whom


async def rcpt(site: Site, recipients: Sequence[str], path: str = GARNIER) -> list[str]:
    async with mx_serving(site) as port, calling(site, port) as client:
        assert (await client.say(f"MAIL FROM:<{path}>")).startswith("250 ")
        return [await client.say(f"RCPT TO:<{each}>") for each in recipients]


async def test_only_mailboxes_here_are_recipients(site: Site) -> None:
    answers = await rcpt(
        site, [DUBOIS, PATIENT, "postmaster", "personne@mss.example", MOREL, f"x@{OUTSIDE}"]
    )
    assert [each[:10] for each in answers] == [
        *["250 2.1.5 "] * 3,
        "550 5.1.1 ",
        "550 5.7.1 ",
        "550 5.7.1 ",
    ]


async def test_nobody_writes_to_the_holder_of_a_domain_s_key(site: Site) -> None:
    database, names = site.gateway.database, site.gateway.config.mailboxes
    database.write(lambda tx: domain_keys.ensure(tx, OURS, "Operateur", names))
    (answer,) = await rcpt(site, [domain_keys.address_for(OURS)])
    assert answer.startswith("550 5.1.1 ")


async def test_an_absent_patient_is_one_answer_and_one_work_whatever_the_cause(site: Site) -> None:
    """Threat T10: byte for byte, and by the same look-ups."""
    answers, looked_up = set(), set()
    original = View.sql
    async with mx_serving(site) as port, calling(site, port) as client:
        await client.say(f"MAIL FROM:<{GARNIER}>")
        for address in (NO_SUCH_PATIENT, OPPOSED, CLOSED, SUSPENDED):
            seen: list[str] = []

            def sql(view: View, statement: str, parameters: Sequence[Any] = ()) -> Any:
                seen.append(statement)  # noqa: B023 - called within this turn
                return original(view, statement, parameters)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(View, "sql", sql)
                answers.add(await client.say(f"RCPT TO:<{address}>"))
            kinds = ("people", "correspondences")
            asked = (line for line in seen if any(kind in line for kind in kinds))
            looked_up.add(tuple(asked))
    assert len(answers) == len(looked_up) == 1
    assert answers.pop().startswith("550 5.7.1 ")


async def test_a_malformed_ins_is_told_apart_before_any_look_up(site: Site) -> None:
    (answer,) = await rcpt(site, ["279035121518988@patient.mss.example"])
    assert answer.startswith("553 5.1.3 ")


def open_exchange(site: Site, professional: str, state: str = "OPEN") -> None:
    gateway = site.gateway
    ref = gateway.new_ref()
    gateway.database.write(
        lambda tx: correspondences.record(
            tx, REMOTE_PATIENT, gateway.spool, professional, "Dr", state, ref
        )
    )


async def test_a_patient_elsewhere_writes_only_where_somebody_wrote_first(site: Site) -> None:
    open_exchange(site, DUBOIS)
    open_exchange(site, MARTIN, "CLOSED")
    answers = await rcpt(site, [DUBOIS, MARTIN, BERNARD, PATIENT, PHARMACY], REMOTE_PATIENT)
    assert [each.split(" ")[:2] for each in answers] == [
        ["250", "2.1.5"],
        ["550", "5.7.1"],
        ["550", "5.7.1"],
        ["550", "5.7.1"],
        ["250", "2.1.5"],
    ]


async def test_a_patient_named_in_from_is_a_patient_whatever_the_envelope_says(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        for path in (GARNIER, ""):
            answer = await client.submit(letter(REMOTE_PATIENT), path, DUBOIS)
            assert answer.startswith("550 5.7.1 Vous pourrez ecrire a ce professionnel")
        open_exchange(site, DUBOIS)
        assert (await client.submit(letter(REMOTE_PATIENT), "", DUBOIS)).startswith("250 ")
    site.work()
    assert len(site.kept(DUBOIS)) == 1


async def test_an_exchange_that_ends_meanwhile_stops_the_message_at_its_commit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mss_gateway.life import store

    open_exchange(site, DUBOIS)
    original = store.commit_arrival

    def commit_arrival(*given: Any, **named: Any) -> str:
        open_exchange(site, DUBOIS, "CLOSED")
        return original(*given, **named)

    monkeypatch.setattr(store, "commit_arrival", commit_arrival)
    async with mx_serving(site) as port, calling(site, port) as client:
        answer = await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS)
    assert answer.startswith("550 5.7.1 Le professionnel a mis fin a cet echange.")
    assert site.counts()["queued_messages"] == 0


CLOSED_MEANWHILE = "550 5.7.1 Le professionnel a mis fin a cet echange."


async def test_a_retry_is_told_the_first_reference_though_the_exchange_was_closed_meanwhile(
    site: Site,
) -> None:
    open_exchange(site, DUBOIS)
    async with mx_serving(site) as port, calling(site, port) as client:
        first = await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS)
        assert first.startswith("250 ")
        open_exchange(site, DUBOIS, "CLOSED")
        before = site.counts()
        assert await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS) == first
        assert site.counts() == before
        # nothing new passes, and nothing of anybody else
        other = letter(REMOTE_PATIENT, body="Autre chose.")
        refused = await client.submit(other, REMOTE_PATIENT, DUBOIS)
        assert refused.startswith(CLOSED_MEANWHILE)
    assert site.counts() == before
    assert site.acts("store") == ["accepted", "retry collapsed"]
    assert refusals(site) == ["exchange_closed"]
    site.work()
    assert len(site.kept(DUBOIS)) == 1


async def test_who_might_be_a_retry_stands_alone_so_that_others_are_answered_for_themselves(
    site: Site,
) -> None:
    for professional in (DUBOIS, MARTIN):
        open_exchange(site, professional)
    raw = letter(REMOTE_PATIENT)
    async with mx_serving(site) as port, calling(site, port) as client:
        first = await client.submit(raw, REMOTE_PATIENT, DUBOIS, MARTIN)
        open_exchange(site, DUBOIS, "CLOSED")
        for order in ((DUBOIS, MARTIN), (MARTIN, DUBOIS)):
            await client.say(f"MAIL FROM:<{REMOTE_PATIENT}>")
            codes = [(await client.say(f"RCPT TO:<{one}>"))[:9] for one in order]
            assert codes == ["250 2.1.5", "452 4.5.3"]
            assert (await client.say("DATA")).startswith("354 ")
            assert await client.throw(raw + b".\r\n") == first
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, MARTIN)] == [1, 1]


async def test_who_wrote_nothing_lately_hears_at_rcpt_that_the_exchange_is_closed(
    site: Site,
) -> None:
    open_exchange(site, DUBOIS)
    open_exchange(site, MARTIN)
    async with mx_serving(site) as port, calling(site, port) as client:
        await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, MARTIN)
        await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS)
        open_exchange(site, MARTIN, "CLOSED")
        site.clock.pass_by(7 * 86_400 + 60)
        peer_site.bring_list(site, DOMAIN, PATIENTS)
        await client.say(f"MAIL FROM:<{REMOTE_PATIENT}>")
        assert (await client.say(f"RCPT TO:<{MARTIN}>")).startswith(CLOSED_MEANWHILE)
        assert (await client.say(f"RCPT TO:<{DUBOIS}>")).startswith("250 ")


async def test_what_was_given_up_is_new_and_stopped_by_the_exchange(site: Site) -> None:
    open_exchange(site, DUBOIS)
    async with mx_serving(site) as port, calling(site, port) as client:
        assert (await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS))[:3] == "250"
        site.stand(DUBOIS, Standing.SUSPENDED)
        site.work()  # reported: they never got it
        site.stand(DUBOIS, Standing.ACTIVE)
        open_exchange(site, DUBOIS, "CLOSED")
        again = await client.submit(letter(REMOTE_PATIENT), REMOTE_PATIENT, DUBOIS)
    assert again.startswith(CLOSED_MEANWHILE)


async def test_the_receipt_of_the_closing_message_comes_through(site: Site) -> None:
    open_exchange(site, DUBOIS, "CLOSED")
    report = (
        f"From: <{REMOTE_PATIENT}>\r\nSubject: Lu\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nLu.\r\n"
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        "Disposition: automatic-action/MDN-sent-automatically; displayed\r\n\r\n--b--\r\n"
    ).encode()
    async with mx_serving(site) as port, calling(site, port) as client:
        assert (await client.submit(report, "", DUBOIS)).startswith("250 ")
        assert (await client.submit(letter(REMOTE_PATIENT), "", DUBOIS)).startswith("550 ")


async def test_a_full_mailbox_is_told_as_temporary(site: Site) -> None:
    account_id = site.person(DUBOIS).account_id
    site.execute("UPDATE accounts SET quota_octets = 0 WHERE account_id = ?", (account_id,))
    (answer,) = await rcpt(site, [DUBOIS])
    assert answer.startswith("452 4.2.2 ")


async def test_one_more_than_the_limit_of_recipients_is_left_for_the_next_message(
    site: Site,
) -> None:
    answers = await rcpt(site, [DUBOIS] * (LIMITS.recipients + 1))
    assert [each[:3] for each in answers] == ["250"] * LIMITS.recipients + ["452"]


async def test_who_asks_for_too_many_is_slowed_and_noted(site: Site) -> None:
    patience = replace(PATIENCE, tarpit=0.001)
    clock = Clock()
    async with mx_serving(site, patience, clock) as port, calling(site, port) as client:
        await client.say(f"MAIL FROM:<{GARNIER}>")
        slowed = site.gateway.metrics.slowed._value
        for _ in range(REFUSED_PER_HOUR):
            assert (await client.say(f"RCPT TO:<{OPPOSED}>")).startswith("550 ")
        assert slowed.get() == 0
        assert (await client.say(f"RCPT TO:<{OPPOSED}>")).startswith("550 ")
        assert slowed.get() == 1
        assert (await client.say(f"RCPT TO:<{DUBOIS}>")).startswith("250 ")
        clock.pass_by(3601)
        assert (await client.say(f"RCPT TO:<{OPPOSED}>")).startswith("550 ")
        assert slowed.get() == 1
    assert '"peer slowed"' in site.logged.getvalue()


# what


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        (f"From: <{MARTIN}>", "550 5.7.1 Le domaine de l'auteur"),
        (f"From: <x@{THIRD}>", "550 5.7.1 "),
        (f"From: <x@mx1.{DOMAIN}>", "550 5.7.1 "),
        (f"From: <{GARNIER}>\r\nSender: <{MARTIN}>", "550 5.7.1 "),
        (f"From: <{GARNIER}>\r\nSender: <{MOREL}", "550 5.7.1 "),
        (f"From: <{GARNIER}>, <{MOREL}>", "550 5.6.0 "),
        (f"From: <{GARNIER}>\r\nFrom: <{MOREL}>", "550 5.6.0 "),
        (f"From: <{GARNIER}>\r\nSender: <{MOREL}>\r\nSender: <{MOREL}>", "550 5.6.0 "),
        ("Subject: personne", "550 5.6.0 "),
        (f"From: <{MOREL}>", "250 "),
        (f"From: <{GARNIER}>\r\nSender: <{MOREL}>", "250 "),
    ],
)
async def test_one_author_and_of_the_operator_s_domains(
    fields: str, answer: str, site: Site
) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        told = await client.submit(f"{fields}\r\n\r\nx\r\n".encode(), GARNIER, DUBOIS)
    assert told.startswith(answer)


async def test_a_message_that_went_round_is_stopped(site: Site) -> None:
    before = site.counts()
    ref = site.gateway.new_ref()
    round_ = f"Received: from x by localhost with ESMTPS\r\n\tid {ref}; x\r\n"
    many = "".join(f"Received: by mx{hop}.example; x\r\n" for hop in range(101))
    async with mx_serving(site) as port, calling(site, port) as client:
        for fields in (round_, f"Received: by LOCALHOST with HTTPS id {ref}; x\r\n", many):
            answer = await client.submit(letter(fields=fields), GARNIER, DUBOIS)
            assert answer.startswith("554 5.4.6 ")
        assert site.counts() == before
        others = f"Received: by localhost.example id {ref}\r\nReceived: by localhost id 12\r\n"
        assert (await client.submit(letter(fields=others), GARNIER, DUBOIS)).startswith("250 ")


async def test_the_national_limit_holds_for_patients_only(site: Site) -> None:
    body = "x" * 70 + "\r\n"
    raw = letter(body=body * (LIMITS.patient_message_octets // 72 + 1))
    async with mx_serving(site) as port, calling(site, port) as client:
        assert (await client.submit(raw, GARNIER, PATIENT)).startswith("552 5.3.4 ")
        assert (await client.submit(raw, GARNIER, DUBOIS)).startswith("250 ")


# exactly once


async def test_a_retry_of_the_same_octets_gets_the_first_answer(site: Site) -> None:
    raw = letter(fields="Message-ID: <un@ville.example>\r\n")
    async with mx_serving(site) as port:
        async with calling(site, port) as client:
            told = await client.submit(raw, GARNIER, DUBOIS, MARTIN)
            site.work()
            assert await client.submit(raw, GARNIER, DUBOIS, MARTIN) == told
        async with calling(site, port, shown(f"mx2.{DOMAIN}").tls(site)) as client:
            assert await client.submit(raw, GARNIER, MARTIN) == told
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, MARTIN)] == [1, 1]
    assert site.gateway.metrics.collapsed.labels("mx")._value.get() == 2
    assert site.acts("store") == ["accepted", "retry collapsed", "retry collapsed"]


async def test_what_differs_in_anything_is_another_message(site: Site) -> None:
    raw = letter(fields="Message-ID: <un@ville.example>\r\n")
    async with mx_serving(site) as port, calling(site, port) as client:
        answers = [
            await client.submit(raw, GARNIER, DUBOIS),
            await client.submit(raw + b"\r\n", GARNIER, DUBOIS),
            await client.submit(raw, MOREL, DUBOIS),
            await client.submit(raw, "", DUBOIS),
            await client.submit(raw, GARNIER, MARTIN),
        ]
    assert len(set(answers)) == len(answers)
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, MARTIN)] == [4, 1]


async def test_of_several_recipients_only_the_new_ones_get_it(site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        told = await client.submit(letter(), GARNIER, DUBOIS)
        again = await client.submit(letter(), GARNIER, DUBOIS, MARTIN)
        assert again.startswith("250 ") and again != told
        assert await client.submit(letter(), GARNIER, MARTIN) == again
    site.work()
    assert [len(site.kept(one)) for one in (DUBOIS, MARTIN)] == [1, 1]


@pytest.mark.parametrize(
    ("seconds", "second"), [(7 * 86_400 - 60, "retry collapsed"), (7 * 86_400 + 60, "accepted")]
)
async def test_a_retry_is_known_for_seven_days(seconds: float, second: str, site: Site) -> None:
    async with mx_serving(site) as port, calling(site, port) as client:
        await client.submit(letter(), GARNIER, DUBOIS)
        site.clock.pass_by(seconds)
        peer_site.bring_list(site, DOMAIN)
        assert (await client.submit(letter(), GARNIER, DUBOIS)).startswith("250 ")
    assert site.acts("store") == ["accepted", second]


async def test_of_two_at_once_one_is_the_first(site: Site) -> None:
    async def once(client: Client) -> str:
        return await client.throw(letter() + b".\r\n")

    async with mx_serving(site) as port:
        async with calling(site, port) as one, calling(site, port) as other:
            for client in (one, other):
                await client.begin(GARNIER, DUBOIS)
            told = await asyncio.gather(once(one), once(other))
    assert told[0] == told[1]
    site.work()
    assert len(site.kept(DUBOIS)) == 1


async def test_what_dkim_says_is_told_and_decides_nothing(site: Site) -> None:
    """T17: of a signature that does not verify, or whose key nobody has, as of none."""
    asked: list[str] = []

    async def ask(name: str) -> bytes | None:
        asked.append(name)
        return None

    reading = DkimReading(ask, site.gateway.bridge, site.gateway.clock)
    signature = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN}; s=un; h=From;\r\n"
        "\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=YWJj\r\n"
    )
    async with mx_serving(site, dkim=reading) as port, calling(site, port) as client:
        answer = await client.submit(signature.encode() + letter(), GARNIER, DUBOIS)
    assert answer.startswith("250 2.0.0 ")
    assert asked == [f"un._domainkey.{DOMAIN}"]
    site.work()
    (kept,) = site.kept(DUBOIS)
    assert b"dkim=" in kept.partition(b"\r\n\r\n")[0]
