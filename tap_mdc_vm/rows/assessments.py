"""The record of an assessment, joined to the machine that it is about."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from tap_mdc_vm.rows.fields import (
    Json,
    Lookup,
    Row,
    branch,
    decoded,
    document,
    flag,
    instant,
    properties_of,
    text,
    texts,
)

_FINDING = re.compile(
    "(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft[.]compute/virtualmachines/[^/]+)"
    "/providers/microsoft[.]security/assessments/[^/]+"
)
"""A lower-case id. Exact to its end on both sides: what lies below a machine, an instance of a scale set, a classic or
Arc machine and a sub-assessment have ids that only begin or end like this."""

_FIELDS = (
    *("id", "resourceId", "name", "type", "tenantId", "subscriptionId", "resourceGroup", "location", "managedBy"),
    *("displayName", "statusCode", "statusCause", "statusDescription", "firstEvaluationDate", "statusChangeDate"),
    *("severity", "description", "remediationDescription", "userImpact", "implementationEffort", "categories"),
    *("threats", "tactics", "techniques", "assessmentType", "policyDefinitionId", "metadataDisplayName"),
    *("recommendationCategory", "preview", "azurePortalLink", "resourceSource", "resourceType", "resourceProvider"),
    *("resourceName", "additionalData", "virtualMachineId", "vmId", "vmName", "imageOffer", "imageVersion", "osType"),
    *("macAddress", "privateIPAddress", "publicIPAddress"),
)
"""In the order of the schema."""

_RECOMMENDATIONS = 1000  # Azure has some hundreds; a tenant adds its own


class _Status(msgspec.Struct, rename="camel", gc=False):
    code: str | None = None
    cause: str | None = None
    description: str | None = None
    first_evaluation_date: str | None = None
    status_change_date: str | None = None


class _Resource(msgspec.Struct, rename="pascal", gc=False):
    source: str | None = None
    resource_type: str | None = None
    resource_provider: str | None = None
    resource_name: str | None = None


class _Links(msgspec.Struct, rename="camel", gc=False):
    azure_portal: str | None = None
    azure_portal_uri: str | None = None


class _Properties(msgspec.Struct, rename="camel", gc=False):
    """What a record takes from an assessment's properties, in the types that Azure documents."""

    display_name: str | None = None
    status: _Status | None = None
    resource_details: _Resource | None = None
    links: _Links | None = None
    additional_data: dict[str, Any] | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")


_PROPERTIES = msgspec.json.Decoder(_Properties)
_LOOSE_PROPERTIES = msgspec.json.Decoder(dict[str, msgspec.Raw] | str | float | bool | list[Any] | None)
_NO_STATUS, _NO_RESOURCE, _NO_LINKS = _Status(), _Resource(), _Links()

_Part = TypeVar("_Part", bound=msgspec.Struct)


def assessment(row: Row, machines: Lookup[Json]) -> Json | None:
    """Return the record of an assessment; None for a row that is no assessment of a virtual machine.

    Args:
        row: A row of Resource Graph.
        machines: The eight fields of each machine that its assessments repeat
            (:class:`~tap_mdc_vm.joins.MachineIndex`).
    """
    given_id = row["id"]
    identity = given_id.lower()
    found = _FINDING.fullmatch(identity)
    if not found:
        return None
    machine_id = found[1]
    properties = _properties(row)
    status = properties.status or _NO_STATUS
    resource = properties.resource_details or _NO_RESOURCE
    # A copy of a dict that has every field, half of them filled in, takes half as long as a new one of this size.
    record = _said_by(bytes(properties.metadata)).copy()
    record["id"] = identity
    record["resourceId"] = given_id
    record["name"] = text(row.get("name"))
    record["type"] = text(row.get("type"))
    record["tenantId"] = text(row.get("tenantId"))
    record["subscriptionId"] = text(row.get("subscriptionId"))
    record["resourceGroup"] = text(row.get("resourceGroup"))
    record["location"] = text(row.get("location"))
    record["managedBy"] = text(row.get("managedBy"))
    record["displayName"] = properties.display_name or None
    record["statusCode"] = status.code or None
    record["statusCause"] = status.cause or None
    record["statusDescription"] = status.description or None
    record["firstEvaluationDate"] = instant(status.first_evaluation_date)
    record["statusChangeDate"] = instant(status.status_change_date)
    record["azurePortalLink"] = _link(properties.links or _NO_LINKS)
    record["resourceSource"] = resource.source or None
    record["resourceType"] = resource.resource_type or "virtualMachines"
    record["resourceProvider"] = resource.resource_provider or "Microsoft.Compute"
    record["resourceName"] = resource.resource_name or given_id.split("/")[8]
    record["additionalData"] = properties.additional_data
    record["virtualMachineId"] = machine_id
    if machine := machines.get(machine_id):
        record |= machine
    return record


def _properties(row: Row) -> _Properties:
    """Return a row's properties: decoded at once where they are as documented, else put right one by one."""
    try:
        properties = _PROPERTIES.decode(row.get("properties", b"null"))
    except (ValueError, RecursionError):
        return _put_right(row)
    resource = properties.resource_details
    return properties if resource is None or resource.source is not None else _put_right(row)


def _put_right(row: Row) -> _Properties:
    """Return properties of which some are of other types than documented, or have other names.

    Raises:
        MalformedAnswerError: They can't be read.
    """
    encoded = document(properties_of(row, _LOOSE_PROPERTIES)) or {}
    given = {name: decoded(value) for name, value in encoded.items() if name != "metadata"}
    resource = branch(given, "resourceDetails")
    if "Source" not in resource:  # older rows, exports and samples begin these names with a small letter
        resource = {name[:1].upper() + name[1:]: value for name, value in resource.items()}
    return _Properties(
        text(given.get("displayName")),
        _texts_in(branch(given, "status"), _Status),
        _texts_in(resource, _Resource),
        _texts_in(branch(given, "links"), _Links),
        document(given.get("additionalData")),
        encoded.get("metadata", msgspec.Raw(b"null")),
    )


def _texts_in(given: Json, kind: type[_Part]) -> _Part:
    return kind(*(text(given.get(name)) for name in kind.__struct_encode_fields__))


@lru_cache(_RECOMMENDATIONS)
def _said_by(metadata: bytes) -> Json:
    """Return a record in which only what an assessment's metadata says is filled in, to be copied.

    That is half of the record, and the same on thousands of machines, so it is decoded once for all of them. Records
    share its strings and arrays.
    """
    given = document(decoded(metadata)) or {}
    categories = texts(given.get("categories"))
    return dict.fromkeys(_FIELDS) | {
        "severity": text(given.get("severity")),
        "description": text(given.get("description")),
        "remediationDescription": text(given.get("remediationDescription")),
        "userImpact": text(given.get("userImpact")),
        "implementationEffort": text(given.get("implementationEffort")),
        "categories": categories,
        "threats": texts(given.get("threats")),
        "tactics": texts(given.get("tactics")),
        "techniques": texts(given.get("techniques")),
        "assessmentType": text(given.get("assessmentType")),
        "policyDefinitionId": text(given.get("policyDefinitionId")),
        "metadataDisplayName": text(given.get("displayName")),
        "recommendationCategory": text(given.get("recommendationCategory")) or text(", ".join(categories or [])),
        "preview": flag(given.get("preview")),
    }


def _link(links: _Links) -> str | None:
    """Return the address of the finding's page, which Azure writes without ``https://``."""
    link = links.azure_portal or links.azure_portal_uri or None  # Microsoft's samples, and its specification
    return link if not link or "://" in link[:8] else "https://" + link
