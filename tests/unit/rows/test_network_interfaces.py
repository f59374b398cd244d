from __future__ import annotations

import pytest
from sent import sent

from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.network_interfaces import network_interface


def test_an_ipv6_configuration_is_listed_and_never_stands_for_the_interface(odd_record, odd_rows):
    _, row, public, _ = odd_rows["vm-dual-stack"]
    record = odd_record("vm-dual-stack", 1)
    assert [each["privateIPAddressVersion"] for each in record["ipConfigurations"]] == ["IPv4", "IPv6"]
    assert record["privateIPAddress"] == row["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]
    assert record["publicIPAddress"] == public["properties"]["ipAddress"]


@pytest.mark.parametrize("name", ["vm-mac-on-second", "vm-mac-null", "vm-mac-missing"])
def test_a_mac_address_that_is_empty_null_or_missing_is_null(odd_record, name):
    assert odd_record(name, 1)["macAddress"] is None


def test_the_primary_configuration_counts_even_when_it_is_second(odd_record, odd_rows):
    _, row, _, public = odd_rows["vm-config-order"]
    record = odd_record("vm-config-order", 1)
    assert [each["primary"] for each in record["ipConfigurations"]] == [False, True]
    assert record["privateIPAddress"] == row["properties"]["ipConfigurations"][1]["properties"]["privateIPAddress"]
    assert record["publicIPAddress"] == public["properties"]["ipAddress"]


def test_a_detached_interface_keeps_its_mac_and_has_no_machine(odd_rows):
    [row] = odd_rows["nic-detached"]
    record = network_interface(sent(row), {}, Context())
    assert record["virtualMachineId"] is None
    assert record["macAddress"] == row["properties"]["macAddress"] is not None


def test_a_private_endpoints_interface_is_a_record_too(odd_rows):
    [row] = odd_rows["nic-private-endpoint"]
    record = network_interface(sent(row), {}, Context())
    assert (record["macAddress"], record["virtualMachineId"]) == (None, None)
    assert record["privateIPAddress"] == row["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"]


@pytest.mark.parametrize("oddity", ["vm-foreign-ip", "vm-spot-evicted"])
def test_a_public_address_that_can_not_be_read_or_is_not_allocated_has_an_id_and_no_address(
    odd_record, odd_rows, oddity
):
    [configuration] = odd_record(oddity, 1)["ipConfigurations"]
    assert configuration["publicIPAddressId"] == odd_rows[oddity][2]["id"]
    assert configuration["publicIPAddress"] is None


def test_ids_that_join_are_in_lower_case_and_other_references_as_azure_gave_them(odd_record, odd_rows):
    record, row = odd_record("vm-showcase", 1), odd_rows["vm-showcase"][1]
    [configuration], [given] = record["ipConfigurations"], row["properties"]["ipConfigurations"]
    assert record["virtualMachineId"] == row["properties"]["virtualMachine"]["id"].lower()
    assert configuration["id"] == given["id"].lower()
    assert configuration["publicIPAddressId"] == given["properties"]["publicIPAddress"]["id"]
    assert configuration["subnetId"] == given["properties"]["subnet"]["id"]
    assert record["networkSecurityGroupId"] == row["properties"]["networkSecurityGroup"]["id"]
    assert all(text != text.lower() for text in (given["id"], configuration["subnetId"]))


def test_every_attached_interface_joins_a_machine_of_the_tenant(records):
    machines = {record["id"] for record in records["virtual_machines"]}
    attached = {record["virtualMachineId"] for record in records["network_interfaces"]} - {None}
    assert len(attached) > 20
    assert attached <= machines


def test_the_first_public_address_stands_in_where_the_primary_configuration_has_none():
    def configuration(name, public, *, primary):
        return {"name": name, "properties": {"primary": primary, "publicIPAddress": {"id": public}}}

    items = [configuration("a", "/A", primary=False), configuration("b", "", primary=True)]
    row = {"id": "/N", "properties": {"ipConfigurations": items}}
    assert network_interface(sent(row), {"/a": "192.0.2.1"}, Context())["publicIPAddress"] == "192.0.2.1"


def test_a_row_of_nothing_but_an_id_is_a_record():
    record = network_interface(sent({"id": "/N"}), {}, Context())
    assert {field for field, value in record.items() if value not in (None, [])} == {"id", "resourceId"}
