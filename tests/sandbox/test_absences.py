"""What a run says of what one expects and does not find, and what Test Connection says of it."""

from __future__ import annotations

import pytest
from runs import sync
from tenants import EMPTY, Also

from tap_mdc_vm import connection_test, queries
from tap_mdc_vm.settings import Settings
from tap_mdc_vm_sandbox import Fleet, Sandbox
from tap_mdc_vm_sandbox.graph_api import Limits

pytestmark = pytest.mark.usefixtures("bare_environment", "impatient")

VM = "/subscriptions/{}/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm"
TAIL = "/providers/Microsoft.Security/assessments/11111111-1111-4111-8111-111111111111"


def plan(subscription, name="FoundationalCspm", tier="Standard"):
    return {
        "id": f"/subscriptions/{subscription}/providers/Microsoft.Security/pricings/{name}",
        "name": name,
        "type": "microsoft.security/pricings",
        "subscriptionId": subscription,
        **EMPTY,
        "properties": {"pricingTier": tier},
    }


def assessment(subscription, id_, **details):
    return {
        "id": id_.format(subscription) + TAIL,
        "name": TAIL[-36:],
        "type": "microsoft.security/assessments",
        "subscriptionId": subscription,
        **EMPTY,
        "properties": {"resourceDetails": details, "status": {"code": "Unhealthy"}, "metadata": {"severity": "High"}},
    }


PLAIN = Fleet(machines=12, assessments_per_machine=2, subscriptions=1)
ONLY = PLAIN.ordinary[0].id
SHAPE = {"machines": 12, "assessments_per_machine": 2, "subscriptions": 1}


def ran(rows=(), *, without=(), limits=None, checks=False, fleet=PLAIN, **config):
    shape = {"machines": fleet.machines, "assessments_per_machine": 2, "subscriptions": len(fleet.ordinary)}
    tenant = Also(security=rows, silent=without, **shape)
    with Sandbox(tenant, quota=None, **({"limits": limits} if limits else {})) as sandbox:
        settings = sandbox.config | {"transform_map": "none"} | config
        if not checks:
            return sync(settings)
        with connection_test.Run(Settings.from_config(settings, {})) as parts:
            named = connection_test.Checks(parts)
            named.authorization()
            return named.data_fetch()


def line(run, start):
    found = [each for each in run.log if start in each]
    return found[0] if found else ""


# Subscriptions with machines and without assessments

REASONS = {
    "off": ([plan(ONLY, tier="Free"), plan(ONLY, "VirtualMachines", "Free")], "Foundational CSPM is off"),
    "unregistered": ([], "no Defender plan is registered there"),
    "none of these": ([plan(ONLY), plan(ONLY, "CloudPosture", "Free")], "its Defender plans don't tell why"),
}


@pytest.mark.parametrize(("rows", "reason"), REASONS.values(), ids=REASONS)
def test_why_a_subscription_has_no_assessment_is_in_the_log_the_summary_and_the_test(rows, reason):
    run = ran(rows, without=[ONLY])
    assert run.error is None
    assert run.summary["subscriptions"]["withoutAssessments"] == [ONLY]
    assert reason in run.summary["subscriptions"]["reasons"][ONLY]
    assert reason in line(run, f"Machines, but no assessment in: {ONLY}.")
    assert f"Machines, but no assessment in: {ONLY}. Why: {reason}" in ran(rows, without=[ONLY], checks=True)


def test_that_the_plans_can_not_be_read_is_a_reason_too(monkeypatch):
    without = "| where type =~ 'microsoft.security/pricings'"
    monkeypatch.setattr(queries, "text", lambda name, text=queries.text: text(name).replace(without, "| where nothing"))
    run = ran(without=[ONLY])
    assert "its Defender plans can't be read (InvalidQuery)" in run.summary["subscriptions"]["reasons"][ONLY]
    assert run.error is None


def test_in_china_the_reason_needs_no_question():
    run = ran(without=[ONLY], cloud="AzureChinaCloud")
    assert "retired Defender for Cloud in Azure China" in run.summary["subscriptions"]["reasons"][ONLY]
    assert "defender_plans" not in run.summary


def test_plans_are_not_asked_for_where_every_subscription_has_assessments():
    with Sandbox(Also(machines=12, assessments_per_machine=2, subscriptions=1), quota=None) as sandbox:
        run = sync(sandbox.config)
        assert not any("pricings" in asked.question.query for asked in sandbox.requests if asked.question)
    assert run.summary["subscriptions"]["reasons"] == {}


def test_a_filter_that_no_assessment_passes_is_no_reason_to_warn():
    run = ran(assessment_statuses=["NotApplicable"], assessment_severities=["Critical"])
    assert run.records["assessments"] == []
    assert run.summary["subscriptions"]["withoutAssessments"] == []


# Filters that no machine passes


@pytest.mark.parametrize("filters", [{"machine_tags": {"env": "prodd"}}, {"resource_groups": ["no-such-group"]}])
def test_filters_that_no_machine_passes_are_named_in_the_log_and_the_test(filters):
    (name,) = filters
    said = f"No virtual machine passes {name}: check what it says."
    run = ran(**filters)
    assert run.error is None
    assert line(run, said)
    note = ran(checks=True, **filters)
    assert said in note
    assert "Reader" not in note
    assert "nothing in scope has a virtual machine" not in note


def test_no_filter_is_named_that_a_machine_passes():
    assert not line(ran(assessment_severities=["Low"]), "No virtual machine passes")
    assert not line(ran(machine_tags={}), "No virtual machine passes")


# Assessments whose ids nobody knows

KNOWN = {
    "a machine's own": VM,
    "an instance of a uniform scale set": VM.replace(
        "virtualMachines/vm", "virtualMachineScaleSets/x/virtualMachines/0"
    ),
    "an extension": VM + "/extensions/e",
    "a classic machine": VM.replace("Microsoft.Compute", "Microsoft.ClassicCompute"),
    "an Arc machine": VM.replace("Microsoft.Compute/virtualMachines", "Microsoft.HybridCompute/machines"),
}
DETAILS = {
    "of 2025": {"Source": "Azure", "ResourceType": "virtualMachines", "ResourceProvider": "Microsoft.Compute"},
    "individual": {"Source": "Azure", "ResourceType": "microsoft.compute/virtualmachines"},
    "by id": {"source": "Azure", "id": VM.format(ONLY).lower()},
}


@pytest.mark.parametrize("details", DETAILS.values(), ids=DETAILS)
def test_assessments_of_machines_under_ids_of_another_form_are_counted_and_one_is_named(details):
    odd = [assessment(ONLY, VM + f"/providers/Microsoft.New/software/{number}", **details) for number in range(3)]
    run = ran(odd)
    assert run.error is None
    assert "than those that are known: 3, such as" in line(run, "another form")
    assert any(each["id"] in line(run, "another form") for each in odd)
    assert "than those that are known: 3, such as" in ran(odd, checks=True)


@pytest.mark.parametrize("id_", KNOWN.values(), ids=KNOWN)
def test_forms_that_are_known_are_not_counted(id_):
    run = ran([assessment(ONLY, id_, **DETAILS["individual"])])
    assert line(run, "another form") == ""


def test_what_azure_calls_something_else_is_not_counted():
    other = assessment(
        ONLY, VM.replace("Compute/virtualMachines", "Network/virtualNetworks"), ResourceType="virtualNetworks"
    )
    assert line(ran([other]), "another form") == ""


def test_filters_on_assessments_hold_for_the_count_too():
    odd = [assessment(ONLY, VM + "/providers/Microsoft.New/software/1", **DETAILS["individual"])]
    assert line(ran(odd, assessment_statuses=["Healthy"]), "another form") == ""


def test_that_the_question_is_refused_is_said_and_ends_nothing():
    run = ran(limits=Limits(lacking=frozenset({"case"})))
    assert run.error is None
    assert run.summary["complete"] is True
    assert "Not known is whether assessments" in line(run, "Not known")


# A table that a cloud lacks


LACKING = Limits(lacking=frozenset({"securityresources"}))


def test_a_cloud_without_the_table_ends_a_strict_run_with_its_name():
    run = ran(limits=LACKING)
    assert "This cloud has no such table" in str(run.error)
    assert "Table securityresources" in str(run.error)
    assert "fault of tap-mdc-vm" not in str(run.error)


def test_with_warn_the_other_streams_go_on_and_the_run_is_not_complete():
    run = ran(limits=LACKING, on_incomplete="warn", emit_activate_version_messages=True)
    assert run.error is None
    assert len(run.records["virtual_machines"]) == 12
    assert run.records["assessments"] == []
    assert run.summary["complete"] is False
    activated = [message["stream"] for message in run.messages if message["type"] == "ACTIVATE_VERSION"]
    assert activated == ["virtual_machines", "network_interfaces"]
    assert run.summary["subscriptions"]["withoutAssessments"] == []  # nothing is known of them


# Machines that nobody read


def test_machines_that_findings_name_and_that_are_gone_are_counted(monkeypatch):
    run = ran([assessment(ONLY, VM, **DETAILS["individual"])])
    assert line(run, "not there any more").endswith(": 1")


def test_machines_that_azure_leaves_out_of_its_answers_are_named(monkeypatch):
    text = queries.text
    short = "| where name !endswith '1'\n| project"
    seen = []

    def leaving_out(name):
        """The machines' query, which lacks some at first, as an answer that leaves rows out does."""
        if name != "virtual_machines" or seen.count(name):
            return text(name)
        seen.append(name)
        return text(name).replace("| project", short)

    monkeypatch.setattr(queries, "text", leaving_out)
    run = ran()
    assert len(run.records["virtual_machines"]) < 12
    assert "were not read" in line(run, "were not read")
    assert run.error is None


def test_machines_that_azure_never_shows_are_told_from_deleted_ones_by_their_interfaces(monkeypatch):
    hiding = {"virtual_machines": "| where name !endswith '1'\n| project"}
    monkeypatch.setattr(
        queries, "text", lambda name, text=queries.text: text(name).replace("| project", hiding.get(name, "| project"))
    )
    run = ran()
    assert len(run.records["virtual_machines"]) < 12
    assert "interfaces are still attached to them" in line(run, "were not read")
    assert line(run, "not there any more") == ""
    assert run.error is None


def test_an_interface_whose_machine_has_no_id_is_a_record_and_names_no_machine_that_was_not_read():
    interface = EMPTY | {
        "id": f"/subscriptions/{ONLY}/resourceGroups/RG/providers/Microsoft.Network/networkInterfaces/odd",
        "name": "odd",
        "type": "microsoft.network/networkinterfaces",
        "subscriptionId": ONLY,
        "properties": {"virtualMachine": {"id": []}},  # an array is not empty to Kusto, whatever it holds
    }
    with Sandbox(Also(resources=[interface], **SHAPE), quota=None) as sandbox:
        run = sync(sandbox.config | {"transform_map": "none"})
    assert [each["virtualMachineId"] for each in run.records["network_interfaces"] if each["name"] == "odd"] == [None]
    assert line(run, "not there any more") == line(run, "were not read") == ""
    assert run.error is None
