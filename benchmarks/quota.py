"""How much of Azure's quota the tap uses, where an answer takes as long as Azure's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure import BARE_LOOP, TAP, cost_of, sandbox

if TYPE_CHECKING:
    from table import Table

REQUESTS, SECONDS = 15, 5
LATENCY = 0.7  # seconds
PAGES = 12  # of the loop: enough to see how fast it goes


def measure(table: Table) -> None:
    options = ("--latency", str(LATENCY), "--quota", f"{REQUESTS}/{SECONDS}")
    with sandbox(*options, machines=6_000, findings=40) as environment:
        summary = cost_of(TAP, environment).summary()
        sequential = PAGES / cost_of([*BARE_LOOP, str(PAGES)], environment).wall
    sent, seconds, ideal = summary["requests"], summary["seconds"], REQUESTS / SECONDS
    what = f"quota: {sent} requests in {seconds:.1f} s, reached / ideal ({ideal:.0f} a second)"
    table.row(what, sent / seconds / ideal, ">= 0.95")
    table.row("quota: answers 429", summary["throttled"], "<= 2")
    table.note(f"quota: one page after the other reaches {sequential:.2f} requests a second")
