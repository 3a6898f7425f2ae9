"""Filing: what an archive brings is in the record once, whoever asks again."""

import pytest

from mailbox_store import changes, mailboxes
from mss_gateway.dossier import listing
from mss_gateway.dossier.documents import Category, Document
from mss_gateway.dossier.filing import AlreadyThere, Filed
from mss_gateway.dossier.listing import Reader
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import dossier, record, saving, submission
from mss_gateway.queue import items, leases
from policies.facts import RecordAction
from tests.support import xdm
from tests.support.smtp_messages import xdm_message
from tests.support.smtp_site import (
    DUBOIS,
    MARTIN,
    OTHER_PATIENT,
    PATIENT,
    Site,
    attached,
)

PDF = b"%PDF-1.4\n% un essai\n"


def send(site: Site, raw: bytes, *recipients: str) -> str:
    sent = site.submission(MARTIN, recipients or (PATIENT,), raw)
    ref = submission.accept(site.gateway, sent).message_ref
    site.work()
    return ref


def documents_of(site: Site, address: str = PATIENT) -> list[Document]:
    with site.gateway.database.read() as view:
        return listing.documents_of(view, site.person(address).account_id, Reader.PATIENT)


def source(site: Site, ref: str) -> saving.Source:
    account_id = site.person(PATIENT).account_id
    with site.gateway.database.read() as view:
        inbox = mailboxes.find(view, account_id, "INBOX")
        row = list(changes.rows(view, account_id, inbox.mailbox_id, 1, 2**31))[-1]
    return saving.Source(row.message_id, ref)


def test_an_archive_is_filed_by_itself_with_its_provenance(site: Site) -> None:
    ref = send(site, xdm_message(xdm.archive_of(xdm.cda_document())))
    (document,) = documents_of(site)
    assert document.provenance.message_ref == ref
    assert document.provenance.signer_name == "Dr Claire MARTIN"
    assert site.acts("dossier") == ["filed"]
    assert site.counts()["queue_items"] == 0


def test_filing_twice_adds_nothing(site: Site) -> None:
    raw = xdm_message(xdm.archive_of(xdm.cda_document()))
    submission.accept(site.gateway, site.submission(MARTIN, (PATIENT,), raw))
    assert site.worker.run_batch() == 1
    with site.gateway.database.read() as view:
        spool = view.vault.account(view, site.gateway.spool)
    (item,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    assert item.stage == "dossier"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items, "finish", lambda tx, item: items.retry(tx, item, tx.now, "bug"))
        assert dossier.file_item(site.gateway, item).result() is True
    (again,) = site.gateway.database.write(lambda tx: leases.claim(tx, spool, 1, tx.now))
    assert dossier.file_item(site.gateway, item).result() is False
    assert dossier.file_item(site.gateway, again).result() is False
    assert len(documents_of(site)) == 1
    assert site.acts("dossier") == ["filed", "already there"]


def test_an_archive_to_a_professional_is_not_filed(site: Site) -> None:
    send(site, xdm_message(xdm.archive_of(xdm.cda_document())), DUBOIS)
    assert site.acts("dossier") == []


def test_a_plain_attachment_is_filed_by_a_click_and_once(site: Site) -> None:
    where = source(site, send(site, attached("a.pdf", PDF)))
    patient = site.person(PATIENT)
    assert documents_of(site) == []
    category = next(iter(Category))
    first = saving.save_attachment(site.gateway, patient, where, "1.2", category)
    second = saving.save_attachment(site.gateway, patient, where, "1.2", category)
    assert isinstance(first, AlreadyThere | Filed)
    assert isinstance(second, AlreadyThere)
    (document,) = documents_of(site)
    found, content = record.read_document(
        site.gateway, patient, document.document_id, RecordAction.READ
    )
    assert (found.document_id, content) == (document.document_id, PDF)
    assert site.acts("read") == ["read"]


@pytest.mark.parametrize("part", ["", "1", "1.1", "1.3", "2"])
def test_a_part_that_is_no_attachment_is_not_found(part: str, site: Site) -> None:
    where = source(site, send(site, attached("a.pdf", PDF)))
    with pytest.raises(Refused) as refused:
        saving.save_attachment(
            site.gateway, site.person(PATIENT), where, part, next(iter(Category))
        )
    assert refused.value.failure is Failure.MESSAGE_NOT_FOUND


@pytest.mark.parametrize("reader", [OTHER_PATIENT, MARTIN])
def test_nobody_else_s_record_can_be_read(reader: str, site: Site) -> None:
    send(site, xdm_message(xdm.archive_of(xdm.cda_document())))
    (document,) = documents_of(site)
    with pytest.raises(Refused) as refused:
        record.read_document(
            site.gateway, site.person(reader), document.document_id, RecordAction.READ
        )
    assert refused.value.failure is Failure.DOCUMENT_NOT_FOUND
    assert record.visible(site.person(reader), [document]) == []
    assert record.visible(site.person(PATIENT), [document]) == [document]
