"""Counting queries: numbers on a clock that the test sets."""

import pytest

from tap_mdc_vm_sandbox.quota import Allowance, Meter, Quota, Window


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_the_quota_of_a_fixed_window_comes_back_all_at_once(clock):
    meter = Meter(Quota(3, 5), clock=clock)
    assert [meter.spend().remaining for _ in range(3)] == [2, 1, 0]
    clock.now = 104.9
    assert meter.spend() == Allowance(granted=False, remaining=0, resets_after=pytest.approx(0.1))
    clock.now = 105.0
    assert meter.spend() == Allowance(granted=True, remaining=2, resets_after=5.0)


def test_the_quota_of_a_sliding_window_comes_back_one_by_one(clock):
    meter = Meter(Quota(3, 5, Window.SLIDING), clock=clock)
    for clock.now in (100.0, 101.0, 102.0):
        assert meter.spend().granted
    clock.now = 104.0
    assert meter.spend() == Allowance(granted=False, remaining=0, resets_after=1.0)
    clock.now = 105.5
    assert meter.spend() == Allowance(granted=True, remaining=0, resets_after=0.5)
    assert not meter.spend().granted


def test_a_refused_query_costs_nothing(clock):
    meter = Meter(Quota(2, 5), clock=clock)
    meter.spend(2)
    assert [meter.spend().granted for _ in range(10)] == [False] * 10
    clock.now = 105.0
    assert meter.spend().remaining == 1


def test_another_client_spends_from_the_same(clock):
    meter = Meter(Quota(15, 5), clock=clock)
    meter.spend(10)
    assert meter.spend().remaining == 4


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "00:00:05"), (4.2, "00:00:05"), (0.01, "00:00:01"), (0, "00:00:00"), (61, "00:01:01"), (3700, "01:01:40")],
)
def test_headers_are_azures_and_never_promise_too_early(seconds, said):
    headers = Allowance(granted=True, remaining=14, resets_after=seconds).headers
    assert headers == {
        "x-ms-user-quota-remaining": "14",
        "x-ms-user-quota-resets-after": said,
        "x-ms-ratelimit-remaining-tenant-resource-requests": "14",
    }
