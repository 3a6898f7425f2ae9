"""The corpus, judged by the standard library's ``email``: same tree, same types, same bytes."""

import email
import email.header
import email.message
import email.policy
from pathlib import Path

import pytest

from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.part import Message, Part
from mss_gateway.message.summary import Summary, summarise

CORPUS = sorted((Path(__file__).parents[3] / "corpus" / "messages").glob("*.eml"))

DIFFERENCES = {
    "33-comments-in-type": "the judge keeps the comment in the type (RFC 2045 §5.1 allows it)",
    "30-no-boundary-parameter": "the judge keeps an empty multipart, we show its text",
    "31-never-delimited": "the judge keeps an empty multipart, we show its text",
    "29-empty-parts": "the judge drops the part between two adjacent delimiters",
}


def mine(part: Part, message: Message) -> object:
    if part.children:
        return part.media_type, [mine(child, message) for child in part.children]
    if part.message is not None:
        return part.media_type, [mine(part.message, message)]
    return part.media_type, part.decoded(message.raw)


def theirs(entity: email.message.Message) -> object:
    if entity.is_multipart():
        return entity.get_content_type(), [theirs(child) for child in entity.get_payload()]
    return entity.get_content_type(), entity.get_payload(decode=True)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_tree_is_that_of_the_judge(path: Path) -> None:
    raw = path.read_bytes()
    message = scan(raw)
    judged = theirs(email.message_from_bytes(raw, policy=email.policy.compat32))

    assert find_bare_line_ending(raw) is None
    assert (mine(message.root, message) == judged) is (path.stem not in DIFFERENCES)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_fields_are_those_of_the_judge(path: Path) -> None:
    raw = path.read_bytes()
    judged = email.message_from_bytes(raw, policy=email.policy.compat32)
    header = scan(raw).header

    assert [name for name, _ in header.fields] == [name.lower() for name in judged.keys()]  # noqa: SIM118
    if judged["subject"] is not None and "8bit" not in path.stem:
        decoded = str(email.header.make_header(email.header.decode_header(judged["subject"])))
        assert header.text("subject") == " ".join(decoded.split())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_part_lies_where_its_offsets_say(path: Path) -> None:
    message = scan(path.read_bytes())
    for part in message.root.walk():
        assert part.header_start <= part.header.end <= part.body_start <= part.body_end
        assert part.body_end <= len(message.raw)
        for child in part.children:
            assert part.body_start <= child.header_start <= child.body_end <= part.body_end
        if part.message is not None:
            assert (part.message.header_start, part.message.body_end) == (
                part.body_start,
                part.body_end,
            )


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_section_of_a_summary_is_that_part(path: Path) -> None:
    message = scan(path.read_bytes())
    summary = Summary(summarise(message))
    for part in (part for part in message.root.walk() if not part.children and part.number):
        start, length = summary.section(part.number.encode()) or (-1, -1)
        assert (start, start + length) == (part.body_start, part.body_end)
        start, length = summary.section(part.number.encode() + b".MIME") or (-1, -1)
        assert (start, start + length) == (part.header_start, part.body_start)


def test_the_corpus_is_large_enough_and_each_difference_is_in_it() -> None:
    assert len(CORPUS) >= 30
    assert set(DIFFERENCES) <= {path.stem for path in CORPUS}
