import hashlib

import pytest

from certs import anchors
from certs.certificate import to_der, to_pem
from certs.errors import DerMalformed
from certs.usage import Purpose
from tests.unit.certs import pki


def test_anchors_are_loaded_by_purpose_from_the_files_named(tmp_path):
    root, other = pki.authority().root, pki.authority().issuing
    one, both = tmp_path / "one.pem", tmp_path / "both.pem"
    one.write_bytes(b"Autorite d'essai\n" + to_pem(root))
    both.write_bytes(to_pem(root, other))
    found = anchors.load({Purpose.SIGNATURE: [one], Purpose.SERVER: [one, both]})
    assert found.of(Purpose.SIGNATURE) == (root,)
    assert found.of(Purpose.SERVER) == (root, root, other)
    assert found.of(Purpose.ENCRYPTION) == ()
    assert found.intermediates == ()


def test_intermediates_are_read_beside_them_and_are_no_anchors(tmp_path):
    path = tmp_path / "between.pem"
    path.write_bytes(to_pem(pki.authority().issuing))
    found = anchors.load({}, [path])
    assert found.intermediates == (pki.authority().issuing,)
    assert found.listing() == []


def test_the_listing_shows_fingerprints():
    root = pki.authority().root
    listing = anchors.Anchors({Purpose.CLIENT: (root,)}).listing()
    ((purpose, facts),) = listing
    assert purpose is Purpose.CLIENT
    assert facts.fingerprint == hashlib.sha256(to_der(root)).hexdigest()
    assert "racine" in facts.subject


def test_a_file_without_certificate_is_refused(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    with pytest.raises(DerMalformed):
        anchors.load({Purpose.SERVER: [empty]})
    with pytest.raises(FileNotFoundError):
        anchors.load({Purpose.SERVER: [tmp_path / "absent.pem"]})
