"""What every certificate of a path must satisfy: RFC 5280 §6.1, revocation apart.

The signatures are those that building the path has checked. The anchor is held to what it says of
itself, as RFC 5937 proposes: its validity, what it may sign, its limits on names and length.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import algorithms
from certs.errors import AlgorithmRefused, ChainReason, ChainRejected
from certs.usage import Rule, key_usage
from certs.validation.link import CLOCK_SKEW, Link
from certs.validation.name_constraints import Constraints
from certs.validation.paths import Path
from certs.validation.policies_tree import Policies, PolicyRules
from certs.validation.trail import Trail


def check_leaf(leaf: Link, rule: Rule, at: datetime, trail: Trail) -> None:
    """What the certificate itself must be, whatever leads to it. Raises ChainRejected."""
    trail.step("validity", leaf)
    if at < leaf.begin - CLOCK_SKEW:
        raise ChainRejected(ChainReason.NOT_YET_VALID)
    if at > leaf.end:
        raise ChainRejected(ChainReason.EXPIRED)
    trail.step("purpose", leaf)
    if rule.extended is not None:
        named = leaf.extended or frozenset()
        if rule.extended not in named or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in named:
            raise ChainRejected(ChainReason.WRONG_PURPOSE)
    trail.step("key_usage", leaf)
    if rule.usage not in key_usage(leaf.certificate):
        raise ChainRejected(ChainReason.WRONG_KEY_USAGE)
    trail.step("key", leaf)
    _check_key(leaf, ChainReason.KEY_TOO_WEAK)
    _check_extensions(leaf, trail)


def check_path(
    path: Path, rule: Rule, at: datetime, policies: PolicyRules, trail: Trail
) -> frozenset[str]:
    """Judge a path whose leaf passed :func:`check_leaf`; the policies under which it is valid.

    Raises :class:`ChainRejected`.
    """
    anchor, *below = path
    state = _State(Policies(policies, len(below)), None, Constraints())
    _check_issuer(anchor, rule, at, trail)
    state.path_length = anchor.path_length
    state.constraints.add(anchor.limits)
    for link in below[:-1]:
        _check_issuer(link, rule, at, trail)
        _check_names(link, state, trail, is_last=False)
        _check_length(link, state, trail)
        trail.step("policies", link)
        state.policies.enter(link.stated, is_last=False, is_self_issued=link.is_self_issued)
        state.policies.leave(link.stated, is_self_issued=link.is_self_issued)
    leaf = below[-1]
    _check_names(leaf, state, trail, is_last=True)
    trail.step("policies", leaf)
    state.policies.enter(leaf.stated, is_last=True, is_self_issued=leaf.is_self_issued)
    valid = state.policies.finish(leaf.stated)
    trail.note(valid)
    return valid


@dataclass(slots=True)
class _State:
    """The variables of RFC 5280 §6.1.2 that are not counted elsewhere."""

    policies: Policies
    path_length: int | None
    constraints: Constraints


def _check_issuer(link: Link, rule: Rule, at: datetime, trail: Trail) -> None:
    """An authority: valid then, allowed to sign certificates, for this purpose, by a strong key."""
    trail.step("issuer", link)
    if not link.begin - CLOCK_SKEW <= at <= link.end:
        raise _refused("an issuer is not valid at that time")
    if not link.is_authority:
        raise _refused("an issuer is no authority")
    if not link.may_sign_certificates:
        raise _refused("an issuer may not sign certificates")
    wanted, named = rule.extended, link.extended
    if wanted is not None and named is not None and wanted not in named:
        raise _refused("an issuer is not for this purpose")
    _check_key(link, ChainReason.ISSUER_REFUSED)
    _check_extensions(link, trail)


def _check_key(link: Link, reason: ChainReason) -> None:
    try:
        algorithms.accepted_key(link.key)
    except AlgorithmRefused as error:
        raise ChainRejected(reason, str(error)) from None


def _check_extensions(link: Link, trail: Trail) -> None:
    trail.step("critical_extensions", link)
    if link.critical_unknown:
        raise ChainRejected(ChainReason.CRITICAL_EXTENSION, ", ".join(link.critical_unknown))


def _check_names(link: Link, state: _State, trail: Trail, *, is_last: bool) -> None:
    """Names of a self-issued authority are its issuer's own (RFC 5280 §6.1.3 (b))."""
    trail.step("name_constraints", link)
    if is_last or not link.is_self_issued:
        state.constraints.check(link.names)
    state.constraints.add(link.limits)


def _check_length(link: Link, state: _State, trail: Trail) -> None:
    """RFC 5280 §6.1.4 (l), (m)."""
    trail.step("path_length", link)
    if not link.is_self_issued and state.path_length is not None:
        if state.path_length == 0:
            raise ChainRejected(ChainReason.PATH_LENGTH, "an issuer allows no authority below it")
        state.path_length -= 1
    if link.path_length is not None and (
        state.path_length is None or link.path_length < state.path_length
    ):
        state.path_length = link.path_length


def _refused(cause: str) -> ChainRejected:
    return ChainRejected(ChainReason.ISSUER_REFUSED, cause)
