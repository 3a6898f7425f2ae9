"""Path validation (RFC 5280 §6): from a certificate to an anchor, for a purpose, at a time."""
