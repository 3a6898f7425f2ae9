"""The operator's commands: `mss NOUN VERB`, one table of verbs in ``verbs``.

Laws: every verb takes ``--config`` and ``--json``, has an example and says its exit codes (0 done,
1 refused or not found, 2 wrong usage, 3 the system could not); what changes something writes an
audit row in the same transaction; names and addresses appear on the operator's terminal only.

It must never show content: no subject, no text, no title of a document (threat T49).
"""
