"""The pace against services that count the quota in different ways, in simulated time: no second passes."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from threading import Thread

import pytest

from tap_mdc_vm.resource_graph.model import Quota
from tap_mdc_vm.resource_graph.pacing import Governor, Pace

QUOTA, WINDOW = 15, 5.0


@dataclass
class FixedWindows:
    """Counts anew every five seconds by its own clock, wherever the client's first request falls."""

    phase: float = 0.0
    used: int = 0
    window: int = -1

    def ask(self, now):
        window = math.floor((now + self.phase) / WINDOW)
        if window != self.window:
            self.window, self.used = window, 0
        resets = (window + 1) * WINDOW - self.phase - now
        if self.used == QUOTA:
            return False, 0, resets
        self.used += 1
        return True, QUOTA - self.used, resets


@dataclass
class SlidingWindow:
    """Counts the requests of the last five seconds at any moment."""

    times: list[float] = field(default_factory=list)

    def ask(self, now):
        self.times = [time for time in self.times if time > now - WINDOW]
        fits = len(self.times) < QUOTA
        if fits:
            self.times.append(now)
        return fits, QUOTA - len(self.times), self.times[0] + WINDOW - now


@dataclass
class Bucket:
    """Holds fifteen, and fills again at three a second."""

    level: float = QUOTA
    at: float = 0.0

    def ask(self, now):
        self.level, self.at = min(QUOTA, self.level + (now - self.at) * QUOTA / WINDOW), now
        fits = self.level >= 1
        self.level -= fits
        return fits, int(self.level), (QUOTA - self.level) / (QUOTA / WINDOW)


@dataclass
class Outcome:
    seconds: float
    throttled: int

    def share_of_ideal(self, requests):
        return requests * WINDOW / QUOTA / self.seconds


def simulate(service, requests, *, latency=0.7, jitter=0.0, others=0.0, concurrency=8, whole_seconds=True):
    """Let ``concurrency`` requests at a time go through a Pace to a service, on a clock that only jumps."""
    chance, pace, order = random.Random(7), Pace(), itertools.count()
    now, in_flight, left, last, throttled = 0.0, 0, requests, 0.0, 0
    events: list[tuple] = []
    time = 0.0
    while others and time < requests:
        time += chance.expovariate(others)
        events.append((time, next(order), "other", None))
    heapq.heapify(events)
    while left or in_flight:
        while left and in_flight < concurrency and pace.wait(now) <= 0:
            ticket = pace.sent(now)
            left, in_flight = left - 1, in_flight + 1
            way = latency * (1 + jitter * chance.uniform(-1, 1)) / 2
            heapq.heappush(events, (now + way, next(order), "read", (ticket, way)))
        wait = pace.wait(now) if left and in_flight < concurrency else math.inf
        if not events or events[0][0] > now + wait:
            now += wait + 1e-9
            continue
        now, _, what, detail = heapq.heappop(events)
        if what == "other":
            service.ask(now)
        elif what == "read":
            ticket, way = detail
            heapq.heappush(events, (now + way, next(order), "answer", (ticket, service.ask(now))))
        else:
            ticket, (accepted, remaining, resets) = detail
            in_flight -= 1
            quota = Quota(remaining, float(math.ceil(resets - 1e-9) if whole_seconds else resets))
            if accepted:
                pace.answered(ticket, quota)
                last = now
            else:
                pace.throttled(ticket, quota, now, 1.0)
                left, throttled = left + 1, throttled + 1
    return Outcome(last, throttled)


SERVICES = {
    "fixed windows": FixedWindows,
    "fixed windows begun earlier": lambda: FixedWindows(phase=2.3),
    "a sliding window": SlidingWindow,
    "a bucket": Bucket,
}


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
@pytest.mark.parametrize("whole_seconds", [True, False], ids=["whole seconds", "fractions"])
def test_a_long_run_uses_at_least_95_percent_of_the_quota_without_a_429(service, whole_seconds):
    outcome = simulate(service(), 200, whole_seconds=whole_seconds)
    assert outcome.share_of_ideal(200) >= 0.95
    assert outcome.throttled == 0


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_uneven_latency_costs_few_429s_and_little_speed(service):
    outcome = simulate(service(), 200, jitter=0.5)
    assert outcome.share_of_ideal(200) >= 0.85
    assert outcome.throttled <= 8


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_a_small_sync_does_not_wait_at_all(service):
    assert simulate(service(), 10).seconds <= 3 * 0.7


@pytest.mark.parametrize("service", [FixedWindows, SlidingWindow])
def test_other_clients_of_the_same_application_get_their_part(service):
    outcome = simulate(service(), 200, others=1.0)
    assert 200 / outcome.seconds >= 0.6 * (QUOTA / WINDOW - 1.0)
    assert outcome.throttled <= 60


def test_a_service_without_quota_headers_is_not_paced():
    pace = Pace()
    pace.answered(pace.sent(0.0), Quota())
    for _ in range(100):
        assert pace.wait(1.0) == 0.0
        pace.sent(1.0)


def test_only_a_few_requests_go_out_before_the_first_answer():
    pace, sent = Pace(), 0
    while pace.wait(0.0) == 0.0:
        pace.sent(0.0)
        sent += 1
    assert sent == 4


@pytest.mark.parametrize(
    ("quota", "pause"),
    [(Quota(0, 3.0, 7.0), 7.0), (Quota(0, 3.0, None), 3.0), (Quota(), 1.5), (Quota(0, 0.0, 0.0), 1.5)],
    ids=["Retry-After", "the window's reset", "neither", "both nothing"],
)
def test_after_a_429_everybody_waits_for_what_it_says(quota, pause):
    pace = Pace()
    first, second = pace.sent(0.0), pace.sent(0.0)
    pace.answered(first, Quota(14, 5.0))
    assert pace.throttled(second, quota, 10.0, 1.5) == pause
    assert pace.wait(10.0) == pytest.approx(pause)
    assert pace.wait(10.0 + pause) == 0.0


def test_closing_the_governor_lets_go_of_those_who_wait():
    governor, ended = Governor(), []

    def wait_for_long():
        try:
            governor.sleep(3600)
        except CancelledError:
            ended.append(True)

    thread = Thread(target=wait_for_long)
    thread.start()
    governor.close()
    thread.join(5)
    assert ended == [True]


def test_the_governor_counts_429s():
    governor = Governor(clock=lambda: 0.0)
    assert governor.throttled(governor.admit(), Quota(retry_after=2.0), 1.0) == 2.0
    assert governor.throttled_answers == 1


def test_one_answer_that_announces_an_hour_does_not_stop_a_run_for_an_hour():
    pace = Pace()
    ticket = pace.sent(0.0)
    pace.answered(ticket, Quota(0, 3600.0))
    assert 0 < pace.wait(1.0) < 65
