"""Threat T5: which certificates of other operators' servers are believed, and for whom they speak.

Every certificate is shown in both directions: by who calls us, and by whom we call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from certs.certificate import Certificate, to_pem
from certs.errors import ChainReason, ChainRejected, DerMalformed
from certs.usage import Purpose
from mailbox_store.database import Database
from mss_gateway.directory.operators import (
    Operator,
    OperatorUnknown,
    PeerTrust,
    Unidentified,
    identify,
    operator_of,
)
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.whitelist import Whitelist
from tests.support.peer_certificates import CLIENT, SERVER, Maker, Shape
from tests.unit.mss_gateway.directory.conftest import NOW

AT = datetime.fromtimestamp(NOW, UTC)
LISTED = Whitelist(
    1,
    {
        "ville.example": "Ville",
        "patient.ville.example": "Ville",
        "xn--hpital-ixa.example": "Hopital",
        "nord.hopital.example": "Hopital",
        "campagne.example": "campagne.example",
    },
    NOW,
    NOW,
    None,
    "",
)
WITHOUT_VILLE = Whitelist(2, {"campagne.example": "campagne.example"}, NOW, NOW, None, "")


@dataclass(frozen=True, eq=False)
class Trust:
    """The authorities of the trust space, and some that are not of it."""

    root: Maker
    issuing: Maker
    silent: Maker
    late: Maker
    fallen: Maker
    bounded: Maker
    stranger: Maker

    @cached_property
    def revoked(self) -> Certificate:
        return self.issuing.sign(Shape())

    @property
    def believed(self) -> list[Maker]:
        return [self.root, self.issuing, self.silent, self.late, self.fallen, self.bounded]

    def lists(self) -> list[bytes]:
        """Of ``silent`` there is none; that of ``late`` is of last week."""
        return [
            self.root.crl(self.fallen.certificate),
            self.issuing.crl(self.revoked),
            self.late.crl(days=(-8, -1)),
            self.fallen.crl(),
            self.bounded.crl(),
        ]


@pytest.fixture(scope="session")
def pki() -> Trust:
    root = Maker("Racine d'essai", AT)
    only = x509.NameConstraints([x509.DNSName("campagne.example")], None)
    return Trust(
        root=root,
        issuing=Maker("Serveurs", AT, root),
        silent=Maker("Sans liste", AT, root),
        late=Maker("Liste ancienne", AT, root),
        fallen=Maker("Révoquée", AT, root),
        bounded=Maker("Campagne", AT, root, only),
        stranger=Maker("Serveurs", AT, Maker("Racine d'essai", AT)),
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, pki: Trust) -> Path:
    made = tmp_path_factory.mktemp("lists")
    for number, each in enumerate(pki.lists()):
        (made / f"{number}.crl").write_bytes(each)
    return made


@pytest.fixture(scope="session")
def trust(folder: Path, pki: Trust) -> PeerTrust:
    return PeerTrust([each.certificate for each in pki.believed], None, None, Lists(folder))


def verdict(
    database: Database,
    trust: PeerTrust,
    certificate: Certificate,
    purpose: Purpose,
    listed: Whitelist = LISTED,
) -> str | ChainReason | Unidentified:
    """The operator's name, or why there is none: what both directions ask, in this order."""
    with database.read() as view:
        try:
            trust.check(view, certificate, purpose, AT)
            return identify(listed, certificate).name
        except (ChainRejected, OperatorUnknown) as error:
            return error.reason


BOTH = pytest.mark.parametrize("purpose", [Purpose.CLIENT, Purpose.SERVER], ids=str)

Made = Callable[[Trust], Certificate]


def shape(**said: object) -> Made:
    """A certificate of the right authority, but for what is ``said``."""
    return lambda pki: pki.issuing.sign(Shape(**said))  # type: ignore[arg-type]


RIGHT: dict[str, tuple[Made, str]] = {
    "a host of a domain": (shape(), "Ville"),
    "the domain itself": (shape(hosts=("ville.example",)), "Ville"),
    "a host of a group": (shape(hosts=("mx.nord.hopital.example",)), "Hopital"),
    "several names of one operator": (
        shape(hosts=("mx.ville.example", "ville.example", "mx.patient.ville.example")),
        "Ville",
    ),
    "a name outside beside it": (shape(hosts=("serveur.example", "mx.ville.example")), "Ville"),
    "capitals": (shape(hosts=("MX.Ville.EXAMPLE",)), "Ville"),
    "an A-label": (shape(hosts=("mx.xn--hpital-ixa.example",)), "Hopital"),
    "an A-label in capitals": (shape(hosts=("MX.XN--HPITAL-IXA.example",)), "Hopital"),
    "the commonName of another": (shape(common_name="mx.campagne.example"), "Ville"),
    "an address and a number beside it": (
        shape(other_names=(x509.RFC822Name("a@campagne.example"), x509.UniformResourceIdentifier(
            "https://campagne.example"))),
        "Ville",
    ),
    "rsa": (shape(rsa_bits=2048), "Ville"),
    "within the names of its authority": (
        lambda pki: pki.bounded.sign(Shape(hosts=("mx.campagne.example",))),
        "campagne.example",
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("case", RIGHT)
def test_a_server_of_the_trust_space_speaks_for_its_operator(
    database: Database, pki: Trust, trust: PeerTrust, case: str, purpose: Purpose
) -> None:
    made, operator = RIGHT[case]
    assert verdict(database, trust, made(pki), purpose) == operator


MAIL, ANY = ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
STRANGE = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

WRONG: dict[str, tuple[Made, ChainReason | Unidentified]] = {
    # what it is for
    "no extended usage": (shape(usages=None), ChainReason.WRONG_PURPOSE),
    "for mail": (shape(usages=(MAIL,)), ChainReason.WRONG_PURPOSE),
    "for anything": (shape(usages=(CLIENT, SERVER, ANY)), ChainReason.WRONG_PURPOSE),
    "its key does not sign": (shape(bits=("key_encipherment",)), ChainReason.WRONG_KEY_USAGE),
    "an authority's": (
        shape(is_authority=True, bits=("digital_signature", "key_cert_sign")),
        ChainReason.WRONG_PURPOSE,
    ),
    "the intermediate itself": (lambda pki: pki.issuing.certificate, ChainReason.WRONG_PURPOSE),
    "the root itself": (lambda pki: pki.root.certificate, ChainReason.WRONG_PURPOSE),
    # when
    "expired": (shape(days=(-30, -1)), ChainReason.EXPIRED),
    "not yet valid": (shape(days=(1, 30)), ChainReason.NOT_YET_VALID),
    # revocation
    "revoked": (lambda pki: pki.revoked, ChainReason.REVOKED),
    "its authority is revoked": (lambda pki: pki.fallen.sign(Shape()), ChainReason.REVOKED),
    "revocation unknown": (lambda pki: pki.silent.sign(Shape()), ChainReason.REVOCATION_UNKNOWN),
    "revocation of last week": (lambda pki: pki.late.sign(Shape()), ChainReason.REVOCATION_UNKNOWN),
    # by whom
    "another authority of the same name": (
        lambda pki: pki.stranger.sign(Shape()),
        ChainReason.NO_PATH,
    ),
    "signed by itself": (lambda pki: pki.issuing.self_signed(Shape()), ChainReason.NO_PATH),
    "issued by a server": (
        lambda pki: Maker("mx.ville.example", AT, pki.issuing).sign(Shape(common_name="b")),
        ChainReason.NO_PATH,
    ),
    "a name that its authority may not give": (
        lambda pki: pki.bounded.sign(Shape()),
        ChainReason.NAME_CONSTRAINTS,
    ),
    # how
    "a weak key": (shape(rsa_bits=1024), ChainReason.KEY_TOO_WEAK),
    "a critical extension that nobody knows": (
        shape(more=((STRANGE, True),)),
        ChainReason.CRITICAL_EXTENSION,
    ),
    # for whom
    "a name outside": (shape(hosts=("mx.autre.example",)), Unidentified.OUTSIDE),
    "a domain with more in front": (shape(hosts=("devville.example",)), Unidentified.OUTSIDE),
    "a domain with more behind": (shape(hosts=("ville.example.org",)), Unidentified.OUTSIDE),
    "a name above": (shape(hosts=("example",)), Unidentified.OUTSIDE),
    "a dot behind": (shape(hosts=("mx.ville.example.",)), Unidentified.OUTSIDE),
    "a space in front": (shape(hosts=(" mx.ville.example",)), Unidentified.OUTSIDE),
    "an end in the middle": (shape(hosts=("ville.example\0.org",)), Unidentified.OUTSIDE),
    "a wildcard": (shape(hosts=("*.ville.example",)), Unidentified.WILDCARD),
    "half a wildcard": (shape(hosts=("mx*.ville.example",)), Unidentified.WILDCARD),
    "a wildcard beside a name": (
        shape(hosts=("mx.ville.example", "*.example")),
        Unidentified.WILDCARD,
    ),
    "two operators": (
        shape(hosts=("mx.ville.example", "mx.campagne.example")),
        Unidentified.SEVERAL,
    ),
    "commonName only": (shape(hosts=()), Unidentified.NO_NAME),
    "an address, a number, a link only": (
        shape(hosts=(), other_names=(x509.RFC822Name("mx@ville.example"),
                                     x509.UniformResourceIdentifier("smtp://mx.ville.example"))),
        Unidentified.NO_NAME,
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("case", WRONG)
def test_every_other_certificate_is_refused_and_the_reason_is_known(
    database: Database, pki: Trust, trust: PeerTrust, case: str, purpose: Purpose
) -> None:
    made, why = WRONG[case]
    assert verdict(database, trust, made(pki), purpose) is why


@pytest.mark.parametrize(("usage", "purpose"), [(CLIENT, Purpose.SERVER), (SERVER, Purpose.CLIENT)])
def test_a_certificate_for_one_direction_is_refused_in_the_other(
    database: Database,
    pki: Trust,
    trust: PeerTrust,
    usage: ObjectIdentifier,
    purpose: Purpose,
) -> None:
    certificate = pki.issuing.sign(Shape(usages=(usage,)))
    other = {Purpose.CLIENT: Purpose.SERVER, Purpose.SERVER: Purpose.CLIENT}[purpose]
    assert verdict(database, trust, certificate, purpose) is ChainReason.WRONG_PURPOSE
    assert verdict(database, trust, certificate, other) == "Ville"


@BOTH
def test_a_domain_that_left_the_list_is_nobody_s_any_more(
    database: Database, pki: Trust, trust: PeerTrust, purpose: Purpose
) -> None:
    certificate = pki.issuing.sign(Shape())
    assert verdict(database, trust, certificate, purpose) == "Ville"
    assert verdict(database, trust, certificate, purpose, WITHOUT_VILLE) is Unidentified.OUTSIDE


@BOTH
def test_a_missing_intermediate_is_not_made_up_for(
    database: Database, pki: Trust, folder: Path, purpose: Purpose
) -> None:
    only_root = PeerTrust([pki.root.certificate], None, None, Lists(folder))
    assert verdict(database, only_root, pki.issuing.sign(Shape()), purpose) is ChainReason.NO_PATH


@BOTH
def test_what_is_taken_back_is_refused_from_the_next_list_on(
    database: Database, pki: Trust, tmp_path: Path, purpose: Purpose
) -> None:
    certificate = pki.issuing.sign(Shape())
    for number, each in enumerate(pki.lists()):
        (tmp_path / f"{number}.crl").write_bytes(each)
    trust = PeerTrust([each.certificate for each in pki.believed], None, None, Lists(tmp_path))
    assert verdict(database, trust, certificate, purpose) == "Ville"
    (tmp_path / "1.crl").write_bytes(pki.issuing.crl(certificate, pki.revoked))
    assert verdict(database, trust, certificate, purpose) is ChainReason.REVOKED


@BOTH
def test_without_any_list_nobody_is_believed(
    database: Database, pki: Trust, purpose: Purpose
) -> None:
    trust = PeerTrust([each.certificate for each in pki.believed], None, None, Lists(None))
    certificate = pki.issuing.sign(Shape())
    assert verdict(database, trust, certificate, purpose) is ChainReason.REVOCATION_UNKNOWN


def test_many_intermediates_of_the_operator_are_no_reason_to_refuse(
    database: Database, pki: Trust, folder: Path
) -> None:
    others = [Maker(f"Autre {number}", AT, pki.root).certificate for number in range(50)]
    authorities = [*others, *(each.certificate for each in pki.believed)]
    trust = PeerTrust(authorities, None, None, Lists(folder))
    assert verdict(database, trust, pki.issuing.sign(Shape()), Purpose.CLIENT) == "Ville"


# the operator


def test_an_operator_comes_with_all_of_its_domains(pki: Trust) -> None:
    found = operator_of(LISTED, pki.issuing.sign(Shape()))
    assert found == Operator("Ville", frozenset({"ville.example", "patient.ville.example"}))


def test_who_speaks_for_nobody_is_nobody(pki: Trust) -> None:
    assert operator_of(LISTED, pki.issuing.sign(Shape(hosts=()))) is None


def test_a_nearer_domain_of_another_operator_counts(pki: Trust) -> None:
    listed = Whitelist(1, {"ville.example": "Ville", "sud.ville.example": "Sud"}, 0, 0, None, "")
    certificate = pki.issuing.sign(Shape(hosts=("mx.sud.ville.example",)))
    assert operator_of(listed, certificate) == Operator("Sud", frozenset({"sud.ville.example"}))
    both = pki.issuing.sign(Shape(hosts=("mx.sud.ville.example", "mx.ville.example")))
    assert operator_of(listed, both) is None


def test_names_that_cannot_be_read_speak_for_nobody(pki: Trust) -> None:
    broken = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), b"\x30\x03\x82\x05a")
    certificate = pki.issuing.sign(Shape(hosts=(), more=((broken, False),)))
    with pytest.raises(OperatorUnknown) as caught:
        identify(LISTED, certificate)
    assert caught.value.reason is Unidentified.MALFORMED


# the authorities


def test_authorities_are_read_from_a_file(
    database: Database, pki: Trust, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "peers.pem"
    file.write_bytes(to_pem(pki.issuing.certificate, pki.root.certificate))
    trust = PeerTrust.load(file, None, None, Lists(folder))
    assert verdict(database, trust, pki.issuing.sign(Shape()), Purpose.CLIENT) == "Ville"
    assert trust.authorities == (pki.issuing.certificate, pki.root.certificate)


def test_a_file_of_authorities_that_cannot_work_is_refused(tmp_path: Path, pki: Trust) -> None:
    file = tmp_path / "peers.pem"
    with pytest.raises(OSError, match=r"peers\.pem"):
        PeerTrust.load(file, None, None, Lists(None))
    file.write_bytes(b"no certificate")
    with pytest.raises(DerMalformed):
        PeerTrust.load(file, None, None, Lists(None))
    file.write_bytes(to_pem(pki.issuing.certificate))
    with pytest.raises(ValueError, match="self-signed"):
        PeerTrust.load(file, None, None, Lists(None))
