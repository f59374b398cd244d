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


@pytest.fixture(scope="module")
def finding(captured_tenant, captured_records):
    """Return a function that gives the record of a constructed row by the number it has in the rows' list."""
    by_id = {record["resourceId"]: record for record in captured_records["assessments"]}
    return lambda number: by_id.get(captured_tenant.assessments[number - 1]["id"])


def test_a_full_row_fills_every_field_but_what_azure_left_out(finding):
    record = finding(1)
    newer = {"riskLevel", "riskFactors", "attackPaths", "riskIsContextual", "plannedDeprecationDate", *SOFTWARE}
    assert {field for field, value in record.items() if value is None} == {"location", "managedBy", "preview", *newer}
    assert (record["statusCode"], record["statusCause"]) == ("Unhealthy", "ManagementPortsAreOpenToAllSources")
    assert record["additionalData"] == {"NSG open ports": "22"}
    assert record["firstEvaluationDate"] == "2026-02-03T10:51:36.337682Z"


def test_a_cause_of_health_is_kept(finding):
    assert (finding(2)["statusCode"], finding(2)["statusCause"]) == ("Healthy", "mdeTvm")


def test_critical_is_a_severity(finding):
    assert finding(3)["severity"] == "Critical"
    assert finding(3)["additionalData"]["subAssessmentsLink"].endswith("/subAssessments")


def test_low_and_high_are_severities(finding):
    assert (finding(4)["severity"], finding(5)["severity"]) == ("Low", "High")


def test_two_categories_are_joined_where_there_is_no_category_of_the_said_by(finding):
    record = finding(5)
    assert len(record["categories"]) == 2
    assert record["recommendationCategory"] == ", ".join(record["categories"])


@pytest.mark.parametrize(("number", "cause"), [(6, "UnsupportedPricingPlan"), (7, "OffByPolicy"), (8, "Exempt")])
def test_not_applicable_is_a_status_with_a_cause(finding, number, cause):
    assert (finding(number)["statusCode"], finding(number)["statusCause"]) == ("NotApplicable", cause)


def test_a_preview_is_marked_and_others_are_not(finding):
    assert finding(9)["preview"] is True
    assert finding(9)["displayName"].startswith("[Preview]")
    assert not finding(9)["metadataDisplayName"].startswith("[Preview]")
    assert finding(8)["preview"] is None


def test_a_customers_own_assessment_has_nulls_for_empty_strings_and_keeps_its_empty_object(finding):
    record = finding(10)
    nothing = ("statusCause", "statusDescription", "description", "policyDefinitionId", "azurePortalLink")
    assert {record[field] for field in nothing} == {None}
    assert record["additionalData"] == {}
    assert record["assessmentType"] == "CustomerManaged"


def test_without_metadata_links_and_dates_the_finding_is_a_record(finding):
    record = finding(11)
    assert (record["displayName"], record["statusCode"]) == ("Partner finding", "Unhealthy")
    nothing = ("severity", "categories", "threats", "preview", "azurePortalLink", "firstEvaluationDate")
    assert {record[field] for field in (*nothing, "statusChangeDate", "recommendationCategory")} == {None}


def test_without_severity_and_categories_the_finding_is_a_record(finding):
    record = finding(12)
    assert (record["severity"], record["categories"], record["description"]) == (None, [], None)
    assert record["recommendationCategory"] is None


def test_values_outside_azures_lists_are_kept_as_they_are(captured_tenant, finding):
    for number in (13, 14):
        given = captured_tenant.assessments[number - 1]["properties"]["metadata"]["severity"]
        assert finding(number)["severity"] == given
    assert finding(15)["statusCode"] == "Pending"


@pytest.mark.parametrize(("number", "source"), [(16, "Azure"), (17, "Azure"), (18, "Azure"), (19, None)])
def test_the_resource_is_known_however_little_its_details_say(finding, number, source):
    record = finding(number)
    resource = [record[f"resource{part}"] for part in ("Source", "Type", "Provider", "Name")]
    assert resource == [source, "virtualMachines", "Microsoft.Compute", "vm-dual-stack"]


def test_the_name_from_the_id_is_spelled_as_there():
    row = {"id": f"{PREFIX}/Vm-Ä/{SUFFIX}"}
    assert assessment(sent(row), {}, Context())["resourceName"] == "Vm-Ä"


def test_an_id_in_lower_case_joins_the_same_machine(finding):
    assert finding(20)["virtualMachineId"] == finding(19)["virtualMachineId"]
    assert finding(20)["vmId"] == finding(19)["vmId"] is not None


def test_a_portal_link_gets_a_scheme_only_where_it_has_none(finding):
    assert finding(1)["azurePortalLink"].startswith("https://portal.azure.com/#blade/")
    assert finding(21)["azurePortalLink"] == "https://portal.azure.com/#view/x"


def test_a_portal_link_is_found_under_the_specifications_name_too(captured_tenant):
    row = copy.deepcopy(captured_tenant.assessments[0])
    row["properties"]["links"] = {"azurePortalUri": "portal.azure.us/#x?next=https://example.com"}
    assert (
        assessment(sent(row), {}, Context())["azurePortalLink"] == "https://portal.azure.us/#x?next=https://example.com"
    )


def test_dates_keep_the_digits_that_they_have(finding):
    record = finding(21)
    assert (record["firstEvaluationDate"], record["statusChangeDate"]) == (
        "2026-02-03T10:51:36Z",
        "2026-03-04T05:16:03.674Z",
    )


def test_a_category_of_the_recommendation_wins_over_the_categories(finding):
    record = finding(22)
    assert (record["recommendationCategory"], record["categories"]) == ("Network hygiene", ["Compute"])
    assert (record["firstEvaluationDate"], record["statusChangeDate"]) == ("2026-02-03T10:51:36.337682Z", None)


def test_a_long_text_stays_whole(captured_tenant, finding):
    given = captured_tenant.assessments[22]["properties"]["metadata"]["remediationDescription"]
    assert finding(23)["remediationDescription"] == given
    assert finding(23)["location"] == "global"


def test_a_finding_of_a_machine_that_is_gone_is_a_record_without_a_machine(finding):
    record = finding(24)
    assert record["virtualMachineId"].endswith("/virtualmachines/vm-deleted-yesterday")
    assert record["resourceName"] == "vm-deleted-yesterday"
    assert {record[field] for field in MACHINE_FIELDS} == {None}


def test_findings_of_twins_join_each_its_own_machine(finding):
    first, second = finding(25), finding(26)
    assert first["vmName"] == second["vmName"] == "vm-twin"
    assert (first["privateIPAddress"], second["privateIPAddress"]) == ("10.20.39.4", "10.20.40.4")


def test_a_finding_joins_a_machine_whose_own_id_is_in_upper_case(finding):
    assert (finding(27)["vmName"], finding(27)["publicIPAddress"]) == ("VM-UPPER", "198.51.100.8")


NOT_OF_A_MACHINE = {
    28: "an extension of a machine",
    29: "a uniform scale set",
    30: "an instance of a uniform scale set",
    31: "a classic machine",
    32: "an Arc machine",
    33: "a machine on premises",
    34: "a machine at Amazon",
    35: "a machine at Google",
    36: "a subscription",
    37: "a subnet",
    38: "a sub-assessment",
    39: "a secure score",
}


@pytest.mark.parametrize("number", NOT_OF_A_MACHINE, ids=NOT_OF_A_MACHINE.values())
def test_what_is_no_assessment_of_a_virtual_machine_is_left_out(captured_tenant, number):
    assert assessment(sent(captured_tenant.assessments[number - 1]), {}, Context()) is None


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
    assert assessment(sent({"id": identity}), {}, Context()) is None


def test_one_assessment_key_may_say_different_things_of_different_machines(captured_tenant):
    first = copy.deepcopy(captured_tenant.assessments[0])
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
