"""The pace against services that count the quota in different ways, in simulated time: no second passes.

Each scenario is run several times with different chance. Bounds are for the worst of them, or for all together where
it says so.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from threading import Semaphore, Thread

import pytest
from quota_services import (
    LATENCY,
    QUOTA,
    WINDOW,
    Bucket,
    FixedWindows,
    SlidingWindow,
    WindowsFromFirstRequest,
    absent,
    fractional,
    lying,
    lying_of_plenty,
    on_half_of_the_answers,
    rounded_down,
    rounded_up,
    simulate,
)

from tap_mdc_vm.azure.resource_graph.model import Quota
from tap_mdc_vm.azure.resource_graph.pacing import Governor, Pace, Ticket, asked_wait

IDEAL = QUOTA / WINDOW
SEEDS = range(5)
REQUESTS = 147
MIDDLE = REQUESTS / IDEAL / 2

SERVICES = {
    "fixed windows": FixedWindows,
    "fixed windows begun earlier": lambda quota=QUOTA: FixedWindows(quota, phase=2.3),
    "windows from the first request": WindowsFromFirstRequest,
    "a sliding window": SlidingWindow,
    "a bucket": Bucket,
}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
each_rounding = pytest.mark.parametrize("headers", [rounded_up, rounded_down, fractional])


def together(runs, since=0.0):
    return sum(run.rate(since) for run in runs) / len(runs)


@each_service
@each_rounding
@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_a_long_run_uses_at_least_95_percent_of_the_quota_without_a_429(service, headers, jitter):
    for seed in SEEDS:
        run = simulate(service(), headers, REQUESTS, jitter=jitter, seed=seed)
        assert run.rate() >= 0.95 * IDEAL
        assert run.refused == []


@each_service
@each_rounding
def test_a_long_run_sends_no_more_than_the_quota_within_any_window(service, headers):
    assert simulate(service(), headers, REQUESTS).most_within(WINDOW) == QUOTA


@each_service
@each_rounding
def test_uneven_latency_costs_few_429s_and_little_speed(service, headers):
    for seed in SEEDS:
        run = simulate(service(), headers, REQUESTS, jitter=0.5, seed=seed)
        assert run.rate() >= 0.85 * IDEAL
        assert len(run.refused) <= 4


@each_service
@each_rounding
@pytest.mark.parametrize("quota", [1, 2, 5, 40])
def test_a_quota_of_any_size_is_used_whole(service, headers, quota):
    run = simulate(service(quota), headers, max(6 * quota, 20))
    assert run.rate() >= 0.95 * quota / WINDOW
    assert len(run.refused) <= max(4 - quota, 0)  # of the four that go out before anything is known


@each_service
@each_rounding
def test_a_small_sync_does_not_wait_at_all(service, headers):
    assert simulate(service(), headers, 10, jitter=0.0).answered[-1] <= 3 * LATENCY + 0.01


@each_service
@pytest.mark.parametrize("headers", [rounded_up, fractional])
def test_a_window_longer_than_azures_is_kept_to(service, headers, monkeypatch):
    monkeypatch.setattr("quota_services.WINDOW", 20.0)
    run = simulate(service(), headers, 60)
    assert run.rate() >= 0.95 * QUOTA / 20.0
    assert run.refused == []


@each_service
def test_headers_on_half_of_the_answers_are_enough(service):
    # Where the first answers tell nothing and the window slides, the quota is taken for one or two less.
    runs = [simulate(service(), on_half_of_the_answers, REQUESTS, seed=seed) for seed in range(20)]
    assert together(runs) >= 0.93 * IDEAL
    assert max(len(run.refused) for run in runs) <= 2
    assert max(run.most_within(WINDOW) for run in runs) <= QUOTA


@each_service
@pytest.mark.parametrize("headers", [rounded_up, rounded_down, fractional, on_half_of_the_answers])
def test_a_client_that_joins_in_the_middle_gets_its_part(service, headers):
    runs = [simulate(service(), headers, REQUESTS, others_since=MIDDLE, seed=seed) for seed in SEEDS]
    assert together(runs, MIDDLE) >= 0.9 * (IDEAL - 1.0)
    for run in runs:
        assert run.rate(MIDDLE) >= 0.8 * (IDEAL - 1.0)
        assert run.refused_share() <= 0.05


@each_service
def test_what_a_client_no_longer_takes_is_taken_again(service):
    run = simulate(service(), rounded_up, 300, others_since=10.0, others_until=30.0)
    assert run.rate(since=60.0) >= 0.95 * IDEAL


@each_service
@pytest.mark.parametrize("headers", [absent, lying, lying_of_plenty])
@pytest.mark.parametrize("others_since", [None, 60.0], ids=["alone", "with another client"])
def test_where_headers_tell_nothing_429s_do(service, headers, others_since):
    left = IDEAL - (others_since is not None)
    for seed in SEEDS:
        run = simulate(service(), headers, 300, others_since=others_since, seed=seed)
        assert run.rate(since=60.0) >= 0.85 * left
        assert run.refused_share(since=60.0) <= 0.15
        assert run.refused_share() <= 0.1


def test_a_service_without_quota_headers_is_not_paced_before_its_first_429():
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
    pace.lost()
    assert pace.wait(0.0) == 0.0


@pytest.mark.parametrize(
    ("quota", "wait"),
    [
        (Quota(0, 3.0, 7.0), 7.0),
        (Quota(0, 3.0, None), 3.0),
        (Quota(0, 3600.0, None), 60.0),
        (Quota(0, float("inf"), None), 60.0),
        (Quota(0, 3.0, 300.0), 300.0),
        (Quota(), None),
        (Quota(0, 0.0, 0.0), None),
    ],
    ids=["Retry-After", "the window's reset", "an hour", "for ever", "Retry-After, long", "neither", "both nothing"],
)
def test_a_429_asks_to_wait(quota, wait):
    assert asked_wait(quota) == wait


def test_after_a_429_everybody_waits_and_nobody_rushes():
    pace, tickets = Pace(), []
    for _ in range(20):
        tickets.append(pace.sent(0.0))
        pace.answered(tickets[-1], Quota(14, 5.0))
    pace.throttled(tickets[-1], 1.0, 7.0)
    assert pace.wait(1.0) == 7.0
    assert pace.wait(8.0) == 0.0
    pace.sent(8.0)
    assert pace.wait(8.0) > 0.1


def test_429s_to_requests_that_were_under_way_together_cut_the_pace_to_half_at_most():
    pace = Pace()
    for ticket in [pace.sent(0.0) for _ in range(4)]:
        pace.throttled(ticket, 1.0, 7.0)
    sent = 0
    while pace.wait(8.0) == 0.0:
        pace.sent(8.0)
        sent += 1
    assert sent == 4  # of eight in all, half the quota that Azure documents; from then on evenly
    assert pace.wait(8.0) < 1.0


def test_what_other_clients_took_is_left_to_them_before_anything_is_refused():
    pace, now = Pace(), 0.0
    for number in range(40):
        now += pace.wait(now)
        ticket = pace.sent(now)
        taken = 0 if number < 15 else 10
        pace.answered(ticket, Quota(max(QUOTA - ticket.ours - taken, 0), WINDOW))
    begin = now
    for _ in range(10):
        now += pace.wait(now)
        pace.answered(pace.sent(now), Quota())
    assert 10 / (now - begin) == pytest.approx(1.0, rel=0.3)


def test_one_answer_that_announces_an_hour_does_not_stop_a_run_for_an_hour():
    pace = Pace()
    ticket = pace.sent(0.0)
    pace.answered(ticket, Quota(0, 3600.0))
    assert 0 < pace.wait(1.0) < 65


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


class Clock:
    """Stands still until it is set, and tells how many threads have read it."""

    def __init__(self):
        self.now, self.read = 0.0, Semaphore(0)

    def __call__(self):
        self.read.release()
        return self.now


def order_of_admission(governor, clock, places):
    """Let a thread for each place wait out a 429, and return the places in the order in which they got through."""
    numbers = {}
    governor.throttled(governor.admit(governor.place()), 60.0)
    while clock.read.acquire(blocking=False):
        pass
    threads = [Thread(target=lambda p=place: numbers.update({p: governor.admit(p).number})) for place in places]
    for thread in threads:
        thread.start()
        clock.read.acquire(timeout=5)
    clock.now = 60.0
    governor.lost()
    for thread in threads:
        thread.join(5)
    return sorted(numbers, key=numbers.get)


def test_requests_go_out_in_the_order_in_which_they_were_thought_of():
    governor = Governor(clock := Clock())
    places = [governor.place() for _ in range(5)]
    assert order_of_admission(governor, clock, places[::-1]) == places


def test_an_urgent_request_goes_out_before_those_that_wait():
    governor = Governor(clock := Clock())
    waiting, urgent = [governor.place() for _ in range(3)], governor.place(urgent=True)
    assert order_of_admission(governor, clock, [*waiting, urgent]) == [urgent, *waiting]


def test_the_governor_counts_429s():
    governor = Governor(clock=lambda: 0.0)
    governor.throttled(governor.admit(governor.place()), 2.0)
    assert governor.throttled_answers == 1


def test_throttling_is_said_at_once_and_then_at_most_every_ten_seconds(caplog):
    caplog.set_level("INFO")
    now = [0.0]
    governor = Governor(clock=lambda: now[0])
    for now[0] in (0.0, 3.0, 9.9, 10.0, 12.0, 25.0):
        governor.throttled(Ticket(0, now[0], 1), 2.0)
    assert [record.message for record in caplog.records] == [
        "Azure's quota is used up: next query in 2.0 s (1 refused so far)",
        "Azure's quota is used up: next query in 2.0 s (4 refused so far)",
        "Azure's quota is used up: next query in 2.0 s (6 refused so far)",
    ]
