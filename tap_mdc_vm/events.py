"""Every line that the tap logs about a run: a frozen struct per kind, and one way to emit it.

The fields of an event travel with its line, so that the SDK's structured (JSON) logging shows them by name.
"""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar

import msgspec

_LOGGER = logging.getLogger("tap-mdc-vm")


class Event(msgspec.Struct, frozen=True):
    """Something that a user may want to know of a run.

    Attributes:
        level: Of the line in the log.
        template: The line, with the fields by name; a tuple is joined by commas.
    """

    level: ClassVar[int] = logging.INFO
    template: ClassVar[str] = ""

    def line(self) -> str:
        """Return the event as one line of text."""
        given = self.fields().items()
        return self.template.format(
            **{name: ", ".join(value) if isinstance(value, tuple) else value for name, value in given}
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields by name."""
        return msgspec.structs.asdict(self)


class Warned(Event, frozen=True):
    """An event that somebody should look at."""

    level = logging.WARNING


class ConnectorState(Event, frozen=True):
    """The connector entered a state of the ETM document, as far as a tap can know."""

    state: str

    def line(self) -> str:
        tail = " (findings still loading)" if self.state == "Processed" else ""
        return f"Connector state: {self.state}{tail}"


class Progress(Event, frozen=True):
    """How far a stream is.

    Attributes:
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
        percent = 100 * self.rows // self.expected if self.expected else 100
        left = "" if self.left is None else f", about {self.left:,.0f} s left"
        return f"{self.stream}: {self.rows:,} of {self.expected:,} rows ({percent} %), {self.rate:,.0f} rows/s{left}"


class Throttled(Event, frozen=True):
    template = "Azure's quota is used up: next query in {seconds:.1f} s ({refused:,} refused so far)"
    seconds: float
    refused: int


class Filtered(Event, frozen=True):
    template = "Only what passes the filters: {filters}"
    filters: str


class AskingForLess(Event, frozen=True):
    """The service refused, or cut, an answer as large as the tap asked for."""

    template = "{stream}: going on with {what}, because {reason}"
    stream: str
    what: str
    reason: str


class UnlikeRows(Warned, frozen=True):
    template = "{stream}: rows that differ came with one id, {id}; the newest is taken"
    stream: str
    id: str


class ReadingInOrder(Warned, frozen=True):
    """Partitions can't be trusted for a query."""

    template = "{stream}: falling back to ordered pages, one after the other, because {reason}"
    stream: str
    reason: str


class FellShort(Warned, frozen=True):
    """``on_incomplete`` is ``warn``; else this is an error."""

    template = "{stream} is not proven complete: {reason}"
    stream: str
    reason: str


class NoMachinePasses(Warned, frozen=True):
    """Filters on machines leave none; a target that removes what is gone would be empty."""

    template = "No virtual machine passes {filters}: check what it says. See docs/troubleshooting.md#no-machines."
    filters: tuple[str, ...]


class NothingSelected(Warned, frozen=True):
    """The catalog selects no stream that there is."""

    template = (
        "No stream is selected, so that nothing is read. One of extra_streams can be selected only where it is named "
        "there. See docs/troubleshooting.md#nothing-selected."
    )


class SubscriptionsUnreadable(Warned, frozen=True):
    """They may be management groups, too."""

    template = "Not readable, and so left out: {ids}"
    ids: tuple[str, ...]


class SubscriptionsDisabled(Warned, frozen=True):
    """What Azure returns of their resources is not documented."""

    template = "Subscriptions that are not enabled: {ids}"
    ids: tuple[str, ...]


class SubscriptionsWithoutAssessments(Warned, frozen=True):
    template = "Machines, but no assessment in: {ids}. Why: {reason}. See docs/troubleshooting.md#no-assessments."
    ids: tuple[str, ...]
    reason: str


class MachinesNotRead(Warned, frozen=True):
    template = (
        "{named:,} machines that interfaces or findings name were not read. Of those asked for by id, {there:,} are "
        "there, such as {example}. They are new, or Azure leaves rows out of its answers: run again. "
        "See docs/troubleshooting.md#machines-not-read."
    )
    named: int
    there: int
    example: str


class MachinesHidden(Warned, frozen=True):
    """Machines that a record names are not there when they are asked for by id, and an interface is attached to one."""

    template = (
        "{named:,} machines that interfaces or findings name were not read, and are not there when they are asked for "
        "by id, though interfaces are still attached to them, such as {example}. The application lacks the Reader role "
        "there, Azure leaves rows out of its answers, or they were deleted within the last minutes. "
        "See docs/troubleshooting.md#machines-not-read."
    )
    named: int
    example: str


class MachinesGone(Event, frozen=True):
    """Findings outlive their machine for a while."""

    template = "Machines that interfaces or findings name, and that are not there any more: {named:,}"
    named: int


class DatesUnread(Warned, frozen=True):
    template = "{field} is null in {records:,} records, for which Azure gave something that is no date"
    field: str
    records: int


class CoversLess(Warned, frozen=True):
    template = (
        "This run covers less than the last complete one into this state: {missing}. Nothing is removed from the "
        "target for it (no ACTIVATE_VERSION), and the state keeps what it knew. If what is missing is meant to go, run "
        "once without state (meltano run --full-refresh). See docs/troubleshooting.md#covers-less."
    )
    missing: str


class AssessmentsOfAnotherForm(Warned, frozen=True):
    template = (
        "Left out are assessments about virtual machines whose ids have another form than those that are known: "
        "{count:,}, such as {example}. Please report that id. See docs/troubleshooting.md#another-form."
    )
    count: int
    example: str


class NotAsked(Warned, frozen=True):
    """The answer would only have been a remark, so that the run goes on without it."""

    template = "Not known is {what}, because {reason}"
    what: str
    reason: str


class MapRemark(Warned, frozen=True):
    """The transform map holds something that works and is hardly meant."""

    template = "{remark}"
    remark: str


class WordNotInTable(Warned, frozen=True):
    """A record has a word that a table of the transform map does not hold.

    Attributes:
        taken: What is taken instead.
        last: Whether further words that the table does not hold are passed over in silence.
    """

    table: str
    word: Any
    taken: Any
    last: bool

    def line(self) -> str:
        taken = "null" if self.taken is None else repr(self.taken)
        rest = "; more such words are not named" if self.last else ""
        return f"The table {self.table} of the transform map has no entry for {self.word!r}: {taken} is taken{rest}"


class SyncSummary(Event, frozen=True):
    """What a run did, as the last line of its log.

    Attributes:
        streams: By stream name: ``expected``, ``emitted``, ``duplicates``, ``requests``.
        subscriptions: ``requested`` and ``readable`` (numbers), ``unreadable`` and ``withoutAssessments`` (ids), and
            ``reasons``: by each id of the last, why.
        requests: Requests to Resource Graph in all.
        throttled: Answers 429 among them.
        waited_seconds: Seconds that requests and sign-ins waited for quota or another try, added up over all threads.
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
        return f"Sync summary: {json.dumps(self.fields())}"


def emit(event: Event) -> None:
    """Log an event, once.

    Its kind is not called ``event``: structlog, and so Meltano, means the text by that.
    """
    _LOGGER.log(event.level, "%s", event.line(), extra={"kind": type(event).__name__, **event.fields()})
