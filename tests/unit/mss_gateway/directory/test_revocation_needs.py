"""Whose revocation is to be known: gathered from the store, and again when something changed."""

import pytest

from certs.book import Provenance
from certs.certificate import Certificate, fingerprint
from mailbox_store.database import Database, View
from mailbox_store.vault import AccountId
from mss_gateway.directory import certificates, keybook
from mss_gateway.directory.people import Person
from mss_gateway.directory.revocation_needs import Needs
from mss_gateway.directory.revocation_sources import Needed
from mss_gateway.queue import spooled
from tests.support.status_site import Issuer, moment
from tests.unit.mss_gateway.directory.conftest import NOW

AT = moment(NOW)
ROOT = Issuer.root(AT)
MIDDLE = ROOT.intermediate(AT, "Milieu", 6)
PAUL = "paul.bernard@ailleurs.example"
AUTHORITIES = (ROOT.certificate,)


@pytest.fixture
def site(database: Database) -> AccountId:
    return database.write(spooled.spool_account)


def learn(database: Database, site: AccountId, certificate: Certificate) -> None:
    database.write(
        lambda tx: keybook.learn(
            tx,
            *(site, PAUL, certificate, None, Provenance.SIGNED_MESSAGE),
            chain=(MIDDLE.certificate,),
        )
    )


def gather(database: Database, needs: Needs) -> Needed:
    with database.read() as view:
        return needs.gather(view)


def test_mailboxes_of_other_issuers_and_correspondents_are_needed(
    database: Database, site: AccountId, doctor: Person
) -> None:
    mine, theirs = MIDDLE.leaf(AT), MIDDLE.leaf(AT, address=PAUL)
    database.write(
        lambda tx: certificates.add(
            *(tx, doctor.account_id, mine, None),
            chain=(MIDDLE.certificate,),
            provenance=Provenance.IMPORTED,
        )
    )
    learn(database, site, theirs)
    needs = Needs(site, lambda view: AUTHORITIES, lambda view: AUTHORITIES)
    assert gather(database, needs) == Needed(
        AUTHORITIES, (mine,), (theirs,), (MIDDLE.certificate,), AUTHORITIES
    )


def test_what_our_own_authority_issued_or_was_given_up_is_not(
    database: Database, site: AccountId, doctor: Person
) -> None:
    issued, revoked, refused = (MIDDLE.leaf(AT, address=PAUL) for _ in range(3))
    for certificate, provenance in (
        (issued, Provenance.ISSUED_HERE),
        (revoked, Provenance.IMPORTED),
    ):
        database.write(
            lambda tx, one=certificate, source=provenance: certificates.add(
                tx, doctor.account_id, one, None, provenance=source
            )
        )
    database.write(lambda tx: certificates.revoke(tx, fingerprint(revoked)))
    learn(database, site, refused)
    database.write(lambda tx: keybook.refuse(tx, PAUL, fingerprint(refused)))
    assert gather(database, Needs(site, lambda view: AUTHORITIES)) == Needed(AUTHORITIES)


def test_nothing_is_opened_again_until_something_changes(
    database: Database,
    site: AccountId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = keybook.everyone
    reads: list[AccountId] = []

    def counted(view: View, account_id: AccountId) -> object:
        reads.append(account_id)
        return read(view, account_id)

    monkeypatch.setattr(keybook, "everyone", counted)
    believed = [AUTHORITIES]
    needs = Needs(site, lambda view: believed[0])
    first, second = (MIDDLE.leaf(AT, address=PAUL) for _ in range(2))
    seen = []
    learn(database, site, first)
    for change in (
        lambda: None,
        lambda: learn(database, site, second),
        lambda: database.write(lambda tx: keybook.refuse(tx, PAUL, fingerprint(first))),
        lambda: database.write(lambda tx: keybook.forget(tx, PAUL)),
        lambda: believed.__setitem__(0, (*AUTHORITIES, MIDDLE.certificate)),
    ):
        change()
        seen += [gather(database, needs) for _ in range(2)]
    assert len(reads) == 5
    assert [len(each.others) for each in seen[::2]] == [1, 2, 1, 0, 0]
    assert seen[::2] == seen[1::2]
    assert len(seen[-1].authorities) == 2
