"""« Notifications »: the personal address, confirmed by a code, and what is told of there."""

from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.directory import contact, notices
from mss_gateway.directory.contact import ContactRefused, Fault, Outcome
from mss_gateway.directory.notice_kinds import CHOICES
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import notices as life
from mss_gateway.life import notices_contact
from mss_gateway.observability import audit
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.visit import Visit, go_to, require_fresh

PLACE: Final = "/compte/notifications"
ADDRESS_LIMIT: Final = 300
"""Characters of an address that are looked at."""

_DONE: Final = {
    "code": "notifications.fait_code",
    "adresse": "notifications.fait_adresse",
    "retiree": "notifications.fait_retiree",
    "choix": "notifications.fait_choix",
}
"""What the page may say was just done: a word of its query, and the sentence."""

_FAULTS: Final = {
    Fault.MALFORMED: "notifications.erreur_adresse",
    Fault.TRUST_SPACE: "notifications.erreur_espace",
    Fault.TOO_SOON: "notifications.erreur_tot",
    Fault.TOO_MANY: "notifications.erreur_trop",
}

_CODES: Final = {
    Outcome.WRONG: "notifications.erreur_code",
    Outcome.ENDED: "notifications.erreur_fini",
}


def page(visit: Visit) -> Response:
    """The address, its state, and a switch for each kind."""
    return _page(visit, 200)


def change(visit: Visit) -> Response:
    """One of the acts of the page, named by the button that was pressed."""
    act = _ACTS.get(visit.form.get("acte"))
    if act is None:
        raise Refused(Failure.FORM_EXPIRED, "no such act")
    if act is not _remove and not life.is_on(visit.gateway.config):
        raise Refused(Failure.NOT_ALLOWED)
    if act in (_give, _remove):  # where the warnings of security arrive
        require_fresh(visit, PLACE)
    return act(visit)


def _give(visit: Visit) -> Response:
    """An address: a code goes there."""
    typed = visit.form.get("adresse")[:ADDRESS_LIMIT]
    try:
        notices_contact.ask(visit.gateway, visit.patient.account_id, typed)
    except ContactRefused as refused:
        return _page(visit, 422, ("adresse", _FAULTS[refused.fault]), typed)
    return go_to(f"{PLACE}?note=code")


def _give_again(visit: Visit) -> Response:
    """Another code to the same address."""
    try:
        notices_contact.ask_again(visit.gateway, visit.patient.account_id)
    except ContactRefused as refused:
        return _page(visit, 422, ("", _FAULTS[refused.fault]))
    return go_to(f"{PLACE}?note=code")


def _confirm(visit: Visit) -> Response:
    """The code that came: the address is used from now on."""
    account_id, typed = visit.patient.account_id, visit.form.get("code")
    outcome = notices_contact.confirm(visit.gateway, account_id, typed)
    if outcome is not Outcome.CONFIRMED:
        return _page(visit, 422, ("code", _CODES[outcome]))
    return go_to(f"{PLACE}?note=adresse")


def _abandon(visit: Visit) -> Response:
    """Another address after all, or none."""
    notices_contact.abandon(visit.gateway, visit.patient.account_id)
    return go_to(PLACE)


def _remove(visit: Visit) -> Response:
    """No address any more."""
    gateway, account_id = visit.gateway, visit.patient.account_id
    gateway.database.write(
        lambda tx: notices_contact.remove(gateway, tx, account_id, f"account:{account_id}")
    )
    return go_to(f"{PLACE}?note=retiree")


def _choose(visit: Visit) -> Response:
    """What is ticked is told of; what is not is switched off."""
    account_id, wanted = visit.patient.account_id, set(visit.form.all("avis"))
    off = [one.kind for one in CHOICES if one.kind.value not in wanted]

    def unit(tx: Transaction) -> None:
        notices.choose(tx, account_id, off)
        who = f"account:{account_id}"
        audit.record(tx, actor=who, act="people", object=who, verdict="notices chosen")

    visit.gateway.database.write(unit)
    return go_to(f"{PLACE}?note=choix")


_ACTS: Final[dict[str, Callable[[Visit], Response]]] = {
    "adresse": _give,
    "renvoyer": _give_again,
    "code": _confirm,
    "abandonner": _abandon,
    "retirer": _remove,
    "choix": _choose,
}


def _page(
    visit: Visit, status: int, mistake: tuple[str, str] | None = None, typed: str = ""
) -> Response:
    """The page as things stand; ``mistake``: the field concerned, or nothing, and the sentence."""
    gateway, account_id = visit.gateway, visit.patient.account_id
    with gateway.database.read() as view:
        found = contact.of_account(view, account_id)
        off = notices.switched_off(view, account_id)
    language = visit.preferences.language
    return visit.page(
        "notifications.html",
        status,
        is_on=life.is_on(gateway.config),
        contact=found,
        state=found.state.value,
        has_code=found.has_code(gateway.clock()),
        choices=[(one.kind.value, one.choice, one.kind not in off) for one in CHOICES],
        done=_DONE.get(visit.query.get("note", "")),
        mistakes=[] if mistake is None else [(mistake[0], sentence(mistake[1], language=language))],
        wrong="" if mistake is None else mistake[0],
        typed=typed,
    )
