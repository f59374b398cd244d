"""How long the tap takes to start: to describe itself, and to its first record."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from measure import HERE, NO_QUOTA, TAP, clean_environment, cost_of, in_turns, median, sandbox

if TYPE_CHECKING:
    from table import Table

MACHINES, FINDINGS = 1_000, 30
PLUGIN = HERE.parent / ".meltano" / "extractors" / "tap-mdc-vm" / "venv" / "bin" / "tap-mdc-vm"
_REFUSING = """
import runpy, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}:
        raise SystemExit(f"{event}{arguments}: the network was used")

sys.addaudithook(refuse)
runpy.run_module("tap_mdc_vm", run_name="__main__", alter_sys=True)
"""


def measure(table: Table, runs: int) -> None:
    nothing_set = clean_environment()
    cost_of([sys.executable, "-c", _REFUSING, "--discover"], nothing_set)  # or it ends everything here
    table.note("--discover asked for no name and no connection: every attempt would have ended it")
    for option, goal in (("--discover", "< 1.5"), ("--about", ""), ("--version", "")):
        table.row(option, _wall([*TAP, option], nothing_set, runs), goal, "s")
    if PLUGIN.exists():
        table.row("--discover, as Meltano installs it", _wall([str(PLUGIN), "--discover"], nothing_set, runs), unit="s")
    with sandbox(*NO_QUOTA, machines=MACHINES, findings=FINDINGS) as environment:
        first = statistics.median([_first_record(environment) for _ in range(runs + 1)][1:])
    table.row(f"start to first record, {MACHINES:,} machines", first, unit="s")


def _wall(command: list[str], environment: dict[str, str], runs: int) -> float:
    return median(in_turns({"it": command}, environment, runs)["it"], "wall")


def _first_record(environment: dict[str, str]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(TAP, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b'{"type":"RECORD"'):
                seconds = time.perf_counter() - began
                process.terminate()
                return seconds
    raise SystemExit("the tap sent no record")
