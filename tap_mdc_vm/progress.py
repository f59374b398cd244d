"""How far a stream is: a line every ten seconds, or a bar where somebody is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator

import click

from tap_mdc_vm import events
from tap_mdc_vm.records import Record

_INTERVAL = 10.0


def tracked(
    name: str,
    batches: Iterable[list[Record]],
    expected: Callable[[], int],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[Record]]:
    """Pass a stream's batches of records on, and tell how far they are of how many are expected, as far as is known."""
    if sys.stderr.isatty():
        yield from _with_a_bar(name, batches, expected)
        return
    began, last, rows = None, 0.0, 0
    for batch in batches:
        if began is None:  # not before the first batch has come: what it is joined to was read until then
            began = last = clock()
        yield batch
        rows += len(batch)
        now = clock()
        if now - last >= _INTERVAL:
            last = now
            total, rate = expected(), rows / (now - began)
            left = (total - rows) / rate if rate and total >= rows else None  # where more came, nobody knows
            events.emit(events.Progress(name, rows, max(total, rows), rate, left))


def _with_a_bar(name: str, batches: Iterable[list[Record]], expected: Callable[[], int]) -> Iterator[list[Record]]:
    with click.progressbar(
        length=max(expected(), 1), label=name, file=sys.stderr, show_pos=True, show_percent=True, show_eta=True
    ) as bar:
        for batch in batches:
            bar.length = max(expected(), bar.pos + len(batch), 1)
            yield batch
            bar.update(len(batch))
