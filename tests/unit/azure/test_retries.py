"""How long each kind of failure is tried again: the table of the module, row by row, on a clock that only jumps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_mdc_vm.azure.retries import Patience
from tap_mdc_vm.errors import (
    ConnectionFailedError,
    IncompleteError,
    MalformedAnswerError,
    NoAccessError,
    QueryRefusedError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def last(error, **how):
    """Return after how many seconds and tries a lasting failure ends the run, and the waits in between."""
    clock = Clock()
    patience = Patience(clock, lambda: 0.0)
    waits = []
    while True:
        try:
            wait = patience.wait(error, **how)
        except type(error):
            return clock.now, waits
        waits.append(wait)
        clock.now += wait


@pytest.mark.parametrize(
    ("error", "how", "bound"),
    [
        (ThrottledError("x"), {}, 600.0),
        (ThrottledError("x"), {"asked": 7.0}, 600.0),
        (UnavailableError("x"), {}, 120.0),
        (ConnectionFailedError("x"), {}, 120.0),
        (ConnectionFailedError("x"), {"first_contact": True}, 5.0),
    ],
)
def test_a_lasting_failure_ends_the_run_within_its_bound_and_not_much_before(error, how, bound):
    seconds, waits = last(error, **how)
    assert bound - max(30.0, *waits) <= seconds <= bound


@pytest.mark.parametrize("error", [MalformedAnswerError("x"), IncompleteError("x")])
def test_an_answer_that_cannot_be_trusted_is_asked_for_six_times(error):
    assert last(error)[1] == [0.5, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("error", [NoAccessError("x"), QueryRefusedError("x")])
def test_a_refusal_is_not_tried_again(error):
    assert last(error)[1] == []


def test_backoff_doubles_up_to_half_a_minute():
    assert last(UnavailableError("x"))[1][:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_backoff_doubles_too_where_kinds_of_failure_take_turns():
    patience = Patience(Clock(), lambda: 0.0)
    waits = [patience.wait(error) for error in [UnavailableError("x"), ConnectionFailedError("x")] * 4]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_thousand_failures_are_none_too_many_to_count():
    patience = Patience(Clock(), lambda: 0.0)
    assert {patience.wait(ThrottledError("x")) for _ in range(3_000)} == {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0}


def test_chance_takes_up_to_half_off_a_wait():
    assert Patience(Clock(), lambda: 1.0).wait(UnavailableError("x")) == 0.25


def test_a_wait_longer_than_the_bound_ends_the_run_at_once():
    assert last(UnavailableError("x"), asked=300.0) == (0.0, [])


def test_failures_that_take_turns_are_bounded_all_together():
    clock = Clock()
    patience = Patience(clock, lambda: 0.0)
    with pytest.raises((ThrottledError, UnavailableError)):
        for _ in range(10_000):
            for error in (ThrottledError("x"), UnavailableError("x")):
                clock.now += patience.wait(error, 5.0)
    assert clock.now <= 600.0


def test_answers_that_cannot_be_trusted_for_two_reasons_in_turn_are_asked_for_six_times_all_the_same():
    clock = Clock()
    patience = Patience(clock, lambda: 0.0)
    waits = [patience.wait(error) for error in [MalformedAnswerError("x"), IncompleteError("x")] * 2]
    assert waits == [0.5, 1.0, 2.0, 4.0]
    assert patience.wait(MalformedAnswerError("x")) == 8.0
    with pytest.raises(IncompleteError):
        patience.wait(IncompleteError("x"))


def test_two_ways_in_which_a_network_fails_in_turn_are_one_trouble():
    clock = Clock()
    patience = Patience(clock, lambda: 0.0)
    with pytest.raises((ConnectionFailedError, TimedOutError)):
        for error in [ConnectionFailedError("x"), TimedOutError("x")] * 5_000:
            clock.now += patience.wait(error)
    assert clock.now <= 120.0


ROWS = {
    ThrottledError: "throttled",
    UnavailableError: "service",
    ConnectionFailedError: "network",
    TimedOutError: "network",
    MalformedAnswerError: "answer",
    IncompleteError: "answer",
}
BOUNDS = {"throttled": 600.0, "service": 120.0, "network": 120.0, "answer": 600.0}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(ROWS)),
            st.none() | st.sampled_from([0.0, 700.0]) | st.floats(0.5, 300.0),
            st.booleans(),
            st.floats(0.0, 40.0),
        ),
        min_size=1,
        max_size=12,
    ),
    st.floats(0.0, 1.0),
)
def test_whatever_fails_in_whatever_order_the_bounds_hold(failures, chance):
    """The failures come over and over; each request takes its time, which is no wait."""
    clock = Clock()
    patience = Patience(clock, lambda: chance)
    row, since, in_a_row = None, 0.0, 0
    for number in range(100_000):
        kind, asked, first_contact, seconds = failures[number % len(failures)]
        clock.now += seconds if number else 0.0  # the bounds count from the first failure
        if ROWS[kind] != row:
            row, since, in_a_row = ROWS[kind], clock.now, 0
        in_a_row += 1
        try:
            wait = patience.wait(kind("x"), asked, first_contact=first_contact)
        except kind:
            return
        assert wait > 0.0
        assert clock.now + wait <= min(600.0, since + BOUNDS[row])
        assert row != "answer" or in_a_row < 6
        clock.now += wait
    pytest.fail("it never ends")
