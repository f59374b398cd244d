"""How many queries a principal may ask, and what the answers' headers say about it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Clock = Callable[[], float]


class Window(StrEnum):
    """When spent queries come back."""

    FIXED = "fixed"  # all at once, a while after the first was spent
    SLIDING = "sliding"  # each by itself, a while after it was spent


@dataclass(frozen=True, slots=True)
class Allowance:
    """The verdict on one query.

    Attributes:
        granted: Whether it may be answered.
        remaining: Queries left now.
        resets_after: Seconds until there are more.
    """

    granted: bool
    remaining: int
    resets_after: float

    @property
    def headers(self) -> dict[str, str]:
        """What Azure tells the client, on refusals too."""
        return {
            "x-ms-user-quota-remaining": str(self.remaining),
            "x-ms-user-quota-resets-after": _duration(self.resets_after),
            "x-ms-ratelimit-remaining-tenant-resource-requests": str(self.remaining),
        }


@dataclass(frozen=True, slots=True)
class Quota:
    """So many queries in so many seconds: 15 in 5 is what Microsoft's page gives as its example."""

    limit: int = 15
    seconds: float = 5.0
    window: Window = Window.FIXED


class Meter:
    """What is left of a quota; all who ask as one principal share it."""

    def __init__(self, quota: Quota, *, clock: Clock = time.monotonic) -> None:
        """Start with all of it left."""
        self._quota = quota
        self._clock = clock
        self._spent: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, queries: int = 1) -> Allowance:
        """Spend some of it; a refused query costs nothing. Tests play a second client with this."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            granted = len(self._spent) + queries <= self._quota.limit
            if granted:
                self._spent.extend([now] * queries)
            remaining = self._quota.limit - len(self._spent)
            since = self._spent[0] if self._spent else now
            return Allowance(granted, remaining, max(since + self._quota.seconds - now, 0.0))

    def _forget(self, now: float) -> None:
        if self._quota.window is Window.FIXED:
            if self._spent and now >= self._spent[0] + self._quota.seconds:
                self._spent.clear()
        else:
            while self._spent and now >= self._spent[0] + self._quota.seconds:
                self._spent.popleft()


def _duration(seconds: float) -> str:
    """hh:mm:ss, rounded up so that a client that waits so long is not too early."""
    whole = math.ceil(seconds - 1e-9)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
