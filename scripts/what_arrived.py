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
    "vulnerabilities": "CVEs of the findings",
    "software": "programs on the machines",
    "defender_plans": "plans of Defender for Cloud, by subscription",
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
    sections = {}
    with loaded.connect(folder) as connection:
        streams = sorted(loaded.tables(connection), key=list(STREAMS).index)
        counts = [(stream, connection.table(stream).shape[0], STREAMS[stream]) for stream in streams]
        sections["What arrived"] = ask.table(["stream", "records", ""], counts)
        for title, query in TABLES.items():
            found = loaded.answer(connection, query)
            sections[title] = ask.table(found.columns, found.fetchall()[:ROWS])
    page, files = folder / "overview.html", sorted(folder.glob("*.jsonl"))
    overview.write(folder, page)
    size = f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB"
    sections["Where it is"] = f"{folder}/   {size}\n{page}   the same and more, to open in a browser"
    return "".join(f"\n{title}\n{_indented(text)}" for title, text in sections.items())


def _indented(text: str) -> str:
    return "".join(f"  {line.rstrip()}\n" for line in text.splitlines())


if __name__ == "__main__":
    try:
        print(report(Path(sys.argv[1])), end="")
    except FileNotFoundError as error:
        sys.exit(str(error))
