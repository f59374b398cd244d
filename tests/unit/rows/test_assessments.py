from __future__ import annotations

import copy

import pytest
from sent import sent

from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Context

MACHINE_FIELDS = (
    *("vmId", "vmName", "imageOffer", "imageVersion", "osType"),
    *("macAddress", "privateIPAddress", "publicIPAddress"),
)
SOFTWARE = (
    *("softwareName", "softwareVendor", "softwareVersions", "fixedVersion", "fixStatus"),
    *("maxCvssScore", "cves"),
)

PREFIX = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines"
SUFFIX = "providers/Microsoft.Security/assessments/K"


def test_a_full_row_fills_every_field_but_what_azure_left_out(odd_record):
    record = odd_record("assessment-full")
    newer = {"riskLevel", "riskFactors", "attackPaths", "riskIsContextual", "plannedDeprecationDate", *SOFTWARE}
    assert {field for field, value in record.items() if value is None} == {"location", "managedBy", "preview", *newer}
    assert (record["statusCode"], record["statusCause"]) == ("Unhealthy", "ManagementPortsAreOpenToAllSources")
    assert record["additionalData"] == {"NSG open ports": "22"}
    assert record["firstEvaluationDate"] == "2026-02-03T10:51:36.337682Z"


def test_a_cause_of_health_is_kept(odd_record):
    record = odd_record("assessment-healthy-cause")
    assert (record["statusCode"], record["statusCause"]) == ("Healthy", "mdeTvm")


def test_critical_is_a_severity(odd_record):
    record = odd_record("assessment-critical")
    assert record["severity"] == "Critical"
    assert record["additionalData"]["subAssessmentsLink"].endswith("/subAssessments")


def test_two_categories_are_joined_where_there_is_no_category_of_the_said_by(odd_record):
    record = odd_record("assessment-two-categories")
    assert record["categories"] == ["Networking", "Compute"]
    assert record["recommendationCategory"] == "Networking, Compute"


@pytest.mark.parametrize(("number", "cause"), [(0, "UnsupportedPricingPlan"), (1, "OffByPolicy"), (2, "Exempt")])
def test_not_applicable_is_a_status_with_a_cause(odd_record, number, cause):
    record = odd_record("assessment-not-applicable", number)
    assert (record["statusCode"], record["statusCause"]) == ("NotApplicable", cause)


def test_a_preview_is_marked_and_others_are_not(odd_record):
    record = odd_record("assessment-preview")
    assert record["preview"] is True
    assert record["displayName"].startswith("[Preview]")
    assert not record["metadataDisplayName"].startswith("[Preview]")
    assert odd_record("assessment-full")["preview"] is None


def test_a_customers_own_assessment_has_nulls_for_empty_strings_and_keeps_its_empty_object(odd_record):
    record = odd_record("assessment-custom")
    nothing = ("statusCause", "statusDescription", "description", "policyDefinitionId", "azurePortalLink")
    assert {record[field] for field in nothing} == {None}
    assert record["additionalData"] == {}
    assert record["assessmentType"] == "CustomerManaged"


def test_without_metadata_links_and_dates_the_finding_is_a_record(odd_record):
    record = odd_record("assessment-bare")
    assert (record["displayName"], record["statusCode"]) == ("Partner finding", "Unhealthy")
    nothing = ("severity", "categories", "threats", "preview", "azurePortalLink", "firstEvaluationDate")
    assert {record[field] for field in (*nothing, "statusChangeDate", "recommendationCategory")} == {None}


def test_without_severity_and_categories_the_finding_is_a_record(odd_record):
    record = odd_record("assessment-no-severity")
    assert (record["severity"], record["categories"], record["description"]) == (None, [], None)
    assert record["recommendationCategory"] is None


@pytest.mark.parametrize(
    ("oddity", "field", "value"),
    [
        ("assessment-unknown-severity", "severity", "Extreme"),
        ("assessment-informational", "severity", "Informational"),
        ("assessment-severity-case", "severity", "high"),
        ("assessment-unknown-status", "statusCode", "Pending"),
    ],
)
def test_values_outside_azures_lists_are_kept_as_they_are(odd_record, oddity, field, value):
    assert odd_record(oddity)[field] == value


@pytest.mark.parametrize(
    ("form", "source"), [("2020", "Azure"), ("camel", "Azure"), ("resource-id", "Azure"), ("missing", None)]
)
def test_the_resource_is_known_however_little_its_details_say(odd_record, form, source):
    record = odd_record(f"assessment-details-{form}")
    resource = [record[f"resource{part}"] for part in ("Source", "Type", "Provider", "Name")]
    assert resource == [source, "virtualMachines", "Microsoft.Compute", "vm-showcase"]


def test_the_name_from_the_id_is_spelled_as_there():
    row = {"id": f"{PREFIX}/Vm-Ä/{SUFFIX}"}
    assert assessment(sent(row), {}, Context())["resourceName"] == "Vm-Ä"


def test_an_id_in_lower_case_joins_the_same_machine(odd_record):
    lower, other = odd_record("assessment-lower"), odd_record("assessment-full")
    assert lower["virtualMachineId"] == other["virtualMachineId"]
    assert lower["vmId"] == other["vmId"] is not None


def test_a_portal_link_gets_a_scheme_only_where_it_has_none(odd_record, odd_rows):
    for name, scheme in (("assessment-full", "https://"), ("assessment-dates", "")):
        given = odd_rows[name][0]["properties"]["links"]["azurePortal"]
        assert odd_record(name)["azurePortalLink"] == scheme + given
        assert (scheme + given).startswith("https://portal.azure.com/#blade/")


def test_a_portal_link_is_found_under_the_specifications_name_too():
    row = with_properties(links={"azurePortalUri": "portal.azure.us/#x?next=https://example.com"})
    assert assessment(row, {}, Context())["azurePortalLink"] == "https://portal.azure.us/#x?next=https://example.com"


def test_dates_keep_the_digits_that_they_have(odd_record):
    record = odd_record("assessment-dates")
    assert (record["firstEvaluationDate"], record["statusChangeDate"]) == (
        "2026-02-03T10:51:36Z",
        "2026-03-04T05:16:03.674Z",
    )


def test_a_category_of_the_recommendation_wins_over_the_categories(odd_record):
    record = odd_record("assessment-recommendation-category")
    assert (record["recommendationCategory"], record["categories"]) == ("Harden the network", ["Compute"])
    assert (record["firstEvaluationDate"], record["statusChangeDate"]) == ("2026-02-03T10:51:36.337682Z", None)


def test_a_long_text_stays_whole(odd_record):
    record = odd_record("assessment-global")
    assert record["remediationDescription"] == "Repeat until done.<br>" * 400
    assert record["location"] == "global"


def test_a_finding_of_a_machine_that_is_gone_is_a_record_without_a_machine(odd_record):
    record = odd_record("assessment-orphan")
    assert record["virtualMachineId"].endswith("/virtualmachines/vm-deleted-yesterday")
    assert record["resourceName"] == "vm-deleted-yesterday"
    assert {record[field] for field in MACHINE_FIELDS} == {None}


def test_findings_of_twins_join_each_its_own_machine(odd_record):
    first, first_finding, second, second_finding = (odd_record("vm-twin", number) for number in (0, 2, 3, 5))
    assert first_finding["vmName"] == second_finding["vmName"] == "vm-twin"
    for finding, machine in ((first_finding, first), (second_finding, second)):
        assert finding["privateIPAddress"] == machine["privateIPAddress"]
    assert first["privateIPAddress"] != second["privateIPAddress"]


def test_a_finding_joins_a_machine_whose_own_id_is_in_upper_case(odd_record):
    machine, finding = odd_record("vm-upper"), odd_record("vm-upper", 3)
    assert (finding["vmName"], finding["publicIPAddress"]) == ("VM-UPPER", machine["publicIPAddress"])
    assert finding["publicIPAddress"]


NOT_OF_A_MACHINE = [
    *(f"not-machine-{kind}" for kind in ("extension", "scale-set", "instance", "classic", "arc", "on-premise")),
    *(f"not-machine-{kind}" for kind in ("aws", "gcp", "subscription", "subnet")),
    *("not-assessment-sub", "not-assessment-score"),
]


@pytest.mark.parametrize("oddity", NOT_OF_A_MACHINE)
def test_what_is_no_assessment_of_a_virtual_machine_is_left_out(odd_rows, oddity):
    [row] = odd_rows[oddity]
    assert assessment(sent(row), {}, Context()) is None


@pytest.mark.parametrize(
    "identity",
    [
        f"{PREFIX}/V/{SUFFIX}/",
        f"{PREFIX}//{SUFFIX}",
        f"/tenants/T{PREFIX}/V/{SUFFIX}",
        f"{PREFIX}/V/{SUFFIX}".replace("t.C", "tXC"),
        f"{PREFIX}/V",
        "",
    ],
)
def test_an_id_that_only_resembles_an_assessments_is_left_out(identity):
    assert assessment({"id": identity}, {}, Context()) is None


def test_one_assessment_key_may_say_different_things_of_different_machines(odd_rows):
    first = copy.deepcopy(odd_rows["assessment-full"][0])
    first["properties"]["metadata"]["severity"] = "Medium"
    second = copy.deepcopy(first)
    second["properties"]["metadata"] |= {"severity": "Critical", "categories": ["Data"]}
    third = copy.deepcopy(first)
    del third["properties"]["metadata"]
    severities = [assessment(sent(row), {}, Context())["severity"] for row in (first, second, third, first, second)]
    assert severities == ["Medium", "Critical", None, "Medium", "Critical"]


def with_properties(**properties):
    return sent({"id": f"{PREFIX}/V/{SUFFIX}", "properties": properties})


@pytest.mark.parametrize(
    ("link", "whole"),
    [
        ("portal.azure.com/#blade/x", "https://portal.azure.com/#blade/x"),
        ("#blade/x", "https://portal.azure.us/#blade/x"),
        ("/#blade/x", "https://portal.azure.us/#blade/x"),
        ("//portal.azure.cn/#blade/x", "https://portal.azure.cn/#blade/x"),
        ("http://portal.azure.us/#blade/x", "http://portal.azure.us/#blade/x"),
        ("", None),
        (None, None),
    ],
)
def test_a_portal_link_without_a_host_gets_that_of_the_clouds_portal(link, whole):
    row = with_properties(links={"azurePortal": link})
    assert assessment(row, {}, Context("portal.azure.us"))["azurePortalLink"] == whole


def test_of_two_portal_links_the_second_is_kept_among_other_properties():
    record = assessment(with_properties(links={"azurePortal": "a", "azurePortalUri": "b"}), {}, Context())
    assert (record["azurePortalLink"], record["otherProperties"]) == ("https://a", {"links": {"azurePortalUri": "b"}})


@pytest.mark.parametrize("category", ["Unknown", "unknown", "", None])
def test_a_category_that_says_nothing_gives_way_to_the_categories(category):
    metadata = {"recommendationCategory": category, "categories": ["Compute", "Data"]}
    record = assessment(with_properties(metadata=metadata), {}, Context())
    assert (record["recommendationCategory"], record["otherProperties"]) == ("Compute, Data", None)
    assert (
        assessment(with_properties(metadata={"recommendationCategory": category}), {}, Context())[
            "recommendationCategory"
        ]
        is None
    )


@pytest.mark.parametrize(
    ("given", "kind", "rest"),
    [
        ("virtualMachines", "virtualMachines", None),
        ("microsoft.compute/virtualmachines", "virtualMachines", None),
        ("Microsoft.Compute/virtualMachines", "virtualMachines", None),
        (None, "virtualMachines", None),
        ("somethings", "somethings", None),
        ("a/b", "virtualMachines", {"resourceDetails": {"ResourceType": "a/b"}}),
    ],
)
def test_the_type_of_the_resource_has_no_provider(given, kind, rest):
    record = assessment(with_properties(resourceDetails={"ResourceType": given}), {}, Context())
    assert (record["resourceType"], record["resourceProvider"], record["otherProperties"]) == (
        *(kind, "Microsoft.Compute"),
        rest,
    )


def test_what_is_no_date_is_null_counted_and_kept_among_other_properties():
    context = Context()
    status = {"firstEvaluationDate": "soon", "statusChangeDate": "2026-08-28 04:11"}
    record = assessment(with_properties(status=status), {}, context)
    assert (record["firstEvaluationDate"], record["statusChangeDate"]) == (None, "2026-08-28T04:11:00Z")
    assert record["otherProperties"] == {"status": {"firstEvaluationDate": "soon"}}
    assert context.unread == {"assessments.firstEvaluationDate": 1}
    assessment(with_properties(status={"firstEvaluationDate": "", "statusChangeDate": None}), {}, context)
    assert context.unread.total() == 1


@pytest.mark.parametrize("given", [1732099896, 0, False, ["2024-11-20T10:51:36Z"], {"$date": 1732099896}])
def test_what_stands_for_a_date_and_is_no_text_is_kept_as_azure_gave_it(given):
    context = Context()
    record = assessment(with_properties(status={"code": "Healthy", "statusChangeDate": given}), {}, context)
    assert (record["statusCode"], record["statusChangeDate"]) == ("Healthy", None)
    assert record["otherProperties"] == {"status": {"statusChangeDate": given}}
    assert context.unread == {"assessments.statusChangeDate": 1}


def test_risk_is_read_and_its_paths_are_kept():
    risk = {"level": "Critical", "riskFactors": ["", "Exposure"], "isContextualRisk": False, "paths": [{"id": "p"}]}
    record = assessment(with_properties(risk=risk), {}, Context())
    assert (record["riskLevel"], record["riskFactors"], record["attackPaths"]) == ("Critical", ["Exposure"], None)
    assert record["riskIsContextual"] is False
    assert record["otherProperties"] == {"risk": {"paths": [{"id": "p"}]}}


def test_properties_that_are_no_object_are_kept_whole():
    record = assessment(sent({"id": f"{PREFIX}/V/{SUFFIX}", "properties": ["odd"]}), {}, Context())
    assert record["otherProperties"] == {"properties": ["odd"]}
    assert record["statusCode"] is None


def test_a_final_sigma_in_a_resource_group_does_not_keep_a_finding_from_its_machine():
    machine = "/subscriptions/s/resourcegroups/σασ/providers/microsoft.compute/virtualmachines/v"
    row = {"id": f"{machine.replace('σασ', 'ΣΑΣ')}/{SUFFIX}"}
    assert assessment(sent(row), {machine: {"vmName": "v"}}, Context())["vmName"] == "v"
