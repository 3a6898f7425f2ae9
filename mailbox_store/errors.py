"""What can be wrong with the store, in its own words; ``life`` finds the failure that fits."""


class StoreError(Exception):
    """Base of everything that this package raises on purpose."""


class MailboxNotFound(StoreError):
    """No mailbox of that name in this account."""


class MailboxExists(StoreError):
    """A mailbox of that name exists already."""


class MailboxHasChildren(StoreError):
    """The mailbox has inferior names and cannot go (RFC 9051 §6.3.5)."""


class MailboxProtected(StoreError):
    """INBOX cannot be deleted (RFC 9051 §6.3.5)."""


class MailboxNameRefused(StoreError):
    """The name is empty, too long, or has an empty level or a control character."""


class TooManyMailboxes(StoreError):
    """The account has as many mailboxes, or subscriptions, as an account may have."""


class SpecialUseTaken(StoreError):
    """Another mailbox of the account serves this use already (RFC 6154 §3)."""


class OverQuota(StoreError):
    """The account would hold more than it may (RFC 9208 §4.3.1)."""


class TooManyKeywords(StoreError):
    """The mailbox has no bit left for a new keyword."""


class MessageNotFound(StoreError):
    """No such message in this account: never existed, or was expunged meanwhile."""


class BlobAltered(StoreError):
    """A sealed body is missing a chunk or does not open: never served, always reported."""


class StoreUnavailable(StoreError):
    """The database could not commit; nothing of the unit of work is durable."""


class StoreFailed(StoreUnavailable):
    """A write or flush failed for good; the process must end and recover from the log.

    After a failed fsync Linux may have marked the pages clean, so trying again on the same file
    would report success for what never reached the disk. Whether the unit of work is found after
    the restart is not known: nobody was told that it is, and whoever sent it sends it again.
    """
