"""The made-up tenant: the same for the same arguments, plausible, and odd where it says so."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date

import pytest

from tap_mdc_vm_sandbox import kql
from tap_mdc_vm_sandbox.fleet import SMALLEST_ODD_FLEET, Fleet
from tap_mdc_vm_sandbox.oddities import ODDITIES
from tap_mdc_vm_sandbox.recommendations import CATALOGUE

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VM, NIC, PIP, ASSESSMENT, SOFTWARE, PLAN = (
    "microsoft.compute/virtualmachines",
    "microsoft.network/networkinterfaces",
    "microsoft.network/publicipaddresses",
    "microsoft.security/assessments",
    "microsoft.security/softwareinventories",
    "microsoft.security/pricings",
)


def digest(fleet):
    found = hashlib.sha256()
    for table, lines in fleet.lines().items():
        found.update(table.encode())
        for line in lines:
            found.update(line)
    return found.hexdigest()


def rows_of(fleet, kind):
    return [row for rows in fleet.tables.values() for row in rows if row["type"] == kind]


def test_the_same_arguments_give_the_same_bytes_in_any_process(fleet):
    program = (
        "from test_sandbox_fleet import digest; from tap_mdc_vm_sandbox.fleet import Fleet; print(digest(Fleet()))"
    )
    environment = {"PYTHONHASHSEED": "42", "PYTHONPATH": ":".join(filter(None, sys.path))}
    elsewhere = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert elsewhere.stdout.strip() == digest(fleet)


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 8},
        {"machines": 61},
        {"assessments_per_machine": 12},
        {"subscriptions": 4},
        {"as_of": date(2026, 1, 1)},
        {"software_per_machine": 13},
    ],
)
def test_other_arguments_give_another_tenant(fleet, changed):
    assert digest(Fleet(**changed)) != digest(fleet)


@pytest.mark.parametrize("machines", [0, 1, SMALLEST_ODD_FLEET - 1, SMALLEST_ODD_FLEET, 200])
def test_it_has_as_many_machines_as_were_asked_for(machines):
    fleet = Fleet(machines=machines, subscriptions=2)
    assert len(rows_of(fleet, VM)) == machines
    assert len({row["id"].lower() for row in rows_of(fleet, VM)}) == machines


def test_a_small_one_has_nothing_odd():
    fleet = Fleet(machines=20, subscriptions=2, assessments_per_machine=5)
    assert fleet.oddities == {}
    assert len(fleet.subscriptions) == 2
    assert len(rows_of(fleet, ASSESSMENT)) == 100


@pytest.mark.parametrize("assessments", [0, 1, 2, 11, 42, 300])
def test_an_ordinary_machine_has_as_many_assessments_as_were_asked_for(assessments):
    fleet = Fleet(machines=5, subscriptions=2, assessments_per_machine=assessments)
    found = Counter(machine_of(row) for row in rows_of(fleet, ASSESSMENT))
    assert set(found.values()) == ({assessments} if assessments else set())
    assert len({row["id"].lower() for row in rows_of(fleet, ASSESSMENT)}) == 5 * assessments


def machine_of(row):
    return row["id"].lower().partition("/providers/microsoft.security/")[0]


def test_every_row_has_azures_columns_in_azures_order(fleet):
    for rows in fleet.tables.values():
        for row in rows:
            assert tuple(row) == kql.COLUMNS
            assert row["type"] == row["type"].lower()
            assert row["location"] == row["location"].lower()
            assert row["resourceGroup"] == row["resourceGroup"].lower()
            assert all(isinstance(row[name], str) for name in kql.SCALARS)
            assert not row["subscriptionId"] or GUID.fullmatch(row["subscriptionId"])


def test_no_id_is_given_twice(fleet):
    ids = Counter(row["id"].lower() for rows in fleet.tables.values() for row in rows)
    assert [name for name, times in ids.items() if times > 1] == []


def test_an_ordinary_machine_has_one_interface_that_knows_it():
    fleet = Fleet(machines=30, subscriptions=2)
    interfaces = {row["id"].lower(): row for row in rows_of(fleet, NIC)}
    addresses = {row["id"].lower(): row for row in rows_of(fleet, PIP)}
    for machine in rows_of(fleet, VM):
        for reference in machine["properties"]["networkProfile"]["networkInterfaces"]:
            interface = interfaces[reference["id"].lower()]
            assert interface["properties"]["virtualMachine"]["id"].lower() == machine["id"].lower()
            for configuration in interface["properties"]["ipConfigurations"]:
                public = configuration["properties"].get("publicIPAddress")
                if public:
                    attached = addresses[public["id"].lower()]["properties"]["ipConfiguration"]["id"]
                    assert attached.lower() == configuration["id"].lower()
    macs = [row["properties"]["macAddress"] for row in interfaces.values()]
    assert len(set(macs)) == len(macs)
    assert all(re.fullmatch(r"[0-9A-F]{2}(-[0-9A-F]{2}){5}", mac) for mac in macs)


def test_letter_case_changes_from_reference_to_reference(fleet):
    machines = {row["id"] for row in rows_of(fleet, VM)}
    lower = {name.lower() for name in machines}
    attached = [row["properties"].get("virtualMachine", {}).get("id", "") for row in rows_of(fleet, NIC)]
    assessed = [
        row["id"].lower().partition("/providers/microsoft.security/")[0] for row in fleet.tables["securityresources"]
    ]
    assert any(name and name not in machines and name.lower() in lower for name in attached)
    assert len(lower & set(assessed)) > 20
    spellings = {row["id"].partition("/providers/Microsoft.Security/")[0] for row in fleet.tables["securityresources"]}
    assert any(name not in machines and name.lower() in lower for name in spellings)


def test_the_big_ones_have_two_and_a_half_kilobytes_per_assessment():
    lines = list(Fleet(machines=30).lines()["securityresources"])
    assert 1_800 < sum(map(len, lines)) / len(lines) < 3_000


def test_statuses_and_severities_are_spread(fleet):
    found = [row["properties"] for row in rows_of(fleet, "microsoft.security/assessments")]
    statuses = Counter(properties["status"]["code"] for properties in found)
    assert {"Healthy", "Unhealthy", "NotApplicable"} < set(statuses)
    assert statuses["Unhealthy"] > len(found) / 6
    severities = {properties.get("metadata", {}).get("severity") for properties in found}
    assert {"Low", "Medium", "High", "Critical"} < severities


def test_dates_lie_before_the_last_day_and_have_seven_digits():
    fleet = Fleet(machines=20, as_of=date(2025, 5, 1))
    for row in rows_of(fleet, ASSESSMENT):
        status = row["properties"]["status"]
        first, changed = status["firstEvaluationDate"], status["statusChangeDate"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", first)
        assert first <= changed < "2025-05-02"


def test_the_catalogue_is_complete_and_its_enumerations_are_azures():
    assert len(CATALOGUE) >= 30
    assert len({entry.name for entry in CATALOGUE}) == len({entry.slug for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert entry.severity in {"Low", "Medium", "High", "Critical"}
        assert {entry.impact, entry.effort} <= {"Low", "Moderate", "High"}
        assert set(entry.categories) <= {"Compute", "Networking", "Data", "IdentityAndAccess"}
        assert entry.description.endswith(".")
        assert entry.remediation.startswith("1. ")
        assert all(re.fullmatch(r"[A-Z][A-Za-z]+", threat) for threat in entry.threats)


# What is found since 2026


@pytest.fixture(scope="module")
def large():
    """A tenant without oddities, as of two days of which one is the day after the other."""
    return [Fleet(machines=39, assessments_per_machine=60, as_of=date(2026, 10, day)) for day in (14, 15)]


def by_category(fleet):
    found = {}
    for row in rows_of(fleet, ASSESSMENT):
        found.setdefault(row["properties"]["metadata"].get("recommendationCategory"), []).append(row)
    return found


def test_findings_are_of_all_kinds_in_every_tenant(large):
    kinds = {"SoftwareUpdate", "SystemUpdate", "ExposedSecrets", "HostMisconfigurations", "Unknown", None}
    assert by_category(large[0]).keys() == kinds
    assert by_category(Fleet(machines=12, assessments_per_machine=12)).keys() == kinds


def test_a_finding_keeps_its_id_and_its_dates_from_day_to_day_and_some_go_and_some_are_new(large):
    before, after = ({row["id"]: row["properties"] for row in rows_of(fleet, ASSESSMENT)} for fleet in large)
    stayed = before.keys() & after.keys()
    assert 0.9 * len(before) < len(stayed) < len(before)
    assert len(after) == len(before)
    same = [
        before[name]["status"]["firstEvaluationDate"] == after[name]["status"]["firstEvaluationDate"] for name in stayed
    ]
    assert sum(same) > 0.99 * len(same)
    new = {after[name]["status"]["firstEvaluationDate"][:10] for name in after.keys() - stayed}
    assert "2026-10-14" in new


def test_the_day_changes_no_machine(large):
    assert list(large[0].lines()["resources"]) == list(large[1].lines()["resources"])


def test_a_machine_that_is_up_to_date_has_no_cves_any_more(large):
    for row in by_category(large[0])["SoftwareUpdate"]:
        facts = {name.lower() for name in row["properties"]["additionalData"]}
        assert ("cvesdetails" in facts) == (row["properties"]["status"]["code"] == "Unhealthy")


def cves_of(row):
    """Ids of the CVEs of an assessment, in whichever form it has them."""
    facts = {name.lower(): value for name, value in row["properties"]["additionalData"].items()}
    details = facts.get("cvesdetails", [])
    return [cve["CveId"] for cve in (json.loads(details) if isinstance(details, str) else details)]


def test_cves_are_shared_by_machines_and_by_programs_and_nobody_has_assigned_them(large):
    machines, programs = {}, {}
    for row in by_category(large[0])["SoftwareUpdate"]:
        for cve in cves_of(row):
            assert re.fullmatch(r"CVE-20\d\d-9\d{5}", cve)
            machines.setdefault(cve, set()).add(machine_of(row))
            programs.setdefault(cve, set()).add(row["properties"]["displayName"])
    assert max(map(len, machines.values())) > 5
    assert max(map(len, programs.values())) > 1


def test_facts_of_software_come_in_both_spellings_and_as_json_and_as_text(large):
    forms = {
        (spelling, type(row["properties"]["additionalData"][spelling]))
        for row in by_category(large[0])["SoftwareUpdate"]
        for spelling in row["properties"]["additionalData"]
        if spelling.lower() == "cvesdetails"
    }
    assert forms == {("CvesDetails", str), ("CvesDetails", list), ("cvesDetails", str), ("cvesDetails", list)}


def test_what_recommendations_have_in_common_is_the_same_for_all_machines(large):
    metadata = {}
    for row in rows_of(large[0], ASSESSMENT):
        assert metadata.setdefault(row["name"], row["properties"]["metadata"]) == row["properties"]["metadata"]
    assert len(metadata) > 400


def test_a_large_tenant_has_thousands_of_recommendations():
    lines = Fleet(machines=400, subscriptions=2, assessments_per_machine=100).lines()["securityresources"]
    names = re.compile(rb'"name":"([^"]+)","type":"microsoft.security/assessments"')
    assert len({found[1] for line in lines if (found := names.search(line))}) > 2_000


def test_risk_is_raised_by_context_where_the_plan_knows_it(large):
    fleet = large[0]
    knows = {subscription.id: subscription.posture for subscription in fleet.subscriptions}
    levels, factors, paths = set(), set(), set()
    for row in rows_of(fleet, ASSESSMENT):
        risk, code = row["properties"].get("risk"), row["properties"]["status"]["code"]
        if risk is None:
            continue
        levels.add(risk["level"])
        factors |= set(risk["riskFactors"])
        paths |= set(risk["attackPathsReferences"])
        assert (risk["level"] == "None") == (code != "Unhealthy")
        assert risk["isContextualRisk"] == (knows[row["subscriptionId"]] and code == "Unhealthy")
        if not risk["isContextualRisk"] and code == "Unhealthy":
            assert risk["level"] == row["properties"]["metadata"]["severity"]
    assert levels == {"None", "Low", "Medium", "High", "Critical"}
    assert "Internet exposure" in factors
    assert len(paths) > 3


def test_software_is_listed_where_the_plan_does_it_and_agrees_with_the_findings(large):
    fleet = large[0]
    lists = {subscription.id for subscription in fleet.subscriptions if subscription.has_inventory}
    found = rows_of(fleet, SOFTWARE)
    assert {row["subscriptionId"] for row in found} == lists < {s.id for s in fleet.subscriptions}
    known = {(machine_of(row), row["properties"]["softwareName"]): row["properties"] for row in found}
    assert len(known) == len(found)
    updates = [row for row in by_category(fleet)["SoftwareUpdate"] if cves_of(row)]
    for row in updates:
        program = known.get((machine_of(row), row["properties"]["displayName"].removeprefix("Update ")))
        if program:
            assert program["numberOfKnownVulnerabilities"] == len(cves_of(row))
    assert max(Counter(row["name"] for row in found).values()) > 4
    assert len({row["properties"]["endOfSupportStatus"] for row in found}) > 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["properties"]["firstSeenAt"]) for row in found)


def test_every_subscription_has_its_plans(fleet):
    plans = {(row["subscriptionId"], row["name"]): row["properties"] for row in rows_of(fleet, PLAN)}
    for subscription in fleet.subscriptions:
        servers = plans[subscription.id, "VirtualMachines"]
        assert (servers["pricingTier"] == "Standard", servers.get("subPlan", "")) == (
            bool(subscription.servers),
            subscription.servers,
        )
        assert (plans[subscription.id, "CloudPosture"]["pricingTier"] == "Standard") == subscription.posture
    assert plans[fleet.subscription("quiet").id, "FoundationalCspm"]["pricingTier"] == "Free"
    assert any(plan["deprecated"] and plan["replacedBy"] for plan in plans.values())


# Subscriptions


def test_the_odd_subscriptions_are_what_they_say(fleet):
    state = {
        row["subscriptionId"]: row["properties"]["state"] for row in rows_of(fleet, "microsoft.resources/subscriptions")
    }
    assert state[fleet.subscription("disabled").id] == "Disabled"
    assert fleet.subscription("lighthouse").tenant != fleet.tenant_id
    assert not fleet.subscription("hidden").readable
    machines = Counter(row["subscriptionId"] for row in rows_of(fleet, VM))
    assessed = Counter(row["subscriptionId"] for row in rows_of(fleet, ASSESSMENT))
    quiet = fleet.subscription("quiet").id
    assert (machines[quiet], assessed[quiet]) == (2, 0)
    assert machines[fleet.subscription("disabled").id] == 0


def test_the_chain_above_a_subscription_names_its_management_groups(fleet):
    groups = {row["name"] for row in rows_of(fleet, "microsoft.management/managementgroups")}
    for row in rows_of(fleet, "microsoft.resources/subscriptions"):
        chain = [group["name"] for group in row["properties"]["managementGroupAncestorsChain"]]
        assert set(chain) <= groups
        assert (chain[-1:] == [fleet.tenant_id]) == (row["tenantId"] == fleet.tenant_id)
    assert len(groups) > 2


# Oddities: what each says of itself is true


def test_each_oddity_is_there_and_described(fleet):
    assert fleet.oddities.keys() == ODDITIES.keys()
    tables = {table: {row["id"]: row for row in rows} for table, rows in fleet.tables.items()}
    for oddity in fleet.oddities.values():
        assert oddity.what
        assert all(tables[table][row["id"]] for table, row in oddity.rows)


def odd(fleet, name):
    """The row as it arrives: after JSON."""
    row = fleet.oddities[name].row
    table = fleet.oddities[name].rows[0][0]
    return next(found for found in fleet.tables[table] if found["id"] == row["id"])


def properties(fleet, name):
    return odd(fleet, name)["properties"]


def related(fleet, name, kind):
    return [row for _, row in fleet.oddities[name].rows if row["type"] == kind]


CLAIMS = {
    "vm-no-nic": lambda p: p["networkProfile"]["networkInterfaces"] == [],
    "vm-no-network-profile": lambda p: "networkProfile" not in p,
    "vm-specialised": lambda p: "osProfile" not in p and "imageReference" not in p["storageProfile"],
    "vm-managed-image": lambda p: list(p["storageProfile"]["imageReference"]) == ["id"],
    "vm-community-image": lambda p: "communityGalleryImageId" in p["storageProfile"]["imageReference"],
    "vm-gallery-version": lambda p: "/versions/" in p["storageProfile"]["imageReference"]["id"],
    "vm-spot-evicted": lambda p: (p["priority"], p["evictionPolicy"]) == ("Spot", "Deallocate"),
    "vm-new": lambda p: "extended" not in p and p["provisioningState"] == "Creating",
    "vm-flex-member": lambda p: "virtualMachineScaleSet" in p,
    "vm-unmanaged-disk": lambda p: (
        "vhd" in p["storageProfile"]["osDisk"] and "managedDisk" not in p["storageProfile"]["osDisk"]
    ),
    "vm-trusted-launch": lambda p: p["securityProfile"]["securityType"] == "TrustedLaunch",
    "vm-availability-set": lambda p: p["availabilitySet"]["id"].endswith("/SET-01"),
    "vm-stopped": lambda p: p["extended"]["instanceView"]["powerState"]["code"] == "PowerState/stopped",
    "nic-detached": lambda p: "virtualMachine" not in p and p["macAddress"],
    "nic-private-endpoint": lambda p: p["macAddress"] == "" and "primary" not in p,
    "pip-unattached": lambda p: "ipConfiguration" not in p and p["ipAddress"],
    "pip-unallocated": lambda p: "ipAddress" not in p,
    "assessment-bare": lambda p: not {"metadata", "links"} & p.keys() and p["status"].keys() == {"code"},
    "assessment-critical": lambda p: (
        p["metadata"]["severity"] == "Critical" and "subAssessmentsLink" in p["additionalData"]
    ),
    "assessment-preview": lambda p: p["metadata"]["preview"] and p["displayName"].startswith("[Preview]"),
    "assessment-custom": lambda p: p["status"]["cause"] == "" and "links" not in p and p["additionalData"] == {},
    "assessment-no-severity": lambda p: "severity" not in p["metadata"] and p["metadata"]["categories"] == [],
    "assessment-severity-case": lambda p: p["metadata"]["severity"] == "high",
    "assessment-unknown-status": lambda p: p["status"]["code"] == "Pending",
    "assessment-details-2020": lambda p: p["resourceDetails"].keys() == {"Source", "Id"},
    "assessment-details-camel": lambda p: "resourceName" in p["resourceDetails"],
    "assessment-details-missing": lambda p: "resourceDetails" not in p,
    "assessment-dates": lambda p: p["links"]["azurePortal"].startswith("https://"),
    "assessment-recommendation-category": lambda p: p["metadata"]["recommendationCategory"],
    "assessment-initiatives": lambda p: p["statusPerInitiative"],
    "assessment-full": lambda p: p["additionalData"] == {"NSG open ports": "22"},
    "finding-update-as-text": lambda p: isinstance(p["additionalData"]["CvesDetails"], str) and p["risk"]["paths"],
    "finding-update-in-camel-case": lambda p: isinstance(p["additionalData"]["cvesDetails"], list),
    "finding-update-settled": lambda p: p["status"]["code"] == "Healthy" and p["risk"] == {"level": "None"},
    "finding-update-large": lambda p: len(json.dumps(p)) > 80_000,
    "finding-system-update": lambda p: p["metadata"]["recommendationCategory"] == "SystemUpdate",
    "finding-secret": lambda p: p["metadata"]["recommendationCategory"] == "ExposedSecrets",
    "finding-setting": lambda p: p["risk"]["isContextualRisk"] is False and p["additionalData"] == {},
    "finding-kept-key": lambda p: p["metadata"]["recommendationCategory"] == "Unknown",
    "finding-bare-risk": lambda p: p["risk"] is p["additionalData"] is None and "futureThing" in p,
    "finding-odd-text": lambda p: {"\n", "\t", '"', "\\", "\0", "\U0001f6e1"} <= set(p["displayName"]),
    "finding-large-value": lambda p: len(p["additionalData"]["Evidence"]) >= 290_000,
    "finding-unknown-form": lambda p: p["resourceDetails"]["ResourceType"] == VM,
    "software-unsupported": lambda p: p["endOfSupportStatus"] == "noLongerSupported",
    "software-dates": lambda p: p["firstSeenAt"].endswith("Z"),
    "plan-trial": lambda p: p["resourcesCoverageStatus"] == "PartiallyCovered",
    "plan-replaced": lambda p: p["deprecated"] and len(p["replacedBy"]) == 2,
    "not-machine-arc": lambda p: p["resourceDetails"]["Source"] == "Azure",
    "not-machine-aws": lambda p: p["resourceDetails"]["Source"] == "Aws",
    "not-machine-on-premise": lambda p: p["resourceDetails"]["Source"] == "OnPremise",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_an_oddity_is_what_it_says(fleet, name):
    assert CLAIMS[name](properties(fleet, name))


def test_the_unreadable_interface_has_no_row(fleet):
    (reference,) = properties(fleet, "vm-nic-unreadable")["networkProfile"]["networkInterfaces"]
    assert reference["id"].lower() not in {row["id"].lower() for row in rows_of(fleet, NIC)}


def test_the_foreign_address_lies_in_the_hidden_subscription(fleet):
    (address,) = related(fleet, "vm-foreign-ip", PIP)
    assert address["subscriptionId"] == fleet.subscription("hidden").id


@pytest.mark.parametrize("name", ["vm-two-none-primary", "vm-primary-on-nic"])
def test_two_interfaces_of_which_the_machine_marks_none(fleet, name):
    references = properties(fleet, name)["networkProfile"]["networkInterfaces"]
    assert [reference.keys() for reference in references] == [{"id"}, {"id"}]
    marked = [row["properties"].get("primary") for row in related(fleet, name, NIC)]
    assert marked == ([None, None] if name == "vm-two-none-primary" else [False, True])


def test_macs_that_are_empty_null_or_missing(fleet):
    assert related(fleet, "vm-mac-on-second", NIC)[0]["properties"]["macAddress"] == ""
    assert related(fleet, "vm-mac-null", NIC)[0]["properties"]["macAddress"] is None
    assert "macAddress" not in related(fleet, "vm-mac-missing", NIC)[0]["properties"]


def test_the_primary_configuration_is_second(fleet):
    (interface,) = related(fleet, "vm-config-order", NIC)
    assert [c["properties"]["primary"] for c in interface["properties"]["ipConfigurations"]] == [False, True]


def test_the_loud_machine_is_meant_by_quieter_references(fleet):
    row = odd(fleet, "vm-upper")
    (interface,) = related(fleet, "vm-upper", NIC)
    (finding,) = related(fleet, "vm-upper", "microsoft.security/assessments")
    assert row["name"] == "VM-UPPER"
    reference = interface["properties"]["virtualMachine"]["id"]
    assert reference != row["id"]
    assert reference.lower() == row["id"].lower() == finding["id"].lower().partition("/providers/microsoft.security")[0]


def test_the_twins_share_a_name_and_nothing_else(fleet):
    twins = related(fleet, "vm-twin", VM)
    assert [twin["name"] for twin in twins] == ["vm-twin", "vm-twin"]
    assert twins[0]["properties"]["vmId"] != twins[1]["properties"]["vmId"]
    assert twins[1]["resourceGroup"] == "größe.(prod)_1"


def test_the_orphan_names_a_machine_that_is_gone(fleet):
    machine = odd(fleet, "assessment-orphan")["id"].lower().partition("/providers/microsoft.security")[0]
    assert machine not in {row["id"].lower() for row in rows_of(fleet, VM)}


def test_look_alikes_are_no_assessments_of_machines(fleet):
    machine = re.compile(
        r"(?i)/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Compute/virtualMachines/[^/]+"
    )
    for name, oddity in fleet.oddities.items():
        if name.startswith("not-"):
            subject = oddity.row["id"].partition("/providers/Microsoft.Security/")[0]
            assert oddity.row["type"] != "microsoft.security/assessments" or not machine.fullmatch(subject), name


def test_rows_of_assessments_are_as_large_as_is_asked_for():
    ordinary = Fleet(machines=5, assessments_per_machine=4, row_size=9_000)
    sizes = [len(line) for line in ordinary.lines()["securityresources"] if b'"microsoft.security/assessments"' in line]
    assert set(sizes) == {9_000}
    assert list(ordinary.lines()["securityresources"]) == list(ordinary.lines()["securityresources"])
