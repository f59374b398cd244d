"""Two million rows: what a tenant is that has hundreds of findings for each machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from measure import HERE, NO_QUOTA, TAP, cost_of, sandbox

if TYPE_CHECKING:
    from table import Table

MACHINES, FINDINGS = 10_000, 200


def measure(table: Table, machines: int = MACHINES, findings: int = FINDINGS) -> None:
    with sandbox(*NO_QUOTA, machines=machines, findings=findings) as environment:
        cost = cost_of([str(Path(TAP[0]).with_name("python")), str(HERE / "sampled_tap.py")], environment)
    summary = cost.summary()
    rows = sum(figures["emitted"] for figures in summary["streams"].values())
    what = f"{machines:,} machines with {findings} findings, {rows:,} rows"
    table.row(f"{what}: wall", cost.wall, unit="s")
    table.row(f"{what}: CPU", cost.cpu, unit="s")
    table.row(f"{what}: peak memory", cost.memory, unit="MB")
    table.row(f"{what}: requests", summary["requests"])
    shares = json.loads(cost.log.splitlines()[-1])
    for part, share in shares.items():
        table.row(f"share of the wall: {part}", share * 100, unit="%")
    table.details["many"] = {"rows": rows, "cpu": cost.cpu, "wall": cost.wall, "memory": cost.memory, "shares": shares}
