"""Meltano as docs/scheduling.md and docs/quickstart.md have it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from pairs import BIN, KEYS, ROOT, Meltano, Tenant

from tap_mdc_vm import packaged
from tap_mdc_vm_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sandbox(living: Tenant) -> Iterator[Sandbox]:
    """A running sandbox."""
    with Sandbox(living, quota=None) as running:
        yield running


@pytest.fixture
def run(meltano: Meltano, sandbox: Sandbox, project: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Meltano in the copy of the project, on the sandbox."""

    def run(*words: str, status: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
        return meltano(*words, environ=sandbox.environment | environ, status=status, folder=project)

    return run


def files(project: Path) -> dict[str, list[dict]]:
    """Return the records of each file that target-jsonl has written, by stream."""
    return {
        path.name.rpartition("-")[0]: [json.loads(line) for line in path.read_text().splitlines()]
        for path in (project / "output" / "sandbox").glob("*.jsonl")
    }


def test_its_connection_test_passes_where_the_tap_can_read(run):
    assert "Plugin configuration is valid" in run("config", "test", "tap-mdc-vm").stdout


def test_its_connection_test_fails_and_says_why_where_it_cannot(run):
    done = run("config", "test", "tap-mdc-vm", status=1, TAP_MDC_VM_CLIENT_SECRET="not-the-secret")
    assert "AADSTS7000215" in done.stdout + done.stderr
    assert "not-the-secret" not in done.stdout + done.stderr


def test_its_connection_test_names_every_problem_in_one_line_of_plain_text(run):
    done = run("config", "test", "tap-mdc-vm", status=1, TAP_MDC_VM_TENANT_ID="contoso", TAP_MDC_VM_PAGE_SIZE="0")
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("tenant_id is not a GUID")]
    assert "; page_size must be a whole number from 1 to 1000" in line


def test_the_five_checks_run_by_invoke(run):
    lines = run("invoke", "tap-mdc-vm", "--test").stderr.splitlines()
    passed = [line.partition("PASS")[2].strip() for line in lines if "PASS" in line]
    assert [name.split(":")[0].split(" (")[0] for name in passed][:5] == [
        "Network Reachability",
        "TLS Handshake",
        "Authentication Credential Check",
        "Authorization Scope Check",
        "Data Fetch",
    ]


def test_the_checkup_runs_by_invoke(run):
    assert "A sync does its work here." in run("invoke", "tap-mdc-vm:checkup").stdout


def test_its_catalog_is_the_taps(run):
    catalog = json.loads(run("invoke", "tap-mdc-vm", "--discover").stdout)
    assert [stream["stream"] for stream in catalog["streams"]] == [
        "virtual_machines",
        "network_interfaces",
        "assessments",
    ]


def test_the_secret_is_not_shown(run, sandbox: Sandbox):
    done = run("config", "list", "tap-mdc-vm")
    assert sandbox.application.secret not in done.stdout + done.stderr


def test_selecting_streams_and_fields_sends_those_alone(run, project: Path):
    run("select", "tap-mdc-vm", "virtual_machines", "*")
    run("select", "--exclude", "tap-mdc-vm", "virtual_machines", "properties")
    run("run", "tap-mdc-vm", "target-jsonl")
    records = files(project)
    assert records.keys() == {"virtual_machines", "etm_assets"}
    assert all("properties" not in record and "vmId" in record for record in records["virtual_machines"])
    assert all(record["assetName"] for record in records["etm_assets"])


def test_extra_streams_are_selected_as_the_others_are_once_they_are_named(run, project: Path):
    run("config", "set", "tap-mdc-vm", "extra_streams", json.dumps(packaged.EXTRA_STREAMS))
    for stream in packaged.EXTRA_STREAMS:
        run("select", "tap-mdc-vm", stream, "*")
    run("select", "--exclude", "tap-mdc-vm", "vulnerabilities", "cvssVector")
    run("run", "tap-mdc-vm", "target-jsonl")
    records = files(project)
    assert records.keys() == set(packaged.EXTRA_STREAMS)
    assert all("cvssVector" not in record and record["cveId"] for record in records["vulnerabilities"])


def test_only_the_etm_streams_are_sent_when_asked(run, project: Path):
    null = dict.fromkeys(["virtual_machines", "network_interfaces", "assessments"], "__NULL__")
    run("run", "tap-mdc-vm", "target-jsonl", TAP_MDC_VM_STREAM_MAPS=json.dumps(null))
    assert files(project).keys() == {"etm_assets", "etm_findings"}


def test_the_daily_schedule_runs_its_job_without_a_state_and_a_run_from_one_is_the_same(run, project: Path):
    run("schedule", "run", "defender-daily")
    first = files(project)
    assert first.keys() == KEYS.keys()
    assert "virtual_machines" in run("state", "get", "sandbox:tap-mdc-vm-to-target-jsonl").stdout
    assert "PASS" in run("logs", "list").stdout
    shutil.rmtree(project / "output")
    log = run("run", "defender-to-jsonl").stderr
    assert files(project) == first
    assert "Sync summary" in log
    for noise in ("METRIC", "stream map override", "Skipping parse"):  # what the SDK says of maps and metrics
        assert noise not in log


def test_the_environments_of_many_tenants_are_as_the_page_has_them(project: Path, meltano: Meltano, sandbox: Sandbox):
    """docs/scale.md: an environment per tenant, its secret in a variable of its own."""
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    contoso = shown["environments"][0]
    extractor = contoso["config"]["plugins"]["extractors"][0]
    extractor["config"] |= {"tenant_id": sandbox.application.tenant_id, "client_id": sandbox.application.client_id}
    definition = yaml.safe_load((project / "meltano.yml").read_text())
    definition["environments"].append(contoso)
    (project / "meltano.yml").write_text(yaml.safe_dump(definition, sort_keys=False))
    hidden = {"TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"}
    environ = {name: value for name, value in sandbox.environment.items() if name[len("TAP_MDC_VM_") :] not in hidden}
    environ["CONTOSO_CLIENT_SECRET"] = sandbox.application.secret
    meltano("run", "tap-mdc-vm", "target-jsonl", environ=environ, folder=project, environment="contoso")
    assert len(list((project / "output").glob("*.jsonl"))) == len(KEYS)


def test_another_project_can_add_the_plugin_from_its_definition(tmp_path: Path, meltano_home: dict[str, str]):
    def run(*words: object, folder: Path) -> str:
        variables = os.environ | meltano_home | {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false"}
        return subprocess.run(
            [BIN / "meltano", *words], cwd=folder, env=variables, check=True, capture_output=True
        ).stdout

    run("init", "other", folder=tmp_path)
    run("add", "--no-install", "--from-ref", ROOT / "hub" / "tap-mdc-vm.yml", "tap-mdc-vm", folder=tmp_path / "other")
    assert b"TAP_MDC_VM_TENANT_ID" in run("config", "list", "tap-mdc-vm", folder=tmp_path / "other")
