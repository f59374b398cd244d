"""Rows as they are sent, in a file on disk: too many for memory in a large tenant, and rarely looked into."""

from __future__ import annotations

import mmap
from array import array
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_PROPERTIES = b',"properties":'
_REST = b',"tags":null,"identity":null,"zones":null,"extendedLocation":null}'
"""What follows the properties of a row with nothing in its last columns."""


class Archive:
    """A file of JSON objects, one a line, with the columns of a row in Azure's order; found by number from 0."""

    def __init__(self, path: Path, lines: Iterable[bytes]) -> None:
        """Write the file."""
        self.path = path
        self._ends = array("Q", [0])
        with path.open("wb") as file:
            for line in lines:
                file.write(line)
                file.write(b"\n")
                self._ends.append(self._ends[-1] + len(line) + 1)
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if len(self) else None

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._ends) - 1

    def close(self) -> None:
        """Let go of the file."""
        if self._bytes is not None:
            self._bytes.close()

    def lines(self, numbers: Sequence[int]) -> list[bytes]:
        """Some rows as they are in the file."""
        assert self._bytes is not None or not numbers  # noqa: S101  # there is a row, so there is a file
        return [self._bytes[self._ends[n] : self._ends[n + 1] - 1] for n in numbers] if self._bytes else []

    def texts(self, numbers: Sequence[int], columns: Sequence[str], *, as_table: bool = False) -> list[bytes]:
        """Some columns of some rows, as JSON objects or arrays."""
        rows = map(_read, self.lines(numbers))
        if as_table:
            return [orjson.dumps([row[column] for column in columns]) for row in rows]
        return [orjson.dumps({column: row[column] for column in columns}) for row in rows]


def _read(line: bytes) -> dict[str, object]:
    """A row; its properties, nine tenths of it, are passed on unread where that is safe."""
    row: dict[str, object]
    if not line.endswith(_REST):
        row = orjson.loads(line)
        return row
    at = line.index(_PROPERTIES)
    row = orjson.loads(line[:at] + _REST)
    row["properties"] = orjson.Fragment(line[at + len(_PROPERTIES) : -len(_REST)])
    return row
