"""Path validation (RFC 5280 §6): does this certificate lead to an anchor, for a purpose, at a time?

Ours, not ``x509.verification``, which refuses name constraints on directory names, policies, and
names that differ in case only. :mod:`certs.validation.paths` finds the ways down from the anchors,
:mod:`certs.validation.path_rules` judges each; here the first good one is chosen and revocation is
asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from certs.anchors import Anchors
from certs.certificate import Certificate
from certs.errors import ChainReason, ChainRejected, DerMalformed
from certs.status.revocation import Answer, Good, RevocationSource, Revoked, Unknown
from certs.usage import PURPOSES, Purpose, Rule
from certs.validation import path_rules, paths
from certs.validation.link import Link, link_of
from certs.validation.paths import BOUNDS, Bounds, Path
from certs.validation.policies_tree import ANY_POLICY, PolicyRules
from certs.validation.trail import Step, Trail


@dataclass(frozen=True, slots=True)
class Chain:
    """A validated path, from the certificate to its anchor, and what was known of revocation.

    ``revocation`` is ``Good`` when every certificate below the anchor had a fresh answer, else
    ``Unknown``: such a signature is "not checked", never green. A revoked path is never a Chain.
    ``answers`` has what was used for each certificate but the anchor, in their order (kind "none":
    nothing), and is empty when nobody was asked. ``policies`` are those under which the path is
    valid.
    """

    certificates: tuple[Certificate, ...]
    purpose: Purpose
    at: datetime
    revocation: Good | Unknown
    answers: tuple[Answer, ...] = ()
    policies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Examination:
    """A validation told step by step; ``chain`` when it succeeded, else ``reason``."""

    steps: tuple[Step, ...]
    chain: Chain | None
    reason: ChainReason | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of :func:`judge`; times are aware.

    ``candidates`` are intermediates that somebody sent, ``configured`` those of the operator.
    ``is_unknown_enough``: a path is good enough when nobody knows whether it is revoked.
    """

    certificate: Certificate
    candidates: Sequence[Certificate]
    configured: Sequence[Certificate]
    anchors: Sequence[Certificate]
    rule: Rule
    at: datetime
    revocation: RevocationSource | None
    is_unknown_enough: bool
    policies: PolicyRules = ANY_POLICY
    bounds: Bounds = BOUNDS


@dataclass(frozen=True, slots=True)
class Verdict:
    """A good path, from the anchor to the certificate, and the answers in that order."""

    path: Path
    status: Good | Unknown
    answers: tuple[Answer, ...]
    policies: frozenset[str]


class _LeafRevoked(ChainRejected):
    """The certificate itself is revoked: another way to it, where nobody knows, changes nothing."""


def validate(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Anchors,
    purpose: Purpose,
    at: datetime,
    revocation: RevocationSource | None,
    *,
    policies: PolicyRules = ANY_POLICY,
) -> Chain:
    """The path of ``certificate`` to an anchor of ``purpose``, valid at ``at`` (aware).

    ``intermediates`` are what somebody sent, ``MAX_CANDIDATES`` at most; those of the operator
    are in ``anchors``. ``revocation`` None: nobody was asked, the answer is Unknown. When a source
    is given, an unknown answer is refused for every purpose but SIGNATURE, where it is the reader
    who must be told. Raises :class:`ChainRejected`.
    """
    question = _question(certificate, intermediates, anchors, purpose, at, revocation, policies)
    return _chain(judge(question, Trail()), purpose, at)


def examine(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Anchors,
    purpose: Purpose,
    at: datetime,
    revocation: RevocationSource | None,
    *,
    policies: PolicyRules = ANY_POLICY,
) -> Examination:
    """As :func:`validate`, by the same code, with every step told and nothing raised.

    A path that fails is followed by the next one, where there are several.
    """
    trail = Trail()
    question = _question(certificate, intermediates, anchors, purpose, at, revocation, policies)
    try:
        chain = _chain(judge(question, trail), purpose, at)
    except ChainRejected as error:
        return Examination(tuple(trail.steps()), None, error.reason)
    return Examination(tuple(trail.steps()), chain, None)


def _question(
    certificate: Certificate,
    intermediates: Sequence[Certificate],
    anchors: Anchors,
    purpose: Purpose,
    at: datetime,
    revocation: RevocationSource | None,
    policies: PolicyRules,
) -> Question:
    return Question(
        certificate=certificate,
        candidates=intermediates,
        configured=anchors.intermediates,
        anchors=anchors.of(purpose),
        rule=PURPOSES[purpose],
        at=at,
        revocation=revocation,
        is_unknown_enough=purpose is Purpose.SIGNATURE,
        policies=policies,
    )


def _chain(verdict: Verdict, purpose: Purpose, at: datetime) -> Chain:
    certificates = tuple(link.certificate for link in reversed(verdict.path))
    return Chain(certificates, purpose, at, verdict.status, verdict.answers[::-1], verdict.policies)


def judge(question: Question, trail: Trail) -> Verdict:
    """The best path: the first one that is good, else the first whose revocation nobody knows.

    Raises :class:`ChainRejected`; of several paths refused, with the reason of the first, or
    that one is revoked.
    """
    trail.step("certificate")
    try:
        return _judge(question, trail)
    except ChainRejected as error:
        trail.conclude(error)
        raise


def _judge(question: Question, trail: Trail) -> Verdict:
    leaf, candidates, anchors = _links(question)
    path_rules.check_leaf(leaf, question.rule, question.at, trail)
    refused: ChainRejected | None = None
    unknown: Verdict | None = None
    try:
        for path in paths.paths(leaf, candidates, anchors, question.bounds):
            try:
                verdict = _judge_path(path, question, trail)
            except ChainRejected as error:
                trail.fail(error)
                if isinstance(error, _LeafRevoked):
                    raise
                if refused is None or error.reason is ChainReason.REVOKED:
                    refused = error
                continue
            if question.revocation is None or isinstance(verdict.status, Good):
                return verdict
            unknown = unknown or verdict
    except _LeafRevoked:
        raise
    except ChainRejected as error:  # the search went too far
        trail.step("path", leaf)
        trail.fail(error)
        refused = refused or error
    if unknown is not None and question.is_unknown_enough:
        return unknown
    if unknown is not None:
        raise ChainRejected(ChainReason.REVOCATION_UNKNOWN)
    if refused is not None:
        raise refused
    trail.step("path", leaf)
    raise ChainRejected(ChainReason.NO_PATH, _missing(leaf, [*candidates, *anchors]))


def _links(question: Question) -> tuple[Link, list[Link], list[Link]]:
    """The certificate, the intermediates and the anchors, read."""
    try:
        leaf = link_of(question.certificate)
    except DerMalformed as error:
        raise ChainRejected(ChainReason.NO_PATH, str(error)) from None
    if not question.anchors:
        raise ChainRejected(ChainReason.NO_PATH, "no trust anchor for this purpose")
    candidates = _readable(question.configured, None)
    candidates += _readable(question.candidates, question.bounds.candidates)
    return leaf, candidates, _readable(question.anchors, None)


def _readable(certificates: Sequence[Certificate], most: int | None) -> list[Link]:
    """Each one once, but those that cannot be read: they lead nowhere and do no other harm."""
    found: dict[bytes, Link] = {}
    for seen, each in enumerate(certificates):
        if most is not None and (len(found) > most or seen > 2 * most):
            raise ChainRejected(ChainReason.NO_PATH, "too many intermediates")
        try:
            link = link_of(each)
        except DerMalformed:
            continue
        found[link.digest] = link
    if most is not None and len(found) > most:
        raise ChainRejected(ChainReason.NO_PATH, "too many intermediates")
    return list(found.values())


def _judge_path(path: Path, question: Question, trail: Trail) -> Verdict:
    trail.step("path", *path)
    policies = path_rules.check_path(path, question.rule, question.at, question.policies, trail)
    if question.revocation is None:
        return Verdict(path, Unknown(), (), policies)
    answers, is_known = [], True
    for issuer, link in pairwise(path):
        trail.step("revocation", link)
        status = question.revocation.status(link.certificate, issuer.certificate, question.at)
        if isinstance(status, Revoked) and status.at <= question.at:
            refusal = _LeafRevoked if link is path[-1] else ChainRejected
            raise refusal(ChainReason.REVOKED, status.reason.value)
        answers.append(status.answer or Answer("none", "", question.at, None))
        trail.note(answers[-1])
        if isinstance(status, Unknown):
            is_known = False
            trail.fail(ChainRejected(ChainReason.REVOCATION_UNKNOWN))
    return Verdict(path, Good() if is_known else Unknown(), tuple(answers), policies)


def _missing(leaf: Link, known: Sequence[Link]) -> str:
    if any(each.subject == leaf.issuer for each in known):
        return "no anchor vouches for its issuer, or its issuer did not sign it"
    return "the certificate of its issuer is missing"
