"""Filters: what passes is what a filter over the records of an unfiltered run lets pass, alone and together."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import sync
from tenants import EMPTY, Also

from tap_mdc_vm.tap import TapMdcVm
from tap_mdc_vm_sandbox import Fleet, Sandbox

pytestmark = pytest.mark.usefixtures("bare_environment")

STREAMS = ("virtual_machines", "network_interfaces", "assessments")
TAGS = [
    {"it's": "O'Brien"},
    {"Env": "prod", "env": "dev"},
    {"a/b": 'say "hi", {"env":"prod"}', "env": "dev"},
    {"path": "C:\\temp\\", "env": "prod"},
    {"Straße": "ÖL 😀", "cost centre": "(x)[y]+"},
    {"note": ',"env":"prod",', "tab": "a\tb"},
    {},
    None,
]
CATEGORIES = [
    {"recommendationCategory": "SoftwareUpdate", "categories": ["Compute"]},
    {"recommendationCategory": "Unknown", "categories": ["Networking"]},
    {"recommendationCategory": "", "categories": ["Compute", "Networking"]},
    {"categories": ["", "Compute", None, "Data"]},
    {"categories": []},
    {"recommendationCategory": "unknown"},
    {"recommendationCategory": "None", "categories": ["Compute"]},
    None,
]
GROUPS = ("rg-(blue).x", "RG-Blue_1", "gruppe-ä")


def tenant():
    """A tenant of machines with every odd tag in each odd group, each with an interface and findings of every kind."""
    plain = Fleet(machines=8, assessments_per_machine=3, subscriptions=2)
    resources, findings = [], []
    for number, tags in enumerate(TAGS):
        group = GROUPS[number % len(GROUPS)]
        subscription = plain.ordinary[number % 2].id
        base = f"/subscriptions/{subscription}/resourceGroups/{group}/providers"
        common = EMPTY | {"subscriptionId": subscription, "resourceGroup": group.lower()}
        machine, interface = (
            f"{base}/Microsoft.Compute/virtualMachines/odd{number}",
            f"{base}/Microsoft.Network/networkInterfaces/odd{number}",
        )
        resources += [
            {**common, "id": machine, "name": f"odd{number}", "type": "microsoft.compute/virtualmachines", "tags": tags}
            | {"properties": {"vmId": str(number)}},
            {**common, "id": interface, "name": f"odd{number}", "type": "microsoft.network/networkinterfaces"}
            | {"properties": {"virtualMachine": {"id": machine.upper()}}},
        ]
        findings += [
            {**common, "id": f"{machine}/providers/Microsoft.Security/assessments/{number}-{kind}", "name": f"{kind}"}
            | {"type": "microsoft.security/assessments", "resourceGroup": group.lower()}
            | {
                "properties": {
                    "status": {"code": ["Healthy", "Unhealthy", "Odd"][kind % 3]},
                    "metadata": metadata and metadata | {"severity": ["High", "low", ""][kind % 3]},
                }
            }
            for kind, metadata in enumerate(CATEGORIES)
        ]
    return Also(resources, findings, machines=8, assessments_per_machine=3, subscriptions=2)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(tenant(), quota=None) as running:
        yield running


@pytest.fixture(scope="module")
def everything(sandbox):
    run = sync(sandbox.config | {"transform_map": "none"})
    assert run.error is None
    return run.records


def lower(values):
    return [value.lower() for value in values]


def machine_passes(record, filters):
    groups, tags = filters.get("resource_groups"), record["tags"] or {}

    def carries(wanted, values):
        allowed = [values] if isinstance(values, str) else values
        return any(
            name.lower() == wanted.lower() and (values == "*" or value in allowed) for name, value in tags.items()
        )

    return (not groups or record["resourceGroup"].lower() in lower(groups)) and all(
        carries(wanted, values) for wanted, values in filters.get("machine_tags", {}).items()
    )


def expected(records, filters):
    """The ids that pass, by stream, worked out of the records alone."""
    machines = {record["id"] for record in records["virtual_machines"] if machine_passes(record, filters)}
    fields = {
        "assessment_statuses": lambda record: record["statusCode"],
        "assessment_severities": lambda record: record["severity"],
        "recommendation_categories": lambda record: record["recommendationCategory"] or "None",
    }
    return {
        "virtual_machines": machines,
        "network_interfaces": {
            record["id"] for record in records["network_interfaces"] if record["virtualMachineId"] in machines
        },
        "assessments": {
            record["id"]
            for record in records["assessments"]
            if record["virtualMachineId"] in machines
            and all(
                (field(record) or "").lower() in lower(filters[name])
                for name, field in fields.items()
                if filters.get(name)
            )
        },
    }


def check(sandbox, everything, filters):
    run = sync(sandbox.config | {"transform_map": "none", "emit_activate_version_messages": True} | filters)
    assert run.error is None
    passing = expected(everything, filters)
    for stream in STREAMS:
        assert {record["id"] for record in run.records[stream]} == passing[stream], stream
        figures = run.summary["streams"][stream]
        assert figures["expected"] == figures["emitted"] == len(passing[stream])
    assert run.summary["complete"] is True
    assert [m["stream"] for m in run.messages if m["type"] == "ACTIVATE_VERSION"] == list(STREAMS)
    assert [line for line in run.log if line.startswith("Only what passes")] != [] or not any(filters.values())
    return run


def some(values):
    return st.lists(st.sampled_from(values), max_size=3, unique_by=str.lower)


tag_values = st.sampled_from(
    ["*", "prod", "dev", "O'Brien", 'say "hi", {"env":"prod"}', "C:\\temp\\", "ÖL 😀", "(x)[y]+", "a\tb"]
)
FILTERS = {
    "assessment_statuses": some(["Healthy", "Unhealthy", "NotApplicable"]),
    "assessment_severities": some(["Low", "Medium", "High", "Critical"]),
    "recommendation_categories": some(
        ["SoftwareUpdate", "None", "Networking", "Compute, Networking", "Compute", "Unknown"]
    ),
    "resource_groups": some([*GROUPS, "RG-(BLUE).X", "nobodys"]),
    "machine_tags": st.dictionaries(
        st.sampled_from(["env", "ENV", "it's", "A/B", "path", "straße", "Cost Centre", "note", "nobody"]),
        tag_values | st.lists(tag_values.filter(lambda value: value != "*"), min_size=1, max_size=2),
        max_size=2,
    ).filter(lambda tags: len({name.lower() for name in tags}) == len(tags)),
}
unhurried = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_alone_lets_pass_what_the_records_say(sandbox, everything, name):
    @unhurried
    @given(FILTERS[name])
    def holds(value):
        check(sandbox, everything, {name: value})

    holds()


def test_unknown_which_no_record_has_lets_nothing_pass(sandbox, everything):
    run = check(sandbox, everything, {"recommendation_categories": ["Unknown"]})
    assert run.records["assessments"] == []


def test_filters_together_let_pass_what_passes_each(sandbox, everything):
    @unhurried
    @given(st.fixed_dictionaries({}, optional=FILTERS))
    def hold(filters):
        check(sandbox, everything, filters)

    hold()


@pytest.mark.parametrize("number", range(len(TAGS)))
def test_every_odd_tag_finds_its_machine(sandbox, everything, number):
    for name, value in (TAGS[number] or {}).items():
        run = check(sandbox, everything, {"machine_tags": {name.swapcase() if name.isascii() else name: [value]}})
        assert f"odd{number}" in {record["name"] for record in run.records["virtual_machines"]}


@pytest.mark.parametrize("selected", [("network_interfaces",), ("assessments",), ("network_interfaces", "assessments")])
def test_tags_hold_where_the_machines_themselves_are_not_selected(sandbox, everything, selected):
    filters = {"machine_tags": {"env": "prod"}}
    catalog = sandbox_catalog(selected)
    run = sync(sandbox.config | {"transform_map": "none"} | filters, catalog)
    passing = expected(everything, filters)
    assert {stream: {r["id"] for r in run.records[stream]} for stream in selected} == {s: passing[s] for s in selected}


def sandbox_catalog(selected):
    catalog = TapMdcVm(validate_config=False, setup_mapper=False).catalog_dict
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["stream"] in selected
    return catalog


def test_the_filters_of_a_run_are_named_in_one_line(sandbox, everything):
    run = check(sandbox, everything, {"resource_groups": ["RG-Blue_1"], "machine_tags": {"Env": ["prod", "dev"]}})
    (line,) = [line for line in run.log if line.startswith("Only what passes")]
    assert line == "Only what passes the filters: resource_groups rg-blue_1; machine_tags.env dev, prod"


def test_azure_filters_all_but_the_membership_in_machines_of_a_tag(sandbox, everything):
    before = len(sandbox.requests)
    check(sandbox, everything, {"resource_groups": ["RG-Blue_1"], "assessment_severities": ["High"]})
    rows = [asked.question for asked in list(sandbox.requests)[before:] if asked.question]
    assert sum("rg-blue_1" in asked.query.lower() for asked in rows) >= 3
