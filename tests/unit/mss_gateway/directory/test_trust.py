"""Anchors of the database: two steps, one fingerprint, believed and unbelieved at once."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from certs.anchors import Anchors
from certs.certificate import fingerprint
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.usage import Purpose, Usage
from mailbox_store.database import Database
from mss_gateway.directory import trust
from mss_gateway.directory.trust import AnchorRefused, AnchorState, KeptAnchor, Trust
from tests.unit.mss_gateway.directory.conftest import NOW, Clock

AT = datetime.fromtimestamp(NOW, UTC)


@cache
def authority(name: str, years: int = 10) -> Authority:
    return Authority.create(name, "p256", AT - timedelta(days=400), years)


OURS, THEIRS = "La nôtre", "Autorité nationale d'essai"


def propose(
    database: Database, name: str = THEIRS, purpose: Purpose = Purpose.SIGNATURE
) -> KeptAnchor:
    root = authority(name).root
    return database.write(lambda tx: trust.propose(tx, purpose, root, "operator"))


def activate(database: Database, digits: str, purpose: Purpose = Purpose.SIGNATURE) -> KeptAnchor:
    return database.write(lambda tx: trust.activate(tx, purpose, digits, "account:7"))


def remove(database: Database, digits: str, purpose: Purpose = Purpose.SIGNATURE) -> KeptAnchor:
    return database.write(lambda tx: trust.remove(tx, purpose, digits, "operator"))


def test_an_authority_is_believed_after_the_second_step_and_not_after_the_first(
    database: Database, clock: Clock
) -> None:
    ours, theirs = authority(OURS).root, authority(THEIRS).root
    known = Trust(Anchors({Purpose.SIGNATURE: (ours,), Purpose.CLIENT: (ours,)}))
    proposed = propose(database)
    assert (proposed.state, proposed.certificate) == (AnchorState.PROPOSED, theirs)
    with database.read() as view:
        assert known.anchors(view).of(Purpose.SIGNATURE) == (ours,)
    clock.now += 3600
    digits = fingerprint(theirs).upper()
    kept = activate(database, ":".join(digits[at : at + 2] for at in range(0, 64, 2)))
    assert (kept.activated_at, kept.activated_by) == (NOW + 3600, "account:7")
    with database.read() as view:
        assert known.anchors(view).of(Purpose.SIGNATURE) == (ours, theirs)
        assert known.anchors(view).of(Purpose.CLIENT) == (ours,)
        assert known.anchors(view).of(Purpose.ENCRYPTION) == ()


def test_a_removed_authority_is_believed_no_more_and_stays_on_record(
    database: Database, clock: Clock
) -> None:
    known = Trust(Anchors({}))
    mark = propose(database).fingerprint
    activate(database, mark)
    with database.read() as view:
        assert len(known.anchors(view).of(Purpose.SIGNATURE)) == 1
    clock.now += 60
    remove(database, mark)
    with database.read() as view:
        assert known.anchors(view).of(Purpose.SIGNATURE) == ()
        (kept,) = trust.listing(view)
        assert trust.active(view) == []
    assert (kept.state, kept.removed_at, kept.removed_by) == (
        AnchorState.REMOVED,
        NOW + 60,
        "operator",
    )
    propose(database)
    activate(database, mark)
    with database.read() as view:
        assert len(trust.listing(view)) == 2
        assert len(known.anchors(view).of(Purpose.SIGNATURE)) == 1


def test_what_did_not_change_is_read_once(database: Database) -> None:
    known = Trust(Anchors({}))
    activate(database, propose(database).fingerprint)
    with database.read() as view:
        assert known.anchors(view) is known.anchors(view)


def test_an_authority_of_the_files_that_is_kept_too_is_one(database: Database) -> None:
    known = Trust(Anchors({Purpose.SIGNATURE: (authority(THEIRS).root,)}))
    activate(database, propose(database).fingerprint)
    with database.read() as view:
        assert known.anchors(view).of(Purpose.SIGNATURE) == (authority(THEIRS).root,)


def test_a_proposal_is_taken_back(database: Database) -> None:
    mark = propose(database).fingerprint
    remove(database, mark)
    with pytest.raises(AnchorRefused, match="no authority with this fingerprint is proposed"):
        activate(database, mark)


def test_a_slip_of_the_fingerprint_or_of_the_purpose_activates_nothing(
    database: Database,
) -> None:
    mark = propose(database).fingerprint
    wrong = mark[:-1] + ("0" if mark[-1] != "0" else "1")
    for digits in (wrong, mark[:16], "", mark + "00"):
        with pytest.raises(AnchorRefused):
            activate(database, digits)
    with pytest.raises(AnchorRefused):
        activate(database, mark, Purpose.CLIENT)
    with pytest.raises(AnchorRefused):
        remove(database, mark, Purpose.CLIENT)
    activate(database, mark)
    with pytest.raises(AnchorRefused):
        activate(database, mark)


def test_the_same_authority_may_serve_two_purposes(database: Database) -> None:
    propose(database)
    propose(database, purpose=Purpose.CLIENT)
    with pytest.raises(AnchorRefused, match="proposed for this purpose already"):
        propose(database)
    activate(database, fingerprint(authority(THEIRS).root))
    with pytest.raises(AnchorRefused, match="active for this purpose already"):
        propose(database)


def test_only_a_living_authority_is_proposed(database: Database) -> None:
    leaf = authority(OURS).issue_mailbox(
        "claire.martin@mss.example",
        "Claire Martin",
        PrivateKey.generate("p256").public_key,
        Usage.BOTH,
        AT,
        30,
    )
    with pytest.raises(AnchorRefused, match="not an authority"):
        database.write(lambda tx: trust.propose(tx, Purpose.SIGNATURE, leaf, "operator"))
    ended = authority("Ancienne", 1).root
    with pytest.raises(AnchorRefused, match="ended"):
        database.write(lambda tx: trust.propose(tx, Purpose.SIGNATURE, ended, "operator"))


def test_there_are_so_many_anchors_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trust, "ANCHORS", 2)
    first = propose(database)
    propose(database, OURS)
    with pytest.raises(AnchorRefused, match="remove one first"):
        propose(database, "Une troisième")
    remove(database, first.fingerprint)
    propose(database, "Une troisième")
