"""The streams beside the three: only where they are named, whole, and joined to their machines."""

from __future__ import annotations

import json

import jsonschema
import pytest
from runs import sync
from tenants import EMPTY, Also

from tap_mdc_vm import connection_test, packaged
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.tap import TapMdcVm
from tap_mdc_vm_sandbox import Fault, Fleet, Kind, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

EXTRA = ["vulnerabilities", "software", "defender_plans"]
SHAPE = {"machines": 12, "assessments_per_machine": 2, "subscriptions": 2}
PLAIN = Fleet(**SHAPE)
MACHINES = [row for row in PLAIN.tables["resources"] if row["type"].lower() == "microsoft.compute/virtualmachines"]
GONE = {**MACHINES[0], "id": MACHINES[0]["id"].rpartition("/")[0] + "/gone", "tags": None}


def below(machine, kind, name, properties):
    columns = {column: machine[column] for column in ("subscriptionId", "tenantId", "resourceGroup")}
    return (
        EMPTY
        | columns
        | {"id": f"{machine['id']}/providers/Microsoft.Security/{kind}/{name}", "name": name}
        | {"type": f"microsoft.security/{kind.lower()}", "properties": properties}
    )


def program(machine, name):
    return below(
        machine,
        "softwareInventories",
        f"{name}_1.0",
        {"vendor": "v", "softwareName": name, "firstSeenAt": "2026-01-26 15:48:56"},
    )


def finding(machine, number):
    cves = [
        {"CveId": f"CVE-2026-{number}", "Severity": "High", "Cvss": [{"Key": "3.0", "Value": {"Base": 7.5}}]},
        {"CveId": f"cve-2026-{number + 1}"},
    ]
    return below(
        machine,
        "assessments",
        f"finding-{number}",
        {
            "status": {"code": ["Unhealthy", "Healthy"][number % 2]},
            "metadata": {"severity": "High", "recommendationCategory": "SoftwareUpdate"},
            "additionalData": {"SoftwareName": "openssl", "CvesDetails": json.dumps(cves)},
        },
    )


def plan(subscription, name):
    base = {"subscriptionId": subscription.id, "tenantId": subscription.tenant, "name": name}
    identity = f"/subscriptions/{subscription.id}/providers/Microsoft.Security/pricings/{name}"
    return EMPTY | base | {"id": identity, "type": "microsoft.security/pricings", "properties": {"pricingTier": "Free"}}


SECURITY = [
    *(program(machine, name) for machine in (*MACHINES, GONE) for name in ("bash", "curl")),
    *(finding(machine, number) for number, machine in enumerate((*MACHINES, GONE))),
    *(plan(subscription, name) for subscription in PLAIN.ordinary for name in ("CloudPosture", "VirtualMachines")),
]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Also(security=SECURITY, silent=[each.id for each in PLAIN.ordinary], **SHAPE), quota=None) as running:
        yield running


def synced(sandbox, catalog=None, **changes):
    run = sync(sandbox.config | {"transform_map": "none", "extra_streams": EXTRA} | changes, catalog)
    assert run.error is None
    return run


@pytest.fixture(scope="module")
def run(sandbox):
    return synced(sandbox)


def catalog(*selected, **config):
    found = TapMdcVm(config={"extra_streams": EXTRA} | config, validate_config=False, setup_mapper=False).catalog_dict
    for entry in found["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["stream"] in selected
    return found


def keys(run, stream):
    return sorted(tuple(record[name] for name in KEYS[stream]) for record in run.records[stream])


KEYS = {"vulnerabilities": ("assessmentId", "cveId"), "software": ("id",), "defender_plans": ("id",)}


@pytest.mark.parametrize(
    ("named", "streams"),
    [
        ([], []),
        (["software"], ["software"]),
        ('["defender_plans","vulnerabilities"]', ["vulnerabilities", "defender_plans"]),
    ],
)
def test_they_are_in_the_catalog_only_where_they_are_named_and_in_their_own_order(named, streams):
    found = TapMdcVm(config={"extra_streams": named}, validate_config=False, setup_mapper=False)
    assert list(found.streams) == [*packaged.STREAMS, *streams]
    assert {
        e["stream"]: tuple(e["key_properties"]) for e in found.catalog_dict["streams"] if e["stream"] in streams
    } == {stream: KEYS[stream] for stream in streams}


def test_they_go_out_behind_the_three_and_fit_their_schemas(run):
    schemas = [stream for kind, stream in run.kinds() if kind == "SCHEMA"]
    assert schemas == [*packaged.STREAMS, *EXTRA]
    for stream in EXTRA:
        validator = jsonschema.Draft7Validator(packaged.schema(stream))
        for record in run.records[stream]:
            validator.validate(record)
            assert list(record) == list(packaged.schema(stream)["properties"])


def test_every_row_is_a_record_joined_to_its_machine(run):
    machines = {record["id"]: record for record in run.records["virtual_machines"]}
    assert keys(run, "software") == sorted((row["id"].lower(),) for row in SECURITY if "softwareInv" in row["id"])
    assert keys(run, "defender_plans") == sorted((row["id"].lower(),) for row in SECURITY if "/pricings/" in row["id"])
    findings = [(row["id"].lower(), number) for number, row in enumerate(r for r in SECURITY if "/finding-" in r["id"])]
    assert keys(run, "vulnerabilities") == sorted(
        (id_, f"CVE-2026-{number + more}") for id_, number in findings for more in (0, 1)
    )
    for stream in ("software", "vulnerabilities"):
        for record in run.records[stream]:
            machine = machines.get(record["virtualMachineId"], {"vmId": None, "name": None})
            assert (record["vmId"], record["vmName"]) == (machine["vmId"], machine["name"])
    gone = [record for record in run.records["software"] if record["virtualMachineId"] == GONE["id"].lower()]
    assert len(gone) == 2


def test_they_are_counted_in_the_summary_and_vulnerabilities_cost_no_request(run, sandbox):
    for stream in EXTRA:
        figures = run.summary["streams"][stream]
        assert figures["expected"] == figures["emitted"] == len(run.records[stream]) > 0
        assert figures["requests"] == (0 if stream == "vulnerabilities" else 1)
    plain = synced(sandbox, extra_streams=[])
    assert synced(sandbox, extra_streams=["vulnerabilities"]).summary["requests"] == plain.summary["requests"]


@pytest.mark.parametrize(
    "selected", [*((stream,) for stream in EXTRA), ("vulnerabilities", "software"), ("assessments", "software")]
)
def test_each_is_the_same_whichever_others_are_selected(sandbox, run, selected):
    other = synced(sandbox, catalog(*selected))
    assert set(other.records) == set(selected)
    for stream in set(selected) & set(EXTRA):
        assert sorted(other.records[stream], key=str) == sorted(run.records[stream], key=str)
    assert other.summary["complete"] is True


def test_filters_hold_for_them_too(sandbox, run):
    group = MACHINES[3]["resourceGroup"]
    other = synced(sandbox, assessment_statuses=["Unhealthy"], resource_groups=[group])
    assert other.records["vulnerabilities"] == [
        record
        for record in run.records["vulnerabilities"]
        if record["statusCode"] == "Unhealthy" and record["resourceGroup"] == group
    ]
    assert {record["resourceGroup"] for record in other.records["software"]} == {group}
    assert len(other.records["defender_plans"]) == len(run.records["defender_plans"])
    tagged = synced(sandbox, machine_tags={"nobody's": "*"})
    assert tagged.records["software"] == tagged.records["vulnerabilities"] == []
    assert tagged.summary["streams"]["software"]["expected"] == 0


def test_what_is_gone_is_removed_behind_their_last_record(sandbox):
    activated = synced(sandbox, emit_activate_version_messages=True)
    assert [m["stream"] for m in activated.messages if m["type"] == "ACTIVATE_VERSION"] == [*packaged.STREAMS, *EXTRA]


def test_one_that_fails_is_loud_and_not_removed():
    fault = Fault(kind=Kind.ERROR_503_HTML, containing="softwareinventories", times=None)
    with Sandbox(
        Also(security=SECURITY, silent=[each.id for each in PLAIN.ordinary], **SHAPE), quota=None, faults=(fault,)
    ) as sandbox:
        ended = sync(
            sandbox.config | {"transform_map": "none", "extra_streams": EXTRA, "emit_activate_version_messages": True}
        )
    assert ended.error is not None
    assert [m["stream"] for m in ended.messages if m["type"] == "ACTIVATE_VERSION"] == [
        *packaged.STREAMS,
        "vulnerabilities",
    ]


def test_stream_maps_know_them(sandbox, run):
    changed = synced(
        sandbox,
        stream_maps={"software": {"id": "id", "vendor": "vendor.upper()", "__else__": None}},
        transform_map="etm",
    )
    assert changed.records["software"] == [{"id": record["id"], "vendor": "V"} for record in run.records["software"]]
    synced(sandbox, stream_maps={"software": {"vendor": "vendor.upper()"}}, extra_streams=[])


def test_the_connection_test_fetches_a_row_of_each(sandbox):
    with connection_test.Run(Settings.from_config(sandbox.config | {"extra_streams": EXTRA}, {})) as parts:
        checks = connection_test.Checks(parts)
        checks.authorization()
        assert "software, defender plans." in checks.data_fetch()
