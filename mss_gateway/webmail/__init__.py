"""The patient's webmail: messages and medical record, as plain pages that need no JavaScript.

Laws: a view decides nothing, it asks ``policies`` and calls ``life``; the one door for a message is
``life.submission``. Every route stands in ``routes.ROUTES`` with who may call it, every change is a
POST with a token, every answer leaves through ``headers``. Somebody else's object does not exist
(404, never 403). Nothing of a page comes from elsewhere, and nothing is fetched for it. What mail
programs ask before anybody signs in has a table of its own, ``routes.SETUP``, and a package.

It must never show a professional's address, run or embed what a message carries, write a body to
disk, or print a sentence that is not in ``texts/fr.toml``.
"""
