"""Ratios of speed: the tap beside the barest loop, the SDK's defaults and a script on Azure's own library."""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING

from measure import BARE_LOOP, HERE, NO_QUOTA, TAP, Cost, Field, cost_of, in_turns, median, sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from table import Table

SDK_DEFAULTS = [sys.executable, str(HERE / "sdk_defaults.py")]
AZURE_SDK = [sys.executable, str(HERE / "azure_sdk_script.py")]
FINDINGS = 30
NAMES: dict[Field, str] = {"cpu": "CPU", "wall": "wall"}
RAW = {"TAP_MDC_VM_TRANSFORM_MAP": "none"}


def against_the_barest_loop(table: Table, machines: int, runs: int) -> None:
    with sandbox(*NO_QUOTA, machines=machines, findings=FINDINGS) as environment:
        mapped = in_turns({"the tap": TAP, "the barest loop": BARE_LOOP}, environment, runs)
        raw = in_turns({"the tap": TAP, "the barest loop": [*BARE_LOOP, "--raw"]}, environment | RAW, runs)
    _compare(table, "map on", mapped, {"cpu": ">= 1.1"})  # without Azure's latency, wall is CPU
    _compare(table, "raw streams", raw)


def against_the_sdk(table: Table, machines: int, runs: int) -> None:
    with sandbox(*NO_QUOTA, machines=machines, findings=FINDINGS) as environment:
        costs = in_turns({"the tap": TAP, "the SDK's defaults": SDK_DEFAULTS}, environment, runs)
    _compare(table, "map on", costs, {"wall": ">= 8"})


def against_azure(table: Table, machines: int, runs: int) -> None:
    with sandbox(*NO_QUOTA, machines=machines, findings=FINDINGS) as environment:
        costs = in_turns({"the tap": TAP, "azure-mgmt-resourcegraph": AZURE_SDK}, environment | RAW, runs)
    _compare(table, "raw streams", costs, {"wall": ">= 4"})


def _compare(
    table: Table, when: str, costs: dict[str, list[Cost]], goals: Mapping[Field, str] = MappingProxyType({})
) -> None:
    """Add how many times the tap's cost the other's is."""
    other = next(name for name in costs if name != "the tap")
    for field, name in NAMES.items():
        ratio = median(costs[other], field) / median(costs["the tap"], field)
        table.row(f"{name} of {other} / {name} of the tap, {when}", ratio, goals.get(field, ""))
    for name, each in costs.items():
        cpu, wall, memory = median(each, "cpu"), median(each, "wall"), median(each, "memory")
        table.note(f"{when + ', ' + name:37} {cpu:6.2f} s CPU {wall:7.2f} s wall {memory:5.0f} MB")


def requests(table: Table) -> None:
    for machines, goal in ((3_000, "<= 0.45"), (10_000, "<= 0.35")):
        with sandbox(*NO_QUOTA, machines=machines, findings=FINDINGS) as environment:
            summary = cost_of(TAP, environment).summary()
        addresses = machines / 3  # about; they are read too, and are in no stream
        rows = sum(figures["emitted"] for figures in summary["streams"].values()) + addresses
        table.row(f"requests / (rows / 1000), {rows:,.0f} rows", summary["requests"] / (rows / 1000), goal)
