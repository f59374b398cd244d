"""The records of one run: read, shaped and joined, each query once, whichever of the streams are wanted.

An interface needs the addresses of public IP resources, a machine those of its interfaces, a finding its machine. So
the queries are read in that order (:mod:`.sources` has it), and what a later one needs is kept as a compact index.
Records that are made before it is their stream's turn, such as those of interfaces, wait in a temporary file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from tap_mdc_vm import events, queries
from tap_mdc_vm.azure.resource_graph.model import Row
from tap_mdc_vm.azure.resource_graph.reader import Reader, Reading
from tap_mdc_vm.coverage import Coverage, survey
from tap_mdc_vm.errors import IncompleteError, TableMissingError, see
from tap_mdc_vm.joins import MachineIndex
from tap_mdc_vm.records import Record, Spool
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.sources import FINDINGS, INTERFACES, MACHINES, SOURCES, needed, query_of

_BATCH = 32
"""Records that are made, and then written, at once: few enough to stay in the processor's cache in between."""

_UNREAD_KEPT = 1_000
"""Ids of machines that were not read, though something refers to them: as many are kept at most."""


class Inventory:
    """The records of one run.

    Args:
        reader: Reads the queries.
        coverage: Where to read.
        settings: What passes their filters.
        wanted: The streams whose records will be asked for, in the order in which they will be.

    Attributes:
        assessed: Subscriptions with an assessment, in lower case.
        lost_access: Subscriptions that could be read when the run began, and can't be any more.
        unread_machines: Machines that were not read, and that an interface or a finding names.
        context: What rows can't say themselves, and how many of their dates are none.
    """

    def __init__(self, reader: Reader, coverage: Coverage, settings: Settings, wanted: Collection[str]) -> None:
        """Begin to read all that the wanted streams need, in the order in which it will be used."""
        self._reader, self._coverage, self._settings = reader, coverage, settings
        self._indexes: dict[str, Any] = {name: source.index() for name, source in SOURCES.items() if source.index}
        self._spools = {name: Spool() for name in wanted if SOURCES[name].waits}
        self.context = Context(settings.cloud.portal)
        self._readings: dict[str, Reading] = {}
        self._read: set[str] = set()
        self._made_of: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._access_is_known = True
        self.assessed: set[str] = set()
        self.lost_access: tuple[str, ...] = ()
        self.unread_machines: dict[str, None] = {}
        for name in dict.fromkeys(name for stream in wanted for name in self._needed(stream)):
            self._start(name)

    @property
    def machines(self) -> MachineIndex:
        """What is kept of the machines."""
        index: MachineIndex = self._indexes[MACHINES]
        return index

    def reading(self, stream: str) -> Reading:
        """Return the reading that a stream's records are made of."""
        return self._readings[query_of(stream)]

    def counts(self, stream: str) -> tuple[int, int]:
        """Return how many records a stream should have, as far as is known, and how many rows came twice."""
        if SOURCES[stream].of:
            return self._made_of[stream], 0
        reading = self._readings[stream]
        return reading.expected - self._left_out[stream], reading.duplicates

    def records(self, stream: str) -> Iterator[list[Record]]:
        """Yield a stream's records in batches.

        Raises:
            TapError: They, or what they are joined to, can't be read or proven complete.
        """
        if stream not in self._spools:
            yield from self._made(stream)
            return
        for name in self._needed(stream):
            self._see_to(name)
        by_machine = stream == INTERFACES and MACHINES in self._read
        for records in self._spools[stream]:
            yield self._members(stream, records) if by_machine else records
        self._spools[stream].clear()

    def is_complete(self, stream: str) -> bool:
        """Tell whether a stream's records are proven to be all, and nothing that was asked for is unreadable.

        Raises:
            IncompleteError: The application lost access meanwhile, and the reader is not tolerant.
            TapError: Azure can't be asked.
        """
        if not self._access_is_known:
            self._ask_for_access()
        covered = not (self._coverage.unreadable or self._coverage.shortcomings or self.lost_access)
        return covered and not any(self._readings[name].shortcomings for name in self._needed(stream))

    def close(self) -> None:
        """Let go of the temporary files."""
        for spool in self._spools.values():
            spool.close()

    def _needed(self, stream: str) -> list[str]:
        """Return the queries to read for a stream. For a filter on tags, interfaces need their machines."""
        by_tags = stream == INTERFACES and self._settings.machine_tags
        return needed(MACHINES if by_tags else stream)

    def _start(self, name: str) -> None:
        self._readings[name] = self._reader.start(queries.query(name, self._settings), self._coverage.scopes)

    def _see_to(self, name: str) -> None:
        """Read a query to its end, unless that was done."""
        if name not in self._read:
            if self._readings[name].emitted:
                self._start(name)  # its stream was broken off, as a connection test does
            for _ in self._made(name):
                pass

    def _made(self, name: str) -> Iterator[list[Record]]:
        """Yield the records of a query's rows, and keep what others need of them."""
        source = SOURCES[name]
        if source.joined_to:
            self._see_to(source.joined_to)
        joined = self._indexes.get(source.joined_to)
        waiting = [each for each in self._spools if query_of(each) == name]
        for stream in waiting:
            self._spools[stream].clear()
            self._made_of[stream] = 0
        self._left_out[name] = 0
        for rows in self._rows(name):
            records = [record for row in rows if (record := source.record(row, joined, self.context)) is not None]
            self._left_out[name] += len(rows) - len(records)
            self._remember(name, records)
            if source.joined_to == MACHINES:
                records = self._members(name, records)
            rows.clear()  # or their answer would stay in memory while the next one is waited for
            for stream in waiting:
                self._keep(stream, records)
            yield records
        self._read.add(name)
        self._access_is_known = False
        self._forget(source.joined_to)

    def _remember(self, name: str, records: list[Record]) -> None:
        """Keep of some records what those of other queries are joined to."""
        if (index := self._indexes.get(name)) is not None:
            for record in records:
                index.add(record)
        if name == FINDINGS:
            self.assessed.update({str(record["subscriptionId"]).lower() for record in records})

    def _keep(self, stream: str, records: list[Record]) -> None:
        """Keep some records for a stream that goes out later, or what it makes of them."""
        if SOURCES[stream].of:
            make = SOURCES[stream].record
            records = [made for record in records for made in make(record, self.context)]
            self._made_of[stream] += len(records)
        self._spools[stream].add(records)

    def _rows(self, name: str) -> Iterator[list[Row]]:
        """Yield a query's rows a batch at a time; a table that this cloud lacks has none, where that is tolerated."""
        reading = self._readings[name]
        try:
            yield from _in_batches(reading)
        except TableMissingError as error:
            if not self._reader.tolerant:
                raise
            reading.shortcomings.append(str(error))
            events.emit(events.FellShort(name, error.message))  # its remedy is the setting that is set

    def _members(self, name: str, records: list[Record]) -> list[Record]:
        """Return those of some records whose machine passes the filter on tags, if any.

        Without one, the machines that were not read are noted: deleted meanwhile, or left out of Azure's answers.
        """
        machines = self.machines
        members = [each for each in records if each.get("vmName") is not None or each["virtualMachineId"] in machines]
        if len(members) == len(records):
            return records
        if self._settings.machine_tags:
            self._left_out[name] += len(records) - len(members)
            return members
        if len(self.unread_machines) < _UNREAD_KEPT:
            known = {id(each) for each in members}
            unread = (each["virtualMachineId"] for each in records if id(each) not in known)
            self.unread_machines |= dict.fromkeys(filter(None, unread))  # an interface's may be no id at all
        return records

    def _forget(self, name: str) -> None:
        """Clear an index once all that asks it has been read."""
        asking = [each for each in self._readings if SOURCES[each].joined_to == name]
        if name and self._read.issuperset(asking):
            self._indexes[name].clear()

    def _ask_for_access(self) -> None:
        """Ask for the subscriptions anew: rows have come that the last answer says nothing about.

        Rights that are taken away while the tap reads take rows with them, without a sign in any answer or count.
        """
        self._access_is_known = True
        readable = {subscription.id for subscription in survey(self._reader, self._settings).readable}
        lost = {each.id: None for each in self._coverage.readable if each.id not in readable}
        self.lost_access = tuple(dict.fromkeys((*self.lost_access, *lost)))
        if lost:
            error = IncompleteError(
                f"The application lost access to {', '.join(lost)} during the run: rows may be missing.",
                f"Check the role assignments of the application, and run again. {see('no-access')}",
            )
            if not self._reader.tolerant:
                raise error
            events.emit(events.FellShort("The run", str(error)))


def _in_batches(pages: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Yield the rows of pages a batch at a time."""
    return (rows[start : start + _BATCH] for rows in pages for start in range(0, len(rows), _BATCH))
