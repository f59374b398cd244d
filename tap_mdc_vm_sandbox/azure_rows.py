"""Rows as Resource Graph gives them: the shape of each type, with nothing odd about it.

Each function returns a row with all 16 columns; whoever wants an odd one changes it afterwards.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource lies.

    Attributes:
        tenant: Directory of the subscription.
        subscription: Its id.
        group: Resource group as somebody typed it; the column is always in lower case.
        location: Region.
    """

    tenant: str
    subscription: str
    group: str
    location: str = "westeurope"

    def id(self, kind: str, name: str, *, group: str | None = None) -> str:
        """ARM id of a resource here, with the resource group spelt as typed or as given."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{group or self.group}/providers/{kind}/{name}"


@dataclass(frozen=True, slots=True)
class Image:
    """An operating system image of the marketplace and what runs when it is booted."""

    publisher: str
    offer: str
    sku: str
    exact_version: str
    os_type: str
    os_name: str
    os_version: str


VM = "Microsoft.Compute/virtualMachines"
NIC = "Microsoft.Network/networkInterfaces"
PIP = "Microsoft.Network/publicIPAddresses"


def row(place: Place, of: str, name: str, properties: object, **columns: object) -> Row:
    """A row of the type `of`: empty scalars are "", empty objects null, as Resource Graph has them."""
    base = {
        "id": place.id(of, name),
        "name": name,
        "type": of.lower(),
        "tenantId": place.tenant,
        "kind": "",
        "location": place.location,
        "resourceGroup": place.group.lower(),
        "subscriptionId": place.subscription,
        "managedBy": "",
        "sku": None,
        "plan": None,
        "properties": properties,
        "tags": None,
        "identity": None,
        "zones": None,
        "extendedLocation": None,
    }
    base.update(columns)
    return base


def machine(  # noqa: PLR0913  # facts of a machine, each by name
    place: Place,
    name: str,
    *,
    vm_id: str,
    image: Image,
    interfaces: Sequence[Mapping[str, Any]],
    size: str = "Standard_D2s_v5",
    power: str = "running",
    created: str = "2025-09-28T09:36:20.3161234+00:00",
    **columns: object,
) -> Row:
    """A virtual machine.

    Args:
        place: Where.
        name: Its name.
        vm_id: Its GUID.
        image: What it was made from.
        interfaces: References as `interface_reference` makes them.
        size: Size.
        power: Power state without its prefix; a deallocated machine reports nothing of its inside.
        created: When.
        columns: Other columns of the row.
    """
    computer = name[:15]
    view: Row = {
        "hyperVGeneration": "V2",
        "powerState": {"code": f"PowerState/{power}", "displayStatus": f"VM {power}", "level": "Info"},
    }
    if power == "running":
        view |= {"computerName": computer, "osName": image.os_name, "osVersion": image.os_version}
    disk = place.id("Microsoft.Compute/disks", f"{name}_OsDisk_1")
    properties = {
        "hardwareProfile": {"vmSize": size},
        "provisioningState": "Succeeded",
        "vmId": vm_id,
        "storageProfile": {
            "imageReference": {
                "publisher": image.publisher,
                "offer": image.offer,
                "sku": image.sku,
                "version": "latest",
                "exactVersion": image.exact_version,
            },
            "osDisk": {
                "osType": image.os_type,
                "name": f"{name}_OsDisk_1",
                "createOption": "FromImage",
                "caching": "ReadWrite",
                "managedDisk": {"storageAccountType": "Premium_LRS", "id": disk},
                "diskSizeGB": 127 if image.os_type == "Windows" else 30,
            },
            "dataDisks": [],
        },
        "osProfile": {
            "computerName": computer,
            "adminUsername": "operator",
            "secrets": [],
            "allowExtensionOperations": True,
        },
        "networkProfile": {"networkInterfaces": list(interfaces)},
        "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
        "timeCreated": created,
        "extended": {"instanceView": view},
    }
    return row(place, VM, name, properties, **columns)


def interface_reference(interface_id: str, *, primary: bool | None = None) -> Row:
    """How a machine names one of its interfaces; with one only, Azure mostly doesn't say `primary`."""
    reference: Row = {"id": interface_id}
    if primary is not None:
        reference["properties"] = {"primary": primary, "deleteOption": "Detach"}
    return reference


def interface(  # noqa: PLR0913  # facts of an interface, each by name
    place: Place,
    name: str,
    *,
    guid: str,
    mac: str | None,
    configurations: Sequence[Mapping[str, Any]],
    machine_id: str | None,
    primary: bool | None = True,
    **columns: object,
) -> Row:
    """A network interface; `machine_id` None is one that is attached to nothing, `mac` None leaves the key out."""
    properties: Row = {
        "provisioningState": "Succeeded",
        "resourceGuid": guid,
        "ipConfigurations": list(configurations),
        "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
        "enableAcceleratedNetworking": True,
        "enableIPForwarding": False,
        "hostedWorkloads": [],
        "tapConfigurations": [],
        "nicType": "Standard",
    }
    if mac is not None:
        properties["macAddress"] = mac
    if machine_id is not None:
        properties["virtualMachine"] = {"id": machine_id}
        properties["networkSecurityGroup"] = {
            "id": place.id("Microsoft.Network/networkSecurityGroups", f"{name}-nsg"),
        }
        if primary is not None:
            properties["primary"] = primary
    return row(place, NIC, name, properties, **columns)


def configuration(  # noqa: PLR0913  # facts of an IP configuration, each by name
    place: Place,
    interface_name: str,
    address: str,
    *,
    name: str = "ipconfig1",
    public: str | None = None,
    primary: bool = True,
    version: str = "IPv4",
) -> Row:
    """An IP configuration; `public` is the id of a public address."""
    subnet = place.id("Microsoft.Network/virtualNetworks", f"vnet-{place.location}/subnets/default")
    properties: Row = {
        "provisioningState": "Succeeded",
        "privateIPAddress": address,
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {"id": subnet},
        "primary": primary,
        "privateIPAddressVersion": version,
    }
    if public:
        properties["publicIPAddress"] = {"id": public}
    return {
        "name": name,
        "id": f"{place.id(NIC, interface_name)}/ipConfigurations/{name}",
        "etag": 'W/"1c7a6b1e"',
        "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
        "properties": properties,
    }


def public_address(  # noqa: PLR0913  # facts of an address, each by name
    place: Place,
    name: str,
    *,
    guid: str,
    address: str | None,
    attached_to: str | None,
    version: str = "IPv4",
) -> Row:
    """A public address; `address` None is one that isn't allocated, `attached_to` None one that nothing uses."""
    properties: Row = {
        "provisioningState": "Succeeded",
        "resourceGuid": guid,
        "publicIPAddressVersion": version,
        "publicIPAllocationMethod": "Static" if address else "Dynamic",
        "idleTimeoutInMinutes": 4,
        "ipTags": [],
    }
    if address:
        properties["ipAddress"] = address
    if attached_to:
        properties["ipConfiguration"] = {"id": attached_to}
    return row(place, PIP, name, properties, sku={"name": "Standard" if address else "Basic"})


def assessment(
    place: Place, resource_id: str, key: str, properties: Mapping[str, Any], *, suffix: str | None = None
) -> Row:
    """An assessment of any resource.

    Args:
        place: Of the resource.
        resource_id: The resource, spelt as the assessment's own id spells it.
        key: The recommendation's key.
        properties: As they are.
        suffix: What stands between resource and key, in another letter case than usual.
    """
    between = suffix or "/providers/Microsoft.Security/assessments/"
    return row(
        place,
        "Microsoft.Security/assessments",
        key,
        properties,
        id=f"{resource_id}{between}{key}",
        location="",
    )


def resource_details(resource_id: str) -> Row:
    """What an assessment says about its resource, in today's form."""
    provider, kind, *_ = resource_id.partition("/providers/")[2].split("/")
    return {
        "Source": "Azure",
        "Id": resource_id,
        "ResourceName": resource_id.rpartition("/")[2],
        "ResourceType": kind,
        "ResourceProvider": provider,
        "NativeResourceId": resource_id,
    }


def individual_details(resource_id: str) -> Row:
    """What an individual recommendation, new in 2026, says about its resource: the type with its provider."""
    provider, kind, *_ = resource_id.partition("/providers/")[2].split("/")
    return {
        "Source": "Azure",
        "Id": resource_id,
        "ResourceName": resource_id.rpartition("/")[2],
        "ResourceType": f"{provider}/{kind}".lower(),
        "NativeResourceId": resource_id,
    }


def software(place: Place, machine_id: str, name: str, properties: Mapping[str, Any]) -> Row:
    """A program on a machine; `name` holds its version too."""
    kind = "Microsoft.Security/softwareInventories"
    return row(place, kind, name, properties, id=f"{machine_id}/providers/{kind}/{name}", location="")


def plan(tenant: str, subscription: str, name: str, properties: Mapping[str, Any]) -> Row:
    """A plan of Defender for Cloud in a subscription."""
    kind = "Microsoft.Security/pricings"
    place = Place(tenant, subscription, "", "")
    return row(place, kind, name, properties, id=f"/subscriptions/{subscription}/providers/{kind}/{name}")


def moment(seconds: int, ticks: int = 0) -> str:
    """A moment, in seconds since 1970, with the seven digits that Azure gives."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{ticks:07d}Z"


def portal_link(resource_id: str, key: str) -> str:
    """The link into the portal, which Azure gives without a scheme."""
    escaped = resource_id.replace("/", "%2f")
    blade = "portal.azure.com/#blade/Microsoft_Azure_Security/RecommendationsBlade"
    return f"{blade}/assessmentKey/{key}/resourceId/{escaped}"
