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
    """Something that a user may want to know of a run.

    Attributes:
        level: Of the line in the log.
        template: The line, with the fields by name; a tuple is joined by commas.
    """

    level: ClassVar[int] = logging.INFO
    template: ClassVar[str]

    def line(self) -> str:
        """Return the event as one line of text."""
        given = self.fields()
        return self.template.format(
            **{name: ", ".join(value) if isinstance(value, tuple) else value for name, value in given.items()}
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """An event that somebody should look at."""

    level: ClassVar[int] = logging.WARNING


@dataclass(frozen=True, slots=True)
class ConnectorState(Event):
    """The connector entered a state of the ETM document, as far as a tap can know."""

    template: ClassVar[str] = "Connector state: {state}"
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
class Throttled(Event):
    """Azure refused a query because the quota is used up."""

    template: ClassVar[str] = "Azure's quota is used up: next query in {seconds:.1f} s ({refused:,} refused so far)"
    seconds: float
    refused: int


@dataclass(frozen=True, slots=True)
class Filtered(Event):
    """The run is about a part of what lies in its scope."""

    template: ClassVar[str] = "Only what passes the filters: {filters}"
    filters: str


@dataclass(frozen=True, slots=True)
class AskingForLess(Event):
    """The service refused, or cut, an answer as large as the tap asked for."""

    template: ClassVar[str] = "{stream}: going on with {what}, because {reason}"
    stream: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnlikeRows(Warned):
    """Azure sent rows that differ, with one id (in lower case)."""

    template: ClassVar[str] = "{stream}: rows that differ came with one id, {id}; the newest is taken"
    stream: str
    id: str


@dataclass(frozen=True, slots=True)
class ReadingInOrder(Warned):
    """Partitions can't be trusted for a query."""

    template: ClassVar[str] = "{stream}: falling back to ordered pages, one after the other, because {reason}"
    stream: str
    reason: str


@dataclass(frozen=True, slots=True)
class FellShort(Warned):
    """A stream can't be proven complete, and ``on_incomplete`` is ``warn``."""

    template: ClassVar[str] = "{stream} is not proven complete: {reason}"
    stream: str
    reason: str


@dataclass(frozen=True, slots=True)
class SubscriptionsUnreadable(Warned):
    """Subscriptions (or management groups) that were asked for can't be read."""

    template: ClassVar[str] = "Not readable, and so left out: {ids}"
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionsDisabled(Warned):
    """Subscriptions in scope that are not enabled; what Azure returns of their resources is not documented."""

    template: ClassVar[str] = "Subscriptions that are not enabled: {ids}"
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionsWithoutAssessments(Warned):
    """Readable subscriptions have machines and not one assessment, for one reason."""

    template: ClassVar[str] = (
        "Machines, but no assessment in: {ids}. Why: {reason}. See docs/troubleshooting.md#no-assessments."
    )
    ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class MachinesNotRead(Warned):
    """Machines that a record names are there when they are asked for by id, and no answer held them."""

    template: ClassVar[str] = (
        "{named:,} machines that interfaces or findings name were not read. Of those asked for by id, {there:,} are "
        "there, such as {example}. They are new, or Azure leaves rows out of its answers: run again. "
        "See docs/troubleshooting.md#machines-not-read."
    )
    named: int
    there: int
    example: str


@dataclass(frozen=True, slots=True)
class MachinesGone(Event):
    """Machines that a record names are not there: their findings outlive them for a while."""

    template: ClassVar[str] = "Machines that interfaces or findings name, and that are not there any more: {named:,}"
    named: int


@dataclass(frozen=True, slots=True)
class DatesUnread(Warned):
    """Azure gave something where a date should be."""

    template: ClassVar[str] = "{field} is null in {records:,} records, for which Azure gave something that is no date"
    field: str
    records: int


@dataclass(frozen=True, slots=True)
class CoversLess(Warned):
    """The run covers less than the last complete one that its state knows of."""

    template: ClassVar[str] = (
        "This run covers less than the last complete one into this state: {missing}. Nothing is removed from the "
        "target for it (no ACTIVATE_VERSION), and the state keeps what it knew. If what is missing is meant to go, run "
        "once without state (meltano run --full-refresh). See docs/troubleshooting.md#covers-less."
    )
    missing: str


@dataclass(frozen=True, slots=True)
class AssessmentsOfAnotherForm(Warned):
    """Azure says of assessments that a virtual machine is what they are about, and their ids have no known form."""

    template: ClassVar[str] = (
        "{count:,} assessments are about virtual machines and left out, as their ids have another form than those that "
        "are known, such as {example}. Please report that id. See docs/troubleshooting.md#another-form."
    )
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class NotAsked(Warned):
    """A question whose answer would only have been a remark could not be answered."""

    template: ClassVar[str] = "Not known is {what}, because {reason}"
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class MapRemark(Warned):
    """The transform map holds something that works and is hardly meant."""

    template: ClassVar[str] = "{remark}"
    remark: str


@dataclass(frozen=True, slots=True)
class WordNotInTable(Warned):
    """A record has a word that a table of the transform map does not hold.

    Attributes:
        table: The table's name.
        word: What was looked up.
        taken: What was taken instead.
        last: Whether further words that it does not hold are passed over in silence.
    """

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
        subscriptions: ``requested`` and ``readable`` (numbers), ``unreadable`` and ``withoutAssessments`` (ids), and
            ``reasons``: by each id of the last, why.
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
        return f"Sync summary: {json.dumps(self.fields())}"


def emit(event: Event) -> None:
    """Log an event, once.

    Its kind is not called ``event``: structlog, and so Meltano, means the text by that.
    """
    _LOGGER.log(event.level, "%s", event.line(), extra={"kind": type(event).__name__, **event.fields()})
