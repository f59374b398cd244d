"""The lines that others look for in the log, word by word."""

from __future__ import annotations

import json

from tap_mdc_vm import events

SUMMARY = events.SyncSummary(
    streams={"virtual_machines": {"expected": 2, "emitted": 1, "duplicates": 1, "requests": 1}},
    subscriptions={"requested": 1, "readable": 1, "unreadable": [], "withoutAssessments": ["s"]},
    requests=5,
    throttled=1,
    waited_seconds=2.5,
    seconds=3.5,
    complete=True,
)


def test_states_are_named_as_the_document_names_them():
    assert events.ConnectorState("Processing").line() == "Connector state: Processing"
    assert events.ConnectorState("Processed").line() == "Connector state: Processed (findings still loading)"


def test_the_summary_is_json_with_the_promised_keys():
    prefix, _, text = SUMMARY.line().partition("Sync summary: ")
    assert prefix == ""
    assert json.loads(text) == {
        "streams": {"virtual_machines": {"expected": 2, "emitted": 1, "duplicates": 1, "requests": 1}},
        "subscriptions": {"requested": 1, "readable": 1, "unreadable": [], "withoutAssessments": ["s"]},
        "requests": 5,
        "throttled": 1,
        "waited_seconds": 2.5,
        "seconds": 3.5,
        "complete": True,
    }


def test_dates_that_are_none_are_counted_by_field():
    line = events.DatesUnread("assessments.statusChangeDate", 1200).line()
    assert line == (
        "assessments.statusChangeDate is null in 1,200 records, for which Azure gave something that is no date"
    )


def test_an_events_fields_travel_with_its_line(caplog):
    caplog.set_level("INFO")
    events.emit(SUMMARY)
    (record,) = caplog.records
    assert (record.kind, record.requests, record.complete) == ("SyncSummary", 5, True)
    assert record.name == "tap-mdc-vm"


def test_an_empty_stream_is_done():
    assert "(100 %)" in events.Progress("x", 0, 0, 0.0, 0.0).line()
