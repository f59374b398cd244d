"""What proves that a result was read whole."""

from __future__ import annotations

import math
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tap_mdc_vm.azure.resource_graph.model import Row

T = TypeVar("T")

_FALSE_ALARMS = 0.0001
"""The share of tenants, at most, whose smallest partition is called too small though the service is all right."""

_DOUBTS = 0.05
"""The share of tenants whose smallest partition is so small that it is worth two requests more."""

_MARK = 6
"""Bytes of a row's hash that are kept."""

_ROWS_PER_BUCKET = 64
"""At most, on average: so small that Python's own allocator holds the buckets, and hands none back half used."""


def gap(read: int, before: int, after: int) -> int:
    """Return by how many rows the parts miss what two counts of the whole allow.

    Rows come and go while one reads, so anything between the counts is as it should be.

    Args:
        read: The sum of the partitions' own totals.
        before: The whole, counted before the first partition was asked for.
        after: The whole, counted after the last one came.
    """
    low, high = min(before, after), max(before, after)
    return max(low - read, read - high, 0)


def is_uneven(sizes: Collection[int]) -> bool:
    """Tell whether the smallest of some partitions is so much smaller than their mean that no hash explains it.

    It needs no count, so it holds up where rows come and go by the hundred, when counts tell little.

    Args:
        sizes: Rows of each partition.
    """
    return _chance(sizes) < _FALSE_ALARMS


def is_doubtful(sizes: Collection[int]) -> bool:
    """Tell whether the smallest of some partitions is smaller than a hash mostly makes it, as :func:`is_uneven`."""
    return _chance(sizes) < _DOUBTS


def _chance(sizes: Collection[int]) -> float:
    """Return the chance, at most, that a hash makes any of some partitions as small as their smallest.

    A hash spreads rows as chance does, by Poisson's law. That a part has no more than n rows where the mean is m then
    has a probability below exp(n - m - n ln(n / m)) (Chernoff's bound).
    """
    if not any(sizes):
        return 1.0
    smallest, mean = min(sizes), sum(sizes) / len(sizes)
    exponent = smallest - mean - (smallest * math.log(smallest / mean) if smallest else 0.0)
    return len(sizes) * math.exp(exponent)


class Ledger:
    """Rows by their ids, at seven bytes a row: kept so that none is handed on twice, whatever the service does.

    A row is known by Python's hash of its lower-case id. The six bytes that are kept of it, and the number of the
    bucket that holds them, make 64 bits in a large tenant, and more than 50 in one of some hundred rows.

    Args:
        expected: About how many rows there will be.
    """

    def __init__(self, expected: int) -> None:
        """Start with no row."""
        self._buckets = [b""] * (1 << (expected // _ROWS_PER_BUCKET).bit_length())

    def enter(self, ids: Iterable[str]) -> list[bool]:
        """Enter rows by their lower-case ids; return for each whether it is new."""
        buckets, mask, new = self._buckets, len(self._buckets) - 1, []
        for row_id in ids:
            hashed = hash(row_id)
            mark = _mark(hashed)
            bucket = buckets[hashed & mask]
            if _holds(bucket, mark):
                new.append(False)
            else:
                buckets[hashed & mask] = bucket + mark
                new.append(True)
        return new

    def count(self, ids: Iterable[str]) -> int:
        """Return how many of some rows were entered."""
        mask = len(self._buckets) - 1
        return sum(_holds(self._buckets[hashed & mask], _mark(hashed)) for hashed in map(hash, ids))


def unique(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Return rows without those whose id comes again in the list, and their ids in lower case."""
    ids = [row["id"].lower() for row in rows]
    by_id = dict(zip(ids, rows, strict=True))
    return (rows, ids) if len(by_id) == len(rows) else (list(by_id.values()), list(by_id))


def only(things: list[T], wanted: list[bool]) -> list[T]:
    """Return those of some things that are wanted."""
    return things if all(wanted) else list(compress(things, wanted))


def _mark(hashed: int) -> bytes:
    return hashed.to_bytes(8, "little", signed=True)[-_MARK:]


def _holds(bucket: bytes, mark: bytes) -> bool:
    place = bucket.find(mark)
    while place > 0 and place % _MARK:  # the end of one mark and the beginning of the next
        place = bucket.find(mark, place + 1)
    return place >= 0
