"""Partitions of a query's rows by the hash of their ids, which the tap computes too.

Kusto's ``hash()`` is XXH64 of the UTF-8 text, read as a signed 64-bit number, and its ``%`` is never negative (contract
of Kusto's ``hash()`` and of its arithmetic operators). So each row of an answer shows whether it belongs there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from xxhash import xxh64_intdigest

_DEVIATIONS = 3.3
"""Standard deviations of headroom: one partition in two thousand then holds more rows than it may."""

_GROUP = 1000
"""Partitions whose rows one question counts, at most: an answer has no more rows than that."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows whose hashed id leaves ``remainder`` when divided by ``modulus``."""

    modulus: int
    remainder: int

    def split(self, pieces: int) -> list[Partition]:
        """Return partitions that hold exactly the rows of this one: ``% 2 == 1`` is ``% 4 == 1`` and ``% 4 == 3``."""
        return [Partition(self.modulus * pieces, self.remainder + self.modulus * piece) for piece in range(pieces)]

    def strangers(self, lower_ids: Iterable[str]) -> list[str]:
        """Return the ids that don't belong here.

        Those beyond ASCII are passed over: Kusto and Python may differ in how they lower a letter.
        """
        modulus, remainder = self.modulus, self.remainder
        if modulus == 1:
            return []
        return [row_id for row_id in lower_ids if row_id.isascii() and hashed(row_id) % modulus != remainder]


WHOLE = Partition(1, 0)


def hashed(lower_id: str) -> int:
    """Return Kusto's ``hash()`` of a text, from -2^63 up to 2^63."""
    unsigned = xxh64_intdigest(lower_id.encode())
    return unsigned - (unsigned >> 63 << 64)


def mean_that_fits(limit: int) -> float:
    """Return how many rows partitions may have on average, for hardly any to have more than ``limit``.

    Rows fall into partitions by their hash, so that the rows of one vary as chance does: around a mean of m by the
    square root of m. Microsoft's own example takes m equal to the page, and half the partitions overflow.
    """
    root = (-_DEVIATIONS + math.sqrt(_DEVIATIONS**2 + 4 * limit)) / 2
    return max(root**2, 1.0)


def cut(total: int, mean: float) -> list[Partition]:
    """Return partitions of ``mean`` rows each at most, on average, which make whole groups."""
    parts = max(math.ceil(total / mean), 1)
    groups = math.ceil(parts / _GROUP)
    return WHOLE.split(groups * math.ceil(parts / groups))


def group_of(part: Partition) -> Partition:
    """Return a partition that holds the rows of ``part`` and of others of its modulus, a thousand in all at most."""
    modulus = _smallest_divisor(part.modulus, math.ceil(part.modulus / _GROUP))
    return Partition(modulus, part.remainder % modulus)


@cache
def _smallest_divisor(number: int, least: int) -> int:
    return next(divisor for divisor in range(least, number + 1) if number % divisor == 0)
