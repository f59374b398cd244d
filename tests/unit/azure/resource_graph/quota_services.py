"""Services that count a quota in different ways, and a run against one on a clock that only jumps: no second passes."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field

from tap_mdc_vm.azure.resource_graph.model import Quota
from tap_mdc_vm.azure.resource_graph.pacing import Pace, asked_wait

QUOTA, WINDOW = 15, 5.0
LATENCY, WORKERS = 0.7, 8


@dataclass
class FixedWindows:
    """Counts anew every five seconds by its own clock, wherever the client's first request falls."""

    quota: int = QUOTA
    phase: float = 0.0
    used: int = 0
    window: int = -1

    def ask(self, now):
        window = math.floor((now + self.phase) / WINDOW)
        if window != self.window:
            self.window, self.used = window, 0
        fits = self.used < self.quota
        self.used += fits
        return fits, self.quota - self.used, (window + 1) * WINDOW - self.phase - now


@dataclass
class WindowsFromFirstRequest:
    """Counts for five seconds from the first request that finds no window open."""

    quota: int = QUOTA
    used: int = 0
    ends: float = -1.0

    def ask(self, now):
        if now >= self.ends:
            self.ends, self.used = now + WINDOW, 0
        fits = self.used < self.quota
        self.used += fits
        return fits, self.quota - self.used, self.ends - now


@dataclass
class SlidingWindow:
    """Counts the requests of the last five seconds at any moment."""

    quota: int = QUOTA
    times: deque[float] = field(default_factory=deque)

    def ask(self, now):
        while self.times and self.times[0] <= now - WINDOW:
            self.times.popleft()
        fits = len(self.times) < self.quota
        if fits:
            self.times.append(now)
        return fits, self.quota - len(self.times), self.times[0] + WINDOW - now


@dataclass
class Bucket:
    """Starts full, and fills again at a constant rate, the whole of it in five seconds."""

    quota: int = QUOTA
    level: float = math.inf
    at: float = 0.0

    def ask(self, now):
        rate = self.quota / WINDOW
        self.level, self.at = min(self.quota, self.level + (now - self.at) * rate), now
        fits = self.level >= 1
        self.level -= fits
        return fits, int(self.level), (self.quota - self.level) / rate


def rounded_up(chance, remaining, resets):
    return Quota(remaining, float(math.ceil(resets - 1e-9)))


def rounded_down(chance, remaining, resets):
    return Quota(remaining, float(math.floor(resets - 1e-9)))


def fractional(chance, remaining, resets):
    return Quota(remaining, resets)


def on_half_of_the_answers(chance, remaining, resets):
    return rounded_up(chance, remaining, resets) if chance.random() < 0.5 else Quota()


def absent(chance, remaining, resets):
    return Quota()


def lying(chance, remaining, resets):
    return Quota(QUOTA - 1, 0.0)


def lying_of_plenty(chance, remaining, resets):
    return Quota(99, 1.0)


@dataclass
class Run:
    """What came of a run.

    Attributes:
        answered: When each useful answer came, in seconds.
        refused: When each 429 came.
        sent: When each request went out.
    """

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)

    def rate(self, since=0.0):
        """Return the useful requests a second."""
        return sum(time > since for time in self.answered) / (self.answered[-1] - since)

    def refused_share(self, since=0.0):
        refused = sum(time > since for time in self.refused)
        return refused / (refused + sum(time > since for time in self.answered))

    def most_within(self, seconds):
        """Return the most requests that went out within any stretch so long."""
        return max(sum(1 for time in self.sent if begin <= time < begin + seconds) for begin in self.sent)


def simulate(service, headers, requests, *, jitter=0.1, others_since=None, others_until=300.0, seed=7):
    """Let eight workers ask a service through a Pace.

    Args:
        jitter: How much longer or shorter a way may be, as a part of the usual.
        others_since: Since when another client asks once a second.
        others_until: When it stops.
    """
    chance, pace, order, run = random.Random(seed), Pace(), itertools.count(), Run()
    waiting, in_flight, now = [0] * requests, 0, 0.0  # each by how often it was refused
    events = []

    def at(time, what, *detail):
        heapq.heappush(events, (time, next(order), what, detail))

    def way():
        return LATENCY / 2 * (1 + jitter * chance.uniform(-1, 1))

    other = math.inf if others_since is None else others_since
    while other < others_until:
        at(other, "other")
        other += chance.uniform(0.5, 1.5)
    while waiting or in_flight:
        wait = pace.wait(now) if waiting and in_flight < WORKERS else math.inf
        if wait <= 0:
            run.sent.append(now)
            at(now + way(), "read", pace.sent(now), waiting.pop())
            in_flight += 1
            continue
        if not events or now + wait < events[0][0]:
            now += wait + 1e-9
            continue
        now, _, what, detail = heapq.heappop(events)
        if what == "other":
            service.ask(now)
        elif what == "read":
            at(now + way(), "answer", *detail, service.ask(now))
        else:
            ticket, refusals, (fits, *counted) = detail
            in_flight -= 1
            quota = headers(chance, *counted)
            (run.answered if fits else run.refused).append(now)
            if fits:
                pace.answered(ticket, quota)
            else:
                backoff = min(0.5 * 2**refusals, 30.0) * (1 - chance.random() / 2)
                pace.throttled(ticket, now, asked_wait(quota) or backoff)
                waiting.append(refusals + 1)
    return run
