"""Whether a recipient of a message still waits for a result."""

from mailbox_store.database import View


def is_waiting(view: View, message_ref: str, recipient: str) -> bool:
    """True until the item of this recipient (an address in normal form) has ended."""
    found = view.sql(
        "SELECT 1 FROM queue_items WHERE message_ref = ? AND recipient_index = ?",
        (message_ref, view.vault.index.of("address", recipient)),
    )
    return found.first() is not None
