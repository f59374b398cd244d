"""Which subscriptions a run is about, which of them can be read, and in which scopes the queries are asked.

Resource Graph leaves out what the application may not read, without a sign. So the subscriptions are asked for first,
and a configured one that has no row is unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph.model import Row, Scope
from tap_mdc_vm.azure.resource_graph.reader import Reader
from tap_mdc_vm.errors import (
    MalformedAnswerError,
    NoAccessError,
    QueryRefusedError,
    RequestRefusedError,
    TapError,
    see,
)
from tap_mdc_vm.settings import Settings

BATCH = 250
"""Subscriptions per request. Microsoft recommends fewer than 300, and allows 1,000."""

_GROUPS_AT_ONCE = 10
"""Management groups per request; the Azure CLI sends no more."""

_RESOURCE = re.compile(r"/subscriptions/([^/]+)/?", re.IGNORECASE)
"""The resource id of a subscription, by Azure Resource Manager's form of ids."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that the application can see, in another tenant maybe, with Azure Lighthouse.

    Attributes:
        id: Its GUID, in lower case.
        state: ``Enabled``, ``Disabled``, ``Warned``, ``PastDue`` …
    """

    id: str
    state: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a run covers.

    Attributes:
        requested: How many subscriptions were asked for.
        readable: Those that can be read.
        unreadable: Ids of subscriptions, or of management groups, that were asked for and can't.
        scopes: Where to ask, one after the other; no subscription lies in two of them. None if nothing can be read.
        denials: What Azure said where it refused, instead of leaving out what can't be read.
        shortcomings: Why there may be more subscriptions than these.
    """

    requested: int
    readable: tuple[Subscription, ...]
    unreadable: tuple[str, ...]
    scopes: tuple[Scope, ...]
    denials: tuple[TapError, ...] = ()
    shortcomings: tuple[str, ...] = ()


def survey(reader: Reader, settings: Settings) -> Coverage:
    """Ask which subscriptions can be read. It may be none: see :func:`check`.

    Raises:
        TapError: Azure can't be asked.
    """
    if settings.management_group_ids:  # where Azure may answer 400 for one that it does not know, with any code
        return _Survey(reader, (NoAccessError, RequestRefusedError)).of_groups(settings.management_group_ids)
    return _Survey(reader, (NoAccessError,)).of_subscriptions(settings.subscription_ids)


def disabled(coverage: Coverage) -> list[str]:
    """Return the subscriptions that are not enabled, with their state: what Azure returns of them is not documented."""
    return [f"{each.id} ({each.state})" for each in coverage.readable if each.state not in {"", "Enabled"}]


def check(coverage: Coverage, *, tolerant: bool) -> None:
    """See that there is something to read and, unless ``tolerant``, that all that was asked for can be.

    Raises:
        NoAccessError: It can't.
    """
    if coverage.scopes and (tolerant or not coverage.unreadable):
        return
    ids = ", ".join(coverage.unreadable)
    said = next(iter(coverage.denials), TapError(""))
    raise NoAccessError(
        f"The application can't read {ids}." if ids else "The application can't read any subscription of this tenant.",
        "Assign the Reader role to it there (Access control (IAM) > Add role assignment), and check the ids and the "
        f"tenant; a new role can take some minutes to show. {see('no-access')}",
        code=said.code,
        correlation_id=said.correlation_id,
    )


class _Survey:
    """Probes, and what they tell beside their rows."""

    def __init__(self, reader: Reader, no_access: tuple[type[TapError], ...]) -> None:
        self._reader, self._no_access = reader, no_access
        self._denials: list[TapError] = []
        self._shortcomings: list[str] = []

    def of_subscriptions(self, ids: tuple[str, ...]) -> Coverage:
        """Ask for the subscriptions that are named; for all, if none is."""
        asked = [Scope(subscriptions=batch) for batch in batches(ids)] or [Scope()]
        found = [_subscription(row) for rows in self._rows(asked) for row in rows]
        if not ids:
            return self._coverage(found, asked if found else [])
        readable = {subscription.id for subscription in found}
        scopes = [Scope(subscriptions=batch) for batch in batches(tuple(id_ for id_ in ids if id_ in readable))]
        return self._coverage(found, scopes, tuple(id_ for id_ in ids if id_ not in readable), requested=len(ids))

    def of_groups(self, groups: tuple[str, ...]) -> Coverage:
        """Ask group by group, so that one that is wrong does not hide the others."""
        rows_of = dict(zip(groups, self._rows([Scope(management_groups=(group,)) for group in groups]), strict=True))
        found = {each.id: each for rows in rows_of.values() for each in map(_subscription, rows)}
        empty = [group for group in groups if not rows_of[group]]
        probes = self._rows([Scope(management_groups=(group,)) for group in empty], "management_groups")
        unreadable = tuple(
            group for group, rows in zip(empty, probes, strict=True) if group.lower() not in map(_last_part, rows)
        )
        asked = tuple(group for group in groups if group not in unreadable)
        scopes = [Scope(management_groups=asked)] if asked else []
        if len(asked) > _GROUPS_AT_ONCE:  # they may lie within each other: only subscriptions can be shared out
            scopes = [Scope(subscriptions=batch) for batch in batches(tuple(found))]
        return self._coverage(list(found.values()), scopes, unreadable)

    def _coverage(
        self,
        found: list[Subscription],
        scopes: list[Scope],
        unreadable: tuple[str, ...] = (),
        requested: int | None = None,
    ) -> Coverage:
        asked = len(found) if requested is None else requested
        return Coverage(asked, tuple(found), unreadable, tuple(scopes), tuple(self._denials), tuple(self._shortcomings))

    def _rows(self, scopes: list[Scope], name: str = "subscriptions") -> list[list[Row]]:
        """Return a probe's rows in each scope; no access is what it is there to find out, and counts as none."""
        readings = [self._reader.start(queries.unfiltered(name), [scope], urgent=True) for scope in scopes]
        found: list[list[Row]] = []
        for reading in readings:
            try:
                found.append([row for rows in reading for row in rows])
            except QueryRefusedError:
                raise
            except self._no_access as error:
                self._denials.append(error)
                found.append([])
            self._shortcomings.extend(reading.shortcomings)
        return found


def _subscription(row: Row) -> Subscription:
    """Return a subscription, whose id stands in a column of its own and at the end of the resource's.

    Raises:
        MalformedAnswerError: It stands in neither.
    """
    own, found = row.get("subscriptionId"), _RESOURCE.fullmatch(row["id"])
    id_ = own if isinstance(own, str) and own else found[1] if found else ""
    if not id_:
        raise MalformedAnswerError(
            "Resource Graph listed a subscription without its id.",
            f"Report it to Microsoft, or to us with this line. {see('malformed-answer')}",
        )
    return Subscription(id_.lower(), str(row.get("state") or ""), str(row.get("tenantId") or ""))


def _last_part(row: Row) -> str:
    """Return a management group's name, which is the last part of its resource's id."""
    return row["id"].rstrip("/").rpartition("/")[2].lower()


def batches(ids: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return subscriptions in groups that one request takes."""
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
