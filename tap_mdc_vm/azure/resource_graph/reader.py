"""Reads a query whole, in all scopes of a run."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.scope_reading import ScopeReading
from tap_mdc_vm.errors import IncompleteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_mdc_vm.azure.resource_graph.client import Client
    from tap_mdc_vm.azure.resource_graph.model import Query, Row, Scope
    from tap_mdc_vm.azure.resource_graph.workers import Workers
    from tap_mdc_vm.errors import TapError

_BEGUN = 4
"""How many scopes of a reading are begun before their turn: a scope that fits one answer costs its latency alone."""


class Reader:
    """Starts readings.

    Args:
        client: Asks one question at a time.
        workers: Ask several side by side.
        page_size: Rows per answer at most, 1 to 1000.
        tolerant: Go on where a result can't be proven complete, and say so, instead of ending the run.
    """

    def __init__(self, client: Client, workers: Workers, *, page_size: int, tolerant: bool = False) -> None:
        """Keep what readings share."""
        self.client, self.workers, self.page_size, self.tolerant = client, workers, page_size, tolerant

    def start(
        self,
        query: Query,
        scopes: Sequence[Scope],
        *,
        urgent: bool = False,
        closing: Callable[[], None] | None = None,
    ) -> Reading:
        """Send the first requests, and return the reading, to be iterated once.

        Args:
            query: What to read.
            scopes: Where.
            urgent: Whether to go before readings that are ahead of their use.
            closing: Is called once all rows have come; again if more of them must be read to prove the result.
        """
        return Reading(self, query, scopes, urgent=urgent, closing=closing)


class Reading:
    """One query's rows from all scopes, in batches of a page or so.

    Iterating yields non-empty lists of rows, no id (in lower case) twice. When the iteration ends, ``shortcomings``
    is empty if and only if the result is proven complete; unless the reader is tolerant, it raises instead.

    Attributes:
        expected: Rows that Azure counts, as far as known; once complete, ``emitted + duplicates``.
        emitted: Rows yielded so far.
        duplicates: Rows left out because their id had come before.
        shortcomings: Why the result can't be proven complete.
    """

    def __init__(
        self,
        reader: Reader,
        query: Query,
        scopes: Sequence[Scope],
        *,
        urgent: bool,
        closing: Callable[[], None] | None,
    ) -> None:
        """Begin with the first scopes at once, so that several readings can start side by side."""
        self._reader, self._query, self._urgent, self._closing = reader, query, urgent, closing
        self._told = False
        self._later, self._begun = deque(scopes), deque[ScopeReading]()
        self.expected = self.emitted = self.duplicates = 0
        self.shortcomings: list[str] = []
        self._begin()

    @property
    def name(self) -> str:
        """What the rows are."""
        return self._query.name

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the rows.

        Raises:
            IncompleteError: They can't be proven complete.
            ScopeTooLargeError: Azure looked at some of the subscriptions only.
            TapError: Azure can't be asked.
        """
        try:
            while self._begun:
                yield from self._rows(self._begun[0])
                self._begun.popleft().close()
                self._begin()
        finally:
            for scope in self._begun:
                scope.close()
        self._tell_end()
        if not self.shortcomings:
            self.expected = self.emitted + self.duplicates

    def _tell_end(self) -> None:
        """Tell, if this is the last scope, that all rows have come since it was last told."""
        if self._closing and not self._told and not self._later and len(self._begun) <= 1:
            self._told = True
            self._closing()

    def _begin(self) -> None:
        while self._later and len(self._begun) < _BEGUN:
            scope = self._later.popleft()
            self._begun.append(
                ScopeReading(self._reader, self._query, scope, self._fall_short, self._tell_end, urgent=self._urgent)
            )

    def _rows(self, scope: ScopeReading) -> Iterator[list[Row]]:
        counted, self._told = self.expected, False
        try:
            for rows in scope:
                self._told = False
                self.expected = counted + scope.expected
                self.emitted += len(rows)
                if rows:
                    yield rows
        except IncompleteError as error:
            self._fall_short(error)
        self.expected = counted + scope.expected
        self.duplicates += scope.duplicates

    def _fall_short(self, error: TapError) -> None:
        """Note why the result is not proven, or end the run with it."""
        if not self._reader.tolerant:
            raise error
        self.shortcomings.append(str(error))
        events.emit(events.FellShort(self.name, str(error)))
