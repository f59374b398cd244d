from __future__ import annotations

import pytest
from sent import sent

from tap_mdc_vm.rows.network_interfaces import network_interface


@pytest.fixture(scope="module")
def interface(captured_records):
    """Return a function that finds an interface of the constructed tenant."""
    return lambda name: next(record for record in captured_records["network_interfaces"] if record["name"] == name)


def test_an_ipv6_configuration_is_listed_and_never_stands_for_the_interface(interface):
    record = interface("nic-dual")
    assert [each["privateIPAddressVersion"] for each in record["ipConfigurations"]] == ["IPv4", "IPv6"]
    assert (record["privateIPAddress"], record["publicIPAddress"]) == ("10.20.25.4", "198.51.100.1")


@pytest.mark.parametrize("name", ["nic-mac-1", "nic-mac-null", "int-02"])
def test_a_mac_address_that_is_empty_null_or_missing_is_null(interface, name):
    assert interface(name)["macAddress"] is None


def test_the_primary_configuration_counts_even_when_it_is_second(interface):
    record = interface("nic-order")
    assert [each["primary"] for each in record["ipConfigurations"]] == [False, True]
    assert (record["privateIPAddress"], record["publicIPAddress"]) == ("10.20.99.4", "198.51.100.7")


def test_a_detached_interface_keeps_its_mac_and_has_no_machine(interface):
    record = interface("nic-detached")
    assert (record["virtualMachineId"], record["primary"]) == (None, None)
    assert record["macAddress"] == "00-0D-3A-AA-00-14"


def test_a_private_endpoints_interface_is_a_record_too(interface):
    record = interface("vendor-private-endpoint.nic.012d94e3-1ce4-4ee8-8f12-7e66abc40d1d")
    assert (record["macAddress"], record["tags"], record["privateIPAddress"]) == (None, {}, "10.0.1.4")


def test_a_public_address_that_can_not_be_read_has_an_id_and_no_address(interface):
    [configuration] = interface("nic-foreign")["ipConfigurations"]
    assert configuration["publicIPAddressId"].endswith("/publicIPAddresses/pip-foreign")
    assert configuration["publicIPAddress"] is None


def test_a_public_address_that_is_not_allocated_has_an_id_and_no_address(interface):
    [configuration] = interface("nic-spot")["ipConfigurations"]
    assert configuration["publicIPAddressId"].endswith("/publicIPAddresses/pip-spot")
    assert configuration["publicIPAddress"] is None


def test_ids_that_join_are_in_lower_case_and_other_references_as_azure_gave_them(interface):
    record = interface("test-dev-vm936_z1")
    configuration = record["ipConfigurations"][0]
    assert record["virtualMachineId"] == record["virtualMachineId"].lower()
    assert configuration["id"] == configuration["id"].lower()
    assert "/publicIPAddresses/Test-Dev-Vm-ip" in configuration["publicIPAddressId"]
    assert "/virtualNetworks/demoVirtualNetworkforCrossConnection/" in configuration["subnetId"]
    assert "/networkSecurityGroups/" in record["networkSecurityGroupId"]


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
    assert network_interface(sent(row), {"/a": "192.0.2.1"})["publicIPAddress"] == "192.0.2.1"


def test_a_row_of_nothing_but_an_id_is_a_record():
    record = network_interface(sent({"id": "/N"}), {})
    assert {field for field, value in record.items() if value not in (None, [])} == {"id", "resourceId"}
