from __future__ import annotations

import copy

import pytest
from sent import sent

from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.virtual_machines import virtual_machine

FIRST, SECOND = "00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000f1"


@pytest.fixture(scope="module")
def machine(captured_records):
    """Return a function that finds a machine of the constructed tenant."""

    def find(name, subscription=FIRST):
        [found] = [
            record
            for record in captured_records["virtual_machines"]
            if record["name"] == name and record["subscriptionId"] == subscription
        ]
        return found

    return find


def addresses(record):
    return record["macAddress"], record["privateIPAddress"], record["publicIPAddress"]


@pytest.mark.parametrize("name", ["vm-no-nic", "vm-no-network-profile"])
def test_a_machine_without_an_interface_is_a_record_with_an_empty_list(machine, name):
    record = machine(name)
    assert record["networkInterfaces"] == []
    assert addresses(record) == (None, None, None)


def test_an_interface_that_names_its_machine_is_joined_though_the_machine_does_not_name_it(
    captured_tenant, captured_records
):
    changed = copy.deepcopy(captured_tenant)
    row = next(row for row in changed.virtual_machines if row["name"] == "vm-public-on-second")
    before = next(record for record in captured_records["virtual_machines"] if record["resourceId"] == row["id"])
    row["properties"]["networkProfile"]["networkInterfaces"].pop()
    after = next(record for record in changed.records()["virtual_machines"] if record["resourceId"] == row["id"])
    assert [each["id"] for each in after["networkInterfaces"]] == [each["id"] for each in before["networkInterfaces"]]
    assert addresses(after) == addresses(before)
    del row["properties"]["networkProfile"]
    [alone] = [record for record in changed.records()["virtual_machines"] if record["resourceId"] == row["id"]]
    assert len(alone["networkInterfaces"]) == 2
    assert alone["macAddress"] is not None


def test_an_interface_that_can_not_be_read_is_listed_by_its_id(machine):
    record = machine("vm-nic-unreadable")
    assert record["networkInterfaces"] == [
        {
            "id": f"/subscriptions/{FIRST}/resourcegroups/rg-example/providers/microsoft.network"
            "/networkinterfaces/nic-not-there",
            "primary": None,
            "macAddress": None,
            "privateIPAddresses": [],
            "publicIPAddresses": [],
        }
    ]
    assert addresses(record) == (None, None, None)


def test_a_machine_from_a_specialised_disk_has_no_image_and_no_name_of_its_own(machine):
    record = machine("vm-specialised")
    image = ("imagePublisher", "imageOffer", "imageSku", "imageVersion", "imageExactVersion", "imageId")
    assert {record[field] for field in (*image, "computerName", "osName", "osVersion")} == {None}
    assert (record["osType"], record["powerState"]) == ("Linux", "running")


def test_the_image_id_is_the_community_gallerys_where_that_is_the_image(machine):
    record = machine("vm-community-image")
    assert record["imageId"] == "/CommunityGalleries/example-1234/Images/base/Versions/1.0.0"
    assert (record["imageOffer"], record["imageExactVersion"]) == (None, "1.0.0")


def test_the_image_id_is_the_shared_gallerys_where_that_is_the_image(tenant):
    row = copy.deepcopy(tenant.virtual_machines[0])
    row["properties"]["storageProfile"]["imageReference"] = {"id": "", "sharedGalleryImageId": "/SharedGalleries/X"}
    assert virtual_machine(sent(row), {}, Context())["imageId"] == "/SharedGalleries/X"


def test_the_image_id_keeps_the_version_of_a_gallery_image_and_the_identity_is_whole(machine):
    record = machine("vm-gallery-version")
    assert record["imageId"].endswith("/galleries/corp/images/base/versions/2.1.0")
    assert record["identity"]["type"] == "UserAssigned"
    assert list(record["identity"]) == ["type", "userAssignedIdentities"]


def test_an_evicted_spot_machine_is_deallocated_and_its_dynamic_address_is_gone(machine):
    record = machine("vm-spot-evicted")
    assert (record["priority"], record["evictionPolicy"], record["powerState"]) == ("Spot", "Deallocate", "deallocated")
    assert (record["osName"], record["osVersion"], record["computerName"]) == (None, None, "vm-spot-evicted")
    assert addresses(record) == ("00-0D-3A-AA-00-04", "10.20.23.4", None)


def test_a_third_partys_machine_keeps_its_plan_licence_zone_and_odd_tags(machine):
    record = machine("vm-third-party")
    assert record["plan"] == {"name": "l1", "product": "hardened-linux", "publisher": "example-vendor"}
    assert (record["licenseType"], record["securityType"], record["zones"]) == ("RHEL_BYOS", "ConfidentialVM", ["2"])
    assert record["tags"] == {
        "Env": "prod",
        "cost center": "a/b",
        "quote": 'say "no"',
        "ünïcode": "日本",
        "": "empty key",
    }


def test_both_families_of_addresses_are_listed_and_the_primary_one_stands_for_the_machine(machine):
    record = machine("vm-dual-stack")
    [interface] = record["networkInterfaces"]
    assert interface["privateIPAddresses"] == ["10.20.25.4", "fd00:db8:deca:daed::4"]
    assert interface["publicIPAddresses"] == ["198.51.100.1", "2001:db8::42"]
    assert addresses(record) == ("00-0D-3A-AA-00-06", "10.20.25.4", "198.51.100.1")


def test_a_public_address_in_a_subscription_that_can_not_be_read_is_unknown(machine):
    assert addresses(machine("vm-foreign-ip")) == ("00-0D-3A-AA-00-07", "10.20.26.4", None)


def test_of_two_unmarked_interfaces_the_first_is_primary(machine):
    record = machine("vm-two-none-primary")
    assert [interface["primary"] for interface in record["networkInterfaces"]] == [None, None]
    assert addresses(record) == ("00-0D-3A-AA-00-08", "10.20.27.4", "198.51.100.3")


def test_the_mark_on_the_interface_counts_where_the_machine_has_none(machine):
    record = machine("vm-primary-on-nic")
    assert [interface["primary"] for interface in record["networkInterfaces"]] == [False, True]
    assert addresses(record) == ("00-0D-3A-AA-00-0B", "10.20.30.4", "198.51.100.4")


def test_the_machines_mark_wins_over_the_interfaces(captured_tenant):
    row = next(row for row in captured_tenant.virtual_machines if row["name"] == "vm-public-on-second")
    references = row["properties"]["networkProfile"]["networkInterfaces"]
    contrary = {
        reference["id"].lower(): {"primary": not reference["properties"]["primary"], "ipConfigurations": []}
        for reference in references
    }
    listed = virtual_machine(sent(row), contrary, Context())["networkInterfaces"]
    assert [interface["primary"] for interface in listed] == [True, False]


def test_a_public_address_of_the_second_interface_stands_in_for_a_missing_one(machine):
    assert addresses(machine("vm-public-on-second")) == ("00-0D-3A-AA-00-0C", "10.20.31.4", "198.51.100.5")


def test_a_mac_address_of_the_second_interface_stands_in_for_an_empty_one(machine):
    record = machine("vm-mac-on-second")
    assert [interface["macAddress"] for interface in record["networkInterfaces"]] == [None, "00-0D-3A-AA-00-0E"]
    assert addresses(record) == ("00-0D-3A-AA-00-0E", "10.20.33.4", None)


def test_a_mac_address_of_null_is_null(machine):
    assert machine("vm-mac-null")["macAddress"] is None


def test_the_primary_configuration_counts_even_when_it_is_second(machine):
    record = machine("vm-config-order")
    assert addresses(record) == ("00-0D-3A-AA-00-0F", "10.20.99.4", "198.51.100.7")
    assert record["networkInterfaces"][0]["publicIPAddresses"] == ["198.51.100.6", "198.51.100.7"]


def test_the_first_public_address_on_the_machine_may_be_that_of_an_earlier_interface():
    def interface(primary, *publics):
        return {
            "primary": primary,
            "macAddress": None,
            "ipConfigurations": [
                {"primary": number == 0, "privateIPAddress": None, "publicIPAddress": public}
                for number, public in enumerate(publics)
            ],
        }

    row = {"id": "/VM", "properties": {"networkProfile": {"networkInterfaces": [{"id": "/A"}, {"id": "/B"}]}}}
    interfaces = {"/a": interface(False, "192.0.2.1"), "/b": interface(True, None, "192.0.2.2")}
    assert virtual_machine(sent(row), interfaces, Context())["publicIPAddress"] == "192.0.2.1"


def test_a_machine_minutes_old_has_no_power_state_yet(machine):
    record = machine("vm-new")
    assert (record["powerState"], record["osName"], record["provisioningState"]) == (None, None, "Creating")
    assert record["computerName"]


@pytest.mark.parametrize(
    "code", ["PowerState/", "", None, {}, "ProvisioningState/succeeded", "OSState/generalized", "PowerState/a/b"]
)
def test_what_is_no_power_state_is_none(code):
    row = {"id": "/VM", "properties": {"extended": {"instanceView": {"powerState": {"code": code}}}}}
    assert virtual_machine(sent(row), {}, Context())["powerState"] is None


@pytest.mark.parametrize("code", ["PowerState/running", "powerstate/running", "running"])
def test_the_power_state_is_what_follows_the_slash_in_any_letter_case(code):
    row = {"id": "/VM", "properties": {"extended": {"instanceView": {"powerState": {"code": code}}}}}
    assert virtual_machine(sent(row), {}, Context())["powerState"] == "running"


@pytest.mark.parametrize(
    ("system", "windows", "linux", "mode"),
    [
        *(
            ("Windows", "AutomaticByOS", "ImageDefault", "AutomaticByOS"),
            ("Linux", "Manual", "ImageDefault", "ImageDefault"),
        ),
        *(("linux", "Manual", None, None), (None, None, "ImageDefault", "ImageDefault"), (None, None, None, None)),
    ],
)
def test_the_patch_mode_is_that_of_the_operating_system_in_use(system, windows, linux, mode):
    modes = {"windowsConfiguration": windows, "linuxConfiguration": linux}
    profile = {name: {"patchSettings": {"patchMode": mode}} for name, mode in modes.items() if mode}
    properties = {"osProfile": profile, "storageProfile": {"osDisk": {"osType": system}}}
    assert virtual_machine(sent({"id": "/VM", "properties": properties}), {}, Context())["patchMode"] == mode


@pytest.mark.parametrize(("disks", "count"), [([], 0), ([{}, {}], 2), (None, None), ({}, None)])
def test_data_disks_are_counted_where_there_is_a_list(disks, count):
    row = {"id": "/VM", "properties": {"storageProfile": {"dataDisks": disks}}}
    assert virtual_machine(sent(row), {}, Context())["dataDiskCount"] == count


def test_what_is_no_date_is_null_and_counted():
    context = Context()
    for created in ("yesterday", 5, "", None, "2026-01-26 15:48:56"):
        virtual_machine(sent({"id": "/VM", "properties": {"timeCreated": created}}), {}, context)
    assert context.unread == {"virtual_machines.timeCreated": 2}


def test_an_id_in_upper_case_is_a_key_in_lower_case_and_joins_all_the_same(machine):
    record = machine("VM-UPPER")
    assert record["id"] == record["resourceId"].lower() != record["resourceId"]
    assert record["name"] == "VM-UPPER"
    assert addresses(record) == ("00-0D-3A-AA-00-11", "10.20.38.4", "198.51.100.8")


def test_machines_of_one_name_in_two_subscriptions_stay_apart(machine):
    first, second = machine("vm-twin"), machine("vm-twin", SECOND)
    assert first["id"] != second["id"]
    assert addresses(first) == ("00-0D-3A-AA-00-12", "10.20.39.4", None)
    assert addresses(second) == ("00-0D-3A-AA-00-13", "10.20.40.4", None)
    assert "/resourcegroups/größe.(prod)_1/" in second["id"]


def test_a_member_of_a_flexible_scale_set_names_it_as_azure_does(machine, captured_tenant):
    row = next(row for row in captured_tenant.virtual_machines if row["name"] == "VMSS_d0df3449")
    given = row["properties"]["virtualMachineScaleSet"]["id"]
    assert machine("VMSS_d0df3449")["virtualMachineScaleSetId"] == given
    assert machine("VMSS_d0df3449")["managedBy"] is None


def test_empty_tags_and_missing_tags_are_told_apart():
    assert virtual_machine(sent({"id": "/VM", "tags": {}}), {}, Context())["tags"] == {}
    assert virtual_machine(sent({"id": "/VM", "tags": None}), {}, Context())["tags"] is None


def test_a_row_of_nothing_but_an_id_is_a_record():
    record = virtual_machine(sent({"id": "/VM"}), {}, Context())
    assert {field for field, value in record.items() if value not in (None, [])} == {"id", "resourceId"}


@pytest.mark.parametrize(("profile", "name"), [({"computerName": "given"}, "given"), ({}, "seen"), (None, "seen")])
def test_the_computer_name_is_the_one_given_else_the_one_seen_inside(profile, name):
    properties = {"osProfile": profile, "extended": {"instanceView": {"computerName": "seen"}}}
    assert virtual_machine(sent({"id": "/VM", "properties": properties}), {}, Context())["computerName"] == name


NIC = {"id": "/nic", "primary": None, "macAddress": "00-0D-3A-00-00-01"} | {
    "ipConfigurations": [{"primary": True, "privateIPAddress": "10.0.0.4", "publicIPAddress": "198.51.100.4"}]
}


@pytest.mark.parametrize("profile", [None, {}, {"networkInterfaces": []}, {"networkInterfaces": None}])
def test_a_machine_whose_row_names_no_interface_takes_those_that_name_it(tenant, profile):
    row = copy.deepcopy(tenant.virtual_machines[0])
    row["properties"]["networkProfile"] = profile
    record = virtual_machine(sent(row), {"/nic": NIC}, Context(), ["/nic"])
    assert [each["id"] for each in record["networkInterfaces"]] == ["/nic"]
    assert addresses(record) == ("00-0D-3A-00-00-01", "10.0.0.4", "198.51.100.4")


def test_interfaces_that_name_a_machine_come_behind_those_that_it_names_and_none_twice(tenant):
    row = copy.deepcopy(tenant.virtual_machines[0])
    row["properties"]["networkProfile"] = {"networkInterfaces": [{"id": "/Other"}, {"id": "/NIC"}]}
    record = virtual_machine(sent(row), {"/nic": NIC}, Context(), ["/nic", "/third"])
    assert [each["id"] for each in record["networkInterfaces"]] == ["/other", "/nic", "/third"]
