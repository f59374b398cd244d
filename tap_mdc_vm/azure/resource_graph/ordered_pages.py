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

from typing import TYPE_CHECKING, Protocol

from tap_mdc_vm.azure.resource_graph.partitions import hashed
from tap_mdc_vm.errors import IncompleteError, PayloadTooLargeError
from tap_mdc_vm.resource_ids import lower

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tap_mdc_vm.azure.resource_graph.duplicates import Duplicates
    from tap_mdc_vm.azure.resource_graph.model import Page, Row

_READINGS = 5
_EMPTY_PAGES = 10


class Ask(Protocol):
    """Whatever asks for one page of the query's rows."""

    def __call__(self, *, top: int, skip_token: str | None) -> Page:
        """Return the page of at most ``top`` rows behind a skip token, or the first one."""
        ...


def read_until_still(name: str, ask: Ask, page_size: int, duplicates: Duplicates) -> Generator[list[Row], None, int]:
    """Read pages over and over until one reading finds again what the one before found.

    Args:
        name: What the rows are.
        ask: Asks for a page.
        page_size: Rows per page at most; less where an answer would be too large.
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
    before: set[int] | None = None
    doubles_before, reason = -1, "its rows changed during every one of several readings"
    for _ in range(_READINGS):
        seen: set[int] = set()
        totals: set[int] = set()
        held: list[Row] = []
        read = 0
        try:
            for page in _pages(ask, page_size):
                totals.add(page.total)
                read += len(page.rows)
                whole, held = _without_last(held + page.rows) if page.skip_token else (held + page.rows, [])
                rows = {hashed(row_id): row for row_id, row in duplicates.by_id(whole).items()}
                fresh = rows.keys() - yielded
                seen |= rows.keys()
                yielded |= fresh
                yield [row for key, row in rows.items() if key in fresh]
        except IncompleteError as error:
            before, reason = None, error.message.removesuffix(".")
            continue
        doubles = read - len(seen)
        if before is not None and totals == {read} and doubles in {0, doubles_before} and before == seen:
            return doubles
        before, doubles_before = seen, doubles
        reason = "its rows changed during every one of several readings"
    raise IncompleteError(
        f"{name} can't be proven complete: {reason}.",
        "Run again when less changes in the tenant. See docs/reliability.md.",
    )


def _without_last(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Split rows before those that have the last one's id: the next page may begin with another of that id."""
    end = len(rows)
    while end and lower(rows[end - 1]["id"]) == lower(rows[-1]["id"]):
        end -= 1
    return rows[:end], rows[end:]


def _pages(ask: Ask, page_size: int) -> Iterator[Page]:
    """Yield ordered pages for as long as there is a skip token, the only sign that there is more."""
    token, seen, empty, read, top = None, set(), 0, 0, page_size
    while True:
        try:
            page = ask(top=top, skip_token=token)
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
