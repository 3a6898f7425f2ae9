"""The INS, national identifier of a patient: 13 characters and a key of 2 (domain ID-01..03).

An INS is an address (`<INS>@patient…`) and the way a document finds its patient. The syntax and the
key are public rules; whether an INS has a space here is not, and is never told.
"""

import re

_SHAPE = re.compile(r"[1-8]\d{2}(?:0[1-9]|1[0-2]|[2-9]\d)(?:\d{2}|2[AB])\d{3}\d{3}\d{2}")

INS_LENGTH = 15


def normal_ins(text: str) -> str | None:
    """``text`` as an INS in normal form (capitals, no blanks), or None when it is not one.

    The key is 97 − (number mod 97), with 2A read as 19 and 2B as 18 in the department's place.
    """
    ins = text.replace(" ", "").upper()
    if len(ins) != INS_LENGTH or not ins.isascii() or not _SHAPE.fullmatch(ins):
        return None
    return ins if int(ins[13:]) == _key(ins[:13]) else None


def _key(number: str) -> int:
    department = {"2A": "19", "2B": "18"}.get(number[5:7], number[5:7])
    return 97 - int(number[:5] + department + number[7:]) % 97
