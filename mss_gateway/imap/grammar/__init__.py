"""Bytes to frozen values: the grammar of RFC 9051 §9 and RFC 3501 §9, without I/O.

Laws: a parser reads a ``Cursor`` and returns a value or raises ``Malformed``; nothing else
escapes (``tests/fuzz/test_imap_grammar_fuzz.py``). A literal is an interrupt: the parser raises
``LiteralNeeded``, the reader fetches the bytes and parses again. Depth, counts and sizes are
bounded.

It must never: read a socket, know a mailbox's content, or decide what a client may do.
"""
