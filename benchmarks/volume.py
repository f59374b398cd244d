"""The extra streams at volume: hundreds of programs and CVEs for each of 10,000 machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measure import NO_QUOTA, TAP, cost_of, sandbox

if TYPE_CHECKING:
    from table import Table

MACHINES = 10_000
FINDINGS = 100  # of each machine: with 150 CVEs
PROGRAMS = ("--software-per-machine", "650")  # where a plan lists them, which is nearly half: 300 a machine
STREAMS = {"TAP_MDC_VM_EXTRA_STREAMS": '["vulnerabilities", "software"]'}


def measure(table: Table) -> None:
    with sandbox(*NO_QUOTA, *PROGRAMS, machines=MACHINES, findings=FINDINGS) as environment:
        cost = cost_of(TAP, environment | STREAMS)
    summary = cost.summary()
    emitted = {name: figures["emitted"] for name, figures in summary["streams"].items()}
    each = ", ".join(f"{emitted[name]:,} {name}" for name in ("assessments", "vulnerabilities", "software"))
    what = f"{MACHINES:,} machines, {each}"
    table.row(f"{what}: peak memory", cost.memory, "<= 200", "MB")
    table.row(f"{what}: CPU", cost.cpu, unit="s")
    table.row(f"{what}: wall", cost.wall, unit="s")
    table.row(f"{what}: records a second of CPU", sum(emitted.values()) / cost.cpu)
    table.row(f"{what}: requests", summary["requests"])
