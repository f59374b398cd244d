"""Runs commands to their end beside the sandbox, and says what each cost."""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
TAP = [str(HERE.parent / ".meltano/extractors/tap-mdc-vm/venv/bin/tap-mdc-vm")]  # as Meltano installs it: without numpy
BARE_LOOP = [sys.executable, str(HERE / "bare_loop.py")]
NO_QUOTA = ("--quota", "none")

# Without compiled bytecode every start is slower than a user's, and without buffers every line is a call of the system.
_NOT_A_USERS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_LAST_VARIABLE = "TAP_MDC_VM_CA_BUNDLE"  # that the sandbox prints

Field = Literal["cpu", "wall", "memory"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finished process cost: seconds of CPU and of wall, the most memory in MB, and what it logged."""

    cpu: float
    wall: float
    memory: float
    log: str

    def summary(self) -> dict[str, Any]:
        """Return the summary that the tap leaves in its log."""
        line = next(line for line in self.log.splitlines() if "Sync summary: " in line)
        summary: dict[str, Any] = json.loads(line.partition("Sync summary: ")[2])
        return summary


def clean_environment() -> dict[str, str]:
    """Return this process's environment, without what a user hasn't set and without settings of the tap."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_A_USERS and not name.startswith("TAP_MDC_VM_")
    }


@contextmanager
def sandbox(*options: str, machines: int, findings: int) -> Iterator[dict[str, str]]:
    """Run the sandbox in a process of its own, and yield the environment that reaches it.

    Args:
        options: Further ones of ``tap-mdc-vm-sandbox serve``.
        machines: Of the tenant.
        findings: Of each machine.
    """
    tenant = ["--machines", str(machines), "--assessments-per-machine", str(findings)]
    command = [sys.executable, "-m", "tap_mdc_vm_sandbox", "serve", *tenant, *options]
    with subprocess.Popen(
        command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            variables: dict[str, str] = {}
            while _LAST_VARIABLE not in variables:
                line = server.stdout.readline()
                if not line:
                    raise SystemExit("the sandbox did not start")
                name, _, value = line.removeprefix("export ").partition("=")
                variables[name] = shlex.split(value)[0]
            yield clean_environment() | variables
        finally:
            server.terminate()


def cost_of(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end, its output thrown away."""
    with TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        return _finished(process, began, log)


def costs_of_pipe(first: list[str], second: list[str], environment: dict[str, str]) -> tuple[Cost, Cost]:
    """Run ``first | second`` to the end of both; the wall of each is from the common start."""
    with TemporaryFile() as log, TemporaryFile() as other_log:
        began = time.perf_counter()
        source = subprocess.Popen(first, env=environment, stdout=subprocess.PIPE, stderr=log)
        assert source.stdout is not None
        sink = subprocess.Popen(
            second, env=environment, stdin=source.stdout, stdout=subprocess.DEVNULL, stderr=other_log
        )
        source.stdout.close()  # our end of it: or the first would never hear that the second is gone
        return _finished(source, began, log), _finished(sink, began, other_log)


def _finished(process: subprocess.Popen[bytes], began: float, log: IO[bytes]) -> Cost:
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    log.seek(0)
    text = log.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"{process.args!r} failed:\n{text[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, text)


def in_turns(commands: dict[str, list[str]], environment: dict[str, str], runs: int) -> dict[str, list[Cost]]:
    """Run commands in turns, after one round that does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            cost = cost_of(command, environment)
            if run:
                costs[name].append(cost)
    return costs


def median(costs: list[Cost], field: Field) -> float:
    """Return the median of a figure."""
    return float(statistics.median(getattr(cost, field) for cost in costs))
