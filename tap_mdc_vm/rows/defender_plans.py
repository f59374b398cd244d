"""The record of a plan of Defender for Cloud on a subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_mdc_vm.rows.fields import blank, branches, envelope, flag, named, properties_of, texts

if TYPE_CHECKING:
    from tap_mdc_vm.rows.fields import Columns, Context, Json


_BLANK = blank("defender_plans")


def defender_plan(row: Columns, context: Context) -> Json:
    """Return the record of a plan, whether it is on or off."""
    properties = properties_of(row) or {}
    extensions = properties.get("extensions")
    return _BLANK | {
        **envelope(row, "name"),
        **named(properties, "pricingTier", "subPlan", "resourcesCoverageStatus", "freeTrialRemainingTime"),
        "enablementTime": context.instant(properties.get("enablementTime"), "defender_plans.enablementTime"),
        "deprecated": flag(properties.get("deprecated")),
        "replacedBy": texts(properties.get("replacedBy")),
        "extensions": branches(extensions) if type(extensions) is list else None,
    }
