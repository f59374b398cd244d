"""All that is asked about one query in one scope, each in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_mdc_vm.azure.resource_graph.partitions import WHOLE
from tap_mdc_vm.resource_ids import lower

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_mdc_vm.azure.resource_graph.client import Client
    from tap_mdc_vm.azure.resource_graph.model import Page, Query, Scope
    from tap_mdc_vm.azure.resource_graph.partitions import Partition

_IDS = 100
"""Ids in one question at most. Microsoft's own example lists 1,000; how long a query may be is not documented."""


class Questions:
    """Asks.

    Args:
        client: Sends the questions.
        query: What they are about.
        scope: Where.
        page_size: Rows that an answer may have, 1 to 1000; one that packs them has one row.
        urgent: Whether all of them go before questions that are ahead of their use.

    Attributes:
        limit_hit: Whether an answer told that more subscriptions lie in scope than Azure looks at.
    """

    def __init__(self, client: Client, query: Query, scope: Scope, page_size: int, *, urgent: bool) -> None:
        """Keep what they have in common; nothing is asked yet."""
        self._client, self._query, self._scope, self.page_size, self._urgent = client, query, scope, page_size, urgent
        self.limit_hit = False

    def page(
        self, part: Partition = WHOLE, *, top: int = 0, skip_token: str | None = None, urgent: bool = False
    ) -> Page:
        """Return rows of a partition, ``top`` or a page of them at most.

        Raises:
            TapError: As :meth:`Client.ask`, here and below.
        """
        page = self._client.ask(
            self._query.name,
            self._query.rows(part),
            self._scope,
            top=top or self.page_size,
            skip_token=skip_token,
            urgent=urgent or self._urgent,
        )
        self.limit_hit |= page.limit_hit
        return page

    def packed(self, part: Partition, *, urgent: bool = False) -> Page:
        """Return the rows of a partition, and how many there should be, from an answer that packs them into one."""
        urgent = urgent or self._urgent
        page = self._client.ask_packed(self._query.name, self._query.packed(part), self._scope, urgent=urgent)
        self.limit_hit |= page.limit_hit
        return page

    def tally(self, group: Partition, modulus: int) -> dict[int, int]:
        """Return how many rows of ``group`` leave which remainder when divided by ``modulus``."""
        text = self._query.tally(group, modulus)
        return self._client.tally(self._query.name, text, self._scope, top=self.page_size, urgent=True)

    def count(self, part: Partition = WHOLE) -> int:
        """Return how many rows a partition has."""
        return self._client.count(self._query.name, self._query.count(part), self._scope, urgent=True)

    def existing(self, ids: Collection[str]) -> set[str]:
        """Return those of some ids, in lower case, under which there is a row now."""
        listed, at_once = sorted(ids), min(_IDS, self.page_size)
        found: set[str] = set()
        for start in range(0, len(listed), at_once):
            text = self._query.existing(listed[start : start + at_once])
            page = self._client.ask(self._query.name, text, self._scope, top=self.page_size, urgent=True)
            found.update(lower(row["id"]) for row in page.rows)
        return found & set(listed)
