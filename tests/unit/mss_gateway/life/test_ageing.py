"""What time does to certificates, told as stories: ends, renewals, revocations, lists that age.

A whole gateway whose clock the test moves; nothing listens.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certs.capabilities import MODERN
from certs.certificate import Certificate
from certs.cms.signed import verify_signed
from certs.issuing import drafts
from certs.keyring import PrivateKey
from certs.status.revocation import Revocation, RevocationReason
from mss_gateway.cli import certs_dry_run
from mss_gateway.compose import caretaker
from mss_gateway.directory import certificates
from mss_gateway.directory.certificates import Held
from mss_gateway.directory.renewal import SETTLE_SECONDS
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import submission
from mss_gateway.message import smime
from mss_gateway.message.attachments import body_text
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.parse import scan
from tests.support.smtp_messages import signed
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, Site, simple
from tests.unit.mss_gateway.life import peers
from tests.unit.mss_gateway.life.peers import DAY, Peer, SiteDesk, letter, seal, sign, signer

MAILBOX_DAYS = 700
"""Of the certificates that the people of the site begin with."""

MONTH = 30 * DAY


@pytest.fixture
def peer(site: Site) -> Peer:
    return peers.connected(site)


def submit(site: Site, raw: bytes, author: str = MARTIN, *recipients: str) -> str:
    sent = site.submission(author, recipients or (DUBOIS,), raw)
    message_ref = submission.accept(site.gateway, sent).message_ref
    site.work()
    return message_ref


def refusal(site: Site, raw: bytes, author: str) -> Failure:
    with pytest.raises(Refused) as refused:
        submit(site, raw, author)
    return refused.value.failure


def held(site: Site, address: str) -> list[Held]:
    """Somebody's certificates, the newest first."""
    with site.gateway.database.read() as view:
        return certificates.of_account(view, site.person(address).account_id)


def shown_signer(raw: bytes) -> Certificate:
    """Who signed a message as it is kept."""
    found = smime.find_signed(scan(raw))
    assert found is not None
    return verify_signed(found.signature, found.content).signer_certificate


def why(site: Site, folder: Path, raw: bytes, to: str = DUBOIS) -> dict[str, Any]:
    """What `mss certs why` says of a message in a file."""
    file = folder / "message.eml"
    file.write_bytes(raw)
    answer = certs_dry_run.why(SiteDesk(folder, site), file, to)
    assert isinstance(answer.value, dict)
    return {**answer.value, "exit": answer.code}


# the end of a certificate


def test_mail_of_before_a_certificate_s_end_opens_and_verifies_as_of_its_time(
    peer: Peer, tmp_path: Path
) -> None:
    site = peer.site
    own = submit(site, simple())
    theirs = peer.take(seal(sign(letter(), signer(), peer.gateway.now()), site.certificate(DUBOIS)))
    by_client = signed(site, simple(BERNARD))
    of_bernard = submit(site, by_client, BERNARD)
    under_way = seal(letter(text="En route."), site.certificate(DUBOIS), MODERN)
    site.clock.pass_by((MAILBOX_DAYS + 1) * DAY)

    # what was written before holds, as of its own time
    for message_ref in (own, theirs, of_bernard):
        found = peer.again(message_ref)
        assert (found.then, found.now, found.holds) == ("valide", Signature.VALID, True)
    texts = [body_text(scan(raw)).plain or "" for raw in site.kept(DUBOIS)]
    assert [text.strip() for text in texts] == ["Bonjour."] * 3

    # what was closed for the old key still opens
    peer.take(under_way)
    assert peer.words() == (Signature.ABSENT, Decryption.DECRYPTED)
    assert "En route." in (body_text(scan(site.kept(DUBOIS)[-1])).plain or "")

    # and nothing new is believed, sealed or signed with what has ended
    assert refusal(site, signed(site, simple(BERNARD)), BERNARD) is Failure.SIGNATURE_REJECTED
    assert refusal(site, simple(), MARTIN) is Failure.NO_CERTIFICATE_FOR_AUTHOR
    peer.send()
    assert peer.words()[0] is Signature.EXPIRED
    told = why(site, tmp_path, by_client)
    assert (told["signature"], told["cause"], told["exit"]) == ("expiree", "expired", 1)
    assert "new one" in told["what_to_do"]
    assert why(site, tmp_path, by_client, BERNARD)["sealing"]["delivery"].startswith("waits")


# renewal


def test_a_renewed_mailbox_signs_with_its_new_key_and_opens_with_both(peer: Peer) -> None:
    site, gateway = peer.site, peer.gateway
    former = held(site, DUBOIS)[0]
    before = submit(site, simple(DUBOIS), DUBOIS, MARTIN)
    site.clock.pass_by((MAILBOX_DAYS - 20) * DAY)

    caretaker.renew(gateway)
    newest, old = held(site, DUBOIS)
    assert (old.certificate_id, old.replaced_by) == (former.certificate_id, newest.certificate_id)
    assert newest.has_key and newest.certificate.public_key() != old.certificate.public_key()
    caretaker.renew(gateway)
    assert len(held(site, DUBOIS)) == 2, "renewed twice"

    # for a day the former one goes on; clocks differ, directories are copied
    submit(site, simple(DUBOIS), DUBOIS, MARTIN)
    assert shown_signer(site.kept(MARTIN)[-1]) == old.certificate
    site.clock.pass_by(SETTLE_SECONDS)
    after = submit(site, simple(DUBOIS), DUBOIS, MARTIN)
    assert shown_signer(site.kept(MARTIN)[-1]) == newest.certificate
    with gateway.database.read() as view:
        chosen = certificates.for_recipient(view, old.account_id, gateway.clock())
    assert chosen == newest.certificate

    # without a gap: the former one ends, both generations of mail hold
    site.clock.pass_by(MONTH)
    last = submit(site, simple(DUBOIS), DUBOIS, MARTIN)
    for message_ref in (before, after, last):
        assert peers.again(site, message_ref, MARTIN).holds is True
    for certificate in (old.certificate, newest.certificate):
        peer.take(seal(letter(text="Ouvert."), certificate, MODERN))
        assert peer.words() == (Signature.ABSENT, Decryption.DECRYPTED)
        assert "Ouvert." in (body_text(scan(site.kept(DUBOIS)[-1])).plain or "")


def test_keys_in_a_client_are_not_renewed_by_the_clock(site: Site) -> None:
    site.clock.pass_by((MAILBOX_DAYS - 20) * DAY)
    caretaker.renew(site.gateway)
    assert len(held(site, BERNARD)) == 1


# revocation


def test_a_client_whose_certificate_was_taken_back_is_refused_and_told_why(
    site: Site, tmp_path: Path
) -> None:
    raw = signed(site, simple(BERNARD))
    before = submit(site, raw, BERNARD)
    told = why(site, tmp_path, raw)
    assert (told["signature"], told["cause"], told["exit"]) == ("valide", None, 0)
    assert told["signer"] == BERNARD
    site.clock.pass_by(60)
    serial = f"{site.certificate(BERNARD).serial_number:x}"
    site.gateway.database.write(
        lambda tx: certificates.revoke(tx, serial, RevocationReason.KEY_COMPROMISE)
    )

    assert refusal(site, signed(site, simple(BERNARD)), BERNARD) is Failure.SIGNATURE_REJECTED
    told = why(site, tmp_path, raw)
    assert (told["signature"], told["cause"], told["exit"]) == ("revoquee", "revoked", 1)
    assert "took it back" in told["what_to_do"]
    (failed,) = [step for step in told["steps"] if not step["passed"]]
    assert failed["step"] == "revocation" and "keyCompromise" in failed["detail"]
    # nobody seals for it either, and what was accepted before stays
    assert why(site, tmp_path, raw, BERNARD)["sealing"]["delivery"].startswith("waits")
    assert peers.again(site, before).holds is True


def test_a_list_in_the_operator_s_folder_is_obeyed_as_soon_as_it_is_there(
    peer: Peer, tmp_path: Path
) -> None:
    before = peer.send()
    assert peer.words()[0] is Signature.VALID
    peer.site.clock.pass_by(3_600)
    peer.publish(signer().certificate)

    after = peer.send()
    assert peer.words()[0] is Signature.REVOKED
    told = why(peer.site, tmp_path, sign(letter(), signer(), peer.gateway.now()))
    assert (told["signature"], told["cause"], told["exit"]) == ("revoquee", "revoked", 1)
    (failed,) = [step for step in told["steps"] if not step["passed"]]
    assert "keyCompromise" in failed["detail"]
    # the mail of before was good, and is so still; that of after is not, whatever comes
    peer.publish()
    assert peer.again(before).now is Signature.VALID
    assert peer.again(after).now is Signature.REVOKED
    peer.send()
    assert peer.words()[0] is Signature.VALID


def test_a_list_that_ages_makes_unknown_and_never_good(peer: Peer, tmp_path: Path) -> None:
    raw = sign(letter(), signer(), peer.gateway.now())
    peer.site.clock.pass_by(8 * DAY)
    unknown = peer.send()
    assert peer.words()[0] is Signature.REVOCATION_UNKNOWN
    told = why(peer.site, tmp_path, raw)
    assert (told["signature"], told["cause"]) == ("revocation-inconnue", "revocation_unknown")
    assert "folder of lists" in told["what_to_do"]
    peer.publish()
    peer.send()
    assert peer.words()[0] is Signature.VALID
    assert peer.again(unknown).now is Signature.REVOCATION_UNKNOWN


def test_a_file_of_the_folder_that_is_no_list_hides_none(peer: Peer) -> None:
    (peer.folder / "a-lire.txt").write_bytes(b"ceci n'est pas une liste")
    (peer.folder / "coupee.crl").write_bytes((peer.folder / "emission.crl").read_bytes()[:-7])
    peer.send()
    assert peer.words()[0] is Signature.VALID
    peer.publish(signer().certificate, since=timedelta(minutes=5))
    peer.send()
    assert peer.words()[0] is Signature.REVOKED
    assert "revocation list not read" in peer.site.logged.getvalue()


def test_a_list_under_an_issuer_s_name_by_another_key_says_nothing(peer: Peer) -> None:
    (peer.folder / "emission.crl").unlink()
    now = peer.gateway.now()
    line = Revocation(signer().certificate.serial_number, now - timedelta(days=1))
    draft = drafts.revocation_list(peers.authority().issuing, [line], now, now + timedelta(days=7))
    (peer.folder / "fausse.crl").write_bytes(PrivateKey.generate("p256").sign_crl(draft))
    peer.send()
    assert peer.words()[0] is Signature.REVOCATION_UNKNOWN
