"""Whom the gateway believes: the anchors of a file, lists of a folder, its own authorities."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.status.revocation import Good, RevocationReason, Revoked, Unknown
from certs.status.revocation import Revocation as Line
from certs.usage import Purpose, Usage
from mss_gateway.compose import believing
from mss_gateway.config import Certificates, Config, ConfigRefused, Revocation, State
from mss_gateway.directory import certificates
from mss_gateway.directory.revocation import Kept
from tests.support import smtp_site
from tests.support.smtp_site import BERNARD, MARTIN, Site

FOLDER = "listes"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with smtp_site.open_site(tmp_path / "state") as opened:
        yield opened


def config(folder: Path, anchors: str = "racines.pem", lists: str = "") -> Config:
    return Config(
        base=folder,
        state=State(directory="."),
        certificates=Certificates(anchors=anchors),
        revocation=Revocation(lists=lists),
    )


# anchors


def test_the_anchors_of_the_file_are_for_mail_and_for_nothing_else(site: Site) -> None:
    root = site.authority().root
    (site.folder / "racines.pem").write_bytes(to_pem(root))
    with site.gateway.database.read() as view:
        found = believing.trust(config(site.folder)).anchors(view)
    assert {purpose: found.of(purpose) for purpose in Purpose} == {
        Purpose.SIGNATURE: (root,),
        Purpose.ENCRYPTION: (root,),
        Purpose.CLIENT: (),
        Purpose.SERVER: (),
    }


@pytest.mark.parametrize("content", [None, b"", b"ceci n'est pas un certificat"])
def test_a_file_of_anchors_that_is_none_stops_the_start(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "racines.pem").write_bytes(content)
    with pytest.raises(ConfigRefused) as refused:
        believing.trust(config(tmp_path))
    line = str(refused.value)
    assert line.startswith("certificates.anchors ") and "racines.pem" in line
    assert "\n" not in line


def test_a_certificate_of_a_mailbox_is_no_anchor(site: Site) -> None:
    (site.folder / "racines.pem").write_bytes(to_pem(site.certificate(MARTIN)))
    with pytest.raises(ConfigRefused):
        believing.trust(config(site.folder))


# revocation


def test_no_folder_of_lists_is_no_mistake(tmp_path: Path, site: Site) -> None:
    lists = believing.lists(config(tmp_path))
    stranger = Authority.create("Ailleurs", "p256", site.gateway.now(), 5)
    said = lists.source().status(stranger.issuing, stranger.root, site.gateway.now())
    assert said == Unknown()
    assert lists.find("0" * 64) is None


def test_a_folder_that_is_not_there_yet_is_logged_and_read_once_it_is(site: Site) -> None:
    lists = believing.lists(config(site.folder, lists=FOLDER))
    stranger, now = Authority.create("Ailleurs", "p256", site.gateway.now(), 5), site.gateway.now()
    assert lists.source().status(stranger.issuing, stranger.root, now) == Unknown()
    assert "revocation lists not read" in site.logged.getvalue()
    (site.folder / FOLDER).mkdir()
    (site.folder / FOLDER / "racine.crl").write_bytes(
        stranger.root_crl([], now, now + timedelta(days=1))
    )
    assert lists.source().status(stranger.issuing, stranger.root, now) == Good()


def test_all_witnesses_are_asked(site: Site) -> None:
    """The directory for our own, the folder for others; one view sees one state."""
    gateway, now = site.gateway, site.gateway.now()
    lists = believing.lists(config(site.folder, lists=FOLDER))
    (site.folder / FOLDER).mkdir()
    stranger = Authority.create("Ailleurs", "p256", now, 5)
    key = PrivateKey.generate("p256")
    theirs = stranger.issue_mailbox("x@y.example", "X", key.public_key, Usage.SIGN, now, 30)
    source = believing.revocations(lists, Kept(gateway.spool), believing.Own(gateway.spool))
    ours, issuing = site.certificate(BERNARD), site.authority().issuing
    with gateway.database.read() as view:
        assert source(view).status(ours, issuing, now) == Good()
        assert source(view).status(theirs, stranger.issuing, now) == Unknown()
    line = Line(theirs.serial_number, now - timedelta(hours=1), RevocationReason.KEY_COMPROMISE)
    (site.folder / FOLDER / "emission.crl").write_bytes(
        stranger.crl([line], now, now + timedelta(days=1))
    )
    gateway.database.write(lambda tx: certificates.revoke(tx, f"{ours.serial_number:x}"))
    with gateway.database.read() as view:
        later = gateway.now() + timedelta(seconds=1)
        assert isinstance(source(view).status(ours, issuing, later), Revoked)
        assert isinstance(source(view).status(theirs, stranger.issuing, now), Revoked)


# our own authorities


def test_a_new_authority_is_ours_at_once_and_the_former_one_still(site: Site) -> None:
    gateway = site.gateway
    own = believing.Own(gateway.spool)
    former = site.authority()
    with gateway.database.read() as view:
        assert own.certificates(view) == (former.root, former.issuing)
    # as another process does: the command line, beside a server that runs
    new = Authority.create("Nouvelle autorité", "p256", gateway.now(), 5)
    gateway.database.write(lambda tx: certificates.keep_authority(tx, gateway.spool, new))
    with gateway.database.read() as view:
        assert set(own.certificates(view)) == {
            former.root,
            former.issuing,
            new.root,
            new.issuing,
        }
        known = own.certificates(view)
        assert own.certificates(view) is known, "read again without need"


def test_the_root_of_ours_is_asked_in_the_directory_too(site: Site) -> None:
    gateway, authority = site.gateway, site.authority()
    with gateway.database.read() as view:
        said = gateway.revocations(view).status(authority.issuing, authority.root, gateway.now())
    assert said == Good()
    assert said.answer is not None and said.answer.kind == "directory"
