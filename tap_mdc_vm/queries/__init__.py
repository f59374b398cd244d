"""The queries: a text in Kusto's language by name, with the conditions that the settings add to it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tap_mdc_vm.azure.resource_graph.model import Query, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_mdc_vm.settings import Settings

_NEWEST = {"virtual_machines": "timeCreated", "assessments": "status.statusChangeDate"}
"""Where a row says under `properties` how new it is."""


def query(name: str, settings: Settings) -> Query:
    """Return a query about what the settings choose.

    Args:
        name: Of a file in this folder, such as ``virtual_machines``.
        settings: Their filters become conditions, so that Azure leaves out what does not pass.
    """
    chosen = unfiltered(name)
    for condition in _conditions(name, settings):
        chosen = chosen.where(condition)
    return chosen


def unfiltered(name: str) -> Query:
    """Return the query whatever the settings choose."""
    return Query(name, text(name), _NEWEST.get(name, ""))


@cache
def text(name: str) -> str:
    """Return the text of a file, without its comments: a query is logged by Azure as it is sent."""
    lines = Path(__file__).with_name(f"{name}.kql").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//"))


def _conditions(name: str, settings: Settings) -> Iterator[str]:
    if name in {"assessments", "unclaimed_assessments"} and settings.assessment_statuses:
        yield f"tostring(properties.status.code) in~ {_list(settings.assessment_statuses)}"


def _list(words: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, words))})"
