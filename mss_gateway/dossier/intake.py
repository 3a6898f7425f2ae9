"""What a record takes of files that come alone: their types, as their bytes show, and their size.

The same for what a patient deposits, saves out of a message, or has filed by a rule (DOC-19).
"""

from mss_gateway.config import Dossier
from mss_gateway.failures import Failure


def objection(limits: Dossier, media_type: str, octets: int) -> Failure | None:
    """Why a record does not take a file of this sniffed type and size; None when it does."""
    if not octets or media_type not in limits.deposit_types:
        return Failure.DOCUMENT_NOT_TAKEN
    return Failure.MESSAGE_TOO_BIG if octets > limits.deposit_octets else None
