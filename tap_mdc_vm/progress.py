"""How far a stream is: a line every ten seconds, or a bar where somebody is watching."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from tap_mdc_vm import events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_mdc_vm.azure.resource_graph.reader import Reading

_INTERVAL = 10.0


def tracked(
    name: str,
    batches: Iterable[list[dict[str, object]]],
    reading: Reading,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[dict[str, object]]]:
    """Pass batches of records on, and tell how far they are.

    Args:
        name: The stream's.
        batches: Its records.
        reading: Knows how many rows are expected.
        clock: Returns seconds.
    """
    if sys.stderr.isatty():
        with click.progressbar(
            length=max(reading.expected, 1),
            label=name,
            file=sys.stderr,
            show_pos=True,
            show_percent=True,
            show_eta=True,
        ) as bar:
            for batch in batches:
                bar.length = max(reading.expected, bar.pos + len(batch), 1)
                yield batch
                bar.update(len(batch))
        return
    began = last = clock()
    rows = 0
    for batch in batches:
        yield batch
        rows += len(batch)
        now = clock()
        if now - last >= _INTERVAL:
            last = now
            events.emit(_progress(name, rows, reading.expected, now - began))


def _progress(name: str, rows: int, expected: int, seconds: float) -> events.Progress:
    """Return how far a stream is; where more came than was counted so far, how much is left is not known."""
    rate = rows / seconds
    known = rate > 0 and expected >= rows
    return events.Progress(name, rows, max(expected, rows), rate, (expected - rows) / rate if known else None)
