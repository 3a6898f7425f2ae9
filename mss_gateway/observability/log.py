"""The log: JSON lines whose fields are allow-listed; everything else is dropped and counted.

Library loggers are tamed: aiosmtpd prints bodies at DEBUG, recipients at INFO and whole exceptions
at ERROR. What a library logs becomes one line that says which library, where and how grave, and
repeats none of its text.
"""

import logging
import sys
from typing import Any, TextIO

import structlog

FIELDS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "message_ref",
        "account",
        "channel",
        "stage",
        "failure",
        "verdict",
        "code",
        "port",
        "octets",
        "seconds",
        "count",
        "state",
        "version",
        "error",
        "where",
        "peer_port",
        "dropped",
    }
)
"""Fields that may reach the log. ``error`` is an exception's class, ``where`` its file and line."""

TAMED = ("mail", "mail.log", "mail.debug", "aiosmtpd", "uvicorn", "uvicorn.access", "asyncio")

_PLAIN = (str, int, float, bool, type(None))
"""Types that a field may have: anything else would print what it holds."""


class LibraryLines(logging.Handler):
    """What the standard library's loggers are given, without its words."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line: the logger's name, its line of code, the class of an exception."""
        raised = record.exc_info[0] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library",
            where=f"{record.name}:{record.lineno}",
            error="" if raised is None else raised.__name__,
        )


def configure(stream: TextIO | None = None) -> None:
    """Send structured lines to ``stream`` (standard error by default)."""
    for name in TAMED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLines) for handler in root.handlers):
        root.addHandler(LibraryLines(logging.WARNING))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def keep_allowed(_logger: Any, _method: str, event: Any) -> Any:
    """Drop every field that is not on the list or not a plain value, and say how many."""
    dropped = [key for key in event if key not in FIELDS or not isinstance(event[key], _PLAIN)]
    for key in dropped:
        del event[key]
    if dropped:
        event["dropped"] = len(dropped)
    return event


def bug(event: str, error: BaseException, **fields: object) -> None:
    """Log something unforeseen: the class and the place, never the text of an exception."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = ""
    if frame is not None:
        name = frame.tb_frame.f_code.co_filename.rsplit("/", 2)
        where = f"{'/'.join(name[-2:])}:{frame.tb_lineno}"
    structlog.get_logger().error(event, error=type(error).__name__, where=where, **fields)


def note(event: str, **fields: object) -> None:
    """Log an expected event."""
    structlog.get_logger().info(event, **fields)
