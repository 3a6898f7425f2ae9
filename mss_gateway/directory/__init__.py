"""Who exists: professionals, organisations, patients; their credentials and certificates.

Laws: an address and the kind of a mailbox never change once made (domain OP-16); an address is
found by its blind index only; a name, an INS or an address is stored sealed; a password is stored
as an Argon2id hash, and a wrong one costs the same as an unknown login.
"""
