"""What a patient finds a message by: the words that its page shows, and what was asked for.

Whoever indexes a message and whoever reads one that is not indexed go through here: they see the
same. Words are those of ``dossier.search_words``: no case, no accent.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailbox_store import changes, indexable
from mailbox_store.database import View
from mailbox_store.messages import MessageId
from mailbox_store.vault import AccountId
from mss_gateway.dossier.search_words import QUERY_WORDS, holds_all, query_of, terms_of, words_of
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.preview import without_tags
from mss_gateway.message.summary import Summary
from mss_gateway.message.text import READ_OCTETS

KNOWN: Final = b"."
"""A term beside the words, which none of them is: with it the index says that it knows a message's
words. Earlier releases told it none."""

PHRASES: Final = 4
"""Groups of words between quotation marks that are looked at; the words of others are apart."""

_QUOTED: Final = re.compile(r'"([^"]*)"|«([^«»]*)»|“([^“”]*)”')
_DOMAIN: Final = re.compile(r"@[^\s<>,;]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for: each word begins a word of the message; phrases stand in it so,
    of each the last word by its beginning.
    """

    words: tuple[bytes, ...]
    phrases: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A message in words: names of authors and recipients, title, text, names of its files."""

    names: tuple[str, ...]
    title: str
    text: str
    files: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it, the text last: of very much, its end is not found."""
        return (*self.names, self.title, *self.files, *self.text.split("\n"))


def asked_of(text: str) -> Asked:
    """The words of a search, and which of them stand together."""
    quoted = ("".join(groups) for groups in _QUOTED.findall(text))
    phrases = [words for each in quoted if len(words := tuple(words_of(each))) > 1]
    return Asked(query_of(text), tuple(words[:QUERY_WORDS] for words in phrases[:PHRASES]))


def said_by(view: View, account_id: AccountId, message_id: MessageId) -> Said:
    """A message of an account in words; raises ``MessageNotFound`` of the store."""
    summary = Summary(indexable.read_summary(view, account_id, message_id))
    raw = changes.read_body(view, account_id, message_id, 0, READ_OCTETS)
    return said(summary, changes.read_evidence(view, account_id, message_id), raw)


def said(summary: Summary, evidence: bytes, raw: bytes) -> Said:
    """A message in words. ``raw``: its first octets at least.

    Of an address only what stands before its domain is told. A message that cannot be taken apart
    is found by its names and its title.
    """
    signer = json.loads(evidence).get("signer", "") if evidence else ""
    fields = (summary.from_text, summary.to_text, summary.cc_text, summary.bcc_text)
    names = (signer, *(_DOMAIN.sub(" ", field) for field in fields))
    try:
        message = scan(raw)
    except MessageMalformed:
        return Said(names, summary.subject, "", ())
    shown = body_text(message)
    text = shown.plain or without_tags(shown.html or "")
    files = tuple(each.claimed_name for each in attachments(message))
    return Said(names, summary.subject, text, files)


def terms(words: Said) -> set[bytes]:
    """What the index is told."""
    return terms_of(words.texts) | {KNOWN}


def holds(words: Said, asked: Asked) -> bool:
    """Whether a message is one that was asked for."""
    texts = words.texts
    if not holds_all(terms_of(texts), asked.words):
        return False
    if not asked.phrases:
        return True
    runs = [words_of(text) for text in (*words.names, words.title, *words.files, words.text)]
    return all(any(_stands_in(run, phrase) for run in runs) for phrase in asked.phrases)


def _stands_in(run: Sequence[str], phrase: Sequence[str]) -> bool:
    *whole, last = phrase
    return any(
        run[at : at + len(whole)] == whole and run[at + len(whole)].startswith(last)
        for at in range(len(run) - len(whole))
    )
