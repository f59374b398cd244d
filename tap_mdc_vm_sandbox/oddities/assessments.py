"""Odd assessments of machines, most of them of the machine `vm-showcase`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import azure_rows as azure
from .scene import Builders, Placed, Scene, security

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..azure_rows import Row

BUILDERS = Builders()
odd = BUILDERS.add


@odd
def _assessment_full(scene: Scene) -> Iterator[Placed]:
    """Unhealthy with cause and description; `additionalData` with a blank in its key."""
    status = {
        "code": "Unhealthy",
        "cause": "ManagementPortsAreOpenToAllSources",
        "description": "An inbound rule allows every source to reach an administration port.",
        "firstEvaluationDate": "2026-02-03T10:51:36.3376828Z",
        "statusChangeDate": "2026-03-04T05:16:03.6743315Z",
    }
    return security(scene.assessment(status=status, additionalData={"NSG open ports": "22"}))


@odd
def _assessment_healthy_cause(scene: Scene) -> Iterator[Placed]:
    """Healthy with a cause; its dates are equal."""
    status = {"code": "Healthy", "cause": "mdeTvm", "description": "The machine is onboarded."}
    same = dict.fromkeys(("firstEvaluationDate", "statusChangeDate"), "2026-02-03T10:51:36.3376828Z")
    return security(scene.assessment(status=status | same))


@odd
def _assessment_critical(scene: Scene) -> Iterator[Placed]:
    """Severity Critical; a link to its sub-assessments."""
    row = scene.assessment()
    row["properties"]["metadata"] |= {"severity": "Critical"}
    row["properties"]["additionalData"] = {"subAssessmentsLink": f"{row['id']}/subAssessments"}
    return security(row)


@odd
def _assessment_two_categories(scene: Scene) -> Iterator[Placed]:
    """Two categories."""
    return security(_described(scene, categories=["Networking", "Compute"]))


@odd
def _assessment_not_applicable(scene: Scene) -> Iterator[Placed]:
    """NotApplicable for each of the recorded causes."""
    causes = ("UnsupportedPricingPlan", "OffByPolicy", "Exempt")
    return security(
        *(scene.assessment(status={"code": "NotApplicable", "cause": cause, "description": ""}) for cause in causes)
    )


@odd
def _assessment_initiatives(scene: Scene) -> Iterator[Placed]:
    """`statusPerInitiative`, which Resource Graph alone has."""
    status = {"code": "NotApplicable", "cause": "Exempt"}
    initiative = {"policyInitiativeName": "ASC Default", "assessmentStatus": status}
    return security(scene.assessment(status=status, statusPerInitiative=[initiative]))


@odd
def _assessment_preview(scene: Scene) -> Iterator[Placed]:
    """In preview: `metadata.preview`, and a display name that says so."""
    row = _described(scene, preview=True)
    row["properties"]["displayName"] = f"[Preview]: {row['properties']['metadata']['displayName']}"
    return security(row)


@odd
def _assessment_custom(scene: Scene) -> Iterator[Placed]:
    """Customer-defined: `cause` and `description` "", no policy, no links."""
    metadata = {
        "displayName": "Own rule 140",
        "assessmentType": "CustomerManaged",
        "description": "",
        "categories": ["Compute"],
        "severity": "Medium",
    }
    status = {"code": "Healthy", "cause": "", "description": "", "firstEvaluationDate": "2026-02-03T10:51:36.3376828Z"}
    changes: Row = {"displayName": "Own rule 140", "metadata": metadata, "additionalData": {}, "status": status}
    return security(scene.assessment(links=None, **changes))


@odd
def _assessment_bare(scene: Scene) -> Iterator[Placed]:
    """Of a partner: no `metadata`, no `links`, no dates."""
    return security(
        scene.assessment(metadata=None, links=None, status={"code": "Unhealthy"}, displayName="Partner finding")
    )


@odd
def _assessment_no_severity(scene: Scene) -> Iterator[Placed]:
    """`metadata` without severity; categories [], description "" in it."""
    row = _described(scene, categories=[], description="")
    del row["properties"]["metadata"]["severity"]
    return security(row)


@odd
def _assessment_unknown_severity(scene: Scene) -> Iterator[Placed]:
    """A severity outside the documented ones."""
    return security(_described(scene, severity="Extreme"))


@odd
def _assessment_informational(scene: Scene) -> Iterator[Placed]:
    """Severity Informational, which belongs to alerts."""
    return security(_described(scene, severity="Informational"))


@odd
def _assessment_severity_case(scene: Scene) -> Iterator[Placed]:
    """Severity in another letter case."""
    return security(_described(scene, severity="high"))


@odd
def _assessment_unknown_status(scene: Scene) -> Iterator[Placed]:
    """A status code outside the documented ones."""
    return security(scene.assessment(status={"code": "Pending"}))


@odd
def _assessment_details_2020(scene: Scene) -> Iterator[Placed]:
    """`resourceDetails` as in 2020: Source and Id only."""
    return security(scene.assessment(resourceDetails={"Source": "Azure", "Id": scene.showcase}))


@odd
def _assessment_details_camel(scene: Scene) -> Iterator[Placed]:
    """`resourceDetails` in camelCase."""
    details = {name[0].lower() + name[1:]: value for name, value in azure.resource_details(scene.showcase).items()}
    return security(scene.assessment(resourceDetails=details))


@odd
def _assessment_details_resource_id(scene: Scene) -> Iterator[Placed]:
    """`resourceDetails` with ResourceId, as a documentation example has it."""
    return security(scene.assessment(resourceDetails={"Source": "Azure", "ResourceId": scene.showcase}))


@odd
def _assessment_details_missing(scene: Scene) -> Iterator[Placed]:
    """No `resourceDetails`: only the id tells the machine."""
    return security(scene.assessment(resourceDetails=None))


@odd
def _assessment_lower(scene: Scene) -> Iterator[Placed]:
    """Whole id in lower case."""
    row = scene.assessment()
    row["id"] = row["id"].lower()
    return security(row)


@odd
def _assessment_dates(scene: Scene) -> Iterator[Placed]:
    """Portal link that has a scheme already; dates without a fraction and with three digits."""
    row = scene.assessment()
    row["properties"]["links"]["azurePortal"] = "https://" + row["properties"]["links"]["azurePortal"]
    dates = {"firstEvaluationDate": "2026-02-03T10:51:36Z", "statusChangeDate": "2026-03-04T05:16:03.674Z"}
    row["properties"]["status"] |= dates
    return security(row)


@odd
def _assessment_recommendation_category(scene: Scene) -> Iterator[Placed]:
    """`metadata.recommendationCategory` is there; first date only."""
    row = _described(scene, recommendationCategory="Harden the network")
    del row["properties"]["status"]["statusChangeDate"]
    return security(row)


@odd
def _assessment_global(scene: Scene) -> Iterator[Placed]:
    """`location` "global"; a long remediation text; category, tactics and techniques are []."""
    row = _described(scene, remediationDescription="Repeat until done.<br>" * 400, tactics=[], techniques=[])
    row["location"] = "global"
    return security(row)


@odd
def _assessment_orphan(scene: Scene) -> Iterator[Placed]:
    """Its machine is gone."""
    return security(scene.assessment(scene.place.id(azure.VM, "vm-deleted-yesterday", group="RG-ODD")))


def _described(scene: Scene, **metadata: object) -> Row:
    row = scene.assessment()
    row["properties"]["metadata"] |= metadata
    return row
