"""SMTP in: submission by a professional's own client, on STARTTLS (587) and TLS (465) ports.

Laws: a hook normalises, calls ``life``, prints; only CRLF.CRLF ends DATA, and a bare CR, LF or NUL
ends the connection; no AUTH before TLS; 250 after the body means that it survives a power cut.
"""
