"""The records of one run: read, shaped and joined, each query once, whichever of the streams are wanted.

A machine needs the addresses of its interfaces, a finding those of its machine. So interfaces are read before machines
and machines before findings. What a later join needs is kept as a compact index; the finished interface records, which
go out after the machines, wait in a temporary file.
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

import orjson

from tap_mdc_vm import packaged
from tap_mdc_vm.access import Access
from tap_mdc_vm.azure.resource_graph.model import Query
from tap_mdc_vm.joins import AddressIndex, InterfaceIndex, MachineIndex
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.network_interfaces import network_interface
from tap_mdc_vm.rows.public_ips import public_ip
from tap_mdc_vm.rows.virtual_machines import virtual_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from tap_mdc_vm.azure.resource_graph.model import Row
    from tap_mdc_vm.azure.resource_graph.reader import Reader, Reading
    from tap_mdc_vm.coverage import Coverage
    from tap_mdc_vm.records import Record
    from tap_mdc_vm.settings import Settings

MACHINES, INTERFACES, ADDRESSES, FINDINGS = "virtual_machines", "network_interfaces", "public_ips", "assessments"

_SPOOL = 4 * 1024 * 1024
"""Bytes of interface records that stay in memory before the temporary file goes to disk."""

_BATCH = 32
"""Records that are made, and then written, at once: few enough to stay in the processor's cache in between."""


class Inventory:
    """Machines, interfaces and findings of one run.

    Args:
        reader: Reads the queries.
        coverage: Where to read.
        settings: Which findings.
        wanted: The streams that will be asked for, in the order machines, interfaces, findings.
    """

    def __init__(self, reader: Reader, coverage: Coverage, settings: Settings, wanted: AbstractSet[str]) -> None:
        """Begin to read all that the wanted streams need."""
        self._reader, self._coverage, self._settings, self._wanted = reader, coverage, settings, wanted
        self._access = Access(reader, coverage, settings)
        self._readings: dict[str, Reading] = {}
        self._interfaces, self._machines = InterfaceIndex(), MachineIndex()
        self._spool: IO[bytes] | None = None
        self._interfaces_are_known = self._machines_are_known = False
        self._assessed: set[str] = set()
        self._foreign = 0
        self._came_since = False  # rows that came after access was last asked for
        for name in (ADDRESSES, INTERFACES, MACHINES, FINDINGS):  # in the order in which they will be used
            if name in wanted or name in {ADDRESSES, INTERFACES} or (name == MACHINES and FINDINGS in wanted):
                self._start(name)

    def reading(self, name: str) -> Reading:
        """Return the reading of a query, begun at the latest now."""
        return self._readings.get(name) or self._start(name)

    def counts(self, name: str) -> tuple[int, int]:
        """Return how many records a stream should have, as far as is known, and how many rows came twice."""
        reading = self._readings.get(name)
        if reading is None:
            return 0, 0
        return reading.expected - (self._foreign if name == FINDINGS else 0), reading.duplicates

    @property
    def lost_access(self) -> tuple[str, ...]:
        """Subscriptions that could be read when the run began, and can't be any more."""
        return self._access.lost

    def is_complete(self) -> bool:
        """Tell whether all that was read so far is proven to be all, and nothing that was asked for is unreadable.

        Raises:
            IncompleteError: The application lost access meanwhile, and the reader is not tolerant.
            TapError: Azure can't be asked.
        """
        if self._came_since:
            self._came_since = False
            self._access.check()
        fell_short = any(reading.shortcomings for reading in self._readings.values())
        covered = not (self._coverage.unreadable or self._coverage.shortcomings or self.lost_access)
        return covered and not fell_short

    def machines(self) -> Iterator[list[Record]]:
        """Yield the records of ``virtual_machines``, a page at a time.

        Raises:
            TapError: They, or the interfaces that they need, can't be read or proven complete.
        """
        self._read_interfaces()
        reading = self.reading(MACHINES)
        for rows in _in_batches(reading):
            records = [virtual_machine(row, self._interfaces) for row in rows]
            if FINDINGS in self._wanted:
                for record in records:
                    self._machines.add(record)
            yield records
        self._machines_are_known = self._came_since = True
        self._interfaces.clear()

    def interfaces(self) -> Iterator[list[Record]]:
        """Yield the records of ``network_interfaces``.

        Raises:
            TapError: As :meth:`machines`.
        """
        self._read_interfaces()
        if self._spool is not None:
            self._spool.seek(0)
            try:
                for line in self._spool:
                    yield orjson.loads(line)
            finally:
                self._spool.close()

    def findings(self) -> Iterator[list[Record]]:
        """Yield the records of ``assessments``, joined to their machines.

        Raises:
            TapError: They, or the machines that they need, can't be read or proven complete.
        """
        if not self._machines_are_known:
            if self.reading(MACHINES).emitted:
                self._start(MACHINES)  # the stream of machines was broken off, as a connection test does
            for _ in self.machines():
                pass
        for rows in _in_batches(self.reading(FINDINGS)):
            records = [record for row in rows if (record := assessment(row, self._machines)) is not None]
            self._foreign += len(rows) - len(records)
            self._assessed.update({str(record["subscriptionId"]).lower() for record in records})
            yield records
        self._came_since = True

    def subscriptions_without_assessments(self) -> list[str]:
        """Return the subscriptions that have machines and not one assessment; to be asked when findings are read.

        Raises:
            TapError: Azure can't be asked. It is asked only where a filter on statuses may be why none came.
        """
        if self.reading(FINDINGS).shortcomings:
            return []  # where findings may be missing, their absence says nothing
        silent = sorted(set(self._machines.subscriptions) - self._assessed)
        if silent and self._settings.assessment_statuses:
            quoted = ", ".join(f"'{subscription}'" for subscription in silent)
            query = Query(FINDINGS, packaged.query(FINDINGS)).where(f"subscriptionId in~ ({quoted})")
            for rows in self._reader.start(query, self._coverage.scopes):
                silent = sorted(set(silent) - {str(row["subscriptionId"]).lower() for row in rows})
        return silent

    def close(self) -> None:
        """Let go of the temporary file."""
        if self._spool is not None:
            self._spool.close()

    def _start(self, name: str) -> Reading:
        query = Query(name, packaged.query(name))
        if name == FINDINGS and self._settings.assessment_statuses:
            quoted = ", ".join(f"'{status}'" for status in self._settings.assessment_statuses)
            query = query.where(f"tostring(properties.status.code) in~ ({quoted})")
        reading = self._readings[name] = self._reader.start(query, self._coverage.scopes)
        return reading

    def _read_interfaces(self) -> None:
        """Read public addresses and interfaces, once: index what machines need, and keep the records for later."""
        if self._interfaces_are_known:
            return
        addresses = AddressIndex()
        for rows in self.reading(ADDRESSES):
            for row in rows:
                addresses.add(*public_ip(row))
        if INTERFACES in self._wanted:
            self._spool = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - until the records have gone out
        for rows in _in_batches(self.reading(INTERFACES)):
            records = [network_interface(row, addresses) for row in rows]
            for record in records:
                self._interfaces.add(record)
            if self._spool is not None:
                self._spool.write(orjson.dumps(records, option=orjson.OPT_APPEND_NEWLINE))
        self._interfaces_are_known = self._came_since = True


def _in_batches(pages: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Yield the rows of pages a batch at a time."""
    return (rows[start : start + _BATCH] for rows in pages for start in range(0, len(rows), _BATCH))
