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
