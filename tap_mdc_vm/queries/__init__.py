"""The queries: a text in Kusto's language by name, with the conditions that the settings' filters add to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from tap_mdc_vm.azure.resource_graph.model import Query, quoted
from tap_mdc_vm.queries import json_patterns
from tap_mdc_vm.settings import Settings

_NEWEST = {"virtual_machines": "timeCreated", "assessments": "status.statusChangeDate"}
"""Where a row says under `properties` how new it is."""

_OF_MACHINES = {
    "virtual_machines": "resourceGroup",
    "network_interfaces": "tostring(split(tostring(properties.virtualMachine.id), '/')[4])",
    "assessments": "tostring(split(id, '/')[4])",
    "software": "tostring(split(id, '/')[4])",
}
"""By query, where the resource group of the machine stands."""

_OF_ASSESSMENTS = {"assessments", "unclaimed_assessments"}


def query(name: str, settings: Settings) -> Query:
    """Return a query about what the settings choose: filters are conditions, so that Azure leaves out the rest."""
    chosen = unfiltered(name)
    for condition in _conditions(name, settings):
        chosen = chosen.where(condition)
    return chosen


def unfiltered(name: str) -> Query:
    """Return the query whatever the settings choose."""
    return Query(name, text(name), _NEWEST.get(name, ""))


@cache
def text(name: str) -> str:
    """Return the text of a file, without its comments: Azure has no use for them."""
    lines = Path(__file__).with_name(f"{name}.kql").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//"))


def _conditions(name: str, settings: Settings) -> Iterator[str]:
    if name in _OF_ASSESSMENTS:
        if settings.assessment_statuses:
            yield f"tostring(properties.status.code) in~ {_list(settings.assessment_statuses)}"
        if settings.assessment_severities:
            yield f"tostring(properties.metadata.severity) in~ {_list(settings.assessment_severities)}"
        if settings.recommendation_categories:
            yield _of_categories(settings.recommendation_categories)
    if name in _OF_MACHINES and settings.resource_groups:
        yield f"{_OF_MACHINES[name]} in~ {_list(settings.resource_groups)}"
    if name == "virtual_machines":
        for tag, values in settings.machine_tags.items():
            yield f"tostring(tags) matches regex {quoted(json_patterns.with_entry(tag, values))}"


def _of_categories(chosen: Sequence[str]) -> str:
    """Return the condition that the field ``recommendationCategory`` has one of some values, in any letter case.

    The field is ``metadata.recommendationCategory``, unless that says nothing or ``Unknown``: then it is the
    categories, joined by commas, and without any, nothing, which is what ``None`` asks for.
    """
    own, categories = "tostring(properties.metadata.recommendationCategory)", "tostring(properties.metadata.categories)"
    pattern = json_patterns.any_of(
        json_patterns.NO_TEXTS if each.lower() == "none" else json_patterns.joined(each) for each in chosen
    )
    by_categories = f"{own} in~ ('', 'Unknown') and {categories} matches regex {quoted(pattern)}"
    named = [each for each in chosen if each.lower() != "unknown"]
    return f"{own} in~ {_list(named)} or ({by_categories})" if named else by_categories


def _list(words: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, words))})"
