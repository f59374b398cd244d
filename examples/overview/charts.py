"""Draws the charts of the overview page with matplotlib, as SVG that takes its colours from the page.

matplotlib wants to know each colour as it draws. So it draws with a stand-in for each, and the SVG gets the name of
a CSS variable in its place: one drawing serves light and dark.
"""

from __future__ import annotations

import io
import re
import textwrap
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counts import Bar, Fill
    from matplotlib.axes import Axes

mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "overview", "font.size": 12}

# Stand-ins: any colours will do, as long as each is used for one thing.
COLOURS = {
    "ink": "#010101",
    "muted": "#020202",
    "line": "#030303",
    "empty": "#040404",
    "full": "#050505",
    "critical": "#100000",
    "high": "#200000",
    "medium": "#300000",
    "low": "#400000",
    "running": "#000010",
    "stopped": "#000020",
    "deallocated": "#000030",
    "other": "#000040",
}
_WIDTH = 7.2  # inches of 72 points: a card is about 520 pixels wide, so that 12 points show as 12 pixels
_ROW = 0.46  # inches: two lines of text fit


def stacked_bars(bars: Sequence[Bar], label_width: float = 0.3) -> str:
    """Draw lying bars, one below the other, label to the left and total to the right.

    Args:
        bars: From top to bottom.
        label_width: The share of the width that the labels take.
    """
    figure, axes = _canvas(len(bars) * _ROW, label_width)
    longest = max((bar.total for bar in bars), default=1) or 1
    for row, bar in enumerate(bars):
        left = 0
        for part, length in bar.parts.items():
            if length:
                drawn = axes.barh(row, length, left=left, height=0.62, color=COLOURS[part.lower()])
                drawn[0].set_gid(_tip(f"{bar.label}: {length:,} {part}"))
                left += length
        axes.text(left + longest * 0.015, row, f"{bar.total:,}", va="center", color=COLOURS["ink"])
        _label(axes, row, bar, label_width)
    axes.set(xlim=(0, longest * 1.1), ylim=(len(bars) - 0.5, -0.5))
    return _svg(figure)


def stacked_columns(bars: Sequence[Bar], height: float = 3.4) -> str:
    """Draw standing bars, side by side, total above and label below."""
    figure = Figure((_WIDTH, height))
    axes = figure.add_axes((0.0, 0.09, 1.0, 0.9), frameon=False)
    tallest = max((bar.total for bar in bars), default=1) or 1
    for column, bar in enumerate(bars):
        bottom = 0
        for part in reversed(bar.parts):
            if length := bar.parts[part]:
                drawn = axes.bar(column, length, bottom=bottom, width=0.66, color=COLOURS[part.lower()])
                drawn[0].set_gid(_tip(f"{bar.label}: {length:,} {part}"))
                bottom += length
        axes.text(column, bottom + tallest * 0.02, f"{bar.total:,}", ha="center", color=COLOURS["ink"])
        axes.text(column, -tallest * 0.03, bar.label, ha="center", va="top", color=COLOURS["muted"])
    axes.axhline(0, color=COLOURS["line"], linewidth=1)
    axes.set(xlim=(-0.5, len(bars) - 0.5), ylim=(0, tallest * 1.1), xticks=[], yticks=[])
    return _svg(figure)


def fill_levels(fills: Sequence[Fill], rows: int) -> str:
    """Draw, for each field, how much of it holds a value.

    Args:
        fills: From top to bottom.
        rows: Leave room for so many, so that two drawings side by side have rows of the same height.
    """
    figure, axes = _canvas(rows * 0.31, 0.4)
    for row, fill in enumerate(fills):
        share = fill.filled / fill.records if fill.records else 0
        axes.barh(row, 1, height=0.36, color=COLOURS["empty"])
        bar = axes.barh(row, share, height=0.36, color=COLOURS["full"])
        bar[0].set_gid(_tip(f"{fill.field}: {fill.filled:,} of {fill.records:,} records"))
        axes.text(1.02, row, _percent(fill), va="center", color=COLOURS["ink" if share else "muted"])
        place: dict[str, Any] = {"x": -0.4 / 0.6, "transform": axes.get_yaxis_transform(), "va": "center"}
        axes.text(y=row, s=fill.field, color=COLOURS["ink" if share else "muted"], **place)
    axes.set(xlim=(0, 1.18), ylim=(rows - 0.5, -0.5))
    return _svg(figure)


def _percent(fill: Fill) -> str:
    """Return the share in whole percent, never rounded to all or to nothing."""
    share = fill.filled / fill.records if fill.records else 0
    return f"{min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)} %"


def _canvas(height: float, label_width: float) -> tuple[Figure, Axes]:
    figure = Figure((_WIDTH, max(height, _ROW)))
    axes = figure.add_axes((label_width, 0.0, 1 - label_width, 1.0), frameon=False)
    axes.set(xticks=[], yticks=[])
    return figure, axes


def _label(axes: Axes, row: int, bar: Bar, label_width: float) -> None:
    lines = textwrap.wrap(bar.label, width=int(76 * label_width), max_lines=2, placeholder=" …")
    text = "\n".join(lines)
    place: dict[str, Any] = {
        "x": -label_width / (1 - label_width),
        "transform": axes.get_yaxis_transform(),
        "va": "center",
    }
    axes.text(y=row, s=text, color=COLOURS["ink"], linespacing=1.1, **place)
    if bar.note:
        place["x"] = -0.02
        axes.text(y=row, s=bar.note, color=COLOURS["muted"], ha="right", size=10.5, **place)


def _tip(text: str) -> str:
    """Return an id that :func:`_svg` turns into the text that shows when the pointer rests on a bar."""
    return f"tip {text}"


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = re.sub(r'<svg height="[^"]*" width="[^"]*"|<svg width="[^"]*" height="[^"]*"', "<svg", text)
    for name, colour in COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return re.sub(r'<g id="tip ([^"]*)">', r"<g><title>\1</title>", text[text.index("<svg") :])
