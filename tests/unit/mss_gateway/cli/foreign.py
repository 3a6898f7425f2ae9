"""An issuer that is not the gateway's own, and what it sends: files as operators get them."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from unittest.mock import patch

from certs import pkcs12
from certs.certificate import Certificate, fingerprint, to_pem
from certs.issuing.issue import Authority
from certs.keyring import PrivateKey
from certs.usage import Usage
from tests.unit.mss_gateway.cli.desk_site import Mss

DAY = timedelta(days=1)
PASSWORD = "un mot de passe assez long"


def today() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@cache
def authority(name: str = "Autorité nationale") -> Authority:
    return Authority.create(name, "p256", today() - 100 * DAY, 10)


def certificate(
    key: PrivateKey,
    address: str,
    usage: Usage = Usage.BOTH,
    *,
    since: timedelta = -DAY,
    days: int = 365,
    issuer: Authority | None = None,
) -> Certificate:
    return (issuer or authority()).issue_mailbox(
        address, "Claire Martin", key.public_key, usage, today() + since, days
    )


def bundle(folder: Path, key: PrivateKey, made: Certificate, name: str = "claire.p12") -> Path:
    """A PKCS #12 file as the issuer sends it."""
    path = folder / name
    with patch.object(pkcs12, "ROUNDS", 1_000):  # the product's own cost half a second each
        path.write_bytes(pkcs12.make(key, made, authority().chain, PASSWORD))
    return path


def password_file(folder: Path) -> Path:
    path = folder / "password.txt"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return path


def pem(folder: Path, *made: Certificate, name: str = "claire.pem") -> Path:
    path = folder / name
    path.write_bytes(to_pem(*made))
    return path


def believe(mss: Mss, issuer: Authority | None = None, purpose: str = "mail") -> str:
    """Both steps of `trust add`; the fingerprint of the root."""
    root = (issuer or authority()).root
    file = pem(mss.folder, root, name="root.pem")
    mss.told("certs", "trust", "add", str(file), "--for", purpose)
    mss.told("certs", "trust", "add", "--confirm", fingerprint(root), "--for", purpose)
    return fingerprint(root)
