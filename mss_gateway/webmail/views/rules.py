"""« Classement automatique »: whose attachments go into the record without a click."""

from starlette.responses import Response

from mailbox_store.database import Transaction
from mss_gateway.dossier import filing_rules
from mss_gateway.dossier.documents import Category
from mss_gateway.dossier.filing_rules import From, Rule
from mss_gateway.life import record
from mss_gateway.observability import audit
from mss_gateway.webmail import contacts
from mss_gateway.webmail.contacts import Contact
from mss_gateway.webmail.pages import sentence
from mss_gateway.webmail.visit import Visit, go_to
from policies.facts import RecordAction

CHOICES = 500
"""Correspondents to choose from, at most: the latest."""


def page(visit: Visit) -> Response:
    """The rule as it stands."""
    patient = visit.patient
    with visit.gateway.database.read() as view:
        rule = filing_rules.read(view, patient.account_id)
        known = contacts.of_patient(visit.gateway, view, patient)[:CHOICES]
        chosen = {
            one.token
            for one in known
            if filing_rules.is_chosen(view, patient.account_id, str(one.address))
        }
    return _page(visit, rule, known, chosen)


def keep(visit: Visit) -> Response:
    """Put what the patient chose in place of the rule before."""
    gateway, patient, form = visit.gateway, visit.patient, visit.form
    record.permit(gateway, patient, patient.account_id, RecordAction.FILE)
    of = next((one for one in From if one.value == form.get("de")), From.NOBODY)
    category = next((one for one in Category if one.value == form.get("categorie")), None)
    rule, tokens = Rule(of, category), set(form.all("correspondant"))
    with gateway.database.read() as view:
        known = contacts.of_patient(gateway, view, patient)[:CHOICES]
    chosen = [one for one in known if one.token in tokens]
    if of is From.CHOSEN and not chosen:
        return _page(visit, rule, known, set(), "regles.erreur_aucun")

    def unit(tx: Transaction) -> None:
        filing_rules.keep(tx, patient.account_id, rule, [str(one.address) for one in chosen])
        who = f"account:{patient.account_id}"
        audit.record(tx, actor=who, act="dossier", object=who, verdict=f"rule {of.value}")

    gateway.database.write(unit)
    return go_to("/dossier/regles?fait=regle")


def _page(
    visit: Visit, rule: Rule, known: list[Contact], chosen: set[str], mistake: str = ""
) -> Response:
    language = visit.preferences.language
    said = [("correspondants", sentence(mistake, language=language))] if mistake else []
    return visit.page(
        "regles.html",
        422 if mistake else 200,
        origins=[one.value for one in From],
        chosen_of=rule.of.value,
        category=rule.category,
        categories=list(Category),
        contacts=known,
        chosen=chosen,
        mistakes=said,
        limit=visit.gateway.config.dossier.deposit_octets,
    )
