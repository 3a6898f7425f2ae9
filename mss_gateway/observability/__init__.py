"""What the operator may see: log, audit, metrics.

Law: nothing here names a patient, a professional, a subject, an address or content. A log line and
a metric carry a ``message_ref`` or an account number at most; the audit is append-only and chained.
"""
