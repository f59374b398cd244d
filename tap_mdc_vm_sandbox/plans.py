"""The plans of Defender for Cloud that each subscription of the made-up tenant has on or off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import azure_rows as azure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .azure_rows import Row
    from .tenant import Subscription

_OTHERS = ("SqlServers", "AppServices", "StorageAccounts", "SqlServerVirtualMachines", "KeyVaults", "Arm", "Containers")
_NEWER = ("OpenSourceRelationalDatabases", "CosmosDbs", "Api", "AI", "Discovery")
_DEPRECATED = {"KubernetesService": ["Containers"], "ContainerRegistry": ["Containers"], "Dns": []}
_ENABLED = "2024-11-20T10:51:36.3376828Z"


def plans_of(subscription: Subscription) -> Iterator[Row]:
    """A row for each plan, on or off."""
    yield _plan(subscription, "FoundationalCspm", on=subscription.foundational)
    yield _plan(
        subscription,
        "CloudPosture",
        on=subscription.posture,
        extensions=_extensions("AgentlessVmScanning", "SensitiveDataDiscovery", on=subscription.posture),
    )
    yield _plan(
        subscription,
        "VirtualMachines",
        on=bool(subscription.servers),
        sub_plan=subscription.servers,
        extensions=_extensions("MdeDesignatedSubscription", "AgentlessVmScanning", on=subscription.servers == "P2"),
    )
    for number, name in enumerate((*_OTHERS, *_NEWER)):
        yield _plan(subscription, name, on=bool(subscription.servers) and number % 3 == 0)
    for name, successors in _DEPRECATED.items():
        yield _plan(subscription, name, on=False, deprecated=True, replacedBy=successors)


def _plan(subscription: Subscription, name: str, *, on: bool, sub_plan: str = "", **more: Any) -> Row:  # noqa: ANN401
    properties: Row = {"pricingTier": "Standard" if on else "Free", "freeTrialRemainingTime": "PT0S"}
    if sub_plan:
        properties["subPlan"] = sub_plan
    if on:
        properties |= {"enablementTime": _ENABLED, "resourcesCoverageStatus": "FullyCovered"}
    return azure.plan(subscription.tenant, subscription.id, name, properties | {"deprecated": False, **more})


def _extensions(*names: str, on: bool) -> list[Row]:
    return [{"name": name, "isEnabled": str(on)} for name in names]
