"""What a statement answers: rows as plain tuples, straight from the driver.

SQLAlchemy's result objects cost several times the statement itself for the one-row look-ups that a
message is made of (docs/decisions/0011); this is all of them that the store needs.
"""

from collections.abc import Iterator
from typing import Any, Protocol

Row = tuple[Any, ...]


class Cursor(Protocol):
    """A driver's cursor (PEP 249)."""

    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def close(self) -> None: ...


class Rows:
    """The rows of one statement; each method but iteration ends it.

    What is iterated over is noted in ``streams``, for the view to end what its reader left off: a
    statement that is not at its end would keep the connection at this view's snapshot for ever.
    """

    __slots__ = ("_cursor", "_streams")

    def __init__(self, cursor: Cursor, streams: list[Cursor]) -> None:
        self._cursor = cursor
        self._streams = streams

    def __iter__(self) -> Iterator[Row]:
        """Row by row, while more are read; not beyond the view."""
        self._streams.append(self._cursor)
        return iter(self._cursor.fetchone, None)

    def fetchall(self) -> list[Row]:
        """Every row that is left."""
        return self._cursor.fetchall()

    def first(self) -> Row | None:
        """The first row, if any; the rest is dropped."""
        row: Row | None = self._cursor.fetchone()
        self._cursor.close()
        return row

    def one(self) -> Row:
        """The first row; raises LookupError when there is none."""
        row = self.first()
        if row is None:
            raise LookupError("the statement answered no row")
        return row

    def scalar(self) -> Any:
        """The first value of the first row, or None when there is no row."""
        row = self.first()
        return None if row is None else row[0]

    def scalar_one(self) -> Any:
        """The first value of the first row; raises LookupError when there is none."""
        return self.one()[0]
