"""Draws what grows: a panel each for CPU, wall and memory over machines, with the straight line.

python benchmarks/growth_plot.py FIGURES.json PICTURE

draws once more what ``run.py --json`` or ``growth.py --json`` wrote; the picture's name says whether it is SVG or PNG.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

# Of middle brightness, without a background: as readable on a light page as on a dark one.
INK, GRID, POINTS, LINE = "#7d8590", "#7d859055", "#2f81f7", "#d29922"
PANELS = (("cpu", "CPU time of the tap, s"), ("wall", "time from start to end, s"), ("memory", "peak memory, MB"))


def draw(growth: dict[str, Any], path: Path) -> None:
    """Draw the figures of ``growth.measure``."""
    # Only here: what this process holds in memory counts for what it starts, until that has replaced it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    runs = growth["runs"]
    machines = [each["machines"] for each in runs]
    findings = growth["findings_per_machine"]
    style = {"axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "font.size": 10}
    with mpl.rc_context(style | {"svg.hashsalt": "growth", "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(10, 3.2), layout="constrained")
        for axes, (field, label) in zip(figure.subplots(1, 3), PANELS, strict=True):
            if line := growth["lines"].get(field):
                ends = [0, max(machines)]
                axes.plot(ends, [line["start"] + line["slope"] * x for x in ends], color=LINE, linewidth=1.5)
            values = [each[field] for each in runs]
            axes.plot(machines, values, "o", color=POINTS, markersize=6)
            axes.set(xlabel=f"machines, with {findings} findings each", ylabel=label)
            axes.set(xlim=(0, 1.08 * max(machines)), ylim=(0, 1.08 * max(values)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
            axes.locator_params(axis="x", nbins=4)
            axes.patch.set_alpha(0)
            axes.grid(color=GRID, linewidth=0.6)
        # Without a date, so that the same figures give the same file.
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(path, transparent=True, dpi=200, metadata=metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("figures", type=Path)
    parser.add_argument("picture", type=Path)
    chosen = parser.parse_args()
    draw(json.loads(chosen.figures.read_text())["growth"], chosen.picture)


if __name__ == "__main__":
    main()
