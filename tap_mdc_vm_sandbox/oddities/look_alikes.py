"""Assessments of other things than machines, and other rows of the same table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import azure_rows as azure
from ..azure_rows import Place, Row
from .scene import Builders, Placed, Scene, security

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDERS = Builders()
odd = BUILDERS.add


@odd
def _not_machine_extension(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on an extension of one."""
    return security(scene.assessment(f"{scene.showcase}/extensions/MDE.Linux"))


@odd
def _not_machine_scale_set(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on a uniform scale set."""
    return security(scene.assessment(scene.place.id("Microsoft.Compute/virtualMachineScaleSets", "uniform")))


@odd
def _not_machine_instance(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on an instance of a uniform scale set; its id has `/virtualMachines/`."""
    instance = "uniform/virtualMachines/0"
    return security(scene.assessment(scene.place.id("Microsoft.Compute/virtualMachineScaleSets", instance)))


@odd
def _not_machine_classic(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on one of the retired resource model."""
    return security(scene.assessment(scene.place.id("Microsoft.ClassicCompute/virtualMachines", "classic-01")))


@odd
def _not_machine_arc(scene: Scene) -> Iterator[Placed]:
    """NOT a machine of Azure: on one connected by Arc, though its `Source` is Azure."""
    return security(scene.assessment(scene.place.id("Microsoft.HybridCompute/machines", "onprem-01")))


@odd
def _not_machine_on_premise(scene: Scene) -> Iterator[Placed]:
    """NOT a machine of Azure: on one that reports to a workspace."""
    workspace = scene.place.id("microsoft.operationalinsights/workspaces", "logs")
    uuid = scene.tenant.guid("legacy")
    details = {
        "Source": "OnPremise",
        "WorkspaceId": workspace,
        "VMUUID": uuid,
        "SourceComputerId": scene.tenant.guid("legacy computer"),
        "MachineName": "legacy",
    }
    return security(scene.assessment(f"{workspace}/onpremisemachines/legacy_{uuid}", resourceDetails=details))


@odd
def _not_machine_aws(scene: Scene) -> Iterator[Placed]:
    """NOT a machine of Azure: AWS."""
    return _elsewhere(scene, "Aws", "aws-i-0abc", {"ResourceProvider": "ec2", "ResourceType": "instance"})


@odd
def _not_machine_gcp(scene: Scene) -> Iterator[Placed]:
    """NOT a machine of Azure: Google Cloud."""
    return _elsewhere(scene, "Gcp", "gcp-vm1", {"ResourceProvider": "compute", "ResourceType": "instances"})


def _elsewhere(scene: Scene, source: str, name: str, details: Row) -> Iterator[Placed]:
    connector = "microsoft.security/securityconnectors"
    resource_id = scene.place.id(connector, f"connector/securityentitydata/{name}")
    where = {"Source": source, "Id": resource_id, "AzureResourceId": resource_id, "ResourceName": name}
    connected = {"ConnectorId": scene.tenant.guid("connector")}
    return security(scene.assessment(resource_id, resourceDetails=where | details | connected))


@odd
def _not_machine_subscription(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on the subscription; an empty `resourceGroup`."""
    place = Place(scene.place.tenant, scene.place.subscription, "")
    resource_id = f"/subscriptions/{place.subscription}"
    details = {"Source": "Azure", "Id": resource_id, "NativeResourceId": resource_id}
    return security(scene.assessment(resource_id, place=place, resourceDetails=details))


@odd
def _not_machine_subnet(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: on a subnet."""
    subnet = scene.place.id("Microsoft.Network/virtualNetworks", "vnet-westeurope/subnets/default")
    return security(scene.assessment(subnet))


@odd
def _not_assessment_sub(scene: Scene) -> Iterator[Placed]:
    """NOT an assessment: a sub-assessment of one on a machine."""
    parent = scene.assessment()
    row = azure.row(
        scene.place,
        "Microsoft.Security/assessments/subAssessments",
        scene.tenant.guid("sub-assessment"),
        {
            "id": "CVE-0000-0001",
            "displayName": "Example",
            "status": {"code": "Unhealthy", "severity": "High"},
            "resourceDetails": {"source": "Azure", "id": scene.showcase},
            "timeGenerated": "2026-02-03T10:51:36.3376828Z",
            "additionalData": {"assessedResourceType": "ServerVulnerability"},
        },
        location="",
    )
    row["id"] = f"{parent['id']}/subAssessments/{row['name']}"
    return security(row)


@odd
def _not_assessment_score(scene: Scene) -> Iterator[Placed]:
    """NOT an assessment: the secure score."""
    place = Place(scene.place.tenant, scene.place.subscription, "", "")
    properties = {"displayName": "ASC score", "score": {"current": 23, "max": 58, "percentage": 0.3966}, "weight": 67}
    row = azure.row(place, "Microsoft.Security/secureScores", "ascScore", properties)
    row["id"] = f"/subscriptions/{place.subscription}/providers/Microsoft.Security/secureScores/ascScore"
    return security(row)
