"""Rows that share an id: one of them is the resource's, whatever the order in which they came."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tap_mdc_vm import events
from tap_mdc_vm.azure.resource_graph import answers
from tap_mdc_vm.azure.resource_graph.model import Query, RawRow, Row
from tap_mdc_vm.resource_ids import lower

_NAMED = 5
"""Ids that are named in the log for each query."""

_BEYOND_MICROSECONDS = re.compile(r"[.,][0-9]{6}([0-9]+)")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Duplicates:
    """Tells the rows of a query by their ids."""

    def __init__(self, query: Query) -> None:
        """Begin with no row that came twice."""
        self._query, self._named = query, set[str]()

    def by_id(self, rows: Sequence[RawRow]) -> dict[str, RawRow]:
        """Return rows by their ids in lower case; of several with one id the newest, and a warning if they differ."""
        ids = [lower(row.id) for row in rows]
        distinct = dict(zip(ids, rows, strict=True))
        if len(distinct) < len(rows):
            for row_id, row in zip(ids, rows, strict=True):
                distinct[row_id] = self._newer(row_id, distinct[row_id], row)
        return distinct

    def _newer(self, row_id: str, *raw: RawRow) -> RawRow:
        """Return the newer of two rows; where no date tells, one that doesn't depend on their order."""
        rows = [*map(answers.row, raw)]
        # What a row says, but for its id, whose letter case says nothing.
        contents = [msgspec.json.encode({**row, "id": ""}) for row in rows]
        if contents[0] != contents[1] and row_id not in self._named and len(self._named) < _NAMED:
            self._named.add(row_id)
            events.emit(events.UnlikeRows(self._query.name, row_id))
        keys = [(*self._date(row), content, row["id"]) for row, content in zip(rows, contents, strict=True)]
        return raw[keys.index(max(keys))]

    def _date(self, row: Row) -> tuple[datetime, str]:
        """Return the date of a row, one long ago where none can be read, and its digits beyond microseconds.

        Azure gives seven digits, of which Python keeps six, and may leave out zeros at the end.
        """
        try:
            value: Any = msgspec.json.decode(row.get("properties") or b"null") if self._query.newest else None
            for name in self._query.newest.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            text = str(value).upper()
            date = datetime.fromisoformat(text)
        except ValueError:
            return _LONG_AGO, ""
        beyond = _BEYOND_MICROSECONDS.search(text)
        return date if date.tzinfo else date.replace(tzinfo=UTC), beyond[1].rstrip("0") if beyond else ""
