"""What one expects and does not find: subscriptions without an assessment, assessments whose ids nobody knows.

Each question costs a request or two, and is asked only where there is something to explain.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph.model import Query, Scope, quoted
from tap_mdc_vm.clouds import CHINA
from tap_mdc_vm.coverage import batches
from tap_mdc_vm.errors import TapError
from tap_mdc_vm.rows.fields import document, properties_of
from tap_mdc_vm.sources import PLANS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tap_mdc_vm.azure.resource_graph.model import Row
    from tap_mdc_vm.azure.resource_graph.reader import Reader
    from tap_mdc_vm.settings import Settings

_ASKED = 100
"""Ids in one question, at most: enough to tell loss from deletion."""

_ORDER = "| order by id asc"


def having(reader: Reader, query: Query, subscriptions: Collection[str]) -> set[str]:
    """Return those of some subscriptions in which a query has a row.

    Raises:
        TapError: Azure can't be asked.
    """
    body = query.text.rstrip().removesuffix(_ORDER)
    by_subscription = Query(query.name, f"{body}| summarize n = count() by id = subscriptionId\n| project id\n{_ORDER}")
    return {row["id"].lower() for row in _rows(reader, by_subscription, subscriptions)}


def reasons(reader: Reader, settings: Settings, subscriptions: Collection[str]) -> dict[str, str]:
    """Return why some subscriptions, by id, have machines and no assessment: a short sentence each.

    Foundational CSPM, which makes the assessments, is off in subscriptions that are newer than 2026-10-27
    (defender-docs, foundational-cspm-opt-in).
    """
    if not subscriptions:
        return {}
    if settings.cloud.name == CHINA.name:
        return dict.fromkeys(subscriptions, "Microsoft retired Defender for Cloud in Azure China on 2026-08-18")
    try:
        rows = _rows(reader, queries.unfiltered(PLANS), subscriptions)
    except TapError as error:
        return dict.fromkeys(subscriptions, f"its Defender plans can't be read ({error.code or error.message})")
    tiers: dict[str, dict[str, object]] = {subscription: {} for subscription in subscriptions}
    for row in rows:
        plan = document(properties_of(row)) or {}
        tiers.setdefault(str(row["subscriptionId"]).lower(), {})[str(row["name"]).lower()] = plan.get("pricingTier")
    return {subscription: _reason(tiers[subscription]) for subscription in subscriptions}


def _reason(tiers: dict[str, object]) -> str:
    if not tiers:
        return "no Defender plan is registered there: register the resource provider Microsoft.Security"
    if str(tiers.get("foundationalcspm", "")).lower() == "free":
        return "Foundational CSPM is off: turn it on under Environment settings of Defender for Cloud"
    return "its Defender plans don't tell why: machines that are younger than a day may have none yet"


def of_another_form(reader: Reader, settings: Settings, scopes: Iterable[Scope]) -> tuple[int, str]:
    """Return how many assessments Azure calls a virtual machine's whose ids have no known form, and one such id.

    Raises:
        TapError: Azure can't be asked.
    """
    query = queries.query("unclaimed_assessments", settings)
    pages = [reader.client.ask(query.name, query.text, scope, top=1) for scope in scopes]
    return sum(page.total for page in pages), next((page.rows[0]["id"] for page in pages if page.rows), "")


def there(reader: Reader, settings: Settings, scopes: Iterable[Scope], ids: Iterable[str]) -> list[str]:
    """Return the ids of those among some machines that are there when they are asked for by id.

    Raises:
        TapError: Azure can't be asked.
    """
    asked = ", ".join(map(quoted, islice(ids, _ASKED)))
    query = queries.query("virtual_machines", settings).where(f"id in~ ({asked})")
    return [row["id"] for scope in scopes for row in reader.client.ask(query.name, query.text, scope, top=_ASKED).rows]


def _rows(reader: Reader, query: Query, subscriptions: Collection[str]) -> list[Row]:
    scopes = [Scope(subscriptions=batch) for batch in batches(tuple(sorted(subscriptions)))]
    return [row for rows in reader.start(query, scopes) for row in rows]
