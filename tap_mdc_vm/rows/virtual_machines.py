"""The record of a virtual machine, with the addresses that its interfaces give it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tap_mdc_vm.rows.fields import Columns, Context, Json, Lookup, at, first, flag, primary_of, reference, text
from tap_mdc_vm.rows.shape import Shape

_SHAPE = Shape(
    "virtual_machines",
    vmSize="hardwareProfile.vmSize",
    powerState="extended.instanceView.powerState.code",
    computerName="osProfile.computerName extended.instanceView.computerName",
    osType="storageProfile.osDisk.osType",
    osName="extended.instanceView.osName",
    osVersion="extended.instanceView.osVersion",
    imagePublisher="storageProfile.imageReference.publisher",
    imageOffer="storageProfile.imageReference.offer",
    imageSku="storageProfile.imageReference.sku",
    imageVersion="storageProfile.imageReference.version",
    imageExactVersion="storageProfile.imageReference.exactVersion",
    imageId="storageProfile.imageReference.id storageProfile.imageReference.communityGalleryImageId"
    " storageProfile.imageReference.sharedGalleryImageId",
    securityType="securityProfile.securityType",
    secureBootEnabled="securityProfile.uefiSettings.secureBootEnabled",
    vTpmEnabled="securityProfile.uefiSettings.vTpmEnabled",
    encryptionAtHost="securityProfile.encryptionAtHost",
    hyperVGeneration="extended.instanceView.hyperVGeneration",
    availabilitySetId="availabilitySet.id",
    virtualMachineScaleSetId="virtualMachineScaleSet.id",
    networkInterfaces="networkProfile.networkInterfaces",
)
_POWER_STATE = re.compile("(?:PowerState/)?([^/]+)", re.IGNORECASE)


def virtual_machine(row: Columns, interfaces: Lookup[Json], context: Context, attached: Iterable[str] = ()) -> Json:
    """Return the record of a machine.

    ``attached`` are the lower-case ids of the interfaces that say that they are its own: its row may lag behind.
    """
    record = _SHAPE.record(row, context)
    # ``running`` of ``PowerState/running``; none of another state, such as ``ProvisioningState/succeeded``
    state = _POWER_STATE.fullmatch(record["powerState"] or "")
    record["powerState"] = state and state[1]
    record["patchMode"] = _patch_mode(record["properties"], record["osType"])
    disks = at(record["properties"], "storageProfile", "dataDisks")
    record["dataDiskCount"] = len(disks) if type(disks) is list else None
    return record | _network(record["networkInterfaces"] or [], interfaces, attached)


def _patch_mode(properties: Json | None, system: str | None) -> str | None:
    """Return how the operating system is patched: of the two that a profile can describe, the one in use."""
    modes = {
        each: text(at(properties, "osProfile", f"{each}Configuration", "patchSettings", "patchMode"))
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
    marked = flag(at(given, "properties", "primary"))
    configurations = known.get("ipConfigurations", [])
    return {
        "id": identity,
        "primary": known.get("primary") if marked is None else marked,
        "macAddress": known.get("macAddress"),
        "privateIPAddresses": [address for each in configurations if (address := each["privateIPAddress"])],
        "publicIPAddresses": [address for each in configurations if (address := each["publicIPAddress"])],
    }
