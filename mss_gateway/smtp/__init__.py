"""SMTP: submission by a professional's own client, on STARTTLS (587) and TLS (465) ports; other
operators' servers, in (25) and out.

Laws: a verb normalises, calls ``life``, prints; only CRLF.CRLF ends DATA, and a bare CR, LF or NUL
ends the connection, after which nothing more is read; no AUTH before TLS, and no MAIL; a server is
whom its certificate says, at each MAIL; 250 after the body means that it survives a power cut.

It must never decide who may write to whom, nor say anything of a library's or a client's own text.
"""
