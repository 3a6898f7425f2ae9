"""What can go wrong with a foreign server, by what may be done about it."""


class RemoteLost(Exception):
    """The connection failed: another one may do better."""


class Garbled(RemoteLost):
    """The server says what no IMAP server says, or more than was asked for."""


class RemoteRefused(Exception):
    """The other server, or a rule of ours, will not have it: trying again changes nothing."""


class CommandRefused(Exception):
    """One command was answered NO or BAD; the connection stands. The text is the server's."""
