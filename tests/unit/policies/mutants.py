# ruff: noqa: E501 - a table reads as a table
"""Every guard of the rule of the house, and how to take it away.

``guard`` is the name of a function of ``policies.first_contact`` or of a row, ``TABLE.row``. A
mutant rewrites the source of one module; ``load`` makes a copy of the whole package with it.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace

import policies

MODULES = (
    "people",
    "reasons",
    "verdict",
    "facts",
    "first_contact",
    "authorship",
    "identity",
    "reach",
    "content",
    "arrival",
    "records",
    "rules",
    "decide",
)
"""The modules of the package, each after those it imports."""

FOLDER = Path(policies.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """``rewrite`` takes the guard out of the source of ``module``."""

    guard: str
    how: str
    module: str
    rewrite: Callable[[str], str]

    def __str__(self) -> str:
        return f"{self.guard}: {self.how}"


def _in_rule(guard: str, how: str, old: str, new: str) -> Mutant:
    return Mutant(guard, how, "first_contact", functools.partial(_replaced, old=old, new=new))


def _without(table: str, row: str) -> Mutant:
    tail = f"\n{table} = tuple(rule for rule in {table} if rule.name != {row!r})\n"
    return Mutant(f"{table}.{row}", "row removed", "rules", lambda source: source + tail)


def _replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise LookupError(f"found {source.count(old)} times, so what is removed is not sure: {old}")
    return source.replace(old, new)


MUTANTS = (
    # what a message is
    _in_rule("closes_by_subject", "never", 'decoded_subject.strip() == "[FIN]"', "False"),
    _in_rule("closes_by_subject", "untrimmed", "decoded_subject.strip() ==", "decoded_subject =="),
    _in_rule(
        "closes_by_subject",
        "any case",
        "decoded_subject.strip() ==",
        "decoded_subject.strip().upper() ==",
    ),
    _in_rule(
        "closes_by_subject",
        "anywhere",
        'decoded_subject.strip() == "[FIN]"',
        '"[FIN]" in decoded_subject',
    ),
    _in_rule("closes_by_field", "never", 'value.strip() == "FIN"', "False"),
    _in_rule("closes_by_field", "untrimmed", "value.strip() ==", "value =="),
    _in_rule("closes_by_field", "any case", "value.strip() ==", "value.strip().upper() =="),
    _in_rule(
        "closes_by_field", "prefix", 'value.strip() == "FIN"', 'value.strip().startswith("FIN")'
    ),
    _in_rule("is_automatic", "null reverse-path", "reverse_path is None\n", "False\n"),
    _in_rule("is_automatic", "Auto-Submitted", 'or keyword.strip().lower() != "no"\n', ""),
    _in_rule(
        "is_automatic",
        "unreadable Auto-Submitted",
        '!= "no"',
        'in ("auto-replied", "auto-generated")',
    ),
    _in_rule("is_automatic", "parameters of no", '.partition(";")[0]', ""),
    _in_rule("is_automatic", "case of no", "keyword.strip().lower()", "keyword.strip()"),
    _in_rule("is_automatic", "Precedence", 'in ("bulk", "junk", "list")', "in ()"),
    _in_rule(
        "is_automatic",
        "case of Precedence",
        '(precedence or "").strip().lower()',
        '(precedence or "")',
    ),
    _in_rule("is_automatic", "report", "or is_report\n", ""),
    _in_rule(
        "reply_to_mailboxes", "trusted domain", "if candidate.domain_is_trusted\n        and", "if"
    ),
    _in_rule(
        "reply_to_mailboxes",
        "known",
        "and candidate.role is not None\n        and candidate.role.is_professional_side",
        "and (candidate.role is None or candidate.role.is_professional_side)",
    ),
    _in_rule(
        "reply_to_mailboxes",
        "professional",
        "        and candidate.role.is_professional_side\n",
        "",
    ),
    _in_rule(
        "reply_to_mailboxes",
        "but patients",
        "candidate.role.is_professional_side\n",
        "candidate.role is not Role.PATIENT\n",
    ),
    # what a delivery does
    _in_rule("effects", "everything counts", "if not _counts(writing):", "if False:"),
    _in_rule("effects", "nothing closes", "if _closes(writing):", "if False:"),
    _in_rule(
        "effects",
        "closes for Reply-To",
        "return (Effect(writing.author_address, Exchange.CLOSED),)",
        "return tuple(Effect(a, Exchange.CLOSED) for a in _granted(writing))",
    ),
    _in_rule(
        "effects",
        "closing grants Reply-To",
        "return (Effect(writing.author_address, Exchange.CLOSED),)",
        "return (Effect(writing.author_address, Exchange.CLOSED), *(Effect(a, Exchange.OPEN) for a in writing.reply_to))",
    ),
    _in_rule(
        "_counts", "author's role", "writing.author_role.is_professional_side\n        and ", ""
    ),
    _in_rule("_counts", "reader's role", "and writing.recipient_role is Role.PATIENT\n", ""),
    _in_rule("_counts", "automatic", "and not writing.is_automatic\n", ""),
    _in_rule("_counts", "delivered", "and writing.delivered\n", ""),
    _in_rule("_closes", "subject", "return writing.closes_by_subject or", "return"),
    _in_rule("_closes", "field", " or writing.closes_by_field", ""),
    _in_rule("_granted", "Reply-To ignored", "writing.reply_to or ", ""),
    _in_rule(
        "_granted",
        "author as well",
        "writing.reply_to or (writing.author_address,)",
        "(*writing.reply_to, writing.author_address)",
    ),
    # what a patient may do
    _in_rule("takes_first_word", "flag", "return is_flagged and role", "return role"),
    _in_rule(
        "takes_first_word",
        "organisation",
        "return is_flagged and role is Role.ORGANISATION",
        "return is_flagged",
    ),
    _in_rule(
        "may_write",
        "unopened",
        "not (_is_unopened(exchange, accepts_patient_initiated) or _is_closed(exchange))",
        "not _is_closed(exchange)",
    ),
    _in_rule("may_write", "closed", " or _is_closed(exchange))", ")"),
    _in_rule(
        "patient_to_patient",
        "domain",
        "is_patient = facts.recipient_is_patient_domain or",
        "is_patient =",
    ),
    _in_rule(
        "patient_to_patient",
        "author",
        "if _is_by_patient(facts) and is_patient else",
        "if is_patient else",
    ),
    _in_rule(
        "not_yet_contacted",
        "author",
        "_is_by_patient(facts) and _is_unopened(facts.exchange, first_word)",
        "_is_unopened(facts.exchange, first_word)",
    ),
    _in_rule(
        "not_yet_contacted",
        "state",
        "_is_by_patient(facts) and _is_unopened(facts.exchange, first_word)",
        "False",
    ),
    _in_rule(
        "not_yet_contacted",
        "whose flag",
        "first_word = takes_first_word(facts.recipient_role, is_flagged)",
        "first_word = is_flagged",
    ),
    _in_rule(
        "exchange_closed", "state", "_is_by_patient(facts) and _is_closed(facts.exchange)", "False"
    ),
    _in_rule(
        "patient_to_patient_at_commit",
        "author",
        "_is_by_patient(facts) and facts.has_patient_recipient",
        "facts.has_patient_recipient",
    ),
    _in_rule(
        "patient_to_patient_at_commit",
        "reader",
        "_is_by_patient(facts) and facts.has_patient_recipient",
        "False",
    ),
    _in_rule(
        "exchange_forgotten",
        "author",
        "if _is_by_patient(facts) and not is_complete",
        "if not is_complete",
    ),
    _in_rule(
        "exchange_forgotten",
        "every recipient",
        "bool(facts.recipients) and covered.issuperset(facts.recipients)",
        "bool(facts.recipients)",
    ),
    _in_rule(
        "not_yet_contacted_at_commit",
        "state",
        "_is_by_patient(facts) and any(map(_is_unopened_at_commit, facts.exchanges))",
        "False",
    ),
    _in_rule(
        "not_yet_contacted_at_commit",
        "every recipient",
        "any(map(_is_unopened_at_commit, facts.exchanges))",
        "all(map(_is_unopened_at_commit, facts.exchanges))",
    ),
    _in_rule(
        "_is_unopened_at_commit",
        "whose flag",
        "return _is_unopened(facts.exchange, takes_first_word(facts.recipient_role, is_flagged))",
        "return _is_unopened(facts.exchange, is_flagged)",
    ),
    _in_rule(
        "exchange_closed_at_commit",
        "state",
        "_is_by_patient(facts) and any(_is_closed(e.exchange) for e in facts.exchanges)",
        "False",
    ),
    _in_rule(
        "exchange_closed_at_commit",
        "every recipient",
        "any(_is_closed(e.exchange) for",
        "all(_is_closed(e.exchange) for",
    ),
    _in_rule(
        "_is_by_patient", "nobody is", "return facts.author.role is Role.PATIENT", "return False"
    ),
    _in_rule(
        "_is_unopened",
        "state",
        "return exchange is Exchange.NONE and not accepts_patient_initiated",
        "return False",
    ),
    _in_rule(
        "_is_unopened",
        "flag",
        "return exchange is Exchange.NONE and not accepts_patient_initiated",
        "return exchange is Exchange.NONE",
    ),
    _in_rule("_is_closed", "state", "return exchange is Exchange.CLOSED", "return False"),
    # the rows
    _without("AT_RECIPIENT", "author_in_use"),
    _without("AT_RECIPIENT", "reverse_path_is_own"),
    _without("AT_RECIPIENT", "domain_inside"),
    _without("AT_RECIPIENT", "no_patient_to_patient"),
    _without("AT_RECIPIENT", "ins_well_formed"),
    _without("AT_RECIPIENT", "patient_reachable"),
    _without("AT_RECIPIENT", "contacted_first"),
    _without("AT_RECIPIENT", "exchange_not_closed"),
    _without("AT_RECIPIENT", "recipient_known"),
    _without("AT_RECIPIENT", "recipient_available"),
    _without("AT_RECIPIENT", "recipients_within_limit"),
    _without("AT_MESSAGE", "author_in_use"),
    _without("AT_MESSAGE", "reverse_path_is_own"),
    _without("AT_MESSAGE", "one_author"),
    _without("AT_MESSAGE", "from_is_own"),
    _without("AT_MESSAGE", "sender_field_is_own"),
    _without("AT_MESSAGE", "no_patient_to_patient"),
    _without("AT_MESSAGE", "every_exchange_known"),
    _without("AT_MESSAGE", "contacted_first"),
    _without("AT_MESSAGE", "exchange_not_closed"),
)


def load(mutant: Mutant) -> SimpleNamespace:
    """A copy of ``policies`` without one guard; the real package is left as it is."""
    with _hidden("policies"):
        package = sys.modules["policies"] = ModuleType("policies")
        for name in MODULES:
            module = ModuleType(f"policies.{name}")
            sys.modules[module.__name__] = module
            code = _rewritten(name, mutant) if name == mutant.module else _compiled(name)
            exec(code, module.__dict__)
            setattr(package, name, module)
    return SimpleNamespace(**vars(package))


def unmutated() -> SimpleNamespace:
    """The real package, in the same shape."""
    return SimpleNamespace(
        **{name: importlib.import_module(f"policies.{name}") for name in MODULES}
    )


def _rewritten(name: str, mutant: Mutant) -> CodeType:
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    return compile(mutant.rewrite(source), f"<{mutant}>", "exec")


@functools.cache
def _compiled(name: str) -> CodeType:
    path = FOLDER / f"{name}.py"
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    def own() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == package]

    kept = {name: sys.modules.pop(name) for name in own()}
    try:
        yield
    finally:
        for name in own():
            del sys.modules[name]
        sys.modules.update(kept)
