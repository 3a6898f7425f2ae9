"""A verdict reached again: from what was kept of then, not from what is known today."""

from datetime import timedelta

import pytest

from certs.capabilities import MODERN
from certs.status.revocation import RevocationReason
from mailbox_store import bodies, changes, mailboxes, messages
from mailbox_store.database import Transaction
from mailbox_store.errors import BlobAltered, MessageNotFound
from mss_gateway.directory import certificates, evidence
from mss_gateway.life import proof, submission
from mss_gateway.life.proof import Again
from mss_gateway.message import smime
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.explanation import ORIGINAL_NAME
from mss_gateway.message.parse import scan
from mss_gateway.message.summary import summarise
from tests.support.smtp_messages import signed
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, PATIENT, Site, simple
from tests.unit.mss_gateway.life import peers
from tests.unit.mss_gateway.life.peers import DAY, Peer, letter, seal, sign, signer

YEARS = 30 * 365 * DAY
"""Past the end of every certificate and of every list."""


@pytest.fixture
def peer(site: Site) -> Peer:
    return peers.connected(site)


def submit(site: Site, raw: bytes, author: str = MARTIN, *recipients: str) -> str:
    """Through the one door, and delivered."""
    sent = site.submission(author, recipients or (DUBOIS,), raw)
    message_ref = submission.accept(site.gateway, sent).message_ref
    site.work()
    return message_ref


def revoke(site: Site, address: str) -> None:
    serial = f"{site.certificate(address).serial_number:x}"
    site.gateway.database.write(
        lambda tx: certificates.revoke(tx, serial, RevocationReason.KEY_COMPROMISE)
    )


def put(site: Site, message_ref: str, raw: bytes) -> Again:
    """Somebody who has the keys of the store puts another content under the same reference."""
    holder, copy = site.person(DUBOIS), peers.message_id(site, DUBOIS, message_ref)
    with site.gateway.database.read() as view:
        noted = changes.read_evidence(view, holder.account_id, copy)
        seal_ = view.vault.account(view, holder.account_id)
        made = messages.seal_arrival(
            seal_, holder.account_id, message_ref, raw, summarise(scan(raw)), noted
        )

    def unit(tx: Transaction) -> None:
        assert isinstance(made.body, bodies.SealedBody)
        blob_id = bodies.store(tx, made.body)
        tx.sql(
            "UPDATE messages SET blob_id = ?, object_key = ?, size = ? WHERE message_id = ?",
            (blob_id, made.object_key, made.size, copy),
        )

    site.gateway.database.write(unit)
    return peers.again(site, message_ref)


def append(site: Site, raw: bytes) -> str:
    """As a mail client does with a draft: nobody judges it."""
    holder, message_ref = site.person(DUBOIS), site.gateway.new_ref()
    with site.gateway.database.read() as view:
        arrival = messages.seal_arrival(
            view.vault.account(view, holder.account_id),
            holder.account_id,
            message_ref,
            raw,
            summarise(scan(raw)),
            b"",
        )

    def unit(tx: Transaction) -> None:
        inbox = mailboxes.find(tx, holder.account_id, "INBOX")
        messages.append(tx, inbox.mailbox_id, arrival, 0, tx.now)

    site.gateway.database.write(unit)
    return message_ref


# nothing has changed


def test_years_later_the_verdict_comes_out_again(peer: Peer) -> None:
    at = int(peer.gateway.clock())
    message_ref = peer.send()
    peer.site.clock.pass_by(YEARS)
    found = peer.again(message_ref)
    assert (found.then, found.now, found.cause) == ("valide", Signature.VALID, "")
    assert abs(found.at.timestamp() - at) <= 1
    assert found.signer == (peers.AUTHOR,)
    assert (found.is_same_content, found.anchor_is_believed, found.holds) == (True, True, True)
    assert [answer.kind for answer in found.answers if answer] == ["crl", "crl"]


def test_what_the_gateway_signed_has_no_evidence_and_is_verified_as_of_its_time(site: Site) -> None:
    message_ref = submit(site, simple())
    with site.gateway.database.read() as view:
        holder = site.person(DUBOIS).account_id
        assert evidence.read(view, site.gateway.spool, holder, message_ref) is None
    site.clock.pass_by(YEARS)
    found = peers.again(site, message_ref)
    assert (found.then, found.now) == ("valide", Signature.VALID)
    assert (found.signer, found.is_same_content, found.holds) == ((MARTIN,), True, True)


def test_an_author_with_keys_of_their_own_is_verified_as_of_then(site: Site) -> None:
    message_ref = submit(site, signed(site, simple(BERNARD)), BERNARD)
    site.clock.pass_by(YEARS)
    found = peers.again(site, message_ref)
    assert (found.then, found.now, found.holds) == ("valide", Signature.VALID, True)
    assert [answer.kind for answer in found.answers if answer] == ["directory", "directory"]


def test_what_was_opened_is_judged_by_its_content(peer: Peer) -> None:
    sealed = seal(sign(letter(), signer(), peer.gateway.now()), peer.site.certificate(DUBOIS))
    message_ref = peer.take(sealed)
    assert peer.words() == (Signature.VALID, Decryption.DECRYPTED)
    peer.site.clock.pass_by(YEARS)
    assert peer.again(message_ref).holds is True


def test_an_unsigned_message_is_still_unsigned(peer: Peer) -> None:
    message_ref = peer.take(letter())
    found = peer.again(message_ref)
    assert (found.then, found.now) == ("absente", Signature.ABSENT)
    assert (found.is_same_content, found.anchor_is_believed, found.holds) == (None, None, True)


def test_what_header_and_envelope_said_then_is_not_found_out_again(peer: Peer) -> None:
    raw = sign(letter(), signer(), peer.gateway.now())
    message_ref = peer.take(raw, path=peers.COLLEAGUE)
    assert peer.words()[0] is Signature.OTHER_AUTHOR
    peer.site.clock.pass_by(YEARS)
    found = peer.again(message_ref)
    assert (found.then, found.now) == ("auteur-different", Signature.OTHER_AUTHOR)
    assert found.holds is True


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b"Bonjour.", b"Bonsoir."),
        lambda raw: seal(raw, signer().certificate),
        lambda raw: b"X: y\r\n" + smime.wrap_signed(letter(), lambda _: b"no CMS"),
    ],
    ids=["altered", "for-others", "no-cms"],
)
def test_an_explanation_is_judged_by_the_original_attached_to_it(peer: Peer, spoil: object) -> None:
    raw = spoil(sign(letter(), signer(), peer.gateway.now()))  # type: ignore[operator]
    message_ref = peer.take(raw)
    kept = peer.site.kept(DUBOIS)[-1]
    assert ORIGINAL_NAME.encode() in kept
    peer.site.clock.pass_by(YEARS)
    found = peer.again(message_ref)
    assert found.then == peer.words()[0].value == found.now.value
    assert found.holds is True


def test_a_file_of_that_name_is_no_original_of_ours(peer: Peer) -> None:
    """Else anybody would decide what is judged in place of their message."""
    attached = (
        b'From: <x@ailleurs.example>\r\nContent-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b"--m\r\n\r\nBonjour.\r\n--m\r\nContent-Type: message/rfc822\r\n"
        b'Content-Disposition: attachment; filename="%b"\r\n\r\n'
        % ORIGINAL_NAME.encode()
        + sign(letter(), signer(), peer.gateway.now())
        + b"\r\n--m--\r\n"
    )
    found = peer.again(peer.take(attached))
    assert (found.now, found.signer, found.holds) == (Signature.ABSENT, (), True)


def test_a_draft_was_judged_by_nobody(site: Site) -> None:
    for raw in (simple(), signed(site, simple(BERNARD))):
        found = peers.again(site, append(site, raw))
        assert (found.then, found.holds) == ("", None)
    assert found.now is Signature.VALID


def test_only_the_reader_s_own_program_opens_what_is_sealed_for_it(site: Site) -> None:
    message_ref = submit(site, simple(), MARTIN, BERNARD)
    found = peers.again(site, message_ref, BERNARD)
    assert (found.then, found.now) == ("valide", Signature.UNCHECKED)
    assert (found.has_client_keys, found.is_same_content, found.holds) == (True, None, None)
    to_both = submit(site, signed(site, simple(BERNARD)), BERNARD, BERNARD, DUBOIS)
    assert peers.again(site, to_both, BERNARD).holds is None
    assert peers.again(site, to_both, DUBOIS).holds is True


# the content has changed


def test_a_body_that_was_altered_in_the_store_is_found(peer: Peer) -> None:
    message_ref = peer.send()
    peer.site.execute("UPDATE blob_chunks SET sealed = zeroblob(length(sealed))")
    with pytest.raises(BlobAltered):
        peer.again(message_ref)


def test_a_content_that_was_sealed_again_is_not_the_one_that_was_signed(peer: Peer) -> None:
    message_ref = peer.send()
    kept = peer.site.kept(DUBOIS)[-1]
    found = put(peer.site, message_ref, kept.replace(b"Bonjour.", b"Bonsoir."))
    assert found.now is Signature.INVALID
    assert (found.is_same_content, found.holds) == (False, False)
    # another content that the same author signed
    other = sign(letter(text="Autre."), signer(), peer.gateway.now())
    found = put(peer.site, message_ref, other)
    assert found.now is Signature.VALID
    assert (found.is_same_content, found.holds) == (False, False)
    # no signature at all
    found = put(peer.site, message_ref, letter())
    assert found.now is Signature.ABSENT
    assert (found.is_same_content, found.holds) == (False, False)
    assert put(peer.site, message_ref, kept).holds is True


def test_a_message_that_is_not_there_is_said(peer: Peer) -> None:
    copy = peer.message_id(DUBOIS, peer.send())
    holder = peer.site.person(PATIENT)
    with peer.gateway.database.read() as view, pytest.raises(MessageNotFound):
        proof.again(peer.gateway, view, holder.account_id, copy, "ref")


# what others know has changed


def test_a_list_of_later_changes_no_verdict_of_before(peer: Peer) -> None:
    message_ref = peer.send()
    peer.site.clock.pass_by(3_600)
    peer.publish(signer().certificate)
    assert peer.again(message_ref).holds is True
    peer.publish(signer().certificate, since=timedelta(days=2))
    assert peer.again(message_ref).holds is True, "today's list is not that of then"


def test_a_signer_whom_a_kept_list_took_back_stays_revoked(peer: Peer) -> None:
    peer.publish(signer().certificate, since=timedelta(hours=1))
    message_ref = peer.send()
    assert peer.words()[0] is Signature.REVOKED
    for file in peer.folder.iterdir():
        file.unlink()
    peer.site.clock.pass_by(YEARS)
    peer.publish()  # and today's list knows of nothing
    found = peer.again(message_ref)
    assert (found.then, found.now, found.cause) == ("revoquee", Signature.REVOKED, "revoked")
    assert found.holds is True


def test_what_nobody_knew_then_is_not_known_later(peer: Peer) -> None:
    peer.site.clock.pass_by(8 * DAY)
    message_ref = peer.send()
    assert peer.words()[0] is Signature.REVOCATION_UNKNOWN
    peer.publish()
    found = peer.again(message_ref)
    assert (found.then, found.now) == ("revocation-inconnue", Signature.REVOCATION_UNKNOWN)
    assert found.holds is True


def test_our_own_authority_knows_since_when_it_took_back(site: Site) -> None:
    before = submit(site, signed(site, simple(BERNARD)), BERNARD)
    own = submit(site, simple())
    site.clock.pass_by(60)
    revoke(site, BERNARD)
    revoke(site, MARTIN)
    site.clock.pass_by(60)
    assert peers.again(site, before).holds is True
    assert peers.again(site, own).holds is True


def test_a_signature_around_that_is_not_believed_is_looked_at_again(peer: Peer) -> None:
    inner = seal(sign(letter(), signer(), peer.gateway.now()), peer.site.certificate(DUBOIS))
    stranger = signer(peers.COLLEAGUE, issuer="Un inconnu")
    message_ref = peer.take(sign(inner, stranger, peer.gateway.now()))
    assert peer.words()[0] is Signature.UNTRUSTED
    found = peer.again(message_ref)
    assert (found.now, found.cause, found.holds) == (Signature.UNTRUSTED, "no_path", True)


def test_what_nobody_knew_of_a_signature_around_is_not_known_later(peer: Peer) -> None:
    peer.believe("Sans liste")
    inner = seal(sign(letter(), signer(), peer.gateway.now()), peer.site.certificate(DUBOIS))
    around = signer(peers.COLLEAGUE, issuer="Sans liste")
    message_ref = peer.take(sign(inner, around, peer.gateway.now()))
    assert peer.words() == (Signature.REVOCATION_UNKNOWN, Decryption.DECRYPTED)
    found = peer.again(message_ref)
    assert (found.now, found.holds) == (Signature.REVOCATION_UNKNOWN, True)


def test_a_signature_around_an_envelope_alone_proves_nothing_later_either(peer: Peer) -> None:
    sealed = seal(letter(), peer.site.certificate(DUBOIS), MODERN)
    message_ref = peer.take(sign(sealed, signer(), peer.gateway.now()))
    found = peer.again(message_ref)
    assert found.then == peer.words()[0].value == found.now.value != "valide"
    assert found.holds is True


def test_an_anchor_that_was_removed_later_is_named(peer: Peer) -> None:
    message_ref = peer.send()
    peer.disbelieve()
    found = peer.again(message_ref)
    assert (found.now, found.holds) == (Signature.VALID, True)
    assert found.anchor_is_believed is False


# the evidence itself


def drop(peer: Peer, *digests: str) -> None:
    """Exhibits that are lost, all when none is named."""

    def unit(tx: Transaction) -> None:
        for digest in digests:
            mark = tx.vault.index.of("exhibit", digest)
            tx.sql(
                "DELETE FROM evidence_uses WHERE exhibit_id IN (SELECT exhibit_id FROM"
                " evidence_exhibits WHERE digest_index = ?)",
                (mark,),
            )
            tx.sql("DELETE FROM evidence_exhibits WHERE digest_index = ?", (mark,))
        if not digests:
            tx.sql("DELETE FROM evidence_uses")
            tx.sql("DELETE FROM evidence_exhibits")

    peer.gateway.database.write(unit)


def kept_of(peer: Peer, message_ref: str) -> evidence.Evidence:
    holder = peer.site.person(DUBOIS).account_id
    with peer.gateway.database.read() as view:
        found = evidence.read(view, peer.gateway.spool, holder, message_ref)
    assert found is not None
    return found


def test_an_answer_that_is_lost_is_not_replaced_by_one_of_today(peer: Peer) -> None:
    message_ref = peer.send()
    leaf_answer = kept_of(peer, message_ref).digests()[0]
    drop(peer, leaf_answer)
    peer.publish()
    found = peer.again(message_ref)
    assert (found.then, found.now) == ("valide", Signature.REVOCATION_UNKNOWN)
    assert (found.is_same_content, found.holds) == (True, False)


def test_without_the_issuers_of_then_nobody_is_believed(peer: Peer) -> None:
    message_ref = peer.send()
    drop(peer)
    found = peer.again(message_ref)
    assert (found.now, found.cause) == (Signature.UNTRUSTED, "no_path")
    assert (found.anchor_is_believed, found.holds) == (None, False)


def test_exhibits_are_those_not_yet_kept_from_wherever_they_are(peer: Peer) -> None:
    message_ref = peer.send()
    kept = kept_of(peer, message_ref)
    with peer.gateway.database.read() as view:
        assert proof.exhibits(peer.gateway, view, kept) == {}
    drop(peer)
    with peer.gateway.database.read() as view:
        assert set(proof.exhibits(peer.gateway, view, kept)) == set(kept.digests())
    for file in peer.folder.iterdir():
        file.unlink()
    with peer.gateway.database.read() as view:
        assert proof.exhibits(peer.gateway, view, kept) == {}
