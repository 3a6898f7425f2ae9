"""Arguments of MAIL and RCPT."""

import pytest

from mss_gateway.message.address import AddressMalformed, EmailAddress
from mss_gateway.smtp.parameters import (
    BadSyntax,
    UnknownParameter,
    mail_argument,
    rcpt_argument,
)

POSTMASTER = EmailAddress("postmaster", "mss.example")
ADDRESS = EmailAddress("a", "mss.example")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("FROM:<a@mss.example>", (ADDRESS, None)),
        ("from:<A@MSS.Example>", (ADDRESS, None)),
        ("FROM: <a@mss.example>", (ADDRESS, None)),
        ("FROM:<>", (None, None)),
        ("FROM:<a@mss.example> SIZE=0", (ADDRESS, 0)),
        ("FROM:<a@mss.example>  size=12  BODY=8bitmime", (ADDRESS, 12)),
        ("FROM:<a@mss.example> BODY=7BIT AUTH=<>", (ADDRESS, None)),
        (f"FROM:<a@mss.example> SIZE={'9' * 20}", (ADDRESS, int("9" * 20))),
    ],
)
def test_a_path_and_its_parameters(
    argument: str, expected: tuple[EmailAddress | None, int | None]
) -> None:
    assert mail_argument(argument) == expected


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "FROM",
        "FROM:",
        "FROM a@mss.example",
        "FROM:a@mss.example",
        "FROM:<a@mss.example",
        "TO:<a@mss.example>",
        "FROM:<a@mss.example>SIZE=1",
        "FROM:<a@mss.example> =1",
        "FROM:<a@mss.example> SIZE=",
        "FROM:<a@mss.example> SIZE=1=2",
        "FROM:<a@mss.example>\tSIZE=1",
        "FROM:<é@mss.example>",
    ],
)
def test_what_does_not_follow_the_grammar(argument: str) -> None:
    with pytest.raises(BadSyntax):
        mail_argument(argument)


@pytest.mark.parametrize(
    "parameter",
    ["SIZE", "SIZE=-1", "SIZE=x", f"SIZE={'9' * 21}", "BODY=BINARYMIME", "BODY", "AUTH",
     "SMTPUTF8", "RET=HDRS", "X=1"],
)  # fmt: skip
def test_a_parameter_that_is_not_offered(parameter: str) -> None:
    with pytest.raises(UnknownParameter):
        mail_argument(f"FROM:<a@mss.example> {parameter}")


def test_a_recipient_has_no_parameter_and_no_null_path() -> None:
    assert rcpt_argument("TO:<a@mss.example>", POSTMASTER) == ADDRESS
    with pytest.raises(UnknownParameter):
        rcpt_argument("TO:<a@mss.example> ORCPT=rfc822;a@mss.example", POSTMASTER)
    with pytest.raises(AddressMalformed):
        rcpt_argument("TO:<>", POSTMASTER)


@pytest.mark.parametrize("path", ["<postmaster>", "<POSTMASTER>", "<Postmaster>"])
def test_postmaster_needs_no_domain(path: str) -> None:
    assert rcpt_argument(f"TO:{path}", POSTMASTER) == POSTMASTER


@pytest.mark.parametrize("path", ["<postmasters>", "<abuse>", '<"postmaster">', "<postmaster@>"])
def test_nobody_else_goes_without(path: str) -> None:
    with pytest.raises(AddressMalformed):
        rcpt_argument(f"TO:{path}", POSTMASTER)
