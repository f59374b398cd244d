"""What pieces of JSON say that many rows share: decoded once, within a bound of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")

_MARKS = 1 << 20
"""Bytes in which a piece leaves its mark when it comes for the first time."""

_OVERHEAD, _TIMES = 4096, 2
"""What a piece takes once it is kept, estimated: so many bytes, and so many times its own length."""


class Remembered(dict[bytes, _Value]):
    """A function's results by piece of JSON: ``remembered[piece]`` computes what is not known, and keeps some.

    What comes once costs hardly more than to compute it: a piece is kept when it comes again. And what is kept, stays.
    Findings come machine by machine, so that each recommendation comes back only after all others: a memory that gave
    up the oldest for the newest would lose each just before it is needed.

    Args:
        function: What is computed. Nobody may change its results, since all who ask share them.
        room: Bytes that pieces and results may take, estimated.
    """

    def __init__(self, function: Callable[[bytes], _Value], room: int) -> None:
        """Begin with nothing."""
        super().__init__()
        self._function, self._room = function, room
        self._came = bytearray(_MARKS)

    def __missing__(self, piece: bytes) -> _Value:
        """Compute, and keep the result of a piece that came before."""
        value = self._function(piece)
        mark = hash(piece) % _MARKS
        if not self._came[mark]:
            self._came[mark] = 1
        elif self._room > 0:
            self[piece] = value
            self._room -= _OVERHEAD + _TIMES * len(piece)
        return value
