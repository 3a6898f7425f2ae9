"""Fetching by HTTP: what comes, and what is refused of servers that are slow, big or elsewhere."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.certificate import to_pem
from certs.issuing.issue import Authority, export_for_client
from certs.keyring import PrivateKey
from mss_gateway.directory import fetching
from mss_gateway.directory.fetching import (
    PIECE_OCTETS,
    REDIRECTIONS,
    VALIDATOR_OCTETS,
    Fetcher,
    FetchRefused,
    Question,
    Trouble,
)
from mss_gateway.directory.keysets import private_context
from tests.support.status_site import Reply, StatusSite, serving


@pytest.fixture
def site() -> Iterator[StatusSite]:
    with serving() as served:
        served.publish(b"answer")
        yield served


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    made = Fetcher(lambda url: True)
    yield made
    made.close()


def question(url: str, octets: int = 1_000, seconds: float = 10, **more: object) -> Question:
    return Question(url, "application/pkix-crl", octets, seconds, **more)  # type: ignore[arg-type]


def trouble(fetcher: Fetcher, asked: Question) -> Trouble:
    with pytest.raises(FetchRefused) as refused:
        fetcher.fetch(asked)
    return refused.value.trouble


# what is asked and what comes


def test_a_get_says_what_it_takes_and_nothing_of_us(site: StatusSite, fetcher: Fetcher) -> None:
    reply = fetcher.fetch(question(f"{site.url}/a/b?c=d#e"))
    assert (reply.body, reply.is_unchanged) == (b"answer", False)
    (asked,) = site.asked
    assert (asked.method, asked.path, asked.body) == ("GET", "/a/b?c=d", b"")
    assert asked.headers == {
        "Host": site.host,
        "Accept-Encoding": "identity",
        "Accept": "application/pkix-crl",
        "Connection": "close",
    }


def test_an_address_without_a_path_asks_for_the_root(site: StatusSite, fetcher: Fetcher) -> None:
    fetcher.fetch(question(site.url))
    assert site.asked[0].path == "/"


def test_a_body_is_posted_with_its_type(site: StatusSite, fetcher: Fetcher) -> None:
    fetcher.fetch(question(site.url, body=b"asked", content_type="application/ocsp-request"))
    (asked,) = site.asked
    assert (asked.method, asked.body) == ("POST", b"asked")
    assert asked.headers["Content-Type"] == "application/ocsp-request"


def test_what_has_not_changed_does_not_come_again(site: StatusSite, fetcher: Fetcher) -> None:
    site.publish(b"answer", ETag='"one"', Last_Modified="Sun, 22 Nov 2026 08:30:00 GMT")
    first = fetcher.fetch(question(site.url))
    assert (first.etag, first.last_modified) == ('"one"', "Sun, 22 Nov 2026 08:30:00 GMT")
    site.fail(304)
    again = fetcher.fetch(question(site.url, etag=first.etag, last_modified=first.last_modified))
    assert (again.is_unchanged, again.body, again.etag) == (True, b"", '"one"')
    assert site.asked[1].headers["If-None-Match"] == '"one"'
    assert site.asked[1].headers["If-Modified-Since"] == "Sun, 22 Nov 2026 08:30:00 GMT"


def test_unchanged_is_no_answer_to_who_has_nothing(site: StatusSite, fetcher: Fetcher) -> None:
    site.fail(304)
    assert trouble(fetcher, question(site.url)) is Trouble.STATUS


@pytest.mark.parametrize(
    ("etag", "kept"),
    [('"é"', ""), ("x" * VALIDATOR_OCTETS, "x" * VALIDATOR_OCTETS), ("x" * 257, "")],
)
def test_a_name_that_is_not_plain_or_short_is_not_sent_back(
    site: StatusSite, fetcher: Fetcher, etag: str, kept: str
) -> None:
    site.publish(b"answer", ETag=etag)
    assert fetcher.fetch(question(site.url)).etag == kept


# how much


@pytest.mark.parametrize("size", [0, 1, 1_000])
def test_a_body_of_the_greatest_size_is_taken(
    site: StatusSite, fetcher: Fetcher, size: int
) -> None:
    site.publish(b"x" * size)
    assert fetcher.fetch(question(site.url, 1_000)).body == b"x" * size


def test_a_greater_one_is_not_even_read_when_it_is_announced(
    site: StatusSite, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PIECE_OCTETS", None)  # reading would fail
    site.publish(b"x" * 1_001)
    assert trouble(fetcher, question(site.url, 1_000)) is Trouble.TOO_BIG


def chunked(*pieces: bytes) -> Reply:
    body = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces)
    return Reply(body, headers={"Transfer_Encoding": "chunked"})


def test_one_without_announced_size_is_read_up_to_the_limit(
    site: StatusSite, fetcher: Fetcher
) -> None:
    whole = chunked(b"x" * 600, b"y" * 400, b"")
    site.answer = lambda asked: whole
    assert fetcher.fetch(question(site.url, 1_000)).body == b"x" * 600 + b"y" * 400
    endless = chunked(*[b"z" * PIECE_OCTETS] * 20)
    site.answer = lambda asked: endless
    assert trouble(fetcher, question(site.url, 1_000)) is Trouble.TOO_BIG


def test_one_that_ends_too_soon_is_none(site: StatusSite, fetcher: Fetcher) -> None:
    site.answer = lambda asked: Reply(b"half", announce=8)
    assert trouble(fetcher, question(site.url)) is Trouble.CUT_SHORT
    site.answer = lambda asked: chunked(b"half")
    assert trouble(fetcher, question(site.url)) is Trouble.CUT_SHORT


def test_a_compressed_one_is_refused(site: StatusSite, fetcher: Fetcher) -> None:
    site.publish(b"\x1f\x8b", Content_Encoding="gzip")
    assert trouble(fetcher, question(site.url)) is Trouble.ENCODED


@pytest.mark.parametrize("status", [204, 206, 400, 403, 404, 500, 503])
def test_only_200_is_an_answer(site: StatusSite, fetcher: Fetcher, status: int) -> None:
    site.fail(status)
    with pytest.raises(FetchRefused, match=f"answered {status}") as refused:
        fetcher.fetch(question(site.url))
    assert refused.value.status == status


# where


def test_a_host_that_is_not_allowed_is_not_asked(site: StatusSite) -> None:
    fetcher = Fetcher(lambda url: url.endswith("/allowed"))
    assert trouble(fetcher, question(f"{site.url}/other")) is Trouble.HOST
    assert site.asked == []
    assert fetcher.fetch(question(f"{site.url}/allowed")).body == b"answer"


def moved(where: str, then: bytes = b"there") -> object:
    def answer(asked: object) -> Reply:
        if getattr(asked, "path", "") == "/new":
            return Reply(then)
        return Reply(status=301, headers={"Location": where})

    return answer


def test_a_redirection_on_the_same_host_is_followed(site: StatusSite, fetcher: Fetcher) -> None:
    for where in ("/new", "new", f"{site.url}/new"):
        site.answer = moved(where)  # type: ignore[assignment]
        assert fetcher.fetch(question(f"{site.url}/old")).body == b"there"


def test_a_redirection_to_another_host_is_not(site: StatusSite, fetcher: Fetcher) -> None:
    with serving() as elsewhere:
        elsewhere.publish(b"stolen")
        by_name = elsewhere.url.replace("127.0.0.1", "localhost")
        for where in (by_name, f"//localhost:{elsewhere.url.rpartition(':')[2]}/", "http://[x"):
            site.answer = moved(where)  # type: ignore[assignment]
            assert trouble(fetcher, question(f"{site.url}/old")) is Trouble.REDIRECTED
        assert elsewhere.asked == []


def test_a_redirection_to_a_port_that_is_not_allowed_is_not_followed(site: StatusSite) -> None:
    with serving() as elsewhere:
        fetcher = Fetcher(lambda url: url.startswith(site.url))
        site.answer = moved(elsewhere.url)  # type: ignore[assignment]
        assert trouble(fetcher, question(f"{site.url}/old")) is Trouble.HOST
        assert elsewhere.asked == []


def test_redirections_come_to_an_end(site: StatusSite, fetcher: Fetcher) -> None:
    site.answer = moved("/again")  # type: ignore[assignment]
    assert trouble(fetcher, question(f"{site.url}/old")) is Trouble.REDIRECTED
    assert len(site.asked) == 1 + REDIRECTIONS


def test_a_post_is_not_carried_elsewhere(site: StatusSite, fetcher: Fetcher) -> None:
    site.answer = moved("/new")  # type: ignore[assignment]
    assert trouble(fetcher, question(site.url, body=b"x")) is Trouble.REDIRECTED
    assert len(site.asked) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://127.0.0.1/", Trouble.ADDRESS),
        ("file:///etc/passwd", Trouble.ADDRESS),
        ("http://127.0.0.1:abc/", Trouble.ADDRESS),
        ("http://127.0.0.1:99999/", Trouble.ADDRESS),
        ("http://[/", Trouble.ADDRESS),
        ("https://127.0.0.1/", Trouble.NO_AUTHORITIES),
        ("http://127.0.0.1:1/a b", Trouble.UNREACHABLE),
    ],
)
def test_what_is_no_address_to_ask_is_refused(fetcher: Fetcher, url: str, why: Trouble) -> None:
    assert trouble(fetcher, question(url)) is why


def test_a_header_cannot_be_smuggled_into_an_address(site: StatusSite, fetcher: Fetcher) -> None:
    asked = question(f"{site.url}/a\r\nX-Evil: 1")
    with pytest.raises(FetchRefused):
        fetcher.fetch(asked)
    assert all("X-Evil" not in each.headers for each in site.asked)


def test_a_port_where_nobody_listens_is_unreachable(fetcher: Fetcher) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    assert trouble(fetcher, question(url)) is Trouble.UNREACHABLE


def test_what_is_not_http_is_refused(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            channel, _ = server.accept()
            with channel:
                channel.recv(1_000)
                channel.sendall(b"220 smtp.example ESMTP\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert trouble(fetcher, question(url)) is Trouble.NOT_HTTP
        thread.join()


# how long


@pytest.mark.parametrize("body", [b"", b"half"])
def test_a_server_that_does_not_go_on_is_let_go(
    site: StatusSite, fetcher: Fetcher, body: bytes
) -> None:
    site.answer = lambda asked: Reply(body, announce=8, wait=threading.Event())
    assert trouble(fetcher, question(site.url, seconds=0.2)) is Trouble.TOO_SLOW


def test_an_answer_without_a_size_that_was_cut_off_is_not_taken_for_whole(
    fetcher: Fetcher,
) -> None:
    """The end of an HTTP/1.0 body is the end of the connection, and that end would be ours."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            channel, _ = server.accept()
            with channel:
                channel.recv(1_000)
                channel.sendall(b"HTTP/1.0 200 OK\r\n\r\nhalf")
                done.wait(10)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert trouble(fetcher, question(url, seconds=0.3)) is Trouble.TOO_SLOW
        done.set()
        thread.join()


def test_closing_ends_what_is_under_way_and_what_comes_after(site: StatusSite) -> None:
    fetcher, begun = Fetcher(lambda url: True), threading.Event()

    def stall(asked: object) -> Reply:
        begun.set()
        return Reply(b"half", announce=8, wait=threading.Event())

    site.answer = stall
    refused: list[Trouble] = []
    thread = threading.Thread(
        target=lambda: refused.append(trouble(fetcher, question(site.url, seconds=60)))
    )
    thread.start()
    assert begun.wait(10)
    fetcher.close()
    thread.join(10)
    assert refused == [Trouble.TOO_SLOW]
    assert trouble(fetcher, question(site.url)) is Trouble.UNREACHABLE


# by https


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Certificate, key and authority of a server on loopback."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.now(UTC).replace(microsecond=0)
    authority, key = Authority.create("Publication", "p256", now, 1), PrivateKey.generate("p256")
    made = authority.issue_server(["localhost"], ["127.0.0.1"], key.public_key, now, 10)
    paths = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    export_for_client(key, (made, *authority.chain), paths[1], paths[0])
    paths[2].write_bytes(to_pem(authority.root))
    return paths


def test_https_is_believed_by_the_authorities_handed_in_only(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    now = datetime.now(UTC).replace(microsecond=0)
    other.write_bytes(to_pem(Authority.create("Autre", "p256", now, 1).root))
    with serving(files[:2]) as site:
        site.publish(b"answer")
        secure = Fetcher(lambda url: True, private_context(files[2]))
        assert secure.fetch(question(site.url)).body == b"answer"
        stranger = Fetcher(lambda url: True, private_context(other))
        assert trouble(stranger, question(site.url)) is Trouble.TLS
        assert len(site.asked) == 1
