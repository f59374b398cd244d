"""One run: its way to Azure, what it covers, the records, and what it leaves in the log and in the state."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Self

from tap_mdc_vm import absences, events
from tap_mdc_vm.azure.credentials import tokens
from tap_mdc_vm.azure.resource_graph.client import Client
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.azure.resource_graph.pacing import Governor
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.azure.resource_graph.workers import Workers
from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.coverage import Coverage, check, disabled, survey
from tap_mdc_vm.covered import Covered
from tap_mdc_vm.inventory import Inventory
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.sources import FINDINGS, INTERFACES, MACHINES

_ASIDES = 3
"""Questions beside the reading at once: as many as there are after the findings."""


class Run:
    """A run, to be used as a context: at its end it lets go of everything and, if it read, logs its summary.

    Nothing is sent before something is asked of its parts.

    Args:
        settings: Where to, as whom, how many at once, and what to read.
        wanted: The streams that will be asked for, in the order in which they go out.
        before: What the last complete run into the same state covered; None without a state.

    Attributes:
        client: Asks one question at a time.
        governor: Keeps to the quota.
        covered: What the state is to say now.
        reader: Reads queries whole.
        tokens: Hands out access tokens.
        transport: Sends over HTTPS.
        written: Records written so far, by stream.
    """

    def __init__(self, settings: Settings, wanted: Sequence[str] = (), before: Covered | None = None) -> None:
        """Put together what talks to Azure."""
        self.settings, self.covered = settings, before
        self.transport = Transport(
            ca_bundle=settings.ca_bundle, timeout=settings.request_timeout, pool_size=settings.max_concurrency
        )
        self.tokens = tokens(settings, self.transport)
        self.governor = Governor()
        self.client = Client(settings.cloud.resource_manager_url, self.transport, self.tokens, self.governor)
        self._workers, self._asides = Workers(settings.max_concurrency), Workers(_ASIDES)
        tolerant = settings.on_incomplete == "warn"
        self.reader = Reader(self.client, self._workers, page_size=settings.page_size, tolerant=tolerant)
        self.written: Counter[str] = Counter()
        self._wanted, self._complete = tuple(wanted), set[str]()
        self._began: float | None = None
        self._coverage: Coverage | None = None
        self._inventory: Inventory | None = None
        self._covers_less = self._filtered = False
        self._unassessed: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """Log the summary, and let go of threads, also those that wait for the quota, connections and files."""
        if self._began is not None:
            self._summarise(self._began)
        self.governor.close()
        self._workers.close()
        self._asides.close()
        self.transport.close()
        if self._inventory:
            self._inventory.close()

    @property
    def inventory(self) -> Inventory:
        """The records of all streams; to ask for it is to begin to read.

        Raises:
            NoAccessError: Nothing can be read, or, unless ``on_incomplete`` is ``warn``, less than was asked for.
            TapError: Azure can't be asked.
        """
        return self._begun()[0]

    def finish(self, stream: str) -> None:
        """Take note that a stream's last record is written.

        Raises:
            IncompleteError: The stream can't be proven complete, and that is not tolerated.
            TapError: Azure can't be asked.
        """
        inventory, coverage = self._begun()
        questions = self._questions(stream, inventory, coverage.scopes)
        # Asked while the access is, on threads that are none of those that they wait for
        remarks = [self._asides.submit(partial(list[events.Event], question)) for question in questions]
        if inventory.is_complete(stream):
            self._complete.add(stream)
        if [each for each in self._wanted if each in {MACHINES, INTERFACES}][-1:] == [stream]:
            events.emit(events.ConnectorState("Processed"))
        for remark in remarks:
            for event in remark.result():
                events.emit(event)
        if self._is_complete() and not self._covers_less:
            self.covered = Covered.by(self.settings, coverage)

    def may_remove(self, stream: str) -> bool:
        """Tell whether a target may remove what a stream did not bring: all came, and no less was looked at before."""
        return stream in self._complete and not self._covers_less

    def _begun(self) -> tuple[Inventory, Coverage]:
        if self._inventory and self._coverage:
            return self._inventory, self._coverage
        self._began = time.monotonic()
        events.emit(events.ConnectorState("Processing"))
        coverage = self._coverage = survey(self.reader, self.settings)
        check(coverage, tolerant=self.reader.tolerant)
        if coverage.unreadable:
            events.emit(events.SubscriptionsUnreadable(coverage.unreadable))
        if names := disabled(coverage):
            events.emit(events.SubscriptionsDisabled(tuple(names)))
        self._compare(Covered.by(self.settings, coverage))
        self._inventory = Inventory(self.reader, coverage, self.settings, self._wanted)
        return self._inventory, coverage

    def _compare(self, now: Covered) -> None:
        """Hold what this run covers against what the state says, whose subscriptions are kept in any case.

        What another run covers next is compared with them too: this run's records are in the target then.
        """
        self._filtered = bool(now.filters)
        if self._filtered:
            events.emit(events.Filtered(now.filters_in_words()))
        if self.covered is not None:
            if missing := list(now.lacks(self.covered)):
                self._covers_less = True
                events.emit(events.CoversLess("; ".join(missing)))
            self.covered = self.covered.with_those_of(now)

    def _questions(
        self, stream: str, inventory: Inventory, scopes: Sequence[Scope]
    ) -> Iterator[Iterator[events.Event]]:
        """Yield what to ask about what is absent once a stream is written."""
        about = self.reader, self.settings, scopes
        # Where rows may be missing, an absence says nothing.
        proven = stream in {MACHINES, FINDINGS} and not inventory.reading(stream).shortcomings
        if proven and stream == MACHINES and not inventory.counts(stream)[0]:
            yield absences.no_machine_passes(self.settings)
        if proven and stream == FINDINGS:
            yield self._unassessed_ones(inventory)
            yield absences.of_another_form(*about)
        if stream == self._wanted[-1]:
            yield absences.unread_machines(*about, inventory.unread_machines)

    @absences.or_not_asked("which subscriptions have no assessment")
    def _unassessed_ones(self, inventory: Inventory) -> Iterator[events.Event]:
        subscriptions = inventory.machines.subscriptions
        silent = absences.silent(self.reader, subscriptions, inventory.assessed, filtered=self._filtered)
        self._unassessed = absences.reasons(self.reader, self.settings, sorted(silent))
        yield from absences.unassessed(self._unassessed)

    def _is_complete(self) -> bool:
        return self._coverage is not None and self._complete.issuperset(self._wanted)

    def _summarise(self, began: float) -> None:
        coverage, lost_access = self._coverage, self._inventory.lost_access if self._inventory else ()
        for field, records in sorted(self._inventory.context.unread.items()) if self._inventory else ():
            events.emit(events.DatesUnread(field, records))
        events.emit(
            events.SyncSummary(
                streams={stream: self._figures(stream) for stream in self._wanted},
                subscriptions={
                    "requested": coverage.requested if coverage else len(self.settings.subscription_ids),
                    "readable": len(coverage.readable) - len(lost_access) if coverage else 0,
                    "unreadable": [*coverage.unreadable, *lost_access] if coverage else [],
                    "withoutAssessments": list(self._unassessed),
                    "reasons": self._unassessed,
                },
                requests=self.client.requests.total(),
                throttled=self.governor.throttled_answers,
                waited_seconds=round(self.governor.waited_seconds + self.tokens.waited_seconds, 3),
                seconds=round(time.monotonic() - began, 3),
                complete=self._is_complete(),
            )
        )

    def _figures(self, stream: str) -> dict[str, int]:
        expected, duplicates = self._inventory.counts(stream) if self._inventory else (0, 0)
        return {
            "expected": expected,
            "emitted": self.written[stream],
            "duplicates": duplicates,
            "requests": self.client.requests[stream],
        }
