"""Reading a backup with a recipient's private key."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from certs.certificate import Certificate, from_pem, public_key
from certs.cms.enveloped import open_enveloped
from certs.errors import CannotOpen, DerMalformed, OpenReason
from certs.keyring import PrivateKey
from mss_gateway.backup import container
from mss_gateway.backup.container import Kind
from mss_gateway.backup.create import FORMAT
from mss_gateway.backup.errors import BackupRefused, Damaged
from mss_gateway.backup.folder import Folder

_REMEMBERED: Final = 64
"""Envelopes whose keys are remembered: each create makes two."""


class Opener:
    """Opens envelopes with one private key, each once."""

    def __init__(self, keys: Sequence[tuple[Certificate, PrivateKey]]) -> None:
        self._keys = keys
        self._known: dict[bytes, bytes] = {}

    def key_of(self, envelope: bytes) -> bytes:
        """The key inside; Damaged when it is altered, BackupRefused when it is for others."""
        known = self._known.get(envelope)
        if known is None:
            try:
                known = open_enveloped(envelope, self._keys).content
            except CannotOpen as error:
                if error.reason is OpenReason.NOT_FOR_US:
                    raise BackupRefused(
                        "this key is no recipient's of what it should open: give the key of the"
                        " certificate that the backup was made for"
                    ) from None
                raise Damaged("altered: its envelope does not open") from None
            except DerMalformed:
                raise Damaged("altered: its envelope cannot be read") from None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[envelope] = known
        return known


def opener(place: Folder, key: PrivateKey, pem: bytes) -> Opener:
    """Opens what is for ``key``, whose certificate is in the folder or beside it in ``pem``.

    Raises BackupRefused when neither has a certificate of this key.
    """
    known: list[Certificate] = []
    with suppress(Damaged):  # verify tells; a certificate in the key's own file is as good
        known += place.recipients()
    with suppress(DerMalformed):  # a key alone, which is usual
        known += from_pem(pem)
    mine = [each for each in known if public_key(each) == key.public_key]
    if not mine:
        raise BackupRefused(
            "this key is none of a recipient of this backup; when its file `recipients` is damaged,"
            " put the certificate into the key's file"
        )
    return Opener([(each, key) for each in mine])


def head(place: Folder, snapshot: str, by: Opener) -> dict[str, Any]:
    """What a snapshot is made of; raises Damaged, BackupRefused for a later release's form."""
    frames = container.frames(place.head_of(snapshot), Kind.HEAD, snapshot.encode(), by.key_of)
    found: dict[str, Any] = json.loads(b"".join(frames))
    if found["format"] != FORMAT:
        raise BackupRefused("this backup was made by a later release: restore it with that one")
    return found


def unit(place: Folder, name: bytes, by: Opener) -> bytes:
    """The content of a unit, proved; raises Damaged."""
    return b"".join(container.frames(place.unit(name), Kind.UNIT, name, by.key_of))
