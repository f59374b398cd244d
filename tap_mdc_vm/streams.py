"""The three streams: a few facts about each, and what they have in common."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from singer_sdk import Stream
from typing_extensions import override

from tap_mdc_vm import messages, packaged, progress
from tap_mdc_vm.inventory import FINDINGS, INTERFACES, MACHINES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_mdc_vm.inventory import Inventory
    from tap_mdc_vm.records import Record
    from tap_mdc_vm.settings import Settings


class Run(Protocol):
    """What a stream needs to know of the run that it is part of."""

    settings: Settings

    @property
    def inventory(self) -> Inventory:
        """The records of all streams; to ask for it is to begin to read."""
        ...

    def stream_is_done(self, name: str) -> None:
        """Take note that a stream's last record is written."""
        ...


class ResourceStream(Stream):
    """A full table with one record per Azure resource, which goes out by the page.

    Attributes:
        emitted: Records written so far.
        complete: Whether all were, and are proven to be all.
    """

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    def __init__(self, tap: Tap, run: Run) -> None:
        """Keep the run that the stream is part of; nothing is asked of it yet."""
        self._run = run
        self.emitted = 0
        self.complete = False
        super().__init__(tap, schema=packaged.schema(self.name), name=self.name)

    def batches(self, inventory: Inventory) -> Iterator[list[Record]]:
        """Yield the stream's records by the page."""
        raise NotImplementedError

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        for batch in self.batches(self._run.inventory):
            yield from batch

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Whether the SDK sends ACTIVATE_VERSION before the records. Never: a run that fails would empty the target."""
        return False

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        if self._run.settings.emit_activate_version_messages:
            self._stream_version = self._initialized_at // 1000
        lines = messages.RecordLines(self, self._generate_record_messages, self._stream_version)
        inventory = self._run.inventory
        reading = inventory.reading(self.name)
        with self.get_record_counter() as counter, self.get_sync_timer():
            for batch in progress.tracked(self.name, self.batches(inventory), reading):
                if self.ABORT_AT_RECORD_COUNT is not None:
                    del batch[self.ABORT_AT_RECORD_COUNT - self.emitted :]
                if write_messages:
                    messages.write(lines.of(batch))
                counter.increment(len(batch))
                self.emitted += len(batch)
                yield from batch
                self.state_manager.is_flushed = False
                self._check_max_record_limit(self.emitted)
        self.complete = inventory.is_complete()
        if write_messages:
            if self.complete and self._stream_version is not None:
                self._write_activate_version_message(self._stream_version)
            self._write_state_message()
        self._run.stream_is_done(self.name)

    @override
    def log(self, message: str, *args: object, level: int = logging.INFO, **kwargs: object) -> None:
        # The SDK announces each error before it raises it; the one line that a user needs is the error's own.
        super().log(message, *args, level=logging.DEBUG if level == logging.ERROR else level, **kwargs)


class VirtualMachines(ResourceStream):
    """Virtual machines, with the addresses of their interfaces."""

    name = MACHINES

    @override
    def batches(self, inventory: Inventory) -> Iterator[list[Record]]:
        return inventory.machines()


class NetworkInterfaces(ResourceStream):
    """Network interfaces that are attached to a virtual machine."""

    name = INTERFACES

    @override
    def batches(self, inventory: Inventory) -> Iterator[list[Record]]:
        return inventory.interfaces()


class Assessments(ResourceStream):
    """Defender for Cloud's assessments of virtual machines, each joined to its machine."""

    name = FINDINGS

    @override
    def batches(self, inventory: Inventory) -> Iterator[list[Record]]:
        return inventory.findings()


STREAMS: tuple[type[ResourceStream], ...] = (VirtualMachines, NetworkInterfaces, Assessments)
"""In the order in which they go out."""
