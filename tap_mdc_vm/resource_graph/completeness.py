"""What proves that a result was read whole."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_mdc_vm.resource_graph.model import Partition


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


class Ledger:
    """Which rows have been handed on, by partition, at eight bytes each.

    Kept so that a second look hands on none twice and can tell what came, went or moved between the two. A row is
    known by Python's hash of its lower-case id (64 bits).
    """

    def __init__(self) -> None:
        """Start with no row."""
        self._parts: dict[Partition | None, array[int]] = {}

    def note(self, partition: Partition | None, ids: Iterable[str]) -> None:
        """Enter the rows handed on from a partition (None: from ordered pages)."""
        self._parts.setdefault(partition, array("q")).extend(map(hash, ids))

    def of(self, partition: Partition) -> set[int]:
        """Return the rows of one partition."""
        return set(self._parts.get(partition, ()))

    def all(self) -> set[int]:
        """Return the rows of all."""
        return set().union(*self._parts.values())
