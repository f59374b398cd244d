"""Makes one self-contained HTML page from what the tap has loaded: a DuckDB file, or a folder of JSON Lines files.

    python examples/overview/overview.py output -o overview.html
    python examples/overview/overview.py output/defender.duckdb -o overview.html

The page needs no network and no script, follows the reader's light or dark theme, fits a phone, and prints well.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from html import escape
from pathlib import Path
from string import Template

import duckdb

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "sql"))

import charts  # noqa: E402 - after the folder of queries was added to the path
import counts  # noqa: E402
import loaded  # noqa: E402


def write(source: Path, output: Path, today: date | None = None) -> None:
    """Write the page of a DuckDB file or a folder, with ages that count from the newest change unless told.

    Raises:
        OSError: If the source is not there or holds nothing, or the page can't be written.
    """
    with loaded.connect(source) as connection:
        day = today or counts.newest_day(connection)
        output.write_text(page(counts.gather(connection, day), day), encoding="utf-8")


def page(found: counts.Counts, today: date) -> str:
    """Return the whole page."""
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(day=f"{today:%-d %B %Y}", tiles="".join(_tiles(found)), cards="".join(_cards(found)))


def _tiles(found: counts.Counts) -> list[str]:
    machines, findings = (sum(bar.total for bar in bars) for bars in (found.systems, found.kinds))
    severe = sum(bar.parts["critical"] + bar.parts["high"] for bar in found.kinds)
    on_paths = sum("attack path" in bar.note for bar in found.exposed)
    return [
        _tile(machines, "virtual machines", f"{sum(bar.parts['running'] for bar in found.systems):,} of them running"),
        _tile(findings, "open findings", f"{findings / max(machines, 1):.1f} per machine"),
        _tile(severe, "of critical or high risk", f"on {found.severe_machines:,} machines"),
        _tile(len(found.exposed), "machines to look at first", f"{on_paths:,} of them on an attack path"),
    ]


def _cards(found: counts.Counts) -> list[str]:
    cards = [
        _chart("What was found", "Open findings by kind and risk", found.kinds),
        _chart("How long it has been open", "Open findings by age in days, since the first evaluation", found.ages),
        _chart("Where to start", "Machines on an attack path or with a public address, by severe risks", found.exposed),
        _chart("What to update", "The software whose update closes most open findings", found.software),
        _chart("What to configure", "The other recommendations, by open findings", found.recommendations),
        _chart("What runs", "Machines by operating system and power state", found.systems),
    ]
    if found.unsupported:
        subtitle = "Machines by software whose support has ended or ends soon, and the day"
        cards.append(_chart("What is no longer supported", subtitle, found.unsupported))
    if found.plans:
        subtitle = "Subscriptions with machines, and which plans of Defender are on"
        cards.append(_card("What looks at it", subtitle, charts.table(found.plans[: counts.LONGEST])))
    subtitle = "Records with a value in each field"
    for stream, fills in found.fills.items():
        cards.append(_card(f"What {stream} holds", subtitle, charts.fill_levels(fills), "wide"))
    return cards


def _tile(number: int, what: str, note: str) -> str:
    return f"<div class=tile><b>{number:,}</b><span>{what}</span><small>{note}</small></div>\n"


def _chart(title: str, subtitle: str, bars: list[counts.Bar]) -> str:
    shown = bars[: counts.LONGEST]
    return _card(title, subtitle, charts.legend(shown) + charts.bars(shown) if shown else "<p>None.</p>")


def _card(title: str, subtitle: str, content: str, kind: str = "") -> str:
    opening = f"<section class={kind}>" if kind else "<section>"
    return f"{opening}<h2>{escape(title)}</h2><p>{escape(subtitle)}</p>{content}</section>\n"


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
        write(arguments.source, arguments.output, arguments.today)
    except (OSError, duckdb.CatalogException, duckdb.BinderException) as error:
        parser.error(f"{error}")
    print(arguments.output)


if __name__ == "__main__":
    main()
