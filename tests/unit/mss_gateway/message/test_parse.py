"""scan: every limit at its edge, defaults, and what two readers could read differently."""

from collections.abc import Callable

import pytest

from mss_gateway.failures import Failure
from mss_gateway.message.limits import LIMITS, Limits, MessageMalformed
from mss_gateway.message.parse import find_bare_line_ending, scan


def lines(*text: str) -> bytes:
    return "\r\n".join(text).encode()


def refusal(raw: bytes, limits: Limits = LIMITS) -> Failure:
    with pytest.raises(MessageMalformed) as caught:
        scan(raw, limits)
    return caught.value.failure


def nested(depth: int) -> bytes:
    raw = b"Content-Type: text/plain\r\n\r\nau fond"
    for level in range(depth):
        raw = (
            b'Content-Type: multipart/mixed; boundary="n%d"\r\n\r\n--n%d\r\n%b\r\n--n%d--'
            % (level, level, raw, level)
        )  # fmt: skip
    return raw


def enclosed(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: au fond\r\n\r\n"


def flat(parts: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * parts


@pytest.mark.parametrize("build", [nested, enclosed])
def test_depth_32_is_read_and_33_is_too_deep(build: Callable[[int], bytes]) -> None:
    assert list(scan(build(32)).root.walk())[-1].children == ()
    assert refusal(build(33)) is Failure.MIME_TOO_DEEP
    assert refusal(build(1_000)) is Failure.MIME_TOO_DEEP


def test_500_parts_are_read_and_501_are_too_many() -> None:
    assert len(scan(flat(499)).root.children) == 499
    assert refusal(flat(500)) is Failure.MIME_TOO_MANY_PARTS
    assert refusal(flat(100_000)) is Failure.MIME_TOO_MANY_PARTS


def test_1000_fields_are_read_and_1001_refused() -> None:
    assert len(scan(b"X: y\r\n" * 1_000 + b"\r\n").header.fields) == 1_000
    assert refusal(b"X: y\r\n" * 1_001 + b"\r\n") is Failure.HEADER_MALFORMED


def test_a_field_of_64_kb_is_read_and_one_octet_more_refused() -> None:
    room = LIMITS.field_octets - len("X:\r\n")
    assert scan(b"X:" + b"y" * room + b"\r\n\r\n").header.first("x") == b"y" * room
    assert refusal(b"X:" + b"y" * (room + 1) + b"\r\n\r\n") is Failure.HEADER_MALFORMED


def test_headers_of_512_kb_in_all_are_read_and_one_octet_more_refused() -> None:
    field = b"X:" + b"y" * (LIMITS.field_octets - 4) + b"\r\n"
    assert len(field) * 8 == LIMITS.header_octets
    scan(field * 8 + b"\r\n")
    assert refusal(field * 8 + b"X:\r\n\r\n") is Failure.HEADER_MALFORMED


def test_the_headers_of_all_parts_count_together() -> None:
    limits = Limits(header_octets=len("Content-Type: multipart/mixed; boundary=b..X: 0123456789.."))
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%b\r\n\r\n--b--"
    assert len(scan(raw % b"X: 0123456789", limits).root.children) == 1
    assert refusal(raw % b"X: 01234567890", limits) is Failure.HEADER_MALFORMED


def test_a_boundary_of_70_is_read_and_71_refused() -> None:
    for length, is_read in ((70, True), (71, False)):
        boundary = b"b" * length
        raw = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n\r\nx" % (
            boundary,
            boundary,
        )
        if is_read:
            assert len(scan(raw).root.children) == 1
        else:
            assert refusal(raw) is Failure.HEADER_MALFORMED


def test_100_parameters_are_read_and_101_refused() -> None:
    def raw(count: int) -> bytes:
        return (
            b"Content-Type: text/plain"
            + b"".join(b"; p%d=v" % n for n in range(count))
            + b"\r\n\r\n"
        )

    assert len(scan(raw(100)).root.parameters) == 100
    assert refusal(raw(101)) is Failure.HEADER_MALFORMED


def test_false_delimiters_are_counted() -> None:
    limits = Limits(delimiter_lines=10)
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%b\r\n--b--"
    assert len(scan(raw % (b"x\r\n--bb" * 8), limits).root.children) == 1
    assert refusal(raw % (b"x\r\n--bb" * 9), limits) is Failure.MIME_TOO_MANY_PARTS


@pytest.mark.parametrize(
    "header",
    [
        b"no colon", b" starts with a space", b"From : a@b.fr", b"From\t: a@b.fr", b": empty name",
        b"N\xc3\xa9: x", b"A B: x", b"X: a\rb", b"X: a\nb", b"X: a\nBcc: b", b"From me\r\nX: y",
        b"X: y\r\nno colon", b"X: y\r\n\0: z", b"X: y\n", b"X: y\r\r\n z",
        b"Content-Type: text/plain\r\nContent-Type: text/html",
        b"Content-Transfer-Encoding: 7bit\r\ncontent-transfer-encoding: base64",
        b"Content-Disposition: inline\r\nContent-Disposition: attachment",
        b"Content-Type: multipart/mixed; boundary=a; boundary=b",
        b"Content-Type: text/plain; charset*0=a; charset*0=b",
    ],
)  # fmt: skip
def test_a_header_with_two_readings_is_refused(header: bytes) -> None:
    assert refusal(header + b"\r\n\r\nbody") is Failure.HEADER_MALFORMED
    inner = b"Content-Type: message/rfc822\r\n\r\n" + header + b"\r\n\r\nbody"
    assert refusal(inner) is Failure.HEADER_MALFORMED


def test_a_header_without_a_line_end_to_its_name_costs_linear_time() -> None:
    assert refusal(b"a" * 500_000) is Failure.HEADER_MALFORMED
    assert refusal(b"a\r\n" * 150_000) is Failure.HEADER_MALFORMED


def test_an_empty_message_is_an_empty_text() -> None:
    root = scan(b"").root
    assert (root.media_type, root.size, root.header.fields) == ("text/plain", 0, ())


def test_the_defaults_are_those_of_rfc_2045() -> None:
    root = scan(lines("Subject: x", "", "body")).root
    assert root.media_type == "text/plain"
    assert root.parameter("charset") == "us-ascii"
    assert (root.encoding, root.disposition, root.filename) == ("7bit", "", "")


def test_a_part_of_a_digest_is_a_message() -> None:
    raw = lines(
        "Content-Type: multipart/digest; boundary=b", "", "--b", "", "Subject: un", "", "1", "--b--"
    )
    (child,) = scan(raw).root.children
    assert child.media_type == "message/rfc822"
    assert child.message is not None
    assert child.message.header.text("subject") == "un"


def test_an_encoded_message_is_not_entered() -> None:
    raw = lines(
        "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "U3ViamVjdDogeA=="
    )
    root = scan(raw).root
    assert (root.media_type, root.message) == ("application/octet-stream", None)
    assert root.decoded(raw) == b"Subject: x"


def test_part_numbers_are_those_of_imap() -> None:
    inner = lines(
        "Content-Type: multipart/mixed; boundary=i", "", "--i", "", "a", "--i", "", "b", "--i--"
    )
    raw = lines(
        "Content-Type: multipart/mixed; boundary=o", "", "--o", "", "texte",
        "--o", "Content-Type: message/rfc822", "", inner.decode(),
        "--o", "Content-Type: message/rfc822", "", "Subject: x", "", "seul", "--o--",
    )  # fmt: skip
    assert [part.number for part in scan(raw).root.walk()] == [
        "", "1", "2", "2", "2.1", "2.2", "3", "3.1"
    ]  # fmt: skip


def test_text_is_decoded_by_its_encoding_and_charset() -> None:
    raw = lines(
        "Content-Type: text/plain; charset=iso-8859-15",
        "Content-Transfer-Encoding: Quoted-Printable (lisible)", "", "10 =A4 de=", "=20plus",
    )  # fmt: skip
    assert scan(raw).root.text(raw) == "10 € de plus"


def test_an_unknown_encoding_is_left_as_it_is() -> None:
    raw = lines("Content-Transfer-Encoding: x-uuencode", "", "begin 644 x")
    assert scan(raw).root.decoded(raw) == b"begin 644 x"


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("filename=a.pdf", "a.pdf"),
        ('filename="a b.pdf"', "a b.pdf"),
        ("filename=a b.pdf", "a b.pdf"),
        ('filename="a\\"b.pdf"', 'a"b.pdf'),
        ("FILENAME=a.pdf;", "a.pdf"),
        ("; filename=a.pdf", "a.pdf"),
        ("filename*=utf-8''%C3%A9.pdf", "é.pdf"),
        ("filename*=iso-8859-1'fr'%E9.pdf", "é.pdf"),
        ("filename*=''%C3%A9.pdf", "é.pdf"),
        ("filename*0=a; filename*1=b.pdf", "ab.pdf"),
        ("filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ("filename*0*=utf-8''%C3; filename*1*=%A9.pdf", "é.pdf"),
        ("filename*0=a; filename*2=c", "a"),
        ("filename=old.pdf; filename*=utf-8''n%C3%A9w.pdf", "néw.pdf"),
        ('filename="=?utf-8?Q?=C3=A9?=.pdf"', "é.pdf"),
        ('filename="facture\u202efdp.exe"', "facturefdp.exe"),
        ('filename="unclosed.pdf', ""),
        ("filename", ""),
        ("x=y", ""),
    ],
)  # fmt: skip
def test_the_claimed_name_is_decoded(parameters: str, name: str) -> None:
    raw = lines(f"Content-Disposition: attachment; {parameters}", "", "")
    assert scan(raw).root.filename == name


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", None), (b"abc", None), (b"a\r\nb\r\n", None), (b"\r\n\r\n", None),
        (b"a\nb", 1), (b"a\rb", 1), (b"a\r\n\nb", 3), (b"a\r\r\nb", 1), (b"a\0b", 1),
        (b"\n", 0), (b"\r", 0), (b"a\r\nb\r", 4), (b"\r\n.\n", 3), (b"\n.\r\n", 0), (b"\0\n", 0),
    ],
)  # fmt: skip
def test_a_bare_line_ending_is_found(raw: bytes, where: int | None) -> None:
    assert find_bare_line_ending(raw) == where


def test_a_bare_line_ending_is_found_wherever_the_search_is_cut() -> None:
    size = 1 << 18
    good = b"x" * (size - 1) + b"\r\n"
    assert find_bare_line_ending(good * 2) is None
    assert find_bare_line_ending(b"x" * (size - 1) + b"\rx") == size - 1
    assert find_bare_line_ending(b"x\r\n" + b"x" * (size - 3) + b"\n") == size
