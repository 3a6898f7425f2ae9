"""`mss certs trust`: nobody is believed by one slip, and everything goes on record."""

import pytest

from certs.certificate import fingerprint, to_der, to_pem
from certs.keyring import PrivateKey
from certs.usage import Purpose
from tests.unit.mss_gateway.cli import foreign
from tests.unit.mss_gateway.cli.desk_site import DOCTOR, Mss

ADD, LIST, REMOVE = (("certs", "trust", verb) for verb in ("add", "list", "remove"))


def believed(mss: Mss, purpose: Purpose) -> set[str]:
    """Fingerprints of those that the gateway believes."""
    with mss.gateway() as gateway, gateway.database.read() as view:
        return {fingerprint(one) for one in gateway.trust.anchors(view).of(purpose)}


@pytest.fixture
def root(mss: Mss) -> str:
    """The file of a foreign root."""
    return str(foreign.pem(mss.folder, foreign.authority().root, name="root.pem"))


def test_the_first_step_shows_the_fingerprint_and_believes_nobody(mss: Mss, root: str) -> None:
    digits = fingerprint(foreign.authority().root)
    told = mss.told(*ADD, root)
    assert (told["state"], told["fingerprint"]) == ("proposed", digits)
    assert told["purpose"] == "signature, encryption"
    assert digits not in believed(mss, Purpose.SIGNATURE)
    assert mss.acts()[-1] == ("certificate", f"anchor:{digits}", "anchor proposed for mail")


def test_people_see_the_fingerprint_in_pairs_and_the_second_step(mss: Mss, root: str) -> None:
    digits = fingerprint(foreign.authority().root)
    shown = mss(*ADD, root).stdout
    spaced = ":".join(digits[at : at + 2].upper() for at in range(0, 64, 2))
    assert spaced in shown
    assert f"mss certs trust add --confirm {digits} --for mail" in shown
    # what was shown is accepted as it stands
    assert mss.told(*ADD, "--confirm", spaced)["state"] == "active"


def test_the_second_step_believes_for_mail_only(mss: Mss) -> None:
    digits = foreign.believe(mss)
    assert digits in believed(mss, Purpose.SIGNATURE)
    assert digits in believed(mss, Purpose.ENCRYPTION)
    assert digits not in believed(mss, Purpose.CLIENT)
    assert mss.acts()[-1] == ("certificate", f"anchor:{digits}", "anchor believed for mail")


def test_each_purpose_is_added_by_itself(mss: Mss) -> None:
    digits = foreign.believe(mss, purpose="client")
    assert digits in believed(mss, Purpose.CLIENT)
    assert digits not in believed(mss, Purpose.SIGNATURE)


def test_a_certificate_in_der_is_an_authority_too(mss: Mss) -> None:
    file = mss.folder / "root.der"
    file.write_bytes(to_der(foreign.authority().root))
    assert mss.told(*ADD, str(file))["state"] == "proposed"


def test_the_list_has_the_configured_and_the_added(mss: Mss) -> None:
    digits = foreign.believe(mss)
    rows = mss.told(*LIST)
    assert [(row["purpose"], row["state"]) for row in rows] == [
        ("signature", "configured"),
        ("encryption", "configured"),
        ("signature", "active"),
        ("encryption", "active"),
    ]
    assert {row["fingerprint"] for row in rows[2:]} == {digits}
    assert digits in mss(*LIST).stdout


def test_removing_takes_two_steps_as_well(mss: Mss) -> None:
    digits = foreign.believe(mss)
    told = mss.told(*REMOVE, digits[:8])
    assert (told["removed"], told["fingerprint"]) == (False, digits)
    assert digits in believed(mss, Purpose.SIGNATURE)
    assert mss.told(*REMOVE, "--confirm", digits)["state"] == "removed"
    assert digits not in believed(mss, Purpose.SIGNATURE)
    assert mss.acts()[-1] == ("certificate", f"anchor:{digits}", "anchor removed for mail")
    assert len(mss.told(*LIST)) == 2
    assert [row["state"] for row in mss.told(*LIST, "--all")][2:] == ["removed", "removed"]


def test_a_proposal_can_be_taken_back_and_made_again(mss: Mss, root: str) -> None:
    digits = fingerprint(foreign.authority().root)
    mss.told(*ADD, root)
    mss.told(*REMOVE, "--confirm", digits)
    assert "proposed" in mss.refused(*ADD, "--confirm", digits)
    assert mss.told(*ADD, root)["state"] == "proposed"


def test_what_is_no_authority_is_refused(mss: Mss) -> None:
    leaf = foreign.certificate(PrivateKey.generate("p256"), DOCTOR.address)
    file = foreign.pem(mss.folder, leaf)
    assert "not an authority" in mss.refused(*ADD, str(file))


def test_a_second_proposal_is_refused(mss: Mss, root: str) -> None:
    mss.told(*ADD, root)
    assert "proposed for this purpose already" in mss.refused(*ADD, root)


def test_what_was_not_proposed_is_not_believed(mss: Mss, root: str) -> None:
    mss.told(*ADD, root, "--for", "client")
    digits = fingerprint(foreign.authority().root)
    assert "is proposed for this purpose" in mss.refused(*ADD, "--confirm", digits)
    assert "is proposed for this purpose" in mss.refused(*ADD, "--confirm", "ab" * 32)
    assert believed(mss, Purpose.CLIENT) == set()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n", "no certificate"),
        (to_pem(foreign.authority().root, foreign.authority().issuing), "several certificates"),
        (b"\0" * (1024 * 1024 + 1), "too big"),
    ],
)
def test_a_file_that_is_not_one_authority_is_refused(mss: Mss, content: bytes, why: str) -> None:
    file = mss.folder / "root.pem"
    file.write_bytes(content)
    assert why in mss.refused(*ADD, str(file))


def test_nobody_of_this_fingerprint(mss: Mss) -> None:
    assert "was added for this purpose" in mss.refused(*REMOVE, "00112233")
    assert "is kept for this purpose" in mss.refused(*REMOVE, "--confirm", "00" * 32)


def test_a_beginning_that_several_have_is_not_enough(
    mss: Mss, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign.believe(mss)
    foreign.believe(mss, foreign.authority("Une autre autorité"))
    monkeypatch.setattr("mss_gateway.cli.trust.SHORTEST", 0)
    shared = "mss_gateway.cli.trust.plain"
    monkeypatch.setattr(shared, lambda text: "" if text == "any" else text)
    assert "give more digits" in mss.refused(*REMOVE, "any")


@pytest.mark.parametrize(
    "words",
    [
        (*ADD,),
        (*ADD, __file__, "--confirm", "00" * 32),
        (*ADD, "--confirm", "00112233"),
        (*ADD, "--confirm", "zz" * 32),
        (*ADD, "nowhere.pem"),
        (*ADD, __file__, "--for", "everything"),
        (*REMOVE,),
        (*REMOVE, "0011223"),
        (*REMOVE, "00112233", "--confirm", "00" * 32),
    ],
)
def test_half_a_step_is_wrong_usage(mss: Mss, words: tuple[str, ...]) -> None:
    result = mss(*words)
    assert (result.exit_code, result.stdout) == (2, "")
