"""The schemas hold what the streams promise, and the records hold what the schemas promise."""

from __future__ import annotations

import copy
import json
import logging
import re
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker
from sent import sent
from singer_sdk.helpers._typing import conform_record_data_types
from singer_sdk.helpers.conform import TypeConformanceLevel

from tap_mdc_vm import packaged
from tap_mdc_vm.rows.assessments import assessment
from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.network_interfaces import network_interface, public_ip
from tap_mdc_vm.rows.virtual_machines import virtual_machine

PROMISED = {
    "virtual_machines": """id resourceId name type tenantId subscriptionId resourceGroup location vmId vmSize
        provisioningState powerState computerName osType osName osVersion imagePublisher imageOffer imageSku
        imageVersion imageExactVersion imageId priority evictionPolicy licenseType securityType secureBootEnabled
        vTpmEnabled encryptionAtHost hyperVGeneration patchMode dataDiskCount timeCreated
        availabilitySetId virtualMachineScaleSetId managedBy zones tags identity plan networkInterfaces macAddress
        privateIPAddress publicIPAddress properties""",
    "network_interfaces": """id resourceId name type tenantId subscriptionId resourceGroup location macAddress primary
        virtualMachineId privateIPAddress publicIPAddress ipConfigurations networkSecurityGroupId
        enableAcceleratedNetworking enableIPForwarding tags properties""",
    "assessments": """id resourceId name type tenantId subscriptionId resourceGroup location managedBy displayName
        statusCode statusCause statusDescription firstEvaluationDate statusChangeDate severity description
        remediationDescription userImpact implementationEffort categories threats tactics techniques assessmentType
        policyDefinitionId metadataDisplayName recommendationCategory preview azurePortalLink resourceSource
        resourceType resourceProvider resourceName additionalData riskLevel riskFactors attackPaths riskIsContextual
        plannedDeprecationDate softwareName softwareVendor softwareVersions fixedVersion fixStatus maxCvssScore cves
        otherProperties virtualMachineId vmId vmName imageOffer imageVersion osType macAddress privateIPAddress
        publicIPAddress""",
}
STREAMS = list(PROMISED)
EXTRA = {
    "vulnerabilities": """assessmentId cveId virtualMachineId vmId vmName subscriptionId tenantId resourceGroup
        statusCode severity cvssScore cvssVector fixStatus fixedVersion softwareName softwareVendor softwareVersions
        publishedDate firstEvaluationDate riskLevel""",
    "software": """id resourceId virtualMachineId vmId vmName subscriptionId tenantId resourceGroup vendor softwareName
        version osPlatform endOfSupportStatus endOfSupportDate numberOfKnownVulnerabilities firstSeenAt""",
    "defender_plans": """id resourceId name subscriptionId tenantId resourceGroup pricingTier subPlan
        resourcesCoverageStatus enablementTime freeTrialRemainingTime deprecated replacedBy extensions""",
}
KEYS = {"vulnerabilities": ["assessmentId", "cveId"]}
DATES = {
    *("firstEvaluationDate", "statusChangeDate", "timeCreated", "publishedDate"),
    *("firstSeenAt", "enablementTime"),
}
ALL = PROMISED | EXTRA
NESTED = {
    ("virtual_machines", "networkInterfaces"): "id primary macAddress privateIPAddresses publicIPAddresses",
    ("network_interfaces", "ipConfigurations"): """id name primary privateIPAddress privateIPAddressVersion
        privateIPAllocationMethod subnetId publicIPAddressId publicIPAddress""",
}

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def is_an_instant_in_utc(value):
    return value is None or bool(
        re.fullmatch(r"[-0-9]{10}T[:0-9]{8}(\.[0-9]{1,6})?Z", value) and datetime.fromisoformat(value)
    )


VALIDATORS = {
    stream: Draft7Validator(
        {**packaged.schema(stream), "additionalProperties": False, "required": PROMISED[stream].split()},
        format_checker=formats,
    )
    for stream in STREAMS
}
"""Stricter than the schemas as they ship: no field more, and none less."""


def problems(stream, record):
    return [f"{error.json_path}: {error.message}" for error in VALIDATORS[stream].iter_errors(record)]


@pytest.mark.parametrize("stream", ALL)
def test_a_schema_is_valid_and_has_the_promised_fields_in_their_order(stream):
    schema = packaged.schema(stream)
    Draft7Validator.check_schema(schema)
    keys = KEYS.get(stream, ["id"])
    assert list(schema["properties"]) == ALL[stream].split()
    assert schema["required"] == keys
    assert [schema["properties"][key]["type"] for key in keys] == ["string"] * len(keys)


@pytest.mark.parametrize(("stream", "field"), NESTED)
def test_a_nested_schema_has_the_promised_fields_in_their_order(stream, field):
    items = packaged.schema(stream)["properties"][field]["items"]
    assert list(items["properties"]) == NESTED[stream, field].split()


def properties_of(schema):
    for name, found in schema.get("properties", {}).items():
        yield name, found
        yield from properties_of(found)
        yield from properties_of(found.get("items", {}))


@pytest.mark.parametrize("stream", ALL)
def test_every_field_may_be_null_but_the_key_and_says_what_it_is_and_how_arrays_are_filled(stream):
    for name, found in properties_of(packaged.schema(stream)):
        assert found["description"].endswith("."), name
        assert name in KEYS.get(stream, ["id"]) or found["type"][0] == "null", (
            name
        )  # some targets of BigQuery read the positions
        assert ("items" in found) == ("array" in found["type"]), name


@pytest.mark.parametrize("stream", ALL)
def test_a_schema_uses_only_what_every_target_understands(stream):
    words = {"type", "format", "description", "items", "properties", "required", "additionalProperties"}

    def used(schema):
        yield from set(schema)
        for inner in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
            yield from used(inner)

    assert set(used(packaged.schema(stream))) <= words


@pytest.mark.parametrize("stream", ALL)
def test_the_dates_and_only_they_are_marked_as_such(stream):
    marked = {name for name, found in packaged.schema(stream)["properties"].items() if "format" in found}
    assert marked == DATES & set(ALL[stream].split())


@pytest.mark.parametrize("stream", STREAMS)
def test_every_record_has_the_fields_of_the_schema_in_its_order_and_is_valid(records, stream):
    for record in records[stream]:
        assert list(record) == PROMISED[stream].split()
        assert problems(stream, record) == []


@pytest.mark.parametrize("stream", STREAMS)
def test_the_sdks_conformance_finds_nothing_to_change(records, stream, caplog):
    schema, logger = packaged.schema(stream), logging.getLogger("conformance")
    for record in records[stream]:
        given = copy.deepcopy(record)
        level = TypeConformanceLevel.RECURSIVE
        assert conform_record_data_types(stream, given, schema, level, logger) == record
    assert not caplog.records


# Bodies that were recorded from Resource Manager, in the columns that Resource Graph gives them.


def in_an_envelope(body):
    _, _, subscription, _, group, *_ = body["id"].split("/")
    texts = dict.fromkeys(("kind", "location", "managedBy"), "")
    objects = dict.fromkeys(("sku", "plan", "tags", "identity", "zones", "extendedLocation"))
    own = {"type": body["type"].lower(), "subscriptionId": subscription, "resourceGroup": group.lower()}
    return texts | objects | body | own


@pytest.fixture(scope="module")
def captured(shared):
    """Return a function that reads the bodies of a captured file, whatever their wrapping."""

    def read(name):
        content = json.loads((shared / "azure/rows/captured" / f"{name}.json").read_text(encoding="utf-8"))
        content = content.get("response", {}).get("body", content) if isinstance(content, dict) else content
        bodies = content if isinstance(content, list) else content.get("value", [content])
        return [sent(in_an_envelope(body)) for body in bodies]

    return read


@pytest.fixture(scope="module")
def captured_interfaces(captured):
    addresses = dict(map(public_ip, captured("arm-public-ips")))
    return [network_interface(row, addresses, Context()) for row in captured("arm-network-interfaces")]


def test_captured_interfaces_are_valid_and_have_the_addresses_they_had(captured_interfaces):
    assert [problems("network_interfaces", record) for record in captured_interfaces] == [[]] * 24
    assert sum(record["macAddress"] is None for record in captured_interfaces) == 3 + 5
    assert sum(record["virtualMachineId"] is None for record in captured_interfaces) == 13
    assert sum(len(record["ipConfigurations"]) == 2 for record in captured_interfaces) == 2
    assert sum(record["publicIPAddress"] is not None for record in captured_interfaces) > 5


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("arm-virtual-machines", 9),
        ("arm-virtual-machines-2024-11-01", 2),
        ("arm-virtual-machine-trusted-launch", 1),
        ("arg-rows-vm-2019", 1),
        ("example-flex-machine", 1),
    ],
)
def test_captured_machines_are_valid(captured, captured_interfaces, name, count):
    interfaces = {record["id"]: record for record in captured_interfaces}
    records = [virtual_machine(row, interfaces, Context()) for row in captured(name)]
    assert [problems("virtual_machines", record) for record in records] == [[]] * count
    assert all(record["vmId"] and record["vmSize"] and record["networkInterfaces"] for record in records)


def test_a_captured_date_with_seven_digits_and_an_offset_is_in_utc_with_six(captured):
    [first, *_] = (virtual_machine(row, {}, Context()) for row in captured("arm-virtual-machines-2024-11-01"))
    assert first["timeCreated"].endswith("Z")
    assert len(first["timeCreated"]) == len("2025-07-23T18:35:43.825046Z")


@pytest.mark.parametrize(
    ("name", "severity"), [("export-assessment-on-vm", "Low"), ("arm-assessment-custom-on-vm", None)]
)
def test_captured_assessments_of_machines_are_valid(captured, name, severity):
    [record] = [assessment(row, {}, Context()) for row in captured(name)]
    assert problems("assessments", record) == []
    assert (record["severity"], record["resourceType"]) == (severity, "virtualMachines")
    assert record["resourceName"] == record["virtualMachineId"].rpartition("/")[2]


@pytest.mark.parametrize("name", ["arm-assessments", "arg-rows-subassessment"])
def test_captured_assessments_of_other_resources_are_left_out(captured, name):
    assert {assessment(row, {}, Context()) for row in captured(name)} == {None}


# Rows as Azure would never send them.

odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def places(node, inside=()):
    """Every object or array of a row, with each of its keys or positions."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from places(value)


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_instead_of_what_is_expected_the_records_are_valid(tenant, data):
    changed = copy.deepcopy(tenant)
    for table in ("virtual_machines", "network_interfaces", "public_ips", "assessments"):
        for row in data.draw(st.lists(st.sampled_from(getattr(changed, table)), min_size=1, max_size=3), label=table):
            spots = [(holder, key) for holder, key in places(row) if holder is not row or key != "id"]
            for holder, key in data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=6), label="odd"):
                holder[key] = data.draw(odd)
    for stream, records in changed.records().items():
        assert [found for record in records for found in problems(stream, record)] == []
