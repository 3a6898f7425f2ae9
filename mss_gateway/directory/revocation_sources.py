"""Where answers about revocation may be fetched: what certificates name, and whom we may ask.

Pure. An address counts when its host is one that the operator named, or one that a certificate of
the operator's own choice names (configured authorities, our mailboxes). What a correspondent's
certificate names opens no host: whoever writes to us would choose whom our server calls.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from certs.certificate import Certificate, fingerprint
from certs.status.whereabouts import is_authority, issuer_among, list_addresses, responder_addresses

ADDRESS_OCTETS: Final = 2_048
"""Longest address asked."""

ADDRESSES: Final = 4
"""Addresses of each kind looked at in one certificate."""

LISTS: Final = 200
"""Lists kept at most; what more certificates name is left out, in the order of the certificates."""

EXAMPLES: Final = 4
"""Certificates, each of another issuer, that a list is tried on before it is kept."""

QUESTIONS: Final = 10_000
"""Certificates asked about one by one at most: those that no list covers."""

OFFERED: Final = 500
LEVELS: Final = 6
"""Intermediates of others that are looked at, and how far from an authority."""

_PORTS: Final = {"http": 80, "https": 443}

Kind = Literal["crl", "ocsp"]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts that may be asked: ``host`` at its usual port, or ``host:port``.

    In lower case; addresses of IPv6 without brackets.
    """

    names: frozenset[str]

    def allow(self, url: str) -> bool:
        """Whether ``url`` is plain http or https to one of them."""
        place = _place(url)
        if place is None:
            return False
        scheme, host, port = place
        is_usual = port == _PORTS[scheme]
        return f"{host}:{port}" in self.names or (is_usual and host in self.names)


def hosts_named(certificates: Iterable[Certificate]) -> frozenset[str]:
    """The hosts, with their ports, of every address in ``certificates``."""
    places = (
        _place(url)
        for certificate in certificates
        for url in (*_lists(certificate), *_responders(certificate))
    )
    return frozenset(f"{host}:{port}" for _, host, port in filter(None, places))


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to fetch. ``about``: (certificate, issuer) pairs that its answer must serve.

    For ``ocsp`` there is one pair, ``unless``: the lists that make the question unnecessary, and
    ``others``: more responders, asked in turn after a failure.
    """

    kind: Kind
    url: str
    about: tuple[tuple[Certificate, Certificate], ...]
    unless: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from every other source; sealed or hashed where it is kept."""
        if self.kind == "crl":
            return f"crl {self.url}"
        return f"ocsp {answer_for(*self.about[0])}"


def subject_of(source: Source) -> str:
    """Whom an answer of ``source`` is about, as text."""
    certificate, issuer = source.about[0]
    return lists_of(issuer) if source.kind == "crl" else answer_for(certificate, issuer)


def answer_for(certificate: Certificate, issuer: Certificate) -> str:
    """What an answer by OCSP is about, as text: this certificate of this issuer."""
    return f"certificate {fingerprint(issuer)} {certificate.serial_number:x}"


def lists_of(issuer: Certificate) -> str:
    """What a list is about, as text: everything that an issuer of this name signed."""
    return f"issuer {issuer.subject.public_bytes().hex()}"


GET_OCTETS: Final = 255
"""Shorter requests may be put in the address (RFC 6960 §A.1), where caches can answer."""


def ocsp_address(url: str, request: bytes) -> str | None:
    """The address to GET for a request, RFC 6960 §A.1; None when it must be a POST."""
    encoded = base64.b64encode(request).decode("ascii")
    address = f"{url}{'' if url.endswith('/') else '/'}{quote(encoded, safe='')}"
    return address if len(encoded) < GET_OCTETS and len(address) <= ADDRESS_OCTETS else None


@dataclass(frozen=True, slots=True)
class Needed:
    """For whom answers are wanted.

    ``authorities``: anchors and intermediates of the configuration. ``ours``: certificates of our
    mailboxes. ``others``: correspondents'. ``offered``: what came along with those and may be an
    intermediate, if an authority vouches for it. A certificate that nobody of them issued is passed
    over, as is one that an authority of ``known`` issued: the directory itself answers for it.
    """

    authorities: tuple[Certificate, ...]
    ours: tuple[Certificate, ...] = ()
    others: tuple[Certificate, ...] = ()
    offered: tuple[Certificate, ...] = ()
    known: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch: lists, and questions about certificates that no list covers."""

    lists: tuple[Source, ...]
    questions: tuple[Source, ...]
    unserved: int
    """Certificates that name no address, or none that we may ask."""


def allowed_hosts(configured: Sequence[str], needed: Needed) -> Hosts:
    """The hosts of the configuration, and those that the operator's own certificates name."""
    plain = (re.sub(r"[\[\]]", "", name.lower()) for name in configured)
    return Hosts(frozenset(plain) | hosts_named((*needed.authorities, *needed.ours)))


class Planner:
    """Makes plans, and remembers which issuer signed which certificate: that costs a check."""

    REMEMBERED: Final = 50_000

    def __init__(self) -> None:
        self._issuers: dict[str, Certificate | None] = {}
        self._authorities: tuple[Certificate, ...] = ()

    def plan(self, needed: Needed, hosts: Hosts, at: datetime) -> Plan:
        """The sources for ``needed``, each once; nobody is asked about what expired before ``at``.

        ``at`` is aware.
        """
        pairs = self._pairs(needed)
        return _planned((pair for pair in pairs if pair[0].not_valid_after_utc >= at), hosts)

    def _pairs(self, needed: Needed) -> Iterator[tuple[Certificate, Certificate]]:
        """Each certificate below an anchor, with its issuer."""
        authorities = _with_vouched(needed.authorities, needed.offered)
        if authorities != self._authorities or len(self._issuers) > self.REMEMBERED:
            self._authorities, self._issuers = authorities, {}  # others may vouch now
        for each in dict.fromkeys((*authorities, *needed.ours, *needed.others)):
            if each.subject == each.issuer:
                continue
            mark = fingerprint(each)
            if mark not in self._issuers:
                self._issuers[mark] = issuer_among(each, authorities)
            issuer = self._issuers[mark]
            if issuer is not None and issuer not in needed.known:
                yield each, issuer


def _with_vouched(
    authorities: tuple[Certificate, ...], offered: tuple[Certificate, ...]
) -> tuple[Certificate, ...]:
    """The authorities, and those of ``offered`` that they issued as authorities, level by level."""
    found = dict.fromkeys(authorities)
    left = [each for each in dict.fromkeys(offered) if is_authority(each)][:OFFERED]
    for _ in range(LEVELS):
        vouched = [each for each in left if issuer_among(each, found) is not None]
        if not vouched:
            break
        found |= dict.fromkeys(vouched)
        left = [each for each in left if each not in found]
    return tuple(found)


def _planned(pairs: Iterable[tuple[Certificate, Certificate]], hosts: Hosts) -> Plan:
    lists: dict[str, list[tuple[Certificate, Certificate]]] = {}
    questions: list[Source] = []
    unserved = 0
    for certificate, issuer in pairs:
        named = [url for url in _lists(certificate) if hosts.allow(url)]
        kept = [url for url in named if url in lists or len(lists) < LISTS]
        for url in kept:
            examples = lists.setdefault(url, [])
            if len(examples) < EXAMPLES and issuer not in (known for _, known in examples):
                examples.append((certificate, issuer))
        asked = [url for url in _responders(certificate) if hosts.allow(url)]
        if asked and len(questions) < QUESTIONS:
            pair = (certificate, issuer)
            questions.append(Source("ocsp", asked[0], (pair,), tuple(kept), tuple(asked[1:])))
        unserved += not (kept or asked)
    return Plan(
        tuple(Source("crl", url, tuple(examples)) for url, examples in lists.items()),
        tuple(questions),
        unserved,
    )


def _lists(certificate: Certificate) -> tuple[str, ...]:
    return list_addresses(certificate)[:ADDRESSES]


def _responders(certificate: Certificate) -> tuple[str, ...]:
    return responder_addresses(certificate)[:ADDRESSES]


def _place(url: str) -> tuple[str, str, int] | None:
    """(scheme, host in lower case, port) of a plain address, or None."""
    if len(url) > ADDRESS_OCTETS or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or "\\" in url:
        return None
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port
