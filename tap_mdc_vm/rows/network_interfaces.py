"""The record of a network interface, and the addresses of public IP resources, which interfaces refer to."""

from __future__ import annotations

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import (
    Columns,
    Context,
    Json,
    Lookup,
    at,
    first,
    flag,
    primary_of,
    properties_of,
    reference,
    text,
)
from tap_mdc_vm.rows.shape import Shape

_SHAPE = Shape(
    "network_interfaces", virtualMachineId="virtualMachine.id", networkSecurityGroupId="networkSecurityGroup.id"
)
_TEXTS = ("privateIPAddress", "privateIPAddressVersion", "privateIPAllocationMethod")


def network_interface(row: Columns, public_ips: Lookup[str], context: Context) -> Json:
    """Return the record of an interface, attached to a machine or not. What public IP can't be read has an id alone."""
    record = _SHAPE.record(row, context)
    configurations = [_configuration(each, public_ips) for each in record["ipConfigurations"] or []]
    primary = primary_of(configurations)
    record["virtualMachineId"] = reference(record["virtualMachineId"])
    record["privateIPAddress"] = primary.get("privateIPAddress")
    record["publicIPAddress"] = first(each.get("publicIPAddress") for each in [primary, *configurations])
    record["ipConfigurations"] = configurations
    return record


def _configuration(given: Json, public_ips: Lookup[str]) -> Json:
    properties = given.get("properties")
    public_id = text(at(properties, "publicIPAddress", "id"))
    return {
        "id": reference(given.get("id")),
        "name": text(given.get("name")),
        "primary": flag(at(properties, "primary")),
        **{name: text(at(properties, name)) for name in _TEXTS},
        "subnetId": text(at(properties, "subnet", "id")),
        "publicIPAddressId": public_id,
        "publicIPAddress": public_ips.get(lower(public_id)) if public_id else None,
    }


def public_ip(row: Columns) -> tuple[str, str | None]:
    """Return the lower-case id and the address; None for one that has no address now (dynamic, not allocated)."""
    return lower(row["id"]), text(at(properties_of(row), "ipAddress"))
