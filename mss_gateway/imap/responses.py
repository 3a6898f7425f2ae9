"""Values to bytes: tagged and untagged responses, response codes, strings (RFC 9051 §7).

Every line for a person is an ASCII French sentence found by its key; the rest is protocol.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailbox_store import flags as store_flags
from mss_gateway.failures import Failure, row
from mss_gateway.imap.grammar import names

CRLF: Final = b"\r\n"

Say = Callable[[str], str]
"""From a key of ``texts/fr.toml`` to its sentence; what is not ASCII is dropped on the wire."""

SENTENCES: Final = frozenset(
    {
        "imap.bonjour",
        "imap.au_revoir",
        "imap.inactif",
        "imap.trop_erreurs",
        "imap.arret",
        "imap.commande_inconnue",
        "imap.syntaxe",
        "imap.etat",
        "imap.chiffrement_present",
        "imap.donnees_avant_tls",
        "imap.litteral_trop_grand",
        "imap.commande_trop_longue",
        "imap.numero_absent",
        "imap.messages_disparus",
        "imap.jeu_de_caracteres",
        "imap.dossier_a_creer",
        "imap.dossier_a_des_enfants",
        "imap.dossier_protege",
        "imap.dossier_nom_refuse",
        "imap.dossier_supprime",
        "imap.mots_cles",
        "imap.authentification_abandonnee",
        "imap.mecanisme",
        "imap.connexions",
        "imap.message_vide",
        "imap.acces_ferme",
        "imap.trop_de_messages",
        "imap.recherche_trop_large",
        "imap.boite_pleine",
        "imap.dossiers_trop_nombreux",
        "imap.quota_inconnu",
        "imap.usage_refuse",
        "imap.contenu_indecodable",
        "imap.modifie_entre_temps",
        "imap.qresync_absent",
        "imap.partage_fini",
        "imap.droits_du_titulaire",
        "imap.droits_nominatifs",
        "imap.droits_inconnu",
    }
)
"""Keys of ``texts/fr.toml`` that only IMAP says; the others come with the failures table."""

MAX_KEYWORDS: Final = store_flags.LAST_KEYWORD_BIT - store_flags.FIRST_KEYWORD_BIT + 1

_SAFE = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
_QUOTABLE = re.compile(rb"[^\x00\r\n\x80-\xff]*")


class Status(Enum):
    """How a command ended, RFC 9051 §7.1."""

    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"


@dataclass(frozen=True, slots=True)
class Reply:
    """The tagged end of a command; ``code`` is without brackets, ``text`` is ASCII."""

    status: Status
    text: str
    code: bytes = b""

    def line(self, tag: bytes) -> bytes:
        """The response line; the tag ``*`` makes it untagged."""
        return b"%s %s %s%s\r\n" % (tag, self.status.value, _code(self.code), ascii_text(self.text))


def done(command: str, code: bytes = b"") -> Reply:
    """OK; nobody reads the text, so it is protocol too."""
    return Reply(Status.OK, f"{command} done", code)


def refused(say: Say, failure: Failure, message_ref: str | None = None) -> Reply:
    """NO with the code and the sentence of the failures table, and the message's reference."""
    entry = row(failure)
    sentence = say(entry.text)
    text = f"{sentence} ({message_ref})" if message_ref else sentence
    return Reply(Status.NO, text, entry.imap.encode("ascii"))


def bye(text: str, code: bytes = b"") -> bytes:
    """The last line of a connection, RFC 9051 §7.1.5."""
    return b"* BYE %s%s\r\n" % (_code(code), ascii_text(text))


def untagged_ok(code: bytes, text: str) -> bytes:
    """``* OK [code] text``."""
    return b"* OK %s%s\r\n" % (_code(code), ascii_text(text))


def _code(code: bytes) -> bytes:
    return b"[%s] " % code if code else b""


def ascii_text(text: str) -> bytes:
    """One line of printable ASCII, whatever ``text`` is: no sentence can end a response early."""
    return bytes(octet for octet in text.encode("ascii", "ignore") if 32 <= octet < 127)


def quoted(octets: bytes) -> bytes:
    """``string``: quoted where it may be, else a literal."""
    if len(octets) <= 1024 and _QUOTABLE.fullmatch(octets):
        return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return literal(octets)


def literal(octets: bytes) -> bytes:
    """``literal``."""
    return b"{%d}\r\n%s" % (len(octets), octets)


def mailbox_name(name: str, *, is_utf8: bool = False) -> bytes:
    """``mailbox``: modified UTF-7, or UTF-8 in quotes; an atom where it may be one."""
    if is_utf8 and not name.isascii():
        return b'"' + name.encode("utf-8").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    encoded = name.encode("ascii") if is_utf8 else names.encode(name)
    if _SAFE.fullmatch(encoded) and encoded.upper() != b"NIL":
        return encoded
    return quoted(encoded)


def literal8(octets: bytes) -> bytes:
    """``literal``, or ``literal8`` where there are NULs (RFC 9051 §4.3.1)."""
    return literal8_head(octets) + octets


def literal8_head(octets: bytes) -> bytes:
    """What comes before the octets themselves."""
    return b"%s{%d}\r\n" % (b"~" if b"\x00" in octets else b"", len(octets))


class FlagPrinter:
    """Flag lists as ready bytes, one per combination of flags that occurs in a mailbox."""

    __slots__ = ("_printed", "keywords")

    def __init__(self, keywords: Mapping[int, str]) -> None:
        self.keywords = dict(keywords)
        self._printed: dict[int, bytes] = {}

    def learn(self, keywords: Mapping[int, str]) -> bool:
        """Take over newly used keywords; whether there were any."""
        if len(keywords) <= len(self.keywords):
            return False
        self.keywords = dict(keywords)
        self._printed.clear()
        return True

    def __call__(self, value: int) -> bytes:
        """``(\\Seen $Label)`` for the integer ``value``."""
        ready = self._printed.get(value)
        if ready is None:
            listed = " ".join(store_flags.names(value, self.keywords))
            ready = self._printed[value] = b"(" + listed.encode("ascii") + b")"
        return ready

    def announced(self, is_read_only: bool, changeable: int = store_flags.EVERY_FLAG) -> bytes:
        """FLAGS and PERMANENTFLAGS, RFC 9051 §7.1; ``\\*`` while a keyword can still be added.

        ``changeable``: a mask of the flags that this session may change, RFC 4314 §5.1.1.
        """
        words = " ".join(store_flags.names(store_flags.EVERY_FLAG, self.keywords))
        permanent = []
        if not is_read_only:
            permanent = store_flags.names(changeable, self.keywords)
            # a keyword that is not there yet: its bit is none of the known ones
            if changeable < 0 and len(self.keywords) < MAX_KEYWORDS:
                permanent.append("\\*")
        return b"* FLAGS (%s)\r\n* OK [PERMANENTFLAGS (%s)] .\r\n" % (
            words.encode("ascii"),
            " ".join(permanent).encode("ascii"),
        )
