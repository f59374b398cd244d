"""Shows in a short table what a run wrote into a folder of JSON Lines files, as target-jsonl makes them."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = ("virtual_machines", "network_interfaces", "assessments", "etm_assets", "etm_findings")
SEVERITIES = ("Critical", "High", "Medium", "Low")
BAR = 40  # characters of the longest bar


def newest_files(folder: Path) -> dict[str, Path]:
    """Return the file of each stream's last run: target-jsonl puts the time of the run behind the stream's name."""
    found = {stream: sorted(folder.glob(f"{stream}*.jsonl")) for stream in STREAMS}
    return {stream: paths[-1] for stream, paths in found.items() if paths}


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of one file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def open_findings(assessments: Path) -> Counter[str]:
    """Count the findings that are open, by severity; other and missing severities count as ``other``."""
    severities = (row["severity"] for row in records(assessments) if row["statusCode"] == "Unhealthy")
    return Counter(severity if severity in SEVERITIES else "other" for severity in severities)


def powers(machines: Path) -> str:
    """Return how many machines are in which power state, most frequent first."""
    counted = Counter(row["powerState"] or "unknown" for row in records(machines))
    return ", ".join(f"{count:,} {state}" for state, count in counted.most_common())


def report(folder: Path) -> str:
    """Return the whole table.

    Raises:
        SystemExit: If the folder holds no file of the three streams.
    """
    files = newest_files(folder)
    missing = [stream for stream in STREAMS[:3] if stream not in files]
    if missing:
        raise SystemExit(f"Nothing of {', '.join(missing)} arrived in {folder}")
    findings = open_findings(files["assessments"])
    notes = {
        "virtual_machines": powers(files["virtual_machines"]),
        "network_interfaces": "those attached to a machine",
        "assessments": f"Defender for Cloud's findings in every status, {findings.total():,} of them open",
        "etm_assets": "the machines as ETM names their fields",
        "etm_findings": "the findings as ETM names their fields",
    }
    lines = ["", "What arrived"]
    lines += [f"  {name:<20}{sum(1 for _ in records(path)):>9,}   {notes[name]}" for name, path in files.items()]
    lines += ["", "Open findings by severity"]
    most = max(findings.values(), default=1)
    for severity in (*SEVERITIES, "other"):
        if count := findings[severity]:
            lines.append(f"  {severity:<20}{count:>9,}   {'█' * max(1, round(BAR * count / most))}")
    lines += ["", "Files"]
    lines += [f"  {path}   {path.stat().st_size / 1e6:.1f} MB" for path in files.values()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(Path(sys.argv[1])))
