"""What pieces of JSON say that many rows share: decoded once, within a bound of memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec
from xxhash import xxh3_128_digest

_Value = TypeVar("_Value")

_SEED = secrets.randbits(64)
"""A secret of the process, so that nobody can write two pieces that are taken for one."""

_MARKS = 1 << 20
"""Bytes in which a piece leaves its mark when it comes for the first time."""

_OVERHEAD = 1280
"""Bytes that a result takes beside its texts, estimated."""


class Remembered(Generic[_Value]):
    """A function of a piece of JSON, which remembers results as long as there is room.

    What comes once costs hardly more than to compute it: a result is kept when its piece comes again. And what is kept,
    stays. Findings come machine by machine, so that each recommendation comes back only after all others: a memory that
    gave up the oldest for the newest would lose each just before it is needed.

    Args:
        function: What is computed. Nobody may change its results, since all who ask share them.
        room: Bytes that results may take, estimated by the length of their pieces.
    """

    def __init__(self, function: Callable[[msgspec.Raw], _Value], room: int) -> None:
        """Begin with nothing."""
        self._function, self._room = function, room
        self._known: dict[bytes, _Value] = {}
        self._came = bytearray(_MARKS)

    def __call__(self, piece: msgspec.Raw) -> _Value:
        """Return the function's result for a piece."""
        digest = xxh3_128_digest(piece, _SEED)
        known = self._known.get(digest)
        if known is not None:
            return known
        value = self._function(piece)
        mark = int.from_bytes(digest[:4], "little") % _MARKS
        if not self._came[mark]:
            self._came[mark] = 1
        elif self._room > 0:
            self._known[digest] = value
            self._room -= _OVERHEAD + len(memoryview(piece))
        return value
