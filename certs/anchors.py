"""Trust anchors: the authorities that we believe, for each purpose. Never the system's.

An authority trusted to vouch for mailboxes is not thereby trusted to vouch for servers: every
purpose has its own list, given file by file, so that nothing is believed because it lay somewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certs.certificate import Certificate, Facts, facts, from_pem
from certs.usage import Purpose


@dataclass(frozen=True, slots=True)
class Anchors:
    """Who is believed for what; a purpose without anchors believes nobody.

    ``intermediates`` are authorities that the operator gave to complete paths: nobody believes
    them, and their number is not limited as that of intermediates found in a message.
    """

    by_purpose: Mapping[Purpose, tuple[Certificate, ...]]
    intermediates: tuple[Certificate, ...] = ()

    def of(self, purpose: Purpose) -> tuple[Certificate, ...]:
        """The anchors of one purpose."""
        return self.by_purpose.get(purpose, ())

    def listing(self) -> list[tuple[Purpose, Facts]]:
        """Every anchor with its fingerprint, for people to compare with what the issuer says."""
        return [(purpose, facts(each)) for purpose in Purpose for each in self.of(purpose)]


def load(files: Mapping[Purpose, Sequence[Path]], intermediates: Sequence[Path] = ()) -> Anchors:
    """Read the anchors of every purpose, and the intermediates, from PEM files.

    Raises OSError when a file cannot be read, :class:`DerMalformed` when one holds no certificate.
    """
    return Anchors(
        {purpose: _certificates(paths) for purpose, paths in files.items()},
        _certificates(intermediates),
    )


def _certificates(paths: Sequence[Path]) -> tuple[Certificate, ...]:
    return tuple(each for path in paths for each in from_pem(path.read_bytes()))
