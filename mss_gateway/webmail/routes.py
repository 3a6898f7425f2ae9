"""THE table of routes: method, path, view, who may, whether a form's token is required, its cost.

A test holds it total: every POST has a token, no GET changes anything beyond \\Seen, every view has
a row, and the matrix of reliability T43 is generated from it.

``SETUP`` beside it is what mail programs ask before anybody signs in: open to all, without session,
cookie or token, because nothing is changed by it and nobody is known.
"""

from mss_gateway.webmail.clientsetup import apple, mozilla, outlook
from mss_gateway.webmail.clientsetup.asked import SetupRoute
from mss_gateway.webmail.views import access, dossier, home, messages, writing
from mss_gateway.webmail.visit import Route, Who, Work

ANYONE, PENDING, PATIENT = Who.ANYONE, Who.PENDING, Who.PATIENT
_MESSAGE = "/messages/{box}/{uid}"
_PIECE = _MESSAGE + "/pieces/{part}"
_ANSWER = "/messages/recus/{uid}/repondre"
_DOCUMENT = "/dossier/{document_id}"

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/", home.root, ANYONE, False),
    Route("GET", "/static/{name}", home.static_file, ANYONE, False),
    Route("GET", "/aide", home.help_page, ANYONE, False),
    Route("GET", "/connexion", access.sign_in_page, ANYONE, False),
    Route("POST", "/connexion", access.sign_in, ANYONE, True),
    Route("GET", "/connexion/code", access.code_page, PENDING, False),
    Route("POST", "/connexion/code", access.give_code, PENDING, True),
    Route("POST", "/deconnexion", access.sign_out, PATIENT, True),
    Route("GET", "/accueil", home.home, PATIENT, False),
    Route("GET", "/messages/nouveau", writing.new_page, PATIENT, False),
    Route("POST", "/messages/nouveau", writing.send_new, PATIENT, True, Work.UPLOAD),
    Route("GET", _ANSWER, writing.answer_page, PATIENT, False),
    Route("POST", _ANSWER, writing.send_answer, PATIENT, True, Work.UPLOAD),
    Route("GET", "/messages/{box}", messages.message_list, PATIENT, False),
    Route("GET", _MESSAGE, messages.read, PATIENT, False),
    Route("GET", _MESSAGE + "/forme", messages.layout, PATIENT, False),
    Route("GET", _PIECE, messages.piece, PATIENT, False),
    Route("GET", _PIECE + "/pages/{page}", messages.piece_page, PATIENT, False, Work.PICTURE),
    Route("GET", _PIECE + "/fichier", messages.piece_file, PATIENT, False),
    Route("POST", _PIECE + "/dossier", messages.save_piece, PATIENT, True),
    Route("GET", "/dossier", dossier.document_list, PATIENT, False),
    Route("GET", _DOCUMENT, dossier.document, PATIENT, False),
    Route("GET", _DOCUMENT + "/pages/{page}", dossier.document_page, PATIENT, False, Work.PICTURE),
    Route("GET", _DOCUMENT + "/figures/{figure}", dossier.document_figure, PATIENT, False,
          Work.PICTURE),
    Route("GET", _DOCUMENT + "/fichier", dossier.document_file, PATIENT, False),
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
