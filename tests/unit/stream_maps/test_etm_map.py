"""The map that ships, against expectations written by hand from the connector document's table."""

from __future__ import annotations

import logging

import etm_table
import pytest
import yaml
from singer_sdk.mapper import PluginMapper

from tap_mdc_vm import packaged
from tap_mdc_vm.stream_maps import Mapper, load
from tap_mdc_vm.stream_maps.expressions import types_of

MACHINE = {
    "id": "/subscriptions/a1/resourcegroups/web/providers/microsoft.compute/virtualmachines/vm-1",
    "vmId": "5f0e32ab-0000-4000-8000-000000000001",
    "name": "VM-1",
    "imageOffer": "0001-com-ubuntu-server-jammy",
    "imageVersion": "latest",
    "macAddress": "00-0D-3A-00-00-01",
    "publicIPAddress": "203.0.113.7",
    "privateIPAddress": "10.0.0.4",
    "osName": "ubuntu",
    "tags": {"owner": "web"},
}
ASSET = {
    "externalAssetId": "5f0e32ab-0000-4000-8000-000000000001",
    "assetName": "VM-1",
    "operatingSystemName": "0001-com-ubuntu-server-jammy",
    "operatingSystemVersion": "latest",
    "macAddress": "00-0D-3A-00-00-01",
    "ipAddress": "203.0.113.7",
    "source": "Defender for Cloud",
}
ASSESSMENT = {
    "id": f"{MACHINE['id']}/providers/microsoft.security/assessments/bc303248",
    "name": "bc303248",
    "type": "microsoft.security/assessments",
    "managedBy": "someone",
    "displayName": "Management ports should be closed",
    "statusCode": "Unhealthy",
    "statusCause": "OpenPorts",
    "firstEvaluationDate": "2026-02-03T10:51:36.337682Z",
    "statusChangeDate": "2026-03-04T05:16:03.674331Z",
    "severity": "High",
    "description": "Open ports are a risk",
    "remediationDescription": "Close them",
    "userImpact": "Moderate",
    "assessmentType": "BuiltIn",
    "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/22730e10",
    "metadataDisplayName": "Management ports of virtual machines should be closed",
    "recommendationCategory": "Networking",
    "azurePortalLink": "https://portal.azure.com/#blade/x",
    "resourceType": "virtualMachines",
    "resourceProvider": "Microsoft.Compute",
    "resourceName": "vm-1",
    "virtualMachineId": MACHINE["id"],
    "vmId": MACHINE["vmId"],
    "vmName": "VM-1",
    "imageOffer": "0001-com-ubuntu-server-jammy",
    "imageVersion": "latest",
    "macAddress": "00-0D-3A-00-00-01",
    "publicIPAddress": "203.0.113.7",
}
FINDING = {
    "externalAssetId": "5f0e32ab-0000-4000-8000-000000000001",
    "findingName": "bc303248",
    "externalFindingId": f"{MACHINE['id']}/providers/microsoft.security/assessments/bc303248",
    "findingSeverity": 4,
    "assetName": "VM-1",
    "operatingSystemName": "0001-com-ubuntu-server-jammy",
    "macAddress": "00-0D-3A-00-00-01",
    "ipAddress": "203.0.113.7",
    "operatingSystemVersion": "latest",
    "findingFirstFoundOn": "2026-02-03T10:51:36.337682Z",
    "findingDescription": "Management ports should be closed",
    "recommendation": "Networking",
    "policyFindingUrl": "https://portal.azure.com/#blade/x",
    "impact": "Moderate",
    "findingSubType": "microsoft.security/assessments",
    "policyTitle": "Management ports of virtual machines should be closed",
    "findingStatus": "open",
    "policyDescription": "Open ports are a risk",
    "createdBy": "someone",
    "updatedBy": "someone",
    "policyId": "/providers/Microsoft.Authorization/policyDefinitions/22730e10",
    "remediationStrategy": "Close them",
    "productVendor": "virtualMachines",
    "updatedOn": "2026-03-04T05:16:03.674331Z",
    "policyType": "BuiltIn",
    "productName": "Microsoft.Compute",
    "source": "Defender for Cloud",
    "vendorProductName": "Defender for Cloud",
    "findingType": "Misconfiguration",
}
CONSTANT = {
    "source": "Defender for Cloud",
    "vendorProductName": "Defender for Cloud",
    "findingType": "Misconfiguration",
}


def registered(name):
    mapper = Mapper({}, logging.getLogger("tap-mdc-vm"), load(name))
    for stream in packaged.STREAMS:
        mapper.register_raw_stream_schema(stream, packaged.schema(stream), ["id"])
    return {each.stream_alias: each for maps in mapper.stream_maps.values() for each in maps}


@pytest.fixture(scope="module")
def etm():
    return registered("etm")


@pytest.fixture(scope="module")
def extended():
    return registered("etm_extended")


def whole(stream, values):
    """Return a record with every field of its schema, as the tap makes them."""
    return dict.fromkeys(packaged.schema(stream)["properties"]) | values


def test_a_machine_becomes_an_asset(etm):
    assert etm["etm_assets"].transform(whole("virtual_machines", MACHINE)) == ASSET


def test_an_assessment_becomes_a_finding(etm):
    assert etm["etm_findings"].transform(whole("assessments", ASSESSMENT)) == FINDING


def test_of_a_machine_without_values_only_key_and_constant_remain(etm):
    asset = etm["etm_assets"].transform(whole("virtual_machines", {"id": MACHINE["id"]}))
    assert asset == dict.fromkeys(ASSET) | {"externalAssetId": MACHINE["id"], "source": "Defender for Cloud"}


def test_of_a_finding_without_values_only_keys_constants_and_the_lowest_severity_remain(etm):
    source = {"id": ASSESSMENT["id"], "virtualMachineId": MACHINE["id"]}
    expected = dict.fromkeys(FINDING) | CONSTANT
    expected |= {"externalFindingId": ASSESSMENT["id"], "externalAssetId": MACHINE["id"], "findingSeverity": 0}
    assert etm["etm_findings"].transform(whole("assessments", source)) == expected


@pytest.mark.parametrize(
    ("word", "number"),
    [
        *(("Informational", 1), ("Low", 2), ("Medium", 3), ("High", 4), ("Critical", 5)),
        *(("high", 4), ("HIGH", 4), ("cRiTiCaL", 5), (None, 0), ("", 0), ("Extreme", 0), ("default", 0), ("4", 0)),
    ],
)
def test_each_severity_has_its_number_in_any_letter_case(etm, word, number):
    severity = etm["etm_findings"].transform(whole("assessments", {"id": "x", "severity": word}))["findingSeverity"]
    assert (severity, type(severity)) == (number, int)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("Unhealthy", "open"), ("Healthy", "resolved"), ("NotApplicable", "closed")),
        *(
            ("UNHEALTHY", "open"),
            ("notapplicable", "closed"),
            (None, None),
            ("", None),
            ("Pending", None),
            ("default", None),
        ),
    ],
)
def test_each_status_has_its_word_in_any_letter_case(etm, word, status):
    assert (
        etm["etm_findings"].transform(whole("assessments", {"id": "x", "statusCode": word}))["findingStatus"] == status
    )


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        *((word, "Vulnerability") for word in ("SoftwareUpdate", "SystemUpdate", "ServiceUpgrade")),
        *((word, "Vulnerability") for word in ("CodeVulnerabilities", "ApiVulnerabilities", "softwareUPDATE")),
        *(("ExposedSecrets", "Secret"), ("exposedsecrets", "Secret")),
        *((word, "Misconfiguration") for word in ("HostMisconfigurations", "Compute", "", None, "default", "Unknown")),
    ],
)
def test_each_kind_of_finding_has_its_word_in_any_letter_case_and_no_other_is_logged(etm, caplog, category, kind):
    finding = etm["etm_findings"].transform(whole("assessments", {"id": "x", "recommendationCategory": category}))
    assert finding["findingType"] == kind
    assert not [record for record in caplog.records if "findingType" in record.getMessage()]


def test_every_machine_and_finding_of_an_odd_tenant_is_mapped_as_the_table_says(etm, records):
    for record in records["virtual_machines"]:
        assert etm["etm_assets"].transform(record) == etm_table.asset(record)
    for record in records["assessments"]:
        assert etm["etm_findings"].transform(record) == etm_table.finding(record)
    assert len(records["assessments"]) > 30


def test_individual_findings_have_the_kind_the_vendor_and_the_recommendation_of_etm(etm, odd_record):
    kinds = {
        "finding-update-as-text": ("Vulnerability", "SoftwareUpdate"),
        "finding-update-in-camel-case": ("Vulnerability", "SoftwareUpdate"),
        "finding-system-update": ("Vulnerability", "SystemUpdate"),
        "finding-secret": ("Secret", "ExposedSecrets"),
        "finding-setting": ("Misconfiguration", "HostMisconfigurations"),
        "assessment-global": ("Misconfiguration", "Compute"),
    }
    made = {oddity: etm["etm_findings"].transform(odd_record(oddity)) for oddity in kinds}
    assert {oddity: (each["findingType"], each["recommendation"]) for oddity, each in made.items()} == kinds
    assert {(each["productVendor"], each["productName"]) for each in made.values()} == {
        ("virtualMachines", "Microsoft.Compute")
    }


def test_the_extended_map_makes_the_same_and_more(extended, records):
    for record in records["virtual_machines"]:
        assert extended["etm_assets"].transform(record) == etm_table.extended_asset(record)
    for record in records["assessments"]:
        assert extended["etm_findings"].transform(record) == etm_table.extended_finding(record)


def test_the_extended_map_is_the_other_one_and_more_labels_behind():
    """Both are whole, so that each can be cloned; this keeps them from growing apart."""
    base, more = (
        yaml.safe_load(packaged.map_path(name).read_text(encoding="utf-8")) for name in ("etm", "etm_extended")
    )
    for stream, labels in base["stream_maps"].items():
        assert list(more["stream_maps"][stream].items())[: len(labels)] == list(labels.items())
    assert [len(labels) for labels in more["stream_maps"].values()] == [3 + 7 + 11, 3 + 29 + 13]
    assert {name: part for name, part in more.items() if name != "stream_maps"} == {
        name: part for name, part in base.items() if name != "stream_maps"
    }


def types(properties):
    return {label: ({*types_of(schema)}, schema.get("format")) for label, schema in properties.items()}


@pytest.mark.parametrize("name", ["etm", "etm_extended"])
def test_the_file_runs_unchanged_in_the_sdks_own_mapper_and_gives_the_same(name, records):
    """As in any target or mapper built on the SDK; there, keys may be null, and null stands last."""
    etm = registered(name)
    content = yaml.safe_load(packaged.map_path(name).read_text(encoding="utf-8"))
    mapper = PluginMapper(content, logging.getLogger("sdk"))
    for stream in ("virtual_machines", "assessments"):
        mapper.register_raw_stream_schema(stream, packaged.schema(stream), ["id"])
        sdk = mapper.stream_maps[stream][1]
        ours = etm[sdk.stream_alias]
        for record in records[stream]:
            assert list(ours.transform(record).items()) == list(sdk.transform(record).items())
        our_types, their_types = (types(each.transformed_schema["properties"]) for each in (ours, sdk))
        their_types |= dict.fromkeys(ours.transformed_key_properties, ({"string"}, None))
        assert our_types == their_types
        assert ours.transformed_key_properties == sdk.transformed_key_properties


@pytest.mark.parametrize("name", ["etm", "etm_extended"])
def test_nothing_of_it_is_left_to_the_sdks_evaluator(name, records, monkeypatch):
    etm = registered(name)
    monkeypatch.setattr(etm["etm_assets"].__class__, "_evaluate", None)
    for stream, alias in (("virtual_machines", "etm_assets"), ("assessments", "etm_findings")):
        for record in records[stream]:
            assert etm[alias].transform(record)
