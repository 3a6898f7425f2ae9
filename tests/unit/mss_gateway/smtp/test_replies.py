"""Lines on the wire: a code, an enhanced code of its class, ASCII, not too long."""

import re

import pytest

from mss_gateway.failures import Failure, Refused
from mss_gateway.smtp import replies
from mss_gateway.smtp.replies import Said

LINE_OCTETS = 510
"""RFC 5321 §4.5.3.1.5, without CRLF."""


@pytest.mark.parametrize("said", Said)
def test_a_line_of_the_protocol_is_well_formed(said: Said) -> None:
    text = said.line.decode("ascii")
    found = re.fullmatch(r"([2-5])\d\d (?:\1\.\d\.\d )?[ -~]+", text)
    assert found is not None
    assert text.startswith("354 ") or re.match(r"\d{3} \d\.\d\.\d ", text)


@pytest.mark.parametrize("failure", Failure)
def test_a_failure_is_a_line_with_its_reference_last(failure: Failure) -> None:
    line = replies.refusal(Refused(failure, "cause", "06gc8k3c1hqabaaqq6k34jg674")).decode("ascii")
    assert re.fullmatch(r"([45])\d\d \1\.\d\.\d{1,3} [ -~]+ 06gc8k3c1hqabaaqq6k34jg674", line)
    assert len(line) <= LINE_OCTETS
    assert "cause" not in line


def test_without_a_reference_the_sentence_is_last() -> None:
    assert replies.line(Failure.DOMAIN_OUTSIDE).endswith(b".")
