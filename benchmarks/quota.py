"""How much of Azure's quota the tap uses, where an answer takes as long as Azure's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from measure import BARE_LOOP, TAP, Cost, cost_of, sandbox

if TYPE_CHECKING:
    from table import Table

REQUESTS, SECONDS = 15, 5
LATENCY = 0.7  # seconds
PAGES = 12  # of the loop: enough to see how fast it goes
PACKED = (3_000, 60)  # machines, and findings of each: a minute of plain pages
TENANTS = ((2_000, 20), (3_000, 40), (6_000, 40))  # machines, and findings of each
AS_AZURE = ("--latency", str(LATENCY), "--quota", f"{REQUESTS}/{SECONDS}")


def packed(table: Table) -> None:
    machines, findings = PACKED
    with sandbox(*AS_AZURE, machines=machines, findings=findings) as environment:
        tap = _second_run(environment)
        page = cost_of([*BARE_LOOP, str(PAGES)], environment).wall / PAGES
    rows = sum(figures["emitted"] for figures in tap.summary()["streams"].values())
    table.row(f"rows a second under quota, {rows:,} rows", rows / tap.wall, ">= 8000")
    table.row("wall of the barest loop (by its pages) / wall of the tap, there", page * rows / 1000 / tap.wall, ">= 6")


def _second_run(environment: dict[str, str]) -> Cost:
    """Run the tap twice, as the sandbox makes its indexes with the first questions; the second time with all quota."""
    cost_of(TAP, environment)
    time.sleep(SECONDS)
    return cost_of(TAP, environment)


def measure(table: Table) -> None:
    ideal, throttled = REQUESTS / SECONDS, 0
    for machines, findings in TENANTS:
        options = (*AS_AZURE, "--lacking", "make_list")  # or there were too few requests to tell
        with sandbox(*options, machines=machines, findings=findings) as environment:
            summary = _second_run(environment).summary()
            sequential = PAGES / cost_of([*BARE_LOOP, str(PAGES)], environment).wall
        sent, seconds = summary["requests"], summary["seconds"]
        what = f"quota, packing refused: {sent} requests in {seconds:.1f} s, reached / ideal ({ideal:.0f} a second)"
        table.row(what, sent / seconds / ideal, ">= 0.95")
        throttled += summary["throttled"]
    table.row("quota: answers 429", throttled, "<= 2")
    table.note(f"quota: one page after the other reaches {sequential:.2f} requests a second")
