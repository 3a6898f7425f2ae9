"""The trail of a validation: which steps were taken, on which certificate, and what came of each.

Kept for every validation, since a list of names costs nothing; turned into words only for people.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cryptography import x509

from certs.certificate import Certificate, extension
from certs.errors import ChainRejected, DerMalformed
from certs.status.answers import Answer
from certs.validation.link import Link
from certs.validation.policies_tree import ANY, notices

STEPS = (
    "certificate",
    "validity",
    "purpose",
    "key_usage",
    "key",
    "critical_extensions",
    "path",
    "issuer",
    "name_constraints",
    "path_length",
    "policies",
    "revocation",
)
"""Every step by its name, in the order of the first time that each may be taken."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a validation, for people: on which certificate, and what was found or wrong.

    ``name`` is one of :data:`STEPS`; ``subject`` a name as in RFC 4514, or several.
    """

    name: str
    passed: bool
    detail: str
    subject: str = ""


@dataclass(slots=True)
class Trail:
    """The steps taken so far. A step has passed unless it was told that it failed."""

    _taken: list[tuple[str, Sequence[Link]]] = field(default_factory=list)
    _failed: dict[int, ChainRejected] = field(default_factory=dict)
    _found: dict[int, object] = field(default_factory=dict)

    def step(self, name: str, *links: Link) -> None:
        """The step that begins now."""
        self._taken.append((name, links))

    def note(self, found: frozenset[str] | Answer) -> None:
        """What the last step found: policies, or an answer about revocation."""
        self._found[len(self._taken) - 1] = found

    def fail(self, error: ChainRejected) -> None:
        """The last step has failed."""
        self._failed[len(self._taken) - 1] = error

    def conclude(self, error: ChainRejected) -> None:
        """The validation has failed: by the last step, unless one is known to have failed so."""
        if all(known.reason is not error.reason for known in self._failed.values()):
            self.fail(error)

    def steps(self) -> Iterator[Step]:
        """Every step in words."""
        for at, (name, links) in enumerate(self._taken):
            error = self._failed.get(at)
            subject = " > ".join(map(str, links))
            found = _words(self._found.get(at), links)
            yield Step(name, error is None, found if error is None else str(error), subject)


def _words(found: object, links: Sequence[Link]) -> str:
    if isinstance(found, Answer):
        until = "" if found.next_update is None else f" to {found.next_update:%Y-%m-%d %H:%M}"
        return f"{found.kind} of {found.this_update:%Y-%m-%d %H:%M}{until} UTC"
    if isinstance(found, frozenset):
        said = notices(_policies(links[-1].certificate), found)
        names = sorted("any policy" if each == ANY else each for each in found)
        return "; ".join((*names, *said))
    return ""


def _policies(certificate: Certificate) -> Sequence[x509.PolicyInformation]:
    try:
        return tuple(extension(certificate, x509.CertificatePolicies) or ())
    except DerMalformed:
        return ()
