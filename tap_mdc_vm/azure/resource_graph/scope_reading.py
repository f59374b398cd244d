"""One query in one scope, read whole, and known to be.

A result that fits one answer proves itself. A larger one is read in partitions by the hash of the id, side by side:
Microsoft's remedy for tenants that change while one reads (azure-docs, resource-graph/concepts/paging-results, "hash
partitions"). Each partition is one answer of one evaluation, so no row can slide across a page's edge; a row's
partition depends on its id alone, so what appears or goes elsewhere can't hide it.

That rests on the service hashing alike from request to request, which nobody promises. So the parts must add up to
the counts asked before and after, be as even as chance makes them, share no row, and hold all rows of the first,
ordered page. Where they don't, they are all read a second time; where that can't explain it, or rows moved from one
partition to another, ordered pages are read until they hold still.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.completeness import Ledger, gap, is_doubtful, is_uneven, only, unique
from tap_mdc_vm.azure.resource_graph.model import Partition, quoted
from tap_mdc_vm.azure.resource_graph.ordered_pages import read_until_still
from tap_mdc_vm.azure.resource_graph.partitions import DEEPEST, modulus_for
from tap_mdc_vm.errors import IncompleteError, PayloadTooLargeError, RequestRefusedError, ScopeTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet

    from tap_mdc_vm.azure.resource_graph.model import Page, Query, Row, Scope
    from tap_mdc_vm.azure.resource_graph.reader import Reader
    from tap_mdc_vm.azure.resource_graph.workers import Lane
    from tap_mdc_vm.errors import TapError

T = TypeVar("T")

_PROBED = 100
"""How many rows of the first page that no partition held are asked for by id: enough to tell loss from deletion."""

_UNBELIEVABLE = 1000
"""Partitions for which a total is not taken from one answer alone: it is asked for again."""


@dataclass(frozen=True, slots=True)
class _Start:
    """What the first answer tells.

    Attributes:
        total: How many rows there were.
        rows: All of them, if they fit one answer.
        sample: Else the ids, in lower case, of those that came: none if an answer would have been too large.
        modulus: In how many partitions to read, where there are more rows than a page holds; else 0.
    """

    total: int
    rows: list[Row] | None = None
    sample: AbstractSet[str] = frozenset()
    modulus: int = 0


@dataclass(slots=True)
class _Look:
    """What one look at all partitions shows.

    Attributes:
        rows: Those that this look has seen.
        missing: Ids, in lower case, that are known to exist and that no partition held so far.
        sizes: Rows of each partition.
        new: Rows that were not handed on before.
        duplicates: Rows that have the id of another in the same partition.
        failed: Whether a partition can't be proven, which a tolerant reading has put up with.
    """

    rows: Ledger
    missing: set[str]
    sizes: list[int] = field(default_factory=list)
    new: int = 0
    duplicates: int = 0
    failed: bool = False

    @property
    def known(self) -> int:
        """Rows that were handed on before."""
        return sum(self.sizes) - self.duplicates - self.new


class ScopeReading:
    """Begins to read at once. Its rows are there to be iterated once, in batches of a page or so.

    Args:
        reader: Gives the ways to ask.
        query: What to read.
        scope: Where.
        fall_short: Is told why the result can't be proven; it may end the run by raising that.
        closing: Is called when all partitions have come, before they are counted.
        urgent: Whether it goes before readings that are ahead of their use.

    Attributes:
        expected: Rows that Azure counted, as far as known.
        duplicates: Rows left out because their id had come before.
    """

    def __init__(  # noqa: PLR0913  # what it works with, each by name
        self,
        reader: Reader,
        query: Query,
        scope: Scope,
        fall_short: Callable[[TapError], None],
        closing: Callable[[], None],
        *,
        urgent: bool,
    ) -> None:
        """Send the first request."""
        self._client, self._workers, self._page_size = reader.client, reader.workers, reader.page_size
        self._query, self._scope, self._urgent = query, scope, urgent
        self._fall_short, self._closing = fall_short, closing
        self._limit_hit = False
        self.expected = self.duplicates = 0
        self._lane: Lane[list[Row] | IncompleteError] = self._workers.lane()
        self._start = self._workers.submit(self._begin, urgent=urgent)

    def close(self) -> None:
        """Drop what is not under way."""
        self._workers.drop(self._lane)

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the rows, no id (in lower case) twice.

        Raises:
            IncompleteError: They can't be proven complete.
            TapError: Azure can't be asked, or ``fall_short`` raised.
        """
        start = self._start.result()
        if isinstance(start, IncompleteError):
            raise start
        self.expected = start.total
        if known := self._limit_hit:
            self._fall_short(_scope_too_large())
        if start.rows is not None:
            rows, _ = unique(start.rows)
            self.duplicates = len(start.rows) - len(rows)
            yield rows
        elif start.modulus:
            yield from self._partitioned(start)
        else:
            yield from self._ordered(Ledger(start.total))
        if self._limit_hit and not known:
            self._fall_short(_scope_too_large())

    # On a thread of the workers

    def _begin(self) -> _Start | IncompleteError:
        """Ask for the first page and, if it shows that there are more rows, begin to read partitions.

        That it can't be proven is returned: another scope's may be, which a tolerant reading goes on to.
        """
        try:
            page = self._ask(self._query.text)
        except PayloadTooLargeError:
            total, sample = self._count(), set()
        except IncompleteError as error:
            return error
        else:
            if not page.skip_token or len(page.rows) == page.total:
                return _Start(page.total, page.rows)
            total, sample = page.total, set(unique(page.rows)[1])
        modulus = modulus_for(total, self._page_size)
        if modulus > _UNBELIEVABLE:
            total = self._count()
            modulus = modulus_for(total, self._page_size)
        if total <= self._page_size:
            return _Start(total, sample=sample)
        self._workers.fill(self._lane, self._jobs(modulus))
        return _Start(total, sample=sample, modulus=modulus)

    def _jobs(self, modulus: int) -> Iterator[Callable[[], list[Row] | IncompleteError]]:
        return (partial(self._proven, Partition(modulus, remainder)) for remainder in range(modulus))

    def _proven(self, part: Partition) -> list[Row] | IncompleteError:
        """Return a partition's rows, or why they can't be proven to be all."""
        try:
            return self._part(part, 0)
        except IncompleteError as error:
            return error

    def _part(self, part: Partition, depth: int, *, urgent: bool = False) -> list[Row]:
        """Return a partition's rows, from one answer or, where they don't fit one, from its halves'.

        Raises:
            _PartitionsUnusableError: The service can't partition.
            TapError: As :meth:`Client.ask`.
        """
        try:
            page = self._ask(self._query.part(part), urgent=urgent)
        except PayloadTooLargeError:
            if depth == DEEPEST:
                raise
        except RequestRefusedError as error:
            raise _PartitionsUnusableError(f"Azure refused to: {error.message}") from error
        else:
            if not page.skip_token or len(page.rows) == page.total:
                return page.rows
            if depth == DEEPEST or (depth and page.total <= self._page_size):
                raise _PartitionsUnusableError("a partition stays too large however often it is halved")
        # A half is late already.
        return [row for half in part.halves() for row in self._part(half, depth + 1, urgent=True)]

    def _ask(self, text: str, *, top: int = 0, skip_token: str | None = None, urgent: bool = False) -> Page:
        top, urgent = top or self._page_size, urgent or self._urgent
        page = self._client.ask(self._query.name, text, self._scope, top=top, skip_token=skip_token, urgent=urgent)
        self._limit_hit = self._limit_hit or page.limit_hit
        return page

    def _count(self, *, urgent: bool = False) -> int:
        return self._client.count(self._query.name, self._query.count(), self._scope, urgent=urgent or self._urgent)

    # On the thread that iterates

    def _now(self, ask: Callable[..., T]) -> T:
        """Ask what all else waits for, before what is ahead of its use.

        A thread of the workers asks, so that no more requests are in flight than those are.
        """
        return self._workers.submit(partial(ask, urgent=True), urgent=True).result()

    def _partitioned(self, start: _Start) -> Iterator[list[Row]]:
        """Yield the rows partition by partition, then see whether they can be all; if not, by ordered pages."""
        ledger = Ledger(start.total)
        try:
            first = _Look(ledger, set(start.sample))
            yield from self._look(self._workers.results(self._lane), ledger, first)
            self.duplicates = first.duplicates
            if first.failed:
                return
            self._closing()
            read, after = sum(first.sizes), self._now(self._count)
            if max(read, after) < start.total:  # deletions would explain what is missing, unless that count is wrong
                after = max(after, self._now(self._count))
            lost = self._existing(first.missing)
            changed = not read == start.total == after
            if not (
                lost or gap(read, start.total, after) or is_uneven(first.sizes) or (changed and self._hides(first))
            ):
                return
            events.emit(events.LookingAgain(self._query.name, read, start.total, after))
            second = _Look(Ledger(start.total), lost)
            yield from self._look(self._workers.in_order(self._jobs(start.modulus)), ledger, second)
            self._closing()
            if not second.failed:
                self._compare(first, second, after)
        except _PartitionsUnusableError as error:
            reason = str(error)
        else:
            return
        events.emit(events.ReadingInOrder(self._query.name, reason))
        yield from self._ordered(ledger)

    def _look(self, results: Iterator[list[Row] | IncompleteError], ledger: Ledger, look: _Look) -> Iterator[list[Row]]:
        """Yield the rows of each partition that were not handed on before.

        Raises:
            _PartitionsUnusableError: A row lies in two partitions.
        """
        for rows in results:
            if isinstance(rows, IncompleteError):
                self._fall_short(rows)
                look.failed = True
                continue
            distinct, ids = unique(rows)
            new = ledger.enter(ids)
            look.sizes.append(len(rows))
            look.new += new.count(True)
            look.duplicates += len(rows) - len(distinct)
            look.missing.difference_update(ids)
            yield only(distinct, new)
            if not all(new if look.rows is ledger else look.rows.enter(ids)):
                raise _PartitionsUnusableError("a row lies in two partitions")

    def _compare(self, first: _Look, second: _Look, before: int) -> None:
        """See whether what changed between two looks explains what the first one missed.

        Args:
            first: The first look.
            second: The second.
            before: The rows counted in between.

        Raises:
            _PartitionsUnusableError: It doesn't.
        """
        if self._existing(second.missing):
            raise _PartitionsUnusableError("a row that is there lies in no partition")
        if is_uneven(second.sizes) or self._hides(second):
            raise _PartitionsUnusableError("a partition has far fewer rows than the others")
        changed = second.new + max(first.known + first.new - second.known, 0)
        if gap(sum(second.sizes), before, self._now(self._count)) > changed:
            raise _PartitionsUnusableError("the partitions do not add up to the whole")

    def _hides(self, look: _Look) -> bool:
        """Tell whether the halves of the smallest partition, where that is in doubt, hold rows that it didn't show."""
        if not is_doubtful(look.sizes):
            return False
        smallest = Partition(len(look.sizes), look.sizes.index(min(look.sizes)))
        ids = [row_id for half in smallest.halves() for row_id in unique(self._now(partial(self._part, half, 1)))[1]]
        return look.rows.count(ids) < len(ids)

    def _existing(self, ids: AbstractSet[str]) -> set[str]:
        """Return those of some ids, the first of many, under which there is a row now."""
        if not ids:
            return set()
        asked = ", ".join(map(quoted, sorted(ids)[:_PROBED]))
        page = self._now(partial(self._ask, self._query.where(f"id in~ ({asked})").text))
        return set(unique(page.rows)[1])

    def _ordered(self, ledger: Ledger) -> Iterator[list[Row]]:
        def ask(*, top: int, skip_token: str | None) -> Page:
            return self._now(partial(self._ask, self._query.text, top=top, skip_token=skip_token))

        self.duplicates = yield from read_until_still(self._query.name, ask, self._page_size, self.expected, ledger)


class _PartitionsUnusableError(Exception):
    """Partitions can't be trusted for this query, and why."""


def _scope_too_large() -> ScopeTooLargeError:
    return ScopeTooLargeError(
        "More subscriptions lie in scope than Resource Graph looks at (10,000); it left the others out.",
        "Set subscription_ids or management_group_ids, and run once per part.",
    )
