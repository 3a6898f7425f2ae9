"""Client set-up that works by itself: what a mail program asks for before anybody signs in.

Mozilla autoconfig, Microsoft autodiscover (POX and JSON), Apple's configuration profile, and the
SRV records of RFC 6186 for the zone of each domain. One pure value made from the configuration,
``servers.Endpoints``, and one renderer for each format.

Laws: an answer depends on the configuration and on the domain asked about, never on whether an
address exists, so that no address is a question this gateway answers; the domain of patients, who
have the webmail and no mail program, answers as a foreign one does. A request is known by what it
asks alone: no session, no cookie read or set, nothing kept, nothing fetched. Every server told is
one where TLS is required.
"""
