"""Some thirty syncs in which things go wrong by chance: each exact, or loud. None is silently short.

Waiting is cut to hundredths of seconds; how long the tap really waits is tested where it is decided. More of the same
runs with ``make chaos`` (``CHAOS_RUNS``, ``CHAOS_FIRST_SEED``).
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from runs import sync

from tap_mdc_vm.errors import IncompleteError, ScopeTooLargeError
from tap_mdc_vm_sandbox import Chaos, Drift, Fleet, HashMode, Limits, Sandbox
from tap_mdc_vm_sandbox.faults import SIGN_IN, SPOILED, TRANSPORT

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

STREAMS = ("virtual_machines", "network_interfaces", "assessments")
RUNS = int(os.environ.get("CHAOS_RUNS", "16"))
FIRST = int(os.environ.get("CHAOS_FIRST_SEED", "0"))
PASSING = range(FIRST, FIRST + RUNS // 2)
SPOILING = range(FIRST + RUNS // 2, FIRST + RUNS)
DRIFTING = range(FIRST, FIRST + RUNS // 8)
SMALL_PAGES = {"page_size": 20, "request_timeout": 5, "transform_map": "none"}


@pytest.fixture(scope="module")
def fleet():
    return Fleet(machines=60, assessments_per_machine=4)


@pytest.fixture(scope="module")
def undisturbed(fleet):
    with Sandbox(fleet, quota=None) as sandbox:
        return arrived(sync(sandbox.config | SMALL_PAGES))


def arrived(run):
    return {stream: Counter(record["id"] for record in run.records[stream]) for stream in STREAMS}


def disturbed(fleet, **disturbance):
    with Sandbox(fleet, quota=None, **disturbance) as sandbox:
        return sync(sandbox.config | SMALL_PAGES), sandbox


@pytest.mark.parametrize("seed", PASSING)
def test_what_passes_is_outlasted_without_a_row_lost_or_doubled(fleet, undisturbed, seed):
    run, _ = disturbed(fleet, chaos=Chaos(seed=seed, kinds=TRANSPORT | SIGN_IN, seconds=0.02))
    assert run.error is None
    assert arrived(run) == undisturbed
    assert run.summary["complete"] is True


@pytest.mark.parametrize("seed", SPOILING)
def test_answers_that_lie_are_noticed_or_make_no_difference(fleet, undisturbed, seed):
    run, _ = disturbed(fleet, chaos=Chaos(seed=seed, kinds=SPOILED | TRANSPORT, seconds=0.02))
    if run.error is None:
        assert arrived(run) == undisturbed
        assert run.summary["complete"] is True
    else:
        assert isinstance(run.error, IncompleteError | ScopeTooLargeError)
        assert run.summary["complete"] is False


@pytest.mark.parametrize("seed", DRIFTING)
@pytest.mark.parametrize("page_size", [6, 25])
def test_rows_that_were_there_throughout_arrive_exactly_once_while_others_come_and_go(
    fleet, undisturbed, seed, page_size
):
    with Sandbox(fleet, quota=None, drift=Drift(seed=seed)) as sandbox:
        run = sync(sandbox.config | SMALL_PAGES | {"page_size": page_size})
        throughout = set().union(*sandbox.steadfast.values())
    assert run.error is None
    for stream, counted in arrived(run).items():
        assert set(counted.values()) == {1}
        assert throughout & undisturbed[stream].keys() <= counted.keys()


@pytest.mark.parametrize("mode", [HashMode.PER_REQUEST, HashMode.SIGNED, HashMode.OTHER])
def test_a_service_that_can_not_partition_is_read_in_order_and_the_log_says_so(fleet, undisturbed, mode):
    run, _ = disturbed(fleet, hash_mode=mode)
    assert run.error is None
    assert arrived(run) == undisturbed
    assert any("falling back to ordered pages" in line for line in run.log)


@pytest.mark.parametrize(
    "limits", [Limits(lacking=frozenset({"make_list"})), Limits(list_length=37), Limits(payload=400_000)]
)
@pytest.mark.parametrize("chaos", [None, Chaos(seed=1, kinds=TRANSPORT, seconds=0.02)])
def test_a_service_that_does_not_pack_as_much_is_asked_for_less(fleet, undisturbed, limits, chaos):
    run, _ = disturbed(fleet, chaos=chaos, limits=limits)
    assert run.error is None
    assert arrived(run) == undisturbed
