"""Writing as a box: who may, what the rules see of them, and what goes on record."""

from dataclasses import replace

import pytest

from mss_gateway.directory import members
from mss_gateway.directory.members import RIGHTS
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn, identities, submission
from mss_gateway.life.authn import Admission
from mss_gateway.life.claims import PasswordClaim
from mss_gateway.life.policy import Envelope
from mss_gateway.life.submission import Submission
from mss_gateway.message import smime
from mss_gateway.message.address import EmailAddress, parse_address
from mss_gateway.message.parse import scan
from policies.people import Standing
from tests.support.smtp_site import (
    BERNARD,
    DUBOIS,
    MARTIN,
    PASSWORD,
    PATIENT,
    PHARMACY,
    SECRETARIAT,
    Site,
    simple,
)

NAME = "Cabinet des Essais"


def grant(site: Site, rights: str = RIGHTS, box: str = SECRETARIAT, person: str = MARTIN) -> None:
    pair = site.person(box).account_id, site.person(person).account_id
    site.gateway.database.write(lambda tx: members.grant(tx, *pair, rights))


def revoke(site: Site) -> None:
    pair = site.person(SECRETARIAT).account_id, site.person(MARTIN).account_id
    assert site.gateway.database.write(lambda tx: members.revoke(tx, *pair))


def admission(site: Site, box: str = "") -> Admission:
    claim = PasswordClaim(box, MARTIN, PASSWORD)
    return authn.admit(site.gateway, claim, "submission", "192.0.2.1")


def writer(site: Site, path: str | None, box: str = "") -> tuple[str, str | None]:
    reverse_path = None if path is None else parse_address(path)
    author, actor = identities.writer(site.gateway, admission(site, box), reverse_path)
    return author.address, None if actor is None else actor.address


def begin(site: Site, path: EmailAddress | None, box: str = "") -> Envelope:
    return submission.begin(site.gateway, admission(site, box), path, None)


def refused_at_mail(site: Site, path: str | None, box: str = "") -> Failure:
    signed_in = admission(site, box)
    reverse_path = None if path is None else parse_address(path)
    with pytest.raises(Refused) as caught:
        submission.begin(site.gateway, signed_in, reverse_path, None)
    return caught.value.failure


def sent(site: Site, envelope: Envelope, raw: bytes) -> str:
    return submission.accept(
        site.gateway, Submission(envelope, (parse_address(DUBOIS),), raw)
    ).message_ref


def refused_at_commit(site: Site, envelope: Envelope, raw: bytes) -> Failure:
    before = site.counts()
    with pytest.raises(Refused) as caught:
        sent(site, envelope, raw)
    site.gateway.database.write(lambda tx: None)
    assert site.counts() == before
    return caught.value.failure


# who the author is


@pytest.mark.parametrize("path", [MARTIN, None, BERNARD, PHARMACY, PATIENT, "x@mss.example"])
def test_whoever_shares_no_box_writes_as_themselves(site: Site, path: str | None) -> None:
    assert writer(site, path) == (MARTIN, None)


def test_a_member_writes_as_the_box_with_its_address_or_signed_in_for_it(site: Site) -> None:
    grant(site)
    assert writer(site, SECRETARIAT) == (SECRETARIAT, MARTIN)
    assert writer(site, MARTIN) == (MARTIN, None)
    assert writer(site, PHARMACY) == (MARTIN, None)
    for path in (SECRETARIAT, None, MARTIN):
        assert writer(site, path, box=SECRETARIAT) == (SECRETARIAT, MARTIN)


def test_the_right_p_is_needed_with_its_address(site: Site) -> None:
    grant(site, "lrswikxtea")
    assert writer(site, SECRETARIAT) == (MARTIN, None)
    assert refused_at_mail(site, SECRETARIAT) is Failure.SENDER_NOT_YOURS
    # signing in for the box is for reading it too: what is refused is the message
    assert refused_at_mail(site, SECRETARIAT, box=SECRETARIAT) is Failure.SENDER_NOT_YOURS
    assert refused_at_mail(site, None, box=SECRETARIAT) is Failure.SENDER_NOT_YOURS


@pytest.mark.parametrize("path", [BERNARD, PHARMACY, PATIENT, "x@mss.example"])
def test_nobody_else_s_address_is_taken(site: Site, path: str) -> None:
    grant(site)
    assert refused_at_mail(site, path) is Failure.SENDER_NOT_YOURS
    assert refused_at_mail(site, path, box=SECRETARIAT) is Failure.SENDER_NOT_YOURS


def test_one_s_own_address_is_not_the_box_s(site: Site) -> None:
    grant(site)
    assert refused_at_mail(site, MARTIN, box=SECRETARIAT) is Failure.SENDER_NOT_YOURS


def test_only_the_boxes_of_organisations_are_written_for(site: Site) -> None:
    grant(site)
    for kind in ("PER", "CAB", "APP", "PAT"):
        site.execute(
            "UPDATE people SET box_type = ? WHERE account_id = ?",
            (kind, site.person(SECRETARIAT).account_id),
        )
        assert writer(site, SECRETARIAT) == (MARTIN, None)


# what the rules see


def test_the_rules_see_the_box_as_its_own_party(site: Site) -> None:
    grant(site)
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    with site.gateway.database.read() as view:
        assert identities.party(view, box, martin) == box.party
        assert identities.party(view, martin, None) == martin.party


def test_a_member_no_more_leaves_the_box_without_an_address(site: Site) -> None:
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    with site.gateway.database.read() as view:
        found = identities.party(view, box, martin)
    assert found == replace(box.party, addresses=frozenset())


@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.CLOSED])
def test_the_standing_of_both_counts(site: Site, standing: Standing) -> None:
    grant(site)
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    for address in (MARTIN, SECRETARIAT):
        site.stand(address, standing)
        with site.gateway.database.read() as view:
            assert identities.party(view, box, martin).standing is standing
        site.stand(address, Standing.ACTIVE)


# from MAIL to the commit


@pytest.mark.parametrize("box", ["", SECRETARIAT])
def test_the_message_is_the_box_s_in_name_signature_and_copy(site: Site, box: str) -> None:
    grant(site)
    site.execute(
        "UPDATE people SET sent_copy = 'server' WHERE account_id = ?",
        (site.person(SECRETARIAT).account_id,),
    )
    envelope = begin(site, parse_address(SECRETARIAT), box)
    raw = simple(SECRETARIAT).replace(b"From: <", b'From: "Docteur Inventee" <')
    ref = sent(site, envelope, raw)
    site.work()
    (kept,) = site.kept(DUBOIS)
    head = kept.partition(b"\r\n\r\n")[0].decode()
    assert f"From: {NAME} <{SECRETARIAT}>\r\n" in head
    assert f"Return-Path: <{SECRETARIAT}>" in head
    assert MARTIN not in kept.decode()
    found = smime.find_signed(scan(kept))
    assert found is not None
    assert len(site.kept(SECRETARIAT, "Sent")) == 1
    assert site.kept(MARTIN, "Sent") == []
    with site.gateway.database.read() as view:
        rows = view.sql("SELECT actor, object FROM audit WHERE act = 'store'").fetchall()
    ((actor, about),) = rows
    assert actor == f"account:{site.person(MARTIN).account_id}"
    assert f", as account:{site.person(SECRETARIAT).account_id}" in about
    assert ref


@pytest.mark.parametrize("author", [MARTIN, BERNARD, PHARMACY])
def test_from_must_be_the_box_s(site: Site, author: str) -> None:
    grant(site)
    envelope = begin(site, parse_address(SECRETARIAT))
    assert refused_at_commit(site, envelope, simple(author)) is Failure.FROM_NOT_YOURS


def test_writing_as_oneself_the_box_is_not_taken_in_from(site: Site) -> None:
    grant(site)
    envelope = begin(site, parse_address(MARTIN))
    assert refused_at_commit(site, envelope, simple(SECRETARIAT)) is Failure.FROM_NOT_YOURS


def test_what_ends_between_mail_and_the_commit_ends_the_message(site: Site) -> None:
    grant(site)
    envelope = begin(site, parse_address(SECRETARIAT))
    revoke(site)
    assert refused_at_commit(site, envelope, simple(SECRETARIAT)) is Failure.SENDER_NOT_YOURS
    grant(site, "lrs")
    assert refused_at_commit(site, envelope, simple(SECRETARIAT)) is Failure.SENDER_NOT_YOURS
    grant(site)
    for address in (MARTIN, SECRETARIAT):
        site.stand(address, Standing.SUSPENDED)
        failure = refused_at_commit(site, envelope, simple(SECRETARIAT))
        assert failure is Failure.ACCOUNT_SUSPENDED
        site.stand(address, Standing.ACTIVE)
    sent(site, envelope, simple(SECRETARIAT))


def test_a_refusal_is_on_record_with_both(site: Site) -> None:
    grant(site)
    signed_in = admission(site, SECRETARIAT)
    revoke(site)
    with pytest.raises(Refused):
        submission.begin(site.gateway, signed_in, parse_address(SECRETARIAT), None)
    site.gateway.database.write(lambda tx: None)
    with site.gateway.database.read() as view:
        rows = view.sql("SELECT actor, object, verdict FROM audit WHERE act = 'policy'").fetchall()
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    about = f"submission as account:{box.account_id}"
    assert [tuple(row) for row in rows] == [
        (f"account:{martin.account_id}", about, "sender_not_yours")
    ]
