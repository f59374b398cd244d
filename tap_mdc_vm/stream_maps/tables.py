"""Tables of a map, which log once what they don't hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tap_mdc_vm.events import WordNotInTable, emit

_NO_WORD = (None, "", "default")  # what a look-up asks for when a record has no word
_NAMED_AT_MOST = 20  # a table that is looked up by names of machines must not fill the log


class Table(dict[Any, Any]):
    """A table of a map: an ordinary dict, whose ``get`` warns once of each word that it does not hold."""

    def __init__(self, name: str, entries: Mapping[Any, Any]) -> None:
        super().__init__(entries)
        self.name, self.missed = name, set[Any]()

    def get(self, key: Any, default: Any = None, /) -> Any:  # noqa: ANN401 - as dict's
        """Return the entry for ``key``, or ``default``."""
        if key in self:
            return self[key]
        if key not in _NO_WORD and key not in self.missed and len(self.missed) < _NAMED_AT_MOST:
            self.missed.add(key)
            emit(WordNotInTable(self.name, key, default, last=len(self.missed) == _NAMED_AT_MOST))
        return default


def watched(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a map's ``stream_map_config`` with its tables in place of plain dicts."""
    return {name: Table(name, entries) if isinstance(entries, dict) else entries for name, entries in config.items()}
