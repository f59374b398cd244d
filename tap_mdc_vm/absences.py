"""Explains what one expects and does not find: assessments of a subscription, ids of a known form, machines.

A question costs a request or two. It is asked only where there is something to explain. Its answer is an event, for the
log of a run and for Test Connection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import wraps
from itertools import islice
from typing import ParamSpec

from tap_mdc_vm import events, queries
from tap_mdc_vm.azure.resource_graph.model import Query, Row, Scope, quoted
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.clouds import CHINA
from tap_mdc_vm.coverage import batches
from tap_mdc_vm.errors import TapError
from tap_mdc_vm.rows.fields import properties_of
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.sources import FINDINGS, INTERFACES, MACHINES, PLANS

_ASKED = 100
"""Ids in one question, at most: enough to tell loss from deletion."""

_ORDER = "| order by id asc"


P = ParamSpec("P")
Question = Callable[P, "Iterator[events.Event]"]


def or_not_asked(what: str) -> Callable[[Question[P]], Question[P]]:
    """Return a decorator: if a question can't be answered, that is a remark, too.

    No record depends on the answer, so the run goes on.
    """

    def decorated(question: Question[P]) -> Question[P]:
        @wraps(question)
        def remarks(*arguments: P.args, **named: P.kwargs) -> Iterator[events.Event]:
            try:
                yield from question(*arguments, **named)
            except TapError as error:
                yield events.NotAsked(what, str(error))

        return remarks

    return decorated


def subscriptions_with(reader: Reader, query: Query, subscriptions: Collection[str]) -> set[str]:
    """Return those of some subscriptions in which a query has a row.

    Raises:
        TapError: Azure can't be asked.
    """
    by_subscription = Query(query.name, query.then(f"| summarize n = count() by id = subscriptionId\n{_ORDER}"))
    return {row["id"].lower() for row in _rows(reader, by_subscription, subscriptions)}


def reasons(reader: Reader, settings: Settings, silent: Collection[str]) -> dict[str, str]:
    """Return why some subscriptions, by id, have machines and no assessment: a short sentence each.

    Foundational CSPM, which makes the assessments, is off in subscriptions that are newer than 2026-10-27
    (defender-docs, foundational-cspm-opt-in).
    """
    if not silent:
        return {}
    if settings.cloud.name == CHINA.name:
        return dict.fromkeys(silent, "Microsoft retired Defender for Cloud in Azure China on 2026-08-18")
    try:
        rows = _rows(reader, queries.unfiltered(PLANS), silent)
    except TapError as error:
        return dict.fromkeys(silent, f"its Defender plans can't be read ({error.code or error.message})")
    tiers: dict[str, dict[str, object]] = {subscription: {} for subscription in sorted(silent)}
    for row in rows:
        plan = properties_of(row) or {}
        tiers.setdefault(str(row["subscriptionId"]).lower(), {})[str(row["name"]).lower()] = plan.get("pricingTier")
    return {subscription: _reason(tiers[subscription]) for subscription in silent}


def _reason(tiers: dict[str, object]) -> str:
    if not tiers:
        return "no Defender plan is registered there: register the resource provider Microsoft.Security"
    if str(tiers.get("foundationalcspm", "")).lower() == "free":
        return "Foundational CSPM is off: turn it on under Environment settings of Defender for Cloud"
    return "its Defender plans don't tell why: machines that are younger than a day may have none yet"


def no_machine_passes(settings: Settings) -> Iterator[events.Event]:
    """Yield the filters on machines, where there are some, as the reason why there is no machine."""
    if filters := tuple(name for name in ("resource_groups", "machine_tags") if getattr(settings, name)):
        yield events.NoMachinePasses(filters)


def unassessed(reasons: dict[str, str]) -> Iterator[events.Event]:
    """Yield a remark for each reason why subscriptions have no assessment."""
    for reason in dict.fromkeys(reasons.values()):
        ids = tuple(each for each, why in reasons.items() if why == reason)
        yield events.SubscriptionsWithoutAssessments(ids, reason)


@or_not_asked("whether assessments of virtual machines have ids of another form")
def of_another_form(reader: Reader, settings: Settings, scopes: Collection[Scope]) -> Iterator[events.Event]:
    """Yield how many assessments Azure calls a virtual machine's whose ids have no known form, and one such id."""
    query = queries.query("unclaimed_assessments", settings)
    pages = [reader.client.ask(query.name, query.text, scope, top=1, urgent=True) for scope in scopes]
    if count := sum(page.total for page in pages):
        yield events.AssessmentsOfAnotherForm(count, next(page.rows[0].id for page in pages if page.rows))


@or_not_asked("whether machines were left out")
def unread_machines(
    reader: Reader, settings: Settings, scopes: Sequence[Scope], ids: Collection[str]
) -> Iterator[events.Event]:
    """Yield whether machines that were not read, and that a record names, are there when they are asked for by id.

    Deletion explains that they are not, unless an interface is attached to them still: Azure takes the reference off
    an interface together with its machine.
    """
    if not ids:
        return
    asked = ", ".join(map(quoted, islice(ids, _ASKED)))
    by_id = {MACHINES: f"id in~ ({asked})", INTERFACES: f"tostring(properties.virtualMachine.id) in~ ({asked})"}
    readings = [
        reader.start(queries.query(name, settings).where(condition), scopes, urgent=True)
        for name, condition in by_id.items()
    ]
    there, attached = ([row["id"] for rows in reading for row in rows] for reading in readings)
    if there:
        yield events.MachinesNotRead(len(ids), len(there), there[0])
    elif attached:
        yield events.MachinesHidden(len(ids), attached[0])
    else:
        yield events.MachinesGone(len(ids))


def silent(reader: Reader, machines: Collection[str], assessed: Collection[str], *, filtered: bool) -> set[str]:
    """Return the subscriptions that have machines and not one assessment.

    Args:
        reader: Asks for those that a filter may have left out.
        machines: Subscriptions with machines.
        assessed: Subscriptions with an assessment that passes the filters.
        filtered: Whether there are filters.

    Raises:
        TapError: Azure can't be asked.
    """
    without = set(machines) - set(assessed)
    if without and filtered:
        without -= subscriptions_with(reader, queries.unfiltered(FINDINGS), without)
    return without


def _rows(reader: Reader, query: Query, subscriptions: Collection[str]) -> list[Row]:
    scopes = [Scope(subscriptions=batch) for batch in batches(tuple(sorted(subscriptions)))]
    return [row for rows in reader.start(query, scopes, urgent=True) for row in rows]
