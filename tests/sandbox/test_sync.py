"""Whole syncs over TLS: what arrives is what the tenant holds, computed a second time from its raw rows."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import jsonschema
import oracle
import pytest
from runs import sync

from tap_mdc_vm import packaged
from tap_mdc_vm.azure.transport import Transport
from tap_mdc_vm.tap import TapMdcVm
from tap_mdc_vm_sandbox import Fleet, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

STREAMS = ("virtual_machines", "network_interfaces", "assessments")


class Rows:
    """The tenant's raw rows by what they are, as the oracle wants them."""

    def __init__(self, fleet):
        readable = {subscription.id for subscription in fleet.subscriptions if subscription.readable}

        def of(table, kind):
            rows = fleet.tables[table]
            return [row for row in rows if row["type"].lower() == kind and row["subscriptionId"] in readable]

        self.virtual_machines = of("resources", "microsoft.compute/virtualmachines")
        interfaces = of("resources", "microsoft.network/networkinterfaces")
        self.network_interfaces = [row for row in interfaces if row["properties"].get("virtualMachine")]
        self.public_ips = of("resources", "microsoft.network/publicipaddresses")
        self.assessments = of("securityresources", "microsoft.security/assessments")


@pytest.fixture(scope="module")
def odd():
    with Sandbox(Fleet(machines=80, assessments_per_machine=15), quota=None) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def run(odd):
    return sync(odd.config)


def by_id(records):
    return {record["id"]: record for record in records}


@pytest.mark.parametrize("stream", STREAMS)
def test_the_records_are_exactly_those_that_the_raw_rows_give(odd, run, stream):
    expected = by_id(oracle.expected(Rows(odd.fleet), stream))
    assert by_id(run.records[stream]) == expected
    assert len(run.records[stream]) == len(expected) > 50


@pytest.mark.parametrize("stream", STREAMS)
def test_every_id_is_lower_case_and_unique(run, stream):
    ids = [record["id"] for record in run.records[stream]]
    assert len(set(ids)) == len(ids)
    assert all(id_ == id_.lower() for id_ in ids)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_record_has_every_field_and_fits_the_schema(run, stream):
    validator = jsonschema.Draft7Validator(packaged.schema(stream))
    for record in run.records[stream]:
        validator.validate(record)
        assert list(record) == list(packaged.schema(stream)["properties"])


def test_streams_go_out_in_their_order_each_behind_its_schema(run):
    kinds = [kind for kind in run.kinds() if kind[0] == "SCHEMA"]
    assert [stream for _, stream in kinds] == [
        "virtual_machines",
        "etm_assets",
        "network_interfaces",
        "assessments",
        "etm_findings",
    ]
    seen = set()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            seen.add(message["stream"])
        elif message["type"] == "RECORD":
            assert message["stream"] in seen


def test_the_summary_counts_what_arrived(run, odd):
    assert run.error is None
    assert run.summary["complete"] is True
    for stream in STREAMS:
        figures = run.summary["streams"][stream]
        assert figures["expected"] == figures["emitted"] == len(run.records[stream])
    queries = [asked for asked in odd.requests if asked.kind == "query"]
    assert run.summary["requests"] <= len(queries)
    assert "Connector state: Processing" in run.log
    assert "Connector state: Processed (findings still loading)" in run.log


def test_the_last_state_names_every_stream(run):
    states = [message["value"] for message in run.messages if message["type"] == "STATE"]
    assert states[-1]["bookmarks"] == {stream: {} for stream in STREAMS}


@pytest.mark.parametrize("page_size", [7, 100])
def test_small_pages_give_the_same_records(odd, run, page_size):
    other = sync(odd.config | {"page_size": page_size})
    assert other.error is None
    for stream in STREAMS:
        assert by_id(other.records[stream]) == by_id(run.records[stream])
        assert len(other.records[stream]) == len(run.records[stream])


def catalog_with(selected):
    """Return the catalog with some streams selected."""
    catalog = copy.deepcopy(TapMdcVm(validate_config=False, setup_mapper=False).catalog_dict)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["stream"] in selected
    return catalog


@pytest.mark.parametrize(
    "selected",
    [("assessments",), ("network_interfaces",), ("virtual_machines",), ("network_interfaces", "assessments")],
)
def test_each_stream_is_the_same_whichever_others_are_selected(odd, run, selected):
    other = sync(odd.config | {"transform_map": "none"}, catalog_with(selected))
    assert other.error is None
    assert set(other.records) == set(selected)
    for stream in selected:
        assert by_id(other.records[stream]) == by_id(run.records[stream])
    assert set(other.summary["streams"]) == set(selected)


@pytest.mark.parametrize("selected", [[], ["virtual_machines"]])
def test_a_run_for_which_nothing_is_selected_says_so(odd, selected):
    log = sync(odd.config, catalog_with(selected)).log
    said = [line for line in log if line.startswith("No stream is selected")]
    assert len(said) == (not selected)


@pytest.mark.parametrize("statuses", [["Unhealthy"], ["Healthy", "NotApplicable"]])
def test_a_filter_on_statuses_is_applied_by_azure_and_not_here(odd, run, statuses):
    asked_before = len(odd.requests)
    other = sync(odd.config | {"assessment_statuses": statuses})
    wanted = {status.lower() for status in statuses}
    expected = {r["id"] for r in run.records["assessments"] if (r["statusCode"] or "").lower() in wanted}
    assert {record["id"] for record in other.records["assessments"]} == expected
    texts = [asked.question.query for asked in odd.requests[asked_before:] if asked.question]
    assert any("properties.status.code" in text for text in texts)
    assert other.summary["subscriptions"]["withoutAssessments"] == run.summary["subscriptions"]["withoutAssessments"]


def test_only_the_chosen_subscriptions_are_read(odd, run):
    counts = Counter(record["subscriptionId"] for record in run.records["virtual_machines"])
    (chosen, count), *_ = counts.most_common()
    other = sync(odd.config | {"subscription_ids": [chosen.upper(), chosen]})
    assert len(other.records["virtual_machines"]) == count
    assert other.summary["subscriptions"] == {
        "requested": 1,
        "readable": 1,
        "unreadable": [],
        "withoutAssessments": [s for s in run.summary["subscriptions"]["withoutAssessments"] if s == chosen],
        "reasons": {s: why for s, why in run.summary["subscriptions"]["reasons"].items() if s == chosen},
    }


def test_a_subscription_that_cannot_be_read_ends_the_run_before_the_first_record(odd):
    missing = "00000000-0000-4000-8000-00000000dead"
    readable = odd.fleet.tables["resources"][0]["subscriptionId"]
    run = sync(odd.config | {"subscription_ids": [readable, missing]})
    assert missing in str(run.error)
    assert "Reader role" in str(run.error)
    assert run.records == {}
    assert run.summary["complete"] is False
    assert run.summary["subscriptions"]["unreadable"] == [missing]


def test_with_warn_the_rest_is_read_and_the_summary_says_incomplete(odd):
    missing = "00000000-0000-4000-8000-00000000dead"
    readable = odd.fleet.tables["resources"][0]["subscriptionId"]
    run = sync(odd.config | {"subscription_ids": [readable, missing], "on_incomplete": "warn"})
    assert run.error is None
    assert run.records["virtual_machines"]
    assert run.summary["complete"] is False
    assert run.summary["subscriptions"]["requested"] == 2
    assert run.summary["subscriptions"]["unreadable"] == [missing]
    assert any(missing in line for line in run.log)


def test_an_empty_tenant_is_complete_and_empty():
    with Sandbox(Fleet(machines=0, assessments_per_machine=0), quota=None) as sandbox:
        run = sync(sandbox.config)
    assert run.error is None
    assert {stream: run.summary["streams"][stream]["emitted"] for stream in STREAMS} == dict.fromkeys(STREAMS, 0)
    assert run.summary["complete"] is True


def test_half_a_surrogate_pair_in_a_text_costs_that_character_and_nothing_else(odd, run, monkeypatch):
    post = Transport.post

    def spoilt(self, url, **request):
        answer = post(self, url, **request)
        return replace(answer, body=re.sub(rb'("(?:vmSize|displayName)": ?")', rb"\1\\ud800", answer.body))

    monkeypatch.setattr(Transport, "post", spoilt)
    other = sync(odd.config)
    assert other.error is None
    assert other.summary["complete"] is True
    for stream, field in (("virtual_machines", "vmSize"), ("assessments", "displayName")):
        texts = {id_: record[field] for id_, record in by_id(run.records[stream]).items()}
        assert {id_: record[field] for id_, record in by_id(other.records[stream]).items()} == {
            id_: text and f"\ufffd{text}" for id_, text in texts.items()
        }


def command(*args, environment, tmp_path):
    return subprocess.run(
        [sys.executable, "-m", "tap_mdc_vm", *args],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_reads_its_settings_from_the_environment(odd, run, tmp_path, bare_environment):
    ended = command(environment={"PATH": "/usr/bin:/bin", **odd.environment}, tmp_path=tmp_path)
    assert ended.returncode == 0, ended.stderr
    arrived = Counter(json.loads(line)["type"] for line in ended.stdout.splitlines())
    assert arrived["RECORD"] == sum(map(len, run.records.values()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"TAP_MDC_VM_CLIENT_SECRET": "not-the-secret-of-it"}, "AADSTS7000215"),
        ({"TAP_MDC_VM_PAGE_SIZE": "many"}, "page_size"),
        ({"TAP_MDC_VM_TENANT_ID": "contoso"}, "tenant_id"),
        ({"TAP_MDC_VM_AUTHORITY_HOST": "https://127.0.0.1:9"}, "127.0.0.1:9"),
        ({"TAP_MDC_VM_RESOURCE_MANAGER_URL": "https://127.0.0.1:9"}, "AADSTS500011"),
    ],
)
def test_what_a_person_can_mend_is_one_line_and_status_one(odd, tmp_path, change, says):
    environment = {"PATH": "/usr/bin:/bin", **odd.environment, **change}
    ended = command(environment=environment, tmp_path=tmp_path)
    assert ended.returncode == 1
    errors = [line for line in ended.stderr.splitlines() if "ERROR" in line]
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in ended.stderr
    for secret in (odd.environment["TAP_MDC_VM_CLIENT_SECRET"], "not-the-secret-of-it"):
        assert secret not in ended.stderr + ended.stdout


def test_over_a_thousand_subscriptions_are_read_in_batches_without_a_row_at_their_edges_lost_or_doubled():
    fleet = Fleet(machines=150, assessments_per_machine=2, subscriptions=1_100)
    with Sandbox(fleet, quota=None) as sandbox:
        readable = [subscription.id for subscription in fleet.subscriptions if subscription.readable]
        run = sync(sandbox.config | {"subscription_ids": readable, "transform_map": "none"})
        scopes = [asked.question.subscriptions for asked in sandbox.requests if asked.question]
    assert run.error is None
    assert run.summary["subscriptions"]["readable"] == len(readable) > 1_000
    assert 1 < max(len(scope or ()) for scope in scopes) < 300
    for stream in STREAMS:
        expected = by_id(oracle.expected(Rows(fleet), stream))
        assert Counter(record["id"] for record in run.records[stream]) == Counter(expected.keys())


def test_management_groups_within_each_other_are_read_once(odd, run):
    groups = sorted({group for subscription in odd.fleet.subscriptions for group in subscription.groups})
    other = sync(odd.config | {"management_group_ids": groups})
    assert other.error is None
    ids = [record["id"] for record in other.records["virtual_machines"]]
    assert len(set(ids)) == len(ids) > 0
    assert set(ids) <= set(by_id(run.records["virtual_machines"]))


def test_a_management_group_that_does_not_exist_ends_the_run(odd):
    other = sync(odd.config | {"management_group_ids": ["mg-of-nobody"]})
    assert "mg-of-nobody" in str(other.error)
    assert other.records == {}
