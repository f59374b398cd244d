"""The record of an assessment, joined to the machine that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.additional_data import software_of
from tap_mdc_vm.rows.fields import (
    NOTHING,
    Columns,
    Context,
    Json,
    Lookup,
    below_a_machine,
    blank,
    decoded,
    flag,
    holds_nul,
    instant,
    storable,
    taken,
    text,
    texts,
)
from tap_mdc_vm.rows.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FINDING = below_a_machine("microsoft[.]security/assessments")
_COLUMNS = ("name", "type", "tenantId", "subscriptionId", "resourceGroup", "location", "managedBy")
_STATUS = dict.fromkeys(("code", "cause", "description", "firstEvaluationDate", "statusChangeDate"), text)
_RESOURCE = dict.fromkeys(("Source", "ResourceType", "ResourceProvider", "ResourceName"), text)
_LINKS = dict.fromkeys(("azurePortal", "azurePortalUri"), text)  # of Microsoft's samples, of its specification
_RISK = {"level": text, "riskFactors": texts, "attackPathsReferences": texts, "isContextualRisk": flag}
_METADATA = {
    **dict.fromkeys(("severity", "description", "remediationDescription", "userImpact", "implementationEffort"), text),
    **dict.fromkeys(("categories", "threats", "tactics", "techniques"), texts),
    **dict.fromkeys(("assessmentType", "policyDefinitionId", "displayName", "recommendationCategory"), text),
    "preview": flag,
    "plannedDeprecationDate": text,
}
_SPELLED = {name.lower(): name for part in (_STATUS, _RESOURCE, _LINKS, _RISK, _METADATA) for name in part}
_BLANK = blank("assessments")
_NULL = msgspec.Raw(b"null")


class _Part(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A part of an assessment's properties, in the names and types that Azure documents."""


class _Status(_Part):
    code: str | None = None
    cause: str | None = None
    description: str | None = None
    first_evaluation_date: str | None = None
    status_change_date: str | None = None


class _Resource(_Part, rename="pascal"):
    source: str | None = None
    resource_type: str | None = None
    resource_provider: str | None = None
    resource_name: str | None = None
    id: str | UnsetType = UNSET
    native_resource_id: str | UnsetType = UNSET


class _Links(_Part):
    azure_portal: str | None = None
    azure_portal_uri: str | None = None


class _Properties(_Part):
    display_name: str | None = None
    status: _Status | None = None
    resource_details: _Resource | None = None
    links: _Links | None = None
    scope: Any = UNSET
    status_per_initiative: Any = UNSET
    risk: msgspec.Raw = _NULL
    additional_data: msgspec.Raw = _NULL
    metadata: msgspec.Raw = _NULL


_PROPERTIES = msgspec.json.Decoder(_Properties)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_STATUS, _NO_RESOURCE, _NO_LINKS = _Status(), _Resource(), _Links()


def assessment(row: Columns, machines: Lookup[Json], context: Context) -> Json | None:
    """Return the record of an assessment; None for a row that is no assessment of a virtual machine.

    Args:
        row: A row of Resource Graph.
        machines: The eight fields of each machine that its assessments repeat
            (:class:`~tap_mdc_vm.joins.MachineIndex`).
        context: What the row doesn't say itself.

    Raises:
        MalformedAnswerError: The properties can't be read.
    """
    given_id = row["id"]
    identity = lower(given_id)
    found = _FINDING.fullmatch(identity)
    if not found:
        return None
    machine_id = found[1]
    properties, rest = _properties(row)
    status = properties.status or _NO_STATUS
    resource = properties.resource_details or _NO_RESOURCE
    record, unfit = _said_by_metadata(properties.metadata)
    record = record.copy()  # takes half as long as a new dict of this size
    rest |= unfit
    for said, unfit in (_said_by_risk(properties.risk), _said_by_additional_data(properties.additional_data)):
        record |= said
        rest |= unfit
    record["id"] = identity
    record["resourceId"] = given_id
    for name in _COLUMNS:
        value = row.get(name)
        record[name] = value or None if type(value) is str and "\0" not in value else text(value)
    record["displayName"] = properties.display_name or None
    record["statusCode"] = status.code or None
    record["statusCause"] = status.cause or None
    record["statusDescription"] = status.description or None
    for name, given in (
        ("firstEvaluationDate", status.first_evaluation_date),
        ("statusChangeDate", status.status_change_date),
    ):
        record[name] = moment = instant(given)
        if given and moment is None:
            context.unread[f"assessments.{name}"] += 1
            rest.setdefault("status", {})[name] = given
    record["azurePortalLink"] = _link(properties.links or _NO_LINKS, context.portal, rest)
    record["resourceSource"] = resource.source or None
    kind = resource.resource_type
    record["resourceType"] = kind if kind and "/" not in kind else _type_in(kind, rest)
    record["resourceProvider"] = resource.resource_provider or "Microsoft.Compute"
    record["resourceName"] = resource.resource_name or given_id.split("/")[8]
    record["otherProperties"] = rest or None
    record["virtualMachineId"] = machine_id
    if machine := machines.get(machine_id):
        record |= machine
    return record


def _properties(row: Columns) -> tuple[_Properties, Json]:
    """Return a row's properties, and those that no field of a record holds.

    They are decoded at once where they are as documented, else put right one by one.
    """
    encoded = bytes(row.get("properties", _NULL))
    if holds_nul(encoded):
        return _put_right(encoded)
    try:
        properties = _PROPERTIES.decode(encoded)
    except (ValueError, RecursionError):
        return _put_right(encoded)
    rest: Json = {}
    if resource := properties.resource_details:
        ids = {}
        if resource.id is not UNSET:
            ids["Id"] = resource.id
        if resource.native_resource_id is not UNSET:
            ids["NativeResourceId"] = resource.native_resource_id
        if ids:
            rest["resourceDetails"] = ids
    if properties.scope is not UNSET:
        rest["scope"] = properties.scope
    if properties.status_per_initiative is not UNSET:
        rest["statusPerInitiative"] = properties.status_per_initiative
    return properties, rest


def _put_right(encoded: bytes) -> tuple[_Properties, Json]:
    """Return properties of which some are of other types than documented, or have other names.

    Raises:
        MalformedAnswerError: They can't be read.
    """
    try:
        parts: dict[str, msgspec.Raw] = _PARTS.decode(encoded)
    except (ValueError, RecursionError):
        given = decoded(encoded)
        return _Properties(), {} if given in NOTHING else {"properties": given}
    pieces = {field: parts.pop(name, _NULL) for field, name in _PIECES.items()}
    rest = {storable(name): decoded(part) for name, part in parts.items()}
    properties = _Properties(
        display_name=taken(rest, "displayName", text),
        status=_Status(*_taken_of(rest, "status", _STATUS).values()),
        resource_details=_Resource(*_taken_of(rest, "resourceDetails", _RESOURCE).values()),
        links=_Links(*_taken_of(rest, "links", _LINKS).values()),
        **pieces,
    )
    return properties, rest


def _taken_of(parent: Json, name: str, fields: Mapping[str, Callable[[object], Any]]) -> Json:
    """Take the values of fields out of the object ``name``, whatever the letter case of their names.

    Older rows, exports and samples begin the names of the resource's details with a small letter.
    """
    given = parent.get(name)
    if type(given) is not dict:
        if given in NOTHING:
            parent.pop(name, None)
        return dict.fromkeys(fields)
    values = {each: taken(given, each, read) if each in given else None for each, read in fields.items()}
    for other in list(given):
        each = _SPELLED.get(other.lower(), "")
        if each in fields and values[each] is None:
            values[each] = taken(given, other, fields[each])
    if not given:
        del parent[name]
    return values


def _read_metadata(piece: msgspec.Raw) -> tuple[Json, Json]:
    """Return a record with the fields that metadata fills: half of them, and the same for all machines."""
    rest = {"metadata": decoded(piece)}
    said = _taken_of(rest, "metadata", _METADATA)
    said["metadataDisplayName"] = said.pop("displayName")
    if (said["recommendationCategory"] or "unknown").lower() == "unknown":  # Microsoft's own query takes it for none
        said["recommendationCategory"] = ", ".join(said["categories"] or []) or None
    return _BLANK | said, rest


def _read_risk(piece: msgspec.Raw) -> tuple[Json, Json]:
    rest = {"risk": decoded(piece)}
    values = _taken_of(rest, "risk", _RISK).values()
    return dict(zip(("riskLevel", "riskFactors", "attackPaths", "riskIsContextual"), values, strict=True)), rest


def _read_additional_data(piece: msgspec.Raw) -> tuple[Json, Json]:
    """Return the fields that additional data fills, among them itself as it came."""
    given = decoded(piece)
    if type(given) is dict:
        return {"additionalData": given, **software_of(given)}, {}
    return {}, {} if given in NOTHING else {"additionalData": given}


_PIECES = {"metadata": "metadata", "risk": "risk", "additional_data": "additionalData"}
"""What many rows share. Each is read apart: into fields of a record, and what no field holds."""
_said_by_metadata = Remembered(_read_metadata, 24 * 1024 * 1024)
_said_by_risk = Remembered(_read_risk, 2 * 1024 * 1024)
_said_by_additional_data = Remembered(_read_additional_data, 8 * 1024 * 1024)


def _type_in(given: str | None, rest: Json) -> str:
    """Return the type of the assessed resource where it has its provider before it, or is missing."""
    if given and given.lower() != "microsoft.compute/virtualmachines":
        rest.setdefault("resourceDetails", {})["ResourceType"] = given
    return "virtualMachines"


def _link(links: _Links, portal: str, rest: Json) -> str | None:
    """Return the address of the finding's page, which Azure writes without ``https://``, or even without the host."""
    link = links.azure_portal or links.azure_portal_uri or None
    if links.azure_portal and links.azure_portal_uri:
        rest.setdefault("links", {})["azurePortalUri"] = links.azure_portal_uri
    if not link or "://" in link[:8]:
        return link
    if link.startswith("//"):
        return f"https:{link}"
    return f"https://{portal}/{link.removeprefix('/')}" if link[0] in "#/" else f"https://{link}"
