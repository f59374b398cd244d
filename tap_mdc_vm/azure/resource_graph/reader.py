"""Reads a query whole, in all scopes of a run, and proves that it did. Begin here.

A result that fits one page takes one request, and proves itself: Azure says how many rows there are, and they came.

A larger one is not paged. Azure's pages are offsets, so a row that goes while one reads pulls another over a page's
edge, unseen. Instead, rows are asked for in partitions, by the hash of their ids: ``where hash(tolower(id)) % 30 == 7``
(Microsoft's remedy: azure-docs, resource-graph/concepts/paging-results). A partition is one answer of one evaluation;
what comes and goes elsewhere can't hide a row of it.

=====================  ================================================================================
module                 what it decides
=====================  ================================================================================
:mod:`.scope_reading`  which questions are asked, and when their answers are proven to be all rows
:mod:`.way`            how many rows an answer is asked for: thousands packed into one, or a plain page
:mod:`.partitions`     into which partitions rows are cut, and whether a row belongs to one
:mod:`.duplicates`     which of two rows with one id is handed on
:mod:`.ordered_pages`  the last resort, for a service that can't partition
:mod:`.questions`      what is asked, and how many rows each partition should have
:mod:`.client`         sends a question until it is answered; :mod:`.workers` send several side by side
=====================  ================================================================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.duplicates import Duplicates
from tap_mdc_vm.azure.resource_graph.model import Query, Row, Scope
from tap_mdc_vm.azure.resource_graph.questions import Questions
from tap_mdc_vm.azure.resource_graph.scope_reading import ScopeReading
from tap_mdc_vm.azure.resource_graph.way import Way
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.errors import IncompleteError, TapError

_BEGUN = 4
"""How many scopes of a reading are begun before their turn: a scope that fits one answer costs its latency alone."""


class Reader:
    """Starts readings.

    Args:
        client: Asks one question at a time.
        workers: Ask several side by side.
        page_size: Rows per page at most, 1 to 1000; a packed answer holds up to five times as many.
        tolerant: Go on where a result can't be proven complete, and say so, instead of ending the run.
    """

    def __init__(self, client: Client, workers: Workers, *, page_size: int, tolerant: bool = False) -> None:
        """Keep what readings share."""
        self.client, self.workers, self.page_size, self.tolerant = client, workers, page_size, tolerant

    def start(self, query: Query, scopes: Sequence[Scope], *, urgent: bool = False) -> Reading:
        """Send the first requests, and return the reading, to be iterated once.

        Args:
            query: What to read.
            scopes: Where.
            urgent: Whether to go before readings that are ahead of their use.
        """
        return Reading(self, query, scopes, urgent=urgent)


class Reading:
    """One query's rows from all scopes, in batches of an answer.

    Iterating yields non-empty lists of rows, no id (in lower case) twice; a list is emptied when the next is asked for.
    When the iteration ends, ``shortcomings`` is empty if and only if the result is proven complete; unless the reader
    is tolerant, it raises instead.

    Attributes:
        expected: Rows that Azure counts, as far as known; once complete, ``emitted + duplicates``.
        emitted: Rows yielded so far.
        duplicates: Rows left out because their id had come before.
        shortcomings: Why the result can't be proven complete.
    """

    def __init__(self, reader: Reader, query: Query, scopes: Sequence[Scope], *, urgent: bool) -> None:
        """Begin with the first scopes at once, so that several readings can start side by side."""
        self._reader, self._query, self._urgent = reader, query, urgent
        self._way, self._duplicates = Way(query.name, reader.page_size), Duplicates(query)
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
        if not self.shortcomings:
            self.expected = self.emitted + self.duplicates

    def _begin(self) -> None:
        reader = self._reader
        while self._later and len(self._begun) < _BEGUN:
            questions = Questions(reader.client, self._query, self._later.popleft(), urgent=self._urgent)
            scope = ScopeReading(questions, reader.workers, self._way, self._duplicates, self._fall_short)
            self._begun.append(scope)

    def _rows(self, scope: ScopeReading) -> Iterator[list[Row]]:
        counted = self.expected
        try:
            for rows in scope:
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
