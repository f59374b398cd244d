"""Every line that the tap logs about a run: a frozen dataclass per kind, and one way to emit it.

The fields of an event travel with its line, so that the SDK's structured (JSON) logging shows them by name.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, fields
from typing import Any, ClassVar

_LOGGER = logging.getLogger("tap-mdc-vm")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a user may want to know of a run."""

    level: ClassVar[int] = logging.INFO

    def line(self) -> str:
        """Return the event as one line of text."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ConnectorState(Event):
    """The connector entered a state of the ETM document, as far as a tap can know."""

    state: str

    def line(self) -> str:
        """Return the line that others look for."""
        tail = " (findings still loading)" if self.state == "Processed" else ""
        return f"Connector state: {self.state}{tail}"


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far a stream is.

    Attributes:
        stream: The stream's name.
        rows: Rows written so far.
        expected: Rows that Azure counts, as far as known; at least ``rows``.
        rate: Rows a second.
        left: Seconds to go at that rate; None if that is not known.
    """

    stream: str
    rows: int
    expected: int
    rate: float
    left: float | None

    def line(self) -> str:
        """Return rows, total, share, rate and time left."""
        percent = 100 * self.rows // self.expected if self.expected else 100
        left = "" if self.left is None else f", about {self.left:,.0f} s left"
        return f"{self.stream}: {self.rows:,} of {self.expected:,} rows ({percent} %), {self.rate:,.0f} rows/s{left}"


@dataclass(frozen=True, slots=True)
class LookingAgain(Event):
    """The parts of a query do not add up to its counts."""

    level: ClassVar[int] = logging.WARNING
    stream: str
    read: int
    before: int
    after: int

    def line(self) -> str:
        """Return what was read and counted."""
        return (
            f"{self.stream}: {self.read:,} rows read in partitions, where Azure counted {self.before:,} before and "
            f"{self.after:,} after; reading again what may have changed"
        )


@dataclass(frozen=True, slots=True)
class ReadingInOrder(Event):
    """Partitions can't be trusted for a query."""

    level: ClassVar[int] = logging.WARNING
    stream: str
    reason: str

    def line(self) -> str:
        """Return why pages are read one after the other."""
        return f"{self.stream}: falling back to ordered pages, one after the other, because {self.reason}"


@dataclass(frozen=True, slots=True)
class FellShort(Event):
    """A stream can't be proven complete, and ``on_incomplete`` is ``warn``."""

    level: ClassVar[int] = logging.WARNING
    stream: str
    reason: str

    def line(self) -> str:
        """Return the reason."""
        return f"{self.stream} is not proven complete: {self.reason}"


@dataclass(frozen=True, slots=True)
class SubscriptionsUnreadable(Event):
    """Subscriptions (or management groups) that were asked for can't be read."""

    level: ClassVar[int] = logging.WARNING
    ids: tuple[str, ...]

    def line(self) -> str:
        """Return their ids."""
        return f"Not readable, and so left out: {', '.join(self.ids)}"


@dataclass(frozen=True, slots=True)
class SubscriptionsDisabled(Event):
    """Subscriptions in scope that are not enabled; what Azure returns of their resources is not documented."""

    level: ClassVar[int] = logging.WARNING
    ids: tuple[str, ...]

    def line(self) -> str:
        """Return their ids with their state."""
        return f"Subscriptions that are not enabled: {', '.join(self.ids)}"


@dataclass(frozen=True, slots=True)
class SubscriptionsWithoutAssessments(Event):
    """Readable subscriptions that have machines and not one assessment."""

    level: ClassVar[int] = logging.WARNING
    ids: tuple[str, ...]

    def line(self) -> str:
        """Return their ids and what to check."""
        return (
            f"Machines, but no assessment in: {', '.join(self.ids)}. Check that Defender for Cloud is on there. "
            "See docs/troubleshooting.md#no-assessments."
        )


@dataclass(frozen=True, slots=True)
class MapRemark(Event):
    """The transform map holds something that works and is hardly meant."""

    level: ClassVar[int] = logging.WARNING
    remark: str

    def line(self) -> str:
        """Return where it is and what it is."""
        return self.remark


@dataclass(frozen=True, slots=True)
class WordNotInTable(Event):
    """A record has a word that a table of the transform map does not hold.

    Attributes:
        table: The table's name.
        word: What was looked up.
        taken: What was taken instead.
        last: Whether further words that it does not hold are passed over in silence.
    """

    level: ClassVar[int] = logging.WARNING
    table: str
    word: Any
    taken: Any
    last: bool

    def line(self) -> str:
        """Return the word, the table, and what was taken."""
        taken = "null" if self.taken is None else repr(self.taken)
        rest = "; more such words are not named" if self.last else ""
        return f"The table {self.table} of the transform map has no entry for {self.word!r}: {taken} is taken{rest}"


@dataclass(frozen=True, slots=True)
class SyncSummary(Event):
    """What a run did, as the last line of its log.

    Attributes:
        streams: By stream name: ``expected``, ``emitted``, ``duplicates``, ``requests``.
        subscriptions: ``requested`` and ``readable`` (numbers), ``unreadable`` and ``withoutAssessments`` (ids).
        requests: Requests to Resource Graph in all.
        throttled: Answers 429 among them.
        waited_seconds: Seconds that requests waited for the quota or for another try, added up over all threads.
        seconds: How long the run took.
        complete: Whether every selected stream is proven complete.
    """

    streams: dict[str, dict[str, int]]
    subscriptions: dict[str, Any]
    requests: int
    throttled: int
    waited_seconds: float
    seconds: float
    complete: bool

    def line(self) -> str:
        """Return the fields as JSON."""
        return f"Sync summary: {json.dumps(_fields(self))}"


def emit(event: Event) -> None:
    """Log an event, once.

    Its kind is not called ``event``: structlog, and so Meltano, means the text by that.
    """
    _LOGGER.log(event.level, "%s", event.line(), extra={"kind": type(event).__name__, **_fields(event)})


def _fields(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}
