"""A stream as Singer's SDK wants it, the same for all: what makes them different is in :mod:`.sources`."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from typing import Any

from singer_sdk import Stream, Tap
from singer_sdk.helpers.types import Context
from typing_extensions import override

from tap_mdc_vm import messages, packaged, progress
from tap_mdc_vm.records import Record
from tap_mdc_vm.run import Run
from tap_mdc_vm.sources import SOURCES


class ResourceStream(Stream):
    """A full table, which goes out by the page.

    Args:
        tap: Whose run it is part of; nothing is asked of that yet.
        name: One of :mod:`.sources`.
    """

    def __init__(self, tap: Tap, name: str) -> None:
        super().__init__(tap, schema=packaged.schema(name), name=name)
        self.primary_keys = SOURCES[name].key

    @property
    def _run(self) -> Run:
        run: Run = self._tap.run  # type: ignore[attr-defined]
        return run

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        for batch in self._run.inventory.records(self.name):
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
        run = self._run
        if run.settings.emit_activate_version_messages:
            self._stream_version = self._initialized_at // 1000
        lines = messages.RecordLines(self, self._generate_record_messages, self._stream_version)
        batches = run.inventory.records(self.name)
        with self.get_record_counter() as counter, self.get_sync_timer():
            for batch in progress.tracked(self.name, batches, lambda: run.inventory.counts(self.name)[0]):
                if self.ABORT_AT_RECORD_COUNT is not None:
                    del batch[self.ABORT_AT_RECORD_COUNT - run.written[self.name] :]
                if write_messages:
                    messages.write(lines.of(batch))
                counter.increment(len(batch))
                run.written[self.name] += len(batch)
                yield from batch
                if run.written[self.name] == self.ABORT_AT_RECORD_COUNT:
                    break
        # Not within the timer, to which a stream that is cut short on purpose would be a failure
        self._check_max_record_limit(run.written[self.name])
        run.finish(self.name)
        if write_messages:
            if self._stream_version is not None and run.may_remove(self.name):
                self._write_activate_version_message(self._stream_version)
            if run.covered:
                self.tap_state.update(run.covered.as_state())  # type: ignore[typeddict-item]
            self.state_manager.is_flushed = False
            self._write_state_message()

    @override
    def log(self, message: str, *args: object, level: int = logging.INFO, **kwargs: object) -> None:
        # The SDK announces each error before it raises it; the one line that a user needs is the error's own.
        super().log(message, *args, level=logging.DEBUG if level == logging.ERROR else level, **kwargs)
