# ruff: noqa: E501 - a table reads as a table
"""THE table of what a person is told of by e-mail, and of which words the e-mail then holds.

Nothing about health: which document, of whom, about what, is in no row. A critical result says the
very same as any other document, and only its hour differs.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What happened. A member without a row, or a row without a member, fails a test."""

    MESSAGE = "message"
    DOCUMENT = "document"
    CRITICAL = "critical"
    ACTIVITY = "activity"
    EXPORT = "export"
    NEW_BROWSER = "new_browser"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - what happened, not a secret
    PASSKEY_ADDED = "passkey_added"
    ACCESS_CHANGED = "access_changed"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_CODE = "contact_code"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True, slots=True)
class Row:
    """``line`` and ``title``: keys of the sentence and of the subject. ``choice``: of the switch.

    ``choice`` empty: it cannot be switched off, because it guards the account. ``is_at_once``: it
    does not wait for others like it. ``is_code``: the e-mail holds a code, and nothing else.
    """

    kind: Kind
    line: str
    title: str
    choice: str
    is_at_once: bool
    is_code: bool = False

    @property
    def is_security(self) -> bool:
        """Whether nobody can switch it off."""
        return not self.choice


# fmt: off
ROWS: tuple[Row, ...] = (
    Row(Kind.MESSAGE, "avis.nouveau_message", "avis.nouveau_message_objet", "notifications.choix_message", False),
    Row(Kind.DOCUMENT, "avis.nouveau_document", "avis.nouveau_document_objet", "notifications.choix_document", False),
    Row(Kind.CRITICAL, "avis.nouveau_document", "avis.nouveau_document_objet", "notifications.choix_critique", True),
    Row(Kind.ACTIVITY, "avis.activite", "avis.activite_objet", "notifications.choix_activite", False),
    Row(Kind.EXPORT, "avis.export", "avis.export_objet", "notifications.choix_export", True),
    Row(Kind.NEW_BROWSER, "avis.nouveau_navigateur", "avis.securite_objet", "", True),
    Row(Kind.PASSWORD_CHANGED, "avis.mot_de_passe", "avis.securite_objet", "", True),
    Row(Kind.PASSKEY_ADDED, "avis.cle_acces", "avis.securite_objet", "", True),
    Row(Kind.ACCESS_CHANGED, "avis.moyens_acces", "avis.securite_objet", "", True),
    Row(Kind.CONTACT_CHANGED, "avis.adresse_changee", "avis.securite_objet", "", True),
    Row(Kind.CONTACT_CODE, "avis.code_adresse", "avis.code_objet", "", True, is_code=True),
    Row(Kind.RECOVERY_CODE, "avis.code_acces", "avis.code_objet", "", True, is_code=True),
)
# fmt: on

_BY_KIND = {row.kind: row for row in ROWS}

CHOICES: tuple[Row, ...] = tuple(row for row in ROWS if row.choice)
"""What a person may switch off, in the order in which it is shown."""


def row(kind: Kind) -> Row:
    """The row of a kind."""
    return _BY_KIND[kind]
