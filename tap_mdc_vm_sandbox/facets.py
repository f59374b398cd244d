"""Facets: counts of a query's rows by the values of a column, asked for beside the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNT = "count"
_MAXIMUM_TOP = 1000


class FacetError(Exception):
    """A facet that can't be computed; the others and the rows can.

    Attributes:
        errors: Codes and messages, as they are answered.
    """

    def __init__(self, *errors: Mapping[str, str]) -> None:
        """Keep them."""
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Facet:
    """What to count by.

    Attributes:
        expression: A column of the result, or several, by commas; a path that a column was made of will do.
        options: `sortBy`, `sortOrder`, `filter`, `$top`.
    """

    expression: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def top(self) -> int:
        """Rows at most."""
        return int(self.options.get("$top") or _MAXIMUM_TOP)

    def query(self, text: str, columns: Mapping[str, bool]) -> str:
        """The query that counts.

        Args:
            text: The query whose rows are counted.
            columns: Its columns, and whether their values are dynamic.

        Raises:
            FacetError: It has no such column.
        """
        wanted = [word.strip() for word in self.expression.split(",") if word.strip()]
        found = {word: name for word in wanted if (name := _column(word, columns)) is not None}
        if len(found) < len(wanted) or not wanted:
            raise FacetError(*_invalid([word for word in wanted if word not in found], some=bool(found)))
        by = ", ".join(f"{name} = tostring({name})" if columns[name] else name for name in found.values())
        steps = [text.rstrip().rstrip("|")]
        if self.options.get("filter"):
            steps.append(f"where {self.options['filter']}")
        order = self.options.get("sortOrder") or "desc"
        steps += [f"summarize ['{COUNT}'] = count() by {by}", f"order by {self._sort_by()} {order}"]
        return "\n| ".join(steps)

    def _sort_by(self) -> str:
        chosen = str(self.options.get("sortBy") or COUNT)
        return f"['{COUNT}']" if chosen == COUNT else chosen


def problems_with(asked: object) -> str | None:
    """What is wrong with a facet as it was asked for; None if nothing is."""
    if not isinstance(asked, dict) or not isinstance(asked.get("expression"), str):
        return "each facet must be an object with an expression."
    options = asked.get("options") or {}
    if not isinstance(options, dict):
        return "the options of a facet must be an object."
    if options.get("sortOrder", "desc") not in {"asc", "desc"}:
        return "sortOrder must be asc or desc."
    top = options.get("$top", 1)
    if type(top) is not int or not 1 <= top <= _MAXIMUM_TOP:
        return f"$top of a facet must be between 1 and {_MAXIMUM_TOP}."
    if not all(isinstance(options.get(name, ""), str) for name in ("sortBy", "filter")):
        return "sortBy and filter must be strings."
    return None


def _column(word: str, columns: Mapping[str, bool]) -> str | None:
    name = re.sub(r"\W+", "_", word)
    return next((each for each in (word, name) if each in columns), None)


def _invalid(names: Sequence[str], *, some: bool) -> list[dict[str, str]]:
    none = {"code": "NoValidColumns", "message": "No valid columns in facet expression."}
    named = {"code": "InvalidColumnNames", "message": f"Invalid column names: [{', '.join(names)}]."}
    return [named] if some else [none, named]
