"""Whole runs with the transform map, over TLS, in the sandbox's odd tenant."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import etm_table
import pytest

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox.fleet import Fleet
from tap_mdc_vm_sandbox.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
TAP = ["-m", "tap_mdc_vm"]
MAP = ["-c", "import sys; from tap_mdc_vm.stream_maps.cli import main; sys.exit(main())"]
NO_RAW_STREAMS = json.dumps(dict.fromkeys(packaged.STREAMS, "__NULL__"))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Fleet(machines=60, assessments_per_machine=4), quota=None) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def run(sandbox):
    """Run a command of the distribution with the sandbox's settings, and some of its own."""

    def command(*words, **settings):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_MDC_VM_")}
        environment |= sandbox.environment | {f"TAP_MDC_VM_{name.upper()}": value for name, value in settings.items()}
        return subprocess.run(
            [sys.executable, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
        )

    return command


def messages(done):
    """Return records and schemas by stream, in their order, of a run that must have gone well."""
    assert done.returncode == 0, done.stderr
    records, schemas = defaultdict(list), {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
        elif message["type"] == "SCHEMA":
            schemas[message["stream"]] = message["schema"]["properties"]
    return records, schemas


@pytest.fixture(scope="module")
def usual(run):
    return messages(run(*TAP))


def test_every_record_has_its_etm_record_as_the_table_says(usual):
    records, _ = usual
    assert records["etm_assets"] == [etm_table.asset(machine) for machine in records["virtual_machines"]]
    assert records["etm_findings"] == [etm_table.finding(assessment) for assessment in records["assessments"]]
    assert len(records["etm_assets"]) == 60
    severities = {record["findingSeverity"] for record in records["etm_findings"]}
    assert severities == {0, 1, 2, 3, 4, 5}
    assert {record["findingStatus"] for record in records["etm_findings"]} == {"open", "resolved", "closed", None}


def test_keys_are_there_and_each_is_one_records_own(usual):
    records, _ = usual
    for stream, key in (("etm_assets", "externalAssetId"), ("etm_findings", "externalFindingId")):
        keys = [record[key] for record in records[stream]]
        assert None not in keys
        assert len(set(keys)) == len(keys)


def test_the_etm_streams_go_out_alone_when_asked_for(run, usual):
    records, schemas = messages(run(*TAP, stream_maps=NO_RAW_STREAMS))
    assert records.keys() == {"etm_assets", "etm_findings"}
    assert schemas.keys() == {"etm_assets", "etm_findings"}
    assert records["etm_findings"] == usual[0]["etm_findings"]


def test_without_a_map_the_taps_own_streams_go_out_as_with_one(run, usual):
    records, _ = messages(run(*TAP, transform_map="none"))
    assert records == {stream: usual[0][stream] for stream in packaged.STREAMS}


def test_a_number_and_a_field_are_changed_by_settings_alone(run, usual):
    settings = {
        "stream_map_config": json.dumps({"findingSeverity": {"High": 40}}),
        "stream_maps": json.dumps({"etm_findings": {"impact": "(userImpact or '').upper()"}}),
    }
    records, _ = messages(run(*TAP, **settings))
    for before, after in zip(usual[0]["etm_findings"], records["etm_findings"], strict=True):
        severity = 40 if before["findingSeverity"] == 4 else before["findingSeverity"]
        assert after == before | {"findingSeverity": severity, "impact": (before["impact"] or "").upper()}


def test_what_a_user_deselects_is_null_in_etm_and_nothing_else_changes(run, usual, tmp_path):
    """Through the SDK's own path for records, which a deselected field leads to."""
    catalog = json.loads(run(*TAP, "--discover").stdout)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if entry["tap_stream_id"] == "network_interfaces" and not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = False
            if metadata["breadcrumb"][1:] in (["severity"], ["vmName"]) and entry["tap_stream_id"] == "assessments":
                metadata["metadata"]["selected"] = False
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(catalog))
    records, schemas = messages(run(*TAP, "--catalog", str(path)))
    before = {record["externalFindingId"]: record for record in usual[0]["etm_findings"]}
    assert len(records["etm_findings"]) == len(before)
    for record in records["etm_findings"]:
        assert record == before[record["externalFindingId"]] | {"findingSeverity": 0, "assetName": None}
    assert schemas["etm_findings"] == usual[1]["etm_findings"]
    assert "severity" not in schemas["assessments"]
    assert "network_interfaces" not in records


def test_a_word_that_the_tables_do_not_hold_is_logged_once(run, usual):
    done = run(*TAP)
    outside = {
        record["statusCode"]
        for record in usual[0]["assessments"]
        if (record["statusCode"] or "").lower() not in ("", *etm_table.STATUSES)
    }
    assert outside
    for word in outside:
        assert done.stderr.count(f"The table findingStatus of the transform map has no entry for {word.lower()!r}") == 1


CHATTER = ("Skipping parse of env var", "Found stream map override", "Detected `__else__=None`", "METRIC: {")


@pytest.mark.parametrize("level", ["info", "debug"])
def test_the_sdks_lines_about_maps_and_metrics_are_for_who_debugs(run, level):
    log = run(*TAP, loglevel=level).stderr
    assert "Connector state: Processing" in log
    assert "Beginning sync of 'assessments'" in log
    assert [line for line in CHATTER if line in log] == (list(CHATTER) if level == "debug" else [])


def test_who_configures_the_log_gets_all_of_it(run, tmp_path, monkeypatch):
    (tmp_path / "logging.yml").write_text("version: 1\ndisable_existing_loggers: false\n")
    monkeypatch.setenv("SINGER_SDK_LOG_CONFIG", str(tmp_path / "logging.yml"))
    assert run(*TAP).stderr.count("METRIC: {") == 6


@pytest.mark.parametrize("option", ["--discover", "--about"])
def test_a_reader_that_has_seen_enough_of_the_catalog_is_no_error(option):
    with subprocess.Popen(
        [sys.executable, *TAP, option], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert "ERROR" not in process.stderr.read()
    assert process.returncode == 0


def test_a_broken_map_is_refused_before_any_call(run, sandbox, tmp_path):
    path = tmp_path / "broken.yml"
    path.write_text(
        "stream_maps:\n  etm_assets:\n    __source__: machines\n  assessments:\n    new: severity.__class__\n"
    )
    before = len(sandbox.requests)
    done = run(*TAP, transform_map=str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(sandbox.requests) == before
    errors = [line for line in done.stderr.splitlines() if "INFO" not in line]
    assert [re.sub(r".*\| ", "", line) for line in errors] == [
        f"{path}:3: etm_assets.__source__ names the unknown stream 'machines'; did you mean virtual_machines?",
        f"{path}:5: assessments.new uses .__class__, which is not allowed in an expression",
    ]


def test_a_map_that_fails_on_a_record_ends_the_run_with_one_line(run):
    done = run(*TAP, stream_maps=json.dumps({"etm_findings": {"impact": "statusCause.upper()"}}))
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "can't be computed" in line]
    assert "etm_findings.impact can't be computed for '/subscriptions/" in line
    assert "Traceback" not in done.stderr


def test_preview_runs_the_tap_itself(run, usual):
    done = run(*MAP, "preview", "--run", "--records", "1", stream_maps=NO_RAW_STREAMS)
    assert done.returncode == 0, done.stderr
    findings = usual[0]["etm_findings"]
    described = sum(1 for record in findings if record["policyDescription"])
    assert f"etm_findings: {len(findings)} records from assessments" in done.stdout
    assert re.search(rf"policyDescription +{described} +{100 * described / len(findings):.1f} %", done.stdout)
    assert done.stdout.count("record 1") == 2


def test_preview_takes_the_taps_settings_from_a_file(run, sandbox, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(sandbox.config | {"stream_maps": {"etm_assets": {"assetName": "'changed'"}}}))
    done = run(*MAP, "preview", "--run", "--config", str(config), "--records", "1")
    assert done.returncode == 0, done.stderr
    assert '"changed"' in done.stdout


def test_preview_fails_where_the_tap_fails(run):
    done = run(*MAP, "preview", "--run", client_secret="wrong")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "tap-mdc-vm-map: The tap ended with status 1. Its own message, above, says why."
    )
