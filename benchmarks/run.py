"""Measures the tap against its goals, side by side with the barest loop, and prints a table.

python benchmarks/run.py [--runs 3] [--machines 3000]

The sandbox runs in a process of its own, without a quota but where the quota is what is measured. Times are of whole
processes: CPU by the operating system's account of the finished process, wall from start to end. Commands that are
compared take turns, and the median of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
TAP = [sys.executable, "-m", "tap_mdc_vm"]
BARE_LOOP = [sys.executable, str(HERE / "bare_loop.py")]
QUOTA_RATE = 15 / 5.0  # requests a second


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finished process cost: seconds of CPU and of wall, the most memory in MB, and what it logged."""

    cpu: float
    wall: float
    memory: float
    log: str

    def summary(self) -> dict[str, object]:
        line = next(line for line in self.log.splitlines() if "Sync summary: " in line)
        summary: dict[str, object] = json.loads(line.partition("Sync summary: ")[2])
        return summary


@contextmanager
def sandbox(*options: str) -> Iterator[dict[str, str]]:
    """Run the sandbox, and yield the environment that reaches it."""
    command = [sys.executable, "-m", "tap_mdc_vm_sandbox", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        variables: dict[str, str] = {}
        while "TAP_MDC_VM_CA_BUNDLE" not in variables or len(variables) < 6:
            line = server.stdout.readline()
            if not line:
                raise SystemExit("the sandbox did not start")
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value.strip("'\"")
        yield {**os.environ, **variables}
        server.terminate()


def cost_of(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end, its output thrown away."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        log = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{log[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024, log)


def in_turns(commands: dict[str, list[str]], environment: dict[str, str], runs: int) -> dict[str, list[Cost]]:
    """Run commands in turns, after one round that does not count."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            cost = cost_of(command, environment)
            if run:
                costs[name].append(cost)
    return costs


def median(costs: list[Cost], field: str) -> float:
    return statistics.median(getattr(cost, field) for cost in costs)


def row(what: str, goal: str, figure: float, *, passed: bool, unit: str = "") -> None:
    print(f"{what:62} {goal:>10} {figure:8.2f}{unit:6} {'pass' if passed else 'SHORT'}", flush=True)


def against_the_barest_loop(machines: int, runs: int) -> None:
    with sandbox("--machines", str(machines), "--assessments-per-machine", "30", "--quota", "none") as environment:
        unmapped = {**environment, "TAP_MDC_VM_TRANSFORM_MAP": "none"}
        mapped = in_turns({"tap": TAP, "loop": BARE_LOOP}, environment, runs)
        raw = in_turns({"tap": TAP, "loop": [*BARE_LOOP, "--raw"]}, unmapped, runs)
    for name, costs, goals in (("map on", mapped, (1.0, 1.35)), ("raw streams", raw, (1.0, 1.0))):
        cpu = median(costs["loop"], "cpu") / median(costs["tap"], "cpu")
        wall = median(costs["loop"], "wall") / median(costs["tap"], "wall")
        row(f"CPU of the barest loop / CPU of the tap, {name}", f">= {goals[0]}", cpu, passed=cpu >= goals[0])
        row(f"wall of the barest loop / wall of the tap, {name}", f">= {goals[1]}", wall, passed=wall >= goals[1])
    summary = mapped["tap"][0].summary()
    streams = summary["streams"]
    assert isinstance(streams, dict)
    rows = sum(figures["emitted"] for figures in streams.values()) + machines / 2  # and the public addresses
    requests = float(str(summary["requests"])) / (rows / 1000)
    row(f"requests / ideal (rows / 1000), {rows:,.0f} rows", "< 1.25", requests, passed=requests < 1.25)
    for name in ("tap", "loop"):
        cpu, wall, memory = (median(mapped[name], field) for field in ("cpu", "wall", "memory"))
        print(f"    {name:5} with the map: {cpu:6.2f} s CPU {wall:6.2f} s wall {memory:6.0f} MB")


def memory() -> None:
    most: dict[int, float] = {}
    for machines in (5_000, 15_000):
        options = ("--machines", str(machines), "--assessments-per-machine", "8", "--quota", "none")
        with sandbox(*options) as environment:
            most[machines] = min(cost_of(TAP, environment).memory for _ in range(2))
    growth = (most[15_000] - most[5_000]) * 1024 / 10_000
    row("memory with 8 pages in flight, 5,000 machines", "< 200 MB", most[5_000], passed=most[5_000] < 200, unit=" MB")
    row("growth of memory per machine, 5,000 to 15,000", "< 0.5 KB", growth, passed=growth < 0.5, unit=" KB")


def quota() -> None:
    options = ("--machines", "3000", "--assessments-per-machine", "40", "--latency", "0.7", "--quota", "15/5")
    with sandbox(*options) as environment:
        summary = cost_of(TAP, environment).summary()
        began, pages = time.perf_counter(), 12
        cost_of([*BARE_LOOP, str(pages)], environment)
        sequential = pages / (time.perf_counter() - began)
    sent, seconds = float(str(summary["requests"])), float(str(summary["seconds"]))
    ratio = sent / seconds / QUOTA_RATE
    row(
        f"quota: {sent:.0f} requests in {seconds:.1f} s, reached / ideal (3 a second)",
        ">= 0.95",
        ratio,
        passed=ratio >= 0.95,
    )
    throttled = float(str(summary["throttled"]))
    row("quota: answers 429", "<= 2", throttled, passed=throttled <= 2)
    print(f"    one page after the other, in the same run: {sequential:.2f} requests a second")


def start_up(runs: int) -> None:
    discover = statistics.median(cost_of([*TAP, "--discover"], dict(os.environ)).wall for _ in range(runs))
    row("--discover", "< 1.5 s", discover, passed=discover < 1.5, unit=" s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--machines", type=int, default=3_000)
    chosen = parser.parse_args()
    print(f"{'':62} {'goal':>10} {'figure':>8}")
    start_up(chosen.runs)
    against_the_barest_loop(chosen.machines, chosen.runs)
    memory()
    quota()


if __name__ == "__main__":
    main()
