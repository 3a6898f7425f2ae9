"""Writes the fixtures of this folder: ``python -m tests.corpus.smime.make``.

The same octets each time, from the keys that are committed. ``--new-keys`` makes other keys first,
which changes every file. ``test_johnny_shapes.py`` compares what is committed with what this makes.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.corpus.smime import people

HERE = Path(__file__).parent


def new_keys() -> None:
    """Other keys, and the certificates for them."""
    for person in (people.AUTHORITY, *people.PEOPLE):
        key = rsa.generate_private_key(65537, 2048)
        octets = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        (people.PKI / f"{person.key_file}.key").write_bytes(octets)
    for person in (people.AUTHORITY, *people.PEOPLE):
        pem = people.issue(person).public_bytes(Encoding.PEM)
        (people.PKI / f"{person.key_file}.pem").write_bytes(pem)


def messages() -> dict[str, bytes]:
    """Every fixture by its path below this folder, made now."""
    # here, because a module of fixtures signs with the keys when it is imported
    from tests.corpus.smime import efail_trees, johnny_shapes

    made = {f"johnny/{name}.eml": raw for name, raw in johnny_shapes.messages().items()}
    return made | {f"efail/{name}.eml": raw for name, raw in efail_trees.messages().items()}


if __name__ == "__main__":
    if sys.argv[1:] == ["--new-keys"]:
        new_keys()
    for path, octets in messages().items():
        (HERE / path).write_bytes(octets)
