"""Draws the charts of the overview page as HTML: text keeps its size on any screen, and colours are the page's."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from counts import Bar, Fill


def bars(drawn: Sequence[Bar]) -> str:
    """Draw lying bars, one below the other: label and note, parts, total. A part's number shows under the pointer."""
    longest = max((bar.total for bar in drawn), default=0) or 1
    return f"<div class=bars>\n{''.join(_row(bar, longest) for bar in drawn)}</div>"


def legend(drawn: Sequence[Bar]) -> str:
    """Name the parts that occur, each beside its colour."""
    used = dict.fromkeys(part for bar in drawn for part, length in bar.parts.items() if length)
    order = list(drawn[0].parts) if drawn else []
    return f"<ul>{''.join(f'<li class={part}>{part}</li>' for part in sorted(used, key=order.index))}</ul>"


def fill_levels(fills: Iterable[Fill]) -> str:
    """Draw, for each field, how much of it holds a value."""
    rows = []
    for fill in fills:
        share = fill.filled / fill.records if fill.records else 0
        tip = f"{fill.field}: {fill.filled:,} of {fill.records:,} records"
        rows.append(
            f'<div class="bar{"" if share else " empty"}"><span>{fill.field}</span>'
            f'<div title="{tip}"><u><i class=full style="width:{share:.2%}"></i></u>'
            f"<b>{_percent(share)}</b></div></div>\n"
        )
    return f'<div class="bars fills">\n{"".join(rows)}</div>'


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Show rows as a table, numbers to the right."""
    heads = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in rows[0])
    lines = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>\n" for row in rows)
    return f"<div class=table><table><tr>{heads}</tr>\n{lines}</table></div>"


def _row(bar: Bar, longest: int) -> str:
    label = escape(bar.label)
    parts = "".join(
        f'<i class={part} style="width:{length / longest:.2%}" title="{label}: {length:,} {part}"></i>'
        for part, length in bar.parts.items()
        if length
    )
    note = f" <small>{escape(bar.note)}</small>" if bar.note else ""
    return f"<div class=bar><span>{label}{note}</span><div><u>{parts}</u><b>{bar.total:,}</b></div></div>\n"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"<td class=number>{value:,}</td>"
    return f"<td{' class=off' if value == 'off' else ''}>{escape(str(value))}</td>"


def _percent(share: float) -> str:
    """Return a share in whole percent, never rounded to all or to nothing."""
    return f"{min(99, max(1, round(100 * share))) if 0 < share < 1 else round(100 * share)} %"
