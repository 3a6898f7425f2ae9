"""The words of a notice: French, then English, plain text; the same for everybody.

It holds no name, no subject, no document and no identifier: what happened, as a kind, and the
address of the sign-in page, which is the same in every notice, so that opening it tells nothing. It
says of itself that a machine wrote it (RFC 3834 §5), and answers to nothing.
"""

from datetime import datetime

from mss_gateway import texts
from mss_gateway.config import Config
from mss_gateway.directory.notice_kinds import Row, row
from mss_gateway.directory.notice_leases import Claimed
from mss_gateway.message.address import Mailbox, parse_address
from mss_gateway.message.build import Outgoing, compose
from mss_gateway.message.trace import new_message_id
from mss_gateway.texts import Language

SIGN_IN = "/connexion"

AUTOMATIC = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"))
"""RFC 3834 §5; the second one is what Exchange looks at."""


def letter(config: Config, claimed: Claimed, moment: datetime, chance: str) -> bytes:
    """The message of a claimed notice. ``chance`` is a fresh random word, for its Message-ID."""
    author = parse_address(config.notices.from_address)
    rows = [row(kind) for kind in claimed.kinds]
    outgoing = Outgoing(
        author=Mailbox(config.site.operator, author),
        recipients=(Mailbox("", parse_address(claimed.address)),),
        subject=_subject(rows),
        text=_text(config, rows, claimed.code),
        message_id=new_message_id(author.domain, chance),
        moment=moment,
        extra_fields=AUTOMATIC,
    )
    return compose(outgoing)


def _subject(rows: list[Row]) -> str:
    titles = {one.title for one in rows}
    title = titles.pop() if len(titles) == 1 else "avis.plusieurs_objet"
    return " / ".join(texts.text(title, language=language) for language in Language)


def _text(config: Config, rows: list[Row], code: str) -> str:
    halves = ["\n\n".join(_half(config, rows, code, language)) for language in Language]
    return "\n\n--\n\n".join(halves) + "\n"


def _half(config: Config, rows: list[Row], code: str, language: Language) -> list[str]:
    lines = list(dict.fromkeys(_line(one, code, language) for one in rows))
    if any(one.is_code for one in rows):
        return [*lines, texts.text("avis.code_suite", language=language)]
    if any(one.is_security for one in rows):
        lines.append(texts.text("avis.securite_suite", language=language))
    address = config.notices.base_url.rstrip("/") + SIGN_IN
    lines.append(f"{texts.text('avis.lien', language=language)} {address}")
    return [*lines, texts.text("avis.pied", language=language)]


def _line(one: Row, code: str, language: Language) -> str:
    values = {"code": code} if one.is_code else {}
    return texts.text(one.line, language=language, **values)
