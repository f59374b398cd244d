"""A query's rows by ordered pages, read until they hold still: the last resort, where partitions can't be trusted.

A row that goes while another comes pulls a third across a page's edge, and no total tells. But what pulled is gone
then: only where the next pass finds every row of a pass again was none of its rows pulled away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tap_mdc_vm.azure.resource_graph.completeness import Ledger, only, unique
from tap_mdc_vm.errors import IncompleteError, PayloadTooLargeError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tap_mdc_vm.azure.resource_graph.model import Page, Row

_PASSES = 5
_EMPTY_PAGES = 10


class Ask(Protocol):
    """Whatever asks for one page of the query's rows."""

    def __call__(self, *, top: int, skip_token: str | None) -> Page:
        """Return the page of at most ``top`` rows behind a skip token, or the first one."""
        ...


def read_until_still(
    name: str, ask: Ask, page_size: int, expected: int, ledger: Ledger
) -> Generator[list[Row], None, int]:
    """Read pass after pass until one finds again what the one before found.

    Args:
        name: What the rows are.
        ask: Asks for a page.
        page_size: Rows per page at most; less where an answer would be too large.
        expected: About how many rows there are.
        ledger: Rows that were handed on before; those that are yielded go in.

    Yields:
        Rows that were not in the ledger.

    Returns:
        How many rows came again within one pass.

    Raises:
        IncompleteError: They never held still.
        TapError: Azure can't be asked.
    """
    seen: Ledger | None = None
    reason, rows_before, doubles_before = "", 0, None
    for _ in range(_PASSES):
        before, seen = seen, Ledger(expected)
        totals: set[int] = set()
        read = rows = again = 0
        try:
            for page in _pages(ask, page_size):
                distinct, ids = unique(page.rows)
                totals.add(page.total)
                read += len(page.rows)
                fresh = only(ids, seen.enter(ids))
                rows += len(fresh)
                again += before.count(fresh) if before else 0
                yield only(distinct, ledger.enter(ids))
        except IncompleteError as error:
            reason, seen = error.message.removesuffix("."), None
            continue
        doubles = read - rows
        if before and totals == {read} and doubles in {0, doubles_before} and again == rows_before:
            return doubles
        rows_before, doubles_before = rows, doubles
        reason = "its rows changed during every one of several readings"
    raise IncompleteError(
        f"{name} can't be proven complete: {reason}.",
        "Run again when less changes in the tenant. See docs/reliability.md.",
    )


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
