"""The player of dialogues: it passes what agrees and points at the line of what does not."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support import transcript

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATH = Path("dialogue.txt")


async def played(
    text: str,
    talk: Talk,
    patience: float = 5.0,
    tls: ssl.SSLContext | None = None,
    **variables: str,
) -> dict[str, str]:
    """Play ``text`` against a loopback server that does ``talk`` with each client."""

    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_finish, writers)
        port = server.sockets[0].getsockname()[1]

        async def connect(client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection("127.0.0.1", port)

        script = transcript.parse("# RFC 5321 §3.1\n" + text, PATH)
        return await transcript.play(script, connect, variables, tls, patience)


async def _finish(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.close()
        await writer.wait_closed()


def says(*lines: str, hears: int = 0) -> Talk:
    """A server that reads ``hears`` lines, says ``lines`` and closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(hears):
            await reader.readline()
        writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await writer.drain()

    return talk


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that repeats every line, in Python's notation, to show its bytes."""
    while heard := await reader.readline():
        writer.write(f"{heard!r}\r\n".encode())
        await writer.drain()


async def test_an_exact_line_and_a_close_pass() -> None:
    await played("S: 220 here\nS closed\n", says("220 here"))


async def test_a_pattern_matches_between_tildes_only() -> None:
    await played("S: 2.0 ~[0-9]+~ of ~~5~~ (a)\n", says("2.0 14 of ~5~ (a)"))
    with pytest.raises(transcript.TranscriptFailed):
        await played("S: 2.0 ~[0-9]+~\n", says("2x0 14"))


async def test_a_failure_names_file_and_line_and_both_versions() -> None:
    with pytest.raises(transcript.TranscriptFailed, match=r"dialogue\.txt:4: .*'220 b'.*'220 c'"):
        await played("S: 220 a\n\nS: 220 b\n", says("220 a", "220 c"))


async def test_the_client_sends_crlf_or_exactly_what_is_written() -> None:
    await played("C: a\nS: b'a\\r\\n'\nC> \\x41\\0\\n\nS: b'A\\x00\\n'\nC close\n", echo)


async def test_a_bare_line_feed_from_the_server_fails() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\n")

    with pytest.raises(transcript.TranscriptFailed, match="CRLF"):
        await played("S: 220 here\n", talk)


async def test_a_capture_is_used_by_client_and_server_lines() -> None:
    text = "C: ref\nS: b'~(?P<one>.)~ef~.*~\nC: ${one}, ${who}\nS: b'${one}, ~${who}.*~\nC close\n"
    values = await played(text, echo, who="m.e")
    assert values == {"one": "r", "who": "m.e"}


async def test_a_value_inside_a_pattern_is_not_a_pattern() -> None:
    with pytest.raises(transcript.TranscriptFailed):
        await played("S: ~${who}~\n", says("mxe"), who="m.e")


async def test_a_variable_nobody_set_is_a_fault_of_the_file() -> None:
    with pytest.raises(transcript.TranscriptMalformed, match="ref"):
        await played("S: ${ref}\n", says("x"))


async def test_required_lines_come_in_any_order_and_optional_ones_may_miss() -> None:
    text = "S+ * B\nS+ * A\nS* * OK ~.*~\nS: 1 OK\n"
    await played(text, says("* A", "* OK x", "* B", "* OK y", "1 OK"))
    await played(text, says("* B", "* A", "1 OK"))


@pytest.mark.parametrize("lines", [("* A", "1 OK"), ("* A", "* A", "* B", "1 OK")])
async def test_a_required_line_comes_exactly_once(lines: tuple[str, ...]) -> None:
    with pytest.raises(transcript.TranscriptFailed):
        await played("S+ * A\nS+ * B\nS: 1 OK\n", says(*lines))


async def test_required_lines_need_no_closing_line() -> None:
    await played("S+ * A\nS+ * B\nS closed\n", says("* B", "* A"))


async def test_two_clients_talk_in_turn() -> None:
    await played("C1: a\nC2: b\nS2: b'b\\r\\n'\nS1: b'a\\r\\n'\nC1 close\nC2 close\n", echo)


async def test_what_nobody_expected_fails_at_the_end() -> None:
    with pytest.raises(transcript.TranscriptFailed, match="nothing more"):
        await played("S: a\n", says("a", "b"))


async def test_more_words_before_the_close_fail() -> None:
    with pytest.raises(transcript.TranscriptFailed, match="closed"):
        await played("S: a\nS closed\n", says("a", "b"))


async def test_a_silent_server_fails_the_line() -> None:
    with pytest.raises(transcript.TranscriptFailed, match=r":2: .*nothing in 0\.01 s"):
        await played("S: a\nC close\n", echo, patience=0.01)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("S: a", "specification"),
        ("# RFC 5321\nS; a", "not a step"),
        ("# RFC 5321\nS> a", "not a step"),
        ("# RFC 5321\nC+ a", "not a step"),
        ("# RFC 5321\nS:a", "space"),
        ("# RFC 5321\nC: a", "nothing is expected"),
        ("# RFC 5321\nS* a", "needs an S:"),
        ("# RFC 5321\nS* a\nC: b\nS: c", "needs an S:"),
    ],
)
def test_a_malformed_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(transcript.TranscriptMalformed, match=complaint):
        transcript.parse(text, PATH)


async def test_an_unclosed_pattern_is_refused() -> None:
    with pytest.raises(transcript.TranscriptMalformed, match="not closed"):
        await played("S: ~a\n", says("a"))


def test_a_file_is_read_with_its_title(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("# RFC 9051 §6.1.1, capability\nS: * OK é\n", encoding="utf-8")
    read = transcript.load(path)
    assert read.title == "RFC 9051 §6.1.1, capability"
    assert [step.text for step in read.steps] == ["* OK é"]


@pytest.fixture
def tls_pair(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server called localhost and of a client that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "pair.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pair.pem")
    client = ssl.create_default_context(cadata=certificate.public_bytes(pem).decode())
    return server, client


async def test_tls_begins_where_the_file_says(
    tls_pair: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 go\r\n")
        await writer.drain()
        await writer.start_tls(tls_pair[0])
        heard = await reader.readline()
        secure = writer.get_extra_info("cipher") is not None
        writer.write(b"%b %d\r\n" % (heard.strip(), secure))
        await writer.drain()

    text = "C: STARTTLS\nS: 220 go\nC starttls\nC: hello\nS: hello 1\nS closed\n"
    await played(text, talk, tls=tls_pair[1])


async def test_tls_without_a_context_is_a_fault_of_the_test() -> None:
    with pytest.raises(transcript.TranscriptMalformed, match="no TLS context"):
        await played("C starttls\nS: a\n", says("a"))
