"""Which subscriptions a run is about, which of them can be read, and in which scopes the queries are asked.

Resource Graph leaves out what the application may not read, without a sign. So the subscriptions are asked for first,
and a configured one that has no row is unreadable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_mdc_vm import queries
from tap_mdc_vm.azure.resource_graph.model import Scope
from tap_mdc_vm.errors import MalformedAnswerError, NoAccessError, QueryRefusedError, RequestRefusedError, see

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_mdc_vm.azure.resource_graph.model import Row
    from tap_mdc_vm.azure.resource_graph.reader import Reader, Reading
    from tap_mdc_vm.errors import TapError
    from tap_mdc_vm.settings import Settings

BATCH = 250
"""Subscriptions per request. Microsoft recommends fewer than 300, and allows 1,000."""

_GROUPS_AT_ONCE = 10
"""Management groups per request; the Azure CLI sends no more."""

_RESOURCE = re.compile(r"/subscriptions/([^/]+)/?", re.IGNORECASE)
"""The resource id of a subscription, by Azure Resource Manager's form of ids."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that the application can see.

    Attributes:
        id: Its GUID, in lower case.
        name: What people call it.
        state: ``Enabled``, ``Disabled``, ``Warned``, ``PastDue`` …
        tenant_id: Another tenant's than the application's with Azure Lighthouse.
        groups: The management groups above it, in lower case.
    """

    id: str
    name: str
    state: str
    tenant_id: str
    groups: frozenset[str]


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


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the probes of a survey tell beside their rows.

    Attributes:
        about_groups: Whether it is about management groups.
        denials: What Azure said where it refused.
        shortcomings: Why a probe's rows can't be proven to be all.
    """

    about_groups: bool
    denials: list[TapError] = field(default_factory=list)
    shortcomings: list[str] = field(default_factory=list)


def survey(reader: Reader, settings: Settings) -> Coverage:
    """Ask which subscriptions can be read. It may be none: see :func:`check`.

    Raises:
        TapError: Azure can't be asked.
    """
    findings = _Findings(bool(settings.management_group_ids))
    if settings.subscription_ids:
        coverage = _of_subscriptions(reader, settings.subscription_ids, findings)
    elif settings.management_group_ids:
        coverage = _of_groups(reader, settings.management_group_ids, findings)
    else:
        found = _subscriptions([_start(reader, "subscriptions", Scope())], findings)
        coverage = Coverage(len(found), found, (), (Scope(),) if found else ())
    return replace(coverage, denials=tuple(findings.denials), shortcomings=tuple(findings.shortcomings))


def disabled(coverage: Coverage) -> list[str]:
    """Return the subscriptions that are not enabled, with their state: what Azure returns of them is not documented."""
    return [f"{each.id} ({each.state})" for each in coverage.readable if each.state not in {"", "Enabled"}]


def check(coverage: Coverage, *, tolerant: bool) -> None:
    """See that there is something to read and, unless ``tolerant``, that all that was asked for can be.

    Raises:
        NoAccessError: It can't.
    """
    if not coverage.scopes or (coverage.unreadable and not tolerant):
        raise _no_access(coverage)


def _no_access(coverage: Coverage) -> NoAccessError:
    """Return the error that says what can't be read, and what to do about it."""
    ids = ", ".join(coverage.unreadable)
    said = coverage.denials[0] if coverage.denials else None
    return NoAccessError(
        f"The application can't read {ids}." if ids else "The application can't read any subscription of this tenant.",
        "Assign the Reader role to it there (Access control (IAM) > Add role assignment), and check the ids and the "
        f"tenant; a new role can take some minutes to show. {see('no-access')}",
        code=said.code if said else "",
        correlation_id=said.correlation_id if said else "",
    )


def _of_subscriptions(reader: Reader, ids: tuple[str, ...], findings: _Findings) -> Coverage:
    readings = [_start(reader, "subscriptions", Scope(subscriptions=batch)) for batch in batches(ids)]
    found = _subscriptions(readings, findings)
    readable = {subscription.id for subscription in found}
    asked = tuple(id_ for id_ in ids if id_ in readable)
    return Coverage(
        len(ids),
        found,
        tuple(id_ for id_ in ids if id_ not in readable),
        tuple(Scope(subscriptions=batch) for batch in batches(asked)),
    )


def _of_groups(reader: Reader, groups: tuple[str, ...], findings: _Findings) -> Coverage:
    """Ask group by group, so that one that is wrong does not hide the others."""
    readings = [_start(reader, "subscriptions", Scope(management_groups=(group,))) for group in groups]
    by_group = {group: _subscriptions([reading], findings) for group, reading in zip(groups, readings, strict=True)}
    empty = [group for group, found in by_group.items() if not found]
    probes = [_start(reader, "management_groups", Scope(management_groups=(group,))) for group in empty]
    unreadable = tuple(
        group
        for group, probe in zip(empty, probes, strict=True)
        if group.lower() not in {_last_part(row) for row in _rows(probe, findings)}
    )
    found = {subscription.id: subscription for some in by_group.values() for subscription in some}
    asked = tuple(group for group in groups if group not in unreadable)
    if len(asked) > _GROUPS_AT_ONCE:
        # Groups may lie within each other: only subscriptions can be shared out without asking for one twice.
        scopes = tuple(Scope(subscriptions=batch) for batch in batches(tuple(found)))
    else:
        scopes = (Scope(management_groups=asked),) if asked else ()
    return Coverage(len(found), tuple(found.values()), unreadable, scopes)


def _start(reader: Reader, name: str, scope: Scope) -> Reading:
    return reader.start(queries.unfiltered(name), [scope], urgent=True)


def _rows(reading: Reading, findings: _Findings) -> list[Row]:
    """Return a probe's rows; no access is what it is there to find out, is noted, and counts as none.

    For a group that it does not know, Azure may answer 400 too; not so for subscriptions, whose ids are checked before.
    """
    try:
        return [row for rows in reading for row in rows]
    except NoAccessError as error:
        findings.denials.append(error)
    except RequestRefusedError as error:
        if not findings.about_groups or isinstance(error, QueryRefusedError):
            raise
        findings.denials.append(error)
    finally:
        findings.shortcomings.extend(reading.shortcomings)
    return []


def _subscriptions(readings: Iterable[Reading], findings: _Findings) -> tuple[Subscription, ...]:
    rows = [row for reading in readings for row in _rows(reading, findings)]
    return tuple(_subscription(row) for row in rows)


def _subscription(row: Row) -> Subscription:
    """Read a row; only a subscription's id can't be done without.

    Raises:
        MalformedAnswerError: There is none.
    """
    return Subscription(
        id=_subscription_id(row),
        name=str(row.get("name") or ""),
        state=str(row.get("state") or ""),
        tenant_id=str(row.get("tenantId") or ""),
        groups=_groups(row.get("managementGroups")),
    )


def _subscription_id(row: Row) -> str:
    """Return the id, which stands in a column of its own and at the end of the resource's.

    Raises:
        MalformedAnswerError: It stands in neither.
    """
    own = row.get("subscriptionId")
    if isinstance(own, str) and own:
        return own.lower()
    if found := _RESOURCE.fullmatch(row["id"]):
        return found[1].lower()
    raise MalformedAnswerError(
        "Resource Graph listed a subscription without its id.",
        f"Report it to Microsoft, or to us with this line. {see('malformed-answer')}",
    )


def _groups(chain: object) -> frozenset[str]:
    """Return the names of the groups above a subscription; what is no group with a name says nothing."""
    groups = chain if isinstance(chain, list) else []
    names = (group.get("name") for group in groups if isinstance(group, dict))
    return frozenset(name.lower() for name in names if isinstance(name, str) and name)


def _last_part(row: Row) -> str:
    """Return a management group's name, which is the last part of its resource's id."""
    return row["id"].rstrip("/").rpartition("/")[2].lower()


def batches(ids: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return subscriptions in groups that one request takes."""
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
