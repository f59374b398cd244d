"""How rows are asked for: the largest answers that the service has not refused.

================  ==============================================  ==========================================
way               an answer holds                                 left when
================  ==============================================  ==========================================
packed            one row with the list of all: some thousands    refused; cut to less than a page; malformed
plain             a row for each: a page, 1,000 at most           hash() is refused
================  ==============================================  ==========================================

Nobody has shown packed answers of that size from the real service, so each step down is as ordinary as the first
try. It holds for the rest of the query, in all scopes.
"""

from __future__ import annotations

import re
import threading

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.model import Page, RawRow
from tap_mdc_vm.azure.resource_graph.partitions import Partition, mean_that_fits
from tap_mdc_vm.azure.resource_graph.questions import PartitionsUnusableError, Questions
from tap_mdc_vm.errors import (
    IncompleteError,
    MalformedAnswerError,
    PayloadTooLargeError,
    RequestRefusedError,
    UnansweredError,
)

_AIM = 12 * 1024 * 1024
"""Bytes of a packed answer on average. Azure's limit is 16 MiB: there is room for rows that are larger than those of
the first page by a third."""

_PAGES = 5
"""Pages that a packed answer may hold: a smaller ``page_size`` makes packed answers smaller too."""

_USUAL_ROW = 4096
"""Bytes of a row, where no page has shown any."""

_SMALLEST = 2**32
"""The modulus from which on a partition is not split: what does not fit then is a single row, or many with one id."""

_SIZE = re.compile(r"payload size is ([1-9]\d*)\b.* limit of (\d+)", re.IGNORECASE)
"""How Azure says how large an answer would have been, and the limit."""


class DoesNotFitError(Exception):
    """A partition has more rows than an answer holds: ask for its parts."""


class Way:
    """The way of one query, learned by all threads that read it.

    Args:
        name: What the rows are.
        page_size: Rows per plain answer at most.

    Attributes:
        has_partitions: Whether rows are asked for in partitions at all.
        is_packed: Whether they are packed.
    """

    def __init__(self, name: str, page_size: int) -> None:
        """Begin with packed answers."""
        self.name, self.page_size = name, page_size
        self.has_partitions = self.is_packed = True
        self._has_come = False
        self._row_size, self._most = float(_USUAL_ROW), float("inf")
        self._too_large: set[int] = set()
        self._told: set[str] = set()
        self._learning = threading.Lock()

    @property
    def rows(self) -> float:
        """Rows that an answer is asked for, on average."""
        limit = self.page_size * _PAGES if self.is_packed else mean_that_fits(self.page_size)
        return max(min(self._most, limit, _AIM / self._row_size), 1.0)

    @property
    def size(self) -> int:
        """Bytes that such an answer takes."""
        return int(self.rows * self._row_size)

    def measure(self, page: Page) -> None:
        """Take in how large rows are."""
        if page.rows:
            self._row_size = page.size / len(page.rows)

    def ask(self, questions: Questions, part: Partition, mean: float, *, urgent: bool) -> list[RawRow]:
        """Return the rows of a partition, all from one answer of one evaluation.

        Args:
            questions: Asks.
            part: The partition.
            mean: Rows that a partition of that modulus has on average.
            urgent: Whether to go before what is ahead of its use.

        Raises:
            DoesNotFitError: It must be asked for in parts.
            PartitionsUnusableError: The service can't partition.
            TapError: Azure can't be asked.
        """
        if mean > self.rows:
            raise DoesNotFitError
        packed, can_be_split = self.is_packed, part.modulus < _SMALLEST
        try:
            page = (
                questions.packed(part, urgent=urgent)
                if packed
                else questions.page(part, top=self.page_size, urgent=urgent)
            )
        except PayloadTooLargeError as error:
            if not can_be_split:
                raise
            self._shrink(part, mean, error)
            raise DoesNotFitError from error
        except (RequestRefusedError, IncompleteError, MalformedAnswerError, UnansweredError) as error:
            is_outage = self.is_packed and self._has_come and isinstance(error, UnansweredError)
            if packed and not is_outage:
                self._unpack(error.message)
                return self.ask(questions, part, mean, urgent=urgent)
            if isinstance(error, RequestRefusedError):
                raise PartitionsUnusableError(f"Azure refused to: {error.message}") from error
            raise
        if len(page.rows) == page.total:
            self._has_come = True
            return page.rows
        if not can_be_split:
            raise PartitionsUnusableError("a partition stays too large however often it is halved")
        if packed:
            self._cut(len(page.rows), page.total)
        raise DoesNotFitError

    def leave_partitions(self, reason: str) -> None:
        """Take in that the service can't partition."""
        if self.has_partitions:
            self.has_partitions = False
            events.emit(events.ReadingInOrder(self.name, reason))

    def _cut(self, length: int, total: int) -> None:
        """Ask for lists that are shorter than one that was cut or, where a page holds as many, for plain rows."""
        reason, fits = f"a list of {total:,} rows came with {length:,}", mean_that_fits(min(length, total))
        if fits <= mean_that_fits(self.page_size):
            self._unpack(reason)
        else:
            self._limit(fits, reason)

    def _shrink(self, part: Partition, mean: float, error: PayloadTooLargeError) -> None:
        """Ask for smaller answers, unless one partition alone is too large.

        The first answer of all speaks for the others; later ones do if there are two, not if a single row is huge.
        """
        said = _SIZE.search(error.message)
        fits = mean * min(int(said[2]) / int(said[1]), 1) / 2 if said else mean / 2
        if not self._has_come or part.modulus in self._too_large:
            self._limit(fits, "an answer would have been over Azure's limit of 16 MiB")
        self._too_large.add(part.modulus)

    def _unpack(self, reason: str) -> None:
        self.is_packed = False
        self._tell("plain pages", reason)

    def _limit(self, fits: float, reason: str) -> None:
        with self._learning:
            self._most = min(self._most, fits)
        self._tell("smaller answers", reason)

    def _tell(self, what: str, reason: str) -> None:
        """Say once for each kind what is asked for from now on."""
        with self._learning:
            is_news = what not in self._told
            self._told.add(what)
        if is_news:
            events.emit(events.AskingForLess(self.name, what, reason))
