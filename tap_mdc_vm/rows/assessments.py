"""The record of an assessment, joined to the machine that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import UNSET

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.additional_data import software_of
from tap_mdc_vm.rows.fields import NOTHING, Columns, Context, Json, Lookup, below_a_machine, decoded, instant, text
from tap_mdc_vm.rows.parts import NULL, Part
from tap_mdc_vm.rows.remembered import Remembered
from tap_mdc_vm.rows.shape import Shape

_FINDING = below_a_machine("microsoft[.]security/assessments")
_COLUMNS = ("name", "type", "tenantId", "subscriptionId", "resourceGroup", "location", "managedBy")
_DATES = ("firstEvaluationDate", "statusChangeDate")
_SHAPE = Shape("assessments")
_STATUS = Part("status", _SHAPE, *_DATES, code="statusCode", cause="statusCause", description="statusDescription")
_RESOURCE = Part(
    *("resourceDetails", _SHAPE),
    Source="resourceSource",
    ResourceType="resourceType",
    ResourceProvider="resourceProvider",
    ResourceName="resourceName",
    others=("Id", "NativeResourceId"),
)
# Of Microsoft's samples the one, of its specification the other
_LINKS = Part("links", _SHAPE, "azurePortalUri", azurePortal="azurePortalLink")
_RISK = Part(
    *("risk", _SHAPE, "riskFactors"),
    level="riskLevel",
    attackPathsReferences="attackPaths",
    isContextualRisk="riskIsContextual",
    others=("paths",),
)
_METADATA = Part(
    *("metadata", _SHAPE),
    *("severity", "description", "remediationDescription", "userImpact", "implementationEffort", "categories"),
    *("threats", "tactics", "techniques", "assessmentType", "policyDefinitionId", "recommendationCategory", "preview"),
    "plannedDeprecationDate",
    displayName="metadataDisplayName",
    others=("publishDates", "partnerData"),
)


def assessment(row: Columns, machines: Lookup[Json], context: Context) -> Json | None:
    """Return the record of an assessment; None for a row that is no assessment of a virtual machine.

    Raises:
        MalformedAnswerError: The properties can't be read.
    """
    given_id = row["id"]
    identity = lower(given_id)
    found = _FINDING.fullmatch(identity)
    if not found:
        return None
    record, rest = _SHAPE.blank.copy(), Json()
    for said, unfit in _parts(row.get("properties", NULL)):
        record |= said
        rest |= unfit
    record["id"], record["resourceId"], record["virtualMachineId"] = identity, given_id, found[1]
    for name in _COLUMNS:
        value = row.get(name)
        record[name] = value or None if type(value) is str else text(value)
    for name in _DATES:
        if (given := record[name]) is not None:
            record[name] = moment = instant(given)
            if moment is None:
                context.unread[f"assessments.{name}"] += 1
                rest.setdefault("status", {})[name] = given
    record["azurePortalLink"] = _link(record, context.portal, rest)
    kind = record["resourceType"]
    if not kind or "/" in kind:  # the type has its provider before it, or is missing
        if kind and kind.lower() != "microsoft.compute/virtualmachines":
            rest.setdefault("resourceDetails", {})["ResourceType"] = kind
        record["resourceType"] = "virtualMachines"
    record["resourceProvider"] = record["resourceProvider"] or "Microsoft.Compute"
    record["resourceName"] = record["resourceName"] or given_id.split("/")[8]
    record["otherProperties"] = rest or None
    if machine := machines.get(found[1]):
        record |= machine
    return record


def _read_metadata(piece: msgspec.Raw) -> tuple[Json, Json]:
    said, rest = _METADATA.read(piece)
    if (said.get("recommendationCategory") or "unknown").lower() == "unknown":  # Microsoft's own query means none by it
        said = said | {"recommendationCategory": ", ".join(said.get("categories") or []) or None}
    return said, rest


def _read_additional_data(piece: msgspec.Raw) -> tuple[Json, Json]:
    """Return the fields that additional data fills, among them itself as it came."""
    given = decoded(piece)
    if type(given) is dict:
        return {"additionalData": given, **software_of(given)}, {}
    return {}, {} if given in NOTHING else {"additionalData": given}


# What many rows share
_said_by_metadata = Remembered(_read_metadata, 24 * 1024 * 1024)
_said_by_risk = Remembered(_RISK.read, 2 * 1024 * 1024)
_said_by_additional_data = Remembered(_read_additional_data, 8 * 1024 * 1024)

_READERS: dict[str, Callable[[msgspec.Raw], tuple[Json, Json]]] = {
    "metadata": _said_by_metadata,
    "risk": _said_by_risk,
    "additionalData": _said_by_additional_data,
    "status": _STATUS.read,
    "resourceDetails": _RESOURCE.read,
    "links": _LINKS.read,
}
_OTHERS = ("scope", "statusPerInitiative")
_DOCUMENTED = msgspec.json.Decoder(
    msgspec.defstruct(
        "properties",
        [
            ("displayName", str | None, None),
            *((part.name, part.documented | None, None) for part in (_STATUS, _RESOURCE, _LINKS)),
            *((name, msgspec.Raw, NULL) for name in ("metadata", "risk", "additionalData")),
            *((name, Any, UNSET) for name in _OTHERS),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
)
_PIECES = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _parts(encoded: msgspec.Raw) -> Iterable[tuple[Json, Json]]:
    """Return the fields of a record that each part of properties fills, and what of it no field holds.

    Raises:
        MalformedAnswerError: They can't be read.
    """
    try:
        given: Any = _DOCUMENTED.decode(encoded)
    except (ValueError, RecursionError):
        return _piece_by_piece(encoded)
    rest = {}
    for name in _OTHERS:
        if (value := getattr(given, name)) is not UNSET:
            rest[name] = value
    return (
        ({"displayName": given.displayName or None}, rest),
        _said_by_metadata(given.metadata),
        _said_by_risk(given.risk),
        _said_by_additional_data(given.additionalData),
        _STATUS.said(given.status),
        _RESOURCE.said(given.resourceDetails),
        _LINKS.said(given.links),
    )


def _piece_by_piece(encoded: msgspec.Raw) -> Iterable[tuple[Json, Json]]:
    """Yield the same of properties with other names, or of another type."""
    try:
        pieces = _PIECES.decode(encoded)
    except (ValueError, RecursionError):
        given = decoded(encoded)
        pieces = {} if given in NOTHING else {"properties": encoded}
    for name, read in _READERS.items():
        yield read(pieces.pop(name, NULL))
    display_name = text(decoded(pieces.pop("displayName", NULL)))
    yield {"displayName": display_name}, {name: decoded(piece) for name, piece in pieces.items()}


def _link(record: Json, portal: str, rest: Json) -> str | None:
    """Return the address of the finding's page, which Azure writes without ``https://``, or even without the host."""
    first, other = record["azurePortalLink"], record.pop("azurePortalUri", None)
    if first and other:
        rest.setdefault("links", {})["azurePortalUri"] = other
    link: str | None = first or other
    if not link or "://" in link[:8]:
        return link
    if link.startswith("//"):
        return f"https:{link}"
    return f"https://{portal}/{link.removeprefix('/')}" if link[0] in "#/" else f"https://{link}"
