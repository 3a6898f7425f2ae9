"""Durable state of mail: accounts, mailboxes, messages, sealed bodies, correspondences.

Laws, each with a test:
- a UID is never reused, a blob is never altered, a row never precedes its blob;
- everything that speaks about health is sealed before it reaches a row: in clear stand only ids,
  sizes, UID, MODSEQ, flags, timestamps and states; equality look-ups go by keyed HMAC;
- there is one way to write (`Database.submit`), one unit of work is one savepoint, and a caller
  hears of success only after the COMMIT that made it durable;
- what changed is announced after COMMIT, never before.

This package is synchronous, knows no protocol, and imports nothing of the gateway.
"""
