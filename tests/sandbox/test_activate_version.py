"""ACTIVATE_VERSION goes out behind a stream's last record, and only when the stream is proven complete."""

from __future__ import annotations

import time

import pytest
from runs import sync

from tap_mdc_vm.errors import IncompleteError
from tap_mdc_vm_sandbox import Fault, Fleet, Kind, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

ALL = ["virtual_machines", "etm_assets", "network_interfaces", "assessments", "etm_findings"]


def activated(run):
    return [message["stream"] for message in run.messages if message["type"] == "ACTIVATE_VERSION"]


@pytest.fixture(scope="module")
def fleet():
    return Fleet(machines=50, assessments_per_machine=3)


def run_with(fleet, *faults, **config):
    with Sandbox(fleet, quota=None, faults=faults) as sandbox:
        return sync(sandbox.config | {"emit_activate_version_messages": True} | config)


def test_each_stream_and_each_made_from_it_is_activated_behind_its_last_record(fleet):
    run = run_with(fleet)
    assert activated(run) == ALL
    for stream in ALL:
        places = [(n, m["type"]) for n, m in enumerate(run.messages) if m.get("stream") == stream]
        assert places[-1][1] == "ACTIVATE_VERSION"
        assert [kind for _, kind in places].count("ACTIVATE_VERSION") == 1


def test_every_record_carries_the_version_that_is_activated(fleet):
    run = run_with(fleet)
    versions = {m["version"] for m in run.messages if m["type"] in {"RECORD", "ACTIVATE_VERSION"}}
    assert len(versions) == 1


@pytest.mark.usefixtures("giving_up")
def test_a_stream_that_failed_is_not_activated_and_those_before_it_are(fleet):
    fault = Fault(kind=Kind.ERROR_503_HTML, containing="SecurityResources", times=None)
    run = run_with(fleet, fault)
    assert run.error is not None
    assert activated(run) == ALL[:3]


def test_a_stream_that_fell_short_is_not_activated_though_the_run_goes_on(fleet):
    fault = Fault(kind=Kind.SUBSCRIPTION_LIMIT, containing="SecurityResources", times=None)
    run = run_with(fleet, fault, on_incomplete="warn")
    assert run.error is None
    assert run.records["assessments"]
    assert activated(run) == ALL[:3]
    assert run.summary["complete"] is False
    assert run.summary["subscriptions"]["withoutAssessments"] == []


def test_nothing_is_activated_while_a_subscription_that_was_asked_for_cannot_be_read(fleet):
    missing = "00000000-0000-4000-8000-00000000dead"
    readable = fleet.tables["resources"][0]["subscriptionId"]
    run = run_with(fleet, subscription_ids=[readable, missing], on_incomplete="warn")
    assert run.error is None
    assert run.records["virtual_machines"]
    assert activated(run) == []


def test_nothing_is_activated_where_it_is_not_asked_for(fleet):
    run = run_with(fleet, emit_activate_version_messages=False)
    assert activated(run) == []
    assert not any("version" in message for message in run.messages if message["type"] == "RECORD")


@pytest.mark.parametrize(("surveys", "activated_before"), [(1, []), (2, ALL[:3])])
def test_what_was_read_while_rights_were_taken_away_is_not_activated_and_the_run_says_so(
    fleet, surveys, activated_before
):
    lost = fleet.ordinary[0].id

    def clock():
        asked = [each.question.query for each in list(sandbox.requests) if each.question]
        if sum("resources/subscriptions" in text for text in asked) >= surveys:
            sandbox.unreadable.add(lost)
        return time.time()

    sandbox = Sandbox(fleet, quota=None, clock=clock)
    with sandbox:
        run = sync(sandbox.config | {"emit_activate_version_messages": True, "page_size": 10})
    assert isinstance(run.error, IncompleteError)
    assert f"lost access to {lost}" in str(run.error)
    assert activated(run) == activated_before
    assert run.summary["subscriptions"]["unreadable"] == [lost]
    assert run.summary["complete"] is False


def test_where_that_is_tolerated_the_run_goes_on_and_nothing_is_activated(fleet):
    def clock():
        if len(sandbox.requests) >= 3:
            sandbox.unreadable.add(fleet.ordinary[0].id)
        return time.time()

    sandbox = Sandbox(fleet, quota=None, clock=clock)
    with sandbox:
        run = sync(sandbox.config | {"emit_activate_version_messages": True, "on_incomplete": "warn"})
    assert run.error is None
    assert run.records["assessments"]
    assert activated(run) == []
    assert run.summary["complete"] is False
