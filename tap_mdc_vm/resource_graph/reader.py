"""Reads a query whole, and knows that it did.

A result that fits one answer proves itself. A larger one is read in partitions by the hash of the id, side by side:
Microsoft's remedy for tenants that change while one reads (azure-docs, resource-graph/concepts/paging-results, "hash
partitions"). Each partition is one answer of one evaluation, so no row can slide across a page's edge; a row's
partition depends on its id alone, so what appears or goes elsewhere can't hide it.

That rests on the service hashing alike from request to request, which nobody promises. So the parts must add up to
the counts asked before and after, and the rows of the first, ordered page must all turn up. Where they don't, the
partitions are read again and compared; where that can't explain it, ordered pages are read until they hold still.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tap_mdc_vm import events
from tap_mdc_vm.errors import (
    IncompleteError,
    PayloadTooLargeError,
    QueryRefusedError,
    ScopeTooLargeError,
    TapError,
)
from tap_mdc_vm.resource_graph.completeness import Ledger, gap
from tap_mdc_vm.resource_graph.partitions import DEEPEST, partitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Future

    from tap_mdc_vm.resource_graph.client import Client
    from tap_mdc_vm.resource_graph.model import Page, Partition, Query, Row, Scope
    from tap_mdc_vm.resource_graph.workers import Lane, Workers

_ORDERED_PASSES = 5
_EMPTY_PAGES = 10
_COMPARED = 16
"""How many partitions are compared with each other before any is trusted: if the service hashed anew for each request,
two of them would share rows (a quarter of a row per pair on average even among three million)."""

_PROBED = 100
"""How many rows of the first page that no partition held are asked for by id: enough to tell loss from deletion."""

_STARTS = 4
"""How many scopes of a reading are begun before their turn: a scope that fits one answer costs its latency alone."""


@dataclass(frozen=True, slots=True)
class _Start:
    """What the first answer about a scope tells.

    Attributes:
        total: How many rows there were.
        rows: All of them, if they fit one answer.
        sample: Else the ids, in lower case, of those that came: none if an answer would have been too large.
        parts: The partitions to read, where there are more rows than a page holds.
        limit_hit: More subscriptions lie in scope than Azure looks at.
    """

    total: int
    rows: list[Row] | None = None
    sample: AbstractSet[str] = frozenset()
    parts: Sequence[Partition] = ()
    limit_hit: bool = False


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

    def start(self, query: Query, scopes: Sequence[Scope]) -> Reading:
        """Send the first request and return the reading, to be iterated once."""
        return Reading(self, query, scopes)


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

    def __init__(self, reader: Reader, query: Query, scopes: Sequence[Scope]) -> None:
        """Begin with the first scopes at once, so that several readings can start side by side."""
        self._reader, self._query = reader, query
        self._client, self._workers, self._page_size = reader.client, reader.workers, reader.page_size
        self._later = deque(scopes)
        self._begun: deque[tuple[Scope, Future[_Start | IncompleteError], Lane[list[Row]]]] = deque()
        self._begin_scopes()
        self.expected = self.emitted = self.duplicates = 0
        self.shortcomings: list[str] = []

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
                scope, start, lane = self._begun[0]
                try:
                    for rows in self._scope(scope, start.result(), lane):
                        self.emitted += len(rows)
                        if rows:
                            yield rows
                except IncompleteError as error:
                    self._fall_short(error)
                self._workers.drop(lane)
                self._begun.popleft()
                self._begin_scopes()
        finally:
            for _, _, lane in self._begun:
                self._workers.drop(lane)
        if not self.shortcomings:
            self.expected = self.emitted + self.duplicates

    def _begin_scopes(self) -> None:
        while self._later and len(self._begun) < _STARTS:
            scope = self._later.popleft()
            lane: Lane[list[Row]] = self._workers.lane()
            self._begun.append((scope, self._workers.submit(partial(self._start, scope, lane)), lane))

    def _start(self, scope: Scope, lane: Lane[list[Row]]) -> _Start | IncompleteError:
        """Ask for the first page of a scope and, if it shows that there are more, begin to read partitions.

        That it can't be proven is returned: another scope's may be, which a tolerant reading goes on to.
        """
        try:
            page = self._ask(self._query.text, scope)
        except PayloadTooLargeError:
            total, sample, limit_hit = self._count(scope), set(), False
        except IncompleteError as error:
            return error
        else:
            if not page.skip_token or len(page.rows) == page.total:
                return _Start(page.total, page.rows, limit_hit=page.limit_hit)
            total, sample, limit_hit = page.total, {_id(row) for row in page.rows}, page.limit_hit
        parts = partitions(total, self._page_size) if total > self._page_size else []
        self._workers.fill(lane, self._jobs(scope, parts))
        return _Start(total, sample=sample, parts=parts, limit_hit=limit_hit)

    def _scope(self, scope: Scope, start: _Start | IncompleteError, lane: Lane[list[Row]]) -> Iterator[list[Row]]:
        if isinstance(start, IncompleteError):
            raise start
        self.expected += start.total
        if start.limit_hit:
            self._fall_short(
                ScopeTooLargeError(
                    "More subscriptions lie in scope than Resource Graph looks at (10,000); it left the others out.",
                    "Set subscription_ids or management_group_ids, and run once per part.",
                )
            )
        if start.rows is not None:
            yield self._unique(start.rows)[0]
        elif start.parts:
            yield from self._partitioned(scope, start, lane)
        else:
            yield from self._ordered(scope, Ledger())

    def _partitioned(self, scope: Scope, start: _Start, lane: Lane[list[Row]]) -> Iterator[list[Row]]:
        """Yield the rows partition by partition, then see whether the parts add up.

        Args:
            scope: Where to look.
            start: How many rows there were before, and some of them, each to be found in some partition.
            lane: Gives the rows of each partition.
        """
        ledger, missing, read = Ledger(), set(start.sample), 0
        try:
            for number, (part, rows) in enumerate(zip(start.parts, self._workers.results(lane), strict=True)):
                unique, ids = self._unique(rows)
                if number < _COMPARED and not ledger.all().isdisjoint(map(hash, ids)):
                    raise _PartitionsUnusableError("a row lies in two partitions")
                ledger.note(part, ids)
                missing.difference_update(ids)
                read += len(rows)
                yield unique
            after = self._count(scope)
            if doubt := max(gap(read, start.total, after), self._lost(scope, missing)):
                events.emit(events.LookingAgain(self.name, read, start.total, after))
                yield from self._look_again(scope, start.parts, ledger, after, doubt)
        except _PartitionsUnusableError as reason:
            self._workers.drop(lane)
            events.emit(events.ReadingInOrder(self.name, str(reason)))
            yield from self._ordered(scope, ledger)

    def _look_again(
        self, scope: Scope, parts: Sequence[Partition], ledger: Ledger, before: int, doubt: int
    ) -> Iterator[list[Row]]:
        """Read partitions again until the changes seen between the two looks explain the doubt.

        Yields:
            Rows that were not there at the first look.

        Raises:
            _PartitionsUnusableError: A row moved, or the parts miss the counts again by more than changed.
        """
        known, changed, read = ledger.all(), 0, 0
        for part, rows in zip(parts, self._workers.in_order(self._jobs(scope, parts)), strict=True):
            now = {hash(_id(row)): row for row in rows}
            had = ledger.of(part)
            new = now.keys() - had
            if new & known:
                raise _PartitionsUnusableError("a row moved from one partition to another")
            ledger.note(part, [_id(now[key]) for key in new])
            changed += len(new) + len(had - now.keys())
            read += len(rows)
            yield [now[key] for key in new]
            if changed >= doubt:
                return
        if gap(read, before, self._count(scope)) > changed:
            raise _PartitionsUnusableError("the partitions do not add up to the whole")

    def _ordered(self, scope: Scope, ledger: Ledger) -> Iterator[list[Row]]:
        """Read ordered pages, again and again until the result held still for a whole pass.

        A row that goes while another comes pulls a third across a page's edge, and no total tells. But what pulled is
        gone then: only where the next pass finds every row of a pass again was none of its rows pulled away.

        Yields:
            Rows that are not in the ledger yet.

        Raises:
            IncompleteError: It never held still.
        """
        known = ledger.all()
        reason, doubles_before, before = "", None, None
        for _ in range(_ORDERED_PASSES):
            totals: set[int] = set()
            ids: list[str] = []
            try:
                for page in self._pages(scope):
                    totals.add(page.total)
                    new = [row for row in page.rows if hash(_id(row)) not in known]
                    known.update(hash(_id(row)) for row in new)
                    ids += map(_id, page.rows)
                    yield self._unique(new)[0]
            except IncompleteError as error:
                reason = error.message
                continue
            seen = set(map(hash, ids))
            doubles = len(ids) - len(seen)
            if totals == {len(ids)} and doubles in {0, doubles_before} and before is not None and before <= seen:
                return
            doubles_before, before = doubles, seen
            reason = "its rows changed during every one of several readings"
        raise IncompleteError(
            f"{self.name} can't be proven complete: {reason}.",
            "Run again when less changes in the tenant. See docs/reliability.md.",
        )

    def _pages(self, scope: Scope) -> Iterator[Page]:
        """Yield ordered pages for as long as there is a skip token, the only sign that there is more."""
        token, seen, empty, top = None, set(), 0, self._page_size
        while True:
            try:
                page = self._client.ask(self.name, self._query.text, scope, top=top, skip_token=token)
            except PayloadTooLargeError:
                if top == 1:
                    raise
                top //= 2
                continue
            yield page
            token, empty = page.skip_token, 0 if page.rows else empty + 1
            if token is None:
                return
            if token in seen or empty > _EMPTY_PAGES:
                raise IncompleteError("Resource Graph sends the same page, or an empty one, over and over")
            seen.add(token)

    def _jobs(self, scope: Scope, parts: Iterable[Partition]) -> Iterator[Callable[[], list[Row]]]:
        return (partial(self._part, scope, part, 0) for part in parts)

    def _part(self, scope: Scope, part: Partition, depth: int) -> list[Row]:
        """Return a partition's rows, from one answer or, where they don't fit one, from its halves'.

        Raises:
            _PartitionsUnusableError: The service can't partition.
            TapError: As :meth:`Client.ask`.
        """
        try:
            page = self._ask(self._query.part(part), scope)
        except PayloadTooLargeError:
            if depth == DEEPEST:
                raise
        except QueryRefusedError as error:
            raise _PartitionsUnusableError(f"Azure refused to: {error.message}") from error
        else:
            if not page.skip_token or len(page.rows) == page.total:
                return page.rows
            if depth == DEEPEST or (depth and page.total <= self._page_size):
                raise _PartitionsUnusableError("a partition stays too large however often it is halved")
        return [row for half in part.halves() for row in self._part(scope, half, depth + 1)]

    def _lost(self, scope: Scope, sample: set[str]) -> int:
        """Return how many rows that no partition held are there all the same."""
        if not sample:
            return 0
        quoted = ", ".join(f"'{_quote(row_id)}'" for row_id in sorted(sample)[:_PROBED])
        return len(self._ask(self._query.where(f"id in~ ({quoted})").text, scope).rows)

    def _ask(self, text: str, scope: Scope) -> Page:
        return self._client.ask(self.name, text, scope, top=self._page_size)

    def _count(self, scope: Scope) -> int:
        return self._client.count(self.name, self._query.count(), scope)

    def _unique(self, rows: list[Row]) -> tuple[list[Row], list[str]]:
        """Return rows without those whose id comes again in the list, and their ids in lower case.

        All rows of one id lie in one partition, so that no more than its own need be compared.
        """
        ids = [row["id"].lower() for row in rows]
        unique = dict(zip(ids, rows, strict=True))
        if len(unique) == len(rows):
            return rows, ids
        self.duplicates += len(rows) - len(unique)
        return list(unique.values()), list(unique)

    def _fall_short(self, error: TapError) -> None:
        """Note why the result is not proven, or end the run with it."""
        if not self._reader.tolerant:
            raise error
        self.shortcomings.append(str(error))
        events.emit(events.FellShort(self.name, str(error)))


class _PartitionsUnusableError(Exception):
    """Partitions can't be trusted for this query, and why."""


def _id(row: Row) -> str:
    lower: str = row["id"].lower()
    return lower


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
