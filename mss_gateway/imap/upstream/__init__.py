"""The connector: an account on another operator's IMAP server, copied into one of our mailboxes.

``conversation`` speaks to that server (aioimaplib's only door), ``responses`` reads what it says,
``remote`` is what is asked of it and ``link`` connects again. ``folders`` finds a place for its
folders, ``letters`` makes its messages fit our store, ``fetching`` brings them in portions and
``placing`` commits these; ``importing`` puts it together and ``tally`` counts.

Laws: the remote account is only read (EXAMINE, BODY.PEEK). A message is placed in the transaction
that notes its UID, so an import may be killed at any moment and run again. None is left out without
being told. What is imported was not sent by anybody here: it opens no correspondence and files
nothing in a dossier. The other server is believed in nothing: all that it says is bounded.
"""
