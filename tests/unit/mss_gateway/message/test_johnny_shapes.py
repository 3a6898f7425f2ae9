"""The attacks of "Johnny, you are fired" and EFAIL: what can be said before the whole verdict.

Shape, claimed author, and whether a signature that ``openssl`` too finds valid would be the claimed
author's. The final verdicts of ``tests/corpus/smime/expected.py`` are judged where they are given.
"""

from pathlib import Path

import pytest

from certs.cms.signed import verify_signed
from certs.errors import SignatureRejected
from mss_gateway.message import smime
from mss_gateway.message.authentication import Decryption, Signature
from mss_gateway.message.parse import find_bare_line_ending, scan
from tests.corpus.smime import efail_trees, expected, make, people
from tests.corpus.smime.shape import Doubt, Shape, is_signed_by, judge, shape_of

CORPUS = Path(__file__).parents[3] / "corpus" / "smime"
FILES = sorted(CORPUS.glob("*/*.eml"))
ROWS = {f"johnny/{name}.eml": row for name, row in expected.JOHNNY.items()} | {
    f"efail/{name}.eml": row for name, row in expected.EFAIL.items()
}
HOSTILE = sorted(
    name for name, row in ROWS.items() if row.signer is None and name.startswith("johnny")
)


def name_of(path: Path) -> str:
    return path.relative_to(CORPUS).as_posix()


def read(name: str) -> bytes:
    return (CORPUS / name).read_bytes()


def signers(raw: bytes) -> tuple[str, ...]:
    """The addresses of a valid signature around the whole; empty for none."""
    found = smime.layer(scan(raw))
    if found is None or found.kind != "signed":
        return ()
    try:
        return verify_signed(found.der, found.content).addresses
    except SignatureRejected:
        return ()


def test_what_is_committed_is_what_the_generator_makes() -> None:
    made = make.messages()
    assert made.keys() == {name_of(path) for path in FILES}
    assert [name for name, raw in made.items() if raw != read(name)] == []
    for person in (people.AUTHORITY, *people.PEOPLE):
        assert people.issue(person) == people.certificate(person)


def test_every_message_has_its_row_and_the_counts_are_those_of_the_papers() -> None:
    assert ROWS.keys() == {name_of(path) for path in FILES}
    letters = [name.removeprefix("johnny/")[0] for name in ROWS if name.startswith("johnny")]
    assert [letters.count(letter) for letter in "cmiuv"] == [7, 4, 15, 1, 3]
    assert sum(name.removeprefix("efail/")[0].isdigit() for name in expected.EFAIL) == 25


def test_rows_speak_the_words_of_the_fields() -> None:
    for row in ROWS.values():
        assert Shape(row.shape)
        assert all(Signature(word) for word in row.signature)
        assert all(Decryption(word) for word in row.decryption)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_shape_is_seen(path: Path) -> None:
    raw = path.read_bytes()
    assert find_bare_line_ending(raw) is None
    assert shape_of(scan(raw)).value == ROWS[name_of(path)].shape


@pytest.mark.parametrize("name", HOSTILE)
def test_no_valid_signature_is_the_claimed_authors(name: str) -> None:
    raw = read(name)
    assert not is_signed_by(judge(scan(raw)), signers(raw))


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("johnny/i")])
def test_attacks_on_who_is_meant_bear_a_valid_signature_of_the_attacker(name: str) -> None:
    assert signers(read(name)) == (people.ATTACKER.address,)


def test_a_name_that_is_the_victims_leaves_the_address_the_attackers() -> None:
    raw = read("johnny/i2-name-of-the-victim.eml")
    claim = judge(scan(raw))
    assert str(claim.author) == people.ATTACKER.address
    assert is_signed_by(claim, signers(raw))
    assert not is_signed_by(claim, [people.VICTIM.address])


@pytest.mark.parametrize(
    "name", ["valid-victim-detached", "valid-victim-opaque", "valid-attacker-detached"]
)
def test_honest_messages_are_their_authors(name: str) -> None:
    raw = read(f"johnny/{name}.eml")
    claim = judge(scan(raw))
    assert is_signed_by(claim, signers(raw))
    assert claim.doubts == frozenset()


@pytest.mark.parametrize("name", [name for name in ROWS if name.startswith("efail/")])
def test_the_secret_is_in_no_byte_that_is_read_without_a_key(name: str) -> None:
    message = scan(read(name))
    seen = b"".join(part.decoded(message.raw) for part in message.root.walk() if not part.children)
    is_readable = name == "efail/label-enveloped-is-signed.eml"  # signed, never enveloped
    assert (efail_trees.SECRET_MARK in seen) is is_readable


@pytest.mark.parametrize(
    "name",
    [name for name, row in ROWS.items() if row.shape in ("partial", "plain", "broken")],
)
def test_only_cms_around_the_whole_is_a_layer(name: str) -> None:
    message = scan(read(name))
    peeled = [one for one in smime.layers(message, lambda _: None) if not one.is_mislabelled]
    assert peeled == []


@pytest.mark.parametrize(
    ("fields", "doubts", "author"),
    [
        (b"From: a@b.fr\r\n", set(), "a@b.fr"),
        (b"From: A@B.FR\r\nSender: a@b.fr\r\n", set(), "a@b.fr"),
        (b"", {Doubt.NO_AUTHOR}, None),
        (b"From: a@b.fr, c@d.fr\r\n", {Doubt.NO_AUTHOR}, None),
        (b"From: a@b.fr\r\nFrom: a@b.fr\r\n", {Doubt.SEVERAL_AUTHORS}, None),
        (b"From: a@b.fr\r\nSender: x\r\n", {Doubt.SENDER_UNREADABLE}, None),
        (b"From: a@b.fr\r\nSender: a@b.fr\r\nSender: a@b.fr\r\n", {Doubt.SENDER_UNREADABLE}, None),
        (b'From: "c@d.fr" <a@b.fr>\r\n', {Doubt.NAME_IS_AN_ADDRESS}, None),
        (b'From: "xa@b.fr" <a@b.fr>\r\n', {Doubt.NAME_IS_AN_ADDRESS}, None),
        ('From: "c\uff20d.fr" <a@b.fr>\r\n'.encode(), {Doubt.NAME_IS_AN_ADDRESS}, None),
        (b'From: a@b.fr\r\nSender: "c@d.fr" <a@b.fr>\r\n', {Doubt.NAME_IS_AN_ADDRESS}, None),
        (b'From: "A@b.fr" <a@b.fr>\r\n', set(), "a@b.fr"),
        (b'From: "Dr Ann, (a@b.fr)" <a@b.fr>\r\n', set(), "a@b.fr"),
    ],
)
def test_who_a_message_claims_to_be_from(
    fields: bytes, doubts: set[Doubt], author: str | None
) -> None:
    claim = judge(scan(fields + b"Subject: x\r\n\r\nbonjour"))
    assert claim.doubts == doubts
    assert (None if claim.author is None else str(claim.author)) == author
    assert is_signed_by(claim, ["a@b.fr"]) is (author is not None)


def test_from_and_sender_must_both_be_in_the_certificate() -> None:
    claim = judge(scan(b"From: a@b.fr\r\nSender: c@d.fr\r\n\r\n"))
    assert not is_signed_by(claim, ["a@b.fr"])
    assert not is_signed_by(claim, ["c@d.fr"])
    assert is_signed_by(claim, ["C@d.fr", "a@b.fr"])
    assert not is_signed_by(claim, [])


@pytest.mark.parametrize(
    "root",
    [
        b'multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n'
        b"--b\r\n\r\nx\r\n--b--",
        b"application/pkcs7-mime\r\n\r\nnot CMS",
        b"application/pkcs7-signature\r\n\r\nx",
    ],
)
def test_cms_at_the_root_in_no_known_form_is_broken(root: bytes) -> None:
    assert shape_of(scan(b"From: a@b.fr\r\nContent-Type: " + root)) is Shape.BROKEN
