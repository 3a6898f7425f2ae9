"""SORT and THREAD, RFC 5256: keys, base subjects and threads from what was stored at delivery.

Laws, tested in ``tests/unit/mss_gateway/imap/ordering``: everything here is pure and iterative, its
cost is n log n whatever the messages say, and every message appears exactly once.

It must never: read a body, parse MIME, or follow a reference that a sender invented for ever.
"""
