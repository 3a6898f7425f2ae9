"""What the SMTP ports say: failures from THE table, the protocol's own lines from here.

A reply is a code, an enhanced code and one ASCII sentence; a refusal after DATA ends with the
message_ref (RFC 5321 §4.2, RFC 2034 §4).
"""

from enum import Enum

from mss_gateway import texts
from mss_gateway.failures import Failure, Refused, row


class Said(Enum):
    """The lines that are no failure of a message: the protocol speaking of itself."""

    CLOSING = "221 2.0.0 au revoir"
    TLS_READY = "220 2.0.0 TLS peut commencer"
    SIGNED_IN = "235 2.7.0 identite verifiee"
    DONE = "250 2.0.0 fait"
    SENDER_TAKEN = "250 2.1.0 expediteur accepte"
    RECIPIENT_TAKEN = "250 2.1.5 destinataire accepte"
    HELP = "214 2.0.0 RFC 6409"
    SEND_BODY = "354 envoyez le message, fin par CRLF.CRLF"
    SHUTTING_DOWN = "421 4.3.2 arret du service, reconnectez-vous dans un instant"
    TIMED_OUT = "421 4.4.2 delai depasse"
    TOO_MANY_CONNECTIONS = "421 4.7.0 trop de connexions"
    TOO_MANY_MISTAKES = "421 4.7.0 trop d'erreurs"
    TOO_MANY_COMMANDS = "421 4.7.0 trop de commandes sans identification"
    UNKNOWN_COMMAND = "500 5.5.1 commande inconnue"
    LINE_TOO_LONG = "500 5.5.2 ligne trop longue"
    LINE_NOT_ASCII = "500 5.5.2 seul l'ASCII est admis"
    NAME_WANTED = "501 5.5.4 un nom est attendu"
    NO_ARGUMENT = "501 5.5.4 aucun argument n'est attendu"
    MAIL_SYNTAX = "501 5.5.4 syntaxe: MAIL FROM:<adresse>"
    RCPT_SYNTAX = "501 5.5.4 syntaxe: RCPT TO:<adresse>"
    PARAMETER_MALFORMED = "501 5.5.4 parametre invalide"
    RESPONSE_TOO_LONG = "500 5.5.6 reponse d'identification trop longue"
    NOT_BASE64 = "501 5.5.2 base64 attendu"
    SIGN_IN_CANCELLED = "501 5.7.0 identification abandonnee"
    NOT_OFFERED = "502 5.5.1 commande non offerte"
    EHLO_FIRST = "503 5.5.1 EHLO d'abord"
    MAIL_FIRST = "503 5.5.1 MAIL d'abord"
    RCPT_FIRST = "503 5.5.1 RCPT d'abord"
    MAIL_TWICE = "503 5.5.1 un message est deja commence"
    AUTH_MISPLACED = "503 5.5.1 AUTH n'est pas attendu ici"
    TLS_ALREADY = "503 5.5.1 TLS est deja actif"
    MECHANISM_UNKNOWN = "504 5.5.4 mecanisme inconnu"
    VALUE_NOT_OFFERED = "504 5.5.4 valeur non offerte"
    SPOKE_EARLY = "554 5.5.0 commandes envoyees trop tot"
    PARAMETER_UNKNOWN = "555 5.5.4 parametre non offert"

    @property
    def line(self) -> bytes:
        """As it goes on the wire, without CRLF."""
        return self.value.encode("ascii")


def line(failure: Failure, message_ref: str | None = None) -> bytes:
    """The reply to a failure, without CRLF."""
    printed = row(failure)
    text = f"{printed.smtp} {printed.enhanced} {texts.ascii_line(printed.text)}"
    if message_ref is not None:
        text = f"{text} {message_ref}"
    return text.encode("ascii")


def refusal(refused: Refused) -> bytes:
    """The reply to what a stage refused."""
    return line(refused.failure, refused.message_ref)
