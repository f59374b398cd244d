"""When may the next request go out: as fast as the quota allows, and no faster.

Resource Graph counts queries per principal and tells after each answer how many are left and when the count starts
anew (``x-ms-user-quota-remaining``, ``x-ms-user-quota-resets-after``). How it counts is not documented: fixed windows,
sliding ones or a bucket that refills; other clients of the same principal may take a part; headers may be missing. One
rule passes under all of that: no more than a *budget* within any stretch as long as the window.

The budget is the quota, until something shows that less is left to us. It falls to what an answer shows (what remains
and what we took ourselves, which is the quota less what others took), and under what got through when one is refused.
Each answer gives a little back.

:class:`Pace` decides and has no clock of its own; :class:`Governor` makes threads wait for it.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph.model import Quota

_BLIND = 4
"""Requests that may go out before the first answer has told the quota."""

_WINDOW = 5.0
"""Seconds of the window that Azure documents, and of the shortest that is believed: the end of a window that began
before the run looks like a short one, and so do a bucket that is not empty and a time that is rounded down."""

_LONGEST_WINDOW = 60.0
"""Seconds of the longest that is believed. Should an answer announce an hour, nothing would go out that could tell
better. A window that really is longer shows by its 429s."""

_SLACK = 1.03
"""How much longer than the window our own stretch is: two requests may come closer to each other on their way."""

_EVENNESS = 1 / 3
"""The least distance between two requests, as a part of the average that uses the budget up. Azure advises to stagger
requests; spread like this, they also hear sooner of other clients. At 1 nothing would make up for a late thread, and
half of it keeps the second budget of a run behind the first, which went out at once."""

_USUAL = 15
"""The quota that Azure documents."""

_GROWTH = 1 / _USUAL
"""What each answer gives back of the budget: a whole request in each window of the usual quota."""

_CUT = 0.9
"""The part that a 429 leaves of what got through within the stretch before, though never less than half a budget: it
may be that of a service with troubles of its own."""

_SILENCE = 10.0
"""Seconds between two lines, at least, that say that the quota is used up."""


def asked_wait(quota: Quota) -> float | None:
    """Return the seconds that a 429 asks to wait: ``Retry-After``, else until the window's reset; None for nothing.

    A wait of zero is no advice: whoever takes it is refused again at once, and again.
    """
    return quota.retry_after or min(quota.resets_after or 0.0, _LONGEST_WINDOW) or None


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one request.

    Attributes:
        number: The how-manieth it is, from 0.
        sent_at: When it went out, in seconds.
        ours: How many went out within the stretch that ends with it, itself included.
    """

    number: int
    sent_at: float
    ours: int


class Pace:
    """The budget, and the pace that follows from it. All times in seconds of one clock."""

    def __init__(self) -> None:
        """Start without knowing anything."""
        self._recent: deque[float] = deque()
        self._number = 0
        self._heard = False
        self._quota = 0
        self._window = _WINDOW
        self._budget = math.inf
        self._cut_at, self._floor = -math.inf, 1.0
        self._paused_until = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may go out, 0 for at once.

        The answer to a request in flight may change this: ask again then.
        """
        if now < self._paused_until:
            return self._paused_until - now
        if not self._heard:
            return 0.0 if self._number < _BLIND else 1.0
        if self._budget == math.inf:
            return 0.0
        budget = round(self._budget)
        free_at = now
        if len(self._recent) >= budget:
            free_at = self._recent[-budget] + self._stretch
        # The first budget of a run goes out at once, so that a small sync does not wait.
        if self._recent and self._number >= budget:
            free_at = max(free_at, self._recent[-1] + _EVENNESS * self._stretch / budget)
        return max(free_at - now, 0.0)

    def sent(self, now: float) -> Ticket:
        """Note that a request goes out now."""
        while self._recent and self._recent[0] <= now - self._stretch:
            self._recent.popleft()
        self._recent.append(now)
        self._number += 1
        return Ticket(self._number - 1, now, len(self._recent))

    def answered(self, ticket: Ticket, quota: Quota) -> None:
        """Note what the answer to a request tells of the quota."""
        self._heard = True
        self._budget = min(self._budget + _GROWTH, self._quota or math.inf)
        self._window = max(self._window, min(quota.resets_after or 0.0, _LONGEST_WINDOW))
        if quota.remaining is None:
            return
        more = max(quota.remaining + 1 - self._quota, 0)
        self._quota += more
        self._budget = min(self._budget + more, self._quota)
        # The first ones go out together and overtake each other: what their tickets count as ours is too little.
        if ticket.number >= self._quota:
            self._budget = min(self._budget, quota.remaining + ticket.ours)

    def throttled(self, ticket: Ticket, now: float, pause: float) -> None:
        """Note a 429: for ``pause`` seconds nothing goes out. A refused request is taken to cost nothing."""
        self._heard = True
        with suppress(ValueError):  # it may be older than the stretch
            self._recent.remove(ticket.sent_at)
        if ticket.sent_at >= self._cut_at:  # not one of those that were under way together with another
            self._cut_at, self._floor = now, max(min(self._budget, _USUAL) / 2, 1.0)
        self._budget = min(self._budget, max(_CUT * len(self._recent), self._floor))
        self._paused_until = max(self._paused_until, now + pause)

    def lost(self) -> None:
        """Note that a request got no answer. It may have been counted all the same."""
        self._heard = True

    @property
    def _stretch(self) -> float:
        return self._window * _SLACK


Place = tuple[bool, int]
"""Where a question stands in the queue: the lower, the sooner it goes out."""


class Governor:
    """One :class:`Pace` for all threads of the process: each request passes through :meth:`admit` first.

    Requests go out in the order of their places, not by chance: results are used in order, and one that is late holds
    up all that come behind it.

    Args:
        clock: Returns seconds, as ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a fresh pace."""
        self._clock = clock
        self._pace = Pace()
        self._changed = threading.Condition()
        self._closed = False
        self._drawn = itertools.count()
        self._queue: set[Place] = set()
        self._silent_until = -math.inf
        self.throttled_answers = 0
        self.waited_seconds = 0.0

    def place(self, *, urgent: bool = False) -> Place:
        """Return a place behind all others or, if urgent, before all that are not.

        A question that must be asked again keeps its place.
        """
        return not urgent, next(self._drawn)

    def admit(self, place: Place) -> Ticket:
        """Wait until a request may go out, and count it as sent.

        Raises:
            CancelledError: If the governor was closed: the run is over.
        """
        with self._changed:
            self._queue.add(place)
            try:
                while True:
                    self._refuse_when_closed()
                    now = self._clock()
                    wait = self._pace.wait(now) if place == min(self._queue) else None
                    if wait is not None and wait <= 0:
                        return self._pace.sent(now)
                    self._changed.wait(wait)
                    self.waited_seconds += self._clock() - now
            finally:
                self._queue.remove(place)
                self._changed.notify_all()

    def answered(self, ticket: Ticket, quota: Quota) -> None:
        """Take in what an answer's headers tell."""
        with self._changed:
            self._pace.answered(ticket, quota)
            self._changed.notify_all()

    def throttled(self, ticket: Ticket, pause: float) -> None:
        """Take in a 429: everybody waits ``pause`` seconds now."""
        with self._changed:
            now = self._clock()
            self.throttled_answers += 1
            self._pace.throttled(ticket, now, pause)
            self._changed.notify_all()
            if is_news := now >= self._silent_until:
                self._silent_until = now + _SILENCE
        if is_news:
            events.emit(events.Throttled(pause, self.throttled_answers))

    def lost(self) -> None:
        """Take in that no answer came."""
        with self._changed:
            self._pace.lost()
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Let one thread wait, for as long as the run lasts.

        Raises:
            CancelledError: If the governor was closed meanwhile.
        """
        with self._changed:
            until = self._clock() + seconds
            while (left := until - self._clock()) > 0:
                self._refuse_when_closed()
                self._changed.wait(left)
            self._refuse_when_closed()
            self.waited_seconds += seconds

    def close(self) -> None:
        """Let go of every thread that waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise CancelledError
