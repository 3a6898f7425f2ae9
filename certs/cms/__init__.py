"""Cryptographic Message Syntax (RFC 5652) as S/MIME 4.0 uses it (RFC 8551): DER bytes in and out.

``der`` reads and writes the encoding; ``signed`` makes and verifies signed-data, ``enveloped``
makes and opens enveloped-data. Law: what comes from outside is read strictly, iteratively and
within limits; streamed BER is first turned into DER; an unknown structure or algorithm is refused,
never skipped. It must never know MIME, decide whom to trust (``chain`` does), or say of a failed
opening more than that it failed.
"""
