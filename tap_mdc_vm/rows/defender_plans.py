"""The record of a plan of Defender for Cloud on a subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_mdc_vm.resource_ids import lower
from tap_mdc_vm.rows.fields import branches, document, flag, properties_of, text, texts

if TYPE_CHECKING:
    from tap_mdc_vm.rows.fields import Context, Json, Row


def defender_plan(row: Row, context: Context) -> Json:
    """Return the record of a plan, whether it is on or off."""
    properties = document(properties_of(row)) or {}
    extensions = properties.get("extensions")
    return {
        "id": lower(row["id"]),
        "resourceId": row["id"],
        "name": text(row.get("name")),
        "subscriptionId": text(row.get("subscriptionId")),
        "tenantId": text(row.get("tenantId")),
        "resourceGroup": text(row.get("resourceGroup")),
        "pricingTier": text(properties.get("pricingTier")),
        "subPlan": text(properties.get("subPlan")),
        "resourcesCoverageStatus": text(properties.get("resourcesCoverageStatus")),
        "enablementTime": context.instant(properties.get("enablementTime"), "defender_plans.enablementTime"),
        "freeTrialRemainingTime": text(properties.get("freeTrialRemainingTime")),
        "deprecated": flag(properties.get("deprecated")),
        "replacedBy": texts(properties.get("replacedBy")),
        "extensions": branches(extensions) if type(extensions) is list else None,
    }
