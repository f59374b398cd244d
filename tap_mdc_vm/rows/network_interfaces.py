"""The record of a network interface, and the addresses of public IP resources, which interfaces refer to."""

from __future__ import annotations

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import (
    RESOURCE,
    Columns,
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
)

_BLANK = blank("network_interfaces")


def network_interface(row: Columns, public_ips: Lookup[str]) -> Json:
    """Return the record of an interface, attached to a machine or not.

    Args:
        row: A row of Resource Graph.
        public_ips: The address of each public IP resource. A resource that can't be read has an id here, and no
            address.
    """
    given = properties_of(row)
    properties = given or {}
    configurations = [_configuration(item, public_ips) for item in branches(properties.get("ipConfigurations"))]
    primary = primary_of(configurations)
    return _BLANK | {
        **envelope(row, *RESOURCE),
        "macAddress": text(properties.get("macAddress")),
        "primary": flag(properties.get("primary")),
        "virtualMachineId": reference(branch(properties, "virtualMachine").get("id")),
        "privateIPAddress": primary.get("privateIPAddress"),
        "publicIPAddress": first(each.get("publicIPAddress") for each in [primary, *configurations]),
        "ipConfigurations": configurations,
        "networkSecurityGroupId": text(branch(properties, "networkSecurityGroup").get("id")),
        "enableAcceleratedNetworking": flag(properties.get("enableAcceleratedNetworking")),
        "enableIPForwarding": flag(properties.get("enableIPForwarding")),
        "tags": document(storable(row.get("tags"))),
        "properties": given,
    }


def _configuration(given: Json, public_ips: Lookup[str]) -> Json:
    properties = branch(given, "properties")
    public_id = text(branch(properties, "publicIPAddress").get("id"))
    return {
        "id": reference(given.get("id")),
        "name": text(given.get("name")),
        "primary": flag(properties.get("primary")),
        **named(properties, "privateIPAddress", "privateIPAddressVersion", "privateIPAllocationMethod"),
        "subnetId": text(branch(properties, "subnet").get("id")),
        "publicIPAddressId": public_id,
        "publicIPAddress": public_ips.get(lower(public_id)) if public_id else None,
    }


def public_ip(row: Columns) -> tuple[str, str | None]:
    """Return the lower-case id and the address; None for one that has no address now (dynamic, not allocated)."""
    return lower(row["id"]), text((properties_of(row) or {}).get("ipAddress"))
