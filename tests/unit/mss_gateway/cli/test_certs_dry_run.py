"""`mss certs verify` and `why`: a message in a file is judged step by step; nothing is kept."""

from pathlib import Path

import pytest

from certs import capabilities
from certs.book import Provenance
from certs.capabilities import CLASSIC
from certs.cms.signed import make_signed
from certs.keyring import PrivateKey
from mss_gateway.directory import keybook
from mss_gateway.message import header_protection, recipient_list, smime
from mss_gateway.message.address import parse_address
from tests.corpus.smime import people as cast
from tests.unit.mss_gateway.cli import foreign, mail_site
from tests.unit.mss_gateway.cli.desk_site import (
    DOCTOR,
    PATIENT,
    PHARMACY,
    Mss,
    raw_message,
    submit,
    work,
)
from tests.unit.mss_gateway.cli.mail_site import (
    AUTHOR,
    author,
    certificate_of,
    in_file,
    letter,
    seal,
    sign,
    signer_of,
)

VERIFY, WHY = ("certs", "verify"), ("certs", "why")
TO_DOCTOR = ("--to", DOCTOR.address)
CLIENT = "paul.bernard@mss.example"


def of_doctor(mss: Mss, to: str = PHARMACY) -> bytes:
    return sign(letter(DOCTOR.address, to), signer_of(mss))


def add_client(mss: Mss) -> Path:
    """Somebody whose keys are in their own program."""
    keys = mss.folder / "cles"
    keys.mkdir()
    mss.told(
        *("people", "add", "--address", CLIENT, "--given-name", "Paul"),
        *("--family-name", "Bernard", "--smime", "client", "--key-out", str(keys)),
    )
    return keys


# whose signature


def test_a_message_as_it_was_delivered_is_valid(mss: Mss) -> None:
    with mss.gateway() as gateway:
        submit(gateway, DOCTOR.address, PHARMACY, raw_message(DOCTOR.address, PHARMACY))
        work(gateway)
    told = mss.told(*VERIFY, in_file(mss, mail_site.kept(mss, PHARMACY)))
    assert (told["signature"], told["decryption"], told["cause"]) == ("valide", "non-chiffre", None)
    assert told["signer"] == DOCTOR.address
    assert told["what_to_do"] is None and told["encryption"] is None
    (claimed,) = told["claimed_signers"]
    assert claimed["addresses"] == [DOCTOR.address]
    assert claimed["digest"] == "sha-256"
    assert {"validity", "path", "revocation"} <= {step["step"] for step in told["steps"]}
    assert all(step["passed"] for step in told["steps"])


def test_people_read_sentences_and_two_tables(mss: Mss) -> None:
    result = mss(*VERIFY, in_file(mss, of_doctor(mss)))
    assert result.exit_code == 0
    assert "Signature: valide. La signature est valide" in result.stdout
    assert "Encryption: non-chiffre." in result.stdout
    assert f"Signer: {DOCTOR.address}" in result.stdout
    assert "claims to be" in result.stdout and "revocation" in result.stdout
    assert "FAILED" not in result.stdout


def test_a_file_with_the_line_ends_of_a_text_is_read_as_mail(mss: Mss) -> None:
    raw = of_doctor(mss).replace(b"\r\n", b"\n")
    assert mss.told(*VERIFY, in_file(mss, raw))["signature"] == "valide"


def test_what_was_altered_is_told_with_whom_it_claims_to_be_by(mss: Mss) -> None:
    raw = sign(letter(DOCTOR.address), signer_of(mss), opaque=True)
    assert mss.told(*VERIFY, in_file(mss, raw))["signature"] == "valide"
    spoilt = of_doctor(mss).replace(b"charset=utf-8", b"charset=us-ascii")
    told = mss.told(*VERIFY, in_file(mss, spoilt), code=1)
    assert (told["signature"], told["signer"], told["steps"]) == ("invalide", None, [])
    (claimed,) = told["claimed_signers"]
    assert claimed["addresses"] == [DOCTOR.address]
    assert claimed["signed_at"].endswith("Z")


def test_an_unsigned_message_names_nobody(mss: Mss) -> None:
    told = mss.told(*VERIFY, in_file(mss, letter()), code=1)
    assert (told["signature"], told["claimed_signers"], told["steps"]) == ("absente", [], [])
    assert told["signer"] is None


def test_several_signers_are_all_shown_and_none_is_believed(mss: Mss) -> None:
    shape = Path(cast.__file__).parent / "johnny" / "c2-attacker-signs-last.eml"
    told = mss.told(*VERIFY, str(shape), code=1)
    assert (told["signature"], told["steps"]) == ("plusieurs-signataires", [])
    named = {each for one in told["claimed_signers"] for each in one["addresses"]}
    assert named == {cast.VICTIM.address, cast.ATTACKER.address}


def test_another_author_than_the_certificate_s_is_told_with_the_cause(mss: Mss) -> None:
    told = mss.told(*VERIFY, in_file(mss, sign(letter(PHARMACY), signer_of(mss))), code=1)
    assert (told["signature"], told["cause"]) == ("auteur-different", "author_is_other")
    assert all(step["passed"] for step in told["steps"])


# another operator's author


def test_an_authority_that_nobody_added_then_without_lists_then_good(mss: Mss) -> None:
    file = in_file(mss, sign(letter(), author()))
    told = mss.told(*VERIFY, file, code=1)
    assert (told["signature"], told["cause"]) == ("autorite-inconnue", "no_path")
    assert "mss certs trust add" in told["what_to_do"]
    assert [step["step"] for step in told["steps"] if not step["passed"]] == ["path"]
    mail_site.believe(mss)
    told = mss.told(*VERIFY, file, code=1)
    assert (told["signature"], told["cause"]) == ("revocation-inconnue", "revocation_unknown")
    assert "folder of lists" in told["what_to_do"]
    mail_site.publish(mss)
    assert mss.told(*VERIFY, file)["signer"] == AUTHOR
    mail_site.publish(mss, author().certificate)
    told = mss.told(*VERIFY, file, code=1)
    assert (told["signature"], told["cause"]) == ("revoquee", "revoked")
    (failed,) = [step for step in told["steps"] if not step["passed"]]
    assert failed["step"] == "revocation" and "keyCompromise" in failed["detail"]
    assert "FAILED" in mss(*VERIFY, file).stdout


def test_a_certificate_of_ours_that_was_taken_back(mss: Mss) -> None:
    file = in_file(mss, of_doctor(mss))
    mss.told("certs", "revoke", f"{certificate_of(mss).serial_number:x}", "--reason", "superseded")
    told = mss.told(*VERIFY, file, code=1)
    assert (told["signature"], told["cause"]) == ("revoquee", "revoked")
    (failed,) = [step for step in told["steps"] if not step["passed"]]
    assert "superseded" in failed["detail"]


# what is enveloped


def test_without_a_recipient_nothing_is_opened(mss: Mss) -> None:
    file = in_file(mss, seal(of_doctor(mss), certificate_of(mss, PHARMACY)))
    told = mss.told(*VERIFY, file, code=1)
    assert (told["signature"], told["decryption"]) == ("non-verifiee", "sans-cle")
    assert told["claimed_signers"] == told["steps"] == []


@pytest.mark.parametrize(("is_theirs", "decryption"), [(True, "dechiffre"), (False, "sans-cle")])
def test_why_opens_with_the_keys_of_the_recipient(
    mss: Mss, is_theirs: bool, decryption: str
) -> None:
    file = in_file(mss, seal(of_doctor(mss), certificate_of(mss, PHARMACY)))
    to = PHARMACY if is_theirs else DOCTOR.address
    told = mss.told(*WHY, file, "--to", to, code=0 if is_theirs else 1)
    assert told["decryption"] == decryption
    assert told["signer"] == (DOCTOR.address if is_theirs else None)
    assert told["encryption"] == ("aes-256-gcm" if is_theirs else None)
    # who claims to have signed stands inside
    assert bool(told["claimed_signers"]) is is_theirs
    assert told["sealing"] == {
        "keys": "held by the gateway",
        "delivery": "signed, sealed at rest",
    }


def test_an_envelope_without_proof_is_told(mss: Mss) -> None:
    file = in_file(mss, seal(letter(), certificate_of(mss), CLASSIC))
    told = mss.told(*WHY, file, *TO_DOCTOR, code=1)
    assert (told["signature"], told["decryption"]) == ("non-verifiee", "non-authentifie")


def test_a_message_that_was_not_addressed_to_them_is_told(mss: Mss) -> None:
    listed = recipient_list.with_list(
        letter(DOCTOR.address), [parse_address(PHARMACY)], bytes(recipient_list.SALT_OCTETS)
    )
    made = header_protection.protect(listed, for_encryption=False, neutral_subject="")
    raw = smime.signed_entity(
        made.inner,
        lambda entity: make_signed(entity, signer_of(mss), foreign.today()),
        outer=made.outer,
    )
    assert mss.told(*WHY, in_file(mss, raw), "--to", PHARMACY)["signature"] == "valide"
    told = mss.told(*WHY, in_file(mss, raw), *TO_DOCTOR, code=1)
    assert (told["signature"], told["cause"]) == ("destinataire-different", "recipient_is_other")


# how an answer is sealed


def sealing(mss: Mss, to: str = CLIENT) -> dict[str, object]:
    told = mss.told(*WHY, in_file(mss, of_doctor(mss)), "--to", to)
    found: dict[str, object] = told["sealing"]
    return found


def test_to_a_client_of_unknown_capability_it_is_the_classic_envelope(mss: Mss) -> None:
    add_client(mss)
    found = sealing(mss)
    assert found["keys"] == "in its client"
    assert found["certificate"] == f"{certificate_of(mss, CLIENT).serial_number:x}"
    assert str(found["delivery"]).startswith("enveloped, aes-256-cbc")
    assert found["capabilities"] is None
    shown = mss(*WHY, in_file(mss, of_doctor(mss)), "--to", CLIENT).stdout
    assert "To this mailbox: keys in its client" in shown


def test_what_a_client_said_that_it_reads_is_used(mss: Mss) -> None:
    add_client(mss)
    certificate = certificate_of(mss, CLIENT)
    said = capabilities.parse(capabilities.encode())
    with mss.gateway() as gateway:
        gateway.database.write(
            lambda tx: keybook.learn(
                tx, gateway.spool, CLIENT, certificate, said, Provenance.SIGNED_MESSAGE
            )
        )
    found = sealing(mss)
    assert str(found["delivery"]).startswith("enveloped, aes-256-gcm")
    assert found["capabilities"] == sorted(said.names)


def test_without_a_valid_certificate_it_waits(mss: Mss) -> None:
    add_client(mss)
    mss.told("certs", "revoke", f"{certificate_of(mss, CLIENT).serial_number:x}")
    assert sealing(mss) == {
        "keys": "in its client",
        "delivery": "waits: no certificate is valid now",
    }


def test_a_patient_is_found_by_their_number_alone(mss: Mss) -> None:
    assert sealing(mss, PATIENT.ins)["keys"] == "held by the gateway"


# what is refused, and what is kept


def test_a_recipient_whom_nobody_knows_is_said(mss: Mss) -> None:
    line = mss.refused(*WHY, in_file(mss, letter()), "--to", "personne@mss.example")
    assert "nobody here has this address" in line


def test_a_file_that_is_not_there_or_is_no_message_is_said(mss: Mss) -> None:
    assert "cannot be read" in mss.refused(*VERIFY, str(mss.folder / "absent.eml"))
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(40)
    )
    assert "is no message" in mss.refused(*VERIFY, in_file(mss, deep))


def test_a_dry_run_leaves_nothing(mss: Mss) -> None:
    def everything() -> list[int]:
        with mss.gateway() as gateway, gateway.database.read() as view:
            names = ("audit", "messages", "queue_items", "correspondents", "verdict_evidence")
            return [int(view.sql(f"SELECT count(*) FROM {name}").scalar_one()) for name in names]

    file = in_file(mss, sign(letter(), author()))
    mail_site.believe(mss)
    mail_site.publish(mss)
    before = everything()
    mss.told(*VERIFY, file)
    mss.told(*WHY, file, *TO_DOCTOR)
    assert everything() == before


def test_a_key_of_nobody_here(mss: Mss) -> None:
    """An envelope for a certificate that the directory never had."""
    stranger = foreign.certificate(PrivateKey.generate("p256"), "x@ailleurs.example")
    told = mss.told(*WHY, in_file(mss, seal(letter(), stranger)), *TO_DOCTOR, code=1)
    assert told["decryption"] == "sans-cle"
