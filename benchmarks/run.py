"""Measures the tap against its goals, side by side with others, and prints a table.

python benchmarks/run.py [--runs 3] [--machines 3000] [--only NAME ...] [--json FILE] [--plot FILE]

Times are of whole processes: CPU by the operating system's account of the finished process, wall from start to end.
Commands that are compared take turns, and the median of each counts.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import end_to_end
import growth
import many
import quota
import speed
import start_up
import volume
from table import Table

if TYPE_CHECKING:
    from collections.abc import Callable


def items(machines: int, runs: int, plot: Path | None) -> dict[str, Callable[[Table], None]]:
    """Return what can be measured, by name: ratios first."""
    return {
        "loop": partial(speed.against_the_barest_loop, machines=machines, runs=runs),
        "sdk": partial(speed.against_the_sdk, machines=machines, runs=runs),
        "azure": partial(speed.against_azure, machines=machines, runs=runs),
        "requests": speed.requests,
        "packed": quota.packed,
        "quota": quota.measure,
        "end-to-end": partial(end_to_end.measure, runs=runs),
        "start-up": partial(start_up.measure, runs=runs),
        "many": many.measure,
        "volume": volume.measure,
        "growth": partial(growth.measure, plot=plot),
    }


def main() -> None:
    names = list(items(0, 0, None))
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each command (default: 3)")
    parser.add_argument("--machines", type=int, default=3_000, metavar="N", help="of the ratios (default: 3000)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what grows, SVG or PNG")
    chosen = parser.parse_args()
    table = Table()
    table.head()
    for name, measure in items(chosen.machines, chosen.runs, chosen.plot).items():
        if name in chosen.only:
            measure(table)
    table.foot()
    if chosen.json:
        table.write(chosen.json)


if __name__ == "__main__":
    main()
