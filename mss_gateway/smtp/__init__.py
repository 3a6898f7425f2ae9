"""SMTP in: submission by a professional's own client, on STARTTLS (587) and TLS (465) ports.

Laws: a verb normalises, calls ``life``, prints; only CRLF.CRLF ends DATA, and a bare CR, LF or NUL
ends the connection, after which nothing more is read; no AUTH before TLS; 250 after the body means
that it survives a power cut.

It must never decide who may write to whom, nor say anything of a library's or a client's own text.
"""
