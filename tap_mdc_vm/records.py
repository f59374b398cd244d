"""What everything between Azure's rows and Singer's messages hands on."""

from __future__ import annotations

import json
import re
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import orjson

T = TypeVar("T")

Record = dict[str, Any]
"""One record of a stream: values by field name."""

_IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a spool that stay in memory before its temporary file goes to disk."""

_LENGTH = 4

_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..|u0000)|.)", re.DOTALL)
"""An escape in JSON: a surrogate pair, half of one or a NUL (which are kept apart), or any other."""


def encoded(value: object) -> bytes:
    """Return the JSON of a record, or of several."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:  # integers over 64 bits, half a surrogate pair: rare, and Python's own encoder takes them
        finite = json.loads(json.dumps(value, default=str), parse_constant=lambda _: None)  # as JSON knows no infinity
        return json.dumps(finite, separators=(",", ":")).encode()


def decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode JSON, with U+FFFD in place of what can't be stored.

    Half a surrogate pair, escaped, in a text that somebody wrote is valid JSON and no text (RFC 8259, section 8.2):
    msgspec refuses it, and the whole page with it. NUL is text, and few databases can hold it. Everything else stays
    as it came.

    Raises:
        ValueError: It is no JSON, or not what the decoder is for.
        RecursionError: It is nested too deep.
    """
    try:
        if rb"\u0000" not in body:
            return decoder.decode(body)
    except ValueError:
        pass  # not by suppress(), which takes as long as to decode a short text
    return decoder.decode(_ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body))


class Spool:
    """Records that wait in a temporary file for their stream's turn: compressed, as they repeat what others say."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - until the records have gone out
        self._let_go = weakref.finalize(self, self._file.close)  # also where a tap is dropped in the middle of a run
        self._end = 0

    def clear(self) -> None:
        """Forget all batches."""
        self._end = 0
        self._file.truncate(0)

    def add(self, records: list[Record]) -> None:
        """Write a batch."""
        packed = zlib.compress(encoded(records), 1)
        self._file.seek(self._end)
        self._end += self._file.write(len(packed).to_bytes(_LENGTH, "big") + packed)

    def __iter__(self) -> Iterator[list[Record]]:
        """Yield the batches as they came."""
        self._file.seek(0)
        while length := self._file.read(_LENGTH):
            yield msgspec.json.decode(zlib.decompress(self._file.read(int.from_bytes(length, "big"))))

    def close(self) -> None:
        """Let go of the file."""
        self._let_go()
