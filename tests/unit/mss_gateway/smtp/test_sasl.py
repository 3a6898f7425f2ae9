"""PLAIN and LOGIN: what a client claims."""

import base64

import pytest

from mss_gateway.smtp.sasl import Cancelled, Challenge, Claim, NotBase64, Unreadable, login, plain


def coded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def answering(*lines: str) -> tuple[Challenge, list[bytes]]:
    prompts: list[bytes] = []
    left = list(lines)

    async def challenge(prompt: bytes) -> str:
        prompts.append(prompt)
        return left.pop(0)

    return challenge, prompts


async def test_plain_with_and_without_an_initial_response() -> None:
    challenge, prompts = answering(coded(b"\0a@b.fr\0mot"))
    assert await plain(challenge, "") == Claim("a@b.fr", "mot")
    assert prompts == [b""]
    assert await plain(challenge, coded(b"a@b.fr\0a@b.fr\0mot")) == Claim("a@b.fr", "mot")


async def test_login_asks_for_what_it_was_not_given() -> None:
    challenge, prompts = answering(coded(b"a@b.fr"), coded("été".encode()))
    assert await login(challenge, "") == Claim("a@b.fr", "été")
    assert prompts == [b"Username:", b"Password:"]
    challenge, prompts = answering(coded(b"mot"))
    assert await login(challenge, coded(b"a@b.fr")) == Claim("a@b.fr", "mot")
    assert prompts == [b"Password:"]


@pytest.mark.parametrize(
    "octets", [b"", b"a", b"a\0b", b"\0a\0b\0c", b"other\0a\0b", b"\0a\0\xff", b"\0\xff\0b"]
)
async def test_a_response_that_is_not_the_mechanism_s(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        await plain(answering()[0], coded(octets) or "=")


@pytest.mark.parametrize("line", ["é", "a", "a b=", "YQ==YQ==", "AA=A"])
async def test_a_response_that_is_not_base64(line: str) -> None:
    with pytest.raises(NotBase64):
        await plain(answering()[0], line)


@pytest.mark.parametrize("mechanism", [plain, login])
async def test_a_star_cancels_at_every_step(mechanism: object) -> None:
    for lines in (["*"], [coded(b"a@b.fr"), "*"]) if mechanism is login else (["*"],):
        with pytest.raises(Cancelled):
            await mechanism(answering(*lines)[0], "")  # type: ignore[operator]


def test_a_password_is_not_in_what_a_claim_prints() -> None:
    assert "mot" not in repr(Claim("a@b.fr", "mot"))
