"""One query in one scope: asked for in partitions, each of which is proven before a row of it is handed on.

A partition's rows come from one answer of one evaluation. They are handed on when three questions agree:

- Does each row belong? The tap computes the hash of its id. So no row comes twice, and a service that hashes otherwise
  shows with its first answer.
- Are there as many as another question counts? Fewer may be a deletion in between, or a row left out.
- Is each row of the first page there that belongs to the partition? If not, it is gone, or left out.

Where a row may have been left out, both sides are asked again, and all rows that came are put together. What was only
deleted or created is explained by the next answer or the one after. What is counted, or found by its id, ten times over
and is in no answer is an error. Deletions and creations never do that, however many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.duplicates import Duplicates
from tap_mdc_vm.azure.resource_graph.model import Page, RawRow, Row
from tap_mdc_vm.azure.resource_graph.ordered_pages import read_until_still
from tap_mdc_vm.azure.resource_graph.partitions import WHOLE, Partition, cut, hashed
from tap_mdc_vm.azure.resource_graph.questions import PartitionsUnusableError, Questions, Tally
from tap_mdc_vm.azure.resource_graph.way import DoesNotFitError, Way
from tap_mdc_vm.azure.resource_graph.workers import Lane, Workers
from tap_mdc_vm.errors import IncompleteError, PayloadTooLargeError, ScopeTooLargeError, TapError, UnansweredError

_ROUNDS = 10
"""How often two sides are asked until they agree."""

_SIXTY_FOURTH = Partition(64, 0)
"""Stands for all rows where the service can't answer about all of them at once."""

_FEWEST = 8
"""Partitions at least, where that is so."""

_UNBELIEVABLE = 1000
"""Partitions for which a total is not taken from one answer alone: it is asked for again."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows of an answer, or of several that are put together.

    Attributes:
        rows: By their ids in lower case.
        duplicates: How many rows were left out because they had the id of another.
        unproven: Why they may not be all.
    """

    rows: dict[str, RawRow] = field(default_factory=dict)
    duplicates: int = 0
    unproven: IncompleteError | None = None

    @property
    def count(self) -> int:
        """How many rows came."""
        return len(self.rows) + self.duplicates


class ScopeReading:
    """Begins to read at once. Its rows are there to be iterated once, in batches of an answer.

    Args:
        questions: Asks.
        workers: Ask several questions side by side.
        way: How rows are asked for; shared by the scopes of a query.
        duplicates: Tells rows by their ids.
        fall_short: Is told why the result can't be proven; it may end the run by raising that.

    Attributes:
        expected: Rows that Azure counted, as far as known.
        duplicates: Rows left out because their id had come before.
    """

    def __init__(
        self,
        questions: Questions,
        workers: Workers,
        way: Way,
        duplicates: Duplicates,
        fall_short: Callable[[TapError], None],
    ) -> None:
        """Ask for the first page."""
        self._ask, self._workers, self._way = questions, workers, way
        self._duplicates, self._fall_short = duplicates, fall_short
        self._sample: list[tuple[int, str]] = []
        self._tally: Tally | None = None
        self._is_heavy, self._modulus = False, 1
        self.expected = self.duplicates = 0
        self._lane: Lane[_Read] = workers.lane()
        workers.add(self._lane, [self._first_answer])

    def close(self) -> None:
        """Drop what is not under way."""
        self._workers.drop(self._lane)

    # On the thread that iterates

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield the rows, no id (in lower case) twice.

        Raises:
            IncompleteError: They can't be proven complete.
            TapError: Azure can't be asked, or ``fall_short`` raised.
        """
        read = 0
        try:
            for answer in self._workers.results(self._lane):
                if answer.unproven:
                    self._fall_short(answer.unproven)
                read += answer.count
                self.duplicates += answer.duplicates
                rows = [*map(answers.row, answer.rows.values())]
                del answer
                yield rows
                rows.clear()  # so that its megabytes are free while the next one is waited for
            if self._tally and not self._is_heavy:
                self._workers.submit(partial(self._adds_up, self._tally, read), urgent=True).result()
        except PartitionsUnusableError as error:
            if read:
                raise _contradiction(str(error)) from error
            self._way.leave_partitions(str(error))
            self.duplicates = yield from read_until_still(self._way, self._page_in_order, self._duplicates)
        if self._ask.limit_hit:
            self._fall_short(
                ScopeTooLargeError(
                    "More subscriptions lie in scope than Resource Graph looks at (10,000); it left the others out.",
                    "Set subscription_ids or management_group_ids, and run once per part.",
                )
            )

    def _page_in_order(self, top: int, skip_token: str | None) -> Page:
        page = partial(self._ask.page, WHOLE, top=top, skip_token=skip_token, urgent=True)
        return self._workers.submit(page, urgent=True).result()

    # On a thread of the workers

    def _first_answer(self) -> _Read:
        """Return the rows of the first page if they are all, else none: then the first partition is next."""
        try:
            page = self._first_page(WHOLE)
        except UnansweredError:
            # Too heavy as a whole, perhaps. Then one part shows how many rows there are about, and how large.
            self._is_heavy = True
            page = self._first_page(_SIXTY_FOURTH)
        self.expected = page.total * (_SIXTY_FOURTH.modulus if self._is_heavy else 1)
        if page.skip_token and self.expected <= len(page.rows):  # more is promised than is counted
            self.expected = self._ask.count()
        first = self._read_of(page.rows)
        if not self._is_heavy and (not page.skip_token or self.expected <= len(page.rows)):
            return first
        self._way.measure(page)
        self._sample = [(hashed(row_id), row_id) for row_id in first.rows if row_id.isascii()]
        self._workers.add(self._lane, [self._first_partition], size=self._way.size)
        return _Read()

    def _first_page(self, part: Partition) -> Page:
        """Return the first page; of fewer rows, if their bytes are too many for an answer."""
        top = self._way.page_size
        while True:
            try:
                return self._ask.page(part, top=top)
            except PayloadTooLargeError:
                if top == 1:
                    raise
                top = max(top // 10, 1)

    def _first_partition(self) -> _Read:
        """Return the rows of one partition. Only when the service has shown how it answers, queue the others.

        It is the last one, as rows are missing from all but the first where remainders are negative.
        """
        if not self._way.has_partitions:
            raise PartitionsUnusableError("it couldn't in another scope")
        if self.expected > _UNBELIEVABLE * self._way.rows and not self._is_heavy:
            self.expected = self._ask.count()
        self._tally = tally = Tally(self._ask, self.expected, one_by_one=self._is_heavy)
        parts = self._cut()
        while True:
            part, rows_before = parts.pop(), self._way.rows
            # Side by side with its rows. Should the count not come, it is asked for again where it is used.
            self._workers.submit(partial(tally.of, part), urgent=True)
            try:
                read = self._proven(tally, part)
            except DoesNotFitError:
                parts = self._cut() if self._way.rows < rows_before else [*parts, *part.split(2)]
            else:
                if read.unproven:
                    raise PartitionsUnusableError(read.unproven.message)
                self._modulus = part.modulus
                self._queue(tally, parts)
                return read

    def _cut(self) -> list[Partition]:
        rows = self._way.rows
        return cut(max(self.expected, math.ceil(_FEWEST * rows) if self._is_heavy else 0), rows)

    def _queue(self, tally: Tally, parts: list[Partition]) -> None:
        self._workers.add(self._lane, [partial(self._part, tally, part) for part in parts], size=self._way.size)

    def _part(self, tally: Tally, part: Partition) -> _Read:
        """Return a partition's rows; none, if they don't fit one answer: then its parts are next."""
        try:
            return self._proven(tally, part)
        except DoesNotFitError:
            self._queue(tally, part.split(max(math.ceil(self._mean(part) / self._way.rows), 2)))
            return _Read()

    def _proven(self, tally: Tally, part: Partition) -> _Read:
        """Return a partition's rows once they agree with its count and with the first page, or why they never do."""
        try:
            read = self._belonging(part)
            count = tally.of(part)
            missing = {row_id for number, row_id in self._sample if number % part.modulus == part.remainder}
            for _ in range(_ROUNDS):
                missing -= read.rows.keys()
                if read.count < count:
                    count = tally.of(part, stale=count)
                if missing:
                    missing = self._ask.existing(missing)
                if read.count >= count and not missing:
                    return read
                again = self._belonging(part, urgent=True)
                read = _Read(read.rows | again.rows, max(read.duplicates, again.duplicates))
        except IncompleteError as error:
            return _Read(unproven=error)
        reason = f"a partition has {count:,} rows, and {read.count:,} came"
        if missing:
            reason = f"{min(missing)} is there, and not in its partition"
        return replace(read, unproven=_contradiction(reason))

    def _belonging(self, part: Partition, *, urgent: bool = False) -> _Read:
        """Return a partition's rows of one answer."""
        for last in (False, True):
            read = self._read_of(self._way.ask(self._ask, part, self._mean(part), urgent=urgent or last))
            strangers = part.strangers(read.rows)
            if not strangers:
                return read
        raise PartitionsUnusableError(f"{strangers[0]} came with a partition that it does not belong to")

    def _adds_up(self, tally: Tally, read: int) -> None:
        """See that no more rows are counted than were read."""
        counted, most = self.expected, read
        for _ in range(_ROUNDS):
            if counted <= most or (counted := self._ask.count()) <= most:
                return
            most = max(most, tally.sum(self._modulus))
        raise PartitionsUnusableError(f"they have {most:,} rows, and {counted:,} are counted")

    def _mean(self, part: Partition) -> float:
        """Return how many rows a partition of that modulus has on average."""
        return self.expected / part.modulus

    def _read_of(self, rows: list[RawRow]) -> _Read:
        by_id = self._duplicates.by_id(rows)
        return _Read(by_id, len(rows) - len(by_id))


def _contradiction(what: str) -> IncompleteError:
    return IncompleteError(
        f"Resource Graph contradicts itself, however often it is asked: {what}.",
        "Run again; if it stays so, ask Microsoft's support. See docs/reliability.md.",
    )
