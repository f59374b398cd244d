"""What the last complete run covered, as the Singer state keeps it, and what a run lacks of that.

A target may remove what a stream does not bring any more. That is right for what is gone from Azure, and wrong for what
this run does not look at: a subscription whose role was taken away, another scope, narrower filters, another tenant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tap_mdc_vm.coverage import Coverage
from tap_mdc_vm.errors import ConfigurationError
from tap_mdc_vm.settings import Settings
from tap_mdc_vm.wording import shown

KEY = "covered"
"""Beside ``bookmarks`` in the state."""

_ANY = "*"
"""In place of the values of a tag that a machine must have, whatever its value."""


_SCOPES = ("subscription_ids", "management_group_ids")
_FILTERS = ("assessment_statuses", "assessment_severities", "recommendation_categories", "resource_groups")


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What a run covers.

    Attributes:
        tenant: Its id. A sandbox's tenant has one of its own.
        scope: The settings that choose it: one of ``subscription_ids`` and ``management_group_ids``, or neither.
        filters: The filters that are set, each with its values in an order of their own.
        subscriptions: Those that could be read, in lower case.
    """

    tenant: str
    scope: dict[str, list[str]]
    filters: dict[str, list[str]]
    subscriptions: list[str]

    @classmethod
    def by(cls, settings: Settings, coverage: Coverage) -> Covered:
        """Return what a run covers that reads all that it can."""
        tenants = Counter(subscription.tenant_id.lower() for subscription in coverage.readable)
        return cls(
            tenant=settings.tenant_id or max(tenants, key=tenants.__getitem__, default=""),
            scope={name: sorted(ids) for name in _SCOPES if (ids := getattr(settings, name))},
            filters=_filters(settings),
            subscriptions=sorted(subscription.id for subscription in coverage.readable),
        )

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> Covered | None:
        """Return what a state says; None if it says nothing, as that of the first run.

        Raises:
            ConfigurationError: It says it in another form than this version writes, or is no state, such as one within
                a message: taken for the state of a first run, it would let a target remove what this run lacks.
        """
        try:
            found = msgspec.convert(state, _State)
        except msgspec.ValidationError as error:
            raise _unfit(f"--state can't be read ({error})") from error
        if state and not {*_State.__struct_fields__} & {*state}:
            raise _unfit(f"--state holds neither 'bookmarks' nor {KEY!r}, but {', '.join(map(shown, state))}")
        return found.covered

    def as_state(self) -> dict[str, Any]:
        """Return the state's part."""
        return {KEY: msgspec.to_builtins(self)}

    def filters_in_words(self) -> str:
        """Return the filters as a line of the log names them."""
        return "; ".join(f"{name} {', '.join(values)}" for name, values in self.filters.items())

    def with_those_of(self, other: Covered) -> Covered:
        """Return the same with another's subscriptions as well, as long as both are of one tenant."""
        if other.tenant != self.tenant:
            return self
        every = sorted({*self.subscriptions, *other.subscriptions})
        return msgspec.structs.replace(self, subscriptions=every)

    def lacks(self, before: Covered) -> Iterator[str]:
        """Yield what an earlier run covered and this one does not, as parts of a sentence."""
        if self.tenant != before.tenant:
            yield f"it reads the tenant {self.tenant}, and that one read {before.tenant}"
            return
        if gone := sorted(set(before.subscriptions) - set(self.subscriptions)):
            why = "can't be read any more" if self.scope == before.scope else "is out of the scope that is set now"
            yield f"{', '.join(gone)} {why}"
        for name, values in self.filters.items():
            earlier = before.filters.get(name)
            if earlier is None or not (_ANY in values or set(earlier) <= set(values)):
                yield f"{name} is now {', '.join(values)}, and was {', '.join(earlier or ['not set'])}"


class _State(msgspec.Struct):
    """What is read of a Singer state."""

    bookmarks: dict[str, dict[str, Any]] = {}
    covered: Covered | None = None


def _unfit(problem: str) -> ConfigurationError:
    return ConfigurationError([f"{problem}: pass a state that this tap wrote, or run once without (--full-refresh)"])


def _filters(settings: Settings) -> dict[str, list[str]]:
    """Return the filters that are set, by name. Each tag is one of its own, as a machine must have all of them."""
    chosen = {name: sorted(map(str.lower, values)) for name in _FILTERS if (values := getattr(settings, name))}
    tags = {f"machine_tags.{name.lower()}": sorted(values) or [_ANY] for name, values in settings.machine_tags.items()}
    return chosen | tags
