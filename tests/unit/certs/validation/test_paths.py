import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from certs.errors import ChainReason, ChainRejected
from certs.memory import Memory
from certs.validation import vouching
from certs.validation.link import link_of
from certs.validation.paths import BOUNDS, Bounds, paths
from tests.unit.certs import pki
from tests.unit.certs.validation.test_chain import DAY, name

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(8)]


def link(subject, issuer, key, signer, *, identified=False):
    """A certificate of KEYS[key] signed by KEYS[signer]; nothing in it but names."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(KEYS[key].public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(pki.NOW - DAY)
        .not_valid_after(pki.NOW + DAY)
    )
    if identified:
        public = KEYS[signer].public_key()
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(KEYS[key].public_key()), critical=False
        ).add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    return link_of(builder.sign(KEYS[signer], hashes.SHA256()))


def found(leaf, candidates, anchors, bounds=BOUNDS):
    return [tuple(str(each) for each in path) for path in paths(leaf, candidates, anchors, bounds)]


ROOT = link("Racine", "Racine", 0, 0)


def test_every_way_down_from_an_anchor_is_found():
    one, two = link("Une", "Racine", 1, 0), link("Deux", "Racine", 2, 0)
    crossed = link("Une", "Deux", 1, 2)
    leaf = link("Claire", "Une", 3, 1)
    assert found(leaf, [one, crossed, two], [ROOT]) == [
        ("CN=Racine", "CN=Une", "CN=Claire"),
        ("CN=Racine", "CN=Deux", "CN=Une", "CN=Claire"),
    ]
    assert found(leaf, [crossed], [ROOT]) == []
    assert found(leaf, [], [one, ROOT]) == [("CN=Une", "CN=Claire")]


def test_names_are_matched_as_rfc_5280_says():
    leaf = link("Claire", "  RACINE ", 3, 0)
    assert found(leaf, [], [ROOT]) == [("CN=Racine", "CN=Claire")]


def test_a_loop_has_an_end():
    one, two = link("Une", "Racine", 1, 0), link("Deux", "Une", 2, 1)
    back = link("Une", "Deux", 1, 2)
    leaf = link("Claire", "Deux", 3, 2)
    assert found(leaf, [one, two, back], [ROOT]) == [
        ("CN=Racine", "CN=Une", "CN=Deux", "CN=Claire")
    ]


def test_a_name_may_stand_twice_with_another_key():
    old = link("Une", "Racine", 1, 0)
    new_by_old = link("Une", "Une", 2, 1)
    leaf = link("Claire", "Une", 3, 2)
    assert found(leaf, [old, new_by_old], [ROOT]) == [
        ("CN=Racine", "CN=Une", "CN=Une", "CN=Claire")
    ]


def test_an_anchor_leads_not_to_itself():
    assert found(ROOT, [ROOT], [ROOT]) == []


def test_a_signature_by_another_key_leads_nowhere():
    assert found(link("Claire", "Racine", 3, 1), [], [ROOT]) == []


class Counted:
    """Counts the signatures that are really checked; remembers none of an earlier test."""

    def __init__(self, monkeypatch):
        self.checks = 0
        self._check = vouching._check
        monkeypatch.setattr(vouching, "_check", self)
        monkeypatch.setattr(vouching, "_TRUE", Memory(100))

    def __call__(self, issuer, subject):
        self.checks += 1
        self._check(issuer, subject)


def test_nothing_that_no_anchor_vouches_for_is_checked(monkeypatch):
    leaf = link("Claire", "Une", 3, 1)
    strangers = [link("Une", "Autre", 1, 2), link("Autre", "Autre", 2, 2)]
    counted = Counted(monkeypatch)
    assert found(leaf, strangers, [ROOT]) == []
    assert counted.checks == 0


def test_a_signature_is_checked_once(monkeypatch):
    one = link("Une", "Racine", 1, 0)
    leaf = link("Claire", "Une", 3, 1)
    counted = Counted(monkeypatch)
    assert found(leaf, [one], [ROOT]) == found(leaf, [one], [ROOT]) != []
    assert counted.checks == 2
    forged = link("Claire", "Une", 3, 2)
    for _ in range(2):
        assert found(forged, [one], [ROOT]) == []
    assert counted.checks == 4  # what is false is not remembered


def test_the_key_identifier_tells_whom_to_try_first(monkeypatch):
    issuers = [link("Une", "Racine", key, 0, identified=True) for key in (4, 5, 6)]
    leaf = link("Claire", "Une", 3, 6, identified=True)
    counted = Counted(monkeypatch)
    path = next(paths(leaf, issuers, [ROOT], BOUNDS))
    assert path[1] is issuers[2]
    assert counted.checks <= 6


# --- bounds --------------------------------------------------------------------------------------


def test_the_signatures_of_one_search_are_bounded(monkeypatch):
    """Certificates of one name, none signed by the anchor that their issuer is named after."""
    false = [link("Racine", "Racine", 1 + n % 7, 1 + n % 7) for n in range(12)]
    leaf = link("Claire", "Racine", 3, 1)
    counted = Counted(monkeypatch)
    assert found(leaf, false, [ROOT], Bounds(signatures=13)) == []
    assert counted.checks == 13
    counted.checks = 0
    with pytest.raises(ChainRejected) as caught:
        found(leaf, false, [ROOT], Bounds(signatures=12))
    assert caught.value.reason is ChainReason.NO_PATH
    assert counted.checks == 12


def mesh(levels, width):
    """Certificates of ``levels`` keys, ``width`` of each, all of which lead on to the next."""
    rows = []
    for level in range(1, levels + 1):
        issuer = "Racine" if level == 1 else f"Niveau {level - 1}"
        rows += [link(f"Niveau {level}", issuer, level, level - 1) for _ in range(width)]
    return rows


def test_the_paths_judged_are_bounded():
    leaf = link("Claire", "Niveau 3", 7, 3)
    assert len(found(leaf, mesh(3, 2), [ROOT], Bounds(paths=8))) == 8
    with pytest.raises(ChainRejected) as caught:
        found(leaf, mesh(3, 2), [ROOT], Bounds(paths=7))
    assert caught.value.reason is ChainReason.NO_PATH


def test_a_mesh_that_leads_nowhere_ends_too():
    leaf = link("Claire", "Niveau 4", 7, 6)
    assert found(leaf, mesh(4, 5), [ROOT]) == []


def test_the_depth_is_bounded():
    chain = mesh(5, 1)
    leaf = link("Claire", "Niveau 5", 7, 5)
    assert len(found(leaf, chain, [ROOT], Bounds(intermediates=5))) == 1
    assert found(leaf, chain, [ROOT], Bounds(intermediates=4)) == []
