"""All that is asked about one query in one scope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TypeVar

from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import MAX_PAGE, Page, Query, Scope
from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition, group_of
from tap_mdc_vm.azure.transport import Answer
from tap_mdc_vm.errors import IncompleteError, MalformedAnswerError, RequestRefusedError, UnansweredError
from tap_mdc_vm.resource_ids import lower

T = TypeVar("T")

_IDS = 100
"""Ids in one question at most. Microsoft's own example lists 1,000; how long a query may be is not documented."""

_NEGATIVE = "its remainders are not from zero up, as Kusto documents"


class PartitionsUnusableError(Exception):
    """The service can't partition, and why."""


class Questions:
    """Asks. Each method raises what :meth:`Client.ask` does.

    Args:
        client: Sends the questions.
        query: What they are about.
        scope: Where.
        urgent: Whether all of them go before questions that are ahead of their use.

    Attributes:
        limit_hit: Whether an answer told that more subscriptions lie in scope than Azure looks at.
    """

    def __init__(self, client: Client, query: Query, scope: Scope, *, urgent: bool) -> None:
        """Keep what they have in common; nothing is asked yet."""
        self._client, self._query, self._scope, self._urgent = client, query, scope, urgent
        self.limit_hit = False

    def page(self, part: Partition, *, top: int, skip_token: str | None = None, urgent: bool = False) -> Page:
        """Return rows of a partition, ``top`` of them at most."""
        page = self._client.ask(
            self._query.name,
            self._query.rows(part),
            self._scope,
            top=top,
            skip_token=skip_token,
            urgent=urgent or self._urgent,
        )
        return self._seen(page)

    def packed(self, part: Partition, *, urgent: bool = False) -> Page:
        """Return the rows of a partition, and how many there should be, from an answer that packs them into one."""
        return self._seen(self._ask(self._query.packed(part), answers.packed, top=1, urgent=urgent))

    def tally(self, group: Partition, modulus: int) -> dict[int, int]:
        """Return how many rows of ``group`` leave which remainder when divided by ``modulus``."""
        return self._ask(self._query.tally(group, modulus), answers.tally)

    def count(self, part: Partition = WHOLE) -> int:
        """Return how many rows a partition has."""
        return self._ask(self._query.count(part), answers.number, top=1)

    def existing(self, ids: Collection[str]) -> set[str]:
        """Return those of some ids, in lower case, under which there is a row now."""
        listed, found = sorted(ids), set[str]()
        for start in range(0, len(listed), _IDS):
            page = self._ask(self._query.existing(listed[start : start + _IDS]), answers.whole)
            found.update(lower(row.id) for row in page.rows)
        return found & set(listed)

    def _ask(self, text: str, read: Callable[[Answer], T], *, top: int = MAX_PAGE, urgent: bool = True) -> T:
        urgent = urgent or self._urgent
        return self._client.send(self._query.name, text, self._scope, read, top=top, urgent=urgent)

    def _seen(self, page: Page) -> Page:
        self.limit_hit |= page.limit_hit
        return page


class Tally:
    """How many rows each partition has, by other questions than those that fetch them; from any number of threads.

    One question counts as many partitions as an answer has rows. Where the service can't, each is counted by itself.

    Args:
        questions: Asks.
        total: How many rows the first answer counted.
        one_by_one: Whether the service can't answer about all rows at once.

    Raises:
        PartitionsUnusableError: Here and below: the service's remainders are not those that Kusto documents.
    """

    def __init__(self, questions: Questions, total: int, *, one_by_one: bool) -> None:
        """Know nothing but the total."""
        self._questions, self._counts = questions, {WHOLE: total}
        self._asking, self._one_by_one = threading.Lock(), one_by_one

    def of(self, part: Partition, stale: int | None = None) -> int:
        """Return how many rows a partition had when it was last asked for, if that is not ``stale``, or has now."""
        with self._asking:
            if self._counts.get(part, stale) == stale:
                self._ask(part)
            return self._counts[part]

    def sum(self, modulus: int) -> int:
        """Return how many rows all partitions of a modulus have now."""
        self._counts.clear()
        return sum(map(self.of, WHOLE.split(modulus)))

    def _ask(self, part: Partition) -> None:
        group = group_of(part)
        if not self._one_by_one and group != part:
            try:
                counted = self._questions.tally(group, part.modulus)
            except (IncompleteError, MalformedAnswerError, RequestRefusedError, UnansweredError):
                self._one_by_one = True
            else:
                members = range(group.remainder, part.modulus, group.modulus)
                if not set(members).issuperset(counted):
                    raise PartitionsUnusableError(_NEGATIVE)
                self._counts |= {Partition(part.modulus, each): counted.get(each, 0) for each in members}
                return
        self._counts[part] = self._questions.count(part)
        # Rows whose remainders are negative would be in no partition, and in no count.
        if part.remainder and self._questions.count(Partition(part.modulus, part.remainder - part.modulus)):
            raise PartitionsUnusableError(_NEGATIVE)
