"""The log names no one: fields by list, no text of exceptions, libraries without their words."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from mss_gateway.observability import log

SECRET = "Madame Exemple, 279035121518989"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A configured log; what it changed of the loggers is put back."""
    loggers = [logging.getLogger(name) for name in log.TAMED]
    before = [(one.level, one.disabled) for one in loggers]
    root = logging.getLogger()
    handlers = list(root.handlers)
    opened = io.StringIO()
    log.configure(opened)
    yield opened
    structlog.reset_defaults()
    root.handlers[:] = handlers
    for one, (level, disabled) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.disabled = disabled


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_level_and_time(stream: io.StringIO) -> None:
    log.note("started", port=2587)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "started", "level": "info", "port": 2587}


@pytest.mark.parametrize("name", sorted(log.FIELDS - {"event", "level", "timestamp", "dropped"}))
def test_a_field_of_the_list_passes(stream: io.StringIO, name: str) -> None:
    log.note("x", **{name: "v"})
    assert lines(stream)[0][name] == "v"


@pytest.mark.parametrize(
    "name",
    [
        "subject",
        "address",
        "ins",
        "recipient",
        "reverse_path",
        "exc_info",
        "stack_info",
        "positional",
    ],
)
def test_any_other_field_is_dropped_and_counted(stream: io.StringIO, name: str) -> None:
    log.note("x", message_ref="ref1", other=SECRET, **{name: SECRET})
    (line,) = lines(stream)
    assert line["dropped"] == 2
    assert line["message_ref"] == "ref1"
    assert "Exemple" not in stream.getvalue()


@pytest.mark.parametrize("value", [b"octets", ("a", "b"), {"a": 1}, object(), ValueError(SECRET)])
def test_a_value_that_is_not_plain_is_dropped(stream: io.StringIO, value: object) -> None:
    log.note("x", stage=value)
    (line,) = lines(stream)
    assert line["dropped"] == 1
    assert "stage" not in line


@pytest.mark.parametrize("value", ["s", 1, 1.5, True, None])
def test_a_plain_value_passes(stream: io.StringIO, value: object) -> None:
    log.note("x", stage=value)
    assert lines(stream)[0]["stage"] == value


def test_a_bug_is_told_by_class_and_place_and_never_by_its_text(stream: io.StringIO) -> None:
    try:
        int(SECRET)
    except ValueError as error:
        caught = error
    log.bug("stage", caught, stage="deliver", subject=SECRET)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["error"]) == ("stage", "error", "ValueError")
    path, _, number = line["where"].partition(":")
    assert path == "observability/test_log.py"
    assert int(number) > 0
    assert "Exemple" not in stream.getvalue()


def test_a_bug_is_placed_where_it_was_raised(stream: io.StringIO) -> None:
    def inner() -> None:
        raise LookupError(SECRET) from ValueError(SECRET)

    try:
        inner()
    except LookupError as error:
        caught = error
    first = inner.__code__.co_firstlineno
    log.bug("x", caught)
    assert lines(stream)[0]["where"] == f"observability/test_log.py:{first + 1}"
    assert "Exemple" not in stream.getvalue()


def test_a_bug_that_was_never_raised_has_no_place(stream: io.StringIO) -> None:
    log.bug("x", ValueError(SECRET))
    assert lines(stream)[0]["where"] == ""


# library loggers


@pytest.mark.parametrize("name", ["mail.log", "mail.debug", "uvicorn.error", "asyncio"])
@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_what_a_library_tells_below_a_warning_is_not_heard(
    stream: io.StringIO, name: str, level: int
) -> None:
    logging.getLogger(name).log(level, "%r recip: %s", ("127.0.0.1", 1), SECRET)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["mail.log", "uvicorn.error", "asyncio", "any.other"])
@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_a_librarys_warning_is_told_without_its_words(
    stream: io.StringIO, name: str, level: int
) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger(name).log(level, "%s failed", SECRET, exc_info=True)
    (line,) = lines(stream)
    assert (line["event"], line["error"]) == ("library", "ValueError")
    assert line["level"] == logging.getLevelName(level).lower()
    assert line["where"].startswith(f"{name}:")
    assert "Exemple" not in stream.getvalue()


def test_aiosmtpd_uses_the_loggers_that_are_tamed() -> None:
    from aiosmtpd import controller, handlers, smtp

    used = {
        value.name
        for module in (controller, handlers, smtp)
        for value in vars(module).values()
        if isinstance(value, logging.Logger)
    }
    assert used
    assert used <= set(log.TAMED)


def test_the_log_of_requests_is_off(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.access").error("GET /message/%s", SECRET)
    assert stream.getvalue() == ""


def test_configuring_again_does_not_double_the_lines(stream: io.StringIO) -> None:
    log.configure(stream)
    logging.getLogger("mail.log").error("x")
    log.note("y")
    assert [line["event"] for line in lines(stream)] == ["library", "y"]


def test_every_field_of_the_list_is_a_word_of_ours() -> None:
    assert not log.FIELDS & {"subject", "address", "ins", "name", "recipient", "login", "peer"}
