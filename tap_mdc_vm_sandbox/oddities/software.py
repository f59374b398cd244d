"""Odd programs and plans."""

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
def _software_unsupported(scene: Scene) -> Iterator[Placed]:
    """A program whose support has ended, on an odd machine; its id in another letter case than the machine's."""
    row = _program(scene, "python", "2.7.18", endOfSupportStatus="noLongerSupported", endOfSupportDate="2020-01-01")
    row["id"] = row["id"].lower().replace("/resourcegroups/", "/resourceGroups/")
    return security(row)


@odd
def _software_orphan(scene: Scene) -> Iterator[Placed]:
    """A program of a machine that is gone."""
    return security(_program(scene, "nginx", "1.24.0", machine=scene.place.id(azure.VM, "vm-deleted-yesterday")))


@odd
def _software_bare(scene: Scene) -> Iterator[Placed]:
    """A program of which only the name is known; null and "" elsewhere, no version."""
    row = _program(scene, "agent", "")
    row["properties"] = {"softwareName": "agent", "version": "", "vendor": None, "endOfSupportStatus": "None"}
    return security(row)


@odd
def _software_dates(scene: Scene) -> Iterator[Placed]:
    """A program whose dates have a T and a zone instead of a blank and none; a number as text."""
    moment = "2026-02-03T10:51:36.3376828Z"
    return security(
        _program(
            scene,
            "openjdk",
            "8u372",
            firstSeenAt=moment,
            endOfSupportStatus="upcomingVersionNoLongerSupported",
            endOfSupportDate=moment,
            numberOfKnownVulnerabilities="17",
        )
    )


@odd
def _software_odd_name(scene: Scene) -> Iterator[Placed]:
    """A program whose name and version have blanks, a plus, a slash and letters beyond ASCII."""
    return security(_program(scene, "größe++ & co/tools", "1.0 (beta) +git"))


@odd
def _plan_trial(scene: Scene) -> Iterator[Placed]:
    """A plan on trial, covering a part, with an extension that reports its state."""
    extension = {
        "name": "OnUploadMalwareScanning",
        "isEnabled": "True",
        "additionalExtensionProperties": {"CapGBPerMonthPerStorageAccount": "5000"},
        "operationStatus": {"code": "Succeeded", "message": "Done."},
    }
    return security(
        _plan(
            scene,
            "SandboxStorage",
            resourcesCoverageStatus="PartiallyCovered",
            freeTrialRemainingTime="P12DT4H",
            extensions=[extension],
        )
    )


@odd
def _plan_replaced(scene: Scene) -> Iterator[Placed]:
    """A deprecated plan that two others replace."""
    return security(_plan(scene, "SandboxRegistry", deprecated=True, replacedBy=["Containers", "SandboxStorage"]))


@odd
def _plan_bare(scene: Scene) -> Iterator[Placed]:
    """A plan of which only the tier is known."""
    row = _plan(scene, "SandboxUnknown")
    row["properties"] = {"pricingTier": "Free"}
    return security(row)


def _program(scene: Scene, name: str, version: str, *, machine: str | None = None, **changes: object) -> Row:
    properties = {
        "deviceId": scene.tenant.guid("device", name).replace("-", ""),
        "osPlatform": "ubuntu",
        "vendor": f"{name}_project",
        "softwareName": name,
        "version": version,
        "endOfSupportStatus": "None",
        "endOfSupportDate": "",
        "numberOfKnownVulnerabilities": 0,
        "firstSeenAt": "2026-01-26 15:48:56",
    }
    owner = machine or scene.place.id(azure.VM, "vm-showcase")
    return azure.software(scene.place, owner, f"{name}_{version}".replace("/", "%2f"), properties | changes)


def _plan(scene: Scene, name: str, **changes: object) -> Row:
    properties = {
        "pricingTier": "Standard",
        "subPlan": "P1",
        "freeTrialRemainingTime": "PT0S",
        "enablementTime": "2026-02-03T10:51:36.3376828Z",
        "resourcesCoverageStatus": "FullyCovered",
        "deprecated": False,
    }
    return azure.plan(scene.place.tenant, scene.place.subscription, name, properties | changes)
