"""X.509 and CMS: is it authentic, can it be opened? Bytes and keys, never MIME.

The law of this package, tested in ``tests/unit/certs``:

- **no key leaves**: a private or sealing key is used here and never handed out; it goes to storage
  only through a sealing function, and in clear only by ``issue.export_for_client``, which says so;
- **no unverified byte is called content**: only ``cms.signed.verify_signed`` makes a
  ``VerifiedContent``, and it raises on everything that it does not understand;
- what fails, raises: nothing here returns a bare ``False``.

Trust is separate from authenticity: ``cms.signed`` says that a certificate's key signed a content,
``chain`` says whether that certificate may be believed, for a purpose, at a time.

It must never: open a socket, read a clock (time is an argument), know a header, a mailbox or a
database, import anything but the standard library and cryptography.
"""
