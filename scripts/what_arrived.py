"""Shows in a few short tables what a run wrote into a folder of JSON Lines files, as target-jsonl makes them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "examples" / "sql"), str(ROOT / "examples" / "overview")]

import ask  # noqa: E402 - after the folders of the examples were added to the path
import loaded  # noqa: E402
import overview  # noqa: E402

STREAMS = {
    "virtual_machines": "running or not",
    "network_interfaces": "those attached to a machine",
    "assessments": "findings of Defender for Cloud, in every status",
    "etm_assets": "the machines under the labels of Qualys ETM",
    "etm_findings": "the findings under the labels of Qualys ETM",
}
TABLES = {
    "Open findings by kind and risk": "findings_by_kind",
    "Where to start: on an attack path or with a public address, by critical and high risks": "exposed_machines",
    "What to update: the software that closes most findings": "software_to_update",
}
ROWS = 4


def report(folder: Path) -> str:
    """Return all tables, and write the overview page into the folder.

    Raises:
        FileNotFoundError: If the folder holds no machines or no findings.
    """
    with loaded.connect(folder) as connection:
        counts = [
            (stream, connection.table(stream).shape[0], STREAMS.get(stream, ""))
            for stream in sorted(loaded.tables(connection), key=[*STREAMS, *loaded.tables(connection)].index)
        ]
        parts = ["What arrived", ask.table(["stream", "records", ""], counts)]
        for title, query in TABLES.items():
            found = loaded.answer(connection, query)
            names = [column for column in found.columns if column != "subscription"]
            parts += [title, ask.table(names, [row[: len(names)] for row in found.fetchall()[:ROWS]])]
    files = sorted(folder.glob("*.jsonl"))
    page = folder / "overview.html"
    overview.write(folder, page)
    size = f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB"
    parts += ["Where it is", f"{folder}/   {size}\n{page}   the same and more, to open in a browser"]
    return "\n".join(text if number % 2 == 0 else indented(text) for number, text in enumerate(parts))


def indented(text: str) -> str:
    """Return a table below its title: two blanks in, an empty line behind."""
    return "".join(f"  {line}".rstrip() + "\n" for line in text.splitlines())


if __name__ == "__main__":
    try:
        print(f"\n{report(Path(sys.argv[1]))}", end="")
    except FileNotFoundError as error:
        sys.exit(str(error))
