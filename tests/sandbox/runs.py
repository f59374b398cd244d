"""A sync in this process, and what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tap_mdc_vm.errors import TapError
from tap_mdc_vm.tap import TapMdcVm


@dataclass
class Run:
    """What a sync wrote, logged and ended with.

    Attributes:
        messages: Singer messages in the order in which they were written.
        error: What ended it; None when it ran to its end.
        log: Lines of the tap's own logger.
    """

    messages: list[dict[str, Any]]
    error: TapError | None
    log: list[str] = field(default_factory=list)

    @property
    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Records by stream, in order."""
        by_stream: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                by_stream[message["stream"]].append(message["record"])
        return by_stream

    @property
    def summary(self) -> dict[str, Any]:
        """The summary line, parsed."""
        (line,) = [line for line in self.log if line.startswith("Sync summary: ")]
        summary: dict[str, Any] = json.loads(line.removeprefix("Sync summary: "))
        return summary

    @property
    def state(self) -> dict[str, Any]:
        """The last state that was written."""
        state: dict[str, Any] = [message["value"] for message in self.messages if message["type"] == "STATE"][-1]
        return state

    def kinds(self) -> list[tuple[str, str]]:
        """Type and stream of each message, runs of the same one counted as one."""
        kinds = [(message["type"], message.get("stream", "")) for message in self.messages]
        return [kind for before, kind in zip([None, *kinds], kinds, strict=False) if kind != before]


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def sync(config: dict[str, Any], catalog: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Run:
    """Sync with a configuration, and return what came of it; bugs, which are no TapError, are raised."""
    logger, handler, error = logging.getLogger("tap-mdc-vm"), _Lines(), None
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    output = io.StringIO()
    tap = TapMdcVm(config=dict(config), catalog=catalog, state=state)
    try:
        with contextlib.redirect_stdout(output), tap.run:
            tap.sync_all()
    except TapError as raised:
        error = raised
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return Run([json.loads(line) for line in output.getvalue().splitlines()], error, handler.lines)
