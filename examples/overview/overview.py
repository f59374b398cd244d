"""Makes one self-contained HTML page from what the tap has loaded: a DuckDB file, or a folder of JSON Lines files.

    python examples/overview/overview.py output -o overview.html
    python examples/overview/overview.py defender.duckdb -o overview.html

The page needs no network and no script, follows the reader's light or dark theme, and prints well.
"""

from __future__ import annotations

import argparse
import html
from datetime import date
from pathlib import Path
from string import Template

import charts
import counts

HERE = Path(__file__).resolve().parent


def page(found: counts.Counts, today: date) -> str:
    """Return the whole page."""
    tiles = [
        (found.machines, "virtual machines", f"{found.running:,} of them running"),
        (found.open_findings, "open findings", f"{found.open_findings / max(found.machines, 1):.1f} per machine"),
        (found.severe_findings, "of them critical or high", f"on {found.severe_machines:,} machines"),
        (found.exposed_machines, "machines to look at first", "critical or high, and a public address"),
    ]
    cards = [
        _card(
            "Where to start",
            "Most open critical and high findings, with the public address",
            charts.stacked_bars(found.worst_machines, label_width=0.42),
            counts.SEVERITIES[:2],
        ),
        _card(
            "What would help most",
            "The recommendations that would close most open findings",
            charts.stacked_bars(found.recommendations, label_width=0.55),
            counts.SEVERITIES,
        ),
        _card(
            "How long they have been open",
            "Open findings by age in days, since the first evaluation",
            charts.stacked_columns(found.ages),
            counts.SEVERITIES,
        ),
        _card(
            "What runs",
            "Machines by operating system and power state",
            charts.stacked_bars(found.systems, label_width=0.34),
            counts.POWER_STATES,
        ),
    ]
    for stream in dict.fromkeys(fill.stream for fill in found.fills):
        fills = [fill for fill in found.fills if fill.stream == stream]
        half = -(-len(fills) // 2)
        halves = charts.fill_levels(fills[:half], half) + charts.fill_levels(fills[half:], half)
        cards.append(_card(f"What {stream} holds", "Records with a value in each field", f"<div>{halves}</div>"))
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        day=f"{today:%-d %B %Y}", tiles="".join(_tile(*tile) for tile in tiles), cards="".join(cards)
    )


def _tile(number: int, what: str, note: str) -> str:
    return f"<div class=tile><b>{number:,}</b><span>{what}</span><small>{note}</small></div>\n"


def _card(title: str, subtitle: str, chart: str, parts: tuple[str, ...] = ()) -> str:
    used = [part for part in parts if f"--{part.lower()})" in chart]
    legend = "".join(f'<li style="--key: var(--{part.lower()})">{part}</li>' for part in used)
    heading = f"<h2>{html.escape(title)}</h2><p>{html.escape(subtitle)}</p>"
    return f"<section>{heading}<ul>{legend}</ul>{chart}</section>\n"


def main() -> None:
    """Read the arguments, and write the page."""
    parser = argparse.ArgumentParser(description="Makes one HTML page from what tap-mdc-vm has loaded.")
    parser.add_argument("source", type=Path, help="a DuckDB file, or the folder that target-jsonl wrote into")
    parser.add_argument("-o", "--output", type=Path, default=Path("overview.html"), help="the page to write")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="the day that ages count from; the newest change's, if left out"
    )
    arguments = parser.parse_args()
    try:
        connection = counts.connect(arguments.source)
    except FileNotFoundError as error:
        parser.error(str(error))
    today = arguments.today or counts.newest_day(connection)
    arguments.output.write_text(page(counts.gather(connection, today), today), encoding="utf-8")
    print(arguments.output)


if __name__ == "__main__":
    main()
