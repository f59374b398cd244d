"""A query's rows by ordered pages, read until they hold still: the last resort, where the service can't partition.

Pages are offsets into rows that may change in between. Say, pages of two are asked for, and A goes while E comes:

======  ==============  =========================
asked   rows then       the page holds
======  ==============  =========================
1st     A B C D         A B
2nd     B C D E         D E: C was on neither page
======  ==============  =========================

Four rows before, four after, four read: no number tells. But A is gone then. So only where the next reading finds all
rows of one again did none of them pull another away.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.duplicates import Duplicates
from tap_mdc_vm.azure.resource_graph.model import Page, RawRow, Row
from tap_mdc_vm.azure.resource_graph.partitions import hashed
from tap_mdc_vm.azure.resource_graph.way import Way
from tap_mdc_vm.errors import IncompleteError, PayloadTooLargeError
from tap_mdc_vm.resource_ids import lower

Ask = Callable[[int, str | None], Page]

_READINGS = 5
_EMPTY_PAGES = 10
_CHANGED = "its rows changed during every one of several readings"


def read_until_still(way: Way, ask: Ask, duplicates: Duplicates) -> Generator[list[Row], None, int]:
    """Read pages over and over until one reading finds again what the one before found.

    Args:
        way: What the rows are, and how many a page has at most; it has less where an answer would be too large.
        ask: Returns the page of so many rows at most behind a skip token, or the first one.
        duplicates: Tells rows by their ids.

    Yields:
        Rows that were not yielded before.

    Returns:
        How many rows came again within one reading.

    Raises:
        IncompleteError: They never held still.
        TapError: Azure can't be asked.
    """
    yielded: set[int] = set()
    before: tuple[set[int], int] | None = None
    for _ in range(_READINGS):
        seen, totals, read, held = set[int](), set[int](), 0, list[RawRow]()
        try:
            for page in _pages(ask, way.page_size):
                totals.add(page.total)
                read += len(page.rows)
                whole, held = _without_last(held + page.rows) if page.skip_token else (held + page.rows, [])
                rows = {hashed(row_id): row for row_id, row in duplicates.by_id(whole).items()}
                fresh = rows.keys() - yielded
                seen |= rows.keys()
                yielded |= fresh
                yield [answers.row(row) for key, row in rows.items() if key in fresh]
        except IncompleteError as error:
            before, reason = None, error.message.removesuffix(".")
            continue
        found = seen, read - len(seen)
        if totals == {read} and found == before:
            return found[1]
        before, reason = found, _CHANGED
    raise IncompleteError(
        f"{way.name} can't be proven complete: {reason}.",
        "Run again when less changes in the tenant. See docs/reliability.md.",
    )


def _without_last(rows: list[RawRow]) -> tuple[list[RawRow], list[RawRow]]:
    """Split rows before those that have the last one's id: the next page may begin with another of that id."""
    end = len(rows)
    while end and lower(rows[end - 1].id) == lower(rows[-1].id):
        end -= 1
    return rows[:end], rows[end:]


def _pages(ask: Ask, top: int) -> Iterator[Page]:
    """Yield ordered pages for as long as there is a skip token, the only sign that there is more."""
    token, seen, empty, read, page_size = None, set[str](), 0, 0, top
    while True:
        try:
            page = ask(top, token)
        except PayloadTooLargeError:
            if top == 1:
                raise
            top //= 2
            continue
        yield page
        token, empty, read = page.skip_token, 0 if page.rows else empty + 1, read + len(page.rows)
        if token is None:
            return
        if token in seen or empty > _EMPTY_PAGES or read > 2 * (page.total + page_size):
            raise IncompleteError("Resource Graph sends the same page, or an empty one, over and over")
        seen.add(token)
