"""When may the next request go out: as fast as the quota allows, and no faster.

Resource Graph counts queries per principal and tells after each answer how many are left and when the count starts
anew (``x-ms-user-quota-remaining``, ``x-ms-user-quota-resets-after``). How it counts is not documented: fixed windows,
sliding ones or a bucket that refills. No more than the quota within *any* stretch as long as the window passes under
all of them, and it needs neither the service's clock nor its rounding of a second. So that is the rule. What other
clients of the same principal use is the part of the count that our own requests don't explain; it is left to them.

:class:`Pace` decides and has no clock of its own; :class:`Governor` makes threads wait for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_mdc_vm.resource_graph.model import Quota

_BLIND = 4
"""Requests that may go out before the first answer has told the quota."""

_LONGEST_WINDOW = 60.0
"""Seconds of a window that are kept to without a 429. Azure documents 5; should one answer announce an hour, nothing
would go out that could tell better. A window that really is longer shows by a 429, which says how long to wait."""

_SLACK = 1.03
"""How much longer than the window our own stretch is: two requests may come closer to each other on their way."""

_MORE_SLACK = 0.08
"""What a 429 adds to it: the window was announced too short (whole seconds), or the way is less even than thought."""

_MOST_SLACK = 1.5
_RECOVERY = 0.0005
"""What each answer takes off again."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one request: the how-manieth it is, and when it went out (seconds)."""

    number: int
    sent_at: float


class Pace:
    """The quota as far as its headers tell, and the pace that follows from it. All times in seconds of one clock."""

    def __init__(self) -> None:
        """Start without knowing anything."""
        self._recent: deque[float] = deque()
        self._number = 0
        self._newest_answer = -1
        self._quota: int | None = None
        self._window = 0.0
        self._others = 0
        self._slack = _SLACK
        self._paused_until = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may go out, 0 for at once.

        The answer to a request in flight may change this: ask again then.
        """
        if now < self._paused_until:
            return self._paused_until - now
        if self._newest_answer < 0:
            return 0.0 if self._number < _BLIND else 1.0
        if self._quota is None:
            return 0.0
        stretch = self._window * self._slack
        while self._recent and self._recent[0] <= now - stretch:
            self._recent.popleft()
        budget = max(self._quota - self._others, 1)
        if len(self._recent) < budget:
            return 0.0
        return max(self._recent[-budget] + stretch - now, 0.0)

    def sent(self, now: float) -> Ticket:
        """Note that a request goes out now."""
        ticket = Ticket(self._number, now)
        self._number += 1
        self._recent.append(now)
        return ticket

    def answered(self, ticket: Ticket, quota: Quota) -> None:
        """Note what the answer to a request tells of the quota."""
        self._slack = max(self._slack - _RECOVERY, _SLACK)
        newest, self._newest_answer = (
            ticket.number > self._newest_answer,
            max(self._newest_answer, ticket.number),
        )
        if quota.remaining is None or quota.resets_after is None:
            return
        self._quota = max(self._quota or 0, quota.remaining + 1)
        self._window = max(self._window, min(quota.resets_after, _LONGEST_WINDOW))
        if newest:
            since = ticket.sent_at - self._window * self._slack
            ours = sum(1 for sent in self._recent if since <= sent <= ticket.sent_at)
            self._others = max(self._quota - quota.remaining - ours, 0)

    def throttled(self, ticket: Ticket, quota: Quota, now: float, otherwise: float) -> float:
        """Note a 429: nothing goes out until the service's own wait is over.

        Args:
            ticket: The refused request's.
            quota: What its headers tell.
            now: The time.
            otherwise: Seconds to wait where the headers tell nothing.

        Returns:
            The seconds that everybody waits: ``Retry-After``, else until the window's reset, else ``otherwise``.
        """
        self.lost(ticket)
        # A wait of nothing is no advice: whoever takes it is refused again at once, and again.
        pause = quota.retry_after or quota.resets_after or otherwise
        self._paused_until = max(self._paused_until, now + pause)
        self._slack = min(self._slack + _MORE_SLACK, _MOST_SLACK)
        return pause

    def lost(self, ticket: Ticket) -> None:
        """Note that a request got no answer that tells of the quota."""
        self._newest_answer = max(self._newest_answer, ticket.number)


class Governor:
    """One :class:`Pace` for all threads of the process: each request passes through :meth:`admit` first.

    Args:
        clock: Returns seconds, as ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a fresh pace."""
        self._clock = clock
        self._pace = Pace()
        self._changed = threading.Condition()
        self._closed = False
        self.throttled_answers = 0
        self.waited_seconds = 0.0

    def admit(self) -> Ticket:
        """Wait until a request may go out, and count it as sent.

        Raises:
            CancelledError: If the governor was closed: the run is over.
        """
        with self._changed:
            while True:
                self._refuse_when_closed()
                now = self._clock()
                wait = self._pace.wait(now)
                if wait <= 0:
                    return self._pace.sent(now)
                self._changed.wait(wait)
                self.waited_seconds += self._clock() - now

    def answered(self, ticket: Ticket, quota: Quota) -> None:
        """Take in what an answer's headers tell."""
        with self._changed:
            self._pace.answered(ticket, quota)
            self._changed.notify_all()

    def throttled(self, ticket: Ticket, quota: Quota, otherwise: float) -> float:
        """Take in a 429 and return the seconds that everybody waits now."""
        with self._changed:
            self.throttled_answers += 1
            pause = self._pace.throttled(ticket, quota, self._clock(), otherwise)
            self._changed.notify_all()
            return pause

    def lost(self, ticket: Ticket) -> None:
        """Take in that no answer came."""
        with self._changed:
            self._pace.lost(ticket)
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
