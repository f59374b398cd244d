"""Shows the answer to a query of this folder as a table.

python examples/sql/ask.py output findings_by_kind
python examples/sql/ask.py output/defender.duckdb machines_with_cve cve=CVE-2024-6387
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

import duckdb
import loaded

WIDEST = 60  # characters of a column


def table(names: list[str], rows: list[tuple[object, ...]]) -> str:
    """Return a table in text, numbers to the right."""
    cells = [names, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    right = [all(isinstance(row[column], int | float | None) for row in rows) for column in range(len(names))]
    forms = [f"{{:{'>' if number else '<'}{width}}}" for number, width in zip(right, widths, strict=True)]
    lines = ["  ".join(forms).format(*row) for row in cells]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def main() -> None:
    """Read the arguments, and print the answer."""
    queries = sorted(path.stem for path in loaded.SQL.glob("*.sql"))
    parser = argparse.ArgumentParser(description="Shows the answer to a query as a table.")
    parser.epilog = f"Queries: {', '.join(queries)}"
    parser.add_argument("source", type=Path, help="the file of target-duckdb, or the folder of target-jsonl")
    parser.add_argument("query", choices=queries, metavar="query", help="a file of this folder, without .sql")
    parser.add_argument("values", nargs="*", metavar="name=value", help="such as cve=CVE-2024-6387")
    parser.add_argument("--rows", type=int, default=25, help="how many rows to show, 25 unless told")
    arguments = parser.parse_args()
    values = dict(value.partition("=")[::2] for value in arguments.values)
    if values.keys() != (wanted := loaded.wanted(arguments.query)):
        wants = f"a value: {' '.join(f'{name}=…' for name in sorted(wanted))}" if wanted else "no value"
        parser.error(f"{arguments.query} wants {wants}")
    try:
        found = loaded.answer(loaded.connect(arguments.source), arguments.query, **values)
    except FileNotFoundError as error:
        parser.error(str(error))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        what = str(error).partition(": ")[2].partition("\n")[0]
        parser.error(f"{arguments.query} wants what was not loaded ({what}): name its stream in extra_streams first")
    rows = found.fetchall()
    print(table(found.columns, rows[: arguments.rows]))
    if not rows:
        print("(nothing)")
    if len(rows) > arguments.rows:
        print(f"… and {len(rows) - arguments.rows:,} more: --rows {len(rows)} shows all")


if __name__ == "__main__":
    main()
