"""What is closed to a domain is opened for those of it to whom its author wrote, nobody else."""

import pytest

from certs.capabilities import MODERN
from certs.certificate import Certificate
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway.directory import certificates, domain_keys
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import arrival, crypto, policy, submission
from mss_gateway.life.arrival import Arrival
from mss_gateway.life.judgement import Judged
from mss_gateway.life.policy import Envelope
from mss_gateway.message.address import parse_address
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.entities import split
from mss_gateway.message.layers import layer
from mss_gateway.message.parse import scan
from policies.people import Role
from policies.verdict import Permit
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, OTHER_PATIENT, PATIENT, Site
from tests.unit.mss_gateway.life.peers import (
    AUTHOR,
    COLLEAGUE,
    Peer,
    connected,
    letter,
    seal,
    signer,
)

DOMAINS = ("mss.example", "patient.mss.example")


@pytest.fixture
def peer(site: Site) -> Peer:
    return connected(site)


@pytest.fixture
def domain(site: Site) -> dict[str, Certificate]:
    """The certificate of each domain here."""
    found = {}
    authority = site.authority()
    for name in DOMAINS:
        key = certificates.new_key("rsa-2048")

        def unit(tx: Transaction, name: str = name, key: PrivateKey = key) -> None:
            names = site.gateway.config.mailboxes
            person = domain_keys.ensure(tx, name, "Operateur de test", names)
            certificates.issue(tx, authority, person, key, 300)

        site.gateway.database.write(unit)
        found[name] = site.certificate(domain_keys.address_for(name))
    return found


def signed_for(peer: Peer, *recipients: str) -> bytes:
    """Signed by the author elsewhere, its recipients listed under the signature."""
    to = tuple(map(parse_address, recipients))
    raw = letter(to=recipients[0])
    return crypto.sign(peer.gateway, signer(), raw, to, conceals=True)


@pytest.mark.parametrize("recipient", [DUBOIS, MARTIN, PATIENT])
def test_it_is_opened_for_whom_it_was_written(
    peer: Peer, domain: dict[str, Certificate], recipient: str
) -> None:
    certificate = domain[recipient.partition("@")[2]]
    peer.take(seal(signed_for(peer, recipient), certificate, MODERN), recipient)
    assert peer.words(recipient) == (Signature.VALID, Decryption.DECRYPTED)
    assert b"Bonjour." in peer.site.kept(recipient)[-1]


def test_keys_in_a_client_get_it_closed_again(peer: Peer, domain: dict[str, Certificate]) -> None:
    peer.take(seal(signed_for(peer, BERNARD), domain["mss.example"], MODERN), BERNARD)
    (kept,) = peer.site.kept(BERNARD)
    found = layer(scan(kept))
    assert found is not None and "enveloped" in found.kind
    assert b"Bonjour." not in kept


@pytest.mark.parametrize("recipient", [OTHER_PATIENT, PATIENT, MARTIN])
@pytest.mark.parametrize("is_signed", [True, False])
def test_whoever_sends_it_on_is_shown_nothing(
    peer: Peer, domain: dict[str, Certificate], recipient: str, is_signed: bool
) -> None:
    certificate = domain[recipient.partition("@")[2]]
    inner = signed_for(peer, DUBOIS) if is_signed else letter(to=DUBOIS)
    peer.take(seal(inner, certificate, MODERN), recipient)
    (kept,) = peer.site.kept(recipient)
    assert b"Bonjour." not in kept
    assert peer.words(recipient)[0] is Signature.OTHER_RECIPIENT


def test_the_rules_see_nothing_of_what_was_written_to_somebody_else(
    peer: Peer, domain: dict[str, Certificate]
) -> None:
    """Or the answer to whoever sends it on would tell of whom its documents are (CIT-16)."""
    caught = seal(signed_for(peer, PATIENT), domain["patient.mss.example"], MODERN)
    seen: list[bytes] = []

    def ask(judged: Judged, _to: object) -> Permit:
        seen.append(judged.message.raw)
        return Permit(())

    for recipient in (OTHER_PATIENT, PATIENT):
        to = (parse_address(recipient),)
        arriving = Arrival(parse_address(AUTHOR), to, caught, Role.PROFESSIONAL)
        arrival.accept(peer.gateway, arriving, ask)
    assert [b"Bonjour." in each for each in seen] == [False, True]


def test_nobody_writes_to_the_holder_of_a_domain_s_key(
    site: Site, domain: dict[str, Certificate]
) -> None:
    assert domain
    envelope = Envelope(site.person(MARTIN), parse_address(MARTIN), "submission")
    address = parse_address(domain_keys.address_for("mss.example"))
    with pytest.raises(Refused) as refused:
        policy.at_recipient(site.gateway, envelope, address, 0)
    assert refused.value.failure is Failure.RECIPIENT_UNKNOWN


def test_a_correspondent_s_own_certificate_is_preferred(
    peer: Peer, domain: dict[str, Certificate]
) -> None:
    own = peer.site.certificate(DUBOIS)
    peer.take(seal(signed_for(peer, DUBOIS), own, MODERN), DUBOIS)
    assert peer.words() == (Signature.VALID, Decryption.DECRYPTED)
    assert AUTHOR not in domain


@pytest.mark.parametrize("is_closed_twice", [True, False])
def test_a_signature_of_their_own_around_it_opens_nothing_either(
    peer: Peer, domain: dict[str, Certificate], is_closed_twice: bool
) -> None:
    """Who got hold of a ciphertext names themselves around it, and closes it once more."""
    certificate, thief = domain["mss.example"], signer(COLLEAGUE)
    caught = seal(signed_for(peer, DUBOIS), certificate, MODERN)
    raw = letter(COLLEAGUE, to=MARTIN).partition(b"\r\n\r\n")[0] + b"\r\n" + split(caught)[1]
    around = crypto.sign(peer.gateway, thief, raw, (parse_address(MARTIN),))
    if is_closed_twice:
        around = seal(around, certificate, MODERN)
    peer.take(around, MARTIN, path=COLLEAGUE)
    (kept,) = peer.site.kept(MARTIN)
    assert b"Bonjour." not in kept
    assert peer.words(MARTIN)[0] is not Signature.VALID


@pytest.mark.parametrize("recipient", [MARTIN, DUBOIS])
def test_nobody_here_has_it_opened_by_sending_it(
    peer: Peer, domain: dict[str, Certificate], recipient: str
) -> None:
    """To themselves, or with a copy of theirs in Sent."""
    caught = seal(signed_for(peer, DUBOIS), domain["mss.example"], MODERN)
    raw = letter(MARTIN, to=recipient).partition(b"\r\n\r\n")[0] + b"\r\n" + split(caught)[1]
    with pytest.raises(Refused) as refused:
        submission.accept(peer.gateway, peer.site.submission(MARTIN, (recipient,), raw))
    assert refused.value.failure is Failure.CANNOT_OPEN
