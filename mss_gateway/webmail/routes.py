"""THE table of routes: method, path, view, who may, whether a form's token is required, its cost.

A test holds it total: every POST has a token, no GET changes anything beyond \\Seen, every view has
a row, and the matrix of reliability T43 is generated from it.

``SETUP`` beside it is what mail programs ask before anybody signs in: open to all, without session,
cookie or token, because nothing is changed by it and nobody is known.
"""

from mss_gateway.webmail.clientsetup import apple, mozilla, outlook
from mss_gateway.webmail.clientsetup.asked import SetupRoute
from mss_gateway.webmail.views import (
    access,
    account,
    activation,
    choices,
    contacts,
    dossier,
    drafts,
    export,
    home,
    live,
    locking,
    message_search,
    messages,
    moving,
    notices,
    passkeys,
    record,
    rules,
    threads,
    writing,
)
from mss_gateway.webmail.visit import Route, Who, Work

ANYONE, PENDING, PATIENT = Who.ANYONE, Who.PENDING, Who.PATIENT
GRANTED, ENROLLING, LOCKED = Who.GRANTED, Who.ENROLLING, Who.LOCKED
_SECURITY = "/compte/securite"
_EXPORT = "/compte/export"
_MESSAGE = "/messages/{box}/{uid}"
_PIECE = _MESSAGE + "/pieces/{part}"
_BIN = "/messages/corbeille/vider"
_ANSWER = "/messages/{box}/{uid}/repondre"
_DRAFTS = "/messages/brouillons"
_DRAFT = _DRAFTS + "/{draft}"
_DOCUMENT = "/dossier/{document_id}"

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/", home.root, ANYONE, False),
    Route("GET", "/static/{name}", home.static_file, ANYONE, False),
    Route("GET", "/aide", home.help_page, ANYONE, False),
    Route("POST", "/langue", choices.choose_language, ANYONE, True),
    Route("POST", "/apparence", choices.choose_theme, ANYONE, True),
    Route("GET", "/compte", choices.account, PATIENT, False),
    Route("GET", "/compte/notifications", notices.page, PATIENT, False),
    Route("POST", "/compte/notifications", notices.change, PATIENT, True),
    Route("GET", _EXPORT, export.page, PATIENT, False),
    Route("POST", _EXPORT, export.ask, PATIENT, True),
    Route("GET", _EXPORT + "/fichier", export.file, PATIENT, False),
    Route("POST", _EXPORT + "/supprimer", export.drop, PATIENT, True),
    Route("GET", "/connexion", access.sign_in_page, ANYONE, False),
    Route("POST", "/connexion", access.sign_in, ANYONE, True),
    Route("GET", "/connexion/code", access.code_page, PENDING, False),
    Route("POST", "/connexion/code", access.give_code, PENDING, True),
    Route("POST", "/connexion/cle", passkeys.sign_in, ANYONE, True),
    Route("GET", "/acces-perdu", access.lost_password_page, ANYONE, False),
    Route("POST", "/acces-perdu", access.renew_password, ANYONE, True),
    Route("GET", "/activation", activation.code_page, ANYONE, False),
    Route("POST", "/activation", activation.give_code, ANYONE, True),
    Route("GET", "/activation/mot-de-passe", activation.password_page, GRANTED, False),
    Route("POST", "/activation/mot-de-passe", activation.choose_password, GRANTED, True),
    Route("GET", "/activation/second-facteur", activation.factor_page, ENROLLING, False),
    Route("POST", "/activation/second-facteur", activation.confirm_factor, ENROLLING, True),
    Route("POST", "/activation/cle", activation.enrol_passkey, ENROLLING, True),
    Route("GET", "/deverrouiller", locking.unlock_page, LOCKED, False),
    Route("POST", "/deverrouiller", locking.unlock, LOCKED, True),
    Route("POST", "/deverrouiller/cle", passkeys.unlock, LOCKED, True),
    Route("POST", "/deverrouiller/quitter", locking.leave, LOCKED, True),
    Route("GET", "/confirmer", locking.confirm_page, PATIENT, False),
    Route("POST", "/confirmer", locking.confirm, PATIENT, True),
    Route("POST", "/confirmer/cle", passkeys.confirm, PATIENT, True),
    Route("GET", _SECURITY, account.security_page, PATIENT, False),
    Route("POST", _SECURITY + "/evenement", account.settle_event, PATIENT, True),
    Route("POST", _SECURITY + "/sessions", account.end_session, PATIENT, True),
    Route("POST", _SECURITY + "/autres-sessions", account.end_other_sessions, PATIENT, True),
    Route("GET", _SECURITY + "/mot-de-passe", account.password_page, PATIENT, False),
    Route("POST", _SECURITY + "/mot-de-passe", account.change_password, PATIENT, True),
    Route("POST", _SECURITY + "/telephone/nouveau", account.new_phone, PATIENT, True),
    Route("GET", _SECURITY + "/telephone", account.phone_page, PATIENT, False),
    Route("POST", _SECURITY + "/telephone", account.confirm_phone, PATIENT, True),
    Route("POST", _SECURITY + "/codes", account.renew_codes, PATIENT, True),
    Route("GET", _SECURITY + "/cles", passkeys.new_page, PATIENT, False),
    Route("POST", _SECURITY + "/cles", passkeys.add, PATIENT, True),
    Route("POST", _SECURITY + "/cles/{key}/retirer", passkeys.remove, PATIENT, True),
    Route("POST", "/deconnexion", access.sign_out, PATIENT, True),
    Route("GET", "/accueil", home.home, PATIENT, False),
    Route("GET", "/en-direct", live.stream, PATIENT, False, Work.LIVE),
    Route("GET", "/messages/nouveau", writing.new_page, PATIENT, False),
    Route("POST", "/messages/nouveau", writing.send_new, PATIENT, True, Work.UPLOAD),
    Route("GET", _DRAFTS, drafts.draft_list, PATIENT, False),
    Route("GET", _DRAFT, drafts.draft_page, PATIENT, False),
    Route("POST", _DRAFT, drafts.post_draft, PATIENT, True, Work.UPLOAD),
    Route("GET", _DRAFT + "/supprimer", drafts.removal_page, PATIENT, False),
    Route("POST", _DRAFT + "/supprimer", drafts.remove_draft, PATIENT, True),
    Route("GET", _DRAFT + "/documents", drafts.documents_page, PATIENT, False),
    Route("POST", _DRAFT + "/documents", drafts.join_documents, PATIENT, True),
    Route("GET", _ANSWER, writing.answer_page, PATIENT, False),
    Route("POST", _ANSWER, writing.send_answer, PATIENT, True, Work.UPLOAD),
    Route("GET", "/messages/recherche", message_search.results, PATIENT, False),
    Route("GET", "/contacts", contacts.page, PATIENT, False),
    Route("GET", "/messages/fils/{thread_id}", threads.read, PATIENT, False),
    Route("GET", _BIN, moving.empty_page, PATIENT, False),
    Route("POST", _BIN, moving.empty, PATIENT, True),
    Route("POST", "/messages/{box}/actes", moving.act, PATIENT, True),
    Route("GET", "/messages/{box}", messages.message_list, PATIENT, False),
    Route("GET", _MESSAGE, messages.read, PATIENT, False),
    Route("GET", _MESSAGE + "/forme", messages.layout, PATIENT, False),
    Route("GET", _PIECE, messages.piece, PATIENT, False),
    Route("GET", _PIECE + "/pages/{page}", messages.piece_page, PATIENT, False, Work.PICTURE),
    Route("GET", _PIECE + "/fichier", messages.piece_file, PATIENT, False),
    Route("POST", _PIECE + "/dossier", messages.save_piece, PATIENT, True),
    Route("GET", "/dossier", dossier.document_list, PATIENT, False),
    Route("GET", "/dossier/ajouter", record.deposit_page, PATIENT, False),
    Route("POST", "/dossier/ajouter", record.deposit, PATIENT, True, Work.DEPOSIT),
    Route("GET", "/dossier/journal", record.journal_page, PATIENT, False),
    Route("GET", "/dossier/journal/fichier", record.journal_file, PATIENT, False),
    Route("GET", "/dossier/regles", rules.page, PATIENT, False),
    Route("POST", "/dossier/regles", rules.keep, PATIENT, True),
    Route("POST", "/dossier/telecharger", record.take_several, PATIENT, True),
    Route("GET", _DOCUMENT, dossier.document, PATIENT, False),
    Route("GET", _DOCUMENT + "/pages/{page}", dossier.document_page, PATIENT, False, Work.PICTURE),
    Route("GET", _DOCUMENT + "/figures/{figure}", dossier.document_figure, PATIENT, False,
          Work.PICTURE),
    Route("GET", _DOCUMENT + "/figures/{figure}/pages/{page}", dossier.document_figure_page,
          PATIENT, False, Work.PICTURE),
    Route("GET", _DOCUMENT + "/fichier", dossier.document_file, PATIENT, False),
    Route("GET", _DOCUMENT + "/modifier", record.edit_page, PATIENT, False),
    Route("POST", _DOCUMENT + "/modifier", record.edit, PATIENT, True, keeps_text=True),
    Route("POST", _DOCUMENT + "/masquer", record.mask, PATIENT, True),
    Route("GET", _DOCUMENT + "/supprimer", record.remove_page, PATIENT, False),
    Route("POST", _DOCUMENT + "/supprimer", record.remove, PATIENT, True),
)

# what paths are spelt like is the mail programs' choice, Outlook's by release
SETUP: tuple[SetupRoute, ...] = (
    SetupRoute("GET", "/mail/config-v1.1.xml", mozilla.config_file),
    SetupRoute("GET", "/.well-known/autoconfig/mail/config-v1.1.xml", mozilla.config_file),
    SetupRoute("POST", "/autodiscover/autodiscover.xml", outlook.posted),
    SetupRoute("POST", "/Autodiscover/Autodiscover.xml", outlook.posted),
    SetupRoute("POST", "/AutoDiscover/AutoDiscover.xml", outlook.posted),
    SetupRoute("GET", "/autodiscover/autodiscover.xml", outlook.tried),
    SetupRoute("GET", "/Autodiscover/Autodiscover.xml", outlook.tried),
    SetupRoute("GET", "/AutoDiscover/AutoDiscover.xml", outlook.tried),
    SetupRoute("GET", "/autodiscover/autodiscover.json", outlook.located),
    SetupRoute("GET", "/autodiscover/autodiscover.json/v1.0/{address}", outlook.located),
    SetupRoute("GET", "/apple/mobileconfig", apple.profile_file),
)
# fmt: on
