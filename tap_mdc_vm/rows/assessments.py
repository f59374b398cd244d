"""The record of an assessment, joined to the machine that it is about."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.additional_data import software_of
from tap_mdc_vm.rows.fields import (
    NOTHING,
    Context,
    Json,
    Lookup,
    Row,
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

_FINDING = re.compile(
    "(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft[.]compute/virtualmachines/[^/]+)"
    "/providers/microsoft[.]security/assessments/[^/]+"
)
"""A lower-case id. Exact to its end on both sides: what lies below a machine, an instance of a scale set, a classic or
Arc machine and a sub-assessment have ids that only begin or end like this."""

_BLANK = blank("assessments")
_NULL = msgspec.Raw(b"null")


class _Status(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    code: str | None = None
    cause: str | None = None
    description: str | None = None
    first_evaluation_date: str | None = None
    status_change_date: str | None = None


class _Resource(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, gc=False):
    source: str | None = None
    resource_type: str | None = None
    resource_provider: str | None = None
    resource_name: str | None = None
    id: str | UnsetType = UNSET
    native_resource_id: str | UnsetType = UNSET


class _Risk(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    level: str | None = None
    risk_factors: list[str] | None = None
    attack_paths_references: list[str] | None = None
    is_contextual_risk: bool | None = None
    paths: Any = UNSET


class _Links(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    azure_portal: str | None = None  # in Microsoft's samples
    azure_portal_uri: str | None = None  # in its specification


class _Metadata(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    display_name: str | None = None
    description: str | None = None
    remediation_description: str | None = None
    severity: str | None = None
    user_impact: str | None = None
    implementation_effort: str | None = None
    categories: list[str] | None = None
    threats: list[str] | None = None
    tactics: list[str] | None = None
    techniques: list[str] | None = None
    assessment_type: str | None = None
    policy_definition_id: str | None = None
    recommendation_category: str | None = None
    preview: bool | None = None
    planned_deprecation_date: str | None = None
    publish_dates: Any = UNSET
    partner_data: Any = UNSET


class _Properties(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """An assessment's properties, in the names and types that Azure documents."""

    display_name: str | None = None
    status: _Status | None = None
    resource_details: _Resource | None = None
    links: _Links | None = None
    risk: _Risk | None = None
    scope: Any = UNSET
    status_per_initiative: Any = UNSET
    additional_data: msgspec.Raw = _NULL
    metadata: msgspec.Raw = _NULL


_COLUMNS = ("name", "type", "tenantId", "subscriptionId", "resourceGroup", "location", "managedBy")
_PROPERTIES = msgspec.json.Decoder(_Properties)
_METADATA = msgspec.json.Decoder(_Metadata)
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_STATUS, _NO_RESOURCE, _NO_LINKS = _Status(), _Resource(), _Links()

_READ_AS: dict[str, Any] = {
    **dict.fromkeys(("categories", "threats", "tactics", "techniques", "riskFactors", "attackPathsReferences"), texts),
    **dict.fromkeys(("preview", "isContextualRisk"), flag),
}
"""What is not a text."""
_WITHOUT_FIELD = {"Id", "NativeResourceId", "paths", "publishDates", "partnerData"}
"""Names that the structs above know, and no field of a record holds."""


class _Said(NamedTuple):
    """What a piece of the properties says, which many rows share.

    Attributes:
        fields: The fields of a record that it fills.
        rest: What has no field; None where all has one.
    """

    fields: Json
    rest: object


_Part = TypeVar("_Part", bound=msgspec.Struct)


def assessment(row: Row, machines: Lookup[Json], context: Context) -> Json | None:
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
    fields, metadata = _said_by_metadata(properties.metadata)
    more_fields, additional_data = _said_by_additional_data(properties.additional_data)
    status = properties.status or _NO_STATUS
    resource = properties.resource_details or _NO_RESOURCE
    record = _BLANK.copy()  # takes half as long as a new dict of this size
    record |= fields
    record |= more_fields
    record["id"] = identity
    record["resourceId"] = given_id
    for name in _COLUMNS:
        value = row.get(name)
        record[name] = value or None if type(value) is str and "\0" not in value else text(value)
    record["displayName"] = properties.display_name or None
    record["statusCode"] = status.code or None
    record["statusCause"] = status.cause or None
    record["statusDescription"] = status.description or None
    record["firstEvaluationDate"] = first_evaluation = instant(status.first_evaluation_date)
    record["statusChangeDate"] = status_change = instant(status.status_change_date)
    if not (first_evaluation and status_change):
        _count_unread(status, record, rest, context)
    record["azurePortalLink"] = _link(properties.links or _NO_LINKS, context.portal, rest)
    record["resourceSource"] = resource.source or None
    kind = resource.resource_type
    record["resourceType"] = kind if kind and "/" not in kind else _type_in(kind, rest)
    record["resourceProvider"] = resource.resource_provider or "Microsoft.Compute"
    record["resourceName"] = resource.resource_name or given_id.split("/")[8]
    if (risk := properties.risk) is not None:
        record |= _risk(risk)
    if metadata is not None:
        rest["metadata"] = metadata
    if additional_data is not None:
        rest["additionalData"] = additional_data
    record["otherProperties"] = rest or None
    record["virtualMachineId"] = machine_id
    if machine := machines.get(machine_id):
        record |= machine
    return record


def _properties(row: Row) -> tuple[_Properties, Json]:
    """Return a row's properties, and those that no field of a record holds.

    They are decoded at once where they are as documented, else put right one by one.
    """
    encoded = bytes(row.get("properties", _NULL))
    if b"\\" in encoded and holds_nul(encoded):
        return _put_right(encoded)
    try:
        properties = _PROPERTIES.decode(encoded)
    except (ValueError, RecursionError):
        return _put_right(encoded)
    rest: Json = {}
    if (resource := properties.resource_details) is not None:
        ids = {}
        if resource.id is not UNSET:
            ids["Id"] = resource.id
        if resource.native_resource_id is not UNSET:
            ids["NativeResourceId"] = resource.native_resource_id
        if ids:
            rest["resourceDetails"] = ids
    if properties.risk is not None and properties.risk.paths is not UNSET:
        rest["risk"] = {"paths": properties.risk.paths}
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
    metadata, additional = parts.pop("metadata", _NULL), parts.pop("additionalData", _NULL)
    rest = {storable(name): decoded(part) for name, part in parts.items()}
    properties = _Properties(
        display_name=taken(rest, "displayName", text),
        status=_fitted(rest, "status", _Status),
        resource_details=_fitted(rest, "resourceDetails", _Resource),
        links=_fitted(rest, "links", _Links),
        risk=_fitted(rest, "risk", _Risk),
        additional_data=additional,
        metadata=metadata,
    )
    return properties, rest


def _fitted(rest: Json, name: str, kind: type[_Part]) -> _Part:
    """Take what fields are made of out of an object in ``rest``, whatever the letter case of its names.

    Older rows, exports and samples begin the names of the resource's details with a small letter.
    """
    given = rest.get(name)
    if type(given) is not dict:
        if given in NOTHING:
            rest.pop(name, None)
        return kind()
    spelled = {each.lower(): each for each in reversed(given)}
    fields = [each for each in kind.__struct_encode_fields__ if each not in _WITHOUT_FIELD]
    values = [
        taken(given, each if each in given else spelled.get(each.lower(), each), _READ_AS.get(each, text))
        for each in fields
    ]
    if not given:
        del rest[name]
    return kind(*values)


def _read_metadata(piece: msgspec.Raw) -> _Said:
    """Return what metadata says: half of a record, and the same for all machines that have the finding.

    Records share its strings and arrays.
    """
    metadata, rest = _metadata(piece)
    category = metadata.recommendation_category or "Unknown"
    if category.lower() == "unknown":  # Microsoft's own query takes it for none
        category = ", ".join(texts(metadata.categories) or [])
    fields = {
        "severity": metadata.severity or None,
        "description": metadata.description or None,
        "remediationDescription": metadata.remediation_description or None,
        "userImpact": metadata.user_impact or None,
        "implementationEffort": metadata.implementation_effort or None,
        "categories": texts(metadata.categories),
        "threats": texts(metadata.threats),
        "tactics": texts(metadata.tactics),
        "techniques": texts(metadata.techniques),
        "assessmentType": metadata.assessment_type or None,
        "policyDefinitionId": metadata.policy_definition_id or None,
        "metadataDisplayName": metadata.display_name or None,
        "recommendationCategory": category or None,
        "preview": metadata.preview,
        "plannedDeprecationDate": metadata.planned_deprecation_date or None,
    }
    return _Said(fields, rest)


def _metadata(piece: msgspec.Raw) -> tuple[_Metadata, object]:
    """Return metadata, and what of it has no field: decoded at once where it is as documented, else put right."""
    if not holds_nul(bytes(piece)):
        try:
            metadata = _METADATA.decode(piece)
        except (ValueError, RecursionError):
            pass
        else:
            dates, partner = metadata.publish_dates, metadata.partner_data
            rest = {"publishDates": dates, "partnerData": partner}
            return metadata, {name: value for name, value in rest.items() if value is not UNSET} or None
    given = {"metadata": decoded(piece)}
    return _fitted(given, "metadata", _Metadata), given.get("metadata")


def _read_additional_data(piece: msgspec.Raw) -> _Said:
    """Return the fields that additional data fills, among them itself as it came."""
    given = decoded(piece)
    if type(given) is not dict:
        return _Said({}, None if given in NOTHING else given)
    return _Said({"additionalData": given, **software_of(given)}, None)


_said_by_metadata = Remembered(_read_metadata, 24 * 1024 * 1024)
_said_by_additional_data = Remembered(_read_additional_data, 8 * 1024 * 1024)


def _count_unread(status: _Status, record: Json, rest: Json, context: Context) -> None:
    """Count the dates that are none, and keep what stands in their place."""
    for name, given in (
        ("firstEvaluationDate", status.first_evaluation_date),
        ("statusChangeDate", status.status_change_date),
    ):
        if given and not record[name]:
            context.unread[f"assessments.{name}"] += 1
            rest.setdefault("status", {})[name] = given


def _risk(risk: _Risk) -> Json:
    return {
        "riskLevel": risk.level or None,
        "riskFactors": texts(risk.risk_factors),
        "attackPaths": texts(risk.attack_paths_references),
        "riskIsContextual": risk.is_contextual_risk,
    }


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
