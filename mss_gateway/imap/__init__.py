"""The IMAP server: RFC 9051 and RFC 3501, an own core over ``mailbox_store``.

The path of one command: ``wire`` (bytes, TLS, time limits) -> ``reader`` (lines and literals) ->
``commands`` (THE table) and ``grammar`` (bytes to values) -> ``handlers`` (over the store, through
the bridge) -> ``selected`` (changes to untagged lines) -> ``responses`` (values to bytes).

Laws, tested in ``tests/unit/mss_gateway/imap`` and ``tests/protocol``:
- one command at a time per connection; pipelined commands wait their turn;
- no network write inside a transaction; commit, then announce;
- the selected mailbox is read again after every wait: sequence numbers never lie, and an EXPUNGE is
  told only where RFC 9051 §7.5.1 allows it;
- the cost of a command does not grow with the mailbox, except for what it must print.

It must never: parse MIME on FETCH, hold a whole answer in memory, accept a secret before TLS, let
an APPEND count as a message sent, or put a library's own text on the wire.
"""
