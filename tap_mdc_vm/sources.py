"""Every query of a run and what becomes of its rows: the facts about each stream, and no more.

A query is a file of :mod:`tap_mdc_vm.queries`, a stream's schema one of ``schemas/``, both by the name that stands
here. Streams go out in the order of this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tap_mdc_vm.joins import AddressIndex, InterfaceIndex, MachineIndex
from tap_mdc_vm.records import Record
from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Columns, Context
from tap_mdc_vm.rows.network_interfaces import network_interface, public_ip
from tap_mdc_vm.rows.shape import Shape
from tap_mdc_vm.rows.software import software
from tap_mdc_vm.rows.virtual_machines import virtual_machine
from tap_mdc_vm.rows.vulnerabilities import vulnerabilities

MACHINES, INTERFACES, ADDRESSES, FINDINGS = "virtual_machines", "network_interfaces", "public_ips", "assessments"
VULNERABILITIES, SOFTWARE, PLANS = "vulnerabilities", "software", "defender_plans"


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: the rows of a query, or the records of another stream.

    Attributes:
        record: Makes a record of a row, the index of what it is joined to, and what a row can't say itself; None of a
            row that is not meant. Of another stream's record it makes several, without an index.
        joined_to: The query that is read before, because its index is asked; none if empty.
        index: What is kept of the records for queries that are read after.
        key: The fields that tell a record from all others; none if the records are no stream.
        waits: Whether the records wait in a file until it is their stream's turn.
        of: The stream whose records these are made of; empty for one with a query of its own.
    """

    record: Callable[..., Any]
    joined_to: str = ""
    index: Callable[[], Any] | None = None
    key: tuple[str, ...] = ("id",)
    waits: bool = False
    of: str = ""


_PLAN = Shape(PLANS)


def _machine(row: Columns, interfaces: InterfaceIndex, context: Context) -> Record:
    return virtual_machine(row, interfaces, context, interfaces.attached_to(lower(row["id"])))


SOURCES = {
    MACHINES: Source(_machine, joined_to=INTERFACES, index=MachineIndex),
    INTERFACES: Source(network_interface, joined_to=ADDRESSES, index=InterfaceIndex, waits=True),
    FINDINGS: Source(assessment, joined_to=MACHINES),
    VULNERABILITIES: Source(vulnerabilities, of=FINDINGS, key=("assessmentId", "cveId"), waits=True),
    SOFTWARE: Source(software, joined_to=MACHINES),
    PLANS: Source(lambda row, _, context: _PLAN.record(row, context)),  # nothing that its schema doesn't say
    ADDRESSES: Source(lambda row, *_: public_ip(row), index=AddressIndex, key=()),
}


STREAMS = tuple(name for name, source in SOURCES.items() if source.key)
"""In the order in which they go out."""


def query_of(stream: str) -> str:
    """Return the query of whose rows a stream's records are made."""
    return SOURCES[stream].of or stream


def needed(stream: str) -> list[str]:
    """Return the queries that a stream takes, in the order in which they are read."""
    name = query_of(stream)
    before = SOURCES[name].joined_to
    return [*(needed(before) if before else []), name]
