"""The page on which a message is written, and what becomes of its form: sent, or kept as a draft.

A new message, an answer and a draft of either have the same form. The script of the page saves the
draft by itself; without it, buttons do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

from mss_gateway.dossier.sealed import digest_of
from mss_gateway.failures import Failure, Refused, row
from mss_gateway.message.build import OutgoingFile
from mss_gateway.webmail import contacts, dates, drafting, posting, replying
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.drafting import Sheet, Typed
from mss_gateway.webmail.headers import SCRIPTED_POLICY
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.posting import Incomplete
from mss_gateway.webmail.preferences import spoken
from mss_gateway.webmail.visit import RESUMED, Visit, go_to

AUTOSAVE_SECONDS: Final = 30
HEAVY_SECONDS: Final = 180
HEAVY_OCTETS: Final = 2_000_000
"""How often the script saves what changed; a draft with files above the last one less often, since
each saving writes them again."""

_FIELDS = ("destinataires", "objet", "texte", "fichiers")
_ANSWER_FIELDS = ("texte", "fichiers")
_AT = {
    Failure.NOT_YET_CONTACTED: "destinataires",
    Failure.EXCHANGE_CLOSED: "destinataires",
    Failure.HEADER_MALFORMED: "objet",
    Failure.MESSAGE_TOO_BIG: "fichiers",
    Failure.FORBIDDEN_TYPE: "fichiers",
}
"""Which field of the form a refusal is about, where it is about one."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of a draft as its form shows it."""

    position: int
    name: str
    size: int
    is_taken_out: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a form is shown again: fields with sentences, and another window's version if any.

    ``is_kept``: what was typed and the files that came with it were saved as a draft.
    """

    mistakes: tuple[tuple[str, str], ...] = ()
    notice: str = ""
    other: Typed | None = None
    status: int = 200
    is_kept: bool = False


NO_TROUBLE: Final = Trouble()


def posted(visit: Visit, sheet: Sheet) -> Response:
    """What becomes of a form; raises Refused(DRAFT_CHANGED) when another window was first."""
    typed, act = drafting.typed_in(visit.form), visit.form.get("acte")
    try:
        return _ACTS.get(act, _sent)(visit, sheet, typed)
    except Refused as refused:
        if refused.failure is Failure.DRAFT_CHANGED:
            raise
        mistake, status = _said(refused), row(refused.failure).http
        if act == "auto":
            return _told(mistake[1], status)
        return page(visit, sheet, typed, Trouble((mistake,), status=status))


def changed(visit: Visit, identity: str) -> Response:
    """The form of a draft that another window saved, sent or deleted meanwhile.

    A version that differs in nothing is written on; else both are shown, and nothing is lost.
    """
    typed, act = drafting.typed_in(visit.form), visit.form.get("acte")
    sheet, trouble = _conflict(visit, identity)
    is_sending = act in ("", "envoyer")
    if trouble.other is not None:
        is_answer = sheet.original is not None
        if typed.says_the_same(trouble.other, is_answer=is_answer) and (
            not is_sending or _has_same_files(visit, sheet)
        ):
            return posted(visit, sheet)
    elif is_sending:
        gone = Sheet(identity, sheet.original)
        given = drafting.given_files(visit.form.files)
        kept = drafting.kept_digests(visit.form, typed)
        if posting.left_already(visit, gone, typed, given, kept):
            return go_to("/messages/envoyes?fait=envoye")
    if act == "auto":
        return _told(sentence(row(Failure.DRAFT_CHANGED).text), trouble.status)
    return page(visit, sheet, typed, trouble)


def resumed(visit: Visit, identity: str) -> Response:
    """What was written when the session locked, of a draft that is not where it was any more."""
    sheet, trouble = _conflict(visit, identity)
    return page(visit, sheet, drafting.typed_in(visit.form), trouble)


def _conflict(visit: Visit, identity: str) -> tuple[Sheet, Trouble]:
    """What stands where a draft was: its newest version, or nothing any more."""
    status = row(Failure.DRAFT_CHANGED).http
    uid = posting.standing(visit, Sheet(identity))
    if uid is not None:
        sheet = drafting.sheet_of(visit.gateway, visit.patient, uid)
        assert sheet.draft is not None
        return sheet, Trouble((), "brouillon.autre_aide", sheet.draft.typed, status)
    was_sent = posting.is_sent(visit, Sheet(identity))
    key = "brouillon.envoye" if was_sent else "brouillon.disparu"
    with visit.gateway.database.read() as view:
        ref = visit.form.get("reponse")
        original = replying.original_of(visit.gateway, view, visit.patient, ref) if ref else None
    fresh = drafting.identity_of(visit.gateway, "")
    return Sheet(fresh, original), Trouble((), key, None, status)


def _has_same_files(visit: Visit, sheet: Sheet) -> bool:
    """Whether the form showed or brings just the files of the version that stands."""
    typed = drafting.typed_in(visit.form)
    given = {digest_of(file.content) for file in visit.form.files}
    shown = {*drafting.kept_digests(visit.form, typed), *given}
    return shown == set(_digests(sheet))


def page(visit: Visit, sheet: Sheet, typed: Typed, trouble: Trouble = NO_TROUBLE) -> Response:
    """The form, with what was typed."""
    known = _known(visit, sheet)
    mistakes = list(trouble.mistakes)
    had_files = visit.form.files or (sheet.draft is None and visit.form.get("garde"))
    if trouble.status != 200 and had_files and not trouble.is_kept:
        # a browser gives no file back to its form
        mistakes.append(("fichiers", sentence("web.rejoindre_fichiers")))
    shown = _FIELDS if sheet.original is None else _ANSWER_FIELDS
    kept = kept_files(sheet, typed)
    stuck = [one for one in known if not one.is_open and one.token in typed.chosen]
    is_answerable = sheet.original is None or bool(sheet.original.answer.contacts)
    response = visit.page(
        "ecrire.html",
        status=trouble.status,
        sheet=sheet,
        typed=typed,
        errors=[(field if field in shown else "", said) for field, said in mistakes],
        notice_key=trouble.notice,
        other=trouble.other,
        allowed=[one for one in known if one.is_open],
        stuck=stuck,
        closed=[one for one in known if not one.is_open and one not in stuck],
        kept=kept,
        digests=_digests(sheet),
        is_answerable=is_answerable,
        is_resumed=RESUMED in visit.query and bool(visit.form.fields),
        has_draft=sheet.draft is not None or trouble.status != 200 or not typed.is_blank,
        limit=posting.room_of(visit),
        pause=HEAVY_SECONDS if _octets(kept) > HEAVY_OCTETS else AUTOSAVE_SECONDS,
    )
    response.headers["Content-Security-Policy"] = SCRIPTED_POLICY
    return response


def kept_files(sheet: Sheet, typed: Typed) -> list[KeptFile]:
    """The files of a draft, those that are to be taken out among them."""
    if sheet.draft is None:
        return []
    return [
        KeptFile(position, each.claimed_name, each.size, position in typed.taken_out)
        for position, each in enumerate(sheet.draft.files)
    ]


def _sent(visit: Visit, sheet: Sheet, typed: Typed) -> Response:
    files = _files(visit, sheet, typed)
    if posting.send(visit, sheet, typed, files):
        return go_to("/messages/envoyes?fait=envoye")
    uid = posting.keep(visit, sheet, typed, files)  # a draft of its own: neither text nor file goes
    kept = drafting.sheet_of(visit.gateway, visit.patient, uid)
    assert kept.draft is not None
    status = row(Failure.DRAFT_CHANGED).http
    again = Trouble((), "brouillon.deja_parti", None, status, is_kept=True)
    return page(visit, kept, kept.draft.typed, again)


def _kept(visit: Visit, sheet: Sheet, typed: Typed) -> Response:
    files = _files(visit, sheet, typed)
    if typed.is_blank and not files and sheet.draft is None:
        raise Incomplete("texte", "web.erreur_vide")
    return go_to(f"/messages/brouillons/{posting.keep(visit, sheet, typed, files)}?fait=garde")


def _kept_for_documents(visit: Visit, sheet: Sheet, typed: Typed) -> Response:
    """The draft is saved, whatever is in it, so that documents can be joined to it."""
    uid = posting.keep(visit, sheet, typed, _files(visit, sheet, typed))
    return go_to(f"/messages/brouillons/{uid}/documents")


def _kept_by_itself(visit: Visit, sheet: Sheet, typed: Typed) -> Response:
    """What the script of the page saves: the text; files wait for a button."""
    if typed.is_blank and sheet.draft is None:
        return JSONResponse({"action": sheet.action, "said": ""})
    untouched = Typed(typed.chosen, typed.subject, typed.text, typed.is_quoting, typed.to_all)
    uid = posting.keep(visit, sheet, untouched, drafting.kept_files(sheet, untouched))
    hour = dates.hour(visit.gateway.clock(), spoken())
    return JSONResponse(
        {
            "action": f"/messages/brouillons/{uid}",
            "said": sentence("brouillon.enregistre", heure=hour),
        }
    )


_ACTS: Final[dict[str, Callable[[Visit, Sheet, Typed], Response]]] = {
    "envoyer": _sent,
    "brouillon": _kept,
    "dossier": _kept_for_documents,
    "auto": _kept_by_itself,
}
"""What the buttons of the form say, and the script."""


def _files(visit: Visit, sheet: Sheet, typed: Typed) -> list[OutgoingFile]:
    """What the draft has and what came with the form; the same file twice is one, as when a button
    was pressed twice."""
    kept = drafting.kept_files(sheet, typed)
    return kept + [file for file in drafting.given_files(visit.form.files) if file not in kept]


def _known(visit: Visit, sheet: Sheet) -> list[Contact]:
    """Whom the form offers, or says that they cannot be written to."""
    if sheet.original is not None:
        return list(sheet.original.answer.contacts)
    with visit.gateway.database.read() as view:
        known = contacts.of_patient(visit.gateway, view, visit.patient)
    tokens = {contact.token for contact in known}
    written = sheet.draft.contacts if sheet.draft is not None else ()
    return [*known, *(contact for contact in written if contact.token not in tokens)]


def _digests(sheet: Sheet) -> list[str]:
    """The files of a draft, each by its digest, in their order."""
    return [] if sheet.draft is None else [digest_of(each.content()) for each in sheet.draft.files]


def _octets(files: Iterable[KeptFile]) -> int:
    return sum(file.size for file in files)


def _said(refused: Refused) -> tuple[str, str]:
    if isinstance(refused, Incomplete):
        return refused.field, sentence(refused.key)
    return _AT.get(refused.failure, ""), sentence(row(refused.failure).text)


def _told(said: str, status: int) -> Response:
    """For the script: what it tells whoever writes."""
    return JSONResponse({"said": said}, status)
