"""DKIM (RFC 6376): what leaves is signed for its domain; what comes in is verified for information.

Laws: same message, key and moment, same octets. A result is told and never decides: who may write
to whom rests on certificates and the white list (threat T17). Whatever a stranger writes costs a
bounded work: so many signatures, fields, octets of a key, and no pattern that backtracks.

The only package that imports dkimpy: its tag lists, its choice of signed fields and its forms of a
field are used. Bodies are put into their form here, in linear time; keys are used in ``certs``.
"""

from mss_gateway.message.dkim.records import published, zone_value
from mss_gateway.message.dkim.results import DkimResult, Reason, Seen, clauses
from mss_gateway.message.dkim.signing import is_zone_name, sign
from mss_gateway.message.dkim.verifying import KeyUnavailable, key_names, verify

__all__ = [
    "DkimResult",
    "KeyUnavailable",
    "Reason",
    "Seen",
    "clauses",
    "is_zone_name",
    "key_names",
    "published",
    "sign",
    "verify",
    "zone_value",
]
