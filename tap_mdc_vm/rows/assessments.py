"""The record of an assessment, joined to the machine that it is about."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypedDict

import msgspec

from tap_mdc_vm.rows.fields import (
    Json,
    Lookup,
    Row,
    branch,
    decoded,
    document,
    envelope,
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

_GONE = dict.fromkeys(
    ("vmId", "vmName", "imageOffer", "imageVersion", "osType", "macAddress", "privateIPAddress", "publicIPAddress")
)

_RECOMMENDATIONS = 1000  # Azure has some hundreds; a tenant adds its own


class _Properties(TypedDict, total=False):
    displayName: Any
    status: Any
    resourceDetails: Any
    links: Any
    additionalData: Any
    metadata: msgspec.Raw


_PROPERTIES = msgspec.json.Decoder(_Properties | str | float | bool | list[Any] | None)  # whatever else may come


def assessment(row: Row, machines: Lookup[Json]) -> Json | None:
    """Return the record of an assessment; None for a row that is no assessment of a virtual machine.

    Args:
        row: A row of Resource Graph.
        machines: The eight fields of each machine that its assessments repeat
            (:class:`~tap_mdc_vm.joins.MachineIndex`).
    """
    record = envelope(row)
    found = _FINDING.fullmatch(record["id"])
    if not found:
        return None
    machine_id = found[1]
    properties = document(properties_of(row, _PROPERTIES)) or {}
    status = branch(properties, "status")
    resource = branch(properties, "resourceDetails")
    if "Source" not in resource:  # older rows, exports and samples begin these names with a small letter
        resource = {name[:1].upper() + name[1:]: value for name, value in resource.items()}
    return {
        **record,
        "managedBy": text(row.get("managedBy")),
        "displayName": text(properties.get("displayName")),
        "statusCode": text(status.get("code")),
        "statusCause": text(status.get("cause")),
        "statusDescription": text(status.get("description")),
        "firstEvaluationDate": instant(status.get("firstEvaluationDate")),
        "statusChangeDate": instant(status.get("statusChangeDate")),
        **_recommendation(bytes(properties.get("metadata", b"null"))),
        "azurePortalLink": _link(branch(properties, "links")),
        "resourceSource": text(resource.get("Source")),
        "resourceType": text(resource.get("ResourceType")) or "virtualMachines",
        "resourceProvider": text(resource.get("ResourceProvider")) or "Microsoft.Compute",
        "resourceName": text(resource.get("ResourceName")) or row["id"].split("/")[8],
        "additionalData": document(properties.get("additionalData")),
        "virtualMachineId": machine_id,
        **(machines.get(machine_id) or _GONE),
    }


@lru_cache(_RECOMMENDATIONS)
def _recommendation(encoded: bytes) -> Json:
    """Return what an assessment's metadata says: half of the record, and the same on thousands of machines.

    So it is decoded once for all of them. Records share its strings and arrays.
    """
    metadata = document(decoded(encoded)) or {}
    categories = texts(metadata.get("categories"))
    return {
        "severity": text(metadata.get("severity")),
        "description": text(metadata.get("description")),
        "remediationDescription": text(metadata.get("remediationDescription")),
        "userImpact": text(metadata.get("userImpact")),
        "implementationEffort": text(metadata.get("implementationEffort")),
        "categories": categories,
        "threats": texts(metadata.get("threats")),
        "tactics": texts(metadata.get("tactics")),
        "techniques": texts(metadata.get("techniques")),
        "assessmentType": text(metadata.get("assessmentType")),
        "policyDefinitionId": text(metadata.get("policyDefinitionId")),
        "metadataDisplayName": text(metadata.get("displayName")),
        "recommendationCategory": text(metadata.get("recommendationCategory")) or text(", ".join(categories or [])),
        "preview": flag(metadata.get("preview")),
    }


def _link(links: Json) -> str | None:
    """Return the address of the finding's page, which Azure writes without ``https://``."""
    link = text(links.get("azurePortal")) or text(links.get("azurePortalUri"))  # samples, and the specification
    return link if not link or "://" in link[:8] else "https://" + link
