"""What grows with a tenant: CPU, wall and memory of the tap, from 1,000 machines to 100,000 with 3 million findings.

python benchmarks/growth.py [--sizes N ...] [--plot FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from growth_plot import draw
from line import Line
from measure import NO_QUOTA, TAP, cost_of, sandbox
from table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)  # machines
FINDINGS = 30  # of each
FULL = 10_000  # machines, from which on all of the tap's pages are in flight for most of the run
RUNS = 3  # of the smaller tenants: memory varies by a tenth, with how many answers wait for their turn at once
APART = 10_000  # machines that are read once more without findings, to tell their cost from their findings'
FIELDS = ("cpu", "wall", "memory")
NAMES = {"cpu": "CPU", "wall": "wall"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one run: seconds, MB, and the records of the three streams, to which the ETM map adds."""

    machines: int
    findings: int
    records: int
    cpu: float
    wall: float
    memory: float


def run(machines: int, findings: int) -> Figures:
    """Read a tenant, the smaller ones several times, and return the medians.

    Each time from a sandbox of its own, so that all sizes are alike: it remembers its answers only for small ones.
    """
    costs = []
    for _ in range(RUNS if machines <= FULL else 1):
        with sandbox(*NO_QUOTA, machines=machines, findings=findings) as environment:
            costs.append(cost_of(TAP, environment))
    cpu, wall, memory = (statistics.median(getattr(cost, field) for cost in costs) for field in FIELDS)
    emitted = {name: figures["emitted"] for name, figures in costs[0].summary()["streams"].items()}
    return Figures(machines, emitted["assessments"], sum(emitted.values()), cpu, wall, memory)


def measure(table: Table, sizes: Sequence[int] = SIZES, plot: Path | None = None) -> None:
    runs = [run(machines, FINDINGS) for machines in sizes]
    without_findings = run(APART, 0)
    _memory(table, runs)
    lines = {field: Line.through({each.machines: getattr(each, field) for each in runs}) for field in NAMES}
    for field, line in lines.items():
        _straightness(table, NAMES[field], line, {each.machines: getattr(each, field) for each in runs})
    for field, line in lines.items():
        _costs(table, NAMES[field], line, runs[-1], (getattr(without_findings, field) - line.start) / APART)
    for each in [*runs, without_findings]:
        seconds = f"{each.cpu:7.2f} s CPU {each.wall:7.2f} s wall {each.memory:4.0f} MB"
        table.note(f"{each.machines:7,} machines, {each.findings:9,} findings: {seconds}")
    table.details["growth"] = {
        "findings_per_machine": FINDINGS,
        "runs": [asdict(each) for each in runs],
        "without_findings": asdict(without_findings),
        "lines": {field: asdict(line) for field, line in lines.items()},
    }
    if plot:
        draw(table.details["growth"], plot)


def _memory(table: Table, runs: list[Figures]) -> None:
    full = [each for each in runs if each.machines >= FULL]
    if len(full) > 1:
        first, last = full[0], full[-1]
        growth = (last.memory - first.memory) * 1024 / (last.machines - first.machines)
        what = f"growth of memory per machine, {first.machines:,} to {last.machines:,}"
        table.row(what, growth, "<= 0.25", "KB")
    for each in runs:
        base = each in full[:1]
        what = f"memory, {each.machines:,} machines" + (", all pages in flight" if base else "")
        table.row(what, each.memory, "<= 200" if base else "", "MB")


def _straightness(table: Table, name: str, line: Line, points: dict[int, float]) -> None:
    off = line.off(points)
    furthest = max(off, key=lambda machines: abs(off[machines]))
    table.row(f"{name}, furthest off a straight line: at {furthest:,} machines", off[furthest] * 100, unit="%")
    shares = ", ".join(f"{share:+.1%} at {machines:,}" for machines, share in off.items())
    table.note(f"{name}: {line.start:.2f} s + {line.slope * 1e6:.0f} µs per machine; off that line {shares}")


def _costs(table: Table, name: str, line: Line, largest: Figures, of_a_machine: float) -> None:
    """Tell the cost of a machine from that of its findings.

    Args:
        table: To write into.
        name: Of the cost.
        line: Over machines with their findings.
        largest: The run that says how many findings a machine has; the odd ones of a tenant count too.
        of_a_machine: Seconds of a machine that has none.
    """
    of_a_finding = (line.slope - of_a_machine) * largest.machines / largest.findings
    table.row(f"{name} per machine, with its interface and address", of_a_machine * 1e6, unit="µs")
    table.row(f"{name} per finding", of_a_finding * 1e6, unit="µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="machines (default: all five)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the picture, SVG or PNG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    chosen = parser.parse_args()
    table = Table()
    table.head()
    measure(table, sorted(chosen.sizes), chosen.plot)
    table.foot()
    if chosen.json:
        table.write(chosen.json)


if __name__ == "__main__":
    main()
