from __future__ import annotations

import copy

import pytest
from sent import sent

from tap_mdc_vm.rows.fields import Context
from tap_mdc_vm.rows.virtual_machines import virtual_machine


@pytest.fixture(scope="module")
def machine(odd_record):
    """Return a function that finds the record of an odd machine."""
    return odd_record


@pytest.fixture(scope="module")
def given(odd_rows):
    """Return a function that reads off an oddity's rows: MACs, private addresses, and public ones."""

    def read(name):
        interfaces = [row for row in odd_rows[name] if row["type"] == "microsoft.network/networkinterfaces"]
        addresses = [row for row in odd_rows[name] if row["type"] == "microsoft.network/publicipaddresses"]
        configurations = [each for row in interfaces for each in row["properties"]["ipConfigurations"]]
        return (
            [row["properties"].get("macAddress") for row in interfaces],
            [each["properties"]["privateIPAddress"] for each in configurations],
            [row["properties"].get("ipAddress") for row in addresses],
        )

    return read


def addresses(record):
    return record["macAddress"], record["privateIPAddress"], record["publicIPAddress"]


@pytest.mark.parametrize("name", ["vm-no-nic", "vm-no-network-profile"])
def test_a_machine_without_an_interface_is_a_record_with_an_empty_list(machine, name):
    record = machine(name)
    assert record["networkInterfaces"] == []
    assert addresses(record) == (None, None, None)


def test_an_interface_that_names_its_machine_is_joined_though_the_machine_does_not_name_it(made_up_tenant, machine):
    changed, before = copy.deepcopy(made_up_tenant), machine("vm-public-on-second")
    row = next(row for row in changed.virtual_machines if row["name"] == "vm-public-on-second")
    row["properties"]["networkProfile"]["networkInterfaces"].pop()
    after = next(record for record in changed.records()["virtual_machines"] if record["resourceId"] == row["id"])
    assert [each["id"] for each in after["networkInterfaces"]] == [each["id"] for each in before["networkInterfaces"]]
    assert addresses(after) == addresses(before)
    del row["properties"]["networkProfile"]
    [alone] = [record for record in changed.records()["virtual_machines"] if record["resourceId"] == row["id"]]
    assert len(alone["networkInterfaces"]) == 2
    assert alone["macAddress"] is not None


def test_an_interface_that_can_not_be_read_is_listed_by_its_id(machine, odd_rows):
    record = machine("vm-nic-unreadable")
    [reference] = odd_rows["vm-nic-unreadable"][0]["properties"]["networkProfile"]["networkInterfaces"]
    assert record["networkInterfaces"] == [
        {
            "id": reference["id"].lower(),
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
    assert record["imageId"] == "/CommunityGalleries/example-0815/Images/base/Versions/1.0.0"
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


def test_an_evicted_spot_machine_is_deallocated_and_its_dynamic_address_is_gone(machine, given):
    record = machine("vm-spot-evicted")
    assert (record["priority"], record["evictionPolicy"], record["powerState"]) == ("Spot", "Deallocate", "deallocated")
    assert (record["osName"], record["osVersion"], record["computerName"]) == (None, None, "vm-spot-evicted")
    [mac], [private], [public] = given("vm-spot-evicted")
    assert addresses(record) == (mac, private, public) == (mac, private, None)


def test_a_third_partys_machine_keeps_its_plan_licence_zone_and_odd_tags(machine):
    record = machine("vm-third-party")
    assert record["plan"] == {"name": "byol", "product": "firewall", "publisher": "example"}
    assert (record["licenseType"], record["zones"]) == ("RHEL_BYOS", ["2"])
    assert record["tags"] == {
        "cost center": "4711",
        "owner/team": 'the "blue" one',
        "": "nameless",
        "it's": "ok",
    }


def test_trusted_launch_is_a_type_of_security(machine):
    record = machine("vm-trusted-launch")
    assert (record["securityType"], record["licenseType"]) == ("TrustedLaunch", "Windows_Client")


def test_both_families_of_addresses_are_listed_and_the_primary_one_stands_for_the_machine(machine, given):
    record = machine("vm-dual-stack")
    [interface] = record["networkInterfaces"]
    [mac], private, public = given("vm-dual-stack")
    assert interface["privateIPAddresses"] == private == [private[0], "fd00:db8::6"]
    assert interface["publicIPAddresses"] == public == [public[0], "2001:db8::6"]
    assert addresses(record) == (mac, private[0], public[0])


def test_a_public_address_in_a_subscription_that_can_not_be_read_is_unknown(machine, given):
    [mac], [private], [public] = given("vm-foreign-ip")
    assert public
    assert addresses(machine("vm-foreign-ip")) == (mac, private, None)


def test_of_two_unmarked_interfaces_the_first_is_primary(machine, given):
    record = machine("vm-two-none-primary")
    assert [interface["primary"] for interface in record["networkInterfaces"]] == [None, None]
    macs, privates, [public] = given("vm-two-none-primary")
    assert addresses(record) == (macs[0], privates[0], public)


def test_the_mark_on_the_interface_counts_where_the_machine_has_none(machine, given):
    record = machine("vm-primary-on-nic")
    assert [interface["primary"] for interface in record["networkInterfaces"]] == [False, True]
    macs, privates, [public] = given("vm-primary-on-nic")
    assert addresses(record) == (macs[1], privates[1], public)


def test_the_machines_mark_wins_over_the_interfaces(odd_rows):
    row = odd_rows["vm-public-on-second"][0]
    references = row["properties"]["networkProfile"]["networkInterfaces"]
    contrary = {
        reference["id"].lower(): {"primary": not reference["properties"]["primary"], "ipConfigurations": []}
        for reference in references
    }
    listed = virtual_machine(sent(row), contrary, Context())["networkInterfaces"]
    assert [interface["primary"] for interface in listed] == [True, False]


def test_a_public_address_of_the_second_interface_stands_in_for_a_missing_one(machine, given):
    macs, privates, [public] = given("vm-public-on-second")
    assert addresses(machine("vm-public-on-second")) == (macs[0], privates[0], public)


def test_a_mac_address_of_the_second_interface_stands_in_for_an_empty_one(machine, given):
    record, (macs, privates, _) = machine("vm-mac-on-second"), given("vm-mac-on-second")
    assert macs[0] == ""
    assert [interface["macAddress"] for interface in record["networkInterfaces"]] == [None, macs[1]]
    assert addresses(record) == (macs[1], privates[0], None)


@pytest.mark.parametrize("name", ["vm-mac-null", "vm-mac-missing"])
def test_a_mac_address_of_null_and_a_missing_one_are_null(machine, name):
    assert machine(name)["macAddress"] is None


def test_the_primary_configuration_counts_even_when_it_is_second(machine, given):
    record, ([mac], privates, publics) = machine("vm-config-order"), given("vm-config-order")
    assert addresses(record) == (mac, privates[1], publics[1])
    assert record["networkInterfaces"][0]["publicIPAddresses"] == publics


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


def test_an_id_in_upper_case_is_a_key_in_lower_case_and_joins_all_the_same(machine, given):
    record, ([mac], [private], [public]) = machine("vm-upper"), given("vm-upper")
    assert record["id"] == record["resourceId"].lower() != record["resourceId"]
    assert record["name"] == "VM-UPPER"
    assert addresses(record) == (mac, private, public)


def test_machines_of_one_name_in_two_subscriptions_stay_apart(machine, given):
    first, second = machine("vm-twin"), machine("vm-twin", 3)
    assert first["name"] == second["name"] == "vm-twin"
    assert first["subscriptionId"] != second["subscriptionId"]
    assert first["id"] != second["id"]
    macs, privates, _ = given("vm-twin")
    assert addresses(first) == (macs[0], privates[0], None)
    assert addresses(second) == (macs[1], privates[1], None)
    assert "/resourcegroups/größe.(prod)_1/" in second["id"]


def test_a_member_of_a_flexible_scale_set_names_it_as_azure_does(machine, odd_rows):
    given = odd_rows["vm-flex-member"][0]["properties"]["virtualMachineScaleSet"]["id"]
    assert machine("vm-flex-member")["virtualMachineScaleSetId"] == given
    assert machine("vm-flex-member")["managedBy"] is None


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
