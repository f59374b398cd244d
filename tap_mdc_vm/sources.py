"""Every query of a run and what becomes of its rows: the facts about each stream, and no more.

A query is a file of :mod:`tap_mdc_vm.queries`, a stream's schema one of ``schemas/``, both by the name that stands
here. Streams go out in the order of this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_mdc_vm.joins import AddressIndex, InterfaceIndex, MachineIndex
from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.defender_plans import defender_plan
from tap_mdc_vm.rows.network_interfaces import network_interface, public_ip
from tap_mdc_vm.rows.software import software
from tap_mdc_vm.rows.virtual_machines import virtual_machine
from tap_mdc_vm.rows.vulnerabilities import vulnerabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_mdc_vm.records import Record
    from tap_mdc_vm.rows.fields import Columns, Context

MACHINES, INTERFACES, ADDRESSES, FINDINGS = "virtual_machines", "network_interfaces", "public_ips", "assessments"
VULNERABILITIES, SOFTWARE, PLANS = "vulnerabilities", "software", "defender_plans"


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from.

    Attributes:
        record: Makes a record of a row, the index of what it is joined to, and what a row can't say itself; None of a
            row that is not meant.
        joined_to: The query that is read before, because its index is asked; none if empty.
        index: What is kept of the records for queries that are read after.
        key: The fields that tell a record from all others; none if the records are no stream.
        waits: Whether the stream goes out after others that are joined to it.
    """

    record: Callable[[Columns, Any, Context], Any]
    joined_to: str = ""
    index: Callable[[], Any] | None = None
    key: tuple[str, ...] = ("id",)
    waits: bool = False


def _machine(row: Columns, interfaces: InterfaceIndex, context: Context) -> Record:
    return virtual_machine(row, interfaces, context, interfaces.attached_to(lower(row["id"])))


def _interface(row: Columns, addresses: AddressIndex, _: Context) -> Record:
    return network_interface(row, addresses)


def _plan(row: Columns, _: None, context: Context) -> Record:
    return defender_plan(row, context)


def _address(row: Columns, _: None, __: Context) -> tuple[str, str | None]:
    return public_ip(row)


SOURCES = {
    MACHINES: Source(_machine, joined_to=INTERFACES, index=MachineIndex),
    INTERFACES: Source(_interface, joined_to=ADDRESSES, index=InterfaceIndex, waits=True),
    FINDINGS: Source(assessment, joined_to=MACHINES),
    SOFTWARE: Source(software, joined_to=MACHINES),
    PLANS: Source(_plan),
    ADDRESSES: Source(_address, index=AddressIndex, key=()),
}


@dataclass(frozen=True, slots=True)
class Derived:
    """A stream that is made of another's records, without a question of its own.

    Attributes:
        records: Makes some records of one, and of what a record can't say itself.
        of: The other stream.
        key: As of a source.
    """

    records: Callable[[Record, Context], list[Record]]
    of: str
    key: tuple[str, ...]


DERIVED = {VULNERABILITIES: Derived(vulnerabilities, of=FINDINGS, key=("assessmentId", "cveId"))}

STREAMS = tuple(
    stream
    for name, source in SOURCES.items()
    if source.key
    for stream in (name, *(each for each, derived in DERIVED.items() if derived.of == name))
)
"""In the order in which they go out."""


def needed(stream: str) -> list[str]:
    """Return the queries that a stream takes, in the order in which they are read."""
    name = DERIVED[stream].of if stream in DERIVED else stream
    before = SOURCES[name].joined_to
    return [*(needed(before) if before else []), name]


def key_of(stream: str) -> tuple[str, ...]:
    """Return the fields that tell a stream's records from each other."""
    return (DERIVED if stream in DERIVED else SOURCES)[stream].key
