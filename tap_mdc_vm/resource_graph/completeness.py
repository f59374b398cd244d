"""What proves that a result was read whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FALSE_ALARMS = 0.01
"""In how many readings the smallest partition of a service that is all right may be called too small."""

_ROWS_PER_BUCKET = 32
_MARK, _TAG = 6, 2


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

    A hash spreads rows as chance does, by Poisson's law. That a part has no more than n rows where the mean is m then
    has a probability below exp(n - m - n ln(n / m)) (Chernoff's bound). It needs no count, so it holds up where rows
    come and go by the hundred, when counts tell little.

    Args:
        sizes: Rows of each partition.
    """
    if not any(sizes):
        return False
    smallest, mean = min(sizes), sum(sizes) / len(sizes)
    exponent = smallest - mean - (smallest * math.log(smallest / mean) if smallest else 0.0)
    return len(sizes) * math.exp(exponent) < _FALSE_ALARMS


class Ledger:
    """Which rows have been handed on, each with a tag, at eight bytes a row.

    Kept so that none is handed on twice, whatever the service does, and to tell what came, went or moved from one
    partition to another. A row is known by Python's hash of its lower-case id, of which the number of its bucket and
    the six bytes that are kept in there make 64 bits in a large tenant, and 50 in one of some thousand rows.

    Args:
        expected: About how many rows there will be.
    """

    TAGS = 1 << 8 * _TAG

    def __init__(self, expected: int) -> None:
        """Start with no row."""
        self._buckets = [b""] * (1 << (expected // _ROWS_PER_BUCKET).bit_length())

    def note(self, ids: Iterable[str], tag: int) -> list[int | None]:
        """Enter rows by their lower-case ids.

        Args:
            ids: Of the rows; none twice.
            tag: From 0 to ``TAGS`` - 1: where they come from.

        Returns:
            For each row the tag that it had; None for a row that was not known yet.
        """
        buckets, mask, written = self._buckets, len(self._buckets) - 1, tag.to_bytes(_TAG, "little")
        before: list[int | None] = []
        for row_id in ids:
            hashed = hash(row_id)
            mark = hashed.to_bytes(8, "little", signed=True)[-_MARK:]
            number = hashed & mask
            bucket = buckets[number]
            place = bucket.find(mark)
            while place > 0 and place % (_MARK + _TAG):  # across two entries: none begins there
                place = bucket.find(mark, place + 1)
            if place < 0:
                buckets[number] = bucket + mark + written
                before.append(None)
                continue
            place += _MARK
            before.append(int.from_bytes(bucket[place : place + _TAG], "little"))
            buckets[number] = bucket[:place] + written + bucket[place + _TAG :]
        return before
