"""Odd machines, each with what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import azure_rows as azure
from ..azure_rows import Image, Place, Row
from .scene import Builders, Placed, Scene, resources, security

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDERS = Builders()
odd = BUILDERS.add


_SQL = Image(
    "MicrosoftSQLServer",
    "sql2019-ws2019",
    "standard",
    "15.0.250509",
    "Windows",
    "Windows Server 2019 Datacenter",
    "10.0.17763.7314",
)
_MULTI_SESSION = Image(
    "MicrosoftWindowsDesktop",
    "windows-11",
    "win11-24h2-avd",
    "26100.3775.250406",
    "Windows",
    "Windows 11 Enterprise multi-session",
    "10.0.26100.3775",
)


@odd
def _vm_no_nic(scene: Scene) -> Iterator[Placed]:
    """No interface: `networkInterfaces` is []."""
    return resources(scene.machine("vm-no-nic"))


@odd
def _vm_no_network_profile(scene: Scene) -> Iterator[Placed]:
    """`networkProfile` is missing."""
    machine = scene.machine("vm-no-network-profile")
    del machine["properties"]["networkProfile"]
    return resources(machine)


@odd
def _vm_nic_unreadable(scene: Scene) -> Iterator[Placed]:
    """Its interface has no row."""
    unseen = scene.interface("nic-unreadable", "vm-nic-unreadable")
    return resources(scene.machine("vm-nic-unreadable", unseen))


@odd
def _vm_specialised(scene: Scene) -> Iterator[Placed]:
    """Attached disk: no `imageReference`, no `osProfile`, nothing known of its inside."""
    interface = scene.interface("nic-specialised", "vm-specialised")
    machine = scene.machine("vm-specialised", interface)
    properties = machine["properties"]
    del properties["storageProfile"]["imageReference"], properties["osProfile"]
    properties["storageProfile"]["osDisk"]["createOption"] = "Attach"
    for fact in ("computerName", "osName", "osVersion"):
        del properties["extended"]["instanceView"][fact]
    return resources(machine, interface)


def _with_image(scene: Scene, name: str, reference: Row, **columns: Any) -> Iterator[Placed]:  # noqa: ANN401
    interface = scene.interface(name.replace("vm-", "nic-"), name)
    machine = scene.machine(name, interface, **columns)
    machine["properties"]["storageProfile"]["imageReference"] = reference
    return resources(machine, interface)


@odd
def _vm_managed_image(scene: Scene) -> Iterator[Placed]:
    """Made from a managed image: only an id."""
    image = scene.place.id("Microsoft.Compute/images", "golden")
    return _with_image(scene, "vm-managed-image", {"id": image})


@odd
def _vm_community_image(scene: Scene) -> Iterator[Placed]:
    """Image by `communityGalleryImageId`."""
    image = "/CommunityGalleries/example-0815/Images/base/Versions/1.0.0"
    return _with_image(scene, "vm-community-image", {"communityGalleryImageId": image, "exactVersion": "1.0.0"})


@odd
def _vm_gallery_image(scene: Scene) -> Iterator[Placed]:
    """Gallery image without a version in its id; system-assigned identity."""
    image = scene.place.id("Microsoft.Compute/galleries", "corp/images/base")
    identity = {
        "type": "SystemAssigned",
        "principalId": scene.tenant.guid("principal"),
        "tenantId": scene.tenant.tenant_id,
    }
    return _with_image(scene, "vm-gallery-image", {"id": image, "exactVersion": "2.1.0"}, identity=identity)


@odd
def _vm_gallery_version(scene: Scene) -> Iterator[Placed]:
    """Gallery image with a version in its id; user-assigned identity."""
    image = scene.place.id("Microsoft.Compute/galleries", "corp/images/base/versions/2.1.0")
    user = scene.place.id("Microsoft.ManagedIdentity/userAssignedIdentities", "app")
    ids = {"principalId": scene.tenant.guid("principal 2"), "clientId": scene.tenant.guid("client 2")}
    identity = {"type": "UserAssigned", "userAssignedIdentities": {user: ids}}
    return _with_image(scene, "vm-gallery-version", {"id": image, "exactVersion": "2.1.0"}, identity=identity)


@odd
def _vm_spot_evicted(scene: Scene) -> Iterator[Placed]:
    """Spot machine, evicted: deallocated, its dynamic public address is gone."""
    public = scene.public("pip-spot", "nic-spot", address=None)
    interface = scene.interface("nic-spot", "vm-spot-evicted", public=public)
    machine = scene.machine("vm-spot-evicted", interface, power="deallocated")
    machine["properties"] |= {
        "priority": "Spot",
        "evictionPolicy": "Deallocate",
        "billingProfile": {"maxPrice": -1.0},
    }
    return resources(machine, interface, public)


@odd
def _vm_third_party(scene: Scene) -> Iterator[Placed]:
    """Plan, licence, zone; tags with blanks, a slash, quotes and an empty name."""
    interface = scene.interface("nic-third-party", "vm-third-party")
    machine = scene.machine(
        "vm-third-party",
        interface,
        plan={"name": "byol", "product": "firewall", "publisher": "example"},
        zones=["2"],
        tags={"cost center": "4711", "owner/team": 'the "blue" one', "": "nameless", "it's": "ok"},
    )
    machine["properties"]["licenseType"] = "RHEL_BYOS"
    return resources(machine, interface)


@odd
def _vm_odd_tags(scene: Scene) -> Iterator[Placed]:
    """Tags with line breaks, tabs, an emoji and a NUL, and two whose names differ in letter case only."""
    interface = scene.interface("nic-odd-tags", "vm-odd-tags")
    tags = {
        "note": "first line\nsecond line\r\n\tindented",
        "Owner": "one",
        "owner": "two",
        "shield": "\U0001f6e1\ufe0f",
        "nul": "before\u0000after",
        "path": "C:\\temp",
        "it's (prod)": '100% "sure"',
    }
    return resources(scene.machine("vm-odd-tags", interface, tags=tags), interface)


@odd
def _vm_dual_stack(scene: Scene) -> Iterator[Placed]:
    """IPv4 and IPv6 configurations, each with a public address; IPv6 is never primary."""
    four = scene.public("pip-dual-4", "nic-dual")
    second = f"{scene.place.id(azure.NIC, 'nic-dual')}/ipConfigurations/ipconfig-v6"
    six = scene.public("pip-dual-6", address="2001:db8::6", version="IPv6", attached_to=second)
    interface = scene.interface("nic-dual", "vm-dual-stack", public=four)
    interface["properties"]["ipConfigurations"].append(
        azure.configuration(
            scene.place,
            "nic-dual",
            "fd00:db8::6",
            name="ipconfig-v6",
            public=six["id"],
            primary=False,
            version="IPv6",
        )
    )
    return resources(scene.machine("vm-dual-stack", interface), interface, four, six)


@odd
def _vm_foreign_ip(scene: Scene) -> Iterator[Placed]:
    """Its public address lies in a subscription that can't be read: id known, address not."""
    hidden = Place(scene.tenant.tenant_id, scene.tenant.subscription("hidden").id, "rg-hub")
    attached = f"{scene.place.id(azure.NIC, 'nic-foreign')}/ipConfigurations/ipconfig1"
    public = scene.public("pip-foreign", place=hidden, attached_to=attached)
    interface = scene.interface("nic-foreign", "vm-foreign-ip", public=public)
    return resources(scene.machine("vm-foreign-ip", interface), interface, public)


@odd
def _vm_two_none_primary(scene: Scene) -> Iterator[Placed]:
    """Two interfaces, none marked primary anywhere: the first counts."""
    public = scene.public("pip-none-2", "nic-none-2")
    first = scene.interface("nic-none-1", "vm-two-none-primary", primary=None)
    second = scene.interface("nic-none-2", "vm-two-none-primary", primary=None, public=public)
    machine = scene.machine("vm-two-none-primary", first, second)
    _unmark(machine)
    for interface in (first, second):
        del interface["properties"]["ipConfigurations"][0]["properties"]["primary"]
    return resources(machine, first, second, public)


@odd
def _vm_primary_on_nic(scene: Scene) -> Iterator[Placed]:
    """Two interfaces, `primary` only on their own rows, true on the second."""
    public = scene.public("pip-primary-2", "nic-primary-2")
    first = scene.interface("nic-primary-1", "vm-primary-on-nic", primary=False)
    second = scene.interface("nic-primary-2", "vm-primary-on-nic", public=public)
    machine = scene.machine("vm-primary-on-nic", first, second)
    _unmark(machine)
    return resources(machine, first, second, public)


@odd
def _vm_public_on_second(scene: Scene) -> Iterator[Placed]:
    """Primary interface without a public address, second interface with one."""
    public = scene.public("pip-second-2", "nic-second-2")
    first = scene.interface("nic-second-1", "vm-public-on-second")
    second = scene.interface("nic-second-2", "vm-public-on-second", primary=False, public=public)
    return resources(scene.machine("vm-public-on-second", first, second), first, second, public)


@odd
def _vm_mac_on_second(scene: Scene) -> Iterator[Placed]:
    """Primary interface with "" as MAC, second interface with one."""
    first = scene.interface("nic-mac-1", "vm-mac-on-second", mac="")
    second = scene.interface("nic-mac-2", "vm-mac-on-second", primary=False)
    return resources(scene.machine("vm-mac-on-second", first, second), first, second)


@odd
def _vm_mac_null(scene: Scene) -> Iterator[Placed]:
    """Its interface's `macAddress` is null."""
    interface = scene.interface("nic-mac-null", "vm-mac-null")
    interface["properties"]["macAddress"] = None
    return resources(scene.machine("vm-mac-null", interface), interface)


@odd
def _vm_mac_missing(scene: Scene) -> Iterator[Placed]:
    """Never started: its interface has no `macAddress`."""
    interface = scene.interface("nic-mac-missing", "vm-mac-missing", mac=None)
    return resources(scene.machine("vm-mac-missing", interface, power="deallocated"), interface)


@odd
def _vm_config_order(scene: Scene) -> Iterator[Placed]:
    """The primary IP configuration is the second of two."""
    one = scene.public("pip-order-1", "nic-order")
    second = f"{scene.place.id(azure.NIC, 'nic-order')}/ipConfigurations/ipconfig2"
    two = scene.public("pip-order-2", attached_to=second)
    interface = scene.interface("nic-order", "vm-config-order", public=one)
    configurations = interface["properties"]["ipConfigurations"]
    configurations[0]["properties"]["primary"] = False
    configurations.append(
        azure.configuration(scene.place, "nic-order", "10.250.1.4", name="ipconfig2", public=two["id"])
    )
    return resources(scene.machine("vm-config-order", interface), interface, one, two)


@odd
def _vm_new(scene: Scene) -> Iterator[Placed]:
    """Minutes old: no `properties.extended`, provisioningState Creating."""
    interface = scene.interface("nic-new", "vm-new")
    machine = scene.machine("vm-new", interface)
    machine["properties"]["provisioningState"] = "Creating"
    del machine["properties"]["extended"]
    return resources(machine, interface)


@odd
def _vm_upper(scene: Scene) -> Iterator[Placed]:
    """Own id in upper case; interface, address and assessment refer to it in other letter cases."""
    public = scene.public("pip-upper", "nic-upper")
    interface = scene.interface("nic-upper", "vm-upper", public=public)
    machine = scene.machine("VM-UPPER", interface)
    machine["id"] = scene.place.id(azure.VM, "VM-UPPER", group="RG-ODD")
    lower = scene.place.id(azure.VM, "vm-upper").lower().replace("/resourcegroups/", "/resourceGroups/")
    interface["properties"]["virtualMachine"]["id"] = lower.lower()
    reference = interface["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]
    reference["id"] = public["id"].lower()
    yield from resources(machine, interface, public)
    yield from security(scene.assessment(lower))


@odd
def _vm_twin(scene: Scene) -> Iterator[Placed]:
    """Same name in two resource groups, one name with dot, parentheses and umlaut; both with a finding."""
    far = scene.tenant.ordinary[-1]
    elsewhere = Place(far.tenant, far.id, "Größe.(Prod)_1")
    for place in (scene.place, elsewhere):
        interface = scene.interface("nic-twin", "vm-twin", place=place)
        machine = scene.machine("vm-twin", interface, place=place)
        yield from resources(machine, interface)
        shouted = place.id(azure.VM, "vm-twin", group=place.group.replace("ö", "Ö").replace("rod", "ROD"))
        yield from security(scene.assessment(shouted, place=place))


@odd
def _vm_flex_member(scene: Scene) -> Iterator[Placed]:
    """Member of a scale set in flexible mode: `virtualMachineScaleSet`, no `managedBy`."""
    interface = scene.interface("nic-flex", "flex_1a2b3c4d")
    machine = scene.machine("flex_1a2b3c4d", interface)
    scale_set = scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "flex")
    machine["properties"]["virtualMachineScaleSet"] = {"id": scale_set}
    return resources(machine, interface)


@odd
def _vm_flex_managed(scene: Scene) -> Iterator[Placed]:
    """The same, with `managedBy` as a specification example has it."""
    interface = scene.interface("nic-flex-managed", "flex_9f8e7d6c")
    scale_set = scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "flex")
    machine = scene.machine("flex_9f8e7d6c", interface, managedBy=scale_set)
    machine["properties"]["virtualMachineScaleSet"] = {"id": scale_set}
    return resources(machine, interface)


@odd
def _vm_unmanaged_disk(scene: Scene) -> Iterator[Placed]:
    """Unmanaged disk: `vhd` instead of `managedDisk`; database image."""
    interface = scene.interface("nic-unmanaged", "vm-unmanaged-disk")
    machine = scene.machine("vm-unmanaged-disk", interface, image=_SQL)
    disk = machine["properties"]["storageProfile"]["osDisk"]
    del disk["managedDisk"]
    disk["vhd"] = {"uri": "https://example.blob.core.windows.net/vhds/vm-unmanaged-disk.vhd"}
    return resources(machine, interface)


@odd
def _vm_trusted_launch(scene: Scene) -> Iterator[Placed]:
    """Trusted Launch, client licence, multi-session desktop."""
    interface = scene.interface("nic-trusted", "vm-trusted-launch")
    machine = scene.machine("vm-trusted-launch", interface, image=_MULTI_SESSION, zones=["1"])
    machine["properties"] |= {
        "licenseType": "Windows_Client",
        "securityProfile": {
            "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
            "securityType": "TrustedLaunch",
        },
    }
    return resources(machine, interface)


@odd
def _vm_availability_set(scene: Scene) -> Iterator[Placed]:
    """The id of its availability set is in upper case."""
    interface = scene.interface("nic-set", "vm-availability-set")
    machine = scene.machine("vm-availability-set", interface)
    availability_set = scene.place.id("Microsoft.Compute/availabilitySets", "SET-01", group="RG-ODD")
    machine["properties"]["availabilitySet"] = {"id": availability_set}
    return resources(machine, interface)


@odd
def _vm_stopped(scene: Scene) -> Iterator[Placed]:
    """Stopped, not deallocated."""
    interface = scene.interface("nic-stopped", "vm-stopped")
    return resources(scene.machine("vm-stopped", interface, power="stopped"), interface)


@odd
def _vm_quiet(scene: Scene) -> Iterator[Placed]:
    """Two machines in a subscription without Defender: no assessments at all."""
    place = Place(scene.tenant.tenant_id, scene.tenant.subscription("quiet").id, "rg-quiet")
    for name in ("vm-quiet-1", "vm-quiet-2"):
        interface = scene.interface(f"{name}-nic", name, place=place)
        yield from resources(scene.machine(name, interface, place=place), interface)


@odd
def _vm_of_customer(scene: Scene) -> Iterator[Placed]:
    """By Azure Lighthouse: another `tenantId`."""
    customer = scene.tenant.subscription("lighthouse")
    place = Place(customer.tenant, customer.id, "rg-customer")
    interface = scene.interface("nic-customer", "vm-of-customer", place=place)
    machine = scene.machine("vm-of-customer", interface, place=place)
    yield from resources(machine, interface)
    yield from security(scene.assessment(machine["id"], place=place))


@odd
def _vm_showcase(scene: Scene) -> Iterator[Placed]:
    """An ordinary machine that carries the odd assessments."""
    public = scene.public("pip-showcase", "nic-showcase")
    interface = scene.interface("nic-showcase", "vm-showcase", public=public)
    return resources(scene.machine("vm-showcase", interface), interface, public)


def _unmark(machine: Row) -> None:
    """Take `primary` off the machine's references."""
    for reference in machine["properties"]["networkProfile"]["networkInterfaces"]:
        del reference["properties"]
