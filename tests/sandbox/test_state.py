"""Runs one after the other into one state: what a run lacks of what the last complete one covered is not removed."""

from __future__ import annotations

import pytest
from runs import sync

from tap_mdc_vm_sandbox import Fault, Fleet, Kind, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

ALL = ["virtual_machines", "network_interfaces", "assessments"]


@pytest.fixture(scope="module")
def fleet():
    return Fleet(machines=50, assessments_per_machine=3)


@pytest.fixture
def sandbox(fleet):
    with Sandbox(fleet, quota=None) as running:
        yield running


@pytest.fixture
def run(sandbox):
    """Return a function that runs into a state, with changes of the settings."""

    def run_into(state=None, **changes):
        config = sandbox.config | {"emit_activate_version_messages": True, "transform_map": "none"} | changes
        ended = sync(config, state=state)
        assert ended.error is None
        return ended

    return run_into


@pytest.fixture
def first(run):
    return run()


def removes(ended):
    return [message["stream"] for message in ended.messages if message["type"] == "ACTIVATE_VERSION"]


def warnings(ended):
    return [line for line in ended.log if line.startswith("This run covers less")]


def readable(sandbox):
    return sorted(
        each.id for each in sandbox.fleet.subscriptions if each.id not in sandbox.unreadable and each.readable
    )


def test_the_state_of_a_complete_run_says_what_it_covered(first, sandbox):
    assert first.state["covered"] == {
        "tenant": sandbox.config["tenant_id"],
        "scope": {},
        "filters": {},
        "subscriptions": readable(sandbox),
    }
    states = [message["value"] for message in first.messages if message["type"] == "STATE"]
    assert "covered" not in states[0]  # the first stream's, when the others were still to come


def test_a_second_run_of_the_same_removes_what_is_gone_and_keeps_the_state(run, first):
    second = run(first.state)
    assert removes(second) == ALL
    assert warnings(second) == []
    assert second.state == first.state


def test_a_lost_role_is_named_and_removes_nothing_until_the_subscription_is_back(run, first, sandbox):
    lost = sandbox.fleet.ordinary[0].id
    sandbox.unreadable.add(lost)
    second = run(first.state)
    (line,) = warnings(second)
    assert lost in line
    assert "can't be read any more" in line
    assert removes(second) == []
    assert second.state == first.state
    assert second.summary["complete"] is True  # all that it can read, proven
    assert removes(run(second.state)) == []  # said again each time
    sandbox.unreadable.discard(lost)
    third = run(second.state)
    assert removes(third) == ALL
    assert warnings(third) == []


def test_a_run_without_state_accepts_that_a_subscription_is_gone(run, first, sandbox):
    sandbox.unreadable.add(sandbox.fleet.ordinary[0].id)
    refreshed = run(None)
    assert removes(refreshed) == ALL
    assert refreshed.state["covered"]["subscriptions"] == readable(sandbox)
    assert removes(run(refreshed.state)) == ALL


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"assessment_statuses": ["Unhealthy"]}, "assessment_statuses is now unhealthy, and was not set"),
        ({"resource_groups": ["rg-odd"]}, "resource_groups is now rg-odd, and was not set"),
        ({"machine_tags": {"env": "prod"}}, "machine_tags.env is now prod, and was not set"),
    ],
)
def test_narrower_filters_are_named_and_remove_nothing(run, first, changes, named):
    second = run(first.state, **changes)
    (line,) = warnings(second)
    assert named in line
    assert "--full-refresh" in line
    assert removes(second) == []
    assert second.state == first.state


def test_wider_filters_remove_what_is_gone_and_the_state_says_so(run):
    narrow = run(assessment_statuses=["Unhealthy"])
    wide = run(narrow.state)
    assert removes(wide) == ALL
    assert wide.state["covered"]["filters"] == {}


def test_a_narrower_scope_is_named_and_a_wider_one_is_taken(run, first, sandbox):
    chosen, *others = readable(sandbox)
    second = run(first.state, subscription_ids=[chosen])
    (line,) = warnings(second)
    assert "out of the scope" in line
    assert all(other in line for other in others)
    assert removes(second) == []
    one = run(None, subscription_ids=[chosen])
    every = run(one.state)
    assert removes(every) == ALL
    assert every.state == first.state


def test_another_tenant_such_as_a_sandboxs_is_named_and_removes_nothing(run, first):
    real = {**first.state, "covered": {**first.state["covered"], "tenant": "11111111-2222-4333-8444-555555555555"}}
    second = run(real)
    (line,) = warnings(second)
    assert "11111111-2222-4333-8444-555555555555" in line
    assert removes(second) == []
    assert second.state["covered"] == real["covered"]


@pytest.mark.usefixtures("giving_up")
def test_a_failed_run_leaves_what_is_known_and_adds_only_what_it_saw_besides(fleet, first):
    _, *known = first.state["covered"]["subscriptions"]
    before = {**first.state, "covered": {**first.state["covered"], "subscriptions": known}}
    fault = Fault(kind=Kind.ERROR_503_HTML, containing="SecurityResources", times=None)
    with Sandbox(fleet, quota=None, faults=(fault,)) as sandbox:
        config = sandbox.config | {"emit_activate_version_messages": True, "transform_map": "none"}
        failed = sync(config, state=before)
        fresh = sync(config)
    assert failed.error is not None
    assert removes(failed) == ALL[:2]
    # Machines of the one that is new were loaded: if it can't be read next time, they are not to be removed
    assert failed.state["covered"] == first.state["covered"]
    assert "covered" not in fresh.state


def test_a_stream_that_was_deselected_changes_nothing_for_the_others(run, first):
    assert removes(run(first.state, extra_streams=[])) == ALL


def test_what_others_put_into_a_state_is_no_hindrance(run):
    assert removes(run({"bookmarks": {"virtual_machines": {}}, "singer_sdk": 1})) == ALL


def test_an_empty_tenant_has_a_state_too():
    with Sandbox(Fleet(machines=0, assessments_per_machine=0), quota=None) as sandbox:
        ended = sync(sandbox.config)
        assert ended.state["covered"]["subscriptions"] == readable(sandbox)
