"""Arguments of MAIL and RCPT."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message.address import AddressMalformed, EmailAddress
from mss_gateway.smtp.parameters import (
    ENVID_OCTETS,
    ORCPT_OCTETS,
    BadParameter,
    BadSyntax,
    BadValue,
    UnknownParameter,
    mail_argument,
    rcpt_argument,
    xtext,
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
        ("FROM:<a@mss.example> BODY=7BIT AUTH=+3C+3E", (ADDRESS, None)),
        (f"FROM:<a@mss.example> SIZE={'9' * 20}", (ADDRESS, int("9" * 20))),
    ],
)
def test_a_path_and_its_parameters(
    argument: str, expected: tuple[EmailAddress | None, int | None]
) -> None:
    parsed = mail_argument(argument)
    assert (parsed.reverse_path, parsed.size) == expected


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
        "FROM:<a@mss.example> ENVID=a=b",
        "FROM:<a@mss.example> SIZE=1=2",
        "FROM:<a@mss.example>\tSIZE=1",
        "FROM:<é@mss.example>",
    ],
)
def test_what_does_not_follow_the_grammar(argument: str) -> None:
    with pytest.raises(BadSyntax):
        mail_argument(argument)


@pytest.mark.parametrize("parameter", ["X=1", "MT-PRIORITY=3", "BY=120;R", "HOLDFOR=1", "RE"])
def test_a_parameter_that_is_not_offered(parameter: str) -> None:
    with pytest.raises(UnknownParameter):
        mail_argument(f"FROM:<a@mss.example> {parameter}")
    with pytest.raises(UnknownParameter):
        rcpt_argument(f"TO:<a@mss.example> {parameter}", POSTMASTER)


def test_each_parameter_belongs_to_its_command() -> None:
    with pytest.raises(UnknownParameter):
        rcpt_argument("TO:<a@mss.example> RET=FULL", POSTMASTER)
    with pytest.raises(UnknownParameter):
        mail_argument("FROM:<a@mss.example> NOTIFY=NEVER")


@pytest.mark.parametrize(
    "parameter",
    ["SIZE", "SIZE=-1", "SIZE=x", f"SIZE={'9' * 21}", "SIZE=1 SIZE=1", "BODY", "BODY=9BIT",
     "AUTH", "RET", "RET=BODY", "RET=FULL ret=FULL", "ENVID", "ENVID=+", "ENVID=+4", "ENVID=+4a",
     "ENVID=+0A", "ENVID=+00", "ENVID=+7F", "ENVID=+E9", f"ENVID={'x' * 101}", "REQUIRETLS=YES",
     "REQUIRETLS REQUIRETLS", "SMTPUTF8=1"],
)  # fmt: skip
def test_a_value_that_the_parameter_does_not_have(parameter: str) -> None:
    with pytest.raises(BadParameter):
        mail_argument(f"FROM:<a@mss.example> {parameter}", takes_utf8=True)


def test_a_value_that_other_servers_take() -> None:
    with pytest.raises(BadValue):
        mail_argument("FROM:<a@mss.example> BODY=BINARYMIME")


def test_what_a_report_may_give_back_and_by_which_name() -> None:
    parsed = mail_argument("FROM:<a@mss.example> ret=hdrs ENVID=QQ+20+2B+3D+22x REQUIRETLS")
    assert (parsed.returns, parsed.envelope_id) == ("HDRS", 'QQ +="x')
    assert parsed.requires_tls
    silent = mail_argument("FROM:<a@mss.example>")
    assert (silent.returns, silent.envelope_id, silent.requires_tls) == ("", "", False)


@pytest.mark.parametrize("value", ["x" * ENVID_OCTETS, "+78" * 33 + "x"])
def test_an_envelope_id_at_its_limit(value: str) -> None:
    assert len(value) == ENVID_OCTETS == 100
    parsed = mail_argument(f"FROM:<a@mss.example> ENVID={value}")
    assert set(parsed.envelope_id) == {"x"}
    with pytest.raises(BadParameter):
        mail_argument(f"FROM:<a@mss.example> ENVID={value}x")


def test_what_is_asked_of_a_recipient() -> None:
    argument = "TO:<a@mss.example> NOTIFY=success,Delay ORCPT=rfc822;Jean+2BX@mss.example"
    parsed = rcpt_argument(argument, POSTMASTER)
    assert parsed.address == ADDRESS
    assert parsed.asked.notify == {"SUCCESS", "DELAY"}
    assert parsed.asked.original == "rfc822;Jean+X@mss.example"
    assert rcpt_argument("TO:<a@mss.example> NOTIFY=NEVER", POSTMASTER).asked.notify == {"NEVER"}


@pytest.mark.parametrize(
    "parameter",
    ["NOTIFY", "NOTIFY=,", "NOTIFY=SUCCESS,", "NOTIFY=ALWAYS", "NOTIFY=NEVER,FAILURE",
     "NOTIFY=FAILURE,NEVER", "NOTIFY=DELAY,DELAY", "NOTIFY=DELAY NOTIFY=DELAY",
     "NOTIFY=DELAY;FAILURE", "ORCPT", "ORCPT=a@mss.example", "ORCPT=;a", "ORCPT=rfc822;",
     "ORCPT=rfc(822;a", "ORCPT=rfc822;a+0D+0Ab", "ORCPT=rfc822;a+4g", "ORCPT=rfc822;a+C3+A9"],
)  # fmt: skip
def test_nothing_malformed_is_asked(parameter: str) -> None:
    with pytest.raises(BadParameter):
        rcpt_argument(f"TO:<a@mss.example> {parameter}", POSTMASTER)


def test_an_original_recipient_at_its_limit() -> None:
    value = "rfc822;" + "x" * (ORCPT_OCTETS - 7)
    assert len(value) == ORCPT_OCTETS == 500
    assert rcpt_argument(f"TO:<a@mss.example> ORCPT={value}", POSTMASTER).asked.original == value
    with pytest.raises(BadParameter):
        rcpt_argument(f"TO:<a@mss.example> ORCPT={value}x", POSTMASTER)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60))
def test_xtext_gives_back_what_was_put_in(text: str) -> None:
    plain = {char for char in map(chr, range(0x21, 0x7F)) if char not in "+="}
    written = "".join(char if char in plain else f"+{ord(char):02X}" for char in text)
    assert xtext(written) == text


def test_domains_in_letters_of_their_own_want_smtputf8() -> None:
    argument = "FROM:<a@exâmple.example> SMTPUTF8"
    assert str(mail_argument(argument, takes_utf8=True).reverse_path) == "a@xn--exmple-xta.example"
    with pytest.raises(UnknownParameter):
        mail_argument("FROM:<a@mss.example> SMTPUTF8")
    with pytest.raises(BadSyntax):
        mail_argument("FROM:<a@exâmple.example>", takes_utf8=True)
    with pytest.raises(AddressMalformed):
        mail_argument("FROM:<é@mss.example> SMTPUTF8", takes_utf8=True)
    utf8 = rcpt_argument("TO:<a@exâmple.example>", POSTMASTER, is_utf8=True)
    assert utf8.address.domain == "xn--exmple-xta.example"


def test_the_null_path_receives_nothing() -> None:
    with pytest.raises(AddressMalformed):
        rcpt_argument("TO:<>", POSTMASTER)


@pytest.mark.parametrize("path", ["<postmaster>", "<POSTMASTER>", "<Postmaster>"])
def test_postmaster_needs_no_domain(path: str) -> None:
    assert rcpt_argument(f"TO:{path}", POSTMASTER).address == POSTMASTER


@pytest.mark.parametrize("path", ["<postmasters>", "<abuse>", '<"postmaster">', "<postmaster@>"])
def test_nobody_else_goes_without(path: str) -> None:
    with pytest.raises(AddressMalformed):
        rcpt_argument(f"TO:{path}", POSTMASTER)
