"""What comes from another operator: who is shown as its signer, and that nothing is lost.

The attacks of ``tests/corpus/smime`` are delivered to a mailbox whose keys the gateway holds.
"""

import base64
import json
import random
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from asn1crypto import cms

from certs.anchors import Anchors
from certs.certificate import Certificate
from certs.keyring import PrivateKey
from certs.status.revocation import Good, RevocationReason, Revoked, Status, Unknown
from certs.usage import Purpose
from mailbox_store import changes, correspondences, mailboxes
from mailbox_store.database import Transaction
from mss_gateway.directory import certificates, evidence, people
from mss_gateway.directory.people import NewPerson, Traits
from mss_gateway.directory.trust import Trust
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import arrival, judgement, opening, proof
from mss_gateway.life.arrival import Arrival
from mss_gateway.message.address import parse_address
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.authentication import Decryption, Signature, read
from mss_gateway.message.explanation import ORIGINAL_NAME
from mss_gateway.message.parse import scan
from mss_gateway.queue.worker import Worker
from policies.people import Role
from policies.reasons import Reason
from policies.verdict import Permit, Refuse
from tests.corpus.smime import people as cast
from tests.corpus.smime.efail_trees import SECRET
from tests.corpus.smime.expected import EFAIL, JOHNNY, Expected
from tests.support.smtp_messages import nested
from tests.support.smtp_site import DUBOIS, PATIENT, Site

CORPUS = Path(cast.__file__).parent
READER = cast.READER.address


@dataclass
class Known:
    """Somebody who knows of revocation: whatever the test says."""

    said: Status

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Status:
        return self.said


@dataclass
class Peer:
    """Another operator's authority is believed here; ``knows`` answers about revocation."""

    site: Site
    knows: Known

    def take(self, raw: bytes, path: str | None = None, *recipients: str) -> str:
        sent = Arrival(
            None if path is None else parse_address(path),
            tuple(parse_address(one) for one in recipients or (READER,)),
            raw,
            Role.PROFESSIONAL,
        )
        receipt = arrival.accept(self.site.gateway, sent, lambda _judged, _recipients: Permit(()))
        return receipt.message_ref

    def delivered(self, address: str = READER) -> bytes:
        self.site.work()
        return self.site.kept(address)[-1]

    def noted(self, address: str = READER) -> dict[str, object]:
        """What is kept beside the newest message of a mailbox."""
        holder = self.site.person(address)
        with self.site.gateway.database.read() as view:
            inbox = mailboxes.find(view, holder.account_id, "INBOX")
            *_, row = changes.rows(view, holder.account_id, inbox.mailbox_id, 1, 2**31)
            found: dict[str, object] = json.loads(
                changes.read_evidence(view, holder.account_id, row.message_id)
            )
            return found


@pytest.fixture
def peer(site: Site) -> Peer:
    knows = Known(Good())
    authority = cast.certificate(cast.AUTHORITY)
    anchors = Anchors({Purpose.SIGNATURE: (authority,), Purpose.ENCRYPTION: (authority,)})
    gateway = replace(site.gateway, trust=Trust(anchors), revocations=lambda _view: knows)
    site.clock.seconds = int(cast.JUDGED_AT.timestamp())
    names = Traits("Dr", "Jeanne", "Perrin")

    def unit(tx: Transaction) -> None:
        person = people.add(tx, NewPerson(READER, "PER", names), gateway.config.mailboxes)
        key = PrivateKey.load_pem(cast.private_pem(cast.READER))
        certificates.adopt(tx, person, cast.certificate(cast.READER), key, ())
        for other in (cast.VICTIM, cast.ATTACKER):
            new = NewPerson(other.address, "PER", Traits(given_name=other.name), smime="client")
            person = people.add(tx, new, gateway.config.mailboxes)
            certificates.adopt(tx, person, cast.certificate(other), None, ())

    gateway.database.write(unit)
    served = replace(site, gateway=gateway, worker=Worker(gateway, site.worker._wake))
    return Peer(served, knows)


def _shape(folder: str, name: str) -> bytes:
    return (CORPUS / folder / f"{name}.eml").read_bytes()


def _path(expected: Expected) -> str:
    signer = cast.ATTACKER if expected.signer is None else expected.signer
    return signer.address


SHAPES = [("johnny", name, row) for name, row in JOHNNY.items()] + [
    ("efail", name, row) for name, row in EFAIL.items()
]


@pytest.mark.parametrize(
    ("folder", "name", "expected"), SHAPES, ids=[f"{one[0]}-{one[1]}" for one in SHAPES]
)
def test_nobody_is_shown_as_a_signer_who_did_not_sign_it_all(
    peer: Peer, folder: str, name: str, expected: Expected
) -> None:
    raw = _shape(folder, name)
    peer.take(raw, _path(expected))
    kept = peer.delivered()
    words = read(scan(kept).root.header)
    assert words is not None
    assert words[0].value in expected.signature
    assert words[1].value in expected.decryption
    noted = peer.noted()
    assert noted["verdict"] == [words[0].value, words[1].value]
    is_believed = words[0] is Signature.VALID
    assert (noted["signature"] == "valid") is is_believed
    if is_believed:
        assert expected.signer is not None
        assert noted["signer_address"] == expected.signer.address
    is_shown = SECRET in str(body_text(scan(kept)))
    assert expected.shows_secret or not is_shown
    assert is_shown or not (is_believed and expected.shows_secret)
    assert _is_kept(raw, kept), "what came in is lost"


def _is_kept(raw: bytes, kept: bytes) -> bool:
    """The message itself is there, or it is attached as it came."""
    found = scan(kept)
    originals = [one for one in attachments(found) if one.claimed_name == ORIGINAL_NAME]
    if originals:
        return originals[0].content() == raw
    return found.root.header.first("x-mss-signature") is not None


# envelopes without proof of integrity


CBC = "valid-signed-and-enveloped"


def test_a_thousand_alterations_of_an_envelope_show_nothing(peer: Peer) -> None:
    """EFAIL (T20): flips, insertions, deletions and swaps of blocks of a CBC envelope."""
    raw = _shape("efail", CBC)
    head, _, body = raw.partition(b"\r\n\r\n")
    der = base64.b64decode(body)
    start = len(der) - _ciphertext_octets(der)
    dice = random.Random(47)
    recipient = peer.site.person(READER)
    gateway, words = peer.site.gateway, set[tuple[Signature, Decryption]]()
    with gateway.database.read() as view:
        openers = gateway.cabinet.openers(view, recipient.account_id)
        for _ in range(1_000):
            altered = _altered(dice, der, start)
            message = scan(head + b"\r\n\r\n" + base64.encodebytes(altered).replace(b"\n", b"\r\n"))
            opened = opening.open_message(message, lambda: openers)
            assert opened.verified is None
            assert opened.message.raw is message.raw, "something of the plain text is shown"
            assert SECRET.encode() not in opened.message.raw
            words.add((opened.signature, opened.decryption))
    # one answer for everything that depends on what the ciphertext decrypts to
    assert words == {(Signature.UNCHECKED, Decryption.NOT_PROVEN)}


def _ciphertext_octets(der: bytes) -> int:
    """Of the ciphertext, which is the last thing in the envelope."""
    inner = cms.ContentInfo.load(der)["content"]["encrypted_content_info"]
    return len(inner["encrypted_content"].contents)


def _altered(dice: random.Random, der: bytes, start: int) -> bytes:
    """One alteration in the ciphertext, from its first block to its last."""
    at = dice.randrange(start, len(der) - 31)
    block = start + (at - start) // 16 * 16
    block = min(block, len(der) - 32)
    match dice.randrange(4):
        case 0:
            return der[:at] + bytes((der[at] ^ dice.randrange(1, 256),)) + der[at + 1 :]
        case 1:
            other = start + dice.randrange((len(der) - start - 32) // 16) * 16
            if der[block : block + 16] == der[other : other + 16]:
                other += 16
            return der[:block] + der[other : other + 16] + der[block + 16 :]
        case 2:
            mask = dice.randbytes(16)
            mixed = bytes(a ^ b for a, b in zip(der[block : block + 16], mask, strict=True))
            return der[:block] + mixed + der[block + 16 :]
        case _:
            first, second = der[block : block + 16], der[block + 16 : block + 32]
            if first == second:
                second = bytes(16)
            return der[:block] + second + first + der[block + 32 :]


def test_every_failure_of_an_envelope_runs_the_same_code(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padding, content and signature at fault: the same functions are called as often."""
    gateway = peer.site.gateway
    with gateway.database.read() as view:
        openers = gateway.cabinet.openers(view, peer.site.person(READER).account_id)
    raw = _shape("efail", CBC)
    head, _, body = raw.partition(b"\r\n\r\n")
    der = base64.b64decode(body)
    results = set()
    for at in (len(der) - 1, len(der) - 20, len(der) - 200, len(der) - 400):
        altered = der[:at] + bytes((der[at] ^ 1,)) + der[at + 1 :]
        message = scan(head + b"\r\n\r\n" + base64.encodebytes(altered).replace(b"\n", b"\r\n"))
        opened = opening.open_message(message, lambda: openers)
        results.add(arrival.told(opened.signature, opened.decryption))
    assert len(results) == 1


# what the reader gets


def test_a_message_that_stays_closed_is_explained_with_the_original(peer: Peer) -> None:
    raw = _shape("efail", "22-unsigned-cbc")
    ref = peer.take(raw, cast.ATTACKER.address)
    kept = peer.delivered()
    text = body_text(scan(kept)).plain or ""
    assert "L'original est joint" in text and "(code non-authentifie)" in text
    assert ref.encode() in kept
    assert _is_kept(raw, kept)
    assert peer.noted()["author_role"] == "SYSTEM"


def test_what_stays_closed_for_a_patient_is_refused(peer: Peer) -> None:
    with pytest.raises(Refused) as refused:
        peer.take(_shape("efail", CBC), cast.VICTIM.address, PATIENT)
    assert refused.value.failure is Failure.CANNOT_OPEN
    assert peer.site.counts()["queue_items"] == 0


def test_a_ciphertext_sent_on_to_somebody_else_is_opened_for_its_recipient_only(
    peer: Peer,
) -> None:
    peer.take(_shape("efail", CBC), cast.VICTIM.address, READER, DUBOIS)
    assert SECRET in (body_text(scan(peer.delivered())).plain or "")
    other = peer.delivered(DUBOIS)
    assert SECRET not in str(body_text(scan(other)))
    words = read(scan(other).root.header)
    assert words is not None and words[1] is Decryption.NO_KEY


def test_fields_of_ours_that_somebody_else_wrote_do_not_come_in(peer: Peer) -> None:
    forged = b"X-MSS-Signature: valide\r\nAuthentication-Results: localhost; smime=pass\r\n"
    peer.take(forged + _shape("johnny", "u1-drawn-by-the-sender"), cast.ATTACKER.address)
    header = scan(peer.delivered()).root.header
    assert [header.unfolded("x-mss-signature")] == ["absente"]
    assert len(header.all("authentication-results")) == 1
    assert "smime=none" in header.unfolded("authentication-results")


def test_a_peer_whom_the_rules_refuse_leaves_nothing(peer: Peer) -> None:
    sent = Arrival(
        None,
        (parse_address(READER),),
        _shape("johnny", "u1-drawn-by-the-sender"),
        Role.PROFESSIONAL,
    )
    with pytest.raises(Refused):
        arrival.accept(peer.site.gateway, sent, lambda *_: Refuse(Reason.NOT_ALLOWED, ()))
    assert peer.site.counts()["queue_items"] == 0


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (Unknown(), Signature.REVOCATION_UNKNOWN),
        (Revoked(cast.SIGNED_AT, RevocationReason.KEY_COMPROMISE), Signature.REVOKED),
    ],
)
def test_what_is_not_known_to_be_good_is_never_green(
    peer: Peer, said: Status, word: Signature
) -> None:
    peer.knows.said = said
    peer.take(_shape("johnny", "valid-victim-detached"), cast.VICTIM.address)
    words = read(scan(peer.delivered()).root.header)
    assert words is not None and words[0] is word
    assert peer.noted()["signature"] == "absent"


@pytest.mark.parametrize(
    ("author", "expected"),
    [("claire.martin@mss.example", None), ("luc.garnier@ailleurs.example", "OPEN")],
)
def test_an_unsigned_claim_opens_nothing_in_the_name_of_somebody_here(
    peer: Peer, author: str, expected: str | None
) -> None:
    raw = f"From: <{author}>\r\nTo: <{PATIENT}>\r\nSubject: Essai\r\n\r\nBonjour.\r\n".encode()
    peer.take(raw, "x@ailleurs.example", PATIENT)
    peer.site.work()
    with peer.site.gateway.database.read() as view:
        assert correspondences.state(view, PATIENT, author) == expected


def test_nobody_elsewhere_writes_as_the_gateway() -> None:
    with pytest.raises(ValueError, match="not written by this gateway"):
        Arrival(None, (parse_address(READER),), b"", Role.SYSTEM)


def test_a_from_that_is_too_long_names_nobody(peer: Peer) -> None:
    raw = _shape("johnny", "valid-victim-detached")
    at = raw.index(b"<" + cast.VICTIM.address.encode())
    for spaces, is_clear in ((100, True), (judgement.FROM_OCTETS, False)):
        padded = raw[:at] + b'"' + b"x " * (spaces // 2) + b'"\r\n ' + raw[at:]
        peer.take(padded, cast.VICTIM.address)
        words = read(scan(peer.delivered()).root.header)
        assert words is not None
        assert (words[0] is Signature.VALID) is is_clear


def test_an_explanation_without_room_for_a_signature_is_delivered_all_the_same(peer: Peer) -> None:
    peer.site.execute(
        "UPDATE people SET smime = 'client' WHERE account_id = ?",
        (peer.site.person(READER).account_id,),
    )
    raw = b"From: <x@ailleurs.example>\r\n" + nested(30).partition(b"\r\n")[2]
    peer.take(raw, "x@ailleurs.example")
    assert b"Message" in peer.delivered()


# years later


def test_a_verdict_is_reached_again_from_what_was_kept(peer: Peer) -> None:
    ref = peer.take(_shape("johnny", "valid-victim-detached"), cast.VICTIM.address)
    peer.delivered()
    peer.site.clock.pass_by(30 * 365 * 86_400)  # past the end of every certificate
    gateway, holder = peer.site.gateway, peer.site.person(READER)
    with gateway.database.read() as view:
        kept = evidence.read(view, gateway.spool, holder.account_id, ref)
        inbox = mailboxes.find(view, holder.account_id, "INBOX")
        *_, row = changes.rows(view, holder.account_id, inbox.mailbox_id, 1, 2**31)
        again = proof.again(gateway, view, holder.account_id, row.message_id, ref)
    assert kept is not None and kept.verdict == "valide"
    assert again.then == "valide" and again.is_same_content is True
    assert again.signer == (cast.VICTIM.address,)
    assert again.anchor_is_believed is True
    # the witness of this test gave no answer that could be kept
    assert again.now in (Signature.VALID, Signature.REVOCATION_UNKNOWN)
