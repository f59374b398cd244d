"""Vulnerabilities, software and plans, each against what somebody reads from the rows by hand or by a second way."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import plan_record, program_record, vulnerability_records
from sent import sent

from tap_mdc_vm import packaged
from tap_mdc_vm.joins import MachineIndex
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.software import software
from tap_mdc_vm.rows.vulnerabilities import vulnerabilities
from tap_mdc_vm.sources import SOURCES

MACHINE = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V"
FINDING = {"id": f"{MACHINE}/providers/Microsoft.Security/assessments/K"}
PROGRAM = {"id": f"{MACHINE}/providers/Microsoft.Security/softwareInventories/curl_8.5.0-2"}


@pytest.fixture(scope="module")
def constructed(shared):
    """Return a function that reads a file of constructed rows."""
    return lambda name: json.loads((shared / f"azure/rows/constructed/{name}.json").read_text(encoding="utf-8"))


def of(additional, *, context=None):
    """The vulnerabilities of an assessment with this additional data."""
    row = FINDING | {"properties": {"additionalData": additional}}
    context = context or Context()
    return vulnerabilities(assessment(sent(row), {}, context), context)


def with_fields_of(stream, record):
    return list(record) == list(packaged.schema(stream)["properties"])


def test_vulnerabilities_of_individual_findings_are_those_that_the_oracle_expects(captured_tenant, individual):
    newer = replace(captured_tenant, assessments=individual)
    made = [each for record in newer.records()["assessments"] for each in vulnerabilities(record, Context())]
    assert made == vulnerability_records(newer)
    assert [each["cveId"] for each in made] == ["CVE-2023-0464", "CVE-2024-2398", "CVE-2024-7264"]
    assert all(with_fields_of("vulnerabilities", each) for each in made)


def test_programs_are_those_that_the_oracle_expects(captured_tenant, captured_records, constructed):
    machines = MachineIndex()
    for record in captured_records["virtual_machines"]:
        machines.add(record)
    rows = constructed("software-inventories")
    machine = captured_tenant.virtual_machines[0]["id"]
    rows += [row | {"id": f"{machine}/{'/'.join(row['id'].split('/')[9:])}"} for row in rows]
    made = [software(sent(row), machines, Context()) for row in rows]
    assert made == [program_record(captured_tenant, row) for row in rows]
    assert [each["vmId"] is None for each in made] == [True] * 3 + [False] * 3
    assert all(with_fields_of("software", each) for each in made)


def test_plans_are_those_that_the_oracle_expects(constructed):
    rows = constructed("pricings")
    made = [SOURCES["defender_plans"].record(sent(row), None, Context()) for row in rows]
    assert made == [plan_record(row) for row in rows]
    assert {each["name"]: each["deprecated"] for each in made if each["deprecated"] is not None} == {"Dns": True}
    assert all(with_fields_of("defender_plans", each) for each in made)


CVE = {
    "CveId": "CVE-2023-1",
    "Severity": "High",
    "FixStatus": "NoFix",
    "FixedVersion": "2",
    "PublishedDate": "2023-03-22",
}


def in_camel_case(node):
    if isinstance(node, dict):
        return {name[:1].lower() + name[1:]: in_camel_case(value) for name, value in node.items()}
    return [in_camel_case(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("written", [lambda cves: cves, json.dumps], ids=["JSON", "text"])
@pytest.mark.parametrize("spelled", [lambda cves: cves, in_camel_case], ids=["PascalCase", "camelCase"])
def test_the_details_of_a_cve_are_read_however_they_are_written(written, spelled):
    cvss = [{"Key": "3.0", "Value": {"Base": 7.5, "CvssVectorString": "CVSS:3.1/AV:N"}}]
    for name in ("CvesDetails", "cvesDetails", "CVESDETAILS"):
        [record] = of({name: written(spelled([CVE | {"Cvss": cvss}]))})
        told = ("cveId", "severity", "fixStatus", "fixedVersion", "publishedDate", "cvssScore", "cvssVector")
        assert [record[field] for field in told] == [
            *("CVE-2023-1", "High", "NoFix", "2", "2023-03-22T00:00:00Z", 7.5, "CVSS:3.1/AV:N")
        ]


@pytest.mark.parametrize(
    ("cvss", "score", "vector"),
    [
        ([{"Key": "2.0", "Value": {"Base": 5}}, {"Key": "3.0", "Value": {"Base": 7.5}}], 7.5, None),
        (
            [{"Key": "10.0", "Value": {"Base": 1, "CvssVectorString": "x"}}, {"Key": "9.0", "Value": {"Base": 2}}],
            1,
            "x",
        ),
        (
            [
                {"Key": "4.0", "Value": None},
                {"Key": "3.0", "Value": {"CvssVectorString": "y"}},
                {"Key": "2.0", "Value": {"Base": "6.1"}},
            ],
            6.1,
            None,
        ),
        (
            {
                "3.0": {"base": 6.1, "cvssVectorString": "v3"},
                "2.0": None,
                "4.0": {"base": 4.8, "cvssVectorString": "v4"},
            },
            4.8,
            "v4",
        ),
        ('[{"Key": "3.0", "Value": {"Base": 7.5}}]', 7.5, None),
        *(
            (nothing, None, None)
            for nothing in (None, "", [], {}, "text", 7, [7], [{}], {"3.0": 7}, {"3.0": {"base": "x"}})
        ),
    ],
)
def test_the_score_is_that_of_the_newest_version_that_has_one(cvss, score, vector):
    [record] = of({"CvesDetails": json.dumps([CVE | {"Cvss": cvss}])})
    assert (record["cvssScore"], record["cvssVector"]) == (score, vector)


def test_a_version_of_cvss_may_have_more_digits_than_python_reads_as_a_number():
    cvss = [{"Key": "3.1", "Value": {"Base": 7.5}}, {"Key": "9" * 5000, "Value": {"Base": 5}}]
    [record] = of({"CvesDetails": [{"CveId": "CVE-2023-1", "Cvss": cvss}]})
    assert record["cvssScore"] == 5


@pytest.mark.parametrize("written", [lambda cves: cves, json.dumps], ids=["JSON", "text"])
def test_the_details_of_a_cve_are_read_where_only_some_names_are_spelled_as_documented(written):
    cve = {"CveId": "CVE-2023-1", "severity": "High", "FIXSTATUS": "NoFix", "cvss": {"3.0": {"Base": 7.5}}}
    [record] = of({"CvesDetails": written([CVE | {"CveId": "CVE-2023-0"}, cve])})[1:]
    assert (record["severity"], record["fixStatus"], record["cvssScore"]) == ("High", "NoFix", 7.5)


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_score_without_end_leaves_a_cve_without_one(number):
    cvss = f'[{{"Key": "3.0", "Value": {{"Base": {number}}}}}]'
    [record] = of({"CvesDetails": f'[{{"CveId": "CVE-2023-1", "Severity": "High", "Cvss": {cvss}}}]'})
    assert (record["severity"], record["cvssScore"], record["cvssVector"]) == ("High", None, None)


def test_what_a_cve_does_not_say_of_its_fix_the_software_says_and_its_severity_nobody():
    additional = {"FixStatus": "FixAvailable", "FixedVersion": "1.2", "CvesDetails": [{"CveId": "cve-2024-1"}]}
    [record] = of(additional)
    assert (record["cveId"], record["fixStatus"], record["fixedVersion"]) == ("CVE-2024-1", "FixAvailable", "1.2")
    assert (record["severity"], record["cvssScore"], record["publishedDate"]) == (None, None, None)


def test_a_cve_that_comes_twice_is_one_record():
    cves = [CVE, CVE | {"CveId": "cve-2023-1", "Severity": "Low"}, CVE | {"CveId": "CVE-2023-2"}]
    assert [(each["cveId"], each["severity"]) for each in of({"CvesDetails": cves})] == [
        ("CVE-2023-1", "High"),
        ("CVE-2023-2", "High"),
    ]


def test_a_date_that_is_none_is_null_and_counted():
    context = Context()
    [record] = of({"CvesDetails": [CVE | {"PublishedDate": "soon"}]}, context=context)
    assert record["publishedDate"] is None
    assert context.unread == {"vulnerabilities.publishedDate": 1}


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e9, 1e9) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["CveId", "cveId", "Cvss", "Key", "Value", "Base", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        *("SoftwareName", "softwareName", "SOFTWAREVENDOR", "DetectedSoftwareVersions", "FixedVersion"),
        *("FixStatus", "MaxCvssScore", "CvesDetails", "cvesDetails", "unknown"),
    ]
)


@given(
    st.dictionaries(names, anything | anything.map(json.dumps) | anything.map(json.dumps).map(lambda text: text[:-1]))
)
def test_no_additional_data_fails_a_row(additional):
    record = assessment(sent(FINDING | {"properties": {"additionalData": additional}}), {}, Context())
    made = vulnerabilities(record, Context())
    assert [each["cveId"] for each in made] == (record["cves"] or [])
    assert all(each == each.upper() for each in record["cves"] or [])


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.10", "1.10"), ('"1.10"', "1.10"), (1.5, "1.5"), ("", None), (None, None), ("007", "007"), ('"', '"')],
)
def test_a_version_is_a_text_though_it_reads_as_a_number(value, text):
    record = assessment(sent(FINDING | {"properties": {"additionalData": {"FixedVersion": value}}}), {}, Context())
    assert record["fixedVersion"] == text or record["fixedVersion"] is text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((9.8, 9.8), ("9.8", 9.8), (10, 10), ("10", 10), ("", None), (None, None), ("high", None), (True, None)),
        *(("true", None), ([9.8], None), ("1e999", None), (10**400, None), ("NaN", None)),
    ],
)
def test_a_score_is_a_number_also_in_a_text(value, number):
    record = assessment(sent(FINDING | {"properties": {"additionalData": {"maxCvssScore": value}}}), {}, Context())
    assert record["maxCvssScore"] == number


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), (3.0, 3), (0, 0), (3.5, None), ("x", None), (None, None), (True, None), ([3], None)],
)
def test_known_vulnerabilities_are_a_whole_number(value, number):
    record = software(sent(PROGRAM | {"properties": {"numberOfKnownVulnerabilities": value}}), {}, Context())
    assert record["numberOfKnownVulnerabilities"] == number


def test_what_is_no_program_on_a_virtual_machine_is_left_out():
    for identity in (
        PROGRAM["id"] + "/x",
        PROGRAM["id"].replace("virtualMachines/V", "virtualMachines/V/extensions/E"),
    ):
        assert software(sent({"id": identity}), {}, Context()) is None


def test_rows_of_nothing_but_an_id_are_records():
    program = software(sent(PROGRAM), {}, Context())
    assert {field for field, value in program.items() if value is not None} == {"id", "resourceId", "virtualMachineId"}
    plan = SOURCES["defender_plans"].record(
        sent({"id": "/subscriptions/S/providers/Microsoft.Security/pricings/Dns"}), None, Context()
    )
    assert {field for field, value in plan.items() if value is not None} == {"id", "resourceId"}


def test_making_vulnerabilities_changes_no_assessment(records):
    for record in records["assessments"]:
        before = copy.deepcopy(record)
        vulnerabilities(record, Context())
        assert record == before
