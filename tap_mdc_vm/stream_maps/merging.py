"""Puts a user's own stream maps over a map, stream by stream and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from singer_sdk.mapper import NULL_STRING


def merged_maps(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return the stream maps of ``base`` with those of ``over`` put over them, field by field."""
    return base | {
        stream: base[stream] | fields if isinstance(fields, dict) and isinstance(base.get(stream), dict) else fields
        for stream, fields in over.items()
    }


def merged_tables(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return the ``stream_map_config`` of ``base`` with that of ``over`` put over it, word by word.

    A table with all its words in lower case is meant for any case: words put over it are taken in lower case too.
    """
    return base | {name: _merged_table(base.get(name), value) for name, value in over.items()}


def _merged_table(base: object, over: object) -> object:
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    lower = all(word == word.lower() for word in base)
    return base | {word.lower() if lower else word: value for word, value in over.items()}


def without_null_words(value: Any) -> Any:  # noqa: ANN401 - a map may hold anything
    """Return a value with null for every ``__NULL__`` in it, and with text for every key.

    Meltano drops a YAML null, so that users write the word. The SDK understands it in place of a stream and of a field,
    but not in place of ``__filter__`` or ``__key_properties__``.
    """
    if isinstance(value, Mapping):
        return {str(key): without_null_words(entry) for key, entry in value.items()}
    return None if isinstance(value, str) and value == NULL_STRING else value
