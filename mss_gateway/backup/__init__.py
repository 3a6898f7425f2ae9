"""Backups: the state of a site copied, proved and brought back; docs/decisions/0018.

Laws, each with a test:
- a snapshot is one moment of the store, taken beside a server that goes on writing;
- nothing in a backup is readable without a recipient's private key: neither content nor the names
  of tables; names of files are numbers and dates;
- the keys of the store (``tables.KEYS``), the root key and the files beside the store lie in the
  key table, a file of its own that ends before the rest does;
- what is written is flushed, then named; a snapshot has a name only when all of it is there;
- what was altered, cut, exchanged or lost is told, with the key and without it;
- a restore fills an empty place or leaves it empty, and opens every body before it says so.

Never: change the store, believe what lies in the backup about who may read it, guess a key.

Map: ``container`` is the form of one file, ``text`` of those in clear; ``folder`` says where they
lie; ``tables``, ``cutting`` and ``units`` turn the store into pieces; ``create``, ``keytable`` and
``retention`` write; ``opening``, ``verify``, ``restore`` and ``proof`` read.
"""
