"""Whom to believe: one verdict, from certificate, envelope, header and directory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from certs.book import Provenance
from certs.capabilities import MODERN
from certs.certificate import Certificate, fingerprint, to_der
from certs.cms.signed import make_signed
from certs.errors import ChainReason
from certs.keyring import PrivateKey, Signer
from certs.status.revocation import Good, Unknown
from certs.usage import Usage
from mss_gateway.directory import certificates, keybook
from mss_gateway.life import judgement, opening
from mss_gateway.life.judgement import CHAINS, STATUSES, Judged
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.parse import scan
from policies.authorship import Disagreement
from policies.facts import SignatureStatus
from tests.support.smtp_messages import signed
from tests.support.smtp_site import BERNARD, DUBOIS, MARTIN, Site, simple
from tests.unit.mss_gateway.life import peers
from tests.unit.mss_gateway.life.peers import AUTHOR, COLLEAGUE, Peer, letter, seal, sign, signer


@pytest.fixture
def peer(site: Site) -> Peer:
    return peers.connected(site)


def judge(site: Site, raw: bytes, path: str | None = None, at: datetime | None = None) -> Judged:
    holder = site.person(DUBOIS)
    with site.gateway.database.read() as view:
        opened = opening.open_message(
            scan(raw), lambda: site.gateway.cabinet.openers(view, holder.account_id)
        )
        return judgement.judge(site.gateway, view, opened, path, at or site.gateway.now())


def told(judged: Judged) -> tuple[Signature, str]:
    return judged.verdict.signature, judged.cause


# the tables


def test_every_word_has_a_status_of_policy() -> None:
    assert set(STATUSES) == set(Signature)
    others = set(Signature) - {
        word for word, status in STATUSES.items() if status is SignatureStatus.INVALID
    }
    assert {word: STATUSES[word] for word in others} == {
        Signature.VALID: SignatureStatus.VALID,
        Signature.ABSENT: SignatureStatus.ABSENT,
        Signature.PARTIAL: SignatureStatus.ABSENT,
        Signature.UNCHECKED: SignatureStatus.UNCHECKED,
        Signature.REVOCATION_UNKNOWN: SignatureStatus.UNCHECKED,
    }


def test_every_reason_against_a_certificate_has_its_word() -> None:
    assert set(CHAINS) == set(ChainReason)
    assert Signature.VALID not in CHAINS.values()
    assert {reason for reason, word in CHAINS.items() if word is Signature.UNTRUSTED} == {
        ChainReason.NO_PATH,
        ChainReason.ISSUER_REFUSED,
        ChainReason.PATH_LENGTH,
        ChainReason.NAME_CONSTRAINTS,
        ChainReason.POLICY,
        ChainReason.CRITICAL_EXTENSION,
    }


def test_each_revocation_word_says_what_was_found() -> None:
    assert CHAINS[ChainReason.REVOKED] is Signature.REVOKED
    assert CHAINS[ChainReason.REVOCATION_UNKNOWN] is Signature.REVOCATION_UNKNOWN


# all agree


def test_a_valid_signature_names_its_signer(site: Site) -> None:
    certificate = site.certificate(BERNARD)
    judged = judge(site, signed(site, simple(BERNARD)), BERNARD)
    verdict = judged.verdict
    assert told(judged) == (Signature.VALID, "")
    assert verdict.signer == BERNARD
    assert verdict.serial == f"{certificate.serial_number:x}"
    assert verdict.issuer == certificate.issuer.rfc4514_string()
    assert judged.signer_addresses == (BERNARD,)
    assert judged.signer_fingerprint == fingerprint(certificate)
    assert judged.status is SignatureStatus.VALID
    assert judged.chain is not None and judged.chain.revocation == Good()
    assert judgement.words(judged) == ("valide", "non-chiffre")


def test_without_a_signature_nobody_is_named(site: Site) -> None:
    judged = judge(site, simple(BERNARD), BERNARD)
    assert told(judged) == (Signature.ABSENT, "")
    assert (judged.signer_addresses, judged.signer_fingerprint, judged.chain) == ((), "", None)
    assert judged.status is SignatureStatus.ABSENT


def test_issuers_that_a_program_leaves_out_are_known_for_a_mailbox_here(site: Site) -> None:
    held = site.client_signer(BERNARD)
    alone = Signer(held.key, held.certificate, ())
    judged = judge(site, sign(simple(BERNARD), alone, site.gateway.now()), BERNARD)
    assert told(judged) == (Signature.VALID, "")


def test_another_operator_s_author_is_believed_by_list_and_anchor(peer: Peer) -> None:
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR)
    assert told(judged) == (Signature.VALID, "")
    assert judged.chain is not None
    assert [answer.kind for answer in judged.chain.answers] == ["crl", "crl"]


def test_the_signer_s_name_is_the_directory_s_or_the_certificate_s_never_the_header_s(
    peer: Peer,
) -> None:
    boasting = simple(BERNARD).replace(b"From: <", b"From: Professeur <")
    here = judge(peer.site, signed(peer.site, boasting), BERNARD)
    known = peer.site.person(BERNARD)
    separator = peer.gateway.config.site.name_separator
    assert here.signer_name == known.display_name(separator)
    elsewhere = judge(peer.site, sign(letter(), signer()), AUTHOR)
    assert elsewhere.signer_name == "Luc Garnier"
    assert judge(peer.site, letter(), AUTHOR).signer_name == ""


# the certificate


@pytest.mark.parametrize(
    ("days", "cause"), [(-11, "not_yet_valid"), (390, "expired"), (4_000, "expired")]
)
def test_a_certificate_counts_while_it_is_valid(peer: Peer, days: int, cause: str) -> None:
    at = peer.gateway.now() + timedelta(days=days)
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR, at)
    assert told(judged) == (Signature.EXPIRED, cause)
    assert judged.signer_addresses == () and judged.signer_fingerprint == ""
    assert judged.status is SignatureStatus.INVALID
    assert judged.verdict.signer == ""


def test_nobody_is_believed_without_an_anchor(peer: Peer) -> None:
    stranger = signer(issuer="Un inconnu")
    assert told(judge(peer.site, sign(letter(), stranger), AUTHOR)) == (
        Signature.UNTRUSTED,
        "no_path",
    )
    peer.disbelieve()
    assert told(judge(peer.site, sign(letter(), signer()), AUTHOR)) == (
        Signature.UNTRUSTED,
        "no_path",
    )


def test_a_certificate_for_encryption_signs_nothing(peer: Peer) -> None:
    closing = signer(usage=Usage.ENCRYPT)
    judged = judge(peer.site, sign(letter(), closing), AUTHOR)
    assert told(judged) == (Signature.WRONG_USAGE, "wrong_key_usage")


def test_what_our_authority_took_back_counts_from_that_moment_on(site: Site) -> None:
    raw = signed(site, simple(BERNARD))
    before = site.gateway.now()
    site.clock.pass_by(60)
    serial = f"{site.certificate(BERNARD).serial_number:x}"
    site.gateway.database.write(lambda tx: certificates.revoke(tx, serial))
    site.clock.pass_by(60)
    assert told(judge(site, raw, BERNARD, before)) == (Signature.VALID, "")
    assert told(judge(site, raw, BERNARD)) == (Signature.REVOKED, "revoked")


def test_of_a_revoked_signer_the_list_that_says_so_is_named(peer: Peer) -> None:
    peer.publish(signer().certificate, since=timedelta(hours=1))
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR)
    assert told(judged) == (Signature.REVOKED, "revoked")
    assert judged.chain is not None
    kinds = [answer.kind for answer in judged.chain.answers]
    assert kinds == ["crl", "crl"]
    assert peer.gateway.lists.find(judged.chain.answers[0].digest) is not None


def test_without_a_fresh_list_nothing_is_called_good(peer: Peer) -> None:
    peer.site.clock.pass_by(8 * peers.DAY)
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR)
    assert told(judged) == (Signature.REVOCATION_UNKNOWN, "revocation_unknown")
    assert judged.status is SignatureStatus.UNCHECKED
    assert judged.chain is not None and judged.chain.revocation == Unknown()
    assert {answer.kind for answer in judged.chain.answers} == {"none"}


# the other witnesses


def _name(raw: bytes) -> bytes:
    return raw.replace(f"From: <{AUTHOR}>".encode(), f'From: "{MARTIN}" <{AUTHOR}>'.encode())


OTHERS: list[tuple[Disagreement, Callable[[bytes], bytes]]] = [
    (Disagreement.AUTHORS_UNCLEAR, lambda raw: b"From: <x@mss.example>\r\n" + raw),
    (Disagreement.AUTHORS_UNCLEAR, lambda raw: raw.replace(AUTHOR.encode(), b"Luc", 1)),
    (Disagreement.AUTHOR_IS_OTHER, lambda raw: raw.replace(AUTHOR.encode(), COLLEAGUE.encode(), 1)),
    (Disagreement.SENDER_IS_OTHER, lambda raw: f"Sender: <{MARTIN}>\r\n".encode() + raw),
    (Disagreement.SENDER_IS_OTHER, lambda raw: b"Sender: ???\r\n" + raw),
    (Disagreement.NAME_IS_OTHER, _name),
]


@pytest.mark.parametrize(("objection", "alter"), OTHERS)
def test_a_header_that_names_somebody_else_takes_the_name_away(
    peer: Peer, objection: Disagreement, alter: Callable[[bytes], bytes]
) -> None:
    judged = judge(peer.site, sign(alter(letter()), signer()), AUTHOR)
    assert told(judged) == (Signature.OTHER_AUTHOR, objection.value)
    assert judged.verdict.signer == ""
    assert judged.status is SignatureStatus.INVALID
    assert judged.chain is not None


@pytest.mark.parametrize(
    ("path", "word"), [(None, Signature.VALID), (COLLEAGUE, Signature.OTHER_AUTHOR)]
)
def test_an_envelope_of_somebody_else_takes_the_name_away(
    peer: Peer, path: str | None, word: Signature
) -> None:
    judged = judge(peer.site, sign(letter(), signer()), path)
    assert judged.verdict.signature is word


def test_another_author_outside_of_the_protected_fields_takes_the_name_away(peer: Peer) -> None:
    holder = peer.site.person(DUBOIS)
    with peer.gateway.database.read() as view:
        opened = opening.open_message(scan(sign(letter(), signer())), tuple)
        judged = judgement.judge(
            peer.gateway, view, replace(opened, from_differs=True), AUTHOR, peer.gateway.now()
        )
    assert told(judged) == (Signature.OTHER_AUTHOR, Disagreement.AUTHOR_IS_OTHER.value)
    assert holder.address == DUBOIS


def _certificate_for(address: str, key: PrivateKey) -> Certificate:
    return peers.authority().issue_mailbox(
        address, "Autre", key.public_key, Usage.BOTH, peers.BEGINNING, 400
    )


def test_a_certificate_that_the_directory_does_not_have_is_not_its_person_s(peer: Peer) -> None:
    """Another authority vouches for an address that is a mailbox here, with another key."""
    key = PrivateKey.generate("p256")
    forged = Signer(key, _certificate_for(MARTIN, key), peers.authority().chain)
    judged = judge(peer.site, sign(letter(MARTIN), forged), MARTIN)
    assert told(judged) == (Signature.OTHER_AUTHOR, Disagreement.CERTIFICATE_IS_OTHER.value)


def test_a_key_that_somebody_else_has_too_is_nobody_s(peer: Peer) -> None:
    other = _certificate_for(COLLEAGUE, signer().key)
    gateway = peer.gateway
    gateway.database.write(
        lambda tx: keybook.learn(
            tx, gateway.spool, COLLEAGUE, other, None, Provenance.SIGNED_MESSAGE
        )
    )
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR)
    assert told(judged) == (Signature.OTHER_AUTHOR, Disagreement.KEY_IS_SHARED.value)
    assert "public key of several mailboxes" in peer.site.logged.getvalue()


# signatures around


def test_a_signature_around_must_be_believed_and_need_not_be_the_author_s(peer: Peer) -> None:
    inner = seal(sign(letter(), signer()), peer.site.certificate(DUBOIS))
    judged = judge(peer.site, sign(inner, signer(COLLEAGUE)), AUTHOR)
    assert told(judged) == (Signature.VALID, "")
    assert judged.verdict.signer == AUTHOR
    assert judged.verdict.decryption is Decryption.DECRYPTED
    stranger = signer(COLLEAGUE, issuer="Un inconnu")
    judged = judge(peer.site, sign(inner, stranger), AUTHOR)
    assert told(judged) == (Signature.UNTRUSTED, "no_path")
    assert judged.chain is None


@pytest.mark.parametrize("since", [timedelta(hours=1), None])
def test_of_a_signature_around_revocation_must_be_known_and_good(
    peer: Peer, since: timedelta | None
) -> None:
    inner = seal(sign(letter(), signer()), peer.site.certificate(DUBOIS))
    raw, word = sign(inner, signer(COLLEAGUE)), Signature.REVOCATION_UNKNOWN
    if since is None:
        peer.site.clock.pass_by(8 * peers.DAY)
    else:
        peer.publish(signer(COLLEAGUE).certificate, since=since)
        word = Signature.REVOKED
    judged = judge(peer.site, raw, AUTHOR)
    assert judged.verdict.signature is word
    assert (judged.chain is None) is (word is Signature.REVOKED)


def test_a_signature_around_an_envelope_alone_is_none_of_the_text(peer: Peer) -> None:
    sealed = seal(letter(), peer.site.certificate(DUBOIS), MODERN)
    assert told(judge(peer.site, sealed, AUTHOR)) == (Signature.ABSENT, "")
    assert told(judge(peer.site, sign(sealed, signer()), AUTHOR)) == (Signature.INVALID, "")


# what is kept, and what is learned


def test_evidence_has_the_path_the_answers_and_the_digest(peer: Peer) -> None:
    judged = judge(peer.site, sign(letter(), signer()), AUTHOR)
    kept = judgement.evidence_of(judged)
    verified = judged.opened.verified
    assert verified is not None
    assert (kept.verdict, kept.at) == ("valide", int(judged.at.timestamp()))
    assert kept.signer == to_der(signer().certificate)
    assert kept.chain == (to_der(peers.authority().issuing), to_der(peers.authority().root))
    assert len(kept.answers) == len(kept.chain) == len(kept.digests())
    assert kept.facts["digest"] == verified.digest.hex()
    assert kept.facts["decryption"] == "non-chiffre"
    assert kept.facts["algorithms"].split() == list(verified.algorithms)
    assert "cause" not in kept.facts


def test_evidence_of_an_unsigned_message_is_its_words(site: Site) -> None:
    kept = judgement.evidence_of(judge(site, simple(BERNARD)))
    assert (kept.verdict, kept.signer, kept.chain, kept.answers) == ("absente", b"", (), ())
    assert kept.facts == {"decryption": "non-chiffre"}


def test_a_valid_signature_introduces_its_author(peer: Peer) -> None:
    at = peer.gateway.now().replace(microsecond=0)
    found = judgement.introduction_of(judge(peer.site, sign(letter(), signer(), at), AUTHOR))
    assert found is not None
    assert (found.address, found.certificate) == (AUTHOR, signer().certificate)
    assert found.issuers == peers.authority().chain
    assert found.capabilities is not None and "aes-256-gcm" in found.capabilities.names
    assert found.said_at == int(at.timestamp())


def test_what_is_not_believed_introduces_nobody(peer: Peer) -> None:
    for raw, path in (
        (letter(), AUTHOR),
        (sign(letter(), signer()), COLLEAGUE),
        (sign(letter(), signer(issuer="Un inconnu")), AUTHOR),
    ):
        assert judgement.introduction_of(judge(peer.site, raw, path)) is None


def test_a_digest_is_that_of_the_content(peer: Peer) -> None:
    digests = {
        judgement.evidence_of(judge(peer.site, sign(letter(text=text), signer()), AUTHOR)).facts[
            "digest"
        ]
        for text in ("Bonjour.", "Bonsoir.", "Bonjour.")
    }
    assert len(digests) == 2
    assert make_signed(b"x", signer(), peers.BEGINNING)
