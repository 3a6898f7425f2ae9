"""What can go wrong with a backup, in this package's own words."""


class BackupRefused(Exception):
    """Not done, and nothing was changed. The text is one clear line that says what to do."""


class Damaged(Exception):
    """A file of a backup is not as it was written; the text says what is wrong, not where."""


class BackupFailed(OSError):
    """The medium could not: full, gone or not writable. Earlier snapshots are as they were."""
