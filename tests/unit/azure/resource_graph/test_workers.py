"""Work side by side, handed out in order."""

from __future__ import annotations

import random
import threading
import weakref
from collections import deque

import pytest

from tap_mdc_vm.azure.resource_graph.workers import Workers


def in_order(workers, jobs):
    lane = workers.lane()
    workers.add(lane, jobs)
    return workers.results(lane)


@pytest.fixture
def workers():
    workers = Workers(4)
    yield workers
    workers.close()


def test_results_come_in_the_jobs_order_whatever_finishes_first(workers):
    gates = [threading.Event() for _ in range(5)]
    order = [3, 1, 0, 2, 4]

    def job(number):
        if number in order[1:]:
            gates[order[order.index(number) - 1]].wait(5)
        gates[number].set()
        return number

    first = in_order(workers, [lambda number=number: job(number) for number in range(4)])
    assert list(first) == [0, 1, 2, 3]


def test_a_thousand_jobs_stay_in_order(workers):
    numbers = random.Random(3).sample(range(10_000), 1007)
    assert list(in_order(workers, [lambda n=n: n * n for n in numbers])) == [n * n for n in numbers]


def noting(begun, names):
    return [lambda name=name: begun.append(name) for name in names]


def settled(workers):
    """Wait until the threads have nothing left to do."""
    barrier = threading.Barrier(5)
    for _ in range(4):
        workers.submit(lambda: barrier.wait(5))
    barrier.wait(5)


def test_only_a_few_more_jobs_are_begun_than_there_are_threads(workers):
    begun = []
    next(in_order(workers, noting(begun, range(100))))
    settled(workers)
    assert len(begun) == 8


@pytest.mark.parametrize(("size", "most"), [(0, 8), (11 * 2**20, 3), (30 * 2**20, 2), (10**9, 1)])
def test_fewer_are_begun_where_their_results_are_large(workers, size, most):
    begun, lane = [], workers.lane()
    workers.add(lane, noting(begun, range(100)), size=size)
    settled(workers)
    assert len(begun) == most
    assert len(list(workers.results(lane))) == 100


def test_one_more_is_begun_while_the_caller_waits_for_one(workers):
    begun, lane, three, gate = [], workers.lane(), threading.Semaphore(0), threading.Event()

    def job(number):
        begun.append(number)
        three.release()
        return number or gate.wait(5)

    workers.add(lane, [lambda n=n: job(n) for n in range(100)], size=11 * 2**20)
    caller = threading.Thread(target=lambda: next(workers.results(lane)))
    caller.start()
    assert all(three.acquire(timeout=5) for _ in range(4))
    gate.set()
    caller.join(5)
    assert sorted(begun)[:4] == [0, 1, 2, 3]


def test_two_callers_may_each_read_a_lane_though_one_has_taken_all_room(workers):
    first, second = workers.lane(), workers.lane()
    workers.add(first, [lambda: 1] * 20, size=10**9)
    workers.add(second, [lambda: 2] * 20, size=10**9)
    results = workers.results(first), workers.results(second)
    taken = [next(each) for _ in range(20) for each in results]
    assert taken == [1, 2] * 20


def test_a_job_may_add_others_which_come_next(workers):
    lane = workers.lane()

    def parent():
        workers.add(lane, [lambda: "child", lambda: "second child"])
        return "parent"

    workers.add(lane, [parent])
    assert list(workers.results(lane)) == ["parent", "child", "second child"]


def test_a_lane_that_is_waited_for_goes_on_though_others_have_taken_all_room(workers):
    ahead, wanted = workers.lane(), workers.lane()
    workers.add(ahead, [lambda: 1] * 20, size=10**9)
    workers.add(wanted, [lambda: 2] * 20, size=10**9)
    assert list(workers.results(wanted)) == [2] * 20
    assert list(workers.results(ahead)) == [1] * 20


def test_an_exception_comes_out_where_its_result_was_due(workers):
    def job(number):
        if number == 2:
            raise RuntimeError("the third")
        return number

    results = in_order(workers, [lambda n=n: job(n) for n in range(10)])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(RuntimeError, match="the third"):
        next(results)


def test_jobs_not_begun_are_dropped_when_the_caller_stops():
    workers, gate, ran = Workers(1), threading.Event(), []

    def job(number):
        ran.append(number)
        return number == 0 or gate.wait(5)

    results = in_order(workers, [lambda n=n: job(n) for n in range(9)])
    next(results)
    results.close()
    gate.set()
    workers.submit(lambda: None).result(5)
    workers.close()
    assert not set(ran) & set(range(2, 9))


def test_the_jobs_of_the_next_lane_begin_while_the_last_ones_of_a_lane_are_under_way(workers):
    moved_on = threading.Event()
    first, second = workers.lane(), workers.lane()
    workers.add(first, [lambda: moved_on.wait(5)] * 3)
    workers.add(second, [moved_on.set])
    assert list(workers.results(first)) == [True] * 3


def test_all_lanes_together_are_no_further_ahead_than_one_would_be(workers):
    begun = []
    lanes = [workers.lane() for _ in range(3)]
    for name, lane in zip("abc", lanes, strict=True):
        workers.add(lane, noting(begun, [f"{name}{number}" for number in range(100)]))
    settled(workers)
    assert sorted(begun) == [f"a{number}" for number in range(8)]


def test_a_lane_that_is_read_goes_before_those_that_are_ahead_of_their_use(workers):
    ahead, wanted = workers.lane(), workers.lane()
    workers.add(ahead, ((lambda n=n: n) for n in range(100)))
    workers.add(wanted, ((lambda n=n: -n) for n in range(100)))
    assert list(workers.results(wanted)) == [-n for n in range(100)]
    assert list(workers.results(ahead)) == list(range(100))


def test_a_lane_that_is_dropped_makes_room_for_the_next(workers):
    dropped, kept = workers.lane(), workers.lane()
    begun = []
    workers.add(dropped, ((lambda: None) for _ in range(100)))
    workers.drop(dropped)
    workers.add(kept, ((lambda n=n: begun.append(n)) for n in range(5)))
    assert list(workers.results(kept)) == [None] * 5
    assert sorted(begun) == list(range(5))
    assert list(in_order(workers, [lambda: "alive"])) == ["alive"]


def test_a_result_is_taken_while_no_other_thread_looks_at_what_is_ahead(workers):
    taken = []

    class Watched(deque):
        def popleft(self):
            taken.append(workers._serving.locked())
            return super().popleft()

    lane = workers.lane()
    lane.begun = Watched()
    workers.add(lane, [lambda: None] * 20)
    assert len(list(workers.results(lane))) == 20
    assert taken == [True] * 20


def test_a_thread_that_idles_holds_no_result(workers):
    class Result:
        pass

    freed, result = threading.Event(), workers.submit(Result).result(5)
    weakref.finalize(result, freed.set)
    del result
    assert freed.wait(5)


def test_an_urgent_job_goes_before_those_that_wait():
    workers, gate, ran = Workers(1), threading.Event(), []
    workers.submit(lambda: gate.wait(5))
    waiting = workers.submit(lambda: ran.append("waiting"))
    urgent = workers.submit(lambda: ran.append("urgent"), urgent=True)
    gate.set()
    waiting.result(5)
    urgent.result(5)
    workers.close()
    assert ran == ["urgent", "waiting"]
