"""The record of a virtual machine, with the addresses that its interfaces give it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_mdc_vm.rows.fields import (
    RESOURCE,
    Columns,
    Context,
    Json,
    Lookup,
    blank,
    branch,
    branches,
    document,
    envelope,
    first,
    flag,
    named,
    primary_of,
    properties_of,
    reference,
    storable,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLANK = blank("virtual_machines")
_IMAGE = ("publisher", "offer", "sku", "version", "exactVersion")
_POWER_STATE = re.compile("(?:PowerState/)?([^/]+)", re.IGNORECASE)


def virtual_machine(row: Columns, interfaces: Lookup[Json], context: Context, attached: Iterable[str] = ()) -> Json:
    """Return the record of a machine.

    Args:
        row: A row of Resource Graph.
        interfaces: The record of each network interface, or as much of it as an
            :class:`~tap_mdc_vm.joins.InterfaceIndex` keeps.
        context: What the row doesn't say itself.
        attached: Lower-case ids of the interfaces that say that they are this machine's: its own row may lag behind.
    """
    given = properties_of(row)
    properties = given or {}
    storage = branch(properties, "storageProfile")
    image = branch(storage, "imageReference")
    seen = branch(branch(properties, "extended"), "instanceView")
    security = branch(properties, "securityProfile")
    firmware = branch(security, "uefiSettings")
    disks = storage.get("dataDisks")
    return _BLANK | {
        **envelope(row, *RESOURCE, "managedBy"),
        **named(properties, "vmId", "provisioningState", "priority", "evictionPolicy", "licenseType"),
        **named(seen, "osName", "osVersion", "hyperVGeneration"),
        **{f"image{name[0].upper()}{name[1:]}": text(image.get(name)) for name in _IMAGE},
        "vmSize": text(branch(properties, "hardwareProfile").get("vmSize")),
        "powerState": _power_state(branch(seen, "powerState").get("code")),
        "computerName": first(text(each.get("computerName")) for each in (branch(properties, "osProfile"), seen)),
        "osType": text(branch(storage, "osDisk").get("osType")),
        "imageId": first(text(image.get(kind)) for kind in ("id", "communityGalleryImageId", "sharedGalleryImageId")),
        "securityType": text(security.get("securityType")),
        "secureBootEnabled": flag(firmware.get("secureBootEnabled")),
        "vTpmEnabled": flag(firmware.get("vTpmEnabled")),
        "encryptionAtHost": flag(security.get("encryptionAtHost")),
        "patchMode": _patch_mode(properties),
        "dataDiskCount": len(disks) if type(disks) is list else None,
        "timeCreated": context.instant(properties.get("timeCreated"), "virtual_machines.timeCreated"),
        "availabilitySetId": text(branch(properties, "availabilitySet").get("id")),
        "virtualMachineScaleSetId": text(branch(properties, "virtualMachineScaleSet").get("id")),
        "zones": texts(row.get("zones")),
        **{name: document(storable(row.get(name))) for name in ("tags", "identity", "plan")},
        **_network(branches(branch(properties, "networkProfile").get("networkInterfaces")), interfaces, attached),
        "properties": given,
    }


def _power_state(code: object) -> str | None:
    """Return ``running`` of ``PowerState/running``; None of another state, such as ``ProvisioningState/succeeded``."""
    found = _POWER_STATE.fullmatch(text(code) or "")
    return found[1] if found else None


def _patch_mode(properties: Json) -> str | None:
    """Return how the operating system is patched: of the two that a profile can describe, the one in use."""
    profile = branch(properties, "osProfile")
    system = text(branch(branch(properties, "storageProfile"), "osDisk").get("osType"))
    modes = {
        each: text(branch(branch(profile, f"{each}Configuration"), "patchSettings").get("patchMode"))
        for each in ("windows", "linux")
    }
    return modes.get(system.lower()) if system else first(modes.values())


def _network(references: list[Json], interfaces: Lookup[Json], others: Iterable[str]) -> Json:
    """Return the machine's interfaces in Azure's order, and the one address of each kind that stands for it."""
    attached = [_attached(identity, each, interfaces) for each in references if (identity := reference(each.get("id")))]
    named = {each["id"] for each in attached}
    attached += [_attached(identity, {}, interfaces) for identity in sorted(others) if identity not in named]
    primary = primary_of(attached)
    configuration = primary_of((interfaces.get(primary.get("id", "")) or {}).get("ipConfigurations", []))
    return {
        "networkInterfaces": attached,
        "macAddress": first(each.get("macAddress") for each in [primary, *attached]),
        "privateIPAddress": configuration.get("privateIPAddress"),
        "publicIPAddress": configuration.get("publicIPAddress")
        or first(address for each in attached for address in each["publicIPAddresses"]),
    }


def _attached(identity: str, given: Json, interfaces: Lookup[Json]) -> Json:
    """Return what a machine's record says of an interface: at least its id, also if it may not be read."""
    known = interfaces.get(identity) or {}
    marked = flag(branch(given, "properties").get("primary"))
    configurations = known.get("ipConfigurations", [])
    return {
        "id": identity,
        "primary": known.get("primary") if marked is None else marked,
        "macAddress": known.get("macAddress"),
        "privateIPAddresses": [address for each in configurations if (address := each["privateIPAddress"])],
        "publicIPAddresses": [address for each in configurations if (address := each["publicIPAddress"])],
    }
