"""The crossed matrix: what we make others read, what others make we read.

A cell is {sign, encrypt, both} × {kind of key} × {detached, opaque} × {PKCS #1, PSS, OAEP, ECDH} ×
{CBC, GCM} × {issuerSerial, SKI} × {DER, streamed BER}. ``openssl cms`` judges every cell that it
can, in both directions; BouncyCastle all, Ed25519 and X25519 among them; NSS (what Thunderbird is
made of) and gpgsm those of their age. What a judge cannot do stands in :data:`CANNOT_READ` and
:data:`CANNOT_WRITE` with the reason, and a test sees it refuse.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from certs.capabilities import Protection
from certs.cms.enveloped import Opening, make_enveloped, open_enveloped
from certs.cms.signed import SigningProfile, VerifiedContent, make_signed, verify_signed
from certs.errors import CannotOpen, SignatureRejected
from mss_gateway.message.layers import find_signed
from mss_gateway.message.parse import scan
from mss_gateway.message.smime import signed_entity
from tests.support.judging import Circle, Party, Refused

CONTENT = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"Compte rendu croise.\r\n" * 400
RSA = ("rsa-2048", "rsa-3072")
CURVES = ("p256", "p384", "p521")
JUDGES = ("openssl", "bouncycastle", "nss", "gpgsm")


# --- cells ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """One combination; what a work has not is empty. ``form``: detached or opaque."""

    kind: str
    padding: str = ""
    form: str = ""
    way: str = ""
    cipher: str = ""
    naming: str = "serial"
    coding: str = "der"

    @property
    def works(self) -> set[str]:
        """What is done: sign, encrypt, or both."""
        return {"sign"} if not self.cipher else {"sign", "encrypt"} if self.form else {"encrypt"}

    @property
    def features(self) -> set[str]:
        """Everything about the cell that a judge may not know."""
        named = {
            self.kind,
            self.padding,
            self.form,
            self.way,
            self.cipher,
            self.naming,
            self.coding,
        }
        cipher = {self.cipher.rpartition("-")[2]}
        together = {f"{self.padding} in {self.coding}", f"{'+'.join(sorted(self.works))}"}
        return (named | cipher | together | self.works) - {""}

    def __str__(self) -> str:
        words = (
            self.kind,
            self.padding,
            self.form,
            self.way,
            self.cipher,
            self.naming,
            self.coding,
        )
        return " ".join(word for word in words if word)


NAMINGS, CODINGS, FORMS = ("serial", "ski"), ("der", "ber"), ("detached", "opaque")
CIPHERS = ("aes-256-cbc", "aes-256-gcm")
SIGNERS = [*product(RSA, ("pkcs1", "pss")), *product(CURVES, ("ecdsa",)), ("ed25519", "eddsa")]
READERS = [*product(RSA, ("pkcs1", "oaep")), *product(CURVES, ("ecdh",)), ("x25519", "hkdf")]
_WAY_BESIDE = {"pkcs1": "pkcs1", "pss": "oaep", "ecdsa": "ecdh"}

SIGNED = [
    Cell(kind, padding, form, naming=naming, coding=coding)
    for (kind, padding), form, naming, coding in product(SIGNERS, FORMS, NAMINGS, CODINGS)
    if (form, coding) != ("detached", "ber")  # streaming is about the content inside
]
ENVELOPED = [
    Cell(kind, way=way, cipher=cipher, naming=naming, coding=coding)
    for (kind, way), cipher, naming, coding in product(READERS, CIPHERS, NAMINGS, CODINGS)
]
SHORTER_KEYS = [
    Cell(kind, way=way, cipher=cipher)
    for (kind, way), cipher in product(READERS, ("aes-128-cbc", "aes-128-gcm"))
]
BOTH = [
    Cell(kind, padding, form, _WAY_BESIDE[padding], cipher, naming, coding)
    for (kind, padding), form, cipher, naming, coding in product(
        SIGNERS[:-2], FORMS, CIPHERS, NAMINGS, CODINGS
    )
    if (naming, coding) == ("serial", "der") or kind in ("rsa-2048", "p256")
]
OURS = [
    *(cell for cell in SIGNED if cell.coding == "der"),
    *(cell for cell in ENVELOPED if (cell.naming, cell.coding) == ("serial", "der")),
    *SHORTER_KEYS,
    *(cell for cell in BOTH if cell.coding == "der"),
]
"""What we make: always DER; recipients are named by issuer and serial number."""

THEIRS = [*SIGNED, *ENVELOPED, *SHORTER_KEYS, *BOTH]


# --- judges --------------------------------------------------------------------------------------

CANNOT_READ: dict[str, dict[str, str]] = {
    "openssl": {
        "ed25519": "openssl 3.0: invalid digest, in its cms command only",
        "x25519": "openssl 3.0: no key agreement for it in CMS",
    },
    "bouncycastle": {},
    "nss": {
        "gcm": "NSS 3.87 does not know authEnveloped-data",
        "oaep": "NSS 3.87 does not know RSAES-OAEP in CMS",
        "ecdh": "NSS 3.87 does not read key agreement in CMS",
        "ed25519": "NSS 3.87 does not know EdDSA",
        "x25519": "NSS 3.87 does not know X25519",
    },
    "gpgsm": {
        "gcm": "gpgsm 2.2 does not know authEnveloped-data",
        "oaep": "gpgsm 2.2 does not know RSAES-OAEP",
        "ecdh": "gpgsm 2.2 imports no key of a curve",
        "ski": "libksba of gpgsm 2.2 reads no key identifier",
        "ed25519": "gpgsm 2.2 does not know EdDSA in CMS",
        "x25519": "gpgsm 2.2 imports no key of a curve",
        "p521": "gpgsm 2.2: hash length must be a multiple of 8 bits",
    },
}
"""Judge → feature → why a cell with it is not put to the judge."""

CANNOT_WRITE: dict[str, dict[str, str]] = {
    "openssl": CANNOT_READ["openssl"]
    | {"pss in ber": "openssl 3.0 cannot stream PSS (illegal zero content)"},
    "bouncycastle": {},
    "nss": CANNOT_READ["nss"]
    | {
        "pss": "cmsutil signs by PKCS #1 v1.5",
        "ski": "cmsutil names by issuer and serial number",
        "der": "cmsutil always writes BER",
        "aes-256-cbc": "cmsutil chooses the cipher by itself, see its own test",
    },
    "gpgsm": CANNOT_READ["gpgsm"]
    | {
        "pss": "gpgsm 2.2 signs by PKCS #1 v1.5",
        "der": "gpgsm always writes BER",
        **dict.fromkeys(CURVES, "gpgsm 2.2 imports no key of a curve"),
    },
}


def asked(cells: list[Cell], limits: dict[str, dict[str, str]]) -> list[Any]:
    """Every cell with every judge that can do it."""
    return [
        pytest.param(judge, cell, id=f"{judge}: {cell}")
        for judge in JUDGES
        for cell in cells
        if not cell.features & limits[judge].keys()
    ]


def content_of(answer: Any) -> bytes:
    """The content, of a judge's answer: BouncyCastle says more."""
    return answer[0] if isinstance(answer, tuple) else answer


@pytest.fixture
def named(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """A judge by its name."""
    return request.getfixturevalue


# --- what we make --------------------------------------------------------------------------------


def profile(cell: Cell) -> SigningProfile:
    digest = {"p384": "sha-384", "p521": "sha-512"}.get(cell.kind, "sha-256")
    return SigningProfile(digest, cell.padding == "pss", cell.naming == "ski")


def signed_by_us(content: bytes, party: Party, cell: Cell, *, detached: bool) -> bytes:
    now = datetime.now(UTC)
    return make_signed(content, party.signer, now, detached=detached, profile=profile(cell))


def made_by_us(party: Party, cell: Cell) -> bytes:
    inner = CONTENT
    if "sign" in cell.works:
        if cell.works == {"sign"} or cell.form == "opaque":
            inner = signed_by_us(CONTENT, party, cell, detached=cell.form == "detached")
        else:
            inner = signed_entity(
                CONTENT,
                lambda entity: signed_by_us(entity, party, cell, detached=True),
                profile(cell).digest,
            )
    if "encrypt" not in cell.works:
        return inner
    transport = "oaep" if cell.way == "oaep" else "pkcs1"
    return make_enveloped(inner, [party.certificate], Protection(cell.cipher, transport))


def read_by(judge: Any, name: str, blob: bytes, party: Party, cell: Cell) -> bytes:
    if "encrypt" in cell.works:
        blob = content_of(judge.decrypt(blob, party))
    if "sign" not in cell.works:
        return blob
    if cell.works == {"sign"} or cell.form == "opaque":
        beside = CONTENT if cell.form == "detached" else None
        return content_of(judge.verify(blob, beside))
    if name == "openssl":
        return judge.verify_entity(blob)
    found = find_signed(scan(blob))
    assert found is not None
    return content_of(judge.verify(found.signature, found.content))


@pytest.mark.parametrize(("judge", "cell"), asked(OURS, CANNOT_READ))
def test_others_read_what_we_make(
    named: Callable[[str], Any], circle: Circle, judge: str, cell: Cell
) -> None:
    party = circle.party(cell.kind)

    blob = made_by_us(party, cell)

    assert read_by(named(judge), judge, blob, party, cell) == CONTENT


# --- what others make ----------------------------------------------------------------------------


def made_by(judge: Any, name: str, party: Party, cell: Cell) -> bytes:
    inner = CONTENT
    options: dict[str, Any] = {}
    if name in ("openssl", "bouncycastle"):
        options = {"by_key_identifier": cell.naming == "ski"}
    if "sign" in cell.works:
        signing = options | ({"pss": True} if cell.padding == "pss" else {})
        if cell.works == {"sign"} or cell.form == "opaque":
            form = cell.form
            if cell.coding == "ber" and name in ("openssl", "bouncycastle"):
                form = "streamed"
            inner = judge.sign(CONTENT, party, form=form, **signing)
        elif name == "openssl":
            inner = judge.sign_entity(CONTENT, party, **signing)
        else:
            inner = signed_entity(
                CONTENT, lambda entity: judge.sign(entity, party, form="detached", **signing)
            )
    if "encrypt" not in cell.works:
        return inner
    if name in ("openssl", "bouncycastle"):
        options |= {"way": cell.way, "streamed": cell.coding == "ber"}
    return judge.encrypt(inner, [party], cell.cipher, **options)


def verified_by_us(blob: bytes, party: Party, beside: bytes | None) -> VerifiedContent:
    found = verify_signed(blob, beside)
    assert found.signer_certificate == party.certificate
    assert found.addresses == (party.address,)
    return found


def opened_by_us(blob: bytes, party: Party, cell: Cell) -> Opening:
    found = open_enveloped(blob, [(party.certificate, party.key)])
    assert found.algorithm == cell.cipher
    assert found.is_authenticated == cell.cipher.endswith("gcm")
    assert [each.partition(":")[0] for each in found.recipients] == [cell.naming]
    return found


def read_by_us(blob: bytes, party: Party, cell: Cell) -> bytes:
    if "encrypt" in cell.works:
        blob = opened_by_us(blob, party, cell).content
    if "sign" not in cell.works:
        return blob
    if cell.works == {"sign"} or cell.form == "opaque":
        return verified_by_us(blob, party, CONTENT if cell.form == "detached" else None).content
    found = find_signed(scan(blob))
    assert found is not None
    return verified_by_us(found.signature, party, found.content).content


@pytest.mark.parametrize(("judge", "cell"), asked(THEIRS, CANNOT_WRITE))
def test_we_read_what_others_make(
    named: Callable[[str], Any], circle: Circle, judge: str, cell: Cell
) -> None:
    party = circle.party(cell.kind)

    blob = made_by(named(judge), judge, party, cell)

    assert (blob[1] == 0x80) == (cell.coding == "ber")
    assert read_by_us(blob, party, cell) == CONTENT


# --- the matrix itself ---------------------------------------------------------------------------


def test_openssl_judges_more_than_sixty_cells_in_each_direction() -> None:
    def judged(cells: list[Cell], limits: dict[str, dict[str, str]]) -> set[Cell]:
        return {cell for cell in cells if not cell.features & limits["openssl"].keys()}

    for cells, limits in ((OURS, CANNOT_READ), (THEIRS, CANNOT_WRITE)):
        found = judged(cells, limits)
        assert len(found) >= 60
        assert {frozenset(cell.works) for cell in found} == {
            frozenset(works) for works in ({"sign"}, {"encrypt"}, {"sign", "encrypt"})
        }
    theirs = {feature for cell in judged(THEIRS, CANNOT_WRITE) for feature in cell.features}
    wanted = {*RSA, *CURVES, *FORMS, *NAMINGS, *CODINGS, *CIPHERS, "pkcs1", "pss", "oaep"}
    assert wanted <= theirs


def refused_cells() -> list[Any]:
    """One cell for each thing that a judge cannot read, and nothing else of the kind in it."""
    found = []
    for judge, limits in CANNOT_READ.items():
        for feature, why in limits.items():
            if (judge, feature) in (("nss", "x25519"), ("gpgsm", "x25519")):
                continue  # no PKCS #12 brings them such a key
            plain = [
                cell
                for cell in [*SIGNED, *ENVELOPED]
                if feature in cell.features and not (cell.features & limits.keys()) - {feature}
            ]
            found.append(pytest.param(judge, plain[0], id=f"{judge}: {feature}: {why}"))
    return found


@pytest.mark.parametrize(("judge", "cell"), refused_cells())
def test_what_a_judge_is_not_asked_it_refuses(
    named: Callable[[str], Any], bouncycastle: Any, circle: Circle, judge: str, cell: Cell
) -> None:
    """When this fails, the judge has learned it: take the line off the table."""
    party = circle.party(cell.kind)
    blob = made_by(bouncycastle, "bouncycastle", party, cell)

    with pytest.raises(Refused):
        read_by(named(judge), judge, blob, party, cell)


@pytest.mark.parametrize("judge", JUDGES)
def test_every_judge_refuses_what_was_altered(
    named: Callable[[str], Any], circle: Circle, judge: str
) -> None:
    party = circle.party("rsa-2048")
    cell = Cell("rsa-2048", "pkcs1", "detached")
    blob = made_by_us(party, cell)

    with pytest.raises(Refused):
        named(judge).verify(blob, CONTENT + b"x")
    with pytest.raises(SignatureRejected):
        verify_signed(blob, CONTENT + b"x")


@pytest.mark.parametrize("judge", ["openssl", "bouncycastle"])
@pytest.mark.parametrize("kind", ["rsa-2048", "p256"])
def test_an_altered_envelope_with_a_tag_is_opened_by_nobody(
    named: Callable[[str], Any], circle: Circle, judge: str, kind: str
) -> None:
    party = circle.party(kind)
    way = "oaep" if kind in RSA else "ecdh"
    blob = bytearray(made_by_us(party, Cell(kind, way=way, cipher="aes-256-gcm")))
    blob[-100] ^= 1

    with pytest.raises(Refused):
        named(judge).decrypt(bytes(blob), party)
    with pytest.raises(CannotOpen):
        open_enveloped(bytes(blob), [(party.certificate, party.key)])


@pytest.mark.parametrize(
    ("kind", "padding"), [("rsa-2048", "pss"), ("p384", "ecdsa"), ("ed25519", "eddsa")]
)
def test_no_flipped_bit_is_accepted_where_bouncycastle_refuses(
    bouncycastle: Any, circle: Circle, kind: str, padding: str
) -> None:
    party = circle.party(kind)
    blob = bytearray(signed_by_us(b"Bonjour.", party, Cell(kind, padding), detached=False))
    accepted = []
    for position in range(len(blob)):
        bit = (1, 0x20, 0x80)[position % 3]
        blob[position] ^= bit
        with suppress(SignatureRejected):
            verify_signed(bytes(blob), None)
            accepted.append(bytes(blob))
        blob[position] ^= bit

    for each in accepted:
        assert bouncycastle.verify(each, None)[0] == b"Bonjour."


@pytest.mark.parametrize(("kind", "way"), [("rsa-2048", "oaep"), ("p256", "ecdh")])
def test_no_flipped_bit_opens_to_another_content_under_a_tag(
    circle: Circle, kind: str, way: str
) -> None:
    party = circle.party(kind)
    blob = bytearray(made_by_us(party, Cell(kind, way=way, cipher="aes-256-gcm")))
    opened = set()
    for position in [*range(len(blob) - len(CONTENT)), *range(len(blob) - 40, len(blob))]:
        blob[position] ^= 1
        with suppress(CannotOpen):
            opened.add(open_enveloped(bytes(blob), [(party.certificate, party.key)]).content)
        blob[position] ^= 1

    assert opened <= {CONTENT}


# --- edges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("octets", [0, 1, 15, 16, 17, 4096])
def test_contents_at_the_edges_of_a_block_go_both_ways(
    openssl: Any, circle: Circle, cipher: str, octets: int
) -> None:
    party = circle.party("p256")
    content = bytes(octets)

    ours = make_enveloped(content, [party.certificate], Protection(cipher, "pkcs1"))
    theirs = openssl.encrypt(content, [party], cipher, way="ecdh")

    assert openssl.decrypt(ours, party) == content
    assert open_enveloped(theirs, [(party.certificate, party.key)]).content == content


CROWD = ("rsa-2048", "p256", "rsa-3072", "p384", "rsa-2048+2", "p521")


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("judge", ["openssl", "bouncycastle"])
def test_one_envelope_opens_for_each_of_many_recipients(
    named: Callable[[str], Any], circle: Circle, judge: str, cipher: str
) -> None:
    parties = [circle.party(name) for name in CROWD]
    ours = make_enveloped(
        CONTENT, [each.certificate for each in parties], Protection(cipher, "oaep")
    )
    theirs = named(judge).encrypt(CONTENT, parties, cipher, way="oaep")

    for party in parties:
        assert content_of(named(judge).decrypt(ours, party)) == CONTENT
        opened = open_enveloped(theirs, [(party.certificate, party.key)])
        assert opened.content == CONTENT
        assert len(opened.recipients) == len(CROWD)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("rsa-2048", "oaep by default"),
        ("rsa-2048", "oaep, mask by SHA-1"),
        ("p256", "ecdh by default"),
        ("p384", "ecdh with SHA-384"),
        ("p521", "ecdh with SHA-512"),
        ("p256", "ecdh with cofactor"),
    ],
)
@pytest.mark.parametrize("cipher", ["aes-128-cbc", "aes-192-cbc", "aes-256-gcm"])
def test_other_ways_to_a_content_key_are_read(
    openssl: Any, circle: Circle, kind: str, way: str, cipher: str
) -> None:
    party = circle.party(kind)

    blob = openssl.encrypt(CONTENT, [party], cipher, way=way)

    assert opened_by_us(blob, party, Cell(kind, cipher=cipher)).content == CONTENT


@pytest.mark.parametrize("cipher", CIPHERS)
def test_x25519_with_the_older_derivation_is_read(
    bouncycastle: Any, circle: Circle, cipher: str
) -> None:
    party = circle.party("x25519")

    blob = bouncycastle.encrypt(CONTENT, [party], cipher, way="x963")

    assert opened_by_us(blob, party, Cell("x25519", cipher=cipher)).content == CONTENT


@pytest.mark.parametrize("kind", RSA)
def test_we_open_what_nss_closes(nss: Any, circle: Circle, kind: str) -> None:
    party = circle.party(kind)

    blob = nss.encrypt(CONTENT, [party])

    assert open_enveloped(blob, [(party.certificate, party.key)]).content == CONTENT


def test_bouncycastle_reads_our_capabilities_in_their_order(
    bouncycastle: Any, circle: Circle
) -> None:
    party = circle.party("p256")

    _, told = bouncycastle.verify(made_by_us(party, Cell("p256", form="opaque")), None)

    found = told[-1].split(",")
    assert found[0] == "2.16.840.1.101.3.4.1.46"  # AES-256-GCM
    assert found.index("2.16.840.1.101.3.4.1.42") > found.index("2.16.840.1.101.3.4.1.6")
