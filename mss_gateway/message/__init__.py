"""RFC 5322 and MIME values: bytes in, values and bytes out, no I/O.

Law of this package, each clause with its test:

- The bytes of a message are never altered where they stand: a ``Message`` holds offsets into the
  raw bytes, and what changes a message (signature, display name, trace) returns new bytes.
- One parser of addresses (``address.py``) serves SMTP, directory, policy and display, so that no
  two of them can read one address differently; what is ambiguous is refused, never guessed.
- Every pass over foreign bytes is iterative, linear and bounded by ``parse.LIMITS``; the parser
  raises ``MessageMalformed`` or ``AddressMalformed`` and nothing else.
- What is written holds no CR, LF or NUL inside a field, and CRLF alone ends a line.
- The type of an attachment is what its bytes say; its name is shown, never used as a path.

It never opens a file or a socket, asks a clock, draws randomness, holds a key, or logs: time,
randomness and cryptography arrive as arguments. Only ``dkim`` imports a third party, for tag lists.
"""
