"""The record of a program that Defender for Cloud found on a machine."""

from __future__ import annotations

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import Columns, Context, Json, Lookup, below_a_machine
from tap_mdc_vm.rows.shape import Shape

_SHAPE = Shape("software")
_PROGRAM = below_a_machine("microsoft[.]security/softwareinventories")


def software(row: Columns, machines: Lookup[Json], context: Context) -> Json | None:
    """Return the record of a program; None for a row that is no program on a virtual machine."""
    found = _PROGRAM.fullmatch(lower(row["id"]))
    if not found:
        return None
    machine = machines.get(found[1]) or {}
    return _SHAPE.record(row, context) | {
        "virtualMachineId": found[1],
        "vmId": machine.get("vmId"),
        "vmName": machine.get("vmName"),
    }
