"""Odd interfaces and addresses, and resources that look like machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import azure_rows as azure
from .scene import Builders, Placed, Scene, resources

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDERS = Builders()
odd = BUILDERS.add


@odd
def _nic_detached(scene: Scene) -> Iterator[Placed]:
    """Attached to nothing; keeps its MAC."""
    return resources(scene.interface("nic-detached", None))


@odd
def _nic_private_endpoint(scene: Scene) -> Iterator[Placed]:
    """Of a private endpoint: `managedBy`, "" as MAC, no `primary`."""
    interface = scene.interface("nic-private-endpoint", None, mac="")
    endpoint = scene.place.id("Microsoft.Network/privateEndpoints", "store")
    interface["managedBy"] = endpoint
    interface["properties"]["privateEndpoint"] = {"id": endpoint}
    return resources(interface)


@odd
def _pip_load_balancer(scene: Scene) -> Iterator[Placed]:
    """Attached to a load balancer."""
    balancer = scene.place.id("Microsoft.Network/loadBalancers", "front/frontendIPConfigurations/public")
    return resources(scene.public("pip-load-balancer", attached_to=balancer))


@odd
def _pip_unattached(scene: Scene) -> Iterator[Placed]:
    """Attached to nothing."""
    return resources(scene.public("pip-unattached"))


@odd
def _pip_unallocated(scene: Scene) -> Iterator[Placed]:
    """Dynamic, attached to nothing: no `ipAddress`."""
    return resources(scene.public("pip-unallocated", address=None))


@odd
def _resource_extension(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: an extension, whose type begins like a machine's."""
    kind = f"{azure.VM}/extensions"
    row = azure.row(scene.place, kind, "MDE.Linux", {"provisioningState": "Succeeded"})
    row["id"] = f"{scene.showcase}/extensions/MDE.Linux"
    return resources(row)


@odd
def _resource_scale_set(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: a uniform scale set; its instances are in ComputeResources."""
    kind = "Microsoft.Compute/virtualMachineScaleSets"
    scale_set = azure.row(scene.place, kind, "uniform", {"orchestrationMode": "Uniform"})
    instance = azure.row(scene.place, f"{kind}/virtualMachines", "uniform_0", {"instanceId": "0"})
    instance["id"] = f"{scale_set['id']}/virtualMachines/0"
    yield "resources", scale_set
    yield "computeresources", instance


@odd
def _resource_classic(scene: Scene) -> Iterator[Placed]:
    """NOT a machine: the retired resource model."""
    kind = "Microsoft.ClassicCompute/virtualMachines"
    return resources(azure.row(scene.place, kind, "classic-01", {"provisioningState": "Succeeded"}))


@odd
def _resource_arc(scene: Scene) -> Iterator[Placed]:
    """NOT a machine of Azure: connected by Arc."""
    kind = "Microsoft.HybridCompute/machines"
    return resources(azure.row(scene.place, kind, "onprem-01", {"status": "Connected"}, kind="SCVMM"))
