"""How many rows each partition has, by another question than the one that fetches them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition, group_of
from tap_mdc_vm.azure.resource_graph.way import PartitionsUnusableError
from tap_mdc_vm.errors import RequestRefusedError, UnavailableError

if TYPE_CHECKING:
    from tap_mdc_vm.azure.resource_graph.questions import Questions


class Tally:
    """Counts by partition, from any number of threads. One question counts as many partitions as a page has rows.

    Args:
        questions: Asks.
        total: How many rows the first answer counted.
        is_heavy: Whether the service can't answer about all rows at once.
    """

    def __init__(self, questions: Questions, total: int, *, is_heavy: bool) -> None:
        """Know nothing but the total."""
        self._questions = questions
        self._one_by_one = is_heavy
        self._counts = {WHOLE: total}
        self._asking = threading.Lock()

    def of(self, part: Partition) -> int:
        """Return how many rows a partition had at some moment of this reading.

        Raises:
            PartitionsUnusableError: The service's remainders are not those that Kusto documents.
            TapError: Azure can't be asked.
        """
        with self._asking:
            if part not in self._counts:
                self._ask(part)
            return self._counts[part]

    def renewed(self, part: Partition, stale: int) -> int:
        """Return how many rows a partition has now, or had when the count was last asked for and was not ``stale``.

        Raises:
            PartitionsUnusableError: As :meth:`of`.
            TapError: As :meth:`of`.
        """
        with self._asking:
            if self._counts[part] == stale:
                self._ask(part)
            return self._counts[part]

    def sum(self, modulus: int) -> int:
        """Return how many rows all partitions of a modulus have now.

        Raises:
            PartitionsUnusableError: As :meth:`of`.
            TapError: As :meth:`of`.
        """
        with self._asking:
            parts = WHOLE.split(modulus)
            for part in parts:
                self._counts.pop(part, None)
            for part in parts:
                if part not in self._counts:
                    self._ask(part)
            return sum(self._counts[part] for part in parts)

    def _ask(self, part: Partition) -> None:
        group = part if self._one_by_one else group_of(part, self._questions.page_size)
        if group != part:
            try:
                counted = self._questions.tally(group, part.modulus)
            except (RequestRefusedError, UnavailableError):
                self._one_by_one = True
            else:
                members = range(group.remainder, part.modulus, group.modulus)
                if not set(members).issuperset(counted):
                    raise PartitionsUnusableError("its remainders are not those of XXH64")
                self._counts.update({Partition(part.modulus, each): counted.get(each, 0) for each in members})
                return
        self._counts[part] = self._questions.count(part)
