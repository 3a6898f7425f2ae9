"""Outgoing messages: what is written is read back, and no value writes a field of its own."""

import datetime
import email
import email.policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mss_gateway.message.address import (
    AddressMalformed,
    EmailAddress,
    Mailbox,
    parse_author,
    parse_mailboxes,
)
from mss_gateway.message.attachments import attachments, body_text
from mss_gateway.message.build import (
    HeaderInjection,
    Outgoing,
    OutgoingFile,
    add_fields,
    compose,
    fold_field,
    multipart,
    remove_fields,
    rewrite_from_display,
    text_entity,
    text_field,
)
from mss_gateway.message.parse import find_bare_line_ending, scan
from mss_gateway.message.words import display_safe

CORPUS = sorted((Path(__file__).parents[3] / "corpus" / "messages").glob("*.eml"))
MOMENT = datetime.datetime(2026, 11, 22, 8, tzinfo=datetime.UTC)
PATIENT = Mailbox("Jean DUPONT", EmailAddress("279035121518989", "patient.example.fr"))
CLAIRE = Mailbox("Dr Claire MARTIN", EmailAddress("claire.martin", "chu.example.fr"))


def outgoing(
    *,
    author: Mailbox = PATIENT,
    recipients: tuple[Mailbox, ...] = (CLAIRE,),
    subject: str = "Ma réponse",
    text: str = "Bonjour,\nvoici la photo.\n",
    files: tuple[OutgoingFile, ...] = (),
    in_reply_to: str = "",
    references: tuple[str, ...] = (),
    extra: tuple[tuple[str, str], ...] = (),
) -> Outgoing:
    return Outgoing(
        author,
        recipients,
        subject,
        text,
        "<1@patient.example.fr>",
        MOMENT,
        in_reply_to,
        references,
        files,
        extra,
    )


PHOTO = OutgoingFile("photo d'été.jpg", "image/jpeg", b"\xff\xd8\xff" + bytes(range(256)) * 300)


def test_a_message_with_a_photo_is_read_back() -> None:
    raw = compose(
        outgoing(
            files=(PHOTO,),
            in_reply_to="<0@x.fr>",
            references=("<a@x.fr>", "<0@x.fr>"),
            extra=(("X-MSS-MES", "FIN"),),
        )
    )
    message = scan(raw)
    header = message.header

    assert parse_author(header.unfolded("from")) == PATIENT
    assert parse_mailboxes(header.unfolded("to")) == (CLAIRE,)
    assert header.text("subject") == "Ma réponse"
    assert header.text("date") == "Sun, 22 Nov 2026 08:00:00 +0000"
    assert header.first("in-reply-to") == b" <0@x.fr>"
    assert header.first("references") == b" <a@x.fr> <0@x.fr>"
    assert header.first("x-mss-mes") == b" FIN"
    assert body_text(message).plain == "Bonjour,\r\nvoici la photo.\r\n"
    (file,) = attachments(message)
    assert (file.claimed_name, file.claimed_type) == (PHOTO.name, PHOTO.media_type)
    assert file.content() == PHOTO.content
    judged = email.message_from_bytes(raw, policy=email.policy.default)
    assert [one.get_filename() for one in judged.iter_attachments()] == [PHOTO.name]


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=120)
bodies = st.text(
    st.characters(codec="utf-8", exclude_characters="\r"), max_size=300
) | st.sampled_from(
    ["x" * 3_000, "é" * 3_000, ".", "\n.\n", "From moi\n", "fin de ligne \nx\t\n", "=\n=20\n"]
)


@given(names, names, names, bodies)
def test_what_is_composed_is_read_back(name: str, subject: str, filename: str, text: str) -> None:
    author = Mailbox(display_safe(name), PATIENT.address)
    file = OutgoingFile(display_safe(filename), "image/png", b"x")
    raw = compose(outgoing(author=author, subject=display_safe(subject), text=text, files=(file,)))
    message = scan(raw)

    assert find_bare_line_ending(raw) is None
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert parse_author(message.header.unfolded("from")) == author
    assert message.header.text("subject") == display_safe(subject)
    first, second = message.root.children
    assert first.text(raw).replace("\r\n", "\n") == text
    assert second.filename == display_safe(file.name)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=400))
def test_a_header_is_folded_at_78(subject: str) -> None:
    lines = text_field("Subject", subject).split(b"\r\n")
    assert all(len(line) <= 78 for line in lines)


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\nBcc: x@y.fr", "a\0b", "\n", "\r\n\r\ncorps"])
def test_no_value_writes_a_field_of_its_own(bad: str) -> None:
    address = CLAIRE.address
    attempts = [
        lambda: compose(outgoing(subject=bad)),
        lambda: compose(outgoing(author=Mailbox(bad, address))),
        lambda: compose(outgoing(recipients=(CLAIRE, Mailbox(bad, address)))),
        lambda: compose(outgoing(in_reply_to=bad)),
        lambda: compose(outgoing(references=("<a@b>", bad))),
        lambda: compose(outgoing(extra=(("X-A", bad),))),
        lambda: compose(outgoing(extra=((bad, "x"),))),
        lambda: compose(outgoing(files=(OutgoingFile(bad, "image/png", b""),))),
        lambda: compose(outgoing(files=(OutgoingFile("a", f"image/{bad}", b""),))),
        lambda: add_fields(b"\r\n", [("X-A", bad)]),
        lambda: rewrite_from_display(b"From: a@b.fr\r\n\r\n", bad),
    ]
    for attempt in attempts:
        with pytest.raises(HeaderInjection):
            attempt()


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é", "a\r\nb"])
def test_a_field_has_a_field_name(name: str) -> None:
    with pytest.raises(HeaderInjection):
        text_field(name, "x")


@pytest.mark.parametrize(
    "media_type", ["image", "image/", "/png", "image/png; x=y", "a b/c", "é/x"]
)
def test_a_file_has_a_media_type(media_type: str) -> None:
    with pytest.raises(HeaderInjection):
        compose(outgoing(files=(OutgoingFile("a", media_type, b""),)))


def test_a_word_that_no_fold_can_save_is_refused() -> None:
    assert fold_field("X", ["y" * 997])
    with pytest.raises(HeaderInjection):
        fold_field("X", ["y" * 998])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("bonjour", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("été", "quoted-printable"),
        ("中" * 4_000, "base64"),
        ("a\0b", "base64"),
    ],
)
def test_text_is_encoded_as_lightly_as_it_can_be(text: str, encoding: str) -> None:
    root = scan(text_entity(text)).root
    assert root.encoding == encoding
    assert root.text(text_entity(text)) == text


def test_the_boundary_never_occurs_in_a_part() -> None:
    raw = multipart("mixed", [b"\r\n=_mss_0", b"\r\n--=_mss_1"])
    assert [part.size for part in scan(raw).root.children] == [7, 9]


@pytest.mark.parametrize(
    "display", ["Dr Claire MARTIN", "Dr_Hélène_ROY_CHU", 'a "b" \\c', "x, y", ""]
)
def test_only_the_display_name_of_from_is_rewritten(display: str) -> None:
    raw = CORPUS[3].read_bytes()
    rewritten = rewrite_from_display(raw, display)
    assert parse_author(scan(rewritten).header.unfolded("from")) == Mailbox(display, CLAIRE.address)
    assert rewritten.partition(b"\r\nTo: ")[2] == raw.partition(b"\r\nTo: ")[2]


def test_a_rewritten_from_keeps_its_address_as_written() -> None:
    raw = b"A: 1\r\nFROM: x\r\n <Claire@B.fr> (y)\r\nB: 2\r\n\r\nFrom: corps"
    assert rewrite_from_display(raw, "Hélène") == (
        b"A: 1\r\nFrom: =?utf-8?B?SMOpbMOobmU=?= <Claire@B.fr>\r\nB: 2\r\n\r\nFrom: corps"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: x\r\n\r\n",
        b"From: a@b.fr\r\nFrom: a@b.fr\r\n\r\n",
        b"From: a@b.fr, c@d.fr\r\n\r\n",
        b"From: T: a@b.fr;\r\n\r\n",
        b"From: moi\r\n\r\n",
    ],
)
def test_a_from_that_is_not_one_author_is_not_rewritten(raw: bytes) -> None:
    with pytest.raises(AddressMalformed):
        rewrite_from_display(raw, "x")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_field_added_and_removed_leaves_no_trace(path: Path) -> None:
    raw = path.read_bytes()
    assert (
        remove_fields(add_fields(raw, [("X-Essai", "é"), ("X-Autre", "2")]), ["x-essai", "X-AUTRE"])
        == raw
    )


def test_removed_fields_go_with_their_folds() -> None:
    raw = b"A: 1\r\nBcc: a@b.fr,\r\n c@d.fr\r\nB: 2\r\nbcc: x@y.fr\r\n\r\nBcc: corps"
    assert remove_fields(raw, ["Bcc"]) == b"A: 1\r\nB: 2\r\n\r\nBcc: corps"
